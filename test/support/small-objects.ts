/** Small objects through the project's own ELF writer, for tests of loading. */
import { writeElf } from '../../src/codegen/object/elf.js';
import { link } from '../../src/codegen/assembly/link.js';
import type {
  Instruction,
  ListingItem,
  MapDeclaration,
} from '../../src/codegen/assembly/listing.js';
import { SourceFile, span } from '../../src/source.js';
import { u32 } from './raw-bpf.js';

const policy = new SourceFile('shop.yaml', 'allow: nothing\ndeny: everything\n');

/** An item whose origin is line 2 of shop.yaml. */
export function item(instruction: Instruction): ListingItem {
  return { kind: 'instruction', instruction, origin: span(policy, 15, 31) };
}

const frozenOne: Instruction[] = [
  { kind: 'load-table', dst: 1, table: 'bounds', offset: 0 },
  { kind: 'load', size: 4, dst: 2, base: 1, offset: 0 },
];

/**
 * Program `entry`: if the frozen table `bounds` holds 1, it returns word `at` of the table `cells`,
 * else it reads the address 16, which the verifier must know to be dead code.
 */
export function tableObject(at: number): Uint8Array {
  return objectOf([
    ...frozenOne.map(item),
    item({
      kind: 'branch',
      test: 'eq',
      width: 64,
      left: 2,
      right: { imm: 1 },
      target: 'good',
    }),
    item({ kind: 'alu', operation: 'mov', width: 64, dst: 3, src: { imm: 16 } }),
    item({ kind: 'load', size: 8, dst: 0, base: 3, offset: 0 }),
    item({ kind: 'exit' }),
    { kind: 'label', name: 'good' },
    item({ kind: 'load-table', dst: 1, table: 'cells', offset: at * 4 }),
    item({ kind: 'load', size: 4, dst: 0, base: 1, offset: 0 }),
    item({ kind: 'exit' }),
  ]);
}

/** The tables hold `bounds` = 1 and `cells` = 100, 101, 102, 103 in the object itself. */
export function objectOf(items: readonly ListingItem[]): Uint8Array {
  const hash: MapDeclaration = {
    name: 'flows',
    type: 'hash',
    keySize: 4,
    valueSize: 8,
    maxEntries: 16,
    flags: 0,
  };
  return writeElf(
    link({
      license: 'Dual BSD/GPL',
      functions: [{ name: 'entry', role: 'program', items }],
      tables: [
        { name: 'bounds', frozen: true, initial: u32(1) },
        { name: 'cells', frozen: false, initial: u32(100, 101, 102, 103) },
      ],
      maps: [hash],
    }),
  );
}
