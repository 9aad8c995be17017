/** Label selectors that select exactly given pods of a namespace, where labels can tell them. */
import { selectorMatches, type Labels } from '../../ir/cluster.js';
import type { LabelRequirement, LabelSelector } from '../../ir/model.js';
import { compareText } from '../../ir/normalize.js';
import { isPerPodLabel } from '../replay/gone-pods.js';

export interface FoundSelector {
  readonly selector: LabelSelector;
  /** Whom it selects beside those that are meant. */
  readonly others: readonly Labels[];
}

/** Labels that say what a pod is, as people write them; those ahead go first. */
const FAMILIAR = [
  'app.kubernetes.io/name',
  'app',
  'k8s-app',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/component',
  'name',
  'component',
  'role',
  'tier',
];

/**
 * The shortest selector that selects all `meant` and none of `rest`: one label, then two, then three, then
 * all that are shared; then what the others have and these do not. Where nothing tells them apart, others are
 * selected as well.
 *
 * @param rest labels of the other pods of the namespace
 */
export function selectExactly(meant: readonly Labels[], rest: readonly Labels[]): FoundSelector {
  const shared = sharedLabels(meant).sort(byFamiliarity);
  for (const size of [1, 2, 3]) {
    for (const labels of choose(shared, size)) {
      const requirements = labels.map(equalTo);
      if (othersOf(requirements, rest).length === 0) return found(requirements, rest);
    }
  }
  const all = shared.map(equalTo);
  return found([...all, ...tellApart(meant, othersOf(all, rest))], rest);
}

function found(requirements: readonly LabelRequirement[], rest: readonly Labels[]): FoundSelector {
  const sorted = [...requirements].sort(
    (a, b) => compareText(a.operator, b.operator) || compareText(a.key, b.key),
  );
  return { selector: { requirements: sorted }, others: othersOf(sorted, rest) };
}

function othersOf(
  requirements: readonly LabelRequirement[],
  rest: readonly Labels[],
): readonly Labels[] {
  return rest.filter((labels) => selectorMatches({ requirements }, labels));
}

function equalTo([key, value]: readonly [string, string]): LabelRequirement {
  return { key, operator: 'In', values: [value] };
}

function sharedLabels(meant: readonly Labels[]): (readonly [string, string])[] {
  const [first, ...others] = meant;
  return [...(first ?? [])].filter(
    ([key, value]) => !isPerPodLabel(key) && others.every((one) => one.get(key) === value),
  );
}

function byFamiliarity([a]: readonly [string, string], [b]: readonly [string, string]): number {
  const rank = (key: string): number => {
    const at = FAMILIAR.indexOf(key);
    return at < 0 ? FAMILIAR.length : at;
  };
  return rank(a) - rank(b) || compareText(a, b);
}

/** Conditions that all of `meant` satisfy, and as many of the others as possible do not. */
function tellApart(
  meant: readonly Labels[],
  others: readonly Labels[],
): readonly LabelRequirement[] {
  const conditions: LabelRequirement[] = [];
  let left = others;
  while (left.length > 0) {
    const best = bestCondition(meant, left);
    if (best === undefined) return conditions;
    conditions.push(best);
    left = othersOf([best], left);
  }
  return conditions;
}

function bestCondition(
  meant: readonly Labels[],
  left: readonly Labels[],
): LabelRequirement | undefined {
  const keys = [...new Set([...left, ...meant].flatMap((labels) => [...labels.keys()]))]
    .filter((key) => !isPerPodLabel(key))
    .sort(compareText);
  let best: { readonly condition: LabelRequirement; readonly left: number } | undefined;
  for (const key of keys) {
    const condition = conditionOn(key, meant);
    if (condition === undefined) continue;
    const remaining = othersOf([condition], left).length;
    if (remaining < (best?.left ?? left.length)) best = { condition, left: remaining };
  }
  return best?.condition;
}

/** What the key says of all of `meant`: one of their values, or that none has it. */
function conditionOn(key: string, meant: readonly Labels[]): LabelRequirement | undefined {
  const values = meant.map((labels) => labels.get(key));
  if (values.every((value) => value === undefined)) {
    return { key, operator: 'DoesNotExist', values: [] };
  }
  const known = values.filter((value) => value !== undefined);
  if (known.length < values.length) return undefined;
  return { key, operator: 'In', values: [...new Set(known)].sort(compareText) };
}

function* choose<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (const [i, item] of items.entries()) {
    for (const rest of choose(items.slice(i + 1), size - 1)) yield [item, ...rest];
  }
}
