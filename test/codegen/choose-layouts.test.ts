/** The choice of layouts: the cheapest within the budget, and why the others lost. */
import { describe, expect, it } from 'vitest';
import {
  chooseLayouts,
  type Candidate,
  type TableCandidates,
} from '../../src/codegen/layout/choose-layouts.js';
import { hashNs, loadNs, lpmNs } from '../../src/codegen/layout/lookup-costs.js';
import { InputError } from '../../src/diagnostics.js';

const ARRAY: Candidate = {
  layout: 'array',
  bytes: 1000,
  loads: 1,
  touched: 1000,
  calls: 0,
  fast: true,
  inMaps: false,
};
const HASH: Candidate = {
  layout: 'hash',
  bytes: 300,
  loads: 0,
  touched: 0,
  calls: 40,
  fast: false,
  inMaps: true,
};
const TABLES: readonly TableCandidates[] = [
  { table: 'rows', candidates: [ARRAY, HASH] },
  { table: 'cells', candidates: [{ ...ARRAY, bytes: 2000 }, HASH] },
];

function layouts(bytes: number, strict = false, inMaps = false): readonly string[] {
  const { tables } = chooseLayouts(TABLES, { budget: { bytes, strict }, inMaps });
  return tables.map(({ layout }) => layout);
}

describe('chooseLayouts', () => {
  it('takes the fastest that fit together', () => {
    expect(layouts(3000)).toEqual(['array', 'array']);
    expect(layouts(2999)).not.toEqual(['array', 'array']);
    expect(layouts(1300)).toEqual(['array', 'hash']);
    expect(layouts(1299)).toEqual(['hash', 'hash']);
  });

  it('refuses what a strict budget cannot hold, with the numbers', () => {
    expect(layouts(599)).toEqual(['hash', 'hash']);
    expect(layouts(600, true)).toEqual(['hash', 'hash']);
    expect(() => layouts(599, true)).toThrow(InputError);
    expect(() => layouts(599, true)).toThrow(/need 600 bytes at least, and the budget is 599/);
  });

  it('takes maps of the kernel where that is asked for', () => {
    expect(layouts(1e6, false, true)).toEqual(['hash', 'hash']);
  });

  it('says why the others lost', () => {
    const impossible: TableCandidates = {
      table: 'rows',
      candidates: [{ ...ARRAY, obstacle: 'too large' }, HASH],
    };
    const why = (tables: readonly TableCandidates[], bytes: number): readonly string[] =>
      chooseLayouts(tables, { budget: { bytes, strict: false } }).tables.flatMap(({ lost }) =>
        lost.map((one) => one.why),
      );
    expect(why([impossible], 1e6)).toEqual(['too large']);
    expect(why(TABLES, 1300)).toEqual([
      'a packet would cost 39 ns more',
      '1.7 KiB over the budget',
    ]);
    expect(why(TABLES.slice(0, 1), 1e6)).toEqual(['a packet would cost 74 ns more']);
  });

  it('adds up a packet of each family by its own tables alone', () => {
    const { packetNs } = chooseLayouts(
      [
        { table: 'addresses IPv4', family: 4, candidates: [ARRAY] },
        { table: 'addresses IPv6', family: 6, candidates: [HASH] },
      ],
      { budget: { bytes: 1e6, strict: true } },
    );
    expect(packetNs[4]).toBeCloseTo(3 + 1);
    expect(packetNs[6]).toBeCloseTo(3 + 35 + 40);
  });
});

describe('lookup costs', () => {
  it.each([loadNs, hashNs, lpmNs])(
    'grow with the size and stay within what was measured',
    (cost) => {
      const sizes = [1, 10, 1e3, 5e4, 1e5, 1e6, 1e7, 1e9];
      const costs = sizes.map(cost);
      expect(costs).toEqual([...costs].sort((a, b) => a - b));
      expect(cost(1e12)).toBe(cost(1e10));
    },
  );

  it('are nothing for a map that is empty', () => {
    expect([hashNs(0), lpmNs(0)]).toEqual([0, 0]);
  });
});
