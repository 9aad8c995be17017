/** Who an assertion speaks of: one member stands for all that every rule treats alike. */
import {
  ADDRESS_BITS,
  addressKey,
  formatAddress,
  prefixLast,
  type Address,
} from '../../address.js';
import { isPolicyPod, selectorMatches, type ClusterSnapshot, type Pod } from '../cluster.js';
import type { KnownEnd } from '../flows/ends.js';
import { createAddressBook } from '../interpret/addresses.js';
import { PrefixBuckets, someContains } from '../interpret/prefixes.js';
import { createPodSelection, pinnedNamespaces } from '../interpret/selectors.js';
import type { Peer, PeerGroup } from '../model.js';
import type { NormalModel } from '../normal-model.js';

/** Some pods, nodes or addresses that no rule tells apart. */
export interface Member {
  readonly kind: 'pods' | 'node' | 'outside' | 'service';
  /** Two at most, so that pairs within the class can be judged. */
  readonly ends: readonly MemberEnd[];
  /** Reachable only for pods of that very node. */
  readonly ownNodeOnly: boolean;
}

export interface MemberEnd extends KnownEnd {
  readonly pod?: Pod;
  readonly node?: string;
}

export interface MemberDirectory {
  /** A Service is its address to those who send to it, and its pods where it is the sender. */
  readonly membersOf: (group: PeerGroup, role: 'from' | 'to') => readonly Member[];
  /** Every pod, node and outside address except those that the groups hold. */
  readonly membersBut: (groups: readonly PeerGroup[]) => readonly Member[];
  readonly podsOf: (group: PeerGroup) => readonly Pod[];
}

export function createMemberDirectory(
  model: NormalModel,
  cluster: ClusterSnapshot,
): MemberDirectory {
  const book = createAddressBook(cluster);
  const selection = createPodSelection(cluster);
  const subjects = cluster.pods.filter(isPolicyPod);
  const lookOf = createLooks(model, cluster);
  const outside = outsideAddresses(model, cluster, book);
  const services = new Map(cluster.services.map((one) => [`${one.namespace}/${one.name}`, one]));

  const holdsAddress = (peer: Peer, address: Address): boolean =>
    peer.kind === 'any' ||
    (peer.kind === 'addresses' &&
      someContains(peer.include, address) &&
      !someContains(peer.exclude, address));
  const holdsPod = (peer: Peer, pod: Pod): boolean => {
    if (peer.kind === 'pods') {
      const namespaces = pinnedNamespaces(peer.namespaces);
      if (namespaces !== undefined && !namespaces.includes(pod.namespace)) return false;
      return selection.selects(peer, pod);
    }
    if (peer.kind === 'service') {
      const endpoints = services.get(`${peer.namespace}/${peer.name}`)?.endpoints ?? [];
      return endpoints.some(({ address }) => holds(pod.addresses, address));
    }
    return pod.addresses.some((address) => holdsAddress(peer, address));
  };
  const podsOf = (group: PeerGroup): readonly Pod[] =>
    subjects.filter((pod) => group.peers.some((peer) => holdsPod(peer, pod)));

  const holdsNode = (peer: Peer, name: string, address: Address): boolean => {
    const node = cluster.nodes.find((one) => one.name === name);
    return peer.kind === 'nodes'
      ? node !== undefined && selectorMatches(peer.selector, node.labels)
      : holdsAddress(peer, address);
  };
  const nodes = cluster.nodes.flatMap(({ name, addresses }) =>
    addresses.map((address) => ({ name, address })),
  );
  const nodeMember = (name: string, address: Address, ownNodeOnly: boolean): Member => ({
    kind: 'node',
    ends: [{ text: name, kind: 'address', addresses: [address], node: name }],
    ownNodeOnly,
  });
  const outsideMember = (address: Address): Member => ({
    kind: 'outside',
    ends: [{ text: formatAddress(address), kind: 'address', addresses: [address] }],
    ownNodeOnly: false,
  });
  const holdsOutside = (peer: Peer, address: Address): boolean =>
    peer.kind === 'outside' || holdsAddress(peer, address);

  const classesOf = (pods: readonly Pod[]): readonly Member[] => {
    const byLook = new Map<string, Pod[]>();
    for (const pod of pods) {
      const look = lookOf(pod);
      const same = byLook.get(look);
      if (same === undefined) byLook.set(look, [pod]);
      else same.push(pod);
    }
    return [...byLook.values()].map((same) => ({
      kind: 'pods',
      ends: same.slice(0, 2).map((pod) => ({
        text: `${pod.namespace}/${pod.name}`,
        kind: 'pod',
        addresses: pod.addresses,
        pod,
      })),
      ownNodeOnly: false,
    }));
  };

  const membersOf: MemberDirectory['membersOf'] = (group, role) => {
    const found: Member[] = [];
    const podPeers = group.peers.filter(({ kind }) => role === 'from' || kind !== 'service');
    for (const one of classesOf(podsOf({ ...group, peers: podPeers }))) found.push(one);
    for (const peer of group.peers) {
      for (const { name, address } of nodes) {
        if (peer.kind === 'own-node') found.push(nodeMember(name, address, true));
        else if (holdsNode(peer, name, address)) found.push(nodeMember(name, address, false));
      }
      for (const address of outside) {
        if (holdsOutside(peer, address)) found.push(outsideMember(address));
      }
      if (peer.kind === 'service' && role === 'to')
        for (const one of serviceMembers(peer, group)) found.push(one);
    }
    return found;
  };

  const serviceMembers = (
    peer: Extract<Peer, { kind: 'service' }>,
    group: PeerGroup,
  ): readonly Member[] => {
    const name = `${peer.namespace}/${peer.name}`;
    const vips = services.get(name)?.addresses ?? [];
    // A headless Service is its pods.
    if (vips.length === 0) return classesOf(podsOf({ ...group, peers: [peer] }));
    const end: MemberEnd = { text: `service ${name}`, kind: 'service', addresses: vips };
    return [{ kind: 'service', ends: [end], ownNodeOnly: false }];
  };

  const membersBut = (groups: readonly PeerGroup[]): readonly Member[] => {
    const peers = groups.flatMap((group) => group.peers);
    const named = new Set(groups.flatMap(podsOf));
    return [
      ...classesOf(subjects.filter((pod) => !named.has(pod))),
      ...nodes
        .filter(({ name, address }) => !peers.some((peer) => holdsNode(peer, name, address)))
        .map(({ name, address }) => nodeMember(name, address, false)),
      ...outside
        .filter((address) => !peers.some((peer) => holdsOutside(peer, address)))
        .map(outsideMember),
    ];
  };
  return { membersOf, membersBut, podsOf };
}

