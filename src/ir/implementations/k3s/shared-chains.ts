/** What follows from kube-router's chains: both directions of a policy of two types meet in one. */
import { prefixContains } from '../../../address.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../../cluster.js';
import type { Direction, LabelSelector, Peer, PodSelector, Policy, Rule } from '../../model.js';
import { isNetworkPolicy, selectionIn } from '../edit.js';

/** Both directions of such a policy are tried on packets to the pod and from it. */
export function hasBothTypes(policy: Policy): boolean {
  return isNetworkPolicy(policy) && policy.isolates.ingress && policy.isolates.egress;
}

/**
 * A rule of the one direction lets through in the other as well, between pods that the policy
 * selects: policies that say so.
 */
export function mirrorPolicies(policy: Policy, cluster: ClusterSnapshot): readonly Policy[] {
  return policy.rules.flatMap((rule) =>
    mirrorSubjects(rule, policy, cluster).map((subjects): Policy => {
      const direction: Direction = rule.direction === 'ingress' ? 'egress' : 'ingress';
      const name = `${rule.name} by k3s-4`;
      const peers = policy.subjects.map((one): Peer => ({ kind: 'pods', ...one }));
      const mirrored: Rule = { ...rule, direction, name, peers };
      return {
        ...policy,
        subjects,
        isolates: { ingress: false, egress: false },
        rules: [mirrored],
      };
    }),
  );
}

/** The policy's pods that the rule's peers hold as well; undefined ends are no pods of the policy. */
function mirrorSubjects(
  rule: Rule,
  { subjects }: Policy,
  cluster: ClusterSnapshot,
): readonly (readonly PodSelector[])[] {
  const found = rule.peers.flatMap((peer): readonly PodSelector[] => {
    switch (peer.kind) {
      case 'any':
        return subjects;
      case 'pods':
        return subjects.map((subject) => both(subject, peer));
      case 'addresses':
        return isHeldWhole(peer, subjects, cluster) === 'all' ? subjects : [];
      default:
        return [];
    }
  });
  return found.length === 0 ? [] : [found];
}

function both(a: PodSelector, b: PodSelector): PodSelector {
  const join = (one: LabelSelector, two: LabelSelector): LabelSelector => ({
    requirements: [...one.requirements, ...two.requirements],
  });
  return {
    namespaces: join(a.namespaces, b.namespaces),
    pods: join(a.pods, b.pods),
    origin: a.origin,
  };
}

/** Whether the block holds all addresses of the policy's pods, none, or some; only some is not modelled. */
export function isHeldWhole(
  { include, exclude }: Extract<Peer, { kind: 'addresses' }>,
  subjects: readonly PodSelector[],
  cluster: ClusterSnapshot,
): 'all' | 'none' | 'some' {
  const selection = selectionIn(cluster);
  const addresses = cluster.pods
    .filter((pod: Pod) => isPolicyPod(pod) && subjects.some((one) => selection.selects(one, pod)))
    .flatMap((pod) => pod.addresses);
  const held = addresses.filter(
    (one) =>
      include.some((prefix) => prefixContains(prefix, one)) &&
      !exclude.some((prefix) => prefixContains(prefix, one)),
  );
  if (held.length === 0) return 'none';
  return held.length === addresses.length ? 'all' : 'some';
}
