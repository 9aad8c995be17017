/** The Amazon VPC CNI's network policy controller and agent: eBPF at the pod's interface, by addresses. */
import { hostPrefix } from '../../address.js';
import type { ClusterSnapshot } from '../cluster.js';
import type { Peer, PolicyModel } from '../model.js';
import { hasNamedPorts, resolveNames } from './aws/named-ports.js';
import { judgeClusterAddresses } from './aws/services.js';
import { CLUSTER_KINDS, ignoresKinds, notModelled, toOwnNode, unheldAddresses } from './common.js';
import type { Difference, Implementation, World } from './difference.js';
import {
  distinctAddresses,
  isAddressPeer,
  isNetworkPolicy,
  mapRules,
  policiesWhere,
  rulesWhere,
  selectionIn,
} from './edit.js';

const USER_GUIDE = 'https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html';
const CONTROLLER = 'https://github.com/aws/amazon-network-policy-controller-k8s/blob/main';
const AGENT = 'https://github.com/aws/aws-network-policy-agent';
const RULES = `${AGENT}/blob/main/pkg/fwruleprocessor/fw_rule_processor.go`;

/** Most combinations of protocol and ports that an entry of the agent's maps holds. */
const MAX_PORTS = 24;

const beforeTranslation: Difference = {
  id: 'aws-3',
  does: 'what a pod sends to a Service is judged by the cluster address and the Service’s port: selectors reach only Services whose selector they match, and ipBlock must hold the Service range',
  upstream: 'ports and addresses are the pod’s, after translation',
  sources: [USER_GUIDE, `${CONTROLLER}/pkg/resolvers/endpoints.go`, `${AGENT}/issues/166`],
  basis: 'code',
  model:
    'egress is judged at the cluster address; rules by selector get a rule beside them for the Services that they select, at the ports that lead to theirs',
  touches: ({ model, cluster }) =>
    cluster.services.every(({ addresses }) => addresses.length === 0)
      ? []
      : policiesWhere(model, (one) => isNetworkPolicy(one) && one.isolates.egress),
  apply: judgeClusterAddresses,
};

const namesOverPods: Difference = {
  id: 'aws-4',
  does: 'a named port of an ingress rule opens, on every pod that the policy selects, the numbers of all of them; sources without such a port are left out; without selectors a name means nothing',
  upstream: 'the name means what the destination pod gives it, whoever the source is',
  sources: [`${CONTROLLER}/pkg/resolvers/endpoints.go`],
  basis: 'code',
  model: 'as it does; where no selected pod has the port, it opens every port',
  touches: ({ model }) =>
    rulesWhere(
      model,
      (rule, policy) =>
        hasNamedPorts(rule, policy) &&
        (rule.direction === 'ingress' || rule.peers.some(({ kind }) => kind === 'any')),
    ),
  apply: ({ model, cluster }) =>
    mapRules(model, (rule, policy) =>
      hasNamedPorts(rule, policy) ? resolveNames(rule, policy, cluster) : [rule],
    ),
};

const hostNetworkPeers: Difference = {
  id: 'aws-5',
  does: 'selectors of rules select hostNetwork pods too, by the address of their node',
  upstream: 'hostNetwork pods may be ignored by selectors; most do',
  sources: [`${CONTROLLER}/pkg/resolvers/endpoints.go`],
  basis: 'code',
  model: 'such rules also name the addresses of the hostNetwork pods that they select',
  touches: (world) =>
    rulesWhere(world.model, (rule, policy) => {
      const find = hostPodsOf(world.cluster);
      return isNetworkPolicy(policy) && rule.peers.some((peer) => find(peer) !== undefined);
    }),
  apply: selectHostPods,
};

function selectHostPods({ model, cluster }: World): PolicyModel {
  const find = hostPodsOf(cluster);
  return mapRules(model, (rule, policy) => {
    if (!isNetworkPolicy(policy)) return [rule];
    const added = rule.peers.flatMap((peer) => find(peer) ?? []);
    return [added.length === 0 ? rule : { ...rule, peers: [...rule.peers, ...added] }];
  });
}

