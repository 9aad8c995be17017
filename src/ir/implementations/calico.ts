/** Calico: Felix's rules in iptables, nftables or eBPF, after kube-proxy has translated addresses. */
import { hostPrefix, prefixContains } from '../../address.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../cluster.js';
import type { Peer, Policy, Rule } from '../model.js';
import {
  API_TEXT,
  everyPolicy,
  ignoresKinds,
  notModelled,
  servicesLeadBack,
  unheldAddresses,
} from './common.js';
import type { Difference, Implementation } from './difference.js';
import {
  distinctAddresses,
  handleServices,
  isAddressPeer,
  isNetworkPolicy,
  mapRules,
  namedPorts,
  rulesWhere,
  type AddressPeer,
  type NamedPort,
} from './edit.js';

const CONVERSION =
  'https://github.com/projectcalico/calico/blob/master/libcalico-go/lib/backend/k8s/conversion';

const namesInBlocks: Difference = {
  id: 'calico-3',
  does: 'a named port beside an ipBlock matches the pods in the block that have the port',
  upstream: 'a name means nothing at an address',
  sources: [`${CONVERSION}/conversion.go`, API_TEXT],
  basis: 'inferred',
  model: 'such rules get a rule beside them for the addresses and numbers of those pods',
  touches: ({ model }) => rulesWhere(model, isNamedBlock),
  apply: ({ model, cluster }) =>
    mapRules(model, (rule, policy) =>
      isNamedBlock(rule, policy) ? [rule, ...blocksByName(rule, cluster)] : [rule],
    ),
};

function isNamedBlock(rule: Rule, policy: Policy): boolean {
  return (
    isNetworkPolicy(policy) &&
    rule.direction === 'egress' &&
    rule.peers.some(isAddressPeer) &&
    namedPorts(rule).length > 0
  );
}

function blocksByName(rule: Rule, { pods }: ClusterSnapshot): readonly Rule[] {
  const numbers = new Map<string, { readonly match: NamedPort; readonly port: number }>();
  for (const match of namedPorts(rule)) {
    for (const pod of pods.filter(isPolicyPod)) {
      for (const port of numbersAt(pod, match)) {
        numbers.set(`${match.protocol ?? ''} ${match.name} ${port}`, { match, port });
      }
    }
  }
  return [...numbers.values()].flatMap(({ match, port }): readonly Rule[] => {
    const named = pods.filter((pod) => isPolicyPod(pod) && numbersAt(pod, match).includes(port));
    const peers = rule.peers
      .filter(isAddressPeer)
      .map((peer) => narrow(peer, named))
      .filter(({ include }) => include.length > 0);
    if (peers.length === 0) return [];
    const protocol = match.protocol ?? 'TCP';
    const ports = [{ kind: 'range', protocol, first: port, last: port } as const];
    return [{ ...rule, name: `${rule.name} by calico-3`, peers, ports }];
  });
}

function numbersAt({ ports }: Pod, { name, protocol }: NamedPort): readonly number[] {
  return ports
    .filter((one) => one.name === name && one.protocol === (protocol ?? one.protocol))
    .map(({ port }) => port);
}

/** The addresses of the pods that the peer holds. */
function narrow(peer: AddressPeer, pods: readonly Pod[]): AddressPeer {
  const inside = pods
    .flatMap(({ addresses }) => addresses)
    .filter((one) => peer.include.some((prefix) => prefixContains(prefix, one)))
    .filter((one) => !peer.exclude.some((prefix) => prefixContains(prefix, one)));
  return { ...peer, include: distinctAddresses(inside).map(hostPrefix), exclude: [] };
}

const failsClosed: Difference = {
  id: 'calico-4',
  does: 'cluster-wide rules with named ports, nodes or domainNames are not understood: an Allow or Accept matches nothing, a Deny or Pass becomes Deny all',
  upstream: 'named ports and nodes are part of the API; what is not understood fails closed',
  sources: [`${CONVERSION}/clusternetworkpolicy.go`],
  basis: 'code',
  model: 'as it does, with the whole rule',
  touches: ({ model }) => rulesWhere(model, isNotUnderstood),
  apply: ({ model }) =>
    mapRules(model, (rule, policy) => {
      if (!isNotUnderstood(rule, policy)) return [rule];
      if (rule.action === 'allow') return [];
      const anyone: Peer = { kind: 'any', origin: rule.origin };
      const name = `${rule.name} by calico-4`;
      return [{ ...rule, name, action: 'deny', peers: [anyone], ports: 'every' }];
    }),
};

