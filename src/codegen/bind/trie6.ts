/** The IPv6 trie: address entries for lookups without a helper; layout.ts has its form. */
import type { AddressClasses } from './classes.js';
import { SortedPrefixes } from './prefixes6.js';
import { TRIE6 } from '../layout.js';

/**
 * @param words the entry of each class
 * @returns undefined if it would take more than `budget` bytes
 */
export function buildTrie6(
  entries: AddressClasses['entries'],
  words: readonly number[],
  budget: number,
): Uint32Array | undefined {
  const prefixes = new SortedPrefixes(entries, words);
  const trie = new TrieBuilder(prefixes, Math.floor(budget / 4));
  trie.build();
  return trie.full ? undefined : trie.image();
}

const HALF = 64;
const SLOTS = 64;
const SLOT_BITS = 6;
/** So many bits of an address one node takes at most: 256 KiB of groups. */
const MOST_BITS = 20;
/** What two prefixes in one slot cost about: another node, its leaves, and time. */
const COLLISION_BYTES = 64;

/** Prefixes, by position, that share all bits up to a node. */
interface Slice {
  readonly first: number;
  readonly end: number;
}

interface Node {
  /** The word of addresses that no prefix of the slice holds. */
  readonly word: number;
  readonly depth: number;
  readonly slice: Slice;
}

/** A node's place, and how many bits choose among its groups. */
interface Placed {
  readonly index: number;
  readonly groupBits: number;
}

type Leaf = readonly [valueLow: number, valueHigh: number, word: number, info: number];

class TrieBuilder {
  #words = new Uint32Array(1 << 12);
  #size = 0;

  constructor(
    private readonly prefixes: SortedPrefixes,
    private readonly limit: number,
  ) {}

  get full(): boolean {
    return this.#size > this.limit;
  }

  build(): void {
    this.#addHeader(0, { word: 0, depth: 0, slice: { first: 0, end: this.prefixes.count } });
  }

  image(): Uint32Array {
    return this.#words.slice(0, this.#size);
  }

