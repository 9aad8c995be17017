/** The instruction encoder, against bytes written by hand and against LLVM's disassembler. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatInstruction } from '../../src/codegen/object/disassemble.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { decode, encode, type MachineInstruction } from '../../src/codegen/assembly/isa.js';
import { link } from '../../src/codegen/assembly/link.js';
import type { AluOperation, Operand, Test } from '../../src/codegen/assembly/listing.js';
import { Bug, InputError } from '../../src/diagnostics.js';
import { listing } from './objects.js';

const GOLDENS: readonly (readonly [assembly: string, bytes: string, MachineInstruction])[] = [
  ['r6 = r1', 'bf 16 00 00 00 00 00 00', alu('mov', 64, 6, { reg: 1 })],
  ['w0 = -1', 'b4 00 00 00 ff ff ff ff', alu('mov', 32, 0, { imm: -1 })],
  ['r2 += -4', '07 02 00 00 fc ff ff ff', alu('add', 64, 2, { imm: -4 })],
  ['w3 s>>= w4', 'cc 43 00 00 00 00 00 00', alu('arsh', 32, 3, { reg: 4 })],
  ['r9 %= r8', '9f 89 00 00 00 00 00 00', alu('mod', 64, 9, { reg: 8 })],
  ['r5 = -r5', '87 05 00 00 00 00 00 00', { kind: 'negate', width: 64, dst: 5 }],
  ['r1 = be16 r1', 'dc 01 00 00 10 00 00 00', { kind: 'to-big-endian', bits: 16, dst: 1 }],
  [
    'r1 = *(u32 *)(r6 + 76)',
    '61 61 4c 00 00 00 00 00',
    { kind: 'load', size: 4, dst: 1, base: 6, offset: 76 },
  ],
  [
    'r7 = *(u8 *)(r8 + 23)',
    '71 87 17 00 00 00 00 00',
    { kind: 'load', size: 1, dst: 7, base: 8, offset: 23 },
  ],
  [
    '*(u64 *)(r10 - 16) = r3',
    '7b 3a f0 ff 00 00 00 00',
    { kind: 'store', size: 8, base: 10, offset: -16, src: { reg: 3 } },
  ],
  [
    '*(u16 *)(r10 - 2) = 80',
    '6a 0a fe ff 50 00 00 00',
    { kind: 'store', size: 2, base: 10, offset: -2, src: { imm: 80 } },
  ],
  [
    'lock *(u64 *)(r1 + 0) += r2',
    'db 21 00 00 00 00 00 00',
    { kind: 'atomic-add', size: 8, base: 1, offset: 0, src: 2 },
  ],
  [
    'r1 = 0x8899aabbccddeeff ll',
    '18 01 00 00 ff ee dd cc 00 00 00 00 bb aa 99 88',
    { kind: 'load-imm64', dst: 1, value: 0x8899_aabb_ccdd_eeffn },
  ],
  ['goto pc-2', '05 00 fe ff 00 00 00 00', { kind: 'jump', distance: -2 }],
  [
    'if w2 == 80 goto pc+2',
    '16 02 02 00 50 00 00 00',
    { kind: 'branch', test: 'eq', width: 32, left: 2, right: { imm: 80 }, distance: 2 },
  ],
  [
    'if r3 s<= r4 goto pc+32767',
    'dd 43 ff 7f 00 00 00 00',
    { kind: 'branch', test: 'sle', width: 64, left: 3, right: { reg: 4 }, distance: 32767 },
  ],
  ['call map_lookup_elem#1', '85 00 00 00 01 00 00 00', { kind: 'call', helper: 1 }],
  ['call pc-1', '85 10 00 00 ff ff ff ff', { kind: 'call-function', distance: -1 }],
  ['exit', '95 00 00 00 00 00 00 00', { kind: 'exit' }],
];

function alu(
  operation: AluOperation,
  width: 32 | 64,
  dst: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9,
  src: Operand,
): MachineInstruction {
  return { kind: 'alu', operation, width, dst, src };
}

const OPERATIONS = [
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
] as const satisfies readonly AluOperation[];
const TESTS = [
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
] as const satisfies readonly Test[];

/** One of each combination that exists. */
const MATRIX: readonly MachineInstruction[] = [
  ...([32, 64] as const).flatMap((width) =>
    ([{ reg: 7 }, { imm: -3 }] as const).flatMap((right) => [
      ...OPERATIONS.map((operation) => alu(operation, width, 1, right)),
      ...TESTS.map((test): MachineInstruction => ({
        kind: 'branch',
        test,
        width,
        left: 2,
        right,
        distance: 0,
      })),
    ]),
  ),
  { kind: 'negate', width: 32, dst: 1 },
  ...([16, 32, 64] as const).map((bits): MachineInstruction => ({
    kind: 'to-big-endian',
    bits,
    dst: 4,
  })),
  ...([1, 2, 4, 8] as const).flatMap((size): MachineInstruction[] => [
    { kind: 'load', size, dst: 3, base: 9, offset: -0x8000 },
    { kind: 'store', size, base: 9, offset: 0x7fff, src: { reg: 3 } },
    { kind: 'store', size, base: 9, offset: 1, src: { imm: 7 } },
  ]),
  ...([4, 8] as const).map((size): MachineInstruction => ({
    kind: 'atomic-add',
    size,
    base: 9,
    offset: 8,
    src: 3,
  })),
  { kind: 'load-imm64', dst: 8, value: 1n },
  { kind: 'jump', distance: 0 },
  { kind: 'call', helper: 26 },
  { kind: 'exit' },
];

