/** Translates one BPF function to WebAssembly: registers become locals, jumps become nested blocks. */
import { bug } from '../../diagnostics.js';
import { slotsOf } from '../assembly/isa.js';
import type { AluOperation, MemorySize, Operand, Reg, Test, Width } from '../assembly/listing.js';
import type { ImageFunction, ImageInstruction, Reference } from '../object/object-image.js';
import { EMPTY_BLOCK, I32, I64, OP, WasmWriter } from './bytes.js';

/** What the rest of the module gives a function. */
export interface WasmLinks {
  /** The global that holds the address of a table's byte 0, or what stands for a map. */
  readonly addressOf: (reference: Reference) => number | { readonly global: number };
  readonly functionIndex: (name: string) => number;
  /** A kernel function's, or undefined for one that is read from memory. */
  readonly helper: (
    number: number,
  ) =>
    | { readonly kind: 'call'; readonly index: number }
    | { readonly kind: 'clock'; readonly address: number };
  readonly byteSwap: number;
}

export const FRAME_BYTES = 512;

/** Locals: r1 to r5 and the frame pointer are parameters. */
const FRAME_LOCAL = 5;
const TARGET_LOCAL = 13;
const ROUNDS_LOCAL = 14;
/** Jumps back that a call may make: what runs longer than that never ends. */
const MAX_ROUNDS = 100_000;
const localOf = (reg: Reg): number => (reg === 0 ? 6 : reg <= 5 ? reg - 1 : reg + 1);

/** The body: locals and code. */
export function translateFunction(one: ImageFunction, links: WasmLinks): WasmWriter {
  const code = new WasmWriter();
  code.unsigned(2).unsigned(7).byte(I64).unsigned(2).byte(I32);
  code.get(FRAME_LOCAL).byte(OP.i64ExtendI32U).set(localOf(10));
  const flow = new Flow(one, code);
  flow.begin();
  const translator = { code, links, flow };
  for (const at of one.instructions) {
    flow.reach(at.slot);
    translate(translator, at);
  }
  flow.end();
  code.byte(OP.unreachable).byte(OP.end);
  return code;
}

interface Translator {
  readonly code: WasmWriter;
  readonly links: WasmLinks;
  readonly flow: Flow;
}

/**
 * Jumps. A block ends at each target, the innermost at the first, so that a jump ahead leaves blocks.
 * A jump back leaves all of them to the loop around, which enters where `TARGET_LOCAL` says.
 */
class Flow {
  /** Slots that jumps lead to, ascending. */
  readonly #targets: readonly number[];
  readonly #back: readonly number[];
  #closed = 0;

  constructor(
    one: ImageFunction,
    private readonly code: WasmWriter,
  ) {
    const jumps = one.instructions.flatMap((at) => {
      const { instruction } = at;
      if (instruction.kind !== 'jump' && instruction.kind !== 'branch') return [];
      return [{ from: at.slot, to: targetOf(at, instruction.distance) }];
    });
    this.#targets = [...new Set(jumps.map(({ to }) => to))].sort((a, b) => a - b);
    this.#back = [...new Set(jumps.filter(({ from, to }) => to <= from).map(({ to }) => to))];
  }

