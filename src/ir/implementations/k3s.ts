/** k3s: kube-router's network policy controller with iptables and ipset. */
import { parsePrefix, prefixCovers, type Prefix } from '../../address.js';
import { bug } from '../../diagnostics.js';
import type { Peer, Policy, PolicyModel, PortMatch, Rule } from '../model.js';
import {
  CLUSTER_KINDS,
  ignoresKinds,
  notModelled,
  policiesThatDeny,
  servicesLeadBack,
  unheldAddresses,
} from './common.js';
import type { Difference, Implementation, World } from './difference.js';
import {
  addFirst,
  isAddressPeer,
  isNetworkPolicy,
  mapPeers,
  mapRules,
  policiesWhere,
  restricts,
  rulesWhere,
  type AddressPeer,
} from './edit.js';
import { namesAnyone, numbersOfNamespace, openAll, opensAll } from './k3s/ports.js';
import { hasBothTypes, isHeldWhole, mirrorPolicies } from './k3s/shared-chains.js';

const NETPOL = 'https://github.com/cloudnativelabs/kube-router/blob/master/pkg/controllers/netpol';

/** By default; --service-node-port-range. */
const NODE_PORTS = { first: 30_000, last: 32_767 } as const;

const sharedSets: Difference = {
  id: 'k3s-2',
  does: 'the blocks of one rule share a set: an except also cuts what another block of the rule allows, the longest prefix decides',
  upstream: 'an except limits its own block alone',
  sources: [`${NETPOL}/policy.go`],
  basis: 'code',
  model:
    'the excepts of a rule that lie within a block are taken out of it, whichever item they stand in',
  touches: ({ model }) => rulesWhere(model, sharesExcepts),
  apply: ({ model }) =>
    mapRules(model, (rule, policy) =>
      sharesExcepts(rule, policy) ? [shareExcepts(rule)] : [rule],
    ),
};

function sharesExcepts({ peers }: Rule, policy: Policy): boolean {
  const blocks = peers.filter(isAddressPeer);
  return (
    isNetworkPolicy(policy) && blocks.length > 1 && blocks.some(({ exclude }) => exclude.length > 0)
  );
}

function shareExcepts(rule: Rule): Rule {
  const excepts = rule.peers.flatMap((peer, item) =>
    isAddressPeer(peer) ? peer.exclude.map((prefix) => ({ prefix, item })) : [],
  );
  const peers = rule.peers.map((peer, item): Peer => {
    if (!isAddressPeer(peer)) return peer;
    // Where a block and an except are the same prefix, the set keeps what was written last.
    const exclude = excepts.filter((one) =>
      peer.include.some((block) =>
        isSame(block, one.prefix) ? one.item >= item : prefixCovers(block, one.prefix),
      ),
    );
    return { ...peer, exclude: exclude.map(({ prefix }) => prefix) };
  });
  return { ...rule, peers };
}

function isSame(a: Prefix, b: Prefix): boolean {
  return a.family === b.family && a.length === b.length && a.value === b.value;
}

const wholeOfIpv6: Difference = {
  id: 'k3s-3',
  does: 'the block ::/0 is 2000::/3 and fd00::/8: link-local and other addresses are not in it',
  upstream: '::/0 is every IPv6 address',
  sources: [`${NETPOL}/policy.go`],
  basis: 'code',
  model: 'as it does, also for an except',
  touches: ({ model }) =>
    rulesWhere(
      model,
      ({ peers }, policy) =>
        isNetworkPolicy(policy) &&
        peers.some((peer) => isAddressPeer(peer) && peer.include.some(isWholeOfIpv6)),
    ),
  apply: ({ model }) =>
    mapPeers(model, (peer, _, policy) =>
      isAddressPeer(peer) && isNetworkPolicy(policy) ? partIpv6(peer) : peer,
    ),
};

const PARTS_OF_IPV6 = ['2000::/3', 'fd00::/8'].map(
  (text) => parsePrefix(text) ?? bug(`${text} is no prefix`),
);

function isWholeOfIpv6({ family, length }: Prefix): boolean {
  return family === 6 && length === 0;
}

function partIpv6(peer: AddressPeer): AddressPeer {
  if (![...peer.include, ...peer.exclude].some(isWholeOfIpv6)) return peer;
  const part = (prefixes: readonly Prefix[]): readonly Prefix[] =>
    prefixes.flatMap((one) => (isWholeOfIpv6(one) ? PARTS_OF_IPV6 : [one]));
  return { ...peer, include: part(peer.include), exclude: part(peer.exclude) };
}

const sharedChains: Difference = {
  id: 'k3s-4',
  does: 'in a policy with both types, an egress rule also lets in between pods that the policy selects, and an ingress rule also lets out',
  upstream: 'each direction is decided by its own rules',
  sources: [`${NETPOL}/pod.go`, 'https://github.com/k3s-io/k3s/issues/2390'],
  basis: 'code',
  model:
    'rules of the other direction between the pods that the policy selects; not where an ipBlock holds only some of them',
  touches: ({ model }) => policiesWhere(model, (one) => hasBothTypes(one) && one.rules.length > 0),
  apply: ({ model, cluster }): PolicyModel => ({
    ...model,
    policies: model.policies.flatMap((policy) =>
      hasBothTypes(policy) ? [policy, ...mirrorPolicies(policy, cluster)] : [policy],
    ),
  }),
};

