/** WebAssembly's binary form: the opcodes that translated programs use, and a writer of sections. */

/** Value types (WebAssembly core specification 1.0, section 5.3.1). */
export const I32 = 0x7f;
export const I64 = 0x7e;
export const EMPTY_BLOCK = 0x40;

/** Opcodes (section 5.4), by what they do. */
export const OP = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  unreachable: 0x00,
  localGet: 0x20,
  localSet: 0x21,
  globalGet: 0x23,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eqz: 0x45,
  i64Eqz: 0x50,
  i32WrapI64: 0xa7,
  i64ExtendI32S: 0xac,
  i64ExtendI32U: 0xad,
} as const;

export class WasmWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  byte(value: number): this {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length] = value;
    this.#length += 1;
    return this;
  }

  bytes(values: Iterable<number>): this {
    for (const value of values) this.byte(value);
    return this;
  }

  /** LEB128, unsigned. */
  unsigned(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    return this.byte(rest);
  }

  /** LEB128, signed, of a number of up to 53 bits. */
  signed(value: number): this {
    let rest = value;
    for (;;) {
      const low = ((rest % 128) + 128) % 128;
      rest = (rest - low) / 128;
      const isLast = (rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40);
      this.byte(isLast ? low : low | 0x80);
      if (isLast) return this;
    }
  }

  /** LEB128, signed, of a 64-bit number. */
  signedBig(value: bigint): this {
    let rest = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      const isLast = (rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40);
      this.byte(isLast ? low : low | 0x80);
      if (isLast) return this;
    }
  }

  i32(value: number): this {
    return this.byte(OP.i32Const).signed(value | 0);
  }

  i64(value: number | bigint): this {
    this.byte(OP.i64Const);
    return typeof value === 'bigint' ? this.signedBig(value) : this.signed(value);
  }

  get(local: number): this {
    return this.byte(OP.localGet).unsigned(local);
  }

  set(local: number): this {
    return this.byte(OP.localSet).unsigned(local);
  }

  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    return this.unsigned(bytes.length).bytes(bytes);
  }

  /** What `inner` writes, behind its length. */
  sized(inner: WasmWriter): this {
    const bytes = inner.finish();
    return this.unsigned(bytes.length).bytes(bytes);
  }

  section(id: number, inner: WasmWriter): this {
    return this.byte(id).sized(inner);
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
