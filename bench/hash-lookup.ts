/** The unit of the scale: one lookup in a warm hash of 16-byte keys, which finds its key. */
import type { Family } from '../src/address.js';
import { Assembler, r0, r1, r2, r3, r6, r7, r10 } from '../src/codegen/assembly/assembler.js';
import type { Listing } from '../src/codegen/assembly/listing.js';
import { SKB, WHOLE_PACKET } from './driver.js';
import { loadListing, type Loaded } from './measure.js';

export const UNIT = 'one hash lookup';
/** A power of two. */
const ENTRIES = 1024;
/** The source port, which differs from packet to packet in both families. */
const SOURCE_PORT = { 4: 34, 6: 54 } as const;

export function loadUnit(family: Family): Loaded {
  const entries = Array.from({ length: ENTRIES }, (_, i) => {
    const key = Buffer.alloc(16);
    key.writeUInt16LE(i);
    return { key, value: Buffer.alloc(4) };
  });
  return loadListing(hashLookupListing(family), 'hash_lookup', [{ name: 'unit', entries }]);
}

function hashLookupListing(family: Family): Listing {
  const asm = new Assembler('hash_lookup', 'program');
  asm.mov(r6, r1);
  asm.load(4, r7, r6, SKB.data);
  asm.load(4, r2, r6, SKB.dataEnd);
  asm.mov(r3, r7);
  asm.add(r3, WHOLE_PACKET[family]);
  asm.branch('gt', r3, r2, 'done');
  asm.load(2, r1, r7, SOURCE_PORT[family]);
  asm.and(r1, ENTRIES - 1);
  asm.store(8, r10, -16, 0);
  asm.store(8, r10, -8, 0);
  asm.store(2, r10, -16, r1);
  asm.loadMap(r1, 'unit');
  asm.mov(r2, r10);
  asm.add(r2, -16);
  asm.call('map_lookup_elem');
  asm.label('done');
  asm.mov(r0, -1);
  asm.exit();
  return {
    license: 'Apache-2.0',
    functions: [asm.finish()],
    tables: [],
    maps: [
      { name: 'unit', type: 'hash', keySize: 16, valueSize: 4, maxEntries: ENTRIES, flags: 0 },
    ],
  };
}