  /** What a half of the address begins with: the bits that all prefixes share, and the first node. */
  #addHeader(start: number, { word, slice }: Node): number {
    const index = this.#reserve(TRIE6.recordWords);
    const end = Math.min(this.prefixes.shared(slice), start + HALF - 1);
    const [low, high] = this.prefixes.path(slice.first, start, end);
    const { groupBits } = this.#addNode(this.#below(word, end, slice));
    this.#put(index, [low, high, word, info(end - start, end - start, groupBits)]);
    return index;
  }

  /** A prefix that ends where the node begins gives all of it its word. */
  #below(word: number, depth: number, { first, end }: Slice): Node {
    const covered = first < end && this.prefixes.length(first) === depth;
    return covered
      ? { word: this.prefixes.word(first), depth, slice: { first: first + 1, end } }
      : { word, depth, slice: { first, end } };
  }

  #addNode(node: Node): Placed {
    const bits = this.#stride(node);
    const groupBits = bits - SLOT_BITS;
    const index = this.#reserve(TRIE6.recordWords << groupBits);
    if (this.full) return { index, groupBits };
    const { words, slices } = this.#slots(node, bits);
    let next = 0;
    for (let group = 0; group < 1 << groupBits; group += 1) {
      const from = next;
      while ((slices[next]?.slot ?? Infinity) < (group + 1) * SLOTS) next += 1;
      const own = words.subarray(group * SLOTS, (group + 1) * SLOTS);
      this.#addGroup(index + TRIE6.recordWords * group, node, bits, own, slices.slice(from, next));
    }
    return { index, groupBits };
  }

  /** Few collisions for little memory. */
  #stride({ depth, slice }: Node): number {
    const most = Math.max(SLOT_BITS, Math.min(MOST_BITS, halfEnd(depth) - depth));
    const collisions = this.prefixes.sharedCounts(slice, depth, most);
    let best = SLOT_BITS;
    let least = Infinity;
    for (let bits = SLOT_BITS; bits <= most; bits += 1) {
      const groups = 2 ** (bits - SLOT_BITS);
      const cost = groups * 4 * TRIE6.recordWords + (collisions[bits] ?? 0) * COLLISION_BYTES;
      if (cost < least) [best, least] = [bits, cost];
    }
    return best;
  }

  /** The word of each slot, but for the longer prefixes in it; those by slot. */
  #slots(node: Node, bits: number): { words: Uint32Array; slices: readonly SlotSlice[] } {
    const { depth, slice } = node;
    const limit = Math.min(depth + bits, halfEnd(depth));
    const words = new Uint32Array(2 ** bits).fill(node.word);
    const slices: SlotSlice[] = [];
    for (let i = slice.first; i < slice.end; i += 1) {
      const length = this.prefixes.length(i);
      const slot = this.prefixes.bits(i, depth, limit) * 2 ** (depth + bits - limit);
      if (length <= limit) {
        words.fill(this.prefixes.word(i), slot, slot + 2 ** (depth + bits - length));
        continue;
      }
      const last = slices.at(-1);
      if (last?.slot === slot) last.end = i + 1;
      else slices.push({ slot, first: i, end: i + 1 });
    }
    return { words, slices };
  }

  #addGroup(
    at: number,
    { depth }: Node,
    bits: number,
    words: Uint32Array,
    slices: readonly SlotSlice[],
  ): void {
    const usual = usualWord(words);
    const limit = Math.min(depth + bits, halfEnd(depth));
    const set: [number, number] = [0, 0];
    const leaves: number[] = [];
    let next = 0;
    for (const [slot, word] of words.entries()) {
      const slice = slices[next];
      const crowded = slice !== undefined && slice.slot % SLOTS === slot;
      if (crowded) next += 1;
      if (!crowded && word === usual) continue;
      set[slot >>> 5 === 0 ? 0 : 1] |= 1 << (slot & 31);
      leaves.push(
        ...(crowded ? this.#leafFor(slice, word, word === usual, limit) : wholeLeaf(word, 0)),
      );
    }
    const place = this.#reserve(leaves.length);
    this.#put(place, leaves);
    this.#put(at, [...set, place, usual]);
  }

  /** @param isUsual whether what is off the leaf's prefix has the word as well */
  #leafFor(slice: Slice, word: number, isUsual: boolean, limit: number): Leaf {
    const { prefixes } = this;
    const end = halfEnd(limit - 1);
    const { first } = slice;
    const alone = slice.end - first === 1;
    if (!isUsual) {
      if (limit === HALF) return wholeLeaf(this.#lowHalf(word, slice), 0);
      const { index, groupBits } = this.#addNode({ word, depth: limit, slice });
      return wholeLeaf(nodeWord(index), groupBits);
    }
    if (alone && prefixes.length(first) <= end) {
      const [low, high] = prefixes.path(first, limit, prefixes.length(first));
      return [low, high, prefixes.word(first), info(prefixes.length(first) - limit, 0, 0)];
    }
    const shared = prefixes.shared(slice);
    const depth = Math.min(shared, end);
    const [low, high] = prefixes.path(first, limit, depth);
    if (alone) {
      const shift = 2 * HALF - prefixes.length(first);
      return [low, high, this.#lowPrefix(first), info(depth - limit, shift, 0)];
    }
    if (shared >= end) return [low, high, this.#lowHalf(word, slice), info(depth - limit, 0, 0)];
    const { index, groupBits } = this.#addNode(this.#below(word, depth, slice));
    return [low, high, nodeWord(index), info(depth - limit, depth - limit, groupBits)];
  }

  /** A single prefix that ends in the lower half. */
  #lowPrefix(prefix: number): number {
    const index = this.#reserve(TRIE6.recordWords);
    const [low, high] = this.prefixes.lowHalf(prefix);
    this.#put(index, [low, high, this.prefixes.word(prefix), 0]);
    return ((1 << TRIE6.lowBit) | index) >>> 0;
  }

  #lowHalf(word: number, slice: Slice): number {
    const index = this.#addHeader(HALF, this.#below(word, HALF, slice));
    return ((1 << TRIE6.lowBit) | nodeWord(index)) >>> 0;
  }

  #reserve(count: number): number {
    const index = this.#size;
    this.#size += count;
    if (this.#size > this.#words.length && !this.full) {
      const grown = new Uint32Array(Math.max(2 * this.#words.length, this.#size));
      grown.set(this.#words);
      this.#words = grown;
    }
    return index;
  }

  #put(index: number, words: readonly number[]): void {
    if (!this.full) this.#words.set(words, index);
  }
}

interface SlotSlice {
  readonly slot: number;
  readonly first: number;
  end: number;
}

/** Where the half ends that the bit at `depth` is in. */
function halfEnd(depth: number): number {
  return depth < HALF ? HALF : 2 * HALF;
}

function nodeWord(index: number): number {
  return ((1 << TRIE6.nodeBit) | index) >>> 0;
}

/** A leaf that holds for its whole slot. */
function wholeLeaf(word: number, groupBits: number): Leaf {
  return [0, 0, word, info(0, 0, groupBits)];
}

/**
 * @param compared bits of the prefix
 * @param skipped bits that the next node need not see, or of a single prefix those that are not its own
 */
function info(compared: number, skipped: number, groupBits: number): number {
  const shift = HALF - 1 - compared;
  return shift | (skipped << TRIE6.skipShift) | (groupBits << TRIE6.groupShift);
}

/** The word of most slots, if there is one; otherwise some slot's. */
function usualWord(words: Uint32Array): number {
  let found = words[0] ?? 0;
  let lead = 0;
  for (const word of words) {
    if (lead === 0) found = word;
    lead += word === found ? 1 : -1;
  }
  return found;
}
