/** The assembler: writes one function's listing, an instruction a line, with origins and comments. */
import { bug } from '../../diagnostics.js';
import type { Span } from '../../source.js';
import type {
  AluOperation,
  FunctionListing,
  HelperName,
  Instruction,
  Label,
  ListingItem,
  MemorySize,
  Operand,
  Reg,
  Test,
  Width,
} from './listing.js';

export interface Register {
  readonly reg: Reg;
}

export const r0: Register = { reg: 0 };
export const r1: Register = { reg: 1 };
export const r2: Register = { reg: 2 };
export const r3: Register = { reg: 3 };
export const r4: Register = { reg: 4 };
export const r5: Register = { reg: 5 };
export const r6: Register = { reg: 6 };
export const r7: Register = { reg: 7 };
export const r8: Register = { reg: 8 };
export const r9: Register = { reg: 9 };
/** The read-only frame pointer: the stack is the 512 bytes below it. */
export const r10: Register = { reg: 10 };

/** A register, or a number as an immediate. */
export type Source = Register | number;

export interface BranchOptions {
  /** 64 unless told; 32 compares the lower halves alone. */
  readonly width?: Width;
}

/** Collects the items of one function, in order, until it is finished. */
export class Assembler {
  readonly #items: ListingItem[] = [];
  readonly #labels = new Set<Label>();
  #origin: Span | undefined;
  #comment: string | undefined;
  #finished = false;

  constructor(
    readonly name: string,
    readonly role: FunctionListing['role'],
    readonly parameters?: FunctionListing['parameters'],
  ) {}

