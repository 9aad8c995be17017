/** The VM's arithmetic against the running kernel's, on random programs and on the awkward numbers. */
import { describe, expect, it } from 'vitest';
import {
  Assembler,
  r0,
  r1,
  r2,
  r3,
  r6,
  r7,
  type Register,
} from '../../src/codegen/assembly/assembler.js';
import { disassembleFunction } from '../../src/codegen/object/disassemble.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { readElf } from '../../src/codegen/object/elf-read.js';
import { link } from '../../src/codegen/assembly/link.js';
import type {
  AluOperation,
  FunctionListing,
  Reg,
  Test,
} from '../../src/codegen/assembly/listing.js';
import type { ObjectImage } from '../../src/codegen/object/object-image.js';
import { createVm } from '../../src/codegen/vm.js';
import { noKernel, withLoaded } from './kernel.js';
import { Dice, imageOf, listing, program } from './objects.js';

const OPERATIONS: readonly AluOperation[] = [
  'mov',
  'add',
  'sub',
  'mul',
  'div',
  'mod',
  'or',
  'and',
  'xor',
  'lsh',
  'rsh',
  'arsh',
];
const TESTS: readonly Test[] = [
  'eq',
  'ne',
  'gt',
  'ge',
  'lt',
  'le',
  'set',
  'sgt',
  'sge',
  'slt',
  'sle',
];
const AWKWARD = [0, 1, -1, 2, 31, 32, 63, 64, 0x7fff_ffff, -0x8000_0000, 0xffff, 0x8000, -2];

const REGISTERS: readonly Register[] = [0, 1, 2, 3, 4, 5, 8].map((reg) => ({ reg: reg as Reg }));
const WORDS_AT = 16;
const PACKET_BYTES = WORDS_AT + 8 * REGISTERS.length;

/** Loads registers from the packet, computes, and puts them back. */
function randomProgram(name: string, dice: Dice, length: number): FunctionListing {
  const asm = new Assembler(name, 'program');
  asm.load(4, r6, r1, 76).load(4, r7, r1, 80);
  asm.mov(r2, r6).add(r2, PACKET_BYTES).branch('gt', r2, r7, 'short');
  REGISTERS.forEach((one, i) => asm.load(8, one, r6, WORDS_AT + 8 * i));
  const open: { readonly label: string; readonly until: number }[] = [];
  for (let i = 0; i < length; i += 1) {
    for (const { label } of open.filter(({ until }) => until === i)) asm.label(label);
    const d = dice.pick(REGISTERS);
    const s = dice.pick(REGISTERS);
    const width = dice.pick([32, 64] as const);
    const imm = dice.below(2) === 0 ? dice.pick(AWKWARD) : dice.word();
    switch (dice.below(8)) {
      case 0:
        asm.negate(d, width);
        break;
      case 1:
        asm.toBigEndian(d, dice.pick([16, 32, 64] as const));
        break;
      case 2: {
        const label = asm.freshLabel('over');
        open.push({ label, until: i + 1 + dice.below(6) });
        asm.branch(dice.pick(TESTS), d, dice.below(2) === 0 ? s : imm, label, { width });
        break;
      }
      case 3:
        asm.loadImm64(d, (BigInt(dice.word()) << 32n) | BigInt(dice.word() >>> 0));
        break;
      default: {
        const operation = dice.pick(OPERATIONS);
        const shifts = operation.endsWith('sh');
        const divides = operation === 'div' || operation === 'mod';
        const fit = shifts ? imm & (width - 1) : divides && imm === 0 ? 7 : imm;
        asm.alu(operation, d, dice.below(2) === 0 ? s : fit, width);
      }
    }
  }
  for (const { label } of open.filter(({ until }) => until >= length)) asm.label(label);
  REGISTERS.forEach((one, i) => asm.store(8, r6, WORDS_AT + 8 * i, one));
  asm.mov(r0, r3).exit();
  asm.label('short').mov(r0, -1).exit();
  return asm.finish();
}

function randomPacket(dice: Dice): Uint8Array {
  const packet = new Uint8Array(PACKET_BYTES);
  const view = new DataView(packet.buffer);
  for (let at = WORDS_AT; at < PACKET_BYTES; at += 4) {
    view.setInt32(at, dice.below(2) === 0 ? dice.pick(AWKWARD) : dice.word(), true);
  }
  return packet;
}

function randomObject(seed: number, programs: number, length: number): ObjectImage {
  const dice = new Dice(seed);
  const functions = Array.from({ length: programs }, (_, i) =>
    randomProgram(`random${i}`, dice, length),
  );
  return readElf(writeElf(link(listing({ functions }))));
}

