/** Whether a packet fulfils a single clause of a rule, from the Kubernetes objects, sharing no code. */
import { formatAddress, formatPrefix } from '../../src/address.js';
import type { Clause } from '../../src/ir/interpret/clauses.js';
import type { RuleTrace, SideTrace } from '../../src/ir/interpret/trace.js';
import type { Peer, PortMatch } from '../../src/ir/model.js';
import { addressesOf, inCidr, isSubject, namespaceOf } from '../oracle/naive.js';
import { namedPortOf } from '../oracle/naive-ports.js';
import type { PodObject, World } from '../oracle/objects.js';

export function clauseHolds(
  world: World,
  clause: Clause,
  peer: Peer | undefined,
  { rule }: RuleTrace,
  { packet }: SideTrace,
): boolean {
  const remote = formatAddress(packet.remote);
  const pod = world.pods.find((one) => isSubject(one) && addressesOf(one).includes(remote));
  switch (clause.kind) {
    case 'a-pod':
      return pod !== undefined;
    case 'a-node':
      return nodesAt(world, remote).length > 0;
    case 'pod-label':
      return pod !== undefined && fulfils(clause.requirement, pod.metadata.labels ?? {});
    case 'namespace-label': {
      if (pod === undefined) return false;
      const name = namespaceOf(pod);
      const labels = world.namespaces.find(({ metadata }) => metadata.name === name)?.metadata
        .labels;
      return fulfils(clause.requirement, { ...labels, 'kubernetes.io/metadata.name': name });
    }
    case 'node-label': {
      const labels = world.nodes.find(({ metadata }) => metadata.name === clause.node.name);
      return (
        nodesAt(world, remote).includes(clause.node.name) &&
        fulfils(clause.requirement, labels?.metadata.labels ?? {})
      );
    }
    case 'inside':
      return (
        peer?.kind === 'addresses' && peer.include.some((one) => inCidr(formatPrefix(one), remote))
      );
    case 'except':
      return (
        peer?.kind === 'addresses' && !peer.exclude.some((one) => inCidr(formatPrefix(one), remote))
      );
    case 'held':
      return !isUnused(world, remote);
    case 'ports': {
      if (rule.ports === 'every') return true;
      const destination =
        packet.direction === 'ingress'
          ? world.pods.find(
              (one) =>
                one.metadata.name === packet.subject.name &&
                namespaceOf(one) === packet.subject.namespace,
            )
          : pod;
      const atBlock = peer?.kind === 'addresses' && packet.direction === 'egress';
      return rule.ports.some((match) =>
        portFits(match, packet.protocol, packet.port, atBlock ? undefined : destination),
      );
    }
    default:
      throw new Error(`Kubernetes has no clause ${clause.kind}`);
  }
}

function portFits(
  match: PortMatch,
  protocol: string,
  port: number,
  destination: PodObject | undefined,
): boolean {
  if (match.kind === 'range') {
    return match.protocol === protocol && port >= match.first && port <= match.last;
  }
  const { name, protocol: of } = match;
  const test = { name, first: 0, last: 0, ...(of === undefined ? {} : { protocol: of }) };
  return destination !== undefined && namedPortOf(destination, test, protocol).includes(port);
}

function fulfils(
  { key, operator, values }: { key: string; operator: string; values: readonly string[] },
  labels: Readonly<Record<string, string>>,
): boolean {
  const has = Object.hasOwn(labels, key);
  const listed = has && values.some((one) => one === labels[key]);
  return { In: listed, NotIn: !listed, Exists: has, DoesNotExist: !has }[operator] === true;
}

function nodesAt(world: World, address: string): readonly string[] {
  const guests = world.pods.filter(
    (pod) => pod.spec.hostNetwork === true && addressesOf(pod).includes(address),
  );
  const own = world.nodes.filter(({ status }) =>
    status.addresses.some((one) => one.address === address),
  );
  return [
    ...own.map(({ metadata }) => metadata.name),
    ...guests.flatMap(({ spec }) => spec.nodeName ?? []),
  ];
}

function isUnused(world: World, address: string): boolean {
  const held =
    world.pods.some((pod) => addressesOf(pod).includes(address)) ||
    world.nodes.some(({ status }) => status.addresses.some((one) => one.address === address)) ||
    world.services.some(({ spec }) => spec.clusterIPs.includes(address));
  const ranges = world.nodes.flatMap(({ spec }) => spec.podCIDRs ?? []);
  return !held && ranges.some((cidr) => inCidr(cidr, address));
}