function hostPodsOf(cluster: ClusterSnapshot): (peer: Peer) => Peer | undefined {
  const selection = selectionIn(cluster);
  const guests = cluster.pods.filter(
    (pod) => pod.hostNetwork && !pod.completed && pod.addresses.length > 0,
  );
  return (peer) => {
    if (peer.kind !== 'pods') return undefined;
    const chosen = guests.filter((pod) => selection.selects(peer, pod));
    if (chosen.length === 0) return undefined;
    const include = distinctAddresses(chosen.flatMap(({ addresses }) => addresses));
    return {
      kind: 'addresses',
      include: include.map(hostPrefix),
      exclude: [],
      origin: peer.origin,
    };
  };
}

export const aws: Implementation = {
  name: 'aws',
  title: 'Amazon VPC CNI',
  version: '1.21',
  settings: {},
  differences: [
    unheldAddresses('aws-1', [RULES]),
    toOwnNode('aws-2', {
      does: 'traffic of a pod to its own node is always allowed',
      upstream: 'the concept page says so, the API’s own text is silent; we judge it as any other',
      sources: [RULES, `${AGENT}/pull/65`],
      basis: 'code',
    }),
    // Names are resolved before hostNetwork pods join the peers, as numbers do not depend on them.
    namesOverPods,
    hostNetworkPeers,
    beforeTranslation,
    ignoresKinds('aws-6', CLUSTER_KINDS, {
      does: 'the kinds of policy.networking.k8s.io are not read; it has cluster-wide kinds of its own in networking.k8s.aws',
      sources: [USER_GUIDE, `${CONTROLLER}/pkg/resolvers/clusternetworkpolicy_resolver.go`],
      basis: 'documented',
    }),
    notModelled('aws-7', {
      does: `more than ${MAX_PORTS} combinations of protocol and ports for one address do not fit`,
      upstream: 'no limit',
      sources: [USER_GUIDE, `${AGENT}/blob/main/pkg/ebpf/c/tc.v4egress.bpf.c`],
      basis: 'documented',
      model: 'not modelled: which of them are lost is not defined',
      touches: ({ model }) =>
        rulesWhere(
          model,
          ({ ports }, policy) =>
            isNetworkPolicy(policy) && ports !== 'every' && ports.length > MAX_PORTS,
        ),
    }),
    notModelled('aws-8', {
      does: 'the except of one rule may deny what another rule of the pod allows by a wider block, and rules for one block may lose ports',
      upstream: 'an except limits its own block alone',
      sources: [RULES, `${AGENT}/issues/180`],
      basis: 'reported',
      model: 'not modelled: it changed with nearly every version of the agent',
      touches: ({ model }) =>
        rulesWhere(
          model,
          ({ peers }, policy) =>
            isNetworkPolicy(policy) &&
            peers.some((peer) => isAddressPeer(peer) && peer.exclude.length > 0),
        ),
    }),
    notModelled('aws-9', {
      does: 'pods without a controller (metadata.ownerReferences) have no policies, by the user guide; the controller’s code lists them like others',
      upstream: 'every pod that is selected',
      sources: [USER_GUIDE],
      basis: 'documented',
      model: 'not modelled: documentation and code differ',
      touches: ({ model, cluster }) =>
        cluster.pods.some(
          (pod) => pod.workload === undefined && !pod.hostNetwork && !pod.representative,
        )
          ? policiesWhere(model, isNetworkPolicy)
          : [],
    }),
    notModelled('aws-10', {
      does: 'policies hold in one address family, that of the cluster',
      upstream: 'both, in a cluster of two',
      sources: [USER_GUIDE, `${AGENT}/issues/408`],
      basis: 'documented',
      model: 'not modelled: such a cluster has no pods with addresses of both',
      touches: ({ model, cluster }) =>
        cluster.pods.some(({ addresses }) => addresses.length > 1)
          ? policiesWhere(model, isNetworkPolicy)
          : [],
    }),
    notModelled('aws-11', {
      does: 'a pod that starts may talk to anybody until its policies are there (NETWORK_POLICY_ENFORCING_MODE=standard), and what is open stays open',
      upstream: 'isolated before the pod’s containers start; open connections: undefined',
      sources: [USER_GUIDE, `${AGENT}/issues/73`],
      basis: 'documented',
      model: 'not modelled: flows are judged by their first packet, with all policies in force',
      touches: () => [],
    }),
    notModelled('aws-12', {
      does: 'pods on Fargate and Windows nodes, and interfaces beside eth0, have no policies',
      upstream: 'every pod that is selected',
      sources: [USER_GUIDE],
      basis: 'documented',
      model: 'not modelled: the snapshot does not hold what a node is',
      touches: () => [],
    }),
  ],
};
