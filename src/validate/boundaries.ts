/** Boundaries: the addresses and ports at which a rule's answer may change, and those on either side. */
import {
  ADDRESS_BITS,
  addressKey,
  prefixLast,
  type Address,
  type Family,
  type Prefix,
} from '../address.js';
import { LookIndex } from '../codegen/bind/looks.js';
import { PORT_INDEX, portGroup, portIndex } from '../codegen/layout.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../ir/cluster.js';
import { PrefixBuckets } from '../ir/interpret/prefixes.js';
import { selectorMatches } from '../ir/cluster.js';
import type { Peer, PortMatch } from '../ir/model.js';
import type { NormalRule } from '../ir/normal-model.js';

/** A protocol and a port as one number: the port index, and one more for a protocol that is none of ours. */
export type PortPoint = number;
export const ICMP: PortPoint = PORT_INDEX.other;
export const OTHER_PROTOCOL: PortPoint = PORT_INDEX.other + 1;

/** Each protocol at both ends of its ports, and those that have none. */
export const EVERY_PROTOCOL: readonly PortPoint[] = [
  ...(['TCP', 'UDP', 'SCTP'] as const).flatMap((one) => [portIndex(one, 0), portIndex(one, 65535)]),
  ICMP,
  OTHER_PROTOCOL,
];

/** Pods that a selector selects, of which some are tried: the first ones and the last. */
const PODS_OF_SELECTOR = 3;
/** Of pods alike, since one of them may be the very pod that is asked. */
const PODS_OF_LOOK = 2;
const PODS_AT_LARGE = 8;
const NODES_AT_LARGE = 2;
const SERVICES_AT_LARGE = 4;
const RANGES_AT_LARGE = 3;

/** Nothing that policies name or clusters hold: the benchmarking and documentation ranges. */
const OUTSIDE: readonly Address[] = [
  { family: 4, value: 0xc612_0307n },
  { family: 6, value: (0x2001_0db8_0707_0707n << 64n) | 7n },
];

/** What is asked of one rule. */
export interface RuleBoundaries {
  /** Of each set of addresses that the rule names, one that is in it, or some. */
  readonly inside: readonly Address[];
  /** The last of a block, and those just before and behind it; likewise for what is left out of it. */
  readonly edges: readonly Address[];
  readonly points: readonly PortPoint[];
  /** It may match any address. */
  readonly wide: boolean;
}

export interface Boundaries {
  readonly of: (rule: NormalRule) => RuleBoundaries;
  /** The rules by an address block that hold the address. */
  readonly rulesAt: (address: Address) => readonly NormalRule[];
  /** Addresses of every kind, whatever the rules say. */
  readonly atLarge: readonly Address[];
  readonly isService: (address: Address) => boolean;
}

export function findBoundaries(cluster: ClusterSnapshot, rules: readonly NormalRule[]): Boundaries {
  const pods = cluster.pods.filter(isPolicyPod);
  const looks = new LookIndex(cluster, pods);
  const podsOfLook = new Map<number, readonly Pod[]>();
  for (const pod of pods) {
    const look = looks.lookOf(pod);
    const known = podsOfLook.get(look) ?? [];
    if (known.length < PODS_OF_LOOK) podsOfLook.set(look, [...known, pod]);
  }
  const names = new Map<string, PortPoint[]>();
  for (const { ports } of looks.looks) {
    for (const { name, protocol, port } of ports) {
      names.set(name, [...(names.get(name) ?? []).slice(0, 8), portIndex(protocol, port)]);
    }
  }
  const blocks = new PrefixBuckets<NormalRule>();
  for (const rule of rules) {
    for (const peer of rule.peers) {
      if (peer.kind !== 'addresses') continue;
      for (const prefix of peer.include) blocks.add(prefix, rule);
    }
  }
  const addressesOf = (peer: Peer): readonly Address[] => {
    switch (peer.kind) {
      case 'any':
      case 'outside':
      case 'own-node':
      case 'nothing':
        return [];
      case 'pods': {
        const selected = looks.select(peer);
        return ends(selected, PODS_OF_SELECTOR).flatMap(
          (look) => podsOfLook.get(look)?.flatMap(({ addresses }) => addresses) ?? [],
        );
      }
      case 'addresses':
        return peer.include;
      case 'nodes':
        return cluster.nodes
          .filter(({ labels }) => selectorMatches(peer.selector, labels))
          .slice(0, NODES_AT_LARGE)
          .flatMap(({ addresses }) => addresses);
      case 'service':
        return cluster.services
          .filter(({ namespace, name }) => namespace === peer.namespace && name === peer.name)
          .flatMap(({ addresses, endpoints }) => [
            ...addresses,
            ...ends(endpoints, PODS_OF_SELECTOR).map(({ address }) => address),
          ]);
    }
  };
  const services = new Set(
    cluster.services.flatMap(({ addresses }) => addresses.map((one) => addressKey(one))),
  );
  const known = new Map<NormalRule, RuleBoundaries>();
  return {
    of: (rule) => {
      let found = known.get(rule);
      if (found === undefined) {
        found = {
          inside: unique(rule.peers.flatMap(addressesOf)),
          edges: unique(rule.peers.flatMap(edgesOf)),
          points: pointsOf(rule, cluster, names),
          wide: rule.peers.some(({ kind }) => kind !== 'addresses' && kind !== 'nothing'),
        };
        known.set(rule, found);
      }
      return found;
    },
    rulesAt: (address) => blocks.find(address),
    atLarge: unique(addressesAtLarge(cluster, [...podsOfLook.values()].flat())),
    isService: (address) => services.has(addressKey(address)),
  };
}

