/** A program that gives another one a different packet on each run, so that its caches work as on a node. */
import type { Family } from '../src/address.js';
import {
  Assembler,
  r0,
  r1,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  r9,
} from '../src/codegen/assembly/assembler.js';
import type { FunctionListing, Listing } from '../src/codegen/assembly/listing.js';

/** Different packets; a power of two. */
export const PACKETS = 65_536;
/** A record: the packet's bytes from the source address to the ports, then padding. */
export const RECORD_BYTES = { 4: 16, 6: 40 } as const;
const TARGET = 'target';

/** Where the records go: the source address of a plain IPv4 or IPv6 header. */
const FIRST_BYTE = { 4: 26, 6: 22 } as const;
const COPIED_BYTES = { 4: 12, 6: 36 } as const;
/** Ethernet, IP and TCP headers without options. */
export const WHOLE_PACKET = { 4: 54, 6: 74 } as const;
export const SKB = { data: 76, dataEnd: 80 } as const;

/** `drive` writes the next record into the packet and jumps to the program in `target`. */
export function driverListing(family: Family): Listing {
  return {
    license: 'Apache-2.0',
    functions: [emitDrive(family), emitNothing()],
    tables: [
      { name: 'records', frozen: false, initial: new Uint8Array(4) },
      { name: 'counter', frozen: false, initial: new Uint8Array(4) },
    ],
    maps: [{ name: TARGET, type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 }],
  };
}

function emitDrive(family: Family): FunctionListing {
  const asm = new Assembler('drive', 'program');
  asm.mov(r6, r1);
  asm.load(4, r7, r6, SKB.data);
  asm.load(4, r8, r6, SKB.dataEnd);
  asm.mov(r2, r7);
  asm.add(r2, WHOLE_PACKET[family]);
  asm.branch('gt', r2, r8, 'short');
  asm.loadTable(r3, 'counter');
  asm.load(4, r4, r3, 0);
  asm.mov(r5, r4);
  asm.add(r5, 1);
  asm.store(4, r3, 0, r5);
  asm.and(r4, PACKETS - 1);
  asm.mul(r4, RECORD_BYTES[family]);
  asm.loadTable(r9, 'records');
  asm.add(r9, r4);
  for (let offset = 0; offset < COPIED_BYTES[family]; offset += 4) {
    asm.load(4, r1, r9, offset);
    asm.store(4, r7, FIRST_BYTE[family] + offset, r1);
  }
  asm.mov(r1, r6);
  asm.loadMap(r2, TARGET);
  asm.mov(r3, 0);
  asm.call('tail_call');
  asm.label('short');
  asm.mov(r0, 0);
  asm.exit();
  return asm.finish();
}

/** The zero of the scale. */
function emitNothing(): FunctionListing {
  const asm = new Assembler('nothing', 'program');
  asm.mov(r0, -1);
  asm.exit();
  return asm.finish();
}
