/** IPv6 prefixes in order, as 32-bit words: an outer one stands ahead of those within it. */
import type { AddressClasses } from './classes.js';

const QUAD = 4;

/** Prefixes whose word is not that of the prefix around them; all else 0. Positions count from 0. */
export class SortedPrefixes {
  readonly count: number;
  readonly #quads: Uint32Array;
  readonly #lengths: Uint8Array;
  readonly #words: Uint32Array;

  constructor(entries: AddressClasses['entries'], words: readonly number[]) {
    const ofFamily = entries.filter(({ prefix }) => prefix.family === 6);
    const quads = new Uint32Array(QUAD * ofFamily.length);
    for (const [i, { prefix }] of ofFamily.entries()) {
      quads[QUAD * i] = Number(prefix.value >> 96n);
      quads[QUAD * i + 1] = Number((prefix.value >> 64n) & 0xffff_ffffn);
      quads[QUAD * i + 2] = Number((prefix.value >> 32n) & 0xffff_ffffn);
      quads[QUAD * i + 3] = Number(prefix.value & 0xffff_ffffn);
    }
    const lengthAt = (i: number): number => ofFamily[i]?.prefix.length ?? 0;
    const wordAt = (i: number): number => words[ofFamily[i]?.classId ?? 0] ?? 0;
    const order = Uint32Array.from(ofFamily.keys()).sort((a, b) => {
      const differ = compareQuads(quads, a, b);
      return differ === 0 ? lengthAt(a) - lengthAt(b) : differ;
    });
    const kept: number[] = [];
    const around: number[] = [];
    for (const i of order) {
      let outer = around.at(-1);
      while (outer !== undefined && sharedBits(quads, outer, i) < lengthAt(outer)) {
        around.pop();
        outer = around.at(-1);
      }
      if (wordAt(i) === (outer === undefined ? 0 : wordAt(outer))) continue;
      around.push(i);
      kept.push(i);
    }
    this.count = kept.length;
    this.#quads = new Uint32Array(QUAD * kept.length);
    for (const [at, i] of kept.entries()) {
      this.#quads.set(quads.subarray(QUAD * i, QUAD * (i + 1)), QUAD * at);
    }
    this.#lengths = Uint8Array.from(kept, lengthAt);
    this.#words = Uint32Array.from(kept, wordAt);
  }

  length(i: number): number {
    return this.#lengths[i] ?? 0;
  }

  word(i: number): number {
    return this.#words[i] ?? 0;
  }

  /** How many bits the prefixes of a slice share, and have: up to 128. */
  shared({ first, end }: { readonly first: number; readonly end: number }): number {
    if (first >= end) return 0;
    return Math.min(sharedBits(this.#quads, first, end - 1), this.length(first));
  }

  /** By number of bits behind `depth`, up to `most`: how many neighbours share at least so many. */
  sharedCounts(
    { first, end }: { readonly first: number; readonly end: number },
    depth: number,
    most: number,
  ): readonly number[] {
    const counts = new Array<number>(most + 1).fill(0);
    for (let i = first; i + 1 < end; i += 1) {
      const bits = Math.min(most, this.shared({ first: i, end: i + 2 }) - depth);
      counts[bits] = (counts[bits] ?? 0) + 1;
    }
    for (let bits = most - 1; bits >= 0; bits -= 1) {
      counts[bits] = (counts[bits] ?? 0) + (counts[bits + 1] ?? 0);
    }
    return counts;
  }

  /** Bits of a prefix from `start` to before `end`, at most 31 of them, as a number. */
  bits(i: number, start: number, end: number): number {
    return end === start ? 0 : this.#leftAligned(i, start) >>> (32 - (end - start));
  }

  /**
   * Bits from `start` to before `end`, at most 63 of them, as the programs compare them: from bit 62 of
   * a 64-bit number down, the rest zero. The lower word stands first.
   */
  path(i: number, start: number, end: number): readonly [number, number] {
    const high = keep(this.#leftAligned(i, start), end - start);
    const low = keep(this.#leftAligned(i, start + 32), end - start - 32);
    return [((low >>> 1) | (high << 31)) >>> 0, high >>> 1];
  }

  /** The lower half of an address, the lower word first. */
  lowHalf(i: number): readonly [number, number] {
    return [this.#quads[QUAD * i + 3] ?? 0, this.#quads[QUAD * i + 2] ?? 0];
  }

  /** The 32 bits from `start` on; zeros behind the last. */
  #leftAligned(i: number, start: number): number {
    const word = start >>> 5;
    const shift = start & 31;
    const high = word < QUAD ? (this.#quads[QUAD * i + word] ?? 0) : 0;
    if (shift === 0) return high;
    const low = word + 1 < QUAD ? (this.#quads[QUAD * i + word + 1] ?? 0) : 0;
    return ((high << shift) | (low >>> (32 - shift))) >>> 0;
  }
}

/** The upper `count` bits of a word. */
function keep(word: number, count: number): number {
  if (count <= 0) return 0;
  return count >= 32 ? word : (word & (-1 << (32 - count))) >>> 0;
}

function compareQuads(quads: Uint32Array, a: number, b: number): number {
  for (let word = 0; word < QUAD; word += 1) {
    const differ = (quads[QUAD * a + word] ?? 0) - (quads[QUAD * b + word] ?? 0);
    if (differ !== 0) return differ;
  }
  return 0;
}

function sharedBits(quads: Uint32Array, a: number, b: number): number {
  for (let word = 0; word < QUAD; word += 1) {
    const differ = (quads[QUAD * a + word] ?? 0) ^ (quads[QUAD * b + word] ?? 0);
    if (differ !== 0) return 32 * word + Math.clz32(differ);
  }
  return 32 * QUAD;
}
