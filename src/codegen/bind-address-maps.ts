/** The address maps: single addresses in hashes, longer prefixes in LPM tries, per family. */
import { ADDRESS_BITS, addressBytes, type Family, type Prefix } from '../address.js';
import type { AddressClasses, AddressClass } from './bind-classes.js';
import { boundMap } from './bind-images.js';
import { buildTrie4 } from './bind-trie.js';
import type { BoundMap } from './contents.js';
import { CLASS_BITS, ENTRY_NEEDS_TABLES_BIT, FLAVOURS, MAPS, SHAPE_FLAG } from './layout.js';

export interface AddressMaps {
  readonly maps: readonly BoundMap[];
  /** Bits of the shape's flags: which of them hold anything. */
  readonly flags: number;
  /** In place of the maps of IPv4, if it has more than one word. */
  readonly trie4: Uint32Array;
}

/** @param trieBudget bytes that the trie may take before maps take its place */
export function addressMaps({ classes, entries }: AddressClasses, trieBudget: number): AddressMaps {
  const words = classes.map(entryWord);
  const maps: BoundMap[] = [];
  const trie4 = buildTrie4(entries, words, trieBudget);
  let flags = trie4 === undefined ? 0 : SHAPE_FLAG.trie4;
  for (const family of [4, 6] as const) {
    const inMaps = family === 6 || trie4 === undefined;
    const ofFamily = entries.filter(({ prefix }) => inMaps && prefix.family === family);
    const isSingle = ({ prefix }: { readonly prefix: Prefix }): boolean =>
      prefix.length === ADDRESS_BITS[family];
    const single = ofFamily.filter(isSingle);
    const wide = ofFamily.filter((one) => !isSingle(one));
    const [hash, lpm] =
      family === 4 ? [MAPS.addr4Hash, MAPS.addr4Lpm] : [MAPS.addr6Hash, MAPS.addr6Lpm];
    const valuesOf = (list: AddressClasses['entries']): Uint32Array =>
      Uint32Array.from(list, ({ classId }) => words[classId] ?? 0);
    maps.push(boundMap(hash, single.length, addressKeys(single, family), valuesOf(single)));
    maps.push(boundMap(lpm, wide.length, prefixKeys(wide, family), valuesOf(wide)));
    if (single.length > 0) flags |= family === 4 ? SHAPE_FLAG.hash4 : SHAPE_FLAG.hash6;
    if (wide.length > 0) flags |= family === 4 ? SHAPE_FLAG.lpm4 : SHAPE_FLAG.lpm6;
  }
  return { maps, flags, trie4: trie4 ?? new Uint32Array(1) };
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
