/**
 * The oracle: what Kubernetes objects mean, written a second time and as plainly as possible. It
 * shares no code with the product, scans everything for every question, and compares texts.
 */
import { BlockList, isIPv6 } from 'node:net';
import type {
  ClusterPeer,
  ClusterPolicyObject,
  ClusterRule,
  NetworkPolicyObject,
  NetworkPolicyPeer,
  PodObject,
  PodsOfNamespaces,
  Selector,
  ServiceObject,
  World,
} from './objects.js';
import {
  namedPortOf,
  portsOfClusterRule,
  portsOfNetworkPolicy,
  type PortTest,
} from './naive-ports.js';

/** The subject must be a live pod that is not on the host network. */
export interface Question {
  readonly subject: PodObject;
  readonly direction: 'ingress' | 'egress';
  /** Canonical text. */
  readonly remote: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP' | 'ICMP' | 'ICMPv6';
  /** Of the destination; 0 for ICMP. */
  readonly port: number;
  readonly localOrigin: boolean;
}

export interface Answer {
  readonly verdict: 'allow' | 'deny';
  readonly reason: string;
  /** The rule or the policy that decided. */
  readonly rule: string | null;
}

export function answer(world: World, question: Question): Answer {
  const { subject, direction, remote, protocol, port } = question;
  // Row 40.
  if (addressesOf(subject).includes(remote))
    return { verdict: 'allow', reason: 'self', rule: null };
  // Row 41.
  if (direction === 'ingress' && question.localOrigin && isOwnNode(world, subject, remote)) {
    return { verdict: 'allow', reason: 'own-node', rule: null };
  }
  const service = world.services.find(({ spec }) => spec.clusterIPs.includes(remote));
  // Row 37 and section 6.
  if (direction === 'egress' && service !== undefined && !protocol.startsWith('ICMP')) {
    const answers = endpointsOf(world, service, remote, protocol, port).map((endpoint) =>
      byPolicies(world, { ...question, remote: endpoint.address, port: endpoint.port }),
    );
    const first = answers[0];
    if (first === undefined) return { verdict: 'deny', reason: 'no-endpoint', rule: null };
    if (answers.every(({ verdict }) => verdict === first.verdict)) return first;
    const rule = answers.find(({ verdict }) => verdict === 'deny')?.rule ?? null;
    return { verdict: 'deny', reason: 'service-mixed', rule };
  }
  return byPolicies(world, question);
}

/** Where a packet to the Service's address can end up, by address. */
export function endpointsOf(
  world: World,
  service: ServiceObject,
  vip: string,
  protocol: string,
  port: number,
): readonly { readonly address: string; readonly port: number }[] {
  const name = service.spec.ports.find(
    (one) => one.protocol === protocol && one.port === port,
  )?.name;
  const found: { address: string; port: number }[] = [];
  for (const slice of world.endpointSlices) {
    if (slice.metadata.namespace !== service.metadata.namespace) continue;
    if (slice.metadata.labels?.['kubernetes.io/service-name'] !== service.metadata.name) continue;
    if (slice.addressType !== (isIPv6(vip) ? 'IPv6' : 'IPv4')) continue;
    const target = slice.ports.find((one) => one.name === name && one.protocol === protocol);
    if (target === undefined) continue;
    for (const endpoint of slice.endpoints) {
      if (endpoint.conditions.ready === false) continue;
      for (const address of endpoint.addresses) found.push({ address, port: target.port });
    }
  }
  return found.sort((a, b) => (sortableAddress(a.address) < sortableAddress(b.address) ? -1 : 1));
}

function byPolicies(world: World, question: Question): Answer {
  const admin = world.clusterPolicies.filter((policy) => tierOf(policy) === 'Admin');
  const decidedByAdmin = walk(world, admin, question);
  if (decidedByAdmin !== undefined) return decidedByAdmin;

  const selecting = world.networkPolicies
    .filter((policy) => selectsSubject(policy, question.subject))
    .filter((policy) => typesOf(policy).includes(question.direction))
    .sort(
      (a, b) =>
        compare(namespaceOf(a), namespaceOf(b)) || compare(a.metadata.name, b.metadata.name),
    );
  for (const policy of selecting) {
    const rules = policy.spec[question.direction] ?? [];
    for (const [index, rule] of rules.entries()) {
      const peers = (question.direction === 'ingress' ? rule.from : rule.to) ?? [];
      const ports = portsOfNetworkPolicy(rule.ports ?? []);
      const anyPeer =
        peers.length === 0 &&
        !isUnbound(world, question.remote) &&
        portsAllow(world, ports, question, false);
      const somePeer = peers.some(
        (peer) =>
          networkPolicyPeerMatches(world, policy, peer, question.remote) &&
          portsAllow(world, ports, question, peer.ipBlock != null),
      );
      if (anyPeer || somePeer) {
        const name = `${namespaceOf(policy)}/${policy.metadata.name} ${question.direction}[${index}]`;
        return { verdict: 'allow', reason: 'rule', rule: name };
      }
    }
  }
  const first = selecting[0];
  if (first !== undefined) {
    const name = `${namespaceOf(first)}/${first.metadata.name}`;
    return { verdict: 'deny', reason: 'isolation', rule: name };
  }

  const baseline = world.clusterPolicies.filter((policy) => tierOf(policy) === 'Baseline');
  const decidedByBaseline = walk(world, baseline, question);
  return decidedByBaseline ?? { verdict: 'allow', reason: 'default', rule: null };
}

