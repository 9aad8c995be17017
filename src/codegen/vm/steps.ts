/** Turns instructions into the VM's steps: closures over the cells that they read and write. */
import { bug } from '../../diagnostics.js';
import type { MachineInstruction } from '../assembly/isa.js';
import {
  HELPER_NUMBERS,
  type HelperName,
  type Operand,
  type Reg,
  type Width,
} from '../assembly/listing.js';
import type { ImageFunction, ImageInstruction, Reference } from '../object/object-image.js';
import {
  COMPARE_32,
  COMPARE_64,
  negate,
  OPERATE_32,
  OPERATE_64,
  toBigEndian,
} from './arithmetic.js';
import { CALLS, tailCallTarget } from './calls.js';
import type { Machine } from './machine.js';
import { type Cell, copyCell, NUMBER, numberCell, setBig, UNSET, violate } from './memory.js';
import { addTo, comparePointers, loadFrom, storeNumber, storeTo } from './pointers.js';

/** Does one instruction and returns the index of the next, or -1 at the end of the program. */
export type Step = () => number;

export interface StepPlace {
  /** The index of the next instruction. */
  readonly next: number;
  /** The index of the instruction that a distance of slots leads to. */
  readonly target: (distance: number) => number;
  /** The index of a function's first instruction. */
  readonly entry: (name: string) => number;
  /** What a global function takes; undefined for static ones. */
  readonly parameters: (name: string) => ImageFunction['parameters'];
}

export function makeStep(machine: Machine, at: ImageInstruction, place: StepPlace): Step {
  const { instruction } = at;
  const { next } = place;
  const cell = (reg: Reg): Cell => machine.cell(reg);
  switch (instruction.kind) {
    case 'alu':
      return aluStep(
        instruction,
        writable(machine, instruction.dst),
        source(machine, instruction.src),
        next,
      );
    case 'negate': {
      const d = writable(machine, instruction.dst);
      return () => {
        checkNumber(d);
        negate(d, instruction.width);
        return next;
      };
    }
    case 'to-big-endian': {
      const d = writable(machine, instruction.dst);
      return () => {
        checkNumber(d);
        toBigEndian(d, instruction.bits);
        return next;
      };
    }
    case 'load':
      return loadStep(machine, instruction, next);
    case 'store': {
      const { size, offset } = instruction;
      const base = cell(instruction.base);
      const s = source(machine, instruction.src);
      return () => {
        storeTo(machine, base, offset, size, s);
        return next;
      };
    }
    case 'atomic-add':
      return atomicStep(machine, instruction, next);
    case 'load-imm64':
      return wideStep(machine, instruction, at.reference, next);
    case 'jump': {
      const target = place.target(instruction.distance);
      return () => target;
    }
    case 'branch': {
      const target = place.target(instruction.distance);
      return branchStep(machine, instruction, target, next);
    }
    case 'call':
      return callStep(machine, instruction.helper, place);
    case 'call-function': {
      const name = at.reference?.name ?? bug('a call of a function has no name');
      const entry = place.entry(name);
      const parameters = place.parameters(name);
      return () => {
        machine.enterFunction(next, parameters);
        return entry;
      };
    }
    case 'exit':
      return () => machine.leave();
  }
}

type Only<Kind extends MachineInstruction['kind']> = Extract<
  MachineInstruction,
  { readonly kind: Kind }
>;

function writable(machine: Machine, reg: Reg): Cell {
  if (reg === 10) violate('the frame pointer is read-only');
  return machine.cell(reg);
}

function source(machine: Machine, operand: Operand): Cell {
  return 'reg' in operand ? machine.cell(operand.reg) : numberCell(operand.imm);
}

function checkNumber(cell: Cell): void {
  if (cell.region === NUMBER) return;
  violate(
    cell.region === UNSET
      ? 'a register that holds nothing is used'
      : `arithmetic on a pointer to ${cell.region.name}`,
  );
}

function aluStep(instruction: Only<'alu'>, d: Cell, s: Cell, next: number): Step {
  const { operation, width, src } = instruction;
  if ('imm' in src) checkImmediate(operation, width, src.imm);
  if (operation === 'mov') return movStep(width, d, s, next);
  const operate = (width === 64 ? OPERATE_64 : OPERATE_32)[operation];
  return () => {
    if (d.region === NUMBER && s.region === NUMBER) operate(d, s);
    else addTo(operation, width, d, s);
    return next;
  };
}

/** The verifier refuses what cannot have a meaning. */
function checkImmediate(operation: string, width: Width, imm: number): void {
  const divides = operation === 'div' || operation === 'mod';
  if (divides && imm === 0) violate('a division by the immediate 0');
  const shifts = operation === 'lsh' || operation === 'rsh' || operation === 'arsh';
  if (shifts && (imm < 0 || imm >= width)) violate(`a ${width}-bit shift by ${imm}`);
}

