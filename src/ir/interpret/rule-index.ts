/** Indexes that spare the interpreter policies and rules which cannot concern a packet. */
import type { Address } from '../../address.js';
import type { Pod } from '../cluster.js';
import { PrefixBuckets } from './prefixes.js';
import { pinnedNamespaces, type PodSelection } from './selectors.js';
import type { NormalPolicy, NormalRule } from '../normal-model.js';

/** The policies of one tier, filed under a namespace and a label that their subjects must have. */
export class SubjectIndex {
  readonly #buckets = new Map<string, Set<NormalPolicy>>();

  constructor(policies: readonly NormalPolicy[]) {
    for (const policy of policies) {
      for (const { namespaces, pods } of policy.subjects) {
        const named = pods.requirements.find(({ operator }) => operator === 'In');
        for (const namespace of pinnedNamespaces(namespaces) ?? [undefined]) {
          if (named === undefined) this.#file(bucketKey(namespace), policy);
          for (const value of named?.values ?? []) {
            this.#file(bucketKey(namespace, named?.key, value), policy);
          }
        }
      }
    }
  }

  /** The policies that select the pod, in the order of decision. */
  selecting(pod: Pod, selection: PodSelection): readonly NormalPolicy[] {
    const candidates = new Set<NormalPolicy>();
    for (const namespace of [undefined, pod.namespace]) {
      const keys = [bucketKey(namespace)];
      for (const [key, value] of pod.labels) keys.push(bucketKey(namespace, key, value));
      for (const key of keys) {
        for (const policy of this.#buckets.get(key) ?? []) candidates.add(policy);
      }
    }
    return [...candidates]
      .filter((policy) => policy.subjects.some((subject) => selection.selects(subject, pod)))
      .sort((a, b) => a.index - b.index);
  }

  #file(key: string, policy: NormalPolicy): void {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, new Set([policy]));
    else bucket.add(policy);
  }
}

/** Lists of prefixes longer than this are looked up by themselves, once for all who use them. */
const LONG_LIST = 16;

/** Rules in the order of decision, filed under what their peers must be. */
export class RuleIndex {
  #shelves: RuleShelves | undefined;

  constructor(readonly rules: readonly NormalRule[]) {}

  /** A superset of the rules that match a packet with this remote, in the order of decision. */
  candidates(remote: Address, pod: Pod | undefined): readonly NormalRule[] {
    if (this.rules.length < 2) return this.rules;
    this.#shelves ??= shelve(this.rules);
    const { always, alwaysRules, byNamespace, byPrefix } = this.#shelves;
    const inNamespace = pod === undefined ? [] : (byNamespace.get(pod.namespace) ?? []);
    const inPrefix = byPrefix.find(remote);
    if (inPrefix.length + inNamespace.length === 0) return alwaysRules;
    const positions = new Set(always);
    for (const position of inPrefix) positions.add(position);
    for (const position of inNamespace) positions.add(position);
    return rulesAt(
      this.rules,
      [...positions].sort((a, b) => a - b),
    );
  }
}

/** Positions of rules. */
interface RuleShelves {
  /** Those that may concern any remote. */
  readonly always: readonly number[];
  readonly alwaysRules: readonly NormalRule[];
  readonly byNamespace: ReadonlyMap<string, readonly number[]>;
  readonly byPrefix: PrefixBuckets<number>;
}

function shelve(rules: readonly NormalRule[]): RuleShelves {
  const always = new Set<number>();
  const byNamespace = new Map<string, number[]>();
  const byPrefix = new PrefixBuckets<number>();
  for (const [position, rule] of rules.entries()) {
    for (const peer of rule.peers) {
      if (peer.kind === 'nothing') continue;
      if (peer.kind === 'addresses' && peer.include.length <= LONG_LIST) {
        for (const prefix of peer.include) byPrefix.add(prefix, position);
        continue;
      }
      const namespaces = peer.kind === 'pods' ? pinnedNamespaces(peer.namespaces) : undefined;
      if (namespaces === undefined) always.add(position);
      for (const namespace of namespaces ?? []) {
        const bucket = byNamespace.get(namespace);
        if (bucket === undefined) byNamespace.set(namespace, [position]);
        else bucket.push(position);
      }
    }
  }
  return { always: [...always], alwaysRules: rulesAt(rules, [...always]), byNamespace, byPrefix };
}

function rulesAt(
  rules: readonly NormalRule[],
  positions: readonly number[],
): readonly NormalRule[] {
  return positions.map((position) => rules[position]).filter((rule) => rule !== undefined);
}

function bucketKey(namespace: string | undefined, key?: string, value?: string): string {
  // Neither namespace names nor label keys and values can hold a line break.
  return [namespace ?? '*', key, value].join('\n');
}
