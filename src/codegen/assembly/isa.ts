/** The instruction set: BPF instructions as 8-byte slots, encoded and decoded (RFC 9669). */
import { bug, diagnostic, InputError } from '../../diagnostics.js';
import type {
  AluOperation,
  Instruction,
  MemorySize,
  Operand,
  Reg,
  Test,
  Width,
} from './listing.js';

/** An instruction with numbers where the listing has names. Distances count slots from the next. */
export type MachineInstruction =
  | Extract<
      Instruction,
      {
        readonly kind:
          | 'alu'
          | 'negate'
          | 'to-big-endian'
          | 'load'
          | 'store'
          | 'atomic-add'
          | 'load-imm64'
          | 'exit';
      }
    >
  | { readonly kind: 'jump'; readonly distance: number }
  | {
      readonly kind: 'branch';
      readonly test: Test;
      readonly width: Width;
      readonly left: Reg;
      readonly right: Operand;
      readonly distance: number;
    }
  /** `helper` is a number of enum bpf_func_id. */
  | { readonly kind: 'call'; readonly helper: number }
  | { readonly kind: 'call-function'; readonly distance: number };

export const SLOT_BYTES = 8;

// Bits 0 to 2 of the opcode: the class.
const LD = 0b000;
const LDX = 0b001;
const ST = 0b010;
const STX = 0b011;
const ALU32 = 0b100;
const JMP64 = 0b101;
const JMP32 = 0b110;
const ALU64 = 0b111;

// Bit 3 of arithmetic and jumps: whether the second operand is a register.
const IMM = 0b0_000;
const REG = 0b1_000;

// Bits 4 to 7 of arithmetic.
const ALU_BITS: Readonly<Record<AluOperation, number>> = {
  add: 0b0000_0000,
  sub: 0b0001_0000,
  mul: 0b0010_0000,
  div: 0b0011_0000,
  or: 0b0100_0000,
  and: 0b0101_0000,
  lsh: 0b0110_0000,
  rsh: 0b0111_0000,
  mod: 0b1001_0000,
  xor: 0b1010_0000,
  mov: 0b1011_0000,
  arsh: 0b1100_0000,
};
const NEG = 0b1000_0000;
const END = 0b1101_0000;

// Bits 4 to 7 of jumps.
const TEST_BITS: Readonly<Record<Test, number>> = {
  eq: 0b0001_0000,
  gt: 0b0010_0000,
  ge: 0b0011_0000,
  set: 0b0100_0000,
  ne: 0b0101_0000,
  sgt: 0b0110_0000,
  sge: 0b0111_0000,
  lt: 0b1010_0000,
  le: 0b1011_0000,
  slt: 0b1100_0000,
  sle: 0b1101_0000,
};
const JA = 0b0000_0000;
const CALL = 0b1000_0000;
const EXIT = 0b1001_0000;

// Bits 3 and 4 of loads and stores.
const SIZE_BITS: Readonly<Record<MemorySize, number>> = {
  4: 0b00_000,
  2: 0b01_000,
  1: 0b10_000,
  8: 0b11_000,
};

// Bits 5 to 7 of loads and stores.
const MEM = 0b011_00_000;
const ATOMIC = 0b110_00_000;
const LD_IMM64 = LD | SIZE_BITS[8];

const ATOMIC_ADD = 0;
/** The source register of a call within the object. */
const PSEUDO_CALL = 1;

/** How many slots an instruction takes. */
export function slotsOf(instruction: {
  readonly kind: MachineInstruction['kind'] | Instruction['kind'];
}): 1 | 2 {
  switch (instruction.kind) {
    case 'load-imm64':
    case 'load-map':
    case 'load-table':
      return 2;
    default:
      return 1;
  }
}

/** The bytes of one instruction: 8, or 16 for a 64-bit immediate. */
export function encode(instruction: MachineInstruction): Uint8Array {
  const bytes = new Uint8Array(slotsOf(instruction) * SLOT_BYTES);
  encodeInto(new DataView(bytes.buffer), 0, instruction);
  return bytes;
}

