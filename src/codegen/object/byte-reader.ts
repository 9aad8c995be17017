/** Little-endian reads from bytes that cannot be trusted: all of them stay inside. */
import { diagnostic, InputError } from '../../diagnostics.js';

/** @throws InputError always: the object is not one of ours, or is damaged */
export function malformed(reason: string): never {
  throw new InputError([diagnostic('object/malformed', { reason })]);
}

export class ByteReader {
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    /** What the bytes are, for messages. */
    readonly what: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(at: number): number {
    return this.#view.getUint8(this.#check(at, 1));
  }

  u16(at: number): number {
    return this.#view.getUint16(this.#check(at, 2), true);
  }

  u32(at: number): number {
    return this.#view.getUint32(this.#check(at, 4), true);
  }

  /** A 64-bit size or offset; those of a file that is in memory are small. */
  u64(at: number): number {
    const value = this.#view.getBigUint64(this.#check(at, 8), true);
    return value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : malformed(`a number in ${this.what} is too large`);
  }

  slice(at: number, length: number): Uint8Array {
    this.#check(at, length);
    return this.bytes.subarray(at, at + length);
  }

  /** The text up to the next zero byte. */
  text(at: number): string {
    const end = this.bytes.indexOf(0, this.#check(at, 1));
    if (end < 0) malformed(`a text in ${this.what} has no end`);
    return new TextDecoder().decode(this.bytes.subarray(at, end));
  }

  /** Reads records of `size` bytes that fill the whole. */
  records<Value>(size: number, read: (at: number) => Value): Value[] {
    if (this.length % size !== 0) malformed(`${this.what} ends within a record`);
    return Array.from({ length: this.length / size }, (_, i) => read(i * size));
  }

  #check(at: number, length: number): number {
    if (!Number.isSafeInteger(at) || at < 0 || length < 0 || at + length > this.length) {
      malformed(`${this.what} ends at byte ${this.length}, but byte ${at + length} is asked for`);
    }
    return at;
  }
}