  /** The function's listing; the assembler cannot be used afterwards. */
  finish(): FunctionListing {
    this.#checkOpen();
    this.#finished = true;
    const { name, role, parameters } = this;
    return { name, role, ...(parameters === undefined ? {} : { parameters }), items: this.#items };
  }

  /** Instructions that `body` writes were caused by `origin`; an inner origin wins over an outer. */
  withOrigin<Value>(origin: Span | undefined, body: () => Value): Value {
    const outer = this.#origin;
    this.#origin = origin ?? outer;
    try {
      return body();
    } finally {
      this.#origin = outer;
    }
  }

  /** Says something about the next instruction. */
  comment(text: string): this {
    this.#comment = this.#comment === undefined ? text : `${this.#comment}; ${text}`;
    return this;
  }

  /** Puts a label here. */
  label(name: Label): this {
    this.#checkOpen();
    this.#items.push({ kind: 'label', name });
    this.#labels.add(name);
    return this;
  }

  /** A name that no label of this function has yet, for a label to be put later. */
  freshLabel(prefix: string): Label {
    for (let n = 0; ; n += 1) {
      const name = n === 0 ? prefix : `${prefix}_${n}`;
      if (this.#labels.has(name)) continue;
      this.#labels.add(name);
      return name;
    }
  }

  /** Appends an instruction as it is. */
  instruction(instruction: Instruction): this {
    this.#checkOpen();
    this.#items.push({
      kind: 'instruction',
      instruction,
      ...(this.#origin === undefined ? {} : { origin: this.#origin }),
      ...(this.#comment === undefined ? {} : { comment: this.#comment }),
    });
    this.#comment = undefined;
    return this;
  }

  alu(operation: AluOperation, dst: Register, src: Source, width: Width = 64): this {
    return this.instruction({
      kind: 'alu',
      operation,
      width,
      dst: dst.reg,
      src: operand(src, width),
    });
  }

  mov = (dst: Register, src: Source): this => this.alu('mov', dst, src);
  add = (dst: Register, src: Source): this => this.alu('add', dst, src);
  sub = (dst: Register, src: Source): this => this.alu('sub', dst, src);
  mul = (dst: Register, src: Source): this => this.alu('mul', dst, src);
  div = (dst: Register, src: Source): this => this.alu('div', dst, src);
  mod = (dst: Register, src: Source): this => this.alu('mod', dst, src);
  or = (dst: Register, src: Source): this => this.alu('or', dst, src);
  and = (dst: Register, src: Source): this => this.alu('and', dst, src);
  xor = (dst: Register, src: Source): this => this.alu('xor', dst, src);
  lsh = (dst: Register, src: Source): this => this.alu('lsh', dst, src);
  rsh = (dst: Register, src: Source): this => this.alu('rsh', dst, src);
  arsh = (dst: Register, src: Source): this => this.alu('arsh', dst, src);

  /** The 32-bit operations clear the upper half of `dst`. */
  mov32 = (dst: Register, src: Source): this => this.alu('mov', dst, src, 32);
  add32 = (dst: Register, src: Source): this => this.alu('add', dst, src, 32);
  sub32 = (dst: Register, src: Source): this => this.alu('sub', dst, src, 32);
  mul32 = (dst: Register, src: Source): this => this.alu('mul', dst, src, 32);
  div32 = (dst: Register, src: Source): this => this.alu('div', dst, src, 32);
  mod32 = (dst: Register, src: Source): this => this.alu('mod', dst, src, 32);
  or32 = (dst: Register, src: Source): this => this.alu('or', dst, src, 32);
  and32 = (dst: Register, src: Source): this => this.alu('and', dst, src, 32);
  xor32 = (dst: Register, src: Source): this => this.alu('xor', dst, src, 32);
  lsh32 = (dst: Register, src: Source): this => this.alu('lsh', dst, src, 32);
  rsh32 = (dst: Register, src: Source): this => this.alu('rsh', dst, src, 32);
  arsh32 = (dst: Register, src: Source): this => this.alu('arsh', dst, src, 32);

  negate(dst: Register, width: Width = 64): this {
    return this.instruction({ kind: 'negate', width, dst: dst.reg });
  }

  toBigEndian(dst: Register, bits: 16 | 32 | 64): this {
    return this.instruction({ kind: 'to-big-endian', bits, dst: dst.reg });
  }

  load(size: MemorySize, dst: Register, base: Register, offset: number): this {
    return this.instruction({ kind: 'load', size, dst: dst.reg, base: base.reg, offset });
  }

  store(size: MemorySize, base: Register, offset: number, src: Source): this {
    return this.instruction({
      kind: 'store',
      size,
      base: base.reg,
      offset,
      src: operand(src, size === 4 ? 32 : 64),
    });
  }

  atomicAdd(size: 4 | 8, base: Register, offset: number, src: Register): this {
    return this.instruction({ kind: 'atomic-add', size, base: base.reg, offset, src: src.reg });
  }

  loadImm64(dst: Register, value: bigint): this {
    return this.instruction({ kind: 'load-imm64', dst: dst.reg, value });
  }

  loadMap(dst: Register, map: string): this {
    return this.instruction({ kind: 'load-map', dst: dst.reg, map });
  }

  loadTable(dst: Register, table: string, offset = 0): this {
    return this.instruction({ kind: 'load-table', dst: dst.reg, table, offset });
  }

  jump(target: Label): this {
    return this.instruction({ kind: 'jump', target });
  }

  /** Jumps to `target` if the test of `left` against `right` holds, else goes on below. */
  branch(
    test: Test,
    left: Register,
    right: Source,
    target: Label,
    { width = 64 }: BranchOptions = {},
  ): this {
    return this.instruction({
      kind: 'branch',
      test,
      width,
      left: left.reg,
      right: operand(right, width),
      target,
    });
  }

  /** Arguments are in r1 to r5, the result in r0; r1 to r5 hold nothing afterwards. */
  call(helper: HelperName): this {
    return this.instruction({ kind: 'call', helper });
  }

  callFunction(name: string): this {
    return this.instruction({ kind: 'call-function', name });
  }

  exit(): this {
    return this.instruction({ kind: 'exit' });
  }

  #checkOpen(): void {
    if (this.#finished) bug(`\`${this.name}\` is finished and takes no more instructions`);
  }
}

/**
 * INVARIANT: an immediate keeps its meaning. A 32-bit operation reads only the bits, so that
 * 0xffffffff may be written for -1 there; a 64-bit one would sign-extend it into another number.
 */
function operand(source: Source, width: Width): Operand {
  if (typeof source !== 'number') return source;
  const top = width === 32 ? 0xffff_ffff : 0x7fff_ffff;
  if (!Number.isInteger(source) || source < -0x8000_0000 || source > top) {
    bug(`the immediate ${source} does not fit into a ${width}-bit instruction`);
  }
  return { imm: source | 0 };
}
