/** The VM: what faults and where it says so, calls against the running kernel's, and its maps. */
import { describe, expect, it } from 'vitest';
import {
  r0,
  r1,
  r10,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  type Assembler,
} from '../../src/codegen/assembler.js';
import { writeElf } from '../../src/codegen/elf.js';
import type { Listing, MapDeclaration } from '../../src/codegen/listing.js';
import { createVm, VmFault } from '../../src/codegen/vm.js';
import { createMap, ProgramArray } from '../../src/codegen/vm-maps.js';
import { SourceFile, span } from '../../src/source.js';
import { noKernel, withLoaded } from './kernel.js';
import { type Body, imageOf, program, subprogram } from './objects.js';

const FLOWS: MapDeclaration = {
  name: 'flows',
  type: 'hash',
  keySize: 4,
  valueSize: 8,
  maxEntries: 2,
  flags: 0,
};

function object(body: Body, parts: Partial<Listing> = {}): Partial<Listing> {
  return { functions: [program('main', body)], ...parts };
}

function faultOf(parts: Partial<Listing>, packet = new Uint8Array(64)): VmFault {
  try {
    createVm(imageOf(parts), {}, { stepLimit: 10_000 }).run('main', packet);
  } catch (error) {
    if (error instanceof VmFault) return error;
    throw error;
  }
  throw new Error('the program ran to its end');
}

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

  it('names the source line of a fault', () => {
    const file = new SourceFile('p.yaml', 'spec:\n  - rule\n');
    const body: Body = (asm) =>
      asm.mov(r0, 0).withOrigin(span(file, 10, 14), () => asm.mov(r1, 0).load(1, r0, r1, 0).exit());
    const fault = faultOf(object(body));
    expect(fault.line).toMatchObject({ file: 'p.yaml', line: 2 });
    expect(fault.message).toBe(
      'a load through a number, at main:2: r0 = *(u8 *)(r1 + 0)\n  p.yaml:2: - rule',
    );
  });

  it('keeps frames apart and gives r6 to r9 back', () => {
    const image = imageOf({
      functions: [
        program('main', (asm) =>
          asm
            .mov(r6, 5)
            .store(8, r10, -8, 3)
            .callFunction('inner')
            .load(8, r1, r10, -8)
            .add(r0, r1)
            .add(r0, r6)
            .exit(),
        ),
        subprogram('inner', (asm) =>
          asm.mov(r6, 100).store(8, r10, -8, 50).load(8, r0, r10, -8).exit(),
        ),
      ],
    });
    expect(createVm(image).run('main', new Uint8Array(64)).result).toBe(58);
    const leaking = {
      functions: [
        program('main', (asm) => asm.callFunction('inner').exit()),
        subprogram('inner', (asm) => asm.mov(r0, r6).exit()),
      ],
    };
    expect(faultOf(leaking)).toMatchObject({ functionName: 'inner', slot: 0 });
  });

  it('makes tail calls into the programs of an array, at most 33', () => {
    const gate: MapDeclaration = { ...FLOWS, name: 'gate', type: 'prog_array', valueSize: 4 };
    const image = imageOf({
      maps: [gate],
      functions: [
        program('main', (asm) =>
          asm.loadMap(r2, 'gate').mov(r3, 1).call('tail_call').mov(r0, 2).exit(),
        ),
        program('next', (asm) =>
          again(asm.load(4, r3, r1, 8).add(r3, 1).store(4, r1, 8, r3)).exit(),
        ),
      ],
    });
    const map = new ProgramArray(gate);
    const vm = createVm(image, { maps: new Map([['gate', map]]) });
    expect(vm.run('main', new Uint8Array(64)).result).toBe(2);
    map.programs.set(1, 'next');
    expect(vm.run('main', new Uint8Array(64))).toMatchObject({ result: 9, mark: 33 });
  });

  it('shows only the linear part of a packet until it is pulled', () => {
    const image = imageOf(
      object((asm) =>
        asm
          .mov(r6, r1)
          .mov(r2, 40)
          .call('skb_pull_data')
          .load(4, r0, r6, 80)
          .load(4, r1, r6, 76)
          .sub(r0, r1)
          .exit(),
      ),
    );
    const span = object((asm) =>
      asm.load(4, r0, r1, 80).load(4, r2, r1, 76).mov(r3, r2).add(r3, 20).mov(r0, 0).exit(),
    );
    expect(
      createVm(imageOf(span)).run('main', new Uint8Array(64), { linearBytes: 20 }).result,
    ).toBe(0);
    expect(() => createVm(image).run('main', new Uint8Array(64), { linearBytes: 20 })).toThrow(
      VmFault,
    );
    const far: Body = (asm) => asm.load(4, r1, r1, 76).load(1, r0, r1, 20).exit();
    expect(() =>
      createVm(imageOf(object(far))).run('main', new Uint8Array(64), { linearBytes: 20 }),
    ).toThrow(/20 bytes of the packet/);
  });

  it('gives out records, redirects and the clock', () => {
    const ring: MapDeclaration = {
      ...FLOWS,
      name: 'events',
      type: 'ringbuf',
      keySize: 0,
      valueSize: 0,
      maxEntries: 4096,
    };
    const image = imageOf(
      object(
        (asm) => {
          asm.call('jiffies64').store(8, r10, -8, r0);
          asm
            .loadMap(r1, 'events')
            .mov(r2, r10)
            .add(r2, -8)
            .mov(r3, 8)
            .mov(r4, 0)
            .call('ringbuf_output');
          return asm.mov(r1, 7).mov(r2, 1).call('redirect').exit();
        },
        { maps: [ring] },
      ),
    );
    const vm = createVm(image, {}, { clock: () => ({ jiffies: 0x1_0000_0002n, nanoseconds: 0n }) });
    for (let i = 0; i < 2; i += 1) {
      expect(vm.run('main', new Uint8Array(64))).toMatchObject({
        result: 7,
        redirect: { ifindex: 7, flags: 1 },
        events: [Uint8Array.of(2, 0, 0, 0, 1, 0, 0, 0)],
        steps: 12,
      });
    }
  });
});

