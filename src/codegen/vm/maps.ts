/** The VM's maps: what the kernel's map types do, in plain JavaScript. */
import { bug } from '../../diagnostics.js';
import type { MapContents } from '../contents.js';
import type { MapDeclaration } from '../assembly/listing.js';

/** Negative numbers of include/uapi/asm-generic/errno-base.h, as map operations return them. */
export const ERRNO = {
  ENOENT: -2,
  E2BIG: -7,
  EAGAIN: -11,
  ENOMEM: -12,
  EFAULT: -14,
  EEXIST: -17,
  EINVAL: -22,
  ENOSPC: -28,
  EOPNOTSUPP: -95,
  ENOTSUPP: -524,
} as const;

/** Flags of bpf_map_update_elem. */
export const UPDATE = { any: 0, noExist: 1, exist: 2 } as const;
/** BPF_F_RDONLY_PROG: programs may not write. */
export const READ_ONLY_FOR_PROGRAMS = 1 << 7;

/** Operations return 0 or a negative errno. Keys and values have the declared sizes. */
export interface VmMap {
  readonly declaration: MapDeclaration;
  /** The value itself: what is written to it stays. */
  lookup(key: Uint8Array): Uint8Array | undefined;
  update(key: Uint8Array, value: Uint8Array, flags: number): number;
  delete(key: Uint8Array): number;
  entries(): readonly (readonly [key: Uint8Array, value: Uint8Array])[];
}

/** An empty map, or for arrays one of zeros. */
export function createMap(declaration: MapDeclaration): VmMap {
  switch (declaration.type) {
    case 'hash':
      return new HashMap(declaration, false);
    case 'lru_hash':
      return new HashMap(declaration, true);
    case 'lpm_trie':
      return new PrefixMap(declaration);
    // A run has one CPU.
    case 'array':
    case 'percpu_array':
      return new ArrayMap(declaration);
    case 'prog_array':
      return new ProgramArray(declaration);
    case 'ringbuf':
      return new RingBuffer(declaration);
  }
}

/** The maps that bind filled, by name. */
export function mapsOf(contents: MapContents): ReadonlyMap<string, VmMap> {
  return new Map(
    contents.maps.map((bound) => {
      const map = createMap(bound);
      const { keySize, valueSize } = bound;
      for (let i = 0; i < bound.count; i += 1) {
        const key = bound.keys.subarray(i * keySize, (i + 1) * keySize);
        const value = bound.values.subarray(i * valueSize, (i + 1) * valueSize);
        const error = map.update(key, value, UPDATE.any);
        if (error !== 0) bug(`entry ${i} of the map \`${bound.name}\` is refused: ${error}`);
      }
      return [bound.name, map];
    }),
  );
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** BPF_MAP_TYPE_HASH and LRU_HASH; the kernel's LRU is approximate, this one is exact. */
class HashMap implements VmMap {
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(
    readonly declaration: MapDeclaration,
    readonly evicts: boolean,
  ) {}

  lookup(key: Uint8Array): Uint8Array | undefined {
    const text = textOf(key);
    const entry = this.#entries.get(text);
    if (entry !== undefined && this.evicts) this.#use(text, entry);
    return entry?.value;
  }

  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags > UPDATE.exist) return ERRNO.EINVAL;
    const text = textOf(key);
    const known = this.#entries.get(text);
    if (known !== undefined && flags === UPDATE.noExist) return ERRNO.EEXIST;
    if (known === undefined && flags === UPDATE.exist) return ERRNO.ENOENT;
    if (known === undefined && this.#entries.size >= this.declaration.maxEntries) {
      if (!this.evicts) return ERRNO.E2BIG;
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    // The kernel puts a new element in: pointers to the old value do not see the new one.
    this.#use(text, { key: key.slice(), value: value.slice() });
    return 0;
  }

  delete(key: Uint8Array): number {
    return this.#entries.delete(textOf(key)) ? 0 : ERRNO.ENOENT;
  }

  entries(): readonly (readonly [Uint8Array, Uint8Array])[] {
    return [...this.#entries.values()].map(({ key, value }) => [key, value]);
  }

  #use(text: string, entry: Entry): void {
    if (this.evicts) this.#entries.delete(text);
    this.#entries.set(text, entry);
  }
}

/** BPF_MAP_TYPE_ARRAY and PERCPU_ARRAY: all values are always there. */
class ArrayMap implements VmMap {
  readonly #bytes: Uint8Array;
  /** The parts of the bytes that were asked for: a value is the same object each time. */
  readonly #values = new Map<number, Uint8Array>();

