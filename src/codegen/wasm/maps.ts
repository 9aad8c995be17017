/** Maps of translated programs: keys in JavaScript, values in the memory that the programs address. */
import { bug } from '../../diagnostics.js';
import type { BoundMap } from '../contents.js';
import { MEMORY_MAPS } from '../layout/state.js';
import type { MapDeclaration } from '../assembly/listing.js';
import { ERRNO, UPDATE } from '../vm/maps.js';

/** Linear memory, seen as bytes and as words. */
export interface WasmMemory {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

export interface WasmMap {
  /** The address of the value, or 0. */
  lookup(key: number): number;
  update(key: number, value: number, flags: number): number;
  remove(key: number): number;
  /** Forgets all entries that programs have made. */
  clear(): void;
}

/** Addresses of values that programs make: as many as one packet's worth of connections needs. */
const LATER_ENTRIES = 256;

/** How many bytes the map's values take in memory. */
export function valueBytes(
  { name, type, maxEntries, valueSize }: MapDeclaration,
  filled: number,
): number {
  switch (type) {
    case 'hash':
    case 'lru_hash':
    case 'lpm_trie':
      return align(valueSize) * (filled + (MEMORY_MAPS.includes(name) ? LATER_ENTRIES : 0));
    case 'array':
    case 'percpu_array':
      return align(valueSize) * maxEntries;
    case 'prog_array':
    case 'ringbuf':
      return 0;
  }
}

/** @param start the address of its values @throws Bug for types that the engine does not know */
export function createWasmMap(bound: BoundMap, memory: WasmMemory, start: number): WasmMap {
  switch (bound.type) {
    case 'hash':
    case 'lru_hash':
      return new HashMap(bound, memory, start);
    case 'lpm_trie':
      return new PrefixMap(bound, memory, start);
    case 'array':
    case 'percpu_array':
      return new ArrayMap(bound, memory, start);
    case 'ringbuf':
    case 'prog_array':
      return new NoMap();
  }
}

function align(size: number): number {
  return Math.ceil(size / 8) * 8;
}

/** Words of keys → addresses; open addressing with linear probing. */
class WordTable {
  readonly #width: number;
  #mask: number;
  #keys: Int32Array;
  /** 0 where free. */
  #addresses: Int32Array;
  #count = 0;

  constructor(width: number, expected: number) {
    this.#width = width;
    let capacity = 16;
    while (capacity < 2 * expected) capacity *= 2;
    this.#mask = capacity - 1;
    this.#keys = new Int32Array(capacity * width);
    this.#addresses = new Int32Array(capacity);
  }

  /** The key is `width` words of `words` from `at` on. */
  get(words: Int32Array, at: number): number {
    return this.#addresses[this.#slotOf(words, at)] ?? 0;
  }

