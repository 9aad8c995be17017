/** The unit of the scale: one lookup in a warm hash of 16-byte keys, which finds its key. */
import type { Family } from '../src/address.js';
import { r1, r7, r10 } from '../src/codegen/assembly/assembler.js';
import type { MapDeclaration } from '../src/codegen/assembly/listing.js';
import { loadListing, type Loaded } from './measure.js';
import { KEY, oneLookupListing } from './one-lookup.js';

export const UNIT = 'one hash lookup';
/** A power of two. */
const ENTRIES = 1024;
const MAP: MapDeclaration = {
  name: 'unit',
  type: 'hash',
  keySize: 16,
  valueSize: 4,
  maxEntries: ENTRIES,
  flags: 0,
};
/** The source port, which differs from packet to packet in both families. */
const SOURCE_PORT = { 4: 34, 6: 54 } as const;

export function loadUnit(family: Family): Loaded {
  const entries = Array.from({ length: ENTRIES }, (_, i) => {
    const key = Buffer.alloc(16);
    key.writeUInt16LE(i);
    return { key, value: Buffer.alloc(4) };
  });
  const listing = oneLookupListing('hash_lookup', family, MAP, (asm) => {
    asm.load(2, r1, r7, SOURCE_PORT[family]);
    asm.and(r1, ENTRIES - 1);
    asm.store(8, r10, KEY, 0);
    asm.store(8, r10, KEY + 8, 0);
    asm.store(2, r10, KEY, r1);
  });
  return loadListing(listing, 'hash_lookup', [{ name: MAP.name, entries }]);
}
