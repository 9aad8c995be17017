/** The IPv4 trie: address entries for lookups without a helper; equal nodes are kept once. */
import type { AddressClasses } from './bind-classes.js';
import { PACKED, TRIE } from './layout.js';

/**
 * @param words the entry of each class
 * @returns undefined if it would take more than `budget` bytes
 */
export function buildTrie4(
  entries: AddressClasses['entries'],
  words: readonly number[],
  budget: number,
): Uint32Array | undefined {
  const intervals = cutIntervals(entries, words);
  const nodes = new TrieNodes(Math.floor(budget / 4));
  const root: number[] = [];
  let at = 0;
  for (let upper = 0; upper < TRIE.rootSize; upper += 1) {
    const start = upper * 2 ** 16;
    at = intervals.at(start, at);
    root.push(nodes.wordFor(intervals, at, start, 16));
    if (nodes.full) return undefined;
  }
  return nodes.image(root);
}

/** All addresses in ascending intervals; neighbours differ. */
class Intervals {
  readonly starts: number[] = [];
  readonly words: number[] = [];

  add(start: number, word: number): void {
    if (this.starts.at(-1) === start) {
      this.starts.pop();
      this.words.pop();
    }
    if (this.words.at(-1) === word) return;
    this.starts.push(start);
    this.words.push(word);
  }

  /** Position of the interval that holds the address, from a position that is not behind it. */
  at(address: number, from: number): number {
    let at = from;
    while ((this.starts[at + 1] ?? Infinity) <= address) at += 1;
    return at;
  }
}

/** A longer prefix lies on top of those that hold it. */
function cutIntervals(entries: AddressClasses['entries'], words: readonly number[]): Intervals {
  const prefixes = entries
    .filter(({ prefix }) => prefix.family === 4)
    .map(({ prefix, classId }) => ({
      start: Number(prefix.value),
      end: Number(prefix.value) + 2 ** (32 - prefix.length),
      word: words[classId] ?? 0,
    }))
    .sort((a, b) => a.start - b.start || b.end - a.end);
  const intervals = new Intervals();
  intervals.add(0, 0);
  const open: { readonly end: number; readonly word: number }[] = [];
  const closeBefore = (address: number): void => {
    for (let top = open.at(-1); top !== undefined && top.end <= address; top = open.at(-1)) {
      open.pop();
      if (top.end < 2 ** 32) intervals.add(top.end, open.at(-1)?.word ?? 0);
    }
  };
  for (const { start, end, word } of prefixes) {
    closeBefore(start);
    intervals.add(start, word);
    open.push({ end, word });
  }
  closeBefore(2 ** 32);
  return intervals;
}

const STRIDE = 8;

/** Makes nodes, each distinct one once. */
class TrieNodes {
  readonly #nodes: Uint32Array[] = [];
  readonly #known = new Map<string, number>();
  #next: number = TRIE.rootSize;

  constructor(private readonly limit: number) {}

  get full(): boolean {
    return this.#next > this.limit;
  }

  /** The word for `2 ** bits` addresses from `start`, which lies in the interval at `at`. */
  wordFor(intervals: Intervals, at: number, start: number, bits: number): number {
    const { starts, words } = intervals;
    const end = start + 2 ** bits;
    const only = words[at] ?? 0;
    if ((starts[at + 1] ?? Infinity) >= end) return only;
    const packed = packNode(intervals, at, start, end);
    if (packed !== undefined) return this.#place(packed, TRIE.packedBit);
    const node = new Uint32Array(TRIE.fullSize);
    let inside = at;
    for (let i = 0; i < TRIE.fullSize; i += 1) {
      const part = start + i * 2 ** (bits - STRIDE);
      inside = intervals.at(part, inside);
      node[i] = this.wordFor(intervals, inside, part, bits - STRIDE);
    }
    return this.#place(node, TRIE.fullBit);
  }

  image(root: readonly number[]): Uint32Array {
    const image = new Uint32Array(this.#next);
    image.set(root);
    let at: number = TRIE.rootSize;
    for (const node of this.#nodes) {
      image.set(node, at);
      at += node.length;
    }
    return image;
  }

  #place(node: Uint32Array, bit: number): number {
    const key = Buffer.from(node.buffer).toString('latin1');
    let index = this.#known.get(key);
    if (index === undefined) {
      index = this.#next;
      this.#known.set(key, index);
      this.#nodes.push(node);
      this.#next += node.length;
    }
    return ((1 << bit) | index) >>> 0;
  }
}

/** Undefined if there are more intervals than a packed node takes. */
function packNode(
  { starts, words }: Intervals,
  at: number,
  start: number,
  end: number,
): Uint32Array | undefined {
  if ((starts[at + PACKED.intervals] ?? Infinity) < end) return undefined;
  const node = new Uint32Array(PACKED.size);
  const lanes = new BigUint64Array(node.buffer, 0, PACKED.startWords);
  for (let i = 0; i < PACKED.intervals; i += 1) {
    const from = starts[at + i] ?? Infinity;
    if (i > 0 && from >= end) continue;
    node[PACKED.words / 4 + i] = words[at + i] ?? 0;
  }
  for (let lane = 0; lane < PACKED.lanes * PACKED.startWords; lane += 1) {
    const from = starts[at + 1 + lane] ?? Infinity;
    const value = from < end ? from - start : PACKED.noStart;
    const word = Math.floor(lane / PACKED.lanes);
    const shift = BigInt((lane % PACKED.lanes) * PACKED.laneBits);
    lanes[word] = (lanes[word] ?? 0n) | (BigInt(value) << shift);
  }
  return node;
}