function holds(addresses: readonly Address[], wanted: Address): boolean {
  return addresses.some(({ family, value }) => family === wanted.family && value === wanted.value);
}

/** Equal for pods that no rule of the model can tell apart, neither as subjects nor as peers. */
function createLooks(model: NormalModel, cluster: ClusterSnapshot): (pod: Pod) => string {
  const selection = createPodSelection(cluster);
  const peers = model.policies.flatMap(({ rules }) => rules.flatMap((rule) => rule.peers));
  const blocks = new PrefixBuckets<number>();
  let count = 0;
  for (const peer of peers) {
    if (peer.kind !== 'addresses') continue;
    for (const prefix of [...peer.include, ...peer.exclude]) {
      blocks.add(prefix, count);
      count += 1;
    }
  }
  const nodesMatter = peers.some(({ kind }) => kind === 'own-node' || kind === 'nodes');
  const behind = new Map<string, string[]>();
  for (const { namespace, name, endpoints } of cluster.services) {
    for (const { address, targetPorts } of endpoints) {
      const served = behind.get(addressKey(address)) ?? [];
      served.push(`${namespace}/${name} ${[...targetPorts].join(' ')}`);
      behind.set(addressKey(address), served);
    }
  }
  return (pod) =>
    JSON.stringify([
      selection.lookOf(pod),
      nodesMatter ? pod.node : undefined,
      pod.ports.map(({ name, protocol, port }) => [name, protocol, port]),
      pod.addresses.map((address) => [
        address.family,
        blocks.find(address),
        behind.get(addressKey(address)),
      ]),
    ]);
}

/** On both sides of every boundary that a rule draws, and one that no rule names. */
function outsideAddresses(
  model: NormalModel,
  cluster: ClusterSnapshot,
  book: ReturnType<typeof createAddressBook>,
): readonly Address[] {
  const found = new Map<string, Address>();
  const add = (address: Address): void => {
    const inRange =
      address.value >= 0n && address.value < 1n << BigInt(ADDRESS_BITS[address.family]);
    if (!inRange || book.holderOf(address) !== undefined || book.isUnbound(address)) return;
    found.set(addressKey(address), address);
  };
  for (const { rules } of model.policies) {
    for (const peer of rules.flatMap((rule) => rule.peers)) {
      if (peer.kind !== 'addresses') continue;
      for (const prefix of [...peer.include, ...peer.exclude]) {
        const { family, value } = prefix;
        for (const at of [value - 1n, value, prefixLast(prefix), prefixLast(prefix) + 1n]) {
          add({ family, value: at });
        }
      }
    }
  }
  for (const { endpoints } of cluster.services) for (const { address } of endpoints) add(address);
  // Documentation addresses (RFC 5737, RFC 3849), which nobody holds.
  add({ family: 4, value: 0xc000_0201n });
  add({ family: 6, value: 0x2001_0db8_0000_0000_0000_0000_0000_0001n });
  return [...found.values()];
}