function again(asm: Assembler): Assembler {
  return asm.loadMap(r2, 'gate').mov(r3, 1).call('tail_call').mov(r0, 9);
}

/** Puts r0 of a call into a word of cb; the context is in r6. */
function keep(asm: Assembler, word: number): Assembler {
  return asm.store(4, r6, 48 + 4 * word, r0);
}

const LPM: MapDeclaration = {
  ...FLOWS,
  name: 'prefixes',
  type: 'lpm_trie',
  keySize: 8,
  valueSize: 4,
  maxEntries: 2,
  flags: 1,
};
const ARRAY: MapDeclaration = { ...FLOWS, name: 'cells', type: 'array', valueSize: 4 };

/** Updates `map` with a key of two words and a value of two. */
function update(
  asm: Assembler,
  map: string,
  key: readonly [number, number],
  value: number,
  flags: number,
): Assembler {
  return asm
    .store(4, r10, -16, key[0])
    .store(4, r10, -12, key[1])
    .store(8, r10, -8, value)
    .loadMap(r1, map)
    .mov(r2, r10)
    .add(r2, -16)
    .mov(r3, r10)
    .add(r3, -8)
    .mov(r4, flags)
    .call('map_update_elem');
}

function lookup(
  asm: Assembler,
  map: string,
  key: readonly [number, number],
  word: number,
): Assembler {
  const none = asm.freshLabel('none');
  asm
    .store(4, r10, -16, key[0])
    .store(4, r10, -12, key[1])
    .loadMap(r1, map)
    .mov(r2, r10)
    .add(r2, -16);
  asm.call('map_lookup_elem').branch('eq', r0, 0, none).load(4, r0, r0, 0).label(none);
  return keep(asm, word);
}

