/** The VPC CNI judges what a pod sends to a Service by the Service's address, before it is translated. */
import { hostPrefix } from '../../../address.js';
import { selectorMatches, type ClusterSnapshot, type Service } from '../../cluster.js';
import { namespaceLabels } from '../../interpret/selectors.js';
import type { Peer, PolicyModel, PortMatch, Rule } from '../../model.js';
import type { World } from '../difference.js';
import { handleServices, isNetworkPolicy, mapRules, type PodPeer } from '../edit.js';

/**
 * Selectors of egress rules also select Services, by the selectors of those: a rule lets packets
 * through to their cluster address, at the ports that lead on to the rule's.
 */
export function judgeClusterAddresses({ model, cluster }: World): PolicyModel {
  const edited = mapRules(model, (rule, policy) =>
    rule.direction === 'egress' && isNetworkPolicy(policy)
      ? [rule, ...serviceRules(rule, cluster)]
      : [rule],
  );
  return handleServices(edited, { judgedAt: 'cluster-address' });
}

/** Services with the same ports are one rule. */
function serviceRules(rule: Rule, cluster: ClusterSnapshot): readonly Rule[] {
  const selectors = rule.peers.filter((peer) => peer.kind === 'pods');
  if (selectors.length === 0) return [];
  const groups = new Map<string, { readonly ports: Rule['ports']; readonly services: Service[] }>();
  for (const service of cluster.services) {
    if (service.addresses.length === 0) continue;
    if (!selectors.some((peer) => selectsService(peer, service, cluster))) continue;
    const ports = portsAtFront(rule.ports, service, cluster);
    if (ports.length === 0) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ports, services: [service] });
    else group.services.push(service);
  }
  return [...groups.values()].map(({ ports, services }): Rule => {
    // The first address is spec.clusterIP; the others are not looked at.
    const include = services.flatMap(({ addresses }) => addresses.slice(0, 1)).map(hostPrefix);
    const peer: Peer = { kind: 'addresses', include, exclude: [], origin: rule.origin };
    return { ...rule, name: `${rule.name} by aws-3`, peers: [peer], ports };
  });
}

function selectsService(peer: PodPeer, service: Service, cluster: ClusterSnapshot): boolean {
  return (
    selectorMatches(peer.namespaces, namespaceLabels(cluster, service.namespace)) &&
    selectorMatches(peer.pods, service.selector ?? new Map())
  );
}

/** The Service's ports for the rule's, which are those of the pods; a range starts at its first. */
function portsAtFront(
  ports: Rule['ports'],
  service: Service,
  cluster: ClusterSnapshot,
): 'every' | readonly PortMatch[] {
  if (ports === 'every') return 'every';
  return ports.flatMap((match): readonly PortMatch[] => {
    if (match.kind === 'range' && match.first === 0 && match.last === 65_535) return [match];
    const { protocol } = match;
    if (protocol === undefined) return [];
    const first = service.ports.find(
      (one, position) => one.protocol === protocol && leadsTo(service, position, match, cluster),
    )?.port;
    if (first === undefined) return [];
    const last = match.kind === 'range' && match.last > match.first ? match.last : first;
    return [{ kind: 'range', protocol, first, last: Math.max(first, last) }];
  });
}

function leadsTo(
  { endpoints }: Service,
  position: number,
  match: PortMatch,
  { pods }: ClusterSnapshot,
): boolean {
  return endpoints.some(({ address, targetPorts }) => {
    const target = targetPorts.get(position);
    if (target === undefined) return false;
    if (match.kind === 'range') return target === match.first;
    return pods.some(
      (pod) =>
        pod.addresses.some((one) => one.family === address.family && one.value === address.value) &&
        pod.ports.some(
          ({ name, protocol, port }) =>
            name === match.name && protocol === match.protocol && port === target,
        ),
    );
  });
}
