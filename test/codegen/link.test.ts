/** Link: labels, jumps of any length, dead code, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { r0, r1, r2 } from '../../src/codegen/assembly/assembler.js';
import { disassemble, targetSlot } from '../../src/codegen/object/disassemble.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { readElf } from '../../src/codegen/object/elf-read.js';
import { link, slotCount } from '../../src/codegen/assembly/link.js';
import type { Listing } from '../../src/codegen/assembly/listing.js';
import { createVm } from '../../src/codegen/vm.js';
import { Bug, diagnostic, InputError } from '../../src/diagnostics.js';
import { type Body, imageOf, listing, program, subprogram } from './objects.js';
import { noKernel, withLoaded } from './kernel.js';

function only(body: Body): Partial<Listing> {
  return { functions: [program('main', body)] };
}

describe('link', () => {
  it('turns labels into distances and counts two slots for 64-bit immediates', () => {
    const image = imageOf(
      only((asm) =>
        asm.mov(r0, 1).branch('eq', r0, 1, 'end').loadImm64(r0, 5n).label('end').exit(),
      ),
    );
    const [main] = image.functions;
    expect(main?.instructions.map((one) => one.slot)).toEqual([0, 1, 2, 4]);
    expect(main?.instructions[1]?.instruction).toMatchObject({ kind: 'branch', distance: 2 });
  });

  it('leaves out what control cannot reach, and jumps to what follows', () => {
    const image = imageOf(
      only((asm) =>
        asm.jump('a').mov(r0, 1).exit().label('a').mov(r0, 2).jump('b').label('b').exit().exit(),
      ),
    );
    expect(disassemble(image)).toBe('main:\n; a:\n     0: r0 = 2\n; b:\n     1: exit\n');
  });

  it.each<[string, Partial<Listing>]>([
    ['no label `nowhere`', only((asm) => asm.jump('nowhere'))],
    ['stands twice', only((asm) => asm.label('a').mov(r0, 0).label('a').exit())],
    ['falls off the end', only((asm) => asm.mov(r0, 0))],
    ['falls off the end', only((asm) => asm.mov(r0, 0).branch('eq', r0, 0, 'x').exit().label('x'))],
    ['no map `flows`', only((asm) => asm.loadMap(r1, 'flows').exit())],
    ['no table `cells`', only((asm) => asm.loadTable(r1, 'cells').exit())],
    [
      'outside of the 4 bytes',
      {
        ...only((asm) => asm.loadTable(r1, 'cells', 4).exit()),
        tables: [{ name: 'cells', frozen: true, initial: new Uint8Array(4) }],
      },
    ],
    ['no subprogram `main`', only((asm) => asm.callFunction('main').exit())],
    ['is not a C identifier', { functions: [program('to-pod', (asm) => asm.mov(r0, 0).exit())] }],
    [
      'declared twice',
      { functions: [program('a', (asm) => asm.exit()), subprogram('a', (asm) => asm.exit())] },
    ],
    ['without a program', { functions: [subprogram('a', (asm) => asm.mov(r0, 0).exit())] }],
    ['is empty', { tables: [{ name: 'cells', frozen: true, initial: new Uint8Array() }] }],
    [
      'too long for the kernel',
      {
        maps: [
          {
            name: 'a_name_of_16_chr',
            type: 'hash',
            keySize: 4,
            valueSize: 4,
            maxEntries: 1,
            flags: 0,
          },
        ],
      },
    ],
  ])('reports `%s` as a bug', (message, parts) => {
    expect(() => link(listing(parts))).toThrow(Bug);
    expect(() => link(listing(parts))).toThrow(message);
  });

  it('refuses a program that the kernel would refuse for its size', () => {
    const huge = only((asm) => {
      asm.mov(r0, 0);
      for (let i = 0; i < 1_000_000; i += 1) asm.add(r0, 1);
      asm.exit();
    });
    const args = { program: 'main', count: 1_000_002, limit: 1_000_000 };
    const expected = new InputError([diagnostic('link/too-many-instructions', args)]);
    expect(() => link(listing(huge))).toThrow(expected);
  });
});

/** Many ways across much code: `ways` branches over `length` slots, and one jump back. */
function farListing(length: number, ways: number): Partial<Listing> {
  return only((asm) => {
    asm.load(4, r2, r1, 8).mov(r0, 0).jump('middle');
    asm.label('back').add(r0, 1000).jump('end');
    asm.label('middle');
    for (let way = 0; way < ways; way += 1) asm.branch('eq', r2, way, `way${way}`);
    for (let i = 0; i < length; i += 1) asm.add(r0, 1);
    asm.jump('end');
    for (let way = 0; way < ways; way += 1)
      asm
        .label(`way${way}`)
        .add(r0, 10_000_000 + way)
        .jump('end');
    asm.label('last').jump('back').label('end').branch('eq', r2, 4, 'again').exit();
    asm.label('again').add(r2, 1).jump('back');
  });
}

describe('jumps', () => {
  it.each([32_000, 32_767, 32_768, 40_000, 70_000, 200_000])('reach over %i slots', (length) => {
    const linked = link(listing(farListing(length, 7)));
    const [main] = linked.functions;
    for (const at of main?.instructions ?? []) {
      const { instruction } = at;
      if (instruction.kind !== 'jump' && instruction.kind !== 'branch') continue;
      expect(Math.abs(instruction.distance)).toBeLessThanOrEqual(0x7fff);
      expect(targetSlot(at)).toBeGreaterThanOrEqual(0);
    }
    expect(main === undefined ? 0 : slotCount(main)).toBeLessThan(length + 200);
    const vm = createVm(readElf(writeElf(linked)));
    const result = (mark: number): number => vm.run('main', new Uint8Array(64), { mark }).result;
    expect(result(99)).toBe(length);
    for (const way of [0, 3, 6]) expect(result(way)).toBe(10_000_000 + way);
    expect(result(4)).toBe(10_001_004);
  });

  it('leads several thousand branches over one trampoline each at most', () => {
    const linked = link(listing(farListing(40_000, 3000)));
    const vm = createVm(readElf(writeElf(linked)));
    expect(vm.run('main', new Uint8Array(64), { mark: 2999 }).result).toBe(10_002_999);
    expect(vm.run('main', new Uint8Array(64), { mark: 3000 }).result).toBe(40_000);
  });

  it.skipIf(noKernel !== undefined)('pass the verifier of the running kernel', () => {
    const object = writeElf(link(listing(farListing(40_000, 7))));
    const context = new Uint8Array(192);
    withLoaded(object, ({ run }) => {
      context[8] = 3;
      expect(run('main', new Uint8Array(64), context).result).toBe(10_000_003);
      context[8] = 4;
      expect(run('main', new Uint8Array(64), context).result).toBe(10_001_004);
      context[8] = 9;
      expect(run('main', new Uint8Array(64), context).result).toBe(40_000);
    });
  });
});