const CALLS: readonly (readonly [name: string, body: Body, maps?: readonly MapDeclaration[]])[] = [
  [
    'skb_load_bytes',
    (asm) => {
      keep(asm.mov(r2, 12).mov(r3, r10).add(r3, -8).mov(r4, 8).call('skb_load_bytes'), 0);
      asm.load(4, r0, r10, -8);
      keep(asm, 1)
        .mov(r1, r6)
        .mov(r2, 60)
        .mov(r3, r10)
        .add(r3, -8)
        .mov(r4, 8)
        .call('skb_load_bytes');
      keep(asm, 2).load(4, r0, r10, -8);
      keep(asm, 3);
    },
  ],
  [
    'skb_store_bytes',
    (asm) => {
      asm.store(8, r10, -8, 0x1234_5678);
      keep(
        asm.mov(r2, 20).mov(r3, r10).add(r3, -8).mov(r4, 8).mov(r5, 0).call('skb_store_bytes'),
        0,
      );
      keep(
        asm
          .mov(r1, r6)
          .mov(r2, 60)
          .mov(r3, r10)
          .add(r3, -8)
          .mov(r4, 8)
          .mov(r5, 0)
          .call('skb_store_bytes'),
        1,
      );
      keep(
        asm
          .mov(r1, r6)
          .mov(r2, 20)
          .mov(r3, r10)
          .add(r3, -8)
          .mov(r4, 8)
          .mov(r5, 8)
          .call('skb_store_bytes'),
        2,
      );
    },
  ],
  [
    'skb_pull_data',
    (asm) => {
      keep(asm.mov(r2, 30).call('skb_pull_data'), 0);
      keep(asm.mov(r1, r6).mov(r2, 65).call('skb_pull_data'), 1);
      keep(asm.mov(r1, r6).mov(r2, 0).call('skb_pull_data'), 2);
    },
  ],
  [
    'l3_csum_replace',
    (asm) => {
      keep(asm.mov(r2, 24).mov(r3, 0x1122).mov(r4, 0x99aa).mov(r5, 2).call('l3_csum_replace'), 0);
      keep(
        asm
          .mov(r1, r6)
          .mov(r2, 26)
          .loadImm64(r3, 0x9234_5678n)
          .mov(r4, 0x1bc_def0)
          .mov(r5, 4)
          .call('l3_csum_replace'),
        1,
      );
      keep(
        asm
          .mov(r1, r6)
          .mov(r2, 28)
          .mov(r3, 0)
          .mov(r4, 0x5555_7777)
          .mov(r5, 0)
          .call('l3_csum_replace'),
        2,
      );
      keep(asm.mov(r1, r6).mov(r2, 25).mov(r3, 0).mov(r4, 1).mov(r5, 2).call('l3_csum_replace'), 3);
      keep(asm.mov(r1, r6).mov(r2, 24).mov(r3, 1).mov(r4, 1).mov(r5, 3).call('l3_csum_replace'), 4);
    },
  ],
  [
    'l4_csum_replace',
    (asm) => {
      keep(
        asm.mov(r2, 24).mov(r3, 0x1122).mov(r4, 0x99aa).mov(r5, 0x12).call('l4_csum_replace'),
        0,
      );
      keep(
        asm
          .mov(r1, r6)
          .mov(r2, 46)
          .mov(r3, 0x1122)
          .mov(r4, 0x99aa)
          .mov(r5, 0x22)
          .call('l4_csum_replace'),
        1,
      );
      keep(
        asm
          .mov(r1, r6)
          .mov(r2, 46)
          .mov(r3, 0x1122)
          .mov(r4, 0x99aa)
          .mov(r5, 0x62)
          .call('l4_csum_replace'),
        2,
      );
      keep(asm.mov(r1, r6).mov(r2, 63).mov(r3, 0).mov(r4, 0).mov(r5, 2).call('l4_csum_replace'), 3);
      keep(
        asm.mov(r1, r6).mov(r2, 30).mov(r3, 0).mov(r4, 5).mov(r5, 0x200).call('l4_csum_replace'),
        4,
      );
    },
  ],
  [
    'csum_diff',
    (asm) => {
      asm.store(8, r10, -8, -5).store(8, r10, -16, 0x7766_5544);
      keep(
        asm
          .mov(r1, r10)
          .add(r1, -8)
          .mov(r2, 8)
          .mov(r3, r10)
          .add(r3, -16)
          .mov(r4, 8)
          .mov(r5, 9)
          .call('csum_diff'),
        0,
      );
      keep(
        asm
          .mov(r1, 0)
          .mov(r2, 0)
          .mov(r3, r10)
          .add(r3, -16)
          .mov(r4, 4)
          .mov(r5, -3)
          .call('csum_diff'),
        1,
      );
      keep(
        asm.mov(r1, r10).add(r1, -8).mov(r2, 4).mov(r3, 0).mov(r4, 0).mov(r5, 0).call('csum_diff'),
        2,
      );
    },
  ],
  [
    'skb_change_tail',
    (asm) => {
      keep(asm.mov(r2, 100).mov(r3, 0).call('skb_change_tail'), 0);
      keep(asm.mov(r1, r6).mov(r2, 50).mov(r3, 0).call('skb_change_tail'), 1);
      keep(asm.mov(r1, r6).mov(r2, 13).mov(r3, 0).call('skb_change_tail'), 2);
      keep(asm.mov(r1, r6).mov(r2, 80).mov(r3, 1).call('skb_change_tail'), 3);
      keep(asm.load(4, r0, r6, 0), 4);
    },
  ],
  [
    'skb_adjust_room',
    (asm) => {
      keep(asm.mov(r2, 8).mov(r3, 0).mov(r4, 0).call('skb_adjust_room'), 0);
      keep(asm.mov(r1, r6).mov(r2, 4).mov(r3, 1).mov(r4, 0).call('skb_adjust_room'), 1);
      keep(asm.mov(r1, r6).mov(r2, -6).mov(r3, 0).mov(r4, 0).call('skb_adjust_room'), 2);
      keep(asm.mov(r1, r6).mov(r2, -60).mov(r3, 0).mov(r4, 0).call('skb_adjust_room'), 3);
      keep(asm.mov(r1, r6).mov(r2, 5000).mov(r3, 0).mov(r4, 0).call('skb_adjust_room'), 4);
    },
  ],
  [
    'redirect',
    (asm) => {
      keep(asm.mov(r1, 1).mov(r2, 6).call('redirect'), 0);
      keep(asm.mov(r1, 1).mov(r2, 1).call('redirect'), 1);
    },
  ],
  [
    'hash maps',
    (asm) => {
      keep(update(asm, 'flows', [1, 0], 11, 0), 0);
      keep(update(asm, 'flows', [2, 0], 22, 2), 1);
      keep(update(asm, 'flows', [1, 0], 33, 1), 2);
      update(asm, 'flows', [2, 0], 22, 1);
      keep(update(asm, 'flows', [3, 0], 44, 0), 3);
      lookup(asm, 'flows', [2, 0], 4);
    },
    [FLOWS],
  ],
  [
    'deleting',
    (asm) => {
      update(asm, 'flows', [1, 0], 11, 0);
      keep(
        asm
          .store(4, r10, -4, 1)
          .loadMap(r1, 'flows')
          .mov(r2, r10)
          .add(r2, -4)
          .call('map_delete_elem'),
        0,
      );
      keep(asm.loadMap(r1, 'flows').mov(r2, r10).add(r2, -4).call('map_delete_elem'), 1);
      keep(asm.loadMap(r1, 'cells').mov(r2, r10).add(r2, -4).call('map_delete_elem'), 2);
      lookup(asm, 'flows', [1, 0], 3);
    },
    [FLOWS, ARRAY],
  ],
  [
    'arrays',
    (asm) => {
      keep(update(asm, 'cells', [1, 0], 11, 0), 0);
      keep(update(asm, 'cells', [1, 0], 11, 1), 1);
      keep(update(asm, 'cells', [2, 0], 11, 0), 2);
      lookup(asm, 'cells', [1, 0], 3);
      lookup(asm, 'cells', [2, 0], 4);
    },
    [ARRAY],
  ],
  [
    'adding prefixes',
    (asm) => {
      keep(update(asm, 'prefixes', [33, 0x0a], 1, 0), 0);
      keep(update(asm, 'prefixes', [8, 0xff0a], 8, 0), 1);
      keep(update(asm, 'prefixes', [12, 0xf50a], 12, 2), 2);
      keep(update(asm, 'prefixes', [12, 0xf50a], 12, 0), 3);
      keep(update(asm, 'prefixes', [16, 0xf50a], 16, 0), 4);
    },
    [LPM],
  ],
  [
    'looking prefixes up',
    (asm) => {
      update(asm, 'prefixes', [8, 0xff0a], 8, 0);
      update(asm, 'prefixes', [12, 0xf50a], 12, 0);
      lookup(asm, 'prefixes', [32, 0xf10a], 0);
      lookup(asm, 'prefixes', [32, 0x010a], 1);
      lookup(asm, 'prefixes', [11, 0xf10a], 2);
      lookup(asm, 'prefixes', [32, 0x010b], 3);
      lookup(asm, 'prefixes', [7, 0x010a], 4);
    },
    [LPM],
  ],
];

