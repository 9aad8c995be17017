/** How kube-router turns named ports into numbers. */
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../../cluster.js';
import type { Policy, PortMatch, Rule } from '../../model.js';
import {
  distinctRanges,
  isNetworkPolicy,
  namedPorts,
  numericPorts,
  selectionIn,
  type NamedPort,
  type PortRange,
} from '../edit.js';

/** A rule by selectors all of whose ports are names that no pod has: it lets every port through. */
export function opensAll(rule: Rule, policy: Policy, cluster: ClusterSnapshot): boolean {
  if (!isNetworkPolicy(policy) || namedPorts(rule).length === 0) return false;
  if (numericPorts(rule).length > 0 || rule.peers.every(({ kind }) => kind !== 'pods'))
    return false;
  const selection = selectionIn(cluster);
  const selectors =
    rule.direction === 'ingress'
      ? policy.subjects
      : rule.peers.filter((peer) => peer.kind === 'pods');
  return !cluster.pods.some(
    (pod) =>
      isPolicyPod(pod) &&
      selectors.some((one) => selection.selects(one, pod)) &&
      namedPorts(rule).some((match) => numbersAt(pod, match).length > 0),
  );
}

/** Selectors get every port, and other peers keep none. */
export function openAll(rule: Rule): readonly Rule[] {
  const peers = rule.peers.filter(({ kind }) => kind === 'pods');
  const others = rule.peers.filter(({ kind }) => kind !== 'pods');
  const opened: Rule = { ...rule, name: `${rule.name} by k3s-8`, peers, ports: 'every' };
  return others.length === 0 ? [opened] : [opened, { ...rule, peers: others }];
}

export function namesAnyone(rule: Rule, policy: Policy): boolean {
  return (
    isNetworkPolicy(policy) &&
    rule.direction === 'egress' &&
    namedPorts(rule).length > 0 &&
    rule.peers.some(({ kind }) => kind === 'any')
  );
}

/** Names mean the numbers of the pods in the policy's namespace, at whatever destination. */
export function numbersOfNamespace(
  rule: Rule,
  { namespace }: Policy,
  { pods }: ClusterSnapshot,
): readonly Rule[] {
  const near = pods.filter((pod) => isPolicyPod(pod) && pod.namespace === namespace);
  const ranges = namedPorts(rule).flatMap((match) => near.flatMap((pod) => numbersAt(pod, match)));
  const ports: readonly PortMatch[] = [...numericPorts(rule), ...distinctRanges(ranges)];
  return ports.length === 0 ? [] : [{ ...rule, name: `${rule.name} by k3s-7`, ports }];
}

function numbersAt({ ports }: Pod, { name, protocol }: NamedPort): readonly PortRange[] {
  return ports
    .filter((one) => one.name === name && one.protocol === (protocol ?? one.protocol))
    .map((one): PortRange => ({
      kind: 'range',
      protocol: one.protocol,
      first: one.port,
      last: one.port,
    }));
}