  constructor(readonly declaration: MapDeclaration) {
    this.#bytes = new Uint8Array(declaration.maxEntries * declaration.valueSize);
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    return this.#at(word(key));
  }

  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags > UPDATE.exist) return ERRNO.EINVAL;
    const stored = this.#at(word(key));
    if (stored === undefined) return ERRNO.E2BIG;
    if (flags === UPDATE.noExist) return ERRNO.EEXIST;
    stored.set(value);
    return 0;
  }

  delete(): number {
    return ERRNO.EINVAL;
  }

  entries(): readonly (readonly [Uint8Array, Uint8Array])[] {
    return Array.from({ length: this.declaration.maxEntries }, (_, i): [Uint8Array, Uint8Array] => [
      wordBytes(i),
      this.#at(i) ?? bug(`no value ${i}`),
    ]);
  }

  #at(index: number): Uint8Array | undefined {
    const { maxEntries, valueSize } = this.declaration;
    if (index >= maxEntries) return undefined;
    const known = this.#values.get(index);
    if (known !== undefined) return known;
    const value = this.#bytes.subarray(index * valueSize, (index + 1) * valueSize);
    this.#values.set(index, value);
    return value;
  }
}

/** BPF_MAP_TYPE_LPM_TRIE: keys are struct bpf_lpm_trie_key, a prefix length and the bits. */
class PrefixMap implements VmMap {
  /** By prefix length, then by the bits of the prefix. */
  readonly #byLength = new Map<number, Map<string, Entry>>();
  readonly #maxLength: number;
  #count = 0;

  constructor(readonly declaration: MapDeclaration) {
    this.#maxLength = 8 * (declaration.keySize - 4);
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    if (word(key) > this.#maxLength) return undefined;
    for (let length = word(key); length >= 0; length -= 1) {
      const entry = this.#byLength.get(length)?.get(prefix(key, length));
      if (entry !== undefined) return entry.value;
    }
    return undefined;
  }

  update(key: Uint8Array, value: Uint8Array, flags: number): number {
    const length = word(key);
    if (flags > UPDATE.exist || length > this.#maxLength) return ERRNO.EINVAL;
    const entries = this.#byLength.get(length) ?? new Map<string, Entry>();
    const text = prefix(key, length);
    const known = entries.has(text);
    if (known && flags === UPDATE.noExist) return ERRNO.EEXIST;
    if (!known && flags === UPDATE.exist) return ERRNO.ENOENT;
    if (!known && this.#count >= this.declaration.maxEntries) return ERRNO.ENOSPC;
    if (!known) this.#count += 1;
    entries.set(text, { key: key.slice(), value: value.slice() });
    this.#byLength.set(length, entries);
    return 0;
  }

  delete(key: Uint8Array): number {
    const length = word(key);
    if (length > this.#maxLength) return ERRNO.EINVAL;
    if (this.#byLength.get(length)?.delete(prefix(key, length)) !== true) return ERRNO.ENOENT;
    this.#count -= 1;
    return 0;
  }

  entries(): readonly (readonly [Uint8Array, Uint8Array])[] {
    return [...this.#byLength.values()].flatMap((entries) =>
      [...entries.values()].map(({ key, value }): [Uint8Array, Uint8Array] => [key, value]),
    );
  }
}

/** The first `length` bits behind the prefix length, as text. */
function prefix(key: Uint8Array, length: number): string {
  const bits = key.slice(4, 4 + Math.ceil(length / 8));
  const rest = length % 8;
  const last = bits.length - 1;
  if (rest !== 0) bits[last] = (bits[last] ?? 0) & (0xff << (8 - rest));
  return textOf(bits);
}

/** BPF_MAP_TYPE_PROG_ARRAY: programs of the same object by name, for tail calls. */
export class ProgramArray implements VmMap {
  readonly programs = new Map<number, string>();

  constructor(readonly declaration: MapDeclaration) {}

  lookup(): undefined {
    return undefined;
  }

  update(): number {
    return ERRNO.EINVAL;
  }

  delete(key: Uint8Array): number {
    return this.programs.delete(word(key)) ? 0 : ERRNO.ENOENT;
  }

  entries(): readonly (readonly [Uint8Array, Uint8Array])[] {
    return [];
  }
}

const RECORD_HEADER_BYTES = 8;

/** BPF_MAP_TYPE_RINGBUF: what a run puts in is taken out at its end. */
export class RingBuffer implements VmMap {
  #records: Uint8Array[] = [];
  #used = 0;

  constructor(readonly declaration: MapDeclaration) {}

  output(record: Uint8Array): number {
    const size = 8 * Math.ceil((record.length + RECORD_HEADER_BYTES) / 8);
    if (this.#used + size > this.declaration.maxEntries) return ERRNO.EAGAIN;
    this.#used += size;
    this.#records.push(record.slice());
    return 0;
  }

  drain(): readonly Uint8Array[] {
    const records = this.#records;
    this.#records = [];
    this.#used = 0;
    return records;
  }

  lookup(): undefined {
    return undefined;
  }

  update(): number {
    return ERRNO.EOPNOTSUPP;
  }

  delete(): number {
    return ERRNO.EOPNOTSUPP;
  }

  entries(): readonly (readonly [Uint8Array, Uint8Array])[] {
    return [];
  }
}

function word(key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(0, true);
}

function wordBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
