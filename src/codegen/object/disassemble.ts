/** Disassembles an object image: BPF assembly as LLVM and the kernel write it, under policy lines. */
import type { MachineInstruction } from '../assembly/isa.js';
import { slotsOf } from '../assembly/isa.js';
import {
  type AluOperation,
  HELPER_NUMBERS,
  type Operand,
  type Reg,
  type Test,
} from '../assembly/listing.js';
import {
  DATAPATH_FILE,
  type ImageFunction,
  type ImageInstruction,
  type ObjectImage,
  type Reference,
  type SourceLine,
} from './object-image.js';

/** The text of all functions, each line ended. */
export function disassemble(image: ObjectImage): string {
  return image.functions.map((one) => disassembleFunction(one)).join('\n');
}

/** The text of one function: policy lines as comments, labels `L1:` at jump targets. */
export function disassembleFunction(one: ImageFunction): string {
  const labels = nameTargets(one);
  const lines = [`${one.name}:${one.role === 'program' ? '' : '  ; subprogram'}`];
  for (const at of one.instructions) {
    if (at.line !== undefined) lines.push(`; ${formatLine(at.line)}`);
    const label = labels.get(at.slot);
    if (label !== undefined) lines.push(`${label}:`);
    lines.push(`${String(at.slot).padStart(6)}: ${formatInstruction(at, labels)}`);
  }
  return `${lines.join('\n')}\n`;
}

function nameTargets(one: ImageFunction): ReadonlyMap<number, string> {
  const targets = new Set<number>();
  for (const at of one.instructions) {
    const target = targetSlot(at);
    if (target !== undefined) targets.add(target);
  }
  const sorted = [...targets].sort((a, b) => a - b);
  return new Map(sorted.map((slot, i) => [slot, `L${i + 1}`]));
}

/** The slot that a jump or branch leads to. */
export function targetSlot({ slot, instruction }: ImageInstruction): number | undefined {
  return instruction.kind === 'jump' || instruction.kind === 'branch'
    ? slot + slotsOf(instruction) + instruction.distance
    : undefined;
}

/** Line info's text already begins with the policy's path and line. */
function formatLine(line: SourceLine): string {
  return line.file === DATAPATH_FILE ? line.text : `${line.text}  [column ${line.column}]`;
}

const ALU_SIGNS: Readonly<Record<AluOperation, string>> = {
  mov: '=',
  add: '+=',
  sub: '-=',
  mul: '*=',
  div: '/=',
  mod: '%=',
  or: '|=',
  and: '&=',
  xor: '^=',
  lsh: '<<=',
  rsh: '>>=',
  arsh: 's>>=',
};

const TEST_SIGNS: Readonly<Record<Test, string>> = {
  eq: '==',
  ne: '!=',
  gt: '>',
  ge: '>=',
  lt: '<',
  le: '<=',
  set: '&',
  sgt: 's>',
  sge: 's>=',
  slt: 's<',
  sle: 's<=',
};

const HELPER_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(HELPER_NUMBERS).map(([name, number]) => [number, name]),
);

/** One instruction; jump targets by `labels`, or by distance where it has none. */
export function formatInstruction(
  at: ImageInstruction,
  labels: ReadonlyMap<number, string> = new Map(),
): string {
  const { instruction } = at;
  switch (instruction.kind) {
    case 'alu': {
      const { width, operation } = instruction;
      const dst = register(instruction.dst, width);
      return `${dst} ${ALU_SIGNS[operation]} ${operand(instruction.src, width)}`;
    }
    case 'negate': {
      const dst = register(instruction.dst, instruction.width);
      return `${dst} = -${dst}`;
    }
    case 'to-big-endian':
      return `r${instruction.dst} = be${instruction.bits} r${instruction.dst}`;
    case 'load': {
      const { dst, size, base, offset } = instruction;
      return `r${dst} = ${memory(size, base, offset)}`;
    }
    case 'store': {
      const { size, base, offset, src } = instruction;
      return `${memory(size, base, offset)} = ${operand(src, 64)}`;
    }
    case 'atomic-add': {
      const { size, base, offset, src } = instruction;
      return `lock ${memory(size, base, offset)} += r${src}`;
    }
    case 'load-imm64':
      return `r${instruction.dst} = ${wide(instruction, at.reference)}`;
    case 'jump':
      return `goto ${target(at, labels)}`;
    case 'branch': {
      const { test, width, left, right } = instruction;
      const condition = `${register(left, width)} ${TEST_SIGNS[test]} ${operand(right, width)}`;
      return `if ${condition} goto ${target(at, labels)}`;
    }
    case 'call':
      return `call ${HELPER_NAMES.get(instruction.helper) ?? ''}#${instruction.helper}`;
    case 'call-function':
      return `call ${at.reference?.name ?? `pc${signed(instruction.distance)}`}`;
    case 'exit':
      return 'exit';
  }
}

function register(reg: Reg, width: 32 | 64): string {
  return `${width === 64 ? 'r' : 'w'}${reg}`;
}

function operand(source: Operand, width: 32 | 64): string {
  return 'reg' in source ? register(source.reg, width) : String(source.imm);
}

function memory(size: 1 | 2 | 4 | 8, reg: Reg, offset: number): string {
  const place = offset < 0 ? `- ${-offset}` : `+ ${offset}`;
  return `*(u${8 * size} *)(r${reg} ${place})`;
}

function wide(
  { value }: Extract<MachineInstruction, { readonly kind: 'load-imm64' }>,
  reference: Reference | undefined,
): string {
  switch (reference?.kind) {
    case 'map':
      return `map[${reference.name}] ll`;
    case 'table':
      return `table[${reference.name}]+${value.toString()} ll`;
    default:
      return `0x${value.toString(16)} ll`;
  }
}

function target(at: ImageInstruction, labels: ReadonlyMap<number, string>): string {
  const slot = targetSlot(at);
  if (slot === undefined) return '';
  return labels.get(slot) ?? `pc${signed(slot - at.slot - 1)}`;
}

function signed(n: number): string {
  return n < 0 ? String(n) : `+${n}`;
}