/** Runs all programs in both and returns those that differ. */
function differences(image: ObjectImage, kernel: ObjectImage, seed: number): readonly string[] {
  const dice = new Dice(seed);
  const vm = createVm(image);
  const found: string[] = [];
  withLoaded(writeElf(kernel), ({ run }) => {
    for (const one of image.functions) {
      const packet = randomPacket(dice);
      const ours = vm.run(one.name, packet);
      const theirs = run(one.name, packet);
      const same =
        ours.result === theirs.result && Buffer.compare(ours.packet, theirs.packet) === 0;
      if (!same) found.push(disassembleFunction(one));
    }
  });
  return found;
}

describe.skipIf(noKernel !== undefined)('the VM and the running kernel', () => {
  it.each([1, 2, 3])('compute the same in random programs (seed %i)', (seed) => {
    const image = randomObject(seed, 40, 60);
    expect(differences(image, image, seed + 100)).toEqual([]);
  });

  it('are found to differ where one instruction does', () => {
    const image = randomObject(4, 10, 30);
    const wrong: ObjectImage = {
      ...image,
      functions: image.functions.map((one, i) => ({
        ...one,
        instructions: one.instructions.map((at) =>
          i === 3 &&
          at.instruction.kind === 'alu' &&
          at.instruction.operation === 'mov' &&
          'reg' in at.instruction.src &&
          at.instruction.dst === 0
            ? { ...at, instruction: { ...at.instruction, src: { reg: 8 as const } } }
            : at,
        ),
      })),
    };
    expect(differences(image, wrong, 104)).toHaveLength(1);
  });

  it('agree on every operation with every pair of awkward numbers', () => {
    const functions = OPERATIONS.flatMap((operation) =>
      ([32, 64] as const).map((width) => allPairs(operation, width)),
    );
    const image = imageOf({ functions });
    const vm = createVm(image);
    withLoaded(writeElf(image), ({ run }) => {
      for (const { name } of functions) {
        const packet = awkwardPacket();
        expect([name, run(name, packet).packet]).toEqual([name, vm.run(name, packet).packet]);
      }
    });
  });

  it('agree on every test of every pair of awkward numbers', () => {
    const functions = TESTS.flatMap((test) =>
      ([32, 64] as const).map((width) => allTests(test, width)),
    );
    const image = imageOf({ functions });
    const vm = createVm(image);
    withLoaded(writeElf(image), ({ run }) => {
      for (const { name } of functions) {
        const packet = awkwardPacket();
        expect([name, run(name, packet).packet]).toEqual([name, vm.run(name, packet).packet]);
      }
    });
  });
});

const WIDE = [0n, 1n, -1n, 33n, 64n, 1n << 31n, 1n << 32n, (1n << 63n) - 1n, -(1n << 63n), -7n];
const AWKWARD_BYTES = WORDS_AT + 8 * WIDE.length + 8 * WIDE.length ** 2;

function awkwardPacket(): Uint8Array {
  const packet = new Uint8Array(AWKWARD_BYTES);
  const view = new DataView(packet.buffer);
  WIDE.forEach((value, i) => view.setBigInt64(WORDS_AT + 8 * i, value, true));
  return packet;
}

/** Writes a result for each pair behind the numbers. */
function forPairs(name: string, body: (asm: Assembler, index: number) => void): FunctionListing {
  return program(name, (asm) => {
    asm.load(4, r6, r1, 76).load(4, r7, r1, 80);
    asm.mov(r2, r6).add(r2, AWKWARD_BYTES).branch('gt', r2, r7, 'short');
    WIDE.forEach((_, i) =>
      WIDE.forEach((__, j) => {
        const index = i * WIDE.length + j;
        asm.load(8, r2, r6, WORDS_AT + 8 * i).load(8, r3, r6, WORDS_AT + 8 * j);
        body(asm, index);
        asm.store(8, r6, WORDS_AT + 8 * (WIDE.length + index), r2);
      }),
    );
    asm.mov(r0, 0).exit();
    asm.label('short').mov(r0, -1).exit();
  });
}

function allPairs(operation: AluOperation, width: 32 | 64): FunctionListing {
  return forPairs(`${operation}${width}`, (asm) => asm.alu(operation, r2, r3, width));
}

function allTests(test: Test, width: 32 | 64): FunctionListing {
  return forPairs(`${test}${width}`, (asm, index) => {
    const [yes, done] = [`yes${index}`, `done${index}`];
    asm.branch(test, r2, r3, yes, { width }).mov(r2, 0).jump(done).label(yes).mov(r2, 1);
    asm.label(done);
  });
}
