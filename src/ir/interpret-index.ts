/** Indexes that spare the interpreter policies and rules which cannot concern a packet. */
import type { Address } from '../address.js';
import type { Pod } from './cluster.js';
import { PrefixBuckets } from './interpret-prefixes.js';
import { pinnedNamespaces, type PodSelection } from './interpret-selectors.js';
import type { NormalPolicy, NormalRule } from './normal-model.js';

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
  /** Positions of rules that may concern any remote. */
  readonly #always: number[] = [];
  #remembered: readonly NormalRule[] | undefined;
  readonly #byNamespace = new Map<string, number[]>();
  readonly #byPrefix = new PrefixBuckets<number>();

  constructor(readonly rules: readonly NormalRule[]) {
    for (const [position, rule] of rules.entries()) {
      for (const peer of rule.peers) {
        if (peer.kind === 'nothing') continue;
        if (peer.kind === 'addresses' && peer.include.length <= LONG_LIST) {
          for (const prefix of peer.include) this.#byPrefix.add(prefix, position);
          continue;
        }
        const namespaces = peer.kind === 'pods' ? pinnedNamespaces(peer.namespaces) : undefined;
        if (namespaces === undefined) this.#always.push(position);
        for (const namespace of namespaces ?? []) this.#fileNamespace(namespace, position);
      }
    }
  }

  /** A superset of the rules that match a packet with this remote, in the order of decision. */
  candidates(remote: Address, pod: Pod | undefined): readonly NormalRule[] {
    const byPrefix = this.#byPrefix.find(remote);
    const byNamespace = pod === undefined ? [] : (this.#byNamespace.get(pod.namespace) ?? []);
    if (byPrefix.length + byNamespace.length === 0) return this.#alwaysRules();
    const positions = new Set(this.#always);
    for (const position of byPrefix) positions.add(position);
    for (const position of byNamespace) positions.add(position);
    return this.#rulesAt([...positions].sort((a, b) => a - b));
  }

  #alwaysRules(): readonly NormalRule[] {
    this.#remembered ??= this.#rulesAt(this.#always);
    return this.#remembered;
  }

  #rulesAt(positions: readonly number[]): readonly NormalRule[] {
    return positions.map((position) => this.rules[position]).filter((rule) => rule !== undefined);
  }

  #fileNamespace(namespace: string, position: number): void {
    const bucket = this.#byNamespace.get(namespace);
    if (bucket === undefined) this.#byNamespace.set(namespace, [position]);
    else bucket.push(position);
  }
}

function bucketKey(namespace: string | undefined, key?: string, value?: string): string {
  // Neither namespace names nor label keys and values can hold a line break.
  return [namespace ?? '*', key, value].join('\n');
}
