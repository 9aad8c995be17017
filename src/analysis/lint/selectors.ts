/** Selectors that select nothing in the cluster, with the label that was probably meant. */
import { diagnostic, type Diagnostic, type Fix } from '../../diagnostics.js';
import { NameSearch } from '../../did-you-mean.js';
import { contradiction } from '../../ir/check/overlap.js';
import { selectorMatches, type Labels, type Pod } from '../../ir/cluster.js';
import { namespaceLabels } from '../../ir/interpret/selectors.js';
import {
  NAMESPACE_NAME_LABEL,
  type LabelRequirement,
  type LabelSelector,
  type Peer,
  type PodSelector,
} from '../../ir/model.js';
import type { NormalPolicy } from '../../ir/normal-model.js';
import { selectorKey } from '../../ir/peer-key.js';
import { span, type Span } from '../../source.js';
import { namedNamespace, selectorText } from './naming.js';
import type { Scene } from './scene.js';

type PodsPeer = Extract<Peer, { kind: 'pods' }>;

/** Values by label key, of some objects. */
type LabelIndex = ReadonlyMap<string, ReadonlySet<string>>;

export interface SelectorFindings {
  readonly diagnostics: readonly Diagnostic[];
  /** The selectors that they are about, which a diagnostic may underline a part of. */
  readonly origins: readonly Span[];
}

export function lintSelectors(scene: Scene): SelectorFindings {
  const linter = new SelectorLinter(scene);
  const diagnostics = scene.model.policies.flatMap((policy) => [
    ...linter.lintSubjects(policy),
    ...policy.rules.flatMap((rule) => [...linter.lintPeers(policy, rule.peers)]),
  ]);
  return { diagnostics, origins: linter.origins };
}

class SelectorLinter {
  readonly origins: Span[] = [];
  readonly #search = new NameSearch();
  readonly #said = new Set<string>();
  readonly #ofNamespaces: LabelIndex;
  readonly #ofPods = new Map<string, LabelIndex>();
  readonly #hidden: readonly Pod[];

  constructor(private readonly scene: Scene) {
    const { namespaces, pods } = scene.cluster;
    this.#ofNamespaces = indexLabels([...namespaces.values()].map(({ labels }) => labels));
    this.#hidden = pods.filter(({ hostNetwork, completed }) => hostNetwork && !completed);
  }

  lintSubjects(policy: NormalPolicy): readonly Diagnostic[] {
    const { namespace, kind, subjects } = policy;
    const isOurs = kind === 'NetworkPolicy' || kind === 'namespace';
    if (isOurs && namespace !== undefined && !this.scene.cluster.namespaces.has(namespace)) {
      const near = this.#search.nearest(namespace, () => this.scene.cluster.namespaces.keys());
      return this.#once(
        diagnostic('lint/namespace-unknown', { namespace, near }, policy.origin),
        namespace,
        ...subjects.map(({ origin }) => origin),
      );
    }
    return subjects.flatMap((one) => this.#lintSelector(one));
  }

  *lintPeers(policy: NormalPolicy, peers: readonly Peer[]): Generator<Diagnostic> {
    for (const [i, peer] of peers.entries()) {
      if (peer.kind !== 'pods' || this.scene.podsOf(peer).length > 0) continue;
      const before = peers[i - 1];
      const split =
        policy.kind === 'NetworkPolicy' && before?.kind === 'pods'
          ? this.#splitPeer(policy, before, peer)
          : undefined;
      if (split === undefined) yield* this.#lintSelector(peer);
      else yield split;
    }
  }