function decodeBytes(bytes: Uint8Array): MachineInstruction {
  return decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
}

describe('the instruction encoder', () => {
  it.each(GOLDENS)('%s', (assembly, bytes, instruction) => {
    expect(Buffer.from(encode(instruction)).toString('hex')).toBe(bytes.replaceAll(' ', ''));
    expect(decodeBytes(encode(instruction))).toEqual(instruction);
    expect(formatInstruction({ slot: 0, instruction })).toBe(assembly);
  });

  it('decodes what it encodes, for every combination', () => {
    for (const instruction of [...MATRIX, ...GOLDENS.map(([, , one]) => one)]) {
      expect(decodeBytes(encode(instruction))).toEqual(instruction);
    }
  });

  it.each<[string, MachineInstruction]>([
    ['16-bit offset', { kind: 'jump', distance: 0x8000 }],
    ['16-bit offset', { kind: 'load', size: 1, dst: 0, base: 1, offset: -0x8001 }],
    ['32-bit immediate', alu('mov', 64, 0, { imm: 0x8000_0000 })],
    ['32-bit immediate', alu('mov', 64, 0, { imm: 0.5 })],
    ['64 bits', { kind: 'load-imm64', dst: 0, value: 1n << 64n }],
  ])('refuses what does not fit into the %s', (what, instruction) => {
    expect(() => encode(instruction)).toThrow(Bug);
    expect(() => encode(instruction)).toThrow(what);
  });

  it('decodes random bytes into what encodes to them, or refuses them', () => {
    let refused = 0;
    let state = 1;
    for (let i = 0; i < 20_000; i += 1) {
      const bytes = new Uint8Array(16);
      for (let j = 0; j < 8; j += 1) {
        state = (Math.imul(state, 1103515245) + 12345) | 0;
        bytes[j] = j < 2 || (state & 0x10000) !== 0 ? state >>> 16 : 0;
      }
      try {
        const again = encode(decodeBytes(bytes));
        expect(again).toEqual(bytes.subarray(0, again.length));
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(10_000);
    expect(refused).toBeLessThan(20_000);
  });

  const llvm = spawnSync('llvm-objdump', ['--version'], { encoding: 'utf8' });
  it.skipIf(!/LLVM version 14/.test(llvm.stdout))(
    'is read by LLVM 14 as the disassembler prints it',
    () => {
      const instructions = MATRIX.filter(({ kind }) => kind !== 'load-imm64');
      const image = link(listing({}));
      const code = instructions.map((instruction, slot) => ({ slot, instruction }));
      const [main] = image.functions;
      if (main === undefined) throw new Error('no function');
      const object = writeElf({ ...image, functions: [{ ...main, instructions: code }] });
      const folder = mkdtempSync(join(tmpdir(), 'policyc-test-'));
      try {
        const path = join(folder, 'matrix.o');
        writeFileSync(path, object);
        const said = spawnSync('llvm-objdump', ['-d', '--no-show-raw-insn', path], {
          encoding: 'utf8',
        }).stdout;
        const theirs = said
          .split('\n')
          .flatMap((line) => /^\s+\d+:\s+(.*)$/.exec(line)?.[1] ?? [])
          .map((line) => line.replace(/ <[^<>]*>$/, ''));
        const ours = code.map((one) => formatInstruction(one).replace('pc', ''));
        expect(theirs).toEqual(ours.map(asLlvm));
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});

/** LLVM writes helpers by number alone; version 14 knows no `%`, `&` tests and stores of numbers. */
function asLlvm(text: string): string {
  if (/^\*.* = -?\d+$/.test(text) || / & .* goto| %= /.test(text)) return '<unknown>';
  return text.replace(/^call \w*#/, 'call ');
}