function isNotUnderstood(rule: Rule, policy: Policy): boolean {
  return (
    !isNetworkPolicy(policy) &&
    (namedPorts(rule).length > 0 ||
      rule.peers.some(({ kind }) => kind === 'nodes' || kind === 'nothing'))
  );
}

export const calico: Implementation = {
  name: 'calico',
  title: 'Calico',
  version: '3.32',
  settings: {},
  differences: [
    unheldAddresses('calico-1'),
    {
      id: 'calico-2',
      does: 'a pod that its own Service leads back to itself needs its ingress policies’ leave as well: its own address is the source',
      upstream: 'undefined for NetworkPolicy; ClusterNetworkPolicy applies',
      sources: [
        'https://github.com/kubernetes-sigs/network-policy-api/issues/343',
        'https://github.com/kubernetes/kubernetes/issues/125611',
      ],
      basis: 'inferred',
      model: 'both sides judge it; kube-proxy masquerades such packets after the policies',
      touches: servicesLeadBack,
      apply: ({ model }) => handleServices(model, { hairpin: 'both' }),
    },
    namesInBlocks,
    failsClosed,
    ignoresKinds('calico-5', ['AdminNetworkPolicy', 'BaselineAdminNetworkPolicy'], {
      does: 'AdminNetworkPolicy and BaselineAdminNetworkPolicy are not read',
      sources: ['https://github.com/tigera/docs/pull/2416'],
      basis: 'documented',
      versions: { from: '3.32' },
    }),
    ignoresKinds('calico-6', ['AdminNetworkPolicy', 'BaselineAdminNetworkPolicy'], {
      does: 'AdminNetworkPolicy and BaselineAdminNetworkPolicy are not read yet',
      sources: ['https://docs.tigera.io/calico/3.29/release-notes/'],
      basis: 'documented',
      versions: { before: '3.29' },
    }),
    ignoresKinds('calico-7', ['ClusterNetworkPolicy'], {
      does: 'ClusterNetworkPolicy is not read yet',
      sources: ['https://github.com/tigera/docs/pull/2416'],
      basis: 'documented',
      versions: { before: '3.32' },
    }),
    notModelled('calico-8', {
      does: 'connections that are open stay open when a policy takes back its leave',
      upstream: 'implementation defined',
      sources: [
        'https://github.com/projectcalico/calico/issues/2759',
        'https://github.com/projectcalico/calico/issues/6399',
      ],
      basis: 'reported',
      model: 'not modelled: flows are judged by their first packet',
      touches: () => [],
    }),
    notModelled('calico-9', {
      does: 'what the policies let a pod send to its own node, DefaultEndpointToHostAction may still drop: Felix’s default is Drop, that of the manifests and the operator Accept',
      upstream: 'the concept page says that it is always allowed',
      sources: [
        'https://docs.tigera.io/calico/latest/reference/host-endpoints/overview',
        'https://docs.tigera.io/calico/latest/reference/felix/configuration',
      ],
      basis: 'documented',
      model: 'not modelled: the setting is not in the snapshot; Accept is assumed',
      touches: () => [],
    }),
    notModelled('calico-10', {
      does: 'Calico’s own policies, tiers, host endpoints, profiles and failsafe ports have a say beside these policies',
      upstream: 'no such kinds',
      sources: ['https://docs.tigera.io/calico/latest/reference/host-endpoints/overview'],
      basis: 'documented',
      model:
        'not modelled: policyc reads the Kubernetes kinds alone; failsafes concern host endpoints, never pods',
      touches: () => [],
    }),
    notModelled('calico-11', {
      does: 'packets from outside to a NodePort are judged by the client’s address where the pod is on the node that they came to',
      upstream: 'undefined: the address may be rewritten before or after the policies',
      sources: ['https://kubernetes.io/docs/concepts/services-networking/network-policies/'],
      basis: 'inferred',
      model: 'not modelled: a flow of ours does not pass a node',
      touches: (world) =>
        world.cluster.services.some(({ outside }) => outside?.keepsClient === false)
          ? everyPolicy(world)
          : [],
    }),
  ],
};
