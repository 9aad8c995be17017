/** The address tries: what the emitted lookups find in what bind builds, against every prefix in turn. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ADDRESS_BITS, maskAddress, prefixContains, type Prefix } from '../../src/address.js';
import { buildTrie4 } from '../../src/codegen/bind/trie.js';
import { buildTrie6 } from '../../src/codegen/bind/trie6.js';
import {
  r0,
  r1,
  r2,
  r3,
  r6,
  r7,
  r8,
  type Assembler,
} from '../../src/codegen/assembly/assembler.js';
import { emitCallFindAddress, emitFindAddress } from '../../src/codegen/emit/trie.js';
import { emitCallFindAddress6, emitFindAddress6 } from '../../src/codegen/emit/trie6.js';
import { EXIT, SKB } from '../../src/codegen/emit/frame.js';
import { SHAPE, TABLES } from '../../src/codegen/layout.js';
import { createVm, type Vm } from '../../src/codegen/vm.js';
import { imageOf, program } from './objects.js';

type Entries = Parameters<typeof buildTrie4>[0];

const BUDGET = 64 * 1024 * 1024;
const RUNS = process.env['POLICYC_TEST_ALL'] === '1' ? 1_000 : 150;

const FAMILIES = {
  4: { build: buildTrie4, functions: [emitFindAddress()], call: emitCall4, table: TABLES.trie4 },
  6: { build: buildTrie6, functions: [emitFindAddress6()], call: emitCall6, table: TABLES.trie6 },
} as const;
const COUNT = { 4: SHAPE.trieCount, 6: SHAPE.trie6Count } as const;

function emitCall4(asm: Assembler): void {
  asm.load(4, r1, r7, 12);
  asm.toBigEndian(r1, 32);
  emitCallFindAddress(asm);
}

function emitCall6(asm: Assembler): void {
  asm.load(8, r1, r7, 0);
  asm.toBigEndian(r1, 64);
  asm.load(8, r2, r7, 8);
  asm.toBigEndian(r2, 64);
  emitCallFindAddress6(asm);
}

/** A program that looks up the first 16 bytes of its packet. */
function lookupVm(family: 4 | 6, image: Uint32Array): Vm {
  const { functions, call, table } = FAMILIES[family];
  const main = program('main', (asm) => {
    asm.mov(r6, r1);
    asm.load(4, r7, r6, SKB.data);
    asm.load(4, r3, r6, SKB.dataEnd);
    asm.mov(r1, r7);
    asm.add(r1, 16);
    asm.branch('gt', r1, r3, EXIT.corrupt);
    call(asm);
    asm.store(4, r6, SKB.cb0, r8);
    asm.mov(r0, 1);
    asm.exit();
    asm.label(EXIT.corrupt);
    asm.mov(r0, 0);
    asm.exit();
    return asm;
  });
  const shape = new Uint8Array(SHAPE.size);
  new DataView(shape.buffer).setUint32(COUNT[family], image.length, true);
  return createVm(
    imageOf({
      functions: [main, ...functions],
      tables: [
        { name: TABLES.shape, frozen: true, initial: shape },
        { name: table, frozen: false, initial: new Uint8Array(image.buffer) },
      ],
    }),
  );
}

function lookUp(vm: Vm, value: bigint): number {
  const packet = new Uint8Array(64);
  for (let i = 0; i < 16; i += 1) packet[15 - i] = Number((value >> BigInt(8 * i)) & 0xffn);
  const { result, cb } = vm.run('main', packet);
  expect(result).toBe(1);
  return (cb[0] ?? 0) >>> 0;
}

/** The word of the longest prefix that holds the address. */
function expected(prefixes: readonly Prefix[], words: readonly number[], value: bigint): number {
  let found = -1;
  for (const [i, prefix] of prefixes.entries()) {
    if (!prefixContains(prefix, { family: prefix.family, value })) continue;
    if (found < 0 || prefix.length > (prefixes[found]?.length ?? 0)) found = i;
  }
  return found < 0 ? 0 : (words[found] ?? 0);
}

/** Both ends of each prefix, and what lies outside. */
function edges({ family, value, length }: Prefix): readonly bigint[] {
  const last = value | ((1n << BigInt(ADDRESS_BITS[family] - length)) - 1n);
  const top = (1n << BigInt(ADDRESS_BITS[family])) - 1n;
  return [value, last, value - 1n, last + 1n].filter((one) => one >= 0n && one <= top);
}

/** Prefixes around a few addresses, so that they nest and crowd; runs of neighbours too. */
function prefixesOf(family: 4 | 6): fc.Arbitrary<readonly Prefix[]> {
  const bits = ADDRESS_BITS[family];
  const anywhere = fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
  const oneOf = fc
    .tuple(
      fc.array(anywhere, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat({ max: 2 ** 31 - 1 }), { maxLength: 60 }),
    )
    .map(([places, choices]) =>
      choices.map((choice): Prefix => {
        const place = places[choice % places.length] ?? 0n;
        const flip = BigInt((choice >>> 2) % bits);
        const more = BigInt((choice >>> 9) % 16) << flip;
        const length = (choice >>> 13) % (bits + 1);
        return maskAddress({ family, value: (place ^ more) & ((1n << BigInt(bits)) - 1n) }, length);
      }),
    );
  return oneOf.map((list) => {
    const distinct = new Map(list.map((one) => [`${one.value}/${one.length}`, one]));
    return [...distinct.values()];
  });
}

describe.each([4, 6] as const)('the IPv%i trie', (family) => {
  const { build } = FAMILIES[family];

  const check = (prefixes: readonly Prefix[], some: number): void => {
    // Few words: some prefixes say what those around them say.
    const words = prefixes.map((_, i) => (i % 7 === 0 ? 0 : 1 + (i % some)));
    const entries: Entries = prefixes.map((prefix, classId) => ({ prefix, classId }));
    const image = build(entries, words, BUDGET);
    if (image === undefined) throw new Error('no trie');
    const vm = lookupVm(family, image);
    for (const value of prefixes.flatMap(edges)) {
      expect(lookUp(vm, value), value.toString(16)).toBe(expected(prefixes, words, value));
    }
  };

  it('finds what random prefixes say', () => {
    const some = fc.integer({ min: 1, max: 40 });
    fc.assert(fc.property(prefixesOf(family), some, check), { numRuns: RUNS });
  });

  it('finds every level of a chain of prefixes', () => {
    const value = family === 4 ? 0xa5c3_5a3cn : 0xa5c3_5a3c_0ff0_1234_8001_7ffe_5555_aaa3n;
    const lengths = Array.from({ length: ADDRESS_BITS[family] + 1 }, (_, i) => i);
    check(
      lengths.map((length) => maskAddress({ family, value }, length)),
      1_000,
    );
  });

  it('takes many single addresses, side by side and anywhere', () => {
    const bits = BigInt(ADDRESS_BITS[family]);
    const near = Array.from({ length: 400 }, (_, i) => (0x2001n << (bits - 16n)) + BigInt(3 * i));
    const far = Array.from({ length: 400 }, (_, i) => (BigInt(i * 2_654_435) << (bits - 32n)) + 7n);
    check(
      [...near, ...far].map((value) => ({ family, value, length: Number(bits) })),
      1_000,
    );
  });

  it('is not built beyond its budget', () => {
    const value = 1n;
    const entries: Entries = [
      { prefix: { family, value, length: ADDRESS_BITS[family] }, classId: 1 },
    ];
    expect(build(entries, [0, 5], 0)).toBeUndefined();
  });
});
