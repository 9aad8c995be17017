/** The space of labels against all labels that there are: no class too many, none too few. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutLabelSpace, OTHER_VALUE } from '../../src/analysis/label-space.js';
import { selectorMatches, type Labels } from '../../src/ir/cluster.js';
import type { LabelRequirement, LabelSelector } from '../../src/ir/model.js';

const KEYS = ['a', 'b', 'c'];
const VALUES = ['x', 'y', 'z'];

const requirement: fc.Arbitrary<LabelRequirement> = fc
  .record({
    key: fc.constantFrom(...KEYS),
    operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist'),
    values: fc.uniqueArray(fc.constantFrom(...VALUES), { minLength: 1, maxLength: 3 }),
  })
  .map(({ key, operator, values }) => ({
    key,
    operator,
    values: operator === 'In' || operator === 'NotIn' ? values : [],
  }));
const selector: fc.Arbitrary<LabelSelector> = fc.record({
  requirements: fc.array(requirement, { maxLength: 3 }),
});

/** Every way to give the keys a value, or none. */
function allLabels(): readonly Labels[] {
  return KEYS.reduce<readonly Labels[]>(
    (all, key) =>
      all.flatMap((labels) => [
        labels,
        ...[...VALUES, OTHER_VALUE].map((value) => new Map([...labels, [key, value]])),
      ]),
    [new Map()],
  );
}

function signatureOf(selectors: readonly LabelSelector[], labels: Labels): string {
  return selectors.flatMap((one, i) => (selectorMatches(one, labels) ? [i] : [])).join();
}

describe('the space of labels', () => {
  it('has one class for each set of selectors that some labels satisfy, and labels that do', () => {
    fc.assert(
      fc.property(
        fc.array(selector, { maxLength: 6 }),
        fc.option(fc.constantFrom(...VALUES)),
        fc.subarray(KEYS),
        (selectors, fixed, present) => {
          const known: Labels = fixed === null ? new Map() : new Map([['a', fixed]]);
          const real = allLabels()
            .filter((labels) => fixed === null || labels.get('a') === fixed)
            .filter((labels) => present.every((key) => labels.has(key)));
          const wanted = new Set(real.map((labels) => signatureOf(selectors, labels)));
          const classes = cutLabelSpace(selectors, { known, present, limit: 1000 }) ?? [];
          expect(classes.map(({ selected }) => selected.join()).sort()).toEqual([...wanted].sort());
          for (const { selected, labels, requirements, never } of classes) {
            const whole = new Map([...known, ...labels]);
            expect(signatureOf(selectors, whole)).toBe(selected.join());
            const described = real.filter(
              (one) =>
                selectorMatches({ requirements }, one) &&
                never.every((none) => !selectorMatches({ requirements: none }, one)),
            );
            const meant = real.filter((one) => signatureOf(selectors, one) === selected.join());
            expect(described).toEqual(meant);
          }
        },
      ),
    );
  });

  it('gives up beyond the limit', () => {
    const selectors = KEYS.map((key) => ({
      requirements: [{ key, operator: 'Exists', values: [] }],
    })) satisfies readonly LabelSelector[];
    expect(cutLabelSpace(selectors, { limit: 8 })).toHaveLength(8);
    expect(cutLabelSpace(selectors, { limit: 7 })).toBeUndefined();
  });

  it('stays small where many selectors exclude each other', () => {
    const selectors = Array.from({ length: 300 }, (_, i) => ({
      requirements: [
        { key: 'app', operator: 'In' as const, values: [`app-${i}`] },
        { key: 'tier', operator: 'NotIn' as const, values: ['test'] },
      ],
    }));
    const classes = cutLabelSpace(selectors, { limit: 1000 });
    expect(classes).toHaveLength(301);
    expect(classes?.find(({ selected }) => selected.length === 0)?.labels).toEqual(new Map());
  });
});
