/** Conditions: sets of kinds, said as few selectors that select exactly them. */
import type { LabelRequirement, LabelSelector } from '../../ir/model.js';
import { KindSet } from './kind-set.js';
import type { NodeKind, PodKind } from './kinds.js';
import { append } from '../../multimap.js';

/** Labels that satisfy all of some requirements, and of each of `never` not all. */
export interface LabelCondition {
  readonly requirements: readonly LabelRequirement[];
  readonly never: readonly (readonly LabelRequirement[])[];
}

/** All pods of some labels in all namespaces of some labels. */
export interface PodCondition {
  readonly namespaces: LabelCondition;
  readonly pods: LabelCondition;
}

/** A selector that holds, or does not. */
interface Literal {
  readonly scope: 'namespaces' | 'pods';
  readonly selector: LabelSelector;
  readonly holds: boolean;
  /** Kinds of which all pods satisfy it, and those of which some may. */
  readonly all: KindSet;
  readonly some: KindSet;
}

/** Finds conditions for sets of kinds of pods. */
export class PodConditions {
  readonly #literals: readonly Literal[];
  readonly #size: number;
  readonly #known = new Map<string, readonly PodCondition[]>();

  constructor(
    pods: readonly PodKind[],
    namespaceSelectors: readonly LabelSelector[],
    podSelectors: readonly LabelSelector[],
  ) {
    this.#size = pods.length;
    const holds = { namespaces: new Map<number, number[]>(), pods: new Map<number, number[]>() };
    const fails = new Map<number, number[]>();
    for (const { id, namespace, selected, asked } of pods) {
      for (const i of namespace.selected) append(holds.namespaces, i, id);
      for (const i of asked) append(selected.has(i) ? holds.pods : fails, i, id);
    }
    const setOf = (numbers: readonly number[] | undefined): KindSet =>
      KindSet.of(pods.length, numbers ?? []);
    this.#literals = [
      ...namespaceSelectors.flatMap((selector, i) => {
        const yes = setOf(holds.namespaces.get(i));
        return bothWays('namespaces', selector, yes, yes.complement());
      }),
      ...podSelectors.flatMap((selector, i) =>
        bothWays('pods', selector, setOf(holds.pods.get(i)), setOf(fails.get(i))),
      ),
    ];
  }

  /** Conditions that together hold for the pods of these kinds and of no others. */
  describe(kinds: Iterable<number>): readonly PodCondition[] {
    const wanted = KindSet.of(this.#size, kinds);
    let found = this.#known.get(wanted.key);
    if (found === undefined) {
      const terms = coverKinds(wanted, this.#literals).map(conditionOf);
      found = mergeTerms(terms);
      this.#known.set(wanted.key, found);
    }
    return found;
  }
}

/** The same for kinds of nodes. */
export class NodeConditions {
  readonly #literals: readonly Literal[];
  readonly #size: number;

  constructor(nodes: readonly NodeKind[], selectors: readonly LabelSelector[]) {
    this.#size = nodes.length;
    this.#literals = selectors.flatMap((selector, i) => {
      const chosen = nodes.filter(({ selected }) => selected.has(i)).map(({ id }) => id);
      const yes = KindSet.of(nodes.length, chosen);
      return bothWays('pods', selector, yes, yes.complement());
    });
  }

  describe(kinds: Iterable<number>): readonly LabelCondition[] {
    const terms = coverKinds(KindSet.of(this.#size, kinds), this.#literals).map(conditionOf);
    return mergeTerms(terms).map(({ pods }) => pods);
  }
}

function bothWays(
  scope: Literal['scope'],
  selector: LabelSelector,
  yes: KindSet,
  no: KindSet,
): readonly Literal[] {
  return [
    { scope, selector, holds: true, all: yes, some: no.complement() },
    { scope, selector, holds: false, all: no, some: yes.complement() },
  ];
}

/** Sets of literals; each holds for kinds of the set alone, and one at least for all pods of each. */
function coverKinds(
  wanted: KindSet,
  literals: readonly Literal[],
): readonly (readonly Literal[])[] {
  const unwanted = wanted.complement();
  const terms: (readonly Literal[])[] = [];
  let left = wanted;
  for (;;) {
    const seed = left.first();
    if (seed === undefined) return terms;
    const own = literals.filter(({ all }) => all.has(seed));
    const tries = [narrowDown(own, unwanted, left, true), narrowDown(own, unwanted, left, false)];
    const [best] = tries.sort(
      (a, b) => coverage(b, left) - coverage(a, left) || costOf(a) - costOf(b),
    );
    terms.push(best ?? []);
    left = left.without(allOf(best ?? [], left));
    // Those of which only some pods are meant by it stay, and so does the seed never.
  }
}

function coverage(term: readonly Literal[], left: KindSet): number {
  return allOf(term, left).count;
}

function allOf(term: readonly Literal[], left: KindSet): KindSet {
  return term.reduce((set, { all }) => set.and(all), left);
}

function costOf(term: readonly Literal[]): number {
  return term.reduce(
    (sum, { selector, holds }) => sum + selector.requirements.length * (holds ? 2 : 3),
    0,
  );
}

/** As few of the literals as keep all that is unwanted out; what holds is rather said than what does not. */
function narrowDown(
  own: readonly Literal[],
  unwanted: KindSet,
  left: KindSet,
  plainly: boolean,
): readonly Literal[] {
  const chosen: Literal[] = [];
  let out = unwanted;
  let kept = left;
  while (!out.isEmpty) {
    const before = out.count;
    let best: { readonly literal: Literal; readonly score: number } | undefined;
    for (const literal of own) {
      const gone = before - out.countWith(literal.some);
      if (gone === 0) continue;
      const weight = plainly && !literal.holds ? 0.25 : 1;
      const share = plainly ? 1 : (1 + kept.countWith(literal.all)) / (1 + kept.count);
      const score = (gone * weight * share) / literal.selector.requirements.length;
      if (best === undefined || score > best.score) best = { literal, score };
    }
    // INVARIANT: all literals of a kind together hold for that kind alone.
    if (best === undefined) break;
    chosen.push(best.literal);
    out = out.and(best.literal.some);
    kept = kept.and(best.literal.all);
  }
  return dropNeedless(chosen, unwanted);
}

function dropNeedless(chosen: readonly Literal[], unwanted: KindSet): readonly Literal[] {
  let rest = chosen;
  const negativesFirst = [...chosen].sort((a, b) => Number(a.holds) - Number(b.holds));
  for (const literal of negativesFirst) {
    const without = rest.filter((one) => one !== literal);
    if (without.reduce((set, { some }) => set.and(some), unwanted).isEmpty) rest = without;
  }
  return rest;
}

function conditionOf(term: readonly Literal[]): PodCondition {
  const of = (scope: Literal['scope']): LabelCondition =>
    labelCondition(term.filter((one) => one.scope === scope));
  return { namespaces: of('namespaces'), pods: of('pods') };
}

function labelCondition(term: readonly Literal[]): LabelCondition {
  const requirements: LabelRequirement[] = [];
  const never: (readonly LabelRequirement[])[] = [];
  for (const { selector, holds } of term) {
    const [only, ...others] = selector.requirements;
    if (holds) requirements.push(...selector.requirements);
    else if (only !== undefined && others.length === 0) requirements.push(negated(only));
    else never.push(selector.requirements);
  }
  return { requirements: tidy(requirements), never };
}

function negated({ key, operator, values }: LabelRequirement): LabelRequirement {
  switch (operator) {
    case 'In':
      return { key, operator: 'NotIn', values };
    case 'NotIn':
      return { key, operator: 'In', values };
    case 'Exists':
      return { key, operator: 'DoesNotExist', values: [] };
    case 'DoesNotExist':
      return { key, operator: 'Exists', values: [] };
  }
}

/** One requirement for each key where one says it all. */
function tidy(requirements: readonly LabelRequirement[]): readonly LabelRequirement[] {
  const byKey = new Map<string, LabelRequirement[]>();
  for (const one of requirements) byKey.set(one.key, [...(byKey.get(one.key) ?? []), one]);
  return [...byKey].flatMap(([key, all]): readonly LabelRequirement[] => {
    const ins = all.filter(({ operator }) => operator === 'In');
    const outs = all.filter(({ operator }) => operator === 'NotIn').flatMap(({ values }) => values);
    const [first, ...others] = ins;
    if (first !== undefined) {
      const values = first.values.filter(
        (value) => !outs.includes(value) && others.every((one) => one.values.includes(value)),
      );
      return [{ key, operator: 'In', values: [...new Set(values)] }];
    }
    const absent = all.find(({ operator }) => operator === 'DoesNotExist');
    if (absent !== undefined) return [absent];
    const present = all.find(({ operator }) => operator === 'Exists');
    return [
      ...(present === undefined ? [] : [present]),
      ...(outs.length === 0
        ? []
        : [{ key, operator: 'NotIn', values: [...new Set(outs)] } as const]),
    ];
  });
}

/** `app=a` and `app=b`, all else alike, become `app in (a, b)`. */
function mergeTerms(terms: readonly PodCondition[]): readonly PodCondition[] {
  let merged = terms;
  for (const scope of ['pods', 'namespaces'] as const) {
    const groups = new Map<string, PodCondition>();
    for (const term of merged) {
      const { key, values } = mergeableBy(term, scope);
      const known = groups.get(key);
      groups.set(key, known === undefined ? term : withValues(known, scope, values));
    }
    merged = [...groups.values()];
  }
  return merged;
}

/** Equal for terms that differ in the values of one `In` alone. */
function mergeableBy(
  term: PodCondition,
  scope: Literal['scope'],
): { readonly key: string; readonly values: readonly string[] } {
  const [only, ...others] = term[scope].requirements;
  if (only?.operator !== 'In' || others.length > 0) {
    return { key: JSON.stringify(term), values: [] };
  }
  const rest = { ...term, [scope]: { key: only.key, never: term[scope].never } };
  return { key: `in ${JSON.stringify(rest)}`, values: only.values };
}

function withValues(
  term: PodCondition,
  scope: Literal['scope'],
  values: readonly string[],
): PodCondition {
  const requirements = term[scope].requirements.map((one) => ({
    ...one,
    values: [...new Set([...one.values, ...values])],
  }));
  return { ...term, [scope]: { ...term[scope], requirements } };
}
