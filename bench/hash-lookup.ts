/** The unit of the scale: one lookup in a hash of 16-byte keys, by the packet's source address. */
import { Assembler, r0, r1, r2, r3, r6, r7, r10 } from '../src/codegen/assembler.js';
import type { Listing } from '../src/codegen/listing.js';

export const HASH_ENTRIES = 1000;
const SKB = { data: 76, dataEnd: 80 } as const;

export function hashLookupListing(): Listing {
  const asm = new Assembler('hash_lookup', 'program');
  asm.mov(r6, r1);
  asm.load(4, r7, r6, SKB.data);
  asm.load(4, r2, r6, SKB.dataEnd);
  asm.mov(r3, r7);
  asm.add(r3, 54);
  asm.branch('gt', r3, r2, 'done');
  asm.load(2, r1, r7, 28);
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
      { name: 'unit', type: 'hash', keySize: 16, valueSize: 4, maxEntries: HASH_ENTRIES, flags: 0 },
    ],
  };
}
