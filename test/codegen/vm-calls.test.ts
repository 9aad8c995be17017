/** The VM's kernel functions and context against the running kernel's. */
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
} from '../../src/codegen/assembly/assembler.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import type { MapDeclaration } from '../../src/codegen/assembly/listing.js';
import { createVm } from '../../src/codegen/vm.js';
import { noKernel, withLoaded } from './kernel.js';
import { type Body, imageOf } from './objects.js';

import { FLOWS, object } from './vm-objects.js';

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
