/** Cells: what policies can tell addresses apart by, beside who holds them. */
import {
  hostPrefix,
  prefixLast,
  ADDRESS_BITS,
  type Address,
  type Family,
  type Prefix,
} from '../../address.js';
import type { ClusterSnapshot } from '../../ir/cluster.js';
import { PrefixBuckets } from '../../ir/interpret/prefixes.js';
import type { NormalModel } from '../../ir/normal-model.js';

/** Addresses of one signature, that the same kind of holder has, are judged alike. */
export class AddressCells {
  readonly #buckets = new PrefixBuckets<number>();
  readonly #prefixes: Prefix[] = [];

  constructor(models: readonly NormalModel[], cluster: ClusterSnapshot) {
    const known = new Set<string>();
    const add = (prefix: Prefix): void => {
      const key = `${prefix.family}/${prefix.value}/${prefix.length}`;
      if (known.has(key)) return;
      known.add(key);
      this.#buckets.add(prefix, this.#prefixes.length);
      this.#prefixes.push(prefix);
    };
    for (const peer of peersOf(models)) {
      if (peer.kind === 'addresses') [...peer.include, ...peer.exclude].forEach(add);
      if (peer.kind !== 'service') continue;
      // Its endpoints are addresses, whoever holds them.
      const service = cluster.services.find(
        ({ namespace, name }) => namespace === peer.namespace && name === peer.name,
      );
      for (const { address } of service?.endpoints ?? []) add(hostPrefix(address));
    }
    for (const node of cluster.nodes) node.podRanges.forEach(add);
  }

  signatureOf(address: Address): string {
    return this.#buckets
      .find(address)
      .toSorted((a, b) => a - b)
      .join();
  }

  /** An address of each cell of a family, which may be held by somebody: at every edge of a prefix. */
  edges(family: Family): readonly Address[] {
    const top = (1n << BigInt(ADDRESS_BITS[family])) - 1n;
    const values = new Set<bigint>([0n, top]);
    for (const prefix of this.#prefixes) {
      if (prefix.family !== family) continue;
      const last = prefixLast(prefix);
      for (const value of [prefix.value - 1n, prefix.value, last, last + 1n]) {
        if (value >= 0n && value <= top) values.add(value);
      }
    }
    return [...values].map((value) => ({ family, value }));
  }
}

function* peersOf(
  models: readonly NormalModel[],
): Generator<NormalModel['policies'][number]['rules'][number]['peers'][number]> {
  for (const { policies } of models) {
    for (const { rules } of policies) for (const { peers } of rules) yield* peers;
  }
}

/** Label keys that some selector of the policies asks for. */
export function selectedKeys(models: readonly NormalModel[]): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { policies } of models) {
    for (const { subjects, rules } of policies) {
      const peers = rules.flatMap((rule) => rule.peers);
      for (const one of [...subjects, ...peers.filter((peer) => peer.kind === 'pods')]) {
        for (const { key } of one.pods.requirements) keys.add(key);
      }
    }
  }
  return keys;
}
