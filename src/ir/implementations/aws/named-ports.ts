/** How the VPC CNI's controller turns named ports of NetworkPolicies into numbers. */
import { hostPrefix } from '../../../address.js';
import type { ClusterSnapshot, Pod } from '../../cluster.js';
import type { Peer, Policy, PortMatch, Rule } from '../../model.js';
import {
  distinctAddresses,
  distinctRanges,
  isNamed,
  isNetworkPolicy,
  namedPorts,
  numericPorts,
  selectionIn,
  type PodPeer,
  type PortRange,
} from '../edit.js';

export function hasNamedPorts(rule: Rule, policy: Policy): boolean {
  return isNetworkPolicy(policy) && namedPorts(rule).length > 0;
}

/** Blocks and absent peers keep the numbers alone; selectors are resolved over pods. */
export function resolveNames(
  rule: Rule,
  policy: Policy,
  cluster: ClusterSnapshot,
): readonly Rule[] {
  const numbers = numericPorts(rule);
  const selectors = rule.peers.filter((peer) => peer.kind === 'pods');
  const others = rule.peers.filter(({ kind }) => kind !== 'pods');
  const plain =
    others.length === 0 || numbers.length === 0 ? [] : [{ ...rule, peers: others, ports: numbers }];
  if (selectors.length === 0) return plain;
  if (rule.direction === 'egress') return [...plain, { ...rule, peers: selectors }];
  const resolved = resolveAtSubjects(rule, policy, cluster);
  const sources =
    numbers.length > 0 ? selectors : selectors.flatMap((peer) => withPort(peer, rule, cluster));
  if (sources.length === 0) return plain;
  // An empty list of ports means every port.
  const ports = resolved.length === 0 ? 'every' : resolved;
  return [...plain, { ...rule, name: `${rule.name} by aws-4`, peers: sources, ports }];
}

/** The numbers of all pods that the policy selects, together. */
function resolveAtSubjects(
  { ports }: Rule,
  policy: Policy,
  cluster: ClusterSnapshot,
): readonly PortRange[] {
  if (ports === 'every') return [];
  const selection = selectionIn(cluster);
  const subjects = cluster.pods.filter(
    (pod) => isListed(pod) && policy.subjects.some((one) => selection.selects(one, pod)),
  );
  return distinctRanges(
    subjects.flatMap((pod) =>
      ports.flatMap((match): readonly PortRange[] => {
        if (!isNamed(match)) return [match];
        const port = numberAt(pod, match);
        if (port === undefined || match.protocol === undefined) return [];
        return [{ kind: 'range', protocol: match.protocol, first: port, last: port }];
      }),
    ),
  );
}

/** Of the source pods, those that have a port of such a name themselves. */
function withPort(peer: PodPeer, rule: Rule, cluster: ClusterSnapshot): readonly Peer[] {
  const selection = selectionIn(cluster);
  const named = namedPorts(rule);
  const pods = cluster.pods.filter(
    (pod) =>
      isListed(pod) &&
      selection.selects(peer, pod) &&
      named.some((match) => numberAt(pod, match) !== undefined),
  );
  if (pods.length === 0) return [];
  const include = distinctAddresses(pods.flatMap(({ addresses }) => addresses)).map(hostPrefix);
  return [{ kind: 'addresses', include, exclude: [], origin: peer.origin }];
}

function isListed({ completed, addresses }: Pod): boolean {
  return !completed && addresses.length > 0;
}

function numberAt({ ports }: Pod, match: PortMatch): number | undefined {
  if (match.kind !== 'named') return undefined;
  return ports.find(({ name, protocol }) => name === match.name && protocol === match.protocol)
    ?.port;
}
