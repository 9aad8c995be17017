/** Representative labels: for each selector of the policies, label sets that it takes and that it just misses. */
import type { Labels } from '../../ir/cluster.js';
import type { LabelRequirement, LabelSelector } from '../../ir/model.js';

/** No policy names it: it stands for every value that none names. */
const UNNAMED_VALUE = 'policyc-unnamed';
/** Of the values of one `In`, how many get a label set each. */
const MAX_VALUES = 4;

/**
 * Label sets that satisfy the selector: the least one, one for each further value of an `In`, and one
 * in which what may be absent is there with another value. None if nothing can satisfy it.
 */
export function labelsThatMatch(selector: LabelSelector): readonly Labels[] {
  const least = leastLabels(selector, 0, false);
  if (least === undefined) return [];
  const widest = Math.max(1, ...selector.requirements.map(({ values }) => values.length));
  const others = Array.from({ length: Math.min(widest, MAX_VALUES) - 1 }, (_, i) =>
    leastLabels(selector, i + 1, false),
  );
  const excludes = selector.requirements.some(({ operator }) => operator === 'NotIn');
  const present = excludes ? [leastLabels(selector, 0, true)] : [];
  return [least, ...others, ...present].filter((one) => one !== undefined);
}

/** Label sets that fail one requirement each, and satisfy the others where they can. */
export function labelsThatMiss(selector: LabelSelector): readonly Labels[] {
  return selector.requirements.flatMap((failed) => {
    const rest = selector.requirements.filter((one) => one !== failed);
    const labels = leastLabels({ requirements: [...rest, ...negate(failed)] }, 0, false);
    return labels === undefined ? [] : [labels];
  });
}

/** Both label sets in one, unless they contradict each other. */
export function mergeLabels(a: Labels, b: Labels): Labels | undefined {
  for (const [key, value] of b) if (a.has(key) && a.get(key) !== value) return undefined;
  return new Map([...a, ...b]);
}

export function labelsKey(labels: Labels): string {
  return JSON.stringify([...labels].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function negate({ key, operator, values }: LabelRequirement): readonly LabelRequirement[] {
  switch (operator) {
    case 'In':
      return [{ key, operator: 'NotIn', values }];
    case 'NotIn':
      return [{ key, operator: 'In', values }];
    case 'Exists':
      return [{ key, operator: 'DoesNotExist', values }];
    case 'DoesNotExist':
      return [{ key, operator: 'Exists', values }];
  }
}

/** @param choice which of an `In`'s values; @param present whether `NotIn` keys are there */
function leastLabels(
  { requirements }: LabelSelector,
  choice: number,
  present: boolean,
): Labels | undefined {
  const labels = new Map<string, string>();
  for (const key of new Set(requirements.map((one) => one.key))) {
    const value = valueFor(
      requirements.filter((one) => one.key === key),
      choice,
      present,
    );
    if (value === 'impossible') return undefined;
    if (value !== undefined) labels.set(key, value.text);
  }
  return labels;
}

/** The value of one key under all that is required of it; undefined where it had best be absent. */
function valueFor(
  requirements: readonly LabelRequirement[],
  choice: number,
  present: boolean,
): { readonly text: string } | undefined | 'impossible' {
  const of = (operator: LabelRequirement['operator']): readonly LabelRequirement[] =>
    requirements.filter((one) => one.operator === operator);
  const forbidden = new Set(of('NotIn').flatMap(({ values }) => values));
  const [first, ...others] = of('In');
  const absent = of('DoesNotExist').length > 0;
  if (first === undefined) {
    const wanted = of('Exists').length > 0 || (present && of('NotIn').length > 0);
    if (!wanted || (absent && of('Exists').length === 0)) return undefined;
    return absent ? 'impossible' : { text: UNNAMED_VALUE };
  }
  const values = first.values.filter(
    (value) => !forbidden.has(value) && others.every((one) => one.values.includes(value)),
  );
  const text = values[choice % Math.max(1, values.length)];
  return absent || text === undefined ? 'impossible' : { text };
}
