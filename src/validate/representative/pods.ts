/** Representative pods: for policies without a cluster, pods that every selector tells apart. */
import type { ContainerPort, Labels, Namespace } from '../../ir/cluster.js';
import { selectorMatches } from '../../ir/cluster.js';
import {
  NAMESPACE_NAME_LABEL,
  type LabelSelector,
  type PodSelector,
  type PortMatch,
} from '../../ir/model.js';
import type { NormalPolicy } from '../../ir/normal-model.js';
import { podSelectorKey } from '../../ir/peer-key.js';
import { labelsKey, labelsThatMatch, labelsThatMiss, mergeLabels } from './labels.js';

/** A selector of pods, wherever it stands. */
export type SelectedPods = Pick<PodSelector, 'namespaces' | 'pods'>;

/** A pod yet without a name and addresses. */
export interface PodSketch {
  readonly namespace: string;
  readonly labels: Labels;
}

/** No policy names it. */
const ELSEWHERE = 'policyc-elsewhere';
/** In how many namespaces a selector of many gets its pods. */
const MAX_NAMESPACES = 2;
/** Combinations of labels of a namespace that are all tried; beyond, they are tried by twos. */
const MAX_COMBINATIONS = 64;
/** Label sets of a namespace that are combined by twos. */
const MAX_PAIRED = 12;
/** Selectors times pods that are compared to leave out pods alike. */
const MAX_SIGNATURE_WORK = 100_000;

/** The namespaces that the policies name, one that none names, and one for each way to select by labels. */
export function sketchNamespaces(
  policies: readonly NormalPolicy[],
  selectors: readonly SelectedPods[],
): ReadonlyMap<string, Namespace> {
  const labels = new Map<string, Map<string, string>>();
  const add = (name: string, more: Labels): void => {
    const merged = mergeLabels(labels.get(name) ?? new Map<string, string>(), more);
    if (merged === undefined) return;
    labels.set(name, new Map([...merged, [NAMESPACE_NAME_LABEL, name]]));
  };
  for (const { namespace } of policies) if (namespace !== undefined) add(namespace, new Map());
  for (const { namespaces } of selectors) {
    const pinned = namespaces.requirements.filter(({ key }) => key === NAMESPACE_NAME_LABEL);
    const rest = namespaces.requirements.filter(({ key }) => key !== NAMESPACE_NAME_LABEL);
    const names = pinned
      .filter(({ operator }) => operator === 'In')
      .flatMap(({ values }) => values);
    if (rest.length === 0) for (const name of names) add(name, new Map());
    const sets = [{ requirements: rest }].flatMap((one) => [
      ...labelsThatMatch(one),
      ...labelsThatMiss(one),
    ]);
    for (const set of rest.length === 0 ? [] : sets) {
      if (names.length > 0) for (const name of names) add(name, set);
      else add(`policyc-${labelsKey(set).replace(/[^A-Za-z0-9]+/g, '-')}`, set);
    }
  }
  add(ELSEWHERE, new Map());
  return new Map([...labels].map(([name, own]) => [name, { name, labels: own }]));
}

/** Pods in those namespaces: each selector's own, those it misses, and combinations. */
export function sketchPods(
  namespaces: ReadonlyMap<string, Namespace>,
  selectors: readonly SelectedPods[],
): readonly PodSketch[] {
  const sketches = new Map<string, PodSketch>();
  const add = (namespace: string, labels: Labels): void => {
    sketches.set(`${namespace} ${labelsKey(labels)}`, { namespace, labels });
  };
  const meeting = new Map<string, LabelSelector[]>();
  for (const name of namespaces.keys()) add(name, new Map());
  for (const selector of selectors) {
    const matching = [...namespaces.values()].filter((one) =>
      selectorMatches(selector.namespaces, one.labels),
    );
    for (const { name } of matching.slice(0, MAX_NAMESPACES)) {
      for (const labels of labelsThatMatch(selector.pods)) add(name, labels);
      for (const labels of labelsThatMiss(selector.pods)) add(name, labels);
    }
    for (const { name } of matching) {
      const list = meeting.get(name);
      if (list === undefined) meeting.set(name, [selector.pods]);
      else list.push(selector.pods);
    }
  }
  for (const [name, met] of meeting) for (const labels of combinations(met)) add(name, labels);
  return distinct([...sketches.values()], namespaces, selectors);
}

/** Every assignment of the labels that the selectors name if they are few; else two selectors' each. */
function combinations(selectors: readonly LabelSelector[]): readonly Labels[] {
  const options = new Map<string, Set<string | undefined>>();
  for (const { requirements } of selectors) {
    for (const { key, values } of requirements) {
      const known = options.get(key) ?? new Set([undefined, 'policyc-unnamed']);
      for (const value of values) known.add(value);
      options.set(key, known);
    }
  }
  const count = [...options.values()].reduce((product, { size }) => product * size, 1);
  if (count <= MAX_COMBINATIONS) {
    let all: readonly Labels[] = [new Map()];
    for (const [key, values] of options) {
      all = all.flatMap((labels) =>
        [...values].map((value) =>
          value === undefined ? labels : new Map([...labels, [key, value]]),
        ),
      );
    }
    return all;
  }
  const sets = selectors.slice(0, MAX_PAIRED).flatMap((one) => labelsThatMatch(one).slice(0, 1));
  return sets.flatMap((a, i) => sets.slice(i + 1).flatMap((b) => mergeLabels(a, b) ?? []));
}

/** One pod for each set of selectors that select it, where there are not too many of both. */
function distinct(
  sketches: readonly PodSketch[],
  namespaces: ReadonlyMap<string, Namespace>,
  selectors: readonly SelectedPods[],
): readonly PodSketch[] {
  const different = new Map(selectors.map((one) => [podSelectorKey(one), one]));
  if (sketches.length * different.size > MAX_SIGNATURE_WORK) return sketches;
  const bySignature = new Map<string, PodSketch>();
  for (const sketch of sketches) {
    const own = namespaces.get(sketch.namespace)?.labels ?? new Map<string, string>();
    const selected = [...different.values()].map((selector) =>
      selectorMatches(selector.namespaces, own) && selectorMatches(selector.pods, sketch.labels)
        ? '1'
        : '0',
    );
    const signature = `${sketch.namespace} ${selected.join('')}`;
    if (!bySignature.has(signature)) bySignature.set(signature, sketch);
  }
  return [...bySignature.values()];
}

/** The named ports that the i-th pod has: each name on another number than on its neighbour, or not at all. */
export function sketchPorts(
  matches: readonly Extract<PortMatch, { kind: 'named' }>[],
  i: number,
): readonly ContainerPort[] {
  const protocols = new Map<string, Set<ContainerPort['protocol']>>();
  for (const { name, protocol } of matches) {
    protocols.set(name, (protocols.get(name) ?? new Set()).add(protocol ?? 'TCP'));
  }
  return [...protocols].flatMap(([name, known], position) => {
    const options = [...known, ...(known.size < 3 ? (['UDP'] as const) : [])];
    const protocol = options[(i + position) % (options.length + 1)];
    const port = FIRST_NAMED_PORT + 4 * position + (i % 2);
    return protocol === undefined ? [] : [{ name, protocol, port }];
  });
}

const FIRST_NAMED_PORT = 20_000;
