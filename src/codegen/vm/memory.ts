/** The VM's memory: regions that pointers stay inside of, and cells that hold numbers or pointers. */
import { bug } from '../../diagnostics.js';

/** What a program did that the verifier or the kernel would not let pass. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export function violate(what: string): never {
  throw new Violation(what);
}

export type RegionKind = 'number' | 'unset' | 'memory' | 'stack' | 'context' | 'map' | 'packet-end';

/** Something that a cell's offset counts in; numbers and unset cells have regions of their own. */
export class Region {
  /** The bytes that may be accessed; 0 once a call has made the region stale. */
  size: number;

  constructor(
    readonly kind: RegionKind,
    readonly name: string,
    readonly bytes: Uint8Array,
    readonly writable: boolean,
    readonly view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  ) {
    this.size = bytes.length;
  }
}

const NOTHING = new Uint8Array();
export const NUMBER = new Region('number', 'a number', NOTHING, false);
export const UNSET = new Region('unset', 'nothing', NOTHING, false);

/** A register: a number in two signed halves, or an offset (`lo` alone) in a region. */
export interface Cell {
  lo: number;
  hi: number;
  region: Region;
}

export function numberCell(value: number): Cell {
  return { lo: value | 0, hi: value < 0 ? -1 : 0, region: NUMBER };
}

/** Sets a number, sign-extended. */
export function setNumber(cell: Cell, value: number): void {
  cell.lo = value | 0;
  cell.hi = value < 0 ? -1 : 0;
  cell.region = NUMBER;
}

export function setPointer(cell: Cell, region: Region, offset: number): void {
  cell.lo = offset;
  cell.hi = 0;
  cell.region = region;
}

export function setBig(cell: Cell, value: bigint): void {
  cell.lo = Number(BigInt.asIntN(32, value));
  cell.hi = Number(BigInt.asIntN(32, value >> 32n));
  cell.region = NUMBER;
}

export function bigOf(cell: Cell): bigint {
  return (BigInt(cell.hi >>> 0) << 32n) | BigInt(cell.lo >>> 0);
}

export function copyCell(to: Cell, from: Cell): void {
  to.lo = from.lo;
  to.hi = from.hi;
  to.region = from.region;
}

export const STACK_BYTES = 512;
const STACK_SLOTS = STACK_BYTES / 8;

/** One frame's stack: offsets run from -512 to -1; it knows what was written, and spilled pointers. */
export class Stack extends Region {
  readonly #written = new Uint8Array(STACK_BYTES);
  readonly #spills: (Cell | undefined)[] = new Array<Cell | undefined>(STACK_SLOTS);
  #spillCount = 0;

  constructor() {
    super('stack', 'the stack', new Uint8Array(STACK_BYTES), true);
  }

  clear(): void {
    this.#written.fill(0);
    this.#spills.fill(undefined);
    this.#spillCount = 0;
  }

  /** The index of an aligned access that fits. */
  indexOf(offset: number, size: number): number {
    if (offset < -STACK_BYTES || offset + size > 0) {
      violate(`${size} bytes at ${offset} are outside of the stack`);
    }
    return offset + STACK_BYTES;
  }

  checkAligned(offset: number, size: number): void {
    if (offset % size !== 0) violate(`${size} bytes at ${offset} of the stack are not aligned`);
  }

  spill(index: number, cell: Cell): void {
    this.markWritten(index, 8);
    this.#spills[index >> 3] = { ...cell };
    this.#spillCount += 1;
  }

  spilledAt(index: number, size: number): Cell | undefined {
    if (this.#spillCount === 0) return undefined;
    const cell = this.#spills[index >> 3];
    if (cell !== undefined && size !== 8) violate('a part of a spilled pointer is read');
    return cell;
  }

  /** A write over a spilled pointer leaves nothing of it. */
  markWritten(index: number, size: number): void {
    if (this.#spillCount > 0) {
      for (let slot = index >> 3; slot <= (index + size - 1) >> 3; slot += 1) {
        if (this.#spills[slot] === undefined) continue;
        this.#spills[slot] = undefined;
        this.#spillCount -= 1;
        this.#written.fill(0, slot * 8, slot * 8 + 8);
      }
    }
    this.#written.fill(1, index, index + size);
  }

  checkWritten(index: number, size: number): void {
    for (let i = index; i < index + size; i += 1) {
      if (this.#written[i] !== 1) violate(`byte ${i - STACK_BYTES} of the stack was never written`);
    }
  }

  /** Bytes for a call to read; spilled pointers must not leave the stack. */
  checkPlain(index: number, size: number): void {
    this.checkWritten(index, size);
    for (let slot = index >> 3; slot <= (index + size - 1) >> 3; slot += 1) {
      if (this.#spills[slot] !== undefined) violate('a call reads a spilled pointer as bytes');
    }
  }
}

/** Bytes that a call reads through a pointer. */
export function readThrough(cell: Cell, size: number): Uint8Array {
  const { region, lo } = cell;
  if (region instanceof Stack) {
    const index = region.indexOf(lo, size);
    region.checkPlain(index, size);
    return region.bytes.subarray(index, index + size);
  }
  if (region.kind !== 'memory') violate(`a call reads through ${region.name}`);
  if (lo < 0 || lo + size > region.size) outside(region, lo, size);
  return region.bytes.subarray(lo, lo + size);
}

/** Bytes that a call writes through a pointer. */
export function writeThrough(cell: Cell, bytes: Uint8Array): void {
  const { region, lo } = cell;
  if (region instanceof Stack) {
    const index = region.indexOf(lo, bytes.length);
    region.markWritten(index, bytes.length);
    region.bytes.set(bytes, index);
    return;
  }
  if (region.kind !== 'memory' || !region.writable) violate(`a call writes to ${region.name}`);
  if (lo < 0 || lo + bytes.length > region.size) outside(region, lo, bytes.length);
  region.bytes.set(bytes, lo);
}

export function outside(region: Region, offset: number, size: number): never {
  violate(`${size} bytes at ${offset} are outside of the ${region.size} bytes of ${region.name}`);
}

export function at<Value>(list: readonly Value[], index: number): Value {
  return list[index] ?? bug(`no element ${index}`);
}
