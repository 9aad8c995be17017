/** Little-endian bytes, appended; every number is checked against its width. */
import { bug } from '../../diagnostics.js';

export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    const at = this.#grow(1, value, 0xff);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.#grow(2, value, 0xffff);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.#grow(4, value, 0xffff_ffff);
    this.#view.setUint32(at, value, true);
  }

  u64(value: number): void {
    const at = this.#grow(8, value, Number.MAX_SAFE_INTEGER);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  bytes(value: Uint8Array): void {
    const at = this.#grow(value.length, 0, 0);
    this.#bytes.set(value, at);
  }

  /** Appends zeros up to a multiple of `alignment`. */
  align(alignment: number): void {
    const rest = this.#length % alignment;
    if (rest !== 0) this.bytes(new Uint8Array(alignment - rest));
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(count: number, value: number, max: number): number {
    if (!Number.isInteger(value) || value < 0 || value > max) {
      bug(`${value} does not fit into ${count} bytes`);
    }
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

/** A table of zero-terminated strings, as ELF and BTF have them; each string is there once. */
export class StringTable {
  readonly #offsets = new Map<string, number>([['', 0]]);
  readonly #bytes = new ByteWriter();
  readonly #encoder = new TextEncoder();

  constructor() {
    this.#bytes.u8(0);
  }

  offsetOf(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    if (text.includes('\0')) bug('a string of a string table holds a zero byte');
    const offset = this.#bytes.length;
    this.#bytes.bytes(this.#encoder.encode(text));
    this.#bytes.u8(0);
    this.#offsets.set(text, offset);
    return offset;
  }

  finish(): Uint8Array {
    return this.#bytes.finish();
  }
}
