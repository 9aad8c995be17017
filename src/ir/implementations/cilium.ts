/** Cilium: policies by identity, and a datapath of its own for Services. */
import { isPolicyPod, type ClusterSnapshot } from '../cluster.js';
import type { Peer, PortMatch, PortProtocol } from '../model.js';
import {
  everyPolicy,
  ignoresKinds,
  nodeAddresses,
  notModelled,
  podAddresses,
  servicesLeadBack,
  unheldAddresses,
} from './common.js';
import type { Difference, Implementation } from './difference.js';
import {
  addFirst,
  handleServices,
  isAddressPeer,
  isNamed,
  mapPeers,
  mapRules,
  namedPorts,
  rulesNaming,
  rulesWhere,
  type NamedPort,
} from './edit.js';

const LANGUAGE = 'https://docs.cilium.io/en/stable/security/policy/language/';
const POLICY_PAGE = 'https://docs.cilium.io/en/stable/network/kubernetes/policy/';
const LXC = 'https://github.com/cilium/cilium/blob/main/bpf/bpf_lxc.c';

const skipsPods: Difference = {
  id: 'cilium-1',
  does: 'ipBlock and networks never match pods, whatever their addresses',
  upstream: 'the address decides, whoever holds it; its conformance tests rely on that',
  sources: [LANGUAGE, POLICY_PAGE, 'https://github.com/cilium/cilium/issues/9209'],
  basis: 'documented',
  model: 'peers by address pass over addresses that pods hold',
  touches: (world) => rulesNaming(world, podAddresses(world.cluster)),
  apply: ({ model }) => mapPeers(model, (peer) => skip(peer, 'pods')),
};

const skipsNodes: Difference = {
  id: 'cilium-2',
  does: 'ipBlock and networks never match nodes, nor their hostNetwork pods',
  upstream: 'the address decides, whoever holds it',
  sources: [LANGUAGE, 'https://github.com/cilium/cilium/issues/20550'],
  basis: 'documented',
  unless: 'cidr-match-nodes',
  model: 'peers by address pass over addresses that nodes hold',
  touches: (world) => rulesNaming(world, nodeAddresses(world.cluster)),
  apply: ({ model }) => mapPeers(model, (peer) => skip(peer, 'nodes')),
};

function skip(peer: Peer, more: 'pods' | 'nodes'): Peer {
  if (!isAddressPeer(peer) || peer.skips === more) return peer;
  return { ...peer, skips: peer.skips === undefined ? more : 'pods-and-nodes' };
}

const dropsSctp: Difference = {
  id: 'cilium-4',
  does: 'SCTP is dropped, also where no policy denies it',
  upstream: 'SCTP is a protocol like TCP and UDP',
  sources: [
    'https://docs.cilium.io/en/stable/configuration/sctp/',
    'https://github.com/cilium/cilium/issues/5719',
  ],
  basis: 'documented',
  unless: 'sctp',
  model:
    'a rule ahead of all policies denies SCTP to and from every pod; what its own node sends is told as allowed',
  touches: ({ model }) =>
    rulesWhere(
      model,
      ({ action, ports }) =>
        action === 'allow' &&
        ports !== 'every' &&
        ports.some(({ protocol }) => protocol === 'SCTP'),
    ),
  apply: ({ model }) =>
    addFirst(
      model,
      'cilium-4',
      (['ingress', 'egress'] as const).map((direction) => ({
        direction,
        action: 'deny',
        name: 'drops SCTP',
        peers: [{ kind: 'any' }],
        ports: [{ kind: 'range', protocol: 'SCTP', first: 0, last: 65_535 }],
      })),
    ),
};

const ignoresEndPort: Difference = {
  id: 'cilium-5',
  does: 'endPort is ignored: a range of ports is its first port alone',
  upstream: 'port to endPort, both included',
  sources: [
    'https://github.com/cilium/cilium/issues/28684',
    'https://github.com/cilium/cilium/pull/32389',
  ],
  basis: 'reported',
  versions: { before: '1.16' },
  model: 'ranges of NetworkPolicy ports end where they start; a protocol without port is as ever',
  touches: ({ model }) =>
    rulesWhere(
      model,
      ({ ports }, { kind }) =>
        kind === 'NetworkPolicy' && ports !== 'every' && ports.some(isTrueRange),
    ),
  apply: ({ model }) =>
    mapRules(model, (rule, { kind }) => {
      const { ports } = rule;
      if (kind !== 'NetworkPolicy' || ports === 'every' || !ports.some(isTrueRange)) return [rule];
      const single = ports.map((one) =>
        one.kind === 'range' && isTrueRange(one) ? { ...one, last: one.first } : one,
      );
      return [{ ...rule, ports: single }];
    }),
};

/** More than one port, and not the whole protocol. */
function isTrueRange(match: PortMatch): boolean {
  return (
    match.kind === 'range' &&
    match.first < match.last &&
    !(match.first === 0 && match.last === 65_535)
  );
}