/** Writes an instruction at a byte offset and returns the offset behind it. */
export function encodeInto(view: DataView, at: number, instruction: MachineInstruction): number {
  const put = (opcode: number, fields: Partial<SlotFields>): number =>
    writeSlot(view, at, { opcode, dst: 0, src: 0, offset: 0, imm: 0, ...fields });
  switch (instruction.kind) {
    case 'alu': {
      const group = instruction.width === 64 ? ALU64 : ALU32;
      const opcode = group | ALU_BITS[instruction.operation];
      return put(opcode | sourceBit(instruction.src), {
        dst: instruction.dst,
        ...sourceFields(instruction.src),
      });
    }
    case 'negate':
      return put((instruction.width === 64 ? ALU64 : ALU32) | NEG, { dst: instruction.dst });
    case 'to-big-endian':
      return put(ALU32 | END | REG, { dst: instruction.dst, imm: instruction.bits });
    case 'load': {
      const { dst, base, offset } = instruction;
      return put(LDX | MEM | SIZE_BITS[instruction.size], { dst, src: base, offset });
    }
    case 'store': {
      const group = 'reg' in instruction.src ? STX : ST;
      return put(group | MEM | SIZE_BITS[instruction.size], {
        dst: instruction.base,
        offset: instruction.offset,
        ...sourceFields(instruction.src),
      });
    }
    case 'atomic-add': {
      const { base, offset, src } = instruction;
      return put(STX | ATOMIC | SIZE_BITS[instruction.size], {
        dst: base,
        src,
        offset,
        imm: ATOMIC_ADD,
      });
    }
    case 'load-imm64': {
      const value = wordsOf(instruction.value);
      const second = put(LD_IMM64, { dst: instruction.dst, imm: value.low });
      return writeSlot(view, second, { opcode: 0, dst: 0, src: 0, offset: 0, imm: value.high });
    }
    case 'jump':
      return put(JMP64 | JA, { offset: instruction.distance });
    case 'branch': {
      const group = instruction.width === 64 ? JMP64 : JMP32;
      const opcode = group | TEST_BITS[instruction.test];
      return put(opcode | sourceBit(instruction.right), {
        dst: instruction.left,
        offset: instruction.distance,
        ...sourceFields(instruction.right),
      });
    }
    case 'call':
      return put(JMP64 | CALL, { imm: instruction.helper });
    case 'call-function':
      return put(JMP64 | CALL, { src: PSEUDO_CALL, imm: instruction.distance });
    case 'exit':
      return put(JMP64 | EXIT, {});
  }
}

interface SlotFields {
  readonly opcode: number;
  readonly dst: number;
  readonly src: number;
  /** Signed 16 bits. */
  readonly offset: number;
  /** Signed 32 bits. */
  readonly imm: number;
}

/** INVARIANT: the only place that writes instruction bytes, so that no field is ever cut off. */
function writeSlot(view: DataView, at: number, fields: SlotFields): number {
  const { opcode, dst, src, offset, imm } = fields;
  checkRange('opcode', opcode, 0, 0xff);
  checkRange('register', dst, 0, 10);
  checkRange('register', src, 0, 10);
  checkRange('16-bit offset', offset, -0x8000, 0x7fff);
  checkRange('32-bit immediate', imm, -0x8000_0000, 0x7fff_ffff);
  view.setUint8(at, opcode);
  view.setUint8(at + 1, (src << 4) | dst);
  view.setInt16(at + 2, offset, true);
  view.setInt32(at + 4, imm, true);
  return at + SLOT_BYTES;
}

function checkRange(what: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    bug(`${value} does not fit into the ${what} of an instruction`);
  }
}

function sourceBit(operand: Operand): number {
  return 'reg' in operand ? REG : IMM;
}

function sourceFields(operand: Operand): { readonly src: number } | { readonly imm: number } {
  return 'reg' in operand ? { src: operand.reg } : { imm: operand.imm };
}

function wordsOf(value: bigint): { readonly low: number; readonly high: number } {
  if (value < -(1n << 63n) || value >= 1n << 64n) bug(`${value.toString()} has more than 64 bits`);
  return {
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
  };
}

const ALU_OPERATIONS = reverse(ALU_BITS);
const TESTS = reverse(TEST_BITS);
const SIZES = new Map<number, MemorySize>(([1, 2, 4, 8] as const).map((n) => [SIZE_BITS[n], n]));

function reverse<Name extends string>(bits: Readonly<Record<Name, number>>): Map<number, Name> {
  return new Map(Object.entries(bits).map(([name, code]) => [code as number, name as Name]));
}

