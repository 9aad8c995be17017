/** The address tables: a trie for each family, or single addresses in a hash and prefixes in an LPM trie. */
import { ADDRESS_BITS, addressBytes, type Family, type Prefix } from '../../address.js';
import { formatBytes } from '../../byte-sizes.js';
import type { AddressClasses, AddressClass } from './classes.js';
import { boundMap } from './images.js';
import { buildTrie4 } from './trie.js';
import { buildTrie6 } from './trie6.js';
import {
  CACHE_LINE,
  hashCandidate,
  type Candidate,
  type LogicalTable,
  type TableCandidates,
} from '../layout/choose-layouts.js';
import type { BoundMap } from '../contents.js';
import { CLASS_BITS, ENTRY_NEEDS_TABLES_BIT, FLAVOURS, MAPS, SHAPE_FLAG, TRIE } from '../layout.js';
import { FIND_ADDRESS6_NS, lpmNs } from '../layout/lookup-costs.js';
import { mapBytes, USUAL_SIZES } from '../layout/memory.js';

export interface AddressMaps {
  readonly maps: readonly BoundMap[];
  /** Bits of the shape's flags: which of them hold anything. */
  readonly flags: number;
  /** In place of the family's maps, if it has more than one word. */
  readonly trie4: Uint32Array;
  readonly trie6: Uint32Array;
}

/** The ways to look addresses up, and what makes the one that is chosen. */
export interface AddressPlan {
  readonly tables: readonly TableCandidates[];
  readonly make: (layoutOf: (table: LogicalTable) => string) => AddressMaps;
}

/** @param maxTrieBytes that a trie may take: what is larger is not made */
export function planAddresses(
  { classes, entries }: AddressClasses,
  maxTrieBytes: number,
): AddressPlan {
  const words = classes.map(entryWord);
  const tries = {
    4: buildTrie4(entries, words, maxTrieBytes),
    6: buildTrie6(entries, words, maxTrieBytes),
  };
  const families = { 4: splitEntries(entries, 4), 6: splitEntries(entries, 6) };
  return {
    tables: ADDRESS_FAMILIES.map((family) => ({
      table: TABLE_OF[family],
      family,
      candidates: [
        trieCandidate(family, tries[family], families[family], maxTrieBytes),
        mapsCandidate(family, families[family]),
      ],
    })),
    make: (layoutOf) => {
      const taken = (family: Family): Uint32Array | undefined =>
        layoutOf(TABLE_OF[family]) === 'trie' ? tries[family] : undefined;
      const held = (family: Family): SplitEntries =>
        taken(family) === undefined ? families[family] : NO_ENTRIES;
      return {
        maps: ADDRESS_FAMILIES.flatMap((family) => mapsOf(family, held(family), words)),
        flags: ADDRESS_FAMILIES.reduce(
          (flags, family) =>
            flags |
            flagsOf(family, held(family)) |
            (taken(family) === undefined ? 0 : TRIE_FLAG[family]),
          0,
        ),
        trie4: taken(4) ?? new Uint32Array(1),
        trie6: taken(6) ?? new Uint32Array(1),
      };
    },
  };
}

const ADDRESS_FAMILIES = [4, 6] as const;
const TABLE_OF = { 4: 'addresses IPv4', 6: 'addresses IPv6' } as const;
const TRIE_FLAG = { 4: SHAPE_FLAG.trie4, 6: SHAPE_FLAG.trie6 } as const;

/** A family's entries: those of one address, which go into a hash, and the others. */
interface SplitEntries {
  readonly single: AddressClasses['entries'];
  readonly wide: AddressClasses['entries'];
}

const NO_ENTRIES: SplitEntries = { single: [], wide: [] };

function splitEntries(entries: AddressClasses['entries'], family: Family): SplitEntries {
  const ofFamily = entries.filter(({ prefix }) => prefix.family === family);
  const isSingle = ({ prefix }: { readonly prefix: Prefix }): boolean =>
    prefix.length === ADDRESS_BITS[family];
  return {
    single: ofFamily.filter(isSingle),
    wide: ofFamily.filter((one) => !isSingle(one)),
  };
}