  begin(): void {
    const { code } = this;
    if (this.#back.length > 0) code.byte(OP.loop).byte(EMPTY_BLOCK);
    this.#targets.forEach(() => code.byte(OP.block).byte(EMPTY_BLOCK));
    if (this.#back.length === 0) return;
    code.byte(OP.block).byte(EMPTY_BLOCK).get(TARGET_LOCAL).byte(OP.brTable);
    code.unsigned(1 + this.#back.length).unsigned(0);
    for (const to of this.#back) code.unsigned(this.#targets.indexOf(to) + 1);
    code.unsigned(0).byte(OP.end);
  }

  /** Before the instruction at a slot. */
  reach(slot: number): void {
    if (this.#targets[this.#closed] !== slot) return;
    this.code.byte(OP.end);
    this.#closed += 1;
  }

  /** Jumps, or if `conditional` does so where the number on the stack is not zero. */
  jump(from: number, to: number, conditional: boolean): void {
    const { code } = this;
    const open = this.#targets.length - this.#closed;
    if (to > from) {
      const depth = this.#targets.indexOf(to) - this.#closed;
      code.byte(conditional ? OP.brIf : OP.br).unsigned(depth);
      return;
    }
    if (conditional) code.byte(OP.if).byte(EMPTY_BLOCK);
    code.get(ROUNDS_LOCAL).i32(1).byte(ADD_32).set(ROUNDS_LOCAL);
    code.get(ROUNDS_LOCAL).i32(MAX_ROUNDS).byte(GREATER_32).byte(OP.if).byte(EMPTY_BLOCK);
    code.byte(OP.unreachable).byte(OP.end);
    code.i32(this.#back.indexOf(to) + 1).set(TARGET_LOCAL);
    code.byte(OP.br).unsigned(open + (conditional ? 1 : 0));
    if (conditional) code.byte(OP.end);
  }

  end(): void {
    if (this.#closed !== this.#targets.length) bug('a jump leads to no instruction');
    if (this.#back.length > 0) this.code.byte(OP.end);
  }
}

function targetOf(at: ImageInstruction, distance: number): number {
  return at.slot + slotsOf(at.instruction) + distance;
}

function translate({ code, links, flow }: Translator, at: ImageInstruction): void {
  const { instruction, reference } = at;
  switch (instruction.kind) {
    case 'alu':
      alu(code, instruction.operation, instruction.width, instruction.dst, instruction.src);
      return;
    case 'negate': {
      const { width, dst } = instruction;
      code.i64(0);
      read(code, { reg: dst }, 64);
      code.byte(ALU_64.sub);
      write(code, dst, width);
      return;
    }
    case 'to-big-endian':
      toBigEndian(code, links.byteSwap, instruction.bits, instruction.dst);
      return;
    case 'load':
      address(code, instruction.base, instruction.offset);
      code.byte(LOADS[instruction.size]).unsigned(0).unsigned(Math.max(0, instruction.offset));
      code.set(localOf(instruction.dst));
      return;
    case 'store':
      address(code, instruction.base, instruction.offset);
      read(code, instruction.src, 64);
      code.byte(STORES[instruction.size]).unsigned(0).unsigned(Math.max(0, instruction.offset));
      return;
    case 'atomic-add': {
      const { size, base, offset, src } = instruction;
      address(code, base, offset);
      address(code, base, offset);
      code.byte(LOADS[size]).unsigned(0).unsigned(Math.max(0, offset));
      read(code, { reg: src }, 64);
      code.byte(ALU_64.add);
      code.byte(STORES[size]).unsigned(0).unsigned(Math.max(0, offset));
      return;
    }
    case 'load-imm64': {
      const start = reference === undefined ? 0 : links.addressOf(reference);
      if (typeof start === 'number') code.i64(instruction.value + BigInt(start));
      else {
        code.byte(OP.globalGet).unsigned(start.global);
        code.i64(instruction.value).byte(ALU_64.add);
      }
      code.set(localOf(instruction.dst));
      return;
    }
    case 'jump':
      flow.jump(at.slot, targetOf(at, instruction.distance), false);
      return;
    case 'branch': {
      const { test, width, left, right, distance } = instruction;
      branchTest(code, test, width, left, right);
      flow.jump(at.slot, targetOf(at, distance), true);
      return;
    }
    case 'call':
      callHelper(code, links.helper(instruction.helper));
      return;
    case 'call-function': {
      for (const reg of [1, 2, 3, 4, 5] as const) code.get(localOf(reg));
      code.get(FRAME_LOCAL).i32(FRAME_BYTES).byte(SUB_32).byte(OP.call);
      code.unsigned(links.functionIndex(reference?.name ?? bug('a call has no name')));
      code.set(localOf(0));
      return;
    }
    case 'exit':
      code.get(localOf(0)).byte(OP.return);
      return;
  }
}

const LOADS: Readonly<Record<MemorySize, number>> = { 1: 0x31, 2: 0x33, 4: 0x35, 8: 0x29 };
const STORES: Readonly<Record<MemorySize, number>> = { 1: 0x3c, 2: 0x3d, 4: 0x3e, 8: 0x37 };

/** Offsets in WebAssembly are unsigned: those below zero are added here. */
function address(code: WasmWriter, base: Reg, offset: number): void {
  code.get(localOf(base)).byte(OP.i32WrapI64);
  if (offset < 0) code.i32(offset).byte(ADD_32);
}

/** Puts an operand onto the stack. */
function read(code: WasmWriter, operand: Operand, width: Width): void {
  if ('imm' in operand) {
    if (width === 64) code.i64(operand.imm);
    else code.i32(operand.imm);
    return;
  }
  code.get(localOf(operand.reg));
  if (width === 32) code.byte(OP.i32WrapI64);
}

/** Takes a 64-bit number off the stack. */
function write(code: WasmWriter, dst: Reg, width: Width): void {
  if (width === 32) code.byte(OP.i32WrapI64).byte(OP.i64ExtendI32U);
  code.set(localOf(dst));
}

type Computed = Exclude<AluOperation, 'mov' | 'div' | 'mod'>;

const ALU_64: Readonly<Record<Computed, number>> = {
  add: 0x7c,
  sub: 0x7d,
  mul: 0x7e,
  and: 0x83,
  or: 0x84,
  xor: 0x85,
  lsh: 0x86,
  arsh: 0x87,
  rsh: 0x88,
};
/** The 32-bit form of each stands 0x12 before the 64-bit one. */
const TO_32 = 0x12;
const ADD_32 = ALU_64.add - TO_32;
const SUB_32 = ALU_64.sub - TO_32;
const DIVIDE_64 = { div: 0x80, mod: 0x82 } as const;

function alu(
  code: WasmWriter,
  operation: AluOperation,
  width: Width,
  dst: Reg,
  src: Operand,
): void {
  if (operation === 'mov') {
    read(code, src, 64);
    write(code, dst, width);
    return;
  }
  if (operation === 'div' || operation === 'mod') {
    divide(code, operation, width, dst, src);
    return;
  }
  // Shift counts are taken modulo the width in both machines.
  read(code, { reg: dst }, width);
  read(code, src, width);
  code.byte(ALU_64[operation] - (width === 32 ? TO_32 : 0));
  if (width === 32) code.byte(OP.i64ExtendI32U);
  code.set(localOf(dst));
}

/** Division by zero gives 0 and modulo by zero leaves the dividend (RFC 9669, section 4.1). */
function divide(
  code: WasmWriter,
  operation: 'div' | 'mod',
  width: Width,
  dst: Reg,
  src: Operand,
): void {
  const narrow = width === 32;
  read(code, src, width);
  code.byte(narrow ? OP.i32Eqz : OP.i64Eqz);
  code.byte(OP.if).byte(narrow ? I32 : I64);
  if (operation === 'mod') read(code, { reg: dst }, width);
  else if (narrow) code.i32(0);
  else code.i64(0);
  code.byte(OP.else);
  read(code, { reg: dst }, width);
  read(code, src, width);
  code.byte(DIVIDE_64[operation] - (narrow ? TO_32 : 0)).byte(OP.end);
  if (narrow) code.byte(OP.i64ExtendI32U);
  code.set(localOf(dst));
}

function toBigEndian(code: WasmWriter, swap: number, bits: 16 | 32 | 64, dst: Reg): void {
  const half = (shift: number): void => {
    code.get(localOf(dst));
    if (shift > 0) code.i64(shift).byte(ALU_64.rsh);
    code.byte(OP.i32WrapI64).byte(OP.call).unsigned(swap).byte(OP.i64ExtendI32U);
  };
  half(0);
  if (bits === 16) code.i64(16).byte(ALU_64.rsh);
  if (bits === 64) {
    code.i64(32).byte(ALU_64.lsh);
    half(32);
    code.byte(ALU_64.or);
  }
  code.set(localOf(dst));
}

/** Tests of 64-bit numbers; those of 32-bit ones stand 0x0b before. */
const TESTS_64: Readonly<Record<Exclude<Test, 'set'>, number>> = {
  eq: 0x51,
  ne: 0x52,
  slt: 0x53,
  lt: 0x54,
  sgt: 0x55,
  gt: 0x56,
  sle: 0x57,
  le: 0x58,
  sge: 0x59,
  ge: 0x5a,
};
const TEST_TO_32 = 0x0b;
const GREATER_32 = TESTS_64.gt - TEST_TO_32;

function branchTest(code: WasmWriter, test: Test, width: Width, left: Reg, right: Operand): void {
  read(code, { reg: left }, width);
  read(code, right, width);
  const narrow = width === 32;
  if (test === 'set') {
    code.byte(ALU_64.and - (narrow ? TO_32 : 0));
    if (narrow) code.i32(0);
    else code.i64(0);
  }
  code.byte(TESTS_64[test === 'set' ? 'ne' : test] - (narrow ? TEST_TO_32 : 0));
}

/** Arguments and results fit into 32 bits, but for clocks, which are read from memory. */
function callHelper(code: WasmWriter, helper: ReturnType<WasmLinks['helper']>): void {
  if (helper.kind === 'clock') {
    code.i32(helper.address).byte(LOADS[8]).unsigned(0).unsigned(0);
  } else {
    for (const reg of [1, 2, 3, 4, 5] as const) read(code, { reg }, 32);
    code.byte(OP.call).unsigned(helper.index).byte(OP.i64ExtendI32S);
  }
  code.set(localOf(0));
}