/** One ordered tier; undefined where it passes or nothing matches (rows 50, 52, 53). */
function walk(
  world: World,
  policies: readonly ClusterPolicyObject[],
  question: Question,
): Answer | undefined {
  const ordered = [...policies].sort(
    (a, b) =>
      (a.spec.priority ?? 0) - (b.spec.priority ?? 0) || compare(a.metadata.name, b.metadata.name),
  );
  for (const policy of ordered) {
    const { namespaces, pods } = policy.spec.subject;
    const selected =
      namespaces !== undefined
        ? namespaceMatches(world, namespaces, question.subject)
        : pods !== undefined && podsMatch(world, pods, question.subject);
    if (!selected) continue;
    const rules = policy.spec[question.direction] ?? [];
    for (const [index, rule] of rules.entries()) {
      if (!clusterRuleMatches(world, rule, question)) continue;
      if (rule.action === 'Pass') return undefined;
      const verdict = rule.action === 'Deny' ? 'deny' : 'allow';
      const name = `${policy.metadata.name} ${rule.name ?? `${question.direction}[${index}]`}`;
      return { verdict, reason: 'rule', rule: name };
    }
  }
  return undefined;
}

function clusterRuleMatches(world: World, rule: ClusterRule, question: Question): boolean {
  const peers = (question.direction === 'ingress' ? rule.from : rule.to) ?? [];
  const allows = rule.action === 'Allow' || rule.action === 'Accept';
  return (
    peers.some((peer) => clusterPeerMatches(world, peer, question.remote, allows)) &&
    portsAllow(world, portsOfClusterRule(rule), question, false)
  );
}

function clusterPeerMatches(
  world: World,
  peer: ClusterPeer,
  remote: string,
  allows: boolean,
): boolean {
  const pod = podAt(world, remote);
  if (peer.namespaces !== undefined) {
    return pod !== undefined && namespaceMatches(world, peer.namespaces, pod);
  }
  if (peer.pods !== undefined) return pod !== undefined && podsMatch(world, peer.pods, pod);
  if (peer.networks !== undefined) {
    if (allows && isUnbound(world, remote)) return false;
    return peer.networks.some((cidr) => inCidr(cidr, remote));
  }
  const selector = peer.nodes;
  if (selector === undefined) return false;
  return world.nodes.some(
    (node) =>
      selectorMatches(selector, node.metadata.labels ?? {}) &&
      nodeAddresses(world, node.metadata.name).includes(remote),
  );
}

/** `atBlock`: the peer is an ipBlock, where a named port means nothing on the way out (row 34). */
function portsAllow(
  world: World,
  ports: readonly PortTest[] | 'every',
  { direction, subject, remote, protocol, port }: Question,
  atBlock: boolean,
): boolean {
  if (ports === 'every') return true;
  return ports.some((test) => {
    if (test.name === undefined) {
      return test.protocol === protocol && test.first <= port && port <= test.last;
    }
    if (direction === 'egress' && atBlock) return false;
    const destination = direction === 'ingress' ? subject : podAt(world, remote);
    return destination !== undefined && namedPortOf(destination, test, protocol).includes(port);
  });
}

function networkPolicyPeerMatches(
  world: World,
  policy: NetworkPolicyObject,
  peer: NetworkPolicyPeer,
  remote: string,
): boolean {
  if (peer.ipBlock != null) {
    // Section 6: nobody holds it, so no allow lets it in.
    if (isUnbound(world, remote)) return false;
    const except = peer.ipBlock.except ?? [];
    return inCidr(peer.ipBlock.cidr, remote) && !except.some((cidr) => inCidr(cidr, remote));
  }
  const pod = podAt(world, remote);
  if (pod === undefined) return false;
  const inNamespace =
    peer.namespaceSelector == null
      ? namespaceOf(pod) === namespaceOf(policy)
      : namespaceMatches(world, peer.namespaceSelector, pod);
  return inNamespace && selectorMatches(peer.podSelector ?? {}, pod.metadata.labels ?? {});
}