function addressesAtLarge(cluster: ClusterSnapshot, pods: readonly Pod[]): readonly Address[] {
  return [
    ...OUTSIDE,
    ...spread(pods, PODS_AT_LARGE).flatMap(({ addresses }) => addresses),
    ...spread(cluster.nodes, NODES_AT_LARGE).flatMap(({ addresses }) => addresses),
    ...cluster.pods
      .filter(({ hostNetwork, completed }) => hostNetwork && !completed)
      .slice(0, 1)
      .flatMap(({ addresses }) => addresses),
    ...spread(cluster.services, SERVICES_AT_LARGE).flatMap(({ addresses }) => addresses),
    ...spread(
      cluster.nodes.flatMap(({ podRanges }) => podRanges),
      RANGES_AT_LARGE,
    ).flatMap(aroundPrefix),
  ];
}

function edgesOf(peer: Peer): readonly Address[] {
  if (peer.kind !== 'addresses') return [];
  return [...peer.include, ...peer.exclude].flatMap(aroundPrefix);
}

/** The first address and the last, and the neighbours outside; nothing for what holds everything. */
export function aroundPrefix(prefix: Prefix): readonly Address[] {
  const { family, value } = prefix;
  const last = prefixLast(prefix);
  const limit = (1n << BigInt(ADDRESS_BITS[family])) - 1n;
  return [value, last, value - 1n, last + 1n]
    .filter((one) => one >= 0n && one <= limit)
    .map((one): Address => ({ family, value: one }));
}

function pointsOf(
  { ports }: NormalRule,
  cluster: ClusterSnapshot,
  names: ReadonlyMap<string, readonly PortPoint[]>,
): readonly PortPoint[] {
  if (ports === 'every') return [];
  return [...new Set(ports.flatMap((match) => pointsOfMatch(match, cluster, names)))];
}

function pointsOfMatch(
  match: PortMatch,
  cluster: ClusterSnapshot,
  names: ReadonlyMap<string, readonly PortPoint[]>,
): readonly PortPoint[] {
  if (match.kind === 'named') {
    const here = names.get(match.name) ?? [];
    const served = cluster.services
      .flatMap(({ ports }) => ports)
      .filter(({ name }) => name === match.name)
      .slice(0, 2)
      .map(({ protocol, port }) => portIndex(protocol, port));
    return [...here, ...served].flatMap((point) => aroundPoint(point, point));
  }
  const { protocol, first, last } = match;
  return aroundPoint(portIndex(protocol, first), portIndex(protocol, last));
}

/** First and last, the neighbours outside, and the same port of the next protocol. */
function aroundPoint(first: PortPoint, last: PortPoint): readonly PortPoint[] {
  const group = first >>> 16;
  const inside = [first, last, first - 1, last + 1].filter(
    (one) => one >= 0 && one >>> 16 === group,
  );
  const other = (((group + 1) % (portGroup('SCTP') + 1)) << 16) | (first & 0xffff);
  return [...new Set([...inside, other])];
}

/** Whether the family's addresses can be asked about: the pod has one of its own. */
export function hasFamily(pod: Pod, family: Family): boolean {
  return pod.addresses.some((one) => one.family === family);
}

function unique(addresses: readonly Address[]): readonly Address[] {
  return [...new Map(addresses.map((one) => [addressKey(one), one])).values()];
}

/** The first ones and the last. */
function ends<Item>(items: readonly Item[], count: number): readonly Item[] {
  return items.length <= count ? items : [...items.slice(0, count - 1), ...items.slice(-1)];
}

/** As many as that at most, evenly from the whole list. */
export function spread<Item>(items: readonly Item[], count: number): readonly Item[] {
  if (items.length <= count) return items;
  return Array.from(
    { length: count },
    (_, i) => items[Math.floor((i * items.length) / count)],
  ).filter((one) => one !== undefined);
}