/** IPv4 in Ethernet, with bytes that tell their places. */
function packetOf(bytes: number): Uint8Array {
  const packet = Uint8Array.from({ length: bytes }, (_, i) => (i * 37) & 0xff);
  packet.set([8, 0, 0x45, 0, 0, bytes - 14], 12);
  packet.set([0, 0], 46);
  return packet;
}

describe.skipIf(noKernel !== undefined)('calls in the VM and in the running kernel', () => {
  it.each(CALLS.map(([name, body, maps = []]) => ({ name, body, maps })))(
    '$name',
    ({ body, maps }) => {
      const main: Body = (asm) => {
        asm.mov(r6, r1);
        body(asm);
        asm.mov(r0, 42).exit();
      };
      const image = imageOf(object(main, { maps }));
      const packet = packetOf(64);
      const ours = createVm(image).run('main', packet);
      withLoaded(writeElf(image), ({ run }) => {
        const theirs = run('main', packet);
        const words = new Int32Array(theirs.context.buffer, 48, 5);
        expect(ours.cb.map((word) => word | 0)).toEqual([...words]);
        expect(Buffer.from(ours.packet).toString('hex')).toBe(
          Buffer.from(theirs.packet).toString('hex'),
        );
        expect(ours.result).toBe(theirs.result);
      });
    },
  );

  it('show the same context', () => {
    const fields = [0, 8, 16, 20, 24, 28, 32, 36, 40, 44, 48, 64, 164, 176];
    const main: Body = (asm) => {
      asm.mov(r6, r1).load(4, r7, r1, 76).load(4, r8, r1, 80);
      asm.mov(r2, r7).add(r2, 128).branch('gt', r2, r8, 'short');
      fields.forEach((field, i) => asm.load(4, r1, r6, field).store(4, r7, 14 + 4 * i, r1));
      asm.load(2, r1, r6, 10).store(2, r7, 100, r1).load(1, r1, r6, 17).store(1, r7, 102, r1);
      asm.load(8, r1, r6, 56).store(8, r7, 104, r1).mov(r1, -2).store(4, r6, 8, r1);
      asm
        .load(8, r1, r6, 152)
        .store(8, r7, 112, r1)
        .store(1, r6, 49, 7)
        .store(8, r6, 56, r1)
        .load(4, r0, r6, 56)
        .exit();
      asm.label('short').mov(r0, -1).exit();
    };
    const image = imageOf(object(main));
    const packet = packetOf(128);
    const context = new Uint8Array(192);
    const view = new DataView(context.buffer);
    view.setUint32(8, 0x1234_5678, true);
    view.setUint32(32, 99, true);
    [1, 2, 3, 4, 5].forEach((n, i) => view.setUint32(48 + 4 * i, n * 0x0101_0101, true));
    view.setBigUint64(152, 0x1_0000_0007n, true);
    const ours = createVm(image).run('main', packet, {
      mark: 0x1234_5678,
      priority: 99,
      cb: [1, 2, 3, 4, 5].map((n) => n * 0x0101_0101),
      tstamp: 0x1_0000_0007n,
    });
    withLoaded(writeElf(image), ({ run }) => {
      const theirs = run('main', packet, context);
      expect([...ours.packet]).toEqual([...theirs.packet]);
      expect(ours.result).toBe(theirs.result);
      expect(ours.mark).toBe(new DataView(theirs.context.buffer).getUint32(8, true));
      expect(ours.cb).toEqual([...new Uint32Array(theirs.context.buffer, 48, 5)]);
    });
  });
});

describe("the VM's maps", () => {
  const key = (n: number): Uint8Array => Uint8Array.of(n, 0, 0, 0);

  it('evict the least recently used entry of an LRU hash', () => {
    const map = createMap({ ...FLOWS, type: 'lru_hash', maxEntries: 3 });
    for (const n of [1, 2, 3]) map.update(key(n), new Uint8Array(8).fill(n), 0);
    map.lookup(key(1));
    map.update(key(2), new Uint8Array(8), 0);
    expect(map.update(key(4), new Uint8Array(8), 0)).toBe(0);
    expect(map.entries().map(([k]) => k[0])).toEqual([1, 2, 4]);
    expect(map.lookup(key(3))).toBeUndefined();
  });

  it('keep what programs wrote into values, until the key is updated anew', () => {
    const map = createMap(FLOWS);
    map.update(key(1), new Uint8Array(8), 0);
    const value = map.lookup(key(1));
    value?.fill(7);
    expect(map.lookup(key(1))?.[0]).toBe(7);
    map.update(key(1), new Uint8Array(8), 0);
    expect([value?.[0], map.lookup(key(1))?.[0]]).toEqual([7, 0]);
  });
});