const letsPing: Difference = {
  id: 'k3s-5',
  does: 'ICMP echo requests and errors always pass',
  upstream: 'implementation defined; rules without ports cover ICMP, and isolation denies it',
  sources: [`${NETPOL}/npc_iptables.go`],
  basis: 'code',
  model:
    'a rule ahead of all policies allows all that is neither TCP, UDP nor SCTP: we judge those as one',
  touches: policiesThatDeny,
  apply: ({ model }) =>
    addFirst(
      model,
      'k3s-5',
      (['ingress', 'egress'] as const).flatMap((direction) => [
        {
          direction,
          action: 'pass',
          name: 'has ports',
          peers: [{ kind: 'any' }],
          ports: (['TCP', 'UDP', 'SCTP'] as const).map((protocol): PortMatch => ({
            kind: 'range',
            protocol,
            first: 0,
            last: 65_535,
          })),
        },
        {
          direction,
          action: 'allow',
          name: 'lets ICMP through',
          peers: [{ kind: 'any' }],
          ports: 'every',
        },
      ]),
    ),
};

const letsNodePorts: Difference = {
  id: 'k3s-6',
  does: `a pod may always reach ports ${NODE_PORTS.first} to ${NODE_PORTS.last} of its own node, over TCP and UDP`,
  upstream: 'the concept page allows all traffic to the own node, the API’s text is silent',
  sources: [`${NETPOL}/npc_iptables.go`],
  basis: 'code',
  model: 'a rule ahead of all policies; the range is --service-node-port-range’s default',
  touches: ({ model, cluster }) =>
    cluster.nodes.length === 0 ? [] : policiesWhere(model, (one) => restricts(one, 'egress')),
  apply: ({ model }) =>
    addFirst(model, 'k3s-6', [
      {
        direction: 'egress',
        action: 'allow',
        name: 'node ports of the own node',
        peers: [{ kind: 'own-node' }],
        ports: (['TCP', 'UDP'] as const).map((protocol): PortMatch => ({
          kind: 'range',
          protocol,
          ...NODE_PORTS,
        })),
      },
    ]),
};

const namesOfNamespace: Difference = {
  id: 'k3s-7',
  does: 'a named port of an egress rule without `to` is the numbers that pods of the policy’s own namespace give it, at any destination',
  upstream: 'the name means what the destination pod gives it, and nothing at other addresses',
  sources: [`${NETPOL}/policy.go`],
  basis: 'code',
  model: 'as it does',
  touches: ({ model }) => rulesWhere(model, namesAnyone),
  apply: ({ model, cluster }) =>
    mapRules(model, (rule, policy) =>
      namesAnyone(rule, policy) ? numbersOfNamespace(rule, policy, cluster) : [rule],
    ),
};

const unknownNames: Difference = {
  id: 'k3s-8',
  does: 'a rule by selectors whose ports are all names that no pod has opens every port',
  upstream: 'an unknown name matches nothing',
  sources: [`${NETPOL}/policy.go`],
  basis: 'code',
  model: 'as it does: pods that the policy selects for ingress, that the rule selects for egress',
  touches: ({ model, cluster }) =>
    rulesWhere(model, (rule, policy) => opensAll(rule, policy, cluster)),
  apply: ({ model, cluster }) =>
    mapRules(model, (rule, policy) => (opensAll(rule, policy, cluster) ? openAll(rule) : [rule])),
};

export const k3s: Implementation = {
  name: 'k3s',
  title: 'k3s (kube-router)',
  version: '1.34',
  settings: {},
  differences: [
    unheldAddresses('k3s-1'),
    wholeOfIpv6,
    sharedSets,
    unknownNames,
    namesOfNamespace,
    sharedChains,
    letsPing,
    letsNodePorts,
    ignoresKinds('k3s-9', CLUSTER_KINDS, {
      does: 'the kinds of policy.networking.k8s.io are not read',
      sources: [`${NETPOL}/policy.go`],
      basis: 'code',
    }),
    notModelled('k3s-10', {
      does: 'in a policy with both types, an egress or ingress rule by an ipBlock that holds some of its pods also lets through the other way, to those',
      upstream: 'each direction is decided by its own rules',
      sources: [`${NETPOL}/pod.go`],
      basis: 'code',
      model: 'not modelled: policies select pods by label, and not by address',
      touches: ({ model, cluster }) => mirrorsInPart({ model, cluster }),
    }),
    notModelled('k3s-11', {
      does: 'a pod that its own Service leads back to itself passes if its ingress or its egress policies let it',
      upstream: 'undefined for NetworkPolicy; ClusterNetworkPolicy applies',
      sources: [`${NETPOL}/pod.go`],
      basis: 'inferred',
      model: 'not modelled: sides are judged one by one; its egress policies judge it, as in ours',
      touches: servicesLeadBack,
    }),
    notModelled('k3s-12', {
      does: 'connections that are open stay open when a policy takes back its leave, and packets that are denied are answered with an error',
      upstream: 'implementation defined',
      sources: [`${NETPOL}/npc_iptables.go`],
      basis: 'code',
      model:
        'not modelled: flows are judged by their first packet, and how it is denied is no question here',
      touches: () => [],
    }),
    notModelled('k3s-13', {
      does: 'named ports of sidecars (init containers that go on) are not seen',
      upstream: 'they are named ports of the pod',
      sources: [`${NETPOL}/policy.go`],
      basis: 'code',
      model: 'not modelled: the snapshot does not tell them from others',
      touches: () => [],
    }),
  ],
};

function mirrorsInPart({ model, cluster }: World): ReturnType<Difference['touches']> {
  return rulesWhere(
    model,
    ({ peers }, policy) =>
      hasBothTypes(policy) &&
      peers.some(
        (peer) => isAddressPeer(peer) && isHeldWhole(peer, policy.subjects, cluster) === 'some',
      ),
  );
}