function selectsSubject(policy: NetworkPolicyObject, pod: PodObject): boolean {
  return (
    namespaceOf(policy) === namespaceOf(pod) &&
    selectorMatches(policy.spec.podSelector ?? {}, pod.metadata.labels ?? {})
  );
}

/** Rows 10 to 12. */
function typesOf({ spec }: NetworkPolicyObject): readonly string[] {
  if (spec.policyTypes != null && spec.policyTypes.length > 0) {
    return spec.policyTypes.map((type) => type.toLowerCase());
  }
  return (spec.egress ?? []).length > 0 ? ['ingress', 'egress'] : ['ingress'];
}

function tierOf({ kind, spec }: ClusterPolicyObject): 'Admin' | 'Baseline' {
  if (kind === 'ClusterNetworkPolicy') return spec.tier ?? 'Admin';
  return kind === 'AdminNetworkPolicy' ? 'Admin' : 'Baseline';
}

function namespaceMatches(world: World, selector: Selector, pod: PodObject): boolean {
  const name = namespaceOf(pod);
  const found = world.namespaces.find(({ metadata }) => metadata.name === name);
  const labels = { ...found?.metadata.labels, 'kubernetes.io/metadata.name': name };
  return selectorMatches(selector, labels);
}

function podsMatch(world: World, selector: PodsOfNamespaces, pod: PodObject): boolean {
  return (
    namespaceMatches(world, selector.namespaceSelector, pod) &&
    selectorMatches(selector.podSelector, pod.metadata.labels ?? {})
  );
}

/** Rows 24 and 25. */
function selectorMatches(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    if (labels[key] !== value) return false;
  }
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const label = labels[key];
    if (operator === 'Exists' && label === undefined) return false;
    if (operator === 'DoesNotExist' && label !== undefined) return false;
    if (operator === 'In' && (label === undefined || !(values ?? []).includes(label))) return false;
    if (operator === 'NotIn' && label !== undefined && (values ?? []).includes(label)) return false;
  }
  return true;
}

export function addressesOf(pod: PodObject): readonly string[] {
  if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') return [];
  const all = (pod.status.podIPs ?? []).map(({ ip }) => ip);
  return all.length === 0 && pod.status.podIP !== undefined ? [pod.status.podIP] : all;
}

export function isSubject(pod: PodObject): boolean {
  return pod.spec.hostNetwork !== true && addressesOf(pod).length > 0;
}

function podAt(world: World, address: string): PodObject | undefined {
  return world.pods.find((pod) => isSubject(pod) && addressesOf(pod).includes(address));
}

/** A node's own addresses, and those of the hostNetwork pods there (rows 43 and 62). */
function nodeAddresses(world: World, name: string): readonly string[] {
  const own = world.nodes
    .filter((node) => node.metadata.name === name)
    .flatMap((node) => node.status.addresses.map(({ address }) => address));
  const guests = world.pods.filter(
    ({ spec }) => spec.hostNetwork === true && spec.nodeName === name,
  );
  return [...own, ...guests.flatMap(addressesOf)];
}

function isOwnNode(world: World, subject: PodObject, address: string): boolean {
  const name = subject.spec.nodeName;
  return name !== undefined && nodeAddresses(world, name).includes(address);
}

function isUnbound(world: World, address: string): boolean {
  const held =
    world.pods.some((pod) => addressesOf(pod).includes(address)) ||
    world.nodes.some((node) => nodeAddresses(world, node.metadata.name).includes(address)) ||
    world.services.some(({ spec }) => spec.clusterIPs.includes(address));
  const ranges = world.nodes.flatMap((node) => node.spec.podCIDRs ?? []);
  return !held && ranges.some((cidr) => inCidr(cidr, address));
}

export function inCidr(cidr: string, address: string): boolean {
  const [network = '', length = ''] = cidr.split('/');
  const family = isIPv6(network) ? 'ipv6' : 'ipv4';
  if (family !== (isIPv6(address) ? 'ipv6' : 'ipv4')) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(length), family);
  return list.check(address, family);
}

export function namespaceOf({ metadata }: Pick<PodObject, 'metadata'>): string {
  return metadata.namespace ?? 'default';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Text that sorts as the address does; of IPv6 the generator only varies the last group. */
function sortableAddress(address: string): string {
  return address
    .split(/[.:]/)
    .map((part) => part.padStart(4, '0'))
    .join('.');
}
