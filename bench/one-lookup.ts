/** Programs of one lookup in one map of the kernel: what other costs are counted in. */
import type { Family } from '../src/address.js';
import { Assembler, r0, r1, r2, r3, r6, r7, r10 } from '../src/codegen/assembly/assembler.js';
import type { Listing, MapDeclaration } from '../src/codegen/assembly/listing.js';
import { SKB, WHOLE_PACKET } from './driver.js';

/** Where the key stands on the stack. */
export const KEY = -32;

/** @param putKey writes the key to {@link KEY}; r7 points to the packet's headers, which are there */
export function oneLookupListing(
  name: string,
  family: Family,
  map: MapDeclaration,
  putKey: (asm: Assembler) => void,
): Listing {
  const asm = new Assembler(name, 'program');
  asm.mov(r6, r1);
  asm.load(4, r7, r6, SKB.data);
  asm.load(4, r2, r6, SKB.dataEnd);
  asm.mov(r3, r7);
  asm.add(r3, WHOLE_PACKET[family]);
  asm.branch('gt', r3, r2, 'done');
  putKey(asm);
  asm.loadMap(r1, map.name);
  asm.mov(r2, r10);
  asm.add(r2, KEY);
  asm.call('map_lookup_elem');
  asm.label('done');
  asm.mov(r0, -1);
  asm.exit();
  return { license: 'Apache-2.0', functions: [asm.finish()], tables: [], maps: [map] };
}
