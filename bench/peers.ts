/** What programs that are laid out as others' have in common: from descriptions, not from their code. */
import type { Family } from '../src/address.js';
import { type Assembler, r0, r1, r2, r3, r6, r7, r10 } from '../src/codegen/assembly/assembler.js';
import type { Listing } from '../src/codegen/assembly/listing.js';
import { SKB, WHOLE_PACKET } from './driver.js';

/** Offsets in a plain packet, from the Ethernet header on. */
export const OFFSET = {
  4: { protocol: 23, source: 26, destinationPort: 36 },
  6: { protocol: 20, source: 22, destinationPort: 56 },
} as const;
export const ADDRESS_BYTES = { 4: 4, 6: 16 } as const;
export const TCP = 6;
/** BPF_F_NO_PREALLOC, which LPM tries demand. */
export const NO_PREALLOC = 1;
const PASS = -1;
const DROP = 2;

/** Keys and values of a map, to be filled before the program runs. */
export interface PeerMap {
  readonly name: string;
  readonly entries: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
}

export interface Peer {
  readonly name: string;
  readonly program: string;
  readonly listing: Listing;
  readonly maps: readonly PeerMap[];
}

/** r6 = context, r7 = packet: a plain TCP packet, since the bench sends no other. */
export function emitStart(asm: Assembler, family: Family): void {
  asm.mov(r6, r1);
  asm.load(4, r7, r6, SKB.data);
  asm.load(4, r2, r6, SKB.dataEnd);
  asm.mov(r3, r7);
  asm.add(r3, WHOLE_PACKET[family]);
  asm.branch('gt', r3, r2, 'deny');
}

/** Copies the source address to the stack. */
export function emitSource(asm: Assembler, family: Family, to: number): void {
  for (let offset = 0; offset < ADDRESS_BYTES[family]; offset += 4) {
    asm.load(4, r1, r7, OFFSET[family].source + offset);
    asm.store(4, r10, to + offset, r1);
  }
}

/** r0 = the value, by the key at that place of the stack; goes to `missing` without one. */
export function emitLookup(asm: Assembler, map: string, key: number, missing: string): void {
  asm.loadMap(r1, map);
  asm.mov(r2, r10);
  asm.add(r2, key);
  asm.call('map_lookup_elem');
  asm.branch('eq', r0, 0, missing);
}

export function emitVerdicts(asm: Assembler): void {
  asm.label('allow');
  asm.mov(r0, PASS);
  asm.exit();
  asm.label('deny');
  asm.mov(r0, DROP);
  asm.exit();
}

/** A key of an LPM trie: the length in bits, then what is looked up. */
export function prefixKey(bits: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([u32(bits), bytes]);
}

export function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