  /** `- namespaceSelector` and `- podSelector` where one item with both was meant. */
  #splitPeer(policy: NormalPolicy, first: PodsPeer, second: PodsPeer): Diagnostic | undefined {
    const isOwn = namedNamespace(second.namespaces) === policy.namespace;
    const isWhole = first.pods.requirements.length === 0;
    if (!isOwn || !isWhole || namedNamespace(first.namespaces) === policy.namespace) {
      return undefined;
    }
    const joined = { namespaces: first.namespaces, pods: second.pods };
    if (this.scene.podsOf(joined).length === 0) return undefined;
    const args = { namespaces: selectorText(first.namespaces), pods: selectorText(second.pods) };
    const related = [{ span: first.origin, message: 'the first peer: all pods there' }];
    this.origins.push(second.origin);
    return diagnostic('lint/split-peer', args, second.origin, related);
  }

  #lintSelector(selector: PodSelector): readonly Diagnostic[] {
    const { namespaces, pods, origin } = selector;
    if (this.scene.podsOf(selector).length > 0) return [];
    if (contradiction(namespaces) !== undefined || contradiction(pods) !== undefined) return [];
    const hidden = this.#hidden.filter(
      (pod) =>
        selectorMatches(namespaces, namespaceLabels(this.scene.cluster, pod.namespace)) &&
        selectorMatches(pods, pod.labels),
    );
    if (hidden.length > 0) {
      const names = hidden.map(({ namespace, name }) => `${namespace}/${name}`);
      const one = diagnostic('lint/selects-host-network', { pods: names }, origin);
      return this.#once(one, 'host', origin);
    }
    const foreign = namespaces.requirements.find((one) => !this.#someNamespaceHas(one));
    if (foreign !== undefined) return this.#unknownNamespaceLabel(foreign, origin);
    const index = this.#labelsOfPods(namespaces);
    for (const requirement of pods.requirements) {
      const near = this.#nearLabel(requirement, index);
      if (near === undefined) continue;
      const label = labelText(requirement);
      const found = findLabel(origin, requirement);
      const one = diagnostic('lint/label-typo', { label, what: 'pod', near }, found?.at ?? origin);
      return this.#once({ ...one, ...fixLabel(found, requirement, near) }, label, origin);
    }
    return [];
  }

  #someNamespaceHas(requirement: LabelRequirement): boolean {
    const selector = { requirements: [requirement] };
    return [...this.scene.cluster.namespaces.values()].some(({ labels }) =>
      selectorMatches(selector, labels),
    );
  }

  #unknownNamespaceLabel(requirement: LabelRequirement, origin: Span): readonly Diagnostic[] {
    const label = labelText(requirement);
    const [value] = requirement.values;
    const { namespaces } = this.scene.cluster;
    const isName =
      value !== undefined && requirement.key !== NAMESPACE_NAME_LABEL && namespaces.has(value);
    const near = isName
      ? `${NAMESPACE_NAME_LABEL}=${value}`
      : this.#nearLabel(requirement, this.#ofNamespaces);
    const found = findLabel(origin, requirement);
    const one = diagnostic('lint/namespace-label-unknown', { label, near }, found?.at ?? origin);
    const fix = near === undefined ? {} : fixLabel(found, requirement, near);
    return this.#once({ ...one, ...fix }, label, origin);
  }

  /** `key=value` that some object has, and that is nearly what is asked for. */
  #nearLabel(requirement: LabelRequirement, index: LabelIndex): string | undefined {
    const { key, operator, values } = requirement;
    if (operator !== 'In' && operator !== 'Exists') return undefined;
    const known = index.get(key);
    const [value] = values;
    if (known === undefined) {
      const near = this.#search.nearest(key, () => index.keys());
      if (near === undefined) return undefined;
      if (value === undefined) return near;
      // Another key helps only with the value that is asked for, or nearly so.
      const there = index.get(near) ?? new Set<string>();
      const same = there.has(value) ? value : this.#search.nearest(value, () => there);
      return same === undefined ? undefined : `${near}=${same}`;
    }
    if (value === undefined || values.some((one) => known.has(one))) return undefined;
    const near = this.#search.nearest(value, () => known);
    return near === undefined ? undefined : `${key}=${near}`;
  }

  #labelsOfPods(namespaces: LabelSelector): LabelIndex {
    const key = selectorKey(namespaces);
    let index = this.#ofPods.get(key);
    if (index === undefined) {
      const pods = this.scene.podsOf({ namespaces, pods: { requirements: [] } });
      index = indexLabels(pods.map(({ pod }) => pod.labels));
      this.#ofPods.set(key, index);
    }
    return index;
  }

  #once(one: Diagnostic, what: string, ...origins: readonly Span[]): readonly Diagnostic[] {
    this.origins.push(...origins);
    const key = `${one.span?.file.path ?? ''}:${one.span?.start ?? 0} ${what}`;
    if (this.#said.has(key)) return [];
    this.#said.add(key);
    return [one];
  }
}

function indexLabels(all: readonly Labels[]): LabelIndex {
  const index = new Map<string, Set<string>>();
  for (const labels of all) {
    for (const [key, value] of labels) {
      const values = index.get(key);
      if (values === undefined) index.set(key, new Set([value]));
      else values.add(value);
    }
  }
  return index;
}

function labelText({ key, values }: LabelRequirement): string {
  if (values.length <= 1) return values[0] === undefined ? key : `${key}=${values[0]}`;
  return `${key} in (${values.join(', ')})`;
}

/** How far behind the start of a selector its labels may stand. */
const REACH = 2000;

interface FoundLabel {
  /** Key, sign and value. */
  readonly at: Span;
  readonly key: Span;
  readonly value: Span;
}

/** Where the selector's text has `key: value` or `key == "value"`. */
function findLabel({ file, start }: Span, requirement: LabelRequirement): FoundLabel | undefined {
  const [value, ...others] = requirement.values;
  if (value === undefined || others.length > 0) return undefined;
  const pattern = new RegExp(
    `(?<=[\\s,{"'(]|^)(${escape(requirement.key)})(["']?\\s*(?::|==)\\s*["']?)(${escape(value)})(?=["'\\s,})]|$)`,
  );
  const found = pattern.exec(file.text.slice(start, start + REACH));
  if (found === null) return undefined;
  const [whole, key = '', between = ''] = found;
  const from = start + found.index;
  const middle = from + key.length + between.length;
  return {
    at: span(file, from, from + whole.length),
    key: span(file, from, from + key.length),
    value: span(file, middle, middle + value.length),
  };
}

function fixLabel(
  found: FoundLabel | undefined,
  { key, values }: LabelRequirement,
  near: string,
): { readonly fix?: Fix } {
  const cut = near.lastIndexOf('=');
  if (found === undefined || cut < 0) return {};
  const [newKey, newValue] = [near.slice(0, cut), near.slice(cut + 1)];
  const edits = [
    ...(newKey === key ? [] : [{ span: found.key, text: newKey }]),
    ...(newValue === values[0] ? [] : [{ span: found.value, text: newValue }]),
  ];
  return { fix: { does: `write \`${near}\``, keepsMeaning: false, edits } };
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