/** Decodes the instruction at a byte offset; refuses what {@link encode} could not have written. */
export function decode(view: DataView, at: number): MachineInstruction {
  if (at + SLOT_BYTES > view.byteLength) refuse(view, at);
  const instruction = decodeSlot(view, at) ?? refuse(view, at);
  // Fields that an instruction does not use must be zero, as the verifier demands too.
  const again = encode(instruction);
  for (let i = 0; i < again.length; i += 1) {
    if (again[i] !== view.getUint8(at + i)) refuse(view, at);
  }
  return instruction;
}

function refuse(view: DataView, at: number): never {
  const end = Math.min(at + SLOT_BYTES, view.byteLength);
  const hex: string[] = [];
  for (let i = at; i < end; i += 1) hex.push(view.getUint8(i).toString(16).padStart(2, '0'));
  throw new InputError([
    diagnostic('object/bad-instruction', { offset: at, bytes: hex.join(' ') }),
  ]);
}

function decodeSlot(view: DataView, at: number): MachineInstruction | undefined {
  const opcode = view.getUint8(at);
  const registers = view.getUint8(at + 1);
  const dst = registerOf(registers & 0xf);
  const src = registerOf(registers >> 4);
  const offset = view.getInt16(at + 2, true);
  const imm = view.getInt32(at + 4, true);
  if (dst === undefined || src === undefined) return undefined;
  const operand: Operand = (opcode & REG) !== 0 ? { reg: src } : { imm };
  const group = opcode & 0b111;
  switch (group) {
    case LD:
      return opcode === LD_IMM64 ? decodeImm64(view, at, dst, imm) : undefined;
    case LDX: {
      const size = SIZES.get(opcode & 0b11_000);
      return size === undefined ? undefined : { kind: 'load', size, dst, base: src, offset };
    }
    case ST:
    case STX:
      return decodeStore(opcode, dst, offset, group === STX ? { reg: src } : { imm });
    case ALU32:
    case ALU64:
      return decodeAlu(opcode, dst, operand, imm);
    default:
      return decodeJump(opcode, dst, src, operand, offset, imm);
  }
}

function registerOf(n: number): Reg | undefined {
  return n <= 10 ? (n as Reg) : undefined;
}

function decodeImm64(
  view: DataView,
  at: number,
  dst: Reg,
  low: number,
): MachineInstruction | undefined {
  if (at + 2 * SLOT_BYTES > view.byteLength) return undefined;
  const high = view.getUint32(at + SLOT_BYTES + 4, true);
  return { kind: 'load-imm64', dst, value: (BigInt(high) << 32n) | BigInt(low >>> 0) };
}

function decodeStore(
  opcode: number,
  base: Reg,
  offset: number,
  src: Operand,
): MachineInstruction | undefined {
  const size = SIZES.get(opcode & 0b11_000);
  if (size === undefined) return undefined;
  if ((opcode & 0b111_00_000) !== ATOMIC) return { kind: 'store', size, base, offset, src };
  if ((size !== 4 && size !== 8) || !('reg' in src)) return undefined;
  return { kind: 'atomic-add', size, base, offset, src: src.reg };
}

function decodeAlu(
  opcode: number,
  dst: Reg,
  src: Operand,
  imm: number,
): MachineInstruction | undefined {
  const width: Width = (opcode & 0b111) === ALU64 ? 64 : 32;
  const bits = opcode & 0b1111_0000;
  if (bits === NEG) return { kind: 'negate', width, dst };
  if (bits === END) {
    return imm === 16 || imm === 32 || imm === 64
      ? { kind: 'to-big-endian', bits: imm, dst }
      : undefined;
  }
  const operation = ALU_OPERATIONS.get(bits);
  return operation === undefined ? undefined : { kind: 'alu', operation, width, dst, src };
}

function decodeJump(
  opcode: number,
  left: Reg,
  src: Reg,
  right: Operand,
  distance: number,
  imm: number,
): MachineInstruction | undefined {
  const width: Width = (opcode & 0b111) === JMP64 ? 64 : 32;
  const bits = opcode & 0b1111_0000;
  if (bits === JA) return { kind: 'jump', distance };
  if (bits === EXIT) return { kind: 'exit' };
  if (bits === CALL) {
    return src === PSEUDO_CALL
      ? { kind: 'call-function', distance: imm }
      : { kind: 'call', helper: imm };
  }
  const test = TESTS.get(bits);
  return test === undefined ? undefined : { kind: 'branch', test, width, left, right, distance };
}
