/** What the VM refuses, and how it says where. */
import { describe, expect, it } from 'vitest';
import { r0, r1, r10, r2, r3, r4, r5, r7 } from '../../src/codegen/assembly/assembler.js';
import type { MapDeclaration } from '../../src/codegen/assembly/listing.js';
import { type Body } from './objects.js';

import { faultOf, FLOWS, object } from './vm-objects.js';

const TABLES = [
  { name: 'frozen', frozen: true, initial: new Uint8Array(8) },
  { name: 'open', frozen: false, initial: new Uint8Array(8) },
];

const FAULTS: readonly (readonly [reason: string, instruction: string, body: Body])[] = [
  ['a register that holds nothing is used', 'r2 += 1', (asm) => asm.add(r2, 1).exit()],
  ['r0 holds nothing at the end', 'exit', (asm) => asm.exit()],
  ['the program returns a pointer', 'exit', (asm) => asm.mov(r0, r10).exit()],
  [
    'a load through a number',
    'r0 = *(u8 *)(r1 + 0)',
    (asm) => asm.mov(r1, 0).load(1, r0, r1, 0).exit(),
  ],
  [
    'byte -8 of the stack was never written',
    'r0 = *(u64 *)(r10 - 8)',
    (asm) => asm.load(8, r0, r10, -8).exit(),
  ],
  ['outside of the stack', 'r0 = *(u64 *)(r10 - 520)', (asm) => asm.load(8, r0, r10, -520).exit()],
  ['outside of the stack', '*(u8 *)(r10 + 0) = 1', (asm) => asm.store(1, r10, 0, 1).exit()],
  ['not aligned', '*(u32 *)(r10 - 6) = 1', (asm) => asm.store(4, r10, -6, 1).exit()],
  [
    '4 bytes at 62 are outside of the 64 bytes of the packet',
    'r0 = *(u32 *)(r1 + 62)',
    (asm) => asm.load(4, r1, r1, 76).load(4, r0, r1, 62).exit(),
  ],
  [
    '1 bytes at -1 are outside',
    'r0 = *(u8 *)(r1 - 1)',
    (asm) => asm.load(4, r1, r1, 76).load(1, r0, r1, -1).exit(),
  ],
  [
    'a load through the end of the packet',
    'r0 = *(u8 *)(r1 + 0)',
    (asm) => asm.load(4, r1, r1, 80).load(1, r0, r1, 0).exit(),
  ],
  [
    'no field that tc programs may use',
    'r0 = *(u32 *)(r1 + 168)',
    (asm) => asm.load(4, r0, r1, 168).exit(),
  ],
  [
    'no field that tc programs may use',
    'r0 = *(u64 *)(r1 + 16)',
    (asm) => asm.load(8, r0, r1, 16).exit(),
  ],
  [
    'protocol of the context may not be written',
    '*(u32 *)(r1 + 16) = 1',
    (asm) => asm.store(4, r1, 16, 1).exit(),
  ],
  [
    'tstamp of the context is read in part',
    'r0 = *(u32 *)(r1 + 152)',
    (asm) => asm.load(4, r0, r1, 152).exit(),
  ],
  [
    'mark of the context is written in part',
    '*(u16 *)(r1 + 8) = 1',
    (asm) => asm.store(2, r1, 8, 1).exit(),
  ],
  ['arithmetic on a pointer to the context', 'r1 += 4', (asm) => asm.add(r1, 4).exit()],
  ['mul on a pointer', 'r1 *= 4', (asm) => asm.mul(r1, 4).exit()],
  ['32-bit arithmetic on a pointer', 'w1 += 4', (asm) => asm.add32(r1, 4).exit()],
  [
    '8 bytes at 4 are outside of the 8 bytes of the table `frozen`',
    'r0 = *(u64 *)(r1 + 0)',
    (asm) => asm.loadTable(r1, 'frozen', 4).load(8, r0, r1, 0).exit(),
  ],
  [
    'the table `frozen`, which is read-only',
    '*(u8 *)(r1 + 0) = 1',
    (asm) => asm.loadTable(r1, 'frozen').store(1, r1, 0, 1).exit(),
  ],
  [
    'is stored outside of the stack',
    '*(u64 *)(r2 + 0) = r1',
    (asm) => asm.loadTable(r2, 'open').store(8, r2, 0, r1).exit(),
  ],
  [
    'a part of a spilled pointer is read',
    'r0 = *(u32 *)(r10 - 8)',
    (asm) => asm.store(8, r10, -8, r1).load(4, r0, r10, -8).exit(),
  ],
  [
    'byte -4 of the stack was never written',
    'r0 = *(u32 *)(r10 - 4)',
    (asm) => asm.store(8, r10, -8, r1).store(4, r10, -8, 1).load(4, r0, r10, -4).exit(),
  ],
  [
    'pointers into different memories',
    'if r1 > r10 goto pc+1',
    (asm) => asm.load(4, r1, r1, 76).branch('gt', r1, r10, 'x').mov(r0, 0).label('x').exit(),
  ],
  [
    'a register that holds nothing is used',
    'r0 = r1',
    (asm) => asm.call('jiffies64').mov(r0, r1).exit(),
  ],
  [
    'a load through a number',
    'r0 = *(u64 *)(r0 + 0)',
    (asm) =>
      asm
        .store(4, r10, -4, 1)
        .loadMap(r1, 'flows')
        .mov(r2, r10)
        .add(r2, -4)
        .call('map_lookup_elem')
        .load(8, r0, r0, 0)
        .exit(),
  ],
  [
    '8 bytes at 8 are outside of the 8 bytes of a value',
    'r0 = *(u64 *)(r0 + 8)',
    (asm) =>
      asm
        .store(4, r10, -4, 0)
        .loadMap(r1, 'cells')
        .mov(r2, r10)
        .add(r2, -4)
        .call('map_lookup_elem')
        .load(8, r0, r0, 8)
        .exit(),
  ],
  [
    '4 bytes at -2 are outside of the stack',
    'call map_lookup_elem#1',
    (asm) => asm.loadMap(r1, 'flows').mov(r2, r10).add(r2, -2).call('map_lookup_elem').exit(),
  ],
  [
    'r1 holds',
    'call skb_pull_data#39',
    (asm) => asm.mov(r1, r10).mov(r2, 0).call('skb_pull_data').exit(),
  ],
  [
    'outside of the 0 bytes of the packet',
    'r0 = *(u8 *)(r7 + 0)',
    (asm) => asm.load(4, r7, r1, 76).mov(r2, 20).call('skb_pull_data').load(1, r0, r7, 0).exit(),
  ],
  ['more than 10000 instructions', 'goto pc-1', (asm) => asm.mov(r0, 0).label('x').jump('x')],
  [
    'a checksum over 3 bytes',
    'call csum_diff#28',
    (asm) =>
      asm
        .store(8, r10, -8, 0)
        .mov(r1, r10)
        .add(r1, -8)
        .mov(r2, 3)
        .mov(r3, 0)
        .mov(r4, 0)
        .mov(r5, 0)
        .call('csum_diff')
        .exit(),
  ],
  ['a division by the immediate 0', 'r0 /= 0', (asm) => asm.mov(r0, 1).div(r0, 0).exit()],
  ['a 32-bit shift by 32', 'w0 <<= 32', (asm) => asm.mov(r0, 1).lsh32(r0, 32).exit()],
  ['the frame pointer is read-only', 'r10 += -8', (asm) => asm.add(r10, -8).exit()],
];

describe('the VM', () => {
  it.each(FAULTS)('faults: %s, at %s', (reason, instruction, body) => {
    const cells: MapDeclaration = { ...FLOWS, name: 'cells', type: 'array' };
    const fault = faultOf(object(body, { tables: TABLES, maps: [FLOWS, cells] }));
    expect(fault.reason).toContain(reason);
    expect(fault.instruction).toBe(instruction);
  });
});
