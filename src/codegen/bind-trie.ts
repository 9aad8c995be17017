/** The IPv4 trie: address entries for lookups without a helper; layout.ts has its form. */
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
  const image = new TrieImage(intervals);
  let at = 0;
  for (let group = 0; group < 2 ** TRIE.groupBits; group += 1) {
    const start = group * BLOCKS * BLOCK;
    at = intervals.at(start, at);
    image.addGroup(start, at);
    if (image.size > budget / 4) return undefined;
  }
  return image.finish();
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

const BLOCK = 2 ** TRIE.blockBits;
const BLOCKS = 64;

/** A group's blocks that differ from its usual word, as pairs of a prefix and a word. */
interface Group {
  readonly usual: number;
  /** Bits of blocks 0 to 31, and of 32 to 63. */
  readonly blocks: readonly [number, number];
  readonly leaves: readonly number[];
}

/** Makes groups and nodes, each distinct node once. */
class TrieImage {
  readonly #groups: Group[] = [];
  readonly #nodes: Uint32Array[] = [];
  readonly #known = new Map<string, number>();
  #nodeEnd: number = TRIE.rootSize;
  #leafWords = 0;

  constructor(private readonly intervals: Intervals) {}

  get size(): number {
    return this.#nodeEnd + this.#leafWords;
  }

  /** @param at the interval that holds the group's first address, which is `start` */
  addGroup(start: number, at: number): void {
    const { starts, words } = this.intervals;
    const end = start + BLOCKS * BLOCK;
    const only = words[at] ?? 0;
    if ((starts[at + 1] ?? Infinity) >= end) {
      this.#groups.push({ usual: only, blocks: [0, 0], leaves: [] });
      return;
    }
    const usual = this.#usualWord(start, at);
    const blocks: [number, number] = [0, 0];
    const leaves: number[] = [];
    let inside = at;
    for (let block = 0; block < BLOCKS; block += 1) {
      const first = start + block * BLOCK;
      inside = this.intervals.at(first, inside);
      const leaf = this.#leafOf(first, inside, usual);
      if (leaf === undefined) continue;
      if (block < 32) blocks[0] |= 1 << block;
      else blocks[1] |= 1 << (block - 32);
      leaves.push(...leaf);
    }
    this.#groups.push({ usual, blocks, leaves });
    this.#leafWords += leaves.length;
  }

  finish(): Uint32Array {
    const image = new Uint32Array(this.size);
    let group = 0;
    let leaf = this.#nodeEnd;
    for (const { usual, blocks, leaves } of this.#groups) {
      image.set([...blocks, leaves.length === 0 ? 0 : leaf, usual], group);
      image.set(leaves, leaf);
      group += TRIE.groupWords;
      leaf += leaves.length;
    }
    let at: number = TRIE.rootSize;
    for (const node of this.#nodes) {
      image.set(node, at);
      at += node.length;
    }
    return image;
  }

  /** What most blocks begin with, so that few of them need a leaf. */
  #usualWord(start: number, from: number): number {
    const counts = new Map<number, number>();
    let usual = 0;
    let most = 0;
    let at = from;
    for (let block = 0; block < BLOCKS; block += 1) {
      at = this.intervals.at(start + block * BLOCK, at);
      const word = this.intervals.words[at] ?? 0;
      const count = (counts.get(word) ?? 0) + 1;
      counts.set(word, count);
      if (count > most) [usual, most] = [word, count];
    }
    return usual;
  }

  /** Undefined if the whole block has the usual word. */
  #leafOf(start: number, at: number, usual: number): readonly [number, number] | undefined {
    const { starts, words } = this.intervals;
    const end = start + BLOCK;
    let other: number | undefined;
    let others = 0;
    for (let i = at; (starts[i] ?? Infinity) < end; i += 1) {
      if (words[i] === usual) continue;
      other = i;
      others += 1;
    }
    if (other === undefined) return undefined;
    const first = Math.max(start, starts[other] ?? 0) - start;
    const size = Math.min(end, starts[other + 1] ?? Infinity) - start - first;
    const isPrefix = (size & (size - 1)) === 0 && first % size === 0;
    if (others === 1 && isPrefix) return [first * 2 + size, words[other] ?? 0];
    return [TRIE.wholeBlock, this.#nodeFor(start, at, TRIE.blockBits)];
  }

  /** The word for `2 ** bits` addresses from `start`, which lies in the interval at `at`. */
  #nodeFor(start: number, at: number, bits: number): number {
    const { starts, words } = this.intervals;
    const end = start + 2 ** bits;
    const only = words[at] ?? 0;
    if ((starts[at + 1] ?? Infinity) >= end) return only;
    const packed = packNode(this.intervals, at, start, end);
    if (packed !== undefined) return this.#place(packed, TRIE.packedBit);
    const node = new Uint32Array(bits === TRIE.blockBits ? TRIE.midSize : TRIE.lastSize);
    const step = 2 ** bits / node.length;
    let inside = at;
    for (let i = 0; i < node.length; i += 1) {
      const part = start + i * step;
      inside = this.intervals.at(part, inside);
      node[i] = this.#nodeFor(part, inside, Math.log2(step));
    }
    return this.#place(node, TRIE.fullBit);
  }

  #place(node: Uint32Array, bit: number): number {
    const key = Buffer.from(node.buffer).toString('latin1');
    let index = this.#known.get(key);
    if (index === undefined) {
      index = this.#nodeEnd;
      this.#known.set(key, index);
      this.#nodes.push(node);
      this.#nodeEnd += node.length;
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
