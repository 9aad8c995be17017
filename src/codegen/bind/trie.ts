/** The IPv4 trie: address entries for lookups without a helper; layout.ts has its form. */
import type { AddressClasses } from './classes.js';
import { PACKED, TRIE } from '../layout.js';

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
    const start = group * 2 ** (32 - TRIE.groupBits);
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

const BLOCKS = 64;
const WORD_BYTES = 4;
const LINE_BYTES = TRIE.nodeUnit * WORD_BYTES;
const LEAF_BYTES = TRIE.leafWords * WORD_BYTES;
/** Groups in place of a middle node have to save so much memory: they take longer. */
const WORTH_WHILE = 2;
const SMALL_LINES = 4;

/** The blocks of a group that differ from its usual word, as pairs of a prefix and a word. */
interface Group {
  readonly usual: number;
  /** Bits of blocks 0 to 31, and of 32 to 63. */
  readonly blocks: readonly [number, number];
  readonly leaves: readonly number[];
}

/** Addresses from `start`, 2^`bits` of them; `at` is the interval of the first. */
interface Part {
  readonly start: number;
  readonly bits: number;
  readonly at: number;
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
    const group = this.#groupOf({ start, bits: TRIE.blockBits + PART_BITS, at });
    this.#groups.push(group);
    this.#leafWords += group.leaves.length;
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

  #groupOf(part: Part): Group {
    if (this.#isEven(part)) {
      return { usual: this.intervals.words[part.at] ?? 0, blocks: [0, 0], leaves: [] };
    }
    const positions = this.#positions(part, BLOCKS);
    const usual = this.#usualWord(positions);
    const blocks: [number, number] = [0, 0];
    const leaves: number[] = [];
    for (let block = 0; block < BLOCKS; block += 1) {
      if (this.#isUsual(part, positions, block, usual)) continue;
      const leaf = this.#leafOf(partOf(part, BLOCKS, positions, block), usual);
      if (leaf === undefined) continue;
      blocks[block < 32 ? 0 : 1] |= 1 << (block & 31);
      leaves.push(...leaf);
    }
    return { usual, blocks, leaves };
  }

  /** Whether all of the block has the usual word. */
  #isUsual({ start, bits }: Part, positions: Uint32Array, block: number, usual: number): boolean {
    const at = positions[block] ?? 0;
    if (this.intervals.words[at] !== usual) return false;
    return (
      (this.intervals.starts[at + 1] ?? Infinity) >= start + ((block + 1) * 2 ** bits) / BLOCKS
    );
  }

  #isEven({ start, bits, at }: Part): boolean {
    return (this.intervals.starts[at + 1] ?? Infinity) >= start + 2 ** bits;
  }

  #split(part: Part, count: number): readonly Part[] {
    const positions = this.#positions(part, count);
    return Array.from(positions, (_, i) => partOf(part, count, positions, i));
  }

  /** The intervals in which the first addresses of so many equal parts lie. */
  #positions({ start, bits, at }: Part, count: number): Uint32Array {
    const positions = new Uint32Array(count);
    let inside = at;
    for (let i = 0; i < count; i += 1) {
      inside = this.intervals.at(start + (i * 2 ** bits) / count, inside);
      positions[i] = inside;
    }
    return positions;
  }

  /** What most blocks begin with, so that few of them need a leaf. */
  #usualWord(positions: Uint32Array): number {
    const counts = new Map<number, number>();
    let usual = 0;
    let most = 0;
    for (const at of positions) {
      const word = this.intervals.words[at] ?? 0;
      const count = (counts.get(word) ?? 0) + 1;
      counts.set(word, count);
      if (count > most) [usual, most] = [word, count];
    }
    return usual;
  }

  /** Undefined if all of it has the usual word. */
  #leafOf(part: Part, usual: number): readonly [number, number] | undefined {
    const { starts, words } = this.intervals;
    const { start, bits, at } = part;
    const end = start + 2 ** bits;
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
    return [2 ** bits, this.#nodeFor(part)];
  }

  /** The word for all addresses of the part. */
  #nodeFor(part: Part): number {
    if (this.#isEven(part)) return this.intervals.words[part.at] ?? 0;
    if (part.bits > TRIE.partBits) {
      const packed = packNode(this.intervals, part.at, part.start, part.start + 2 ** part.bits);
      if (packed !== undefined) return this.#place(packed, 1 << TRIE.packedBit);
    }
    if (part.bits === TRIE.blockBits && this.#isScattered(part)) return this.#placeGroups(part);
    const size = part.bits === TRIE.blockBits ? TRIE.midSize : 2 ** part.bits;
    const node = Uint32Array.from(this.#split(part, size), (one) => this.#nodeFor(one));
    return this.#place(node, 1 << TRIE.fullBit);
  }

  /** Whether groups of small parts take far less than a middle node. */
  #isScattered(block: Part): boolean {
    const byMiddle = this.#split(block, TRIE.midSize).reduce(
      (sum, part) => sum + this.#bytesBelow(part),
      LINE_BYTES,
    );
    if (byMiddle < SMALL_LINES * LINE_BYTES) return false;
    // A prefix makes two intervals at most, and every one of them a leaf or half of it.
    const byGroups = LINE_BYTES + this.#count(block) * LEAF_BYTES;
    return WORTH_WHILE * byGroups < byMiddle;
  }

  #bytesBelow(part: Part): number {
    const count = this.#count(part);
    if (count === 1) return 0;
    return count <= PACKED.intervals ? LINE_BYTES : 2 ** part.bits * WORD_BYTES;
  }

  /** Intervals in it. */
  #count({ start, bits, at }: Part): number {
    let count = 1;
    while ((this.intervals.starts[at + count] ?? Infinity) < start + 2 ** bits) count += 1;
    return count;
  }

  #placeGroups(block: Part): number {
    const groups = this.#split(block, TRIE.partGroups).map((part) => this.#groupOf(part));
    const leaves = groups.flatMap((group) => group.leaves);
    const heads = TRIE.groupWords * groups.length;
    const node = new Uint32Array(
      Math.ceil((heads + leaves.length) / TRIE.nodeUnit) * TRIE.nodeUnit,
    );
    node.set([...groups.flatMap(({ usual, blocks }) => [...blocks, 0, usual]), ...leaves]);
    const word = this.#place(node, (1 << TRIE.fullBit) | (1 << TRIE.packedBit));
    let leaf = (word & ((1 << TRIE.packedBit) - 1)) + heads;
    for (const [i, group] of groups.entries()) {
      node[TRIE.groupWords * i + 2] = leaf;
      leaf += group.leaves.length;
    }
    return word;
  }

  #place(node: Uint32Array, bits: number): number {
    const key = Buffer.from(node.buffer).toString('latin1');
    let index = this.#known.get(key);
    if (index === undefined) {
      index = this.#nodeEnd;
      this.#known.set(key, index);
      this.#nodes.push(node);
      this.#nodeEnd += node.length;
    }
    return (bits | index) >>> 0;
  }
}

const PART_BITS = Math.log2(BLOCKS);

function partOf({ start, bits }: Part, count: number, positions: Uint32Array, index: number): Part {
  const ownBits = bits - (31 - Math.clz32(count));
  return { start: start + index * 2 ** ownBits, bits: ownBits, at: positions[index] ?? 0 };
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