function trieCandidate(
  family: Family,
  trie: Uint32Array | undefined,
  { single, wide }: SplitEntries,
  limit: number,
): Candidate {
  const calls = family === 4 ? 0 : FIND_ADDRESS6_NS;
  const base = { layout: 'trie', loads: 2, calls, fast: true, inMaps: false };
  if (trie === undefined) {
    return { ...base, bytes: limit, touched: limit, obstacle: `over ${formatBytes(limit)}` };
  }
  const bytes = trie.byteLength;
  const root = family === 4 ? 4 * TRIE.rootSize : 0;
  const touched = bytes - root + Math.min(root, CACHE_LINE * (single.length + wide.length));
  return { ...base, bytes, touched, loads: bytes > root ? 2 : 1 };
}

function mapsCandidate(family: Family, { single, wide }: SplitEntries): Candidate {
  const { hash, lpm } = MAPS_OF[family];
  const hashed = hashCandidate(hash, single.length, 0);
  return {
    layout: 'hash and LPM',
    bytes: hashed.bytes + mapBytes(lpm, wide.length, { ...USUAL_SIZES, possibleCpus: 0 }),
    loads: 0,
    touched: 0,
    calls: hashed.calls + lpmNs(wide.length),
    fast: false,
    inMaps: true,
  };
}

const MAPS_OF = {
  4: { hash: MAPS.addr4Hash, lpm: MAPS.addr4Lpm, flags: [SHAPE_FLAG.hash4, SHAPE_FLAG.lpm4] },
  6: { hash: MAPS.addr6Hash, lpm: MAPS.addr6Lpm, flags: [SHAPE_FLAG.hash6, SHAPE_FLAG.lpm6] },
} as const;

function mapsOf(
  family: Family,
  { single, wide }: SplitEntries,
  words: readonly number[],
): readonly BoundMap[] {
  const { hash, lpm } = MAPS_OF[family];
  const valuesOf = (list: AddressClasses['entries']): Uint32Array =>
    Uint32Array.from(list, ({ classId }) => words[classId] ?? 0);
  return [
    boundMap(hash, single.length, addressKeys(single, family), valuesOf(single)),
    boundMap(lpm, wide.length, prefixKeys(wide, family), valuesOf(wide)),
  ];
}

function flagsOf(family: Family, { single, wide }: SplitEntries): number {
  const [hash, lpm] = MAPS_OF[family].flags;
  return (single.length > 0 ? hash : 0) | (wide.length > 0 ? lpm : 0);
}

/** What an address entry says of a class. Only the tables know what is behind a Service. */
function entryWord({ id, flavour, service }: AddressClass): number {
  const tables = service === undefined ? 0 : 1 << ENTRY_NEEDS_TABLES_BIT;
  return (id | (FLAVOURS.indexOf(flavour) << CLASS_BITS) | tables) >>> 0;
}

function addressKeys(entries: AddressClasses['entries'], family: Family): Uint8Array {
  const size = ADDRESS_BITS[family] / 8;
  const keys = new Uint8Array(entries.length * size);
  for (const [i, { prefix }] of entries.entries()) keys.set(addressBytes(prefix), i * size);
  return keys;
}

/** struct bpf_lpm_trie_key: u32 prefix length in host order, address in network order. */
function prefixKeys(entries: AddressClasses['entries'], family: Family): Uint8Array {
  const size = 4 + ADDRESS_BITS[family] / 8;
  const keys = new Uint8Array(entries.length * size);
  const view = new DataView(keys.buffer);
  for (const [i, { prefix }] of entries.entries()) {
    view.setUint32(i * size, prefix.length, true);
    keys.set(addressBytes(prefix), i * size + 4);
  }
  return keys;
}