const namesAreGlobal: Difference = {
  id: 'cilium-6',
  does: 'a named port of an egress rule is one number for the cluster: any peer is reached there, and nobody where pods give the name several numbers',
  upstream: 'the name means what the destination pod gives it, and nothing at other addresses',
  sources: ['https://github.com/cilium/cilium/blob/main/pkg/types/portmap.go'],
  basis: 'code',
  versions: { before: '1.20' },
  model:
    'names of egress rules become that number, or are taken out; which version ended it is our estimate',
  touches: ({ model }) =>
    rulesWhere(model, (rule) => rule.direction === 'egress' && namedPorts(rule).length > 0),
  apply: (world) => {
    const numbers = numbersOf(world.cluster);
    return mapRules(world.model, (rule) => {
      const { ports } = rule;
      if (rule.direction !== 'egress' || ports === 'every' || !ports.some(isNamed)) return [rule];
      const resolved = ports.flatMap((one) => (isNamed(one) ? resolve(one, numbers) : [one]));
      return resolved.length === 0 ? [] : [{ ...rule, ports: resolved }];
    });
  },
};

/** By port name and protocol: the numbers that pods give it. */
function numbersOf({ pods }: ClusterSnapshot): ReadonlyMap<string, ReadonlySet<number>> {
  const numbers = new Map<string, Set<number>>();
  for (const pod of pods) {
    if (!isPolicyPod(pod)) continue;
    for (const { name, protocol, port } of pod.ports) {
      const key = `${protocol} ${name}`;
      const known = numbers.get(key);
      if (known === undefined) numbers.set(key, new Set([port]));
      else known.add(port);
    }
  }
  return numbers;
}

function resolve(
  { name, protocol }: NamedPort,
  numbers: ReadonlyMap<string, ReadonlySet<number>>,
): readonly PortMatch[] {
  const protocols: readonly PortProtocol[] =
    protocol === undefined ? ['TCP', 'UDP', 'SCTP'] : [protocol];
  return protocols.flatMap((one): readonly PortMatch[] => {
    const [first, ...others] = numbers.get(`${one} ${name}`) ?? [];
    if (first === undefined || others.length > 0) return [];
    return [{ kind: 'range', protocol: one, first, last: first }];
  });
}

export const cilium: Implementation = {
  name: 'cilium',
  title: 'Cilium',
  version: '1.20',
  settings: {
    'cidr-match-nodes': 'policy-cidr-match-mode=nodes (since 1.15)',
    sctp: 'sctp.enabled=true',
    'cluster-network-policy': 'k8sClusterNetworkPolicy.enabled=true (since 1.20)',
  },
  differences: [
    skipsPods,
    skipsNodes,
    unheldAddresses('cilium-3', [LANGUAGE]),
    dropsSctp,
    ignoresEndPort,
    namesAreGlobal,
    {
      id: 'cilium-7',
      does: 'a pod that its own Service leads back to itself is not judged at all',
      upstream: 'undefined for NetworkPolicy; ClusterNetworkPolicy applies',
      sources: [LXC, 'https://github.com/kubernetes-sigs/network-policy-api/issues/343'],
      basis: 'code',
      model: 'the endpoint that the sender itself is is allowed on both sides',
      touches: servicesLeadBack,
      apply: ({ model }) => handleServices(model, { hairpin: 'exempt' }),
    },
    ignoresKinds('cilium-8', ['AdminNetworkPolicy', 'BaselineAdminNetworkPolicy'], {
      does: 'AdminNetworkPolicy and BaselineAdminNetworkPolicy are not read',
      sources: ['https://github.com/cilium/cilium/issues/23380'],
      basis: 'reported',
    }),
    ignoresKinds('cilium-9', ['ClusterNetworkPolicy'], {
      does: 'ClusterNetworkPolicy is not read unless it is enabled',
      sources: ['https://github.com/cilium/cilium/pull/47227'],
      basis: 'documented',
      unless: 'cluster-network-policy',
    }),
    notModelled('cilium-10', {
      does: 'packets that the pod’s own node forwards in its own name, such as those of NodePorts, count as the node’s and are let in',
      upstream: 'undefined: the address may be rewritten before or after the policies',
      sources: ['https://docs.cilium.io/en/latest/security/policy/caveats/'],
      basis: 'documented',
      model:
        'not modelled: a flow of ours starts at its client; `list` says which Services are open to nodes',
      touches: ({ model, cluster }) =>
        cluster.services.some(({ outside }) => outside?.keepsClient === false)
          ? everyPolicy({ model, cluster })
          : [],
    }),
    notModelled('cilium-11', {
      does: 'protocols other than TCP, UDP, SCTP and ICMP are dropped',
      upstream: 'implementation defined',
      sources: ['https://github.com/cilium/cilium/blob/main/bpf/lib/conntrack.h'],
      basis: 'code',
      model: 'not modelled: we judge all protocols without ports as one',
      touches: () => [],
    }),
    notModelled('cilium-12', {
      does: 'CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy have a say beside these policies',
      upstream: 'no such kinds',
      sources: [POLICY_PAGE],
      basis: 'documented',
      model: 'not modelled: policyc reads the Kubernetes kinds alone',
      touches: () => [],
    }),
  ],
};