function movStep(width: Width, d: Cell, s: Cell, next: number): Step {
  if (width === 64) {
    return () => {
      if (s.region === UNSET) checkNumber(s);
      copyCell(d, s);
      return next;
    };
  }
  return () => {
    checkNumber(s);
    d.lo = s.lo;
    d.hi = 0;
    d.region = NUMBER;
    return next;
  };
}

/** Loads from plain memory are done here, since most instructions of a policy are such. */
function loadStep(machine: Machine, instruction: Only<'load'>, next: number): Step {
  const { size, offset } = instruction;
  const d = writable(machine, instruction.dst);
  const base = machine.cell(instruction.base);
  const special = (): number => {
    loadFrom(machine, d, base, offset, size);
    return next;
  };
  const plain = (at: number): boolean =>
    base.region.kind === 'memory' && at >= 0 && at + size <= base.region.size;
  const set = (low: number, high: number): number => {
    d.lo = low;
    d.hi = high;
    d.region = NUMBER;
    return next;
  };
  switch (size) {
    case 1:
      return () => {
        const at = base.lo + offset;
        return plain(at) ? set(base.region.view.getUint8(at), 0) : special();
      };
    case 2:
      return () => {
        const at = base.lo + offset;
        return plain(at) ? set(base.region.view.getUint16(at, true), 0) : special();
      };
    case 4:
      return () => {
        const at = base.lo + offset;
        return plain(at) ? set(base.region.view.getInt32(at, true), 0) : special();
      };
    case 8:
      return () => {
        const at = base.lo + offset;
        if (!plain(at)) return special();
        const { view } = base.region;
        return set(view.getInt32(at, true), view.getInt32(at + 4, true));
      };
  }
}

function atomicStep(machine: Machine, instruction: Only<'atomic-add'>, next: number): Step {
  const { size, offset } = instruction;
  const base = machine.cell(instruction.base);
  const s = machine.cell(instruction.src);
  const sum = numberCell(0);
  const operate = OPERATE_64.add;
  return () => {
    checkNumber(s);
    // BPF_ATOMIC stores into the packet and the context are prohibited.
    if (base.region === machine.buffer.linear || base.region.kind === 'context') {
      violate(`an atomic addition to ${base.region.name}`);
    }
    if ((base.lo + offset) % size !== 0) violate('an atomic addition that is not aligned');
    loadFrom(machine, sum, base, offset, size);
    checkNumber(sum);
    operate(sum, s);
    storeNumber(machine, base, offset, size, sum);
    return next;
  };
}

function wideStep(
  machine: Machine,
  instruction: Only<'load-imm64'>,
  reference: Reference | undefined,
  next: number,
): Step {
  const d = writable(machine, instruction.dst);
  const constant = numberCell(0);
  setBig(constant, instruction.value);
  if (reference?.kind === 'map') {
    constant.region = machine.mapRegion(reference.name);
    constant.lo = 0;
    constant.hi = 0;
  } else if (reference?.kind === 'table') {
    constant.region = machine.table(reference.name);
    if (constant.lo < 0 || constant.hi !== 0 || constant.lo >= constant.region.size) {
      violate(`the address ${instruction.value.toString()} is outside of ${constant.region.name}`);
    }
  }
  return () => {
    copyCell(d, constant);
    return next;
  };
}

function branchStep(
  machine: Machine,
  instruction: Only<'branch'>,
  target: number,
  next: number,
): Step {
  const { test, width } = instruction;
  const l = machine.cell(instruction.left);
  const r = source(machine, instruction.right);
  const compare = (width === 64 ? COMPARE_64 : COMPARE_32)[test];
  return () => {
    const holds =
      l.region === NUMBER && r.region === NUMBER
        ? compare(l, r)
        : comparePointers(test, width, l, r);
    return holds ? target : next;
  };
}

const HELPER_NAMES: ReadonlyMap<number, HelperName> = new Map(
  Object.entries(HELPER_NUMBERS).map(([name, number]) => [number, name as HelperName]),
);

function callStep(machine: Machine, helper: number, { next, entry }: StepPlace): Step {
  const name = HELPER_NAMES.get(helper);
  if (name === undefined) return violate(`the kernel function ${helper} is unknown`);
  if (name === 'tail_call') {
    return () => {
      const program = tailCallTarget(machine);
      if (program !== undefined && machine.tailCall()) return entry(program);
      machine.cell(0).region = UNSET;
      machine.forgetArguments();
      return next;
    };
  }
  const call = CALLS[name];
  return () => {
    call(machine);
    machine.forgetArguments();
    return next;
  };
}