  set(words: Int32Array, at: number, address: number): void {
    const slot = this.#slotOf(words, at);
    if (this.#addresses[slot] === 0) {
      this.#count += 1;
      for (let i = 0; i < this.#width; i += 1) {
        this.#keys[slot * this.#width + i] = words[at + i] ?? 0;
      }
    }
    this.#addresses[slot] = address;
    if (2 * this.#count > this.#mask) this.#grow();
  }

  clear(): void {
    if (this.#count === 0) return;
    this.#addresses.fill(0);
    this.#count = 0;
  }

  #slotOf(words: Int32Array, at: number): number {
    const width = this.#width;
    let hash = 0x9e37_79b9 | 0;
    for (let i = 0; i < width; i += 1) {
      hash = Math.imul(hash ^ (words[at + i] ?? 0), 0x85eb_ca6b);
      hash ^= hash >>> 15;
    }
    let slot = hash & this.#mask;
    while (this.#addresses[slot] !== 0 && !this.#holds(slot * width, words, at)) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #holds(start: number, words: Int32Array, at: number): boolean {
    for (let i = 0; i < this.#width; i += 1) {
      if (this.#keys[start + i] !== words[at + i]) return false;
    }
    return true;
  }

  #grow(): void {
    const keys = this.#keys;
    const addresses = this.#addresses;
    this.#mask = 2 * this.#mask + 1;
    this.#keys = new Int32Array((this.#mask + 1) * this.#width);
    this.#addresses = new Int32Array(this.#mask + 1);
    this.#count = 0;
    for (const [slot, address] of addresses.entries()) {
      if (address !== 0) this.set(keys, slot * this.#width, address);
    }
  }
}

/** The keys of bound entries, as words. */
function keyWords({ keys }: BoundMap): Int32Array {
  const copy = keys.slice();
  return new Int32Array(copy.buffer, 0, copy.length / 4);
}

function fillValues(
  { count, valueSize, values }: BoundMap,
  memory: WasmMemory,
  start: number,
): void {
  for (let i = 0; i < count; i += 1) {
    const value = values.subarray(i * valueSize, (i + 1) * valueSize);
    memory.bytes.set(value, start + i * align(valueSize));
  }
}

class HashMap implements WasmMap {
  readonly #table: WordTable;
  readonly #removed = new Set<number>();
  #next: number;
  readonly #limit: number;

  constructor(
    private readonly bound: BoundMap,
    private readonly memory: WasmMemory,
    private readonly start: number,
  ) {
    const { keySize, valueSize, count } = bound;
    this.#table = new WordTable(keySize / 4, count);
    fillValues(bound, memory, start);
    this.#next = start + count * align(valueSize);
    this.#limit = start + valueBytes(bound, count);
    this.#fill();
  }

  lookup(key: number): number {
    const address = this.#table.get(this.memory.words, key >>> 2);
    return this.#removed.size > 0 && this.#removed.has(address) ? 0 : address;
  }

  update(key: number, value: number, flags: number): number {
    const { valueSize } = this.bound;
    const known = this.lookup(key);
    if (flags < 0 || flags > UPDATE.exist) return ERRNO.EINVAL;
    if (known !== 0 && flags === UPDATE.noExist) return ERRNO.EEXIST;
    if (known === 0 && flags === UPDATE.exist) return ERRNO.ENOENT;
    if (this.#next + align(valueSize) > this.#limit) {
      return MEMORY_MAPS.includes(this.bound.name)
        ? bug('too many connections were not forgotten')
        : ERRNO.E2BIG;
    }
    const address = this.#next;
    this.#next += align(valueSize);
    this.memory.bytes.copyWithin(address, value, value + valueSize);
    this.#table.set(this.memory.words, key >>> 2, address);
    return 0;
  }

  remove(key: number): number {
    const address = this.lookup(key);
    if (address === 0) return ERRNO.ENOENT;
    this.#removed.add(address);
    return 0;
  }

  clear(): void {
    const { valueSize, count } = this.bound;
    this.#next = this.start + count * align(valueSize);
    this.#table.clear();
    this.#removed.clear();
    this.#fill();
  }

  #fill(): void {
    const { keySize, valueSize, count } = this.bound;
    if (count === 0) return;
    const words = keyWords(this.bound);
    for (let i = 0; i < count; i += 1) {
      this.#table.set(words, (i * keySize) / 4, this.start + i * align(valueSize));
    }
  }
}

/** One table for each prefix length in use, longest first. */
class PrefixMap implements WasmMap {
  readonly #tables: readonly { readonly masks: Int32Array; readonly table: WordTable }[];
  readonly #width: number;
  readonly #probe: Int32Array;

  constructor(
    bound: BoundMap,
    private readonly memory: WasmMemory,
    start: number,
  ) {
    const { keySize, valueSize, count } = bound;
    this.#width = keySize / 4 - 1;
    this.#probe = new Int32Array(this.#width);
    fillValues(bound, memory, start);
    const words = keyWords(bound);
    const byLength = new Map<number, number[]>();
    for (let i = 0; i < count; i += 1) {
      const length = words[(i * keySize) / 4] ?? 0;
      const list = byLength.get(length);
      if (list === undefined) byLength.set(length, [i]);
      else list.push(i);
    }
    const lengths = [...byLength].sort(([a], [b]) => b - a);
    this.#tables = lengths.map(([length, entries]) => {
      const table = new WordTable(this.#width, entries.length);
      const masks = masksOf(length, this.#width);
      for (const i of entries) {
        this.#mask(words, (i * keySize) / 4 + 1, masks);
        table.set(this.#probe, 0, start + i * align(valueSize));
      }
      return { masks, table };
    });
  }

  /** Programs ask with the length of a whole address. */
  lookup(key: number): number {
    for (const { masks, table } of this.#tables) {
      this.#mask(this.memory.words, (key >>> 2) + 1, masks);
      const address = table.get(this.#probe, 0);
      if (address !== 0) return address;
    }
    return 0;
  }

  update(): number {
    return bug('a program writes to a trie');
  }

  remove(): number {
    return bug('a program writes to a trie');
  }

  clear(): void {
    // Programs do not write to it.
  }

  #mask(words: Int32Array, at: number, masks: Int32Array): void {
    for (let i = 0; i < this.#width; i += 1) {
      this.#probe[i] = (words[at + i] ?? 0) & (masks[i] ?? 0);
    }
  }
}

/** Masks of words that are in network order and read as little-endian. */
function masksOf(length: number, width: number): Int32Array {
  const bytes = new Uint8Array(4 * width);
  for (let bit = 0; bit < length; bit += 1) {
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  }
  return new Int32Array(bytes.buffer);
}

class ArrayMap implements WasmMap {
  constructor(
    private readonly bound: BoundMap,
    private readonly memory: WasmMemory,
    private readonly start: number,
  ) {
    fillValues(bound, memory, start);
  }

  lookup(key: number): number {
    const index = (this.memory.words[key >>> 2] ?? 0) >>> 0;
    return index < this.bound.maxEntries ? this.start + index * align(this.bound.valueSize) : 0;
  }

  update(key: number, value: number, flags: number): number {
    const address = this.lookup(key);
    if (flags > UPDATE.exist) return ERRNO.EINVAL;
    if (address === 0) return ERRNO.E2BIG;
    if (flags === UPDATE.noExist) return ERRNO.EEXIST;
    this.memory.bytes.copyWithin(address, value, value + this.bound.valueSize);
    return 0;
  }

  remove(): number {
    return ERRNO.EINVAL;
  }

  clear(): void {
    // Counters go on.
  }
}

/** Ring buffers and program arrays have no values. */
class NoMap implements WasmMap {
  lookup(): number {
    return 0;
  }

  update(): number {
    return ERRNO.EINVAL;
  }

  remove(): number {
    return ERRNO.EINVAL;
  }

  clear(): void {
    // There is nothing.
  }
}
