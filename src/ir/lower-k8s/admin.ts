/** Cluster-wide policies of policy.networking.k8s.io → the policy model (SEMANTICS rows 50 to 68). */
import { bug } from '../../diagnostics.js';
import type { K8sPolicyKind } from '../../parser/k8s/kinds.js';
import type { K8sObject } from '../../parser/k8s/objects.js';
import type {
  AdminPeer,
  AdminPort,
  AdminRule,
  AdminSpec,
  AdminSubject,
  DestinationPort,
  ProtocolMatch,
} from '../../parser/k8s/types.js';
import type { JsonPath } from '../../parser/yaml/value.js';
import type { Span } from '../../source.js';
import { noteOrigin } from '../clause-origins.js';
import { lowerPrefix, nameOf } from './networkpolicy.js';
import { EVERYTHING, lowerNamespacedPod, lowerSelector } from './selectors.js';
import {
  ADMIN_TIER,
  BASELINE_TIER,
  type Action,
  type Direction,
  type Peer,
  type PodSelector,
  type Policy,
  type PortMatch,
  type PortProtocol,
  type Rule,
} from '../model.js';

type AdminKind = Exclude<K8sPolicyKind, 'NetworkPolicy'>;

/** @param object that validation has nothing against */
export function lowerAdminPolicy(object: K8sObject, kind: AdminKind): Policy {
  // The schema has checked every field.
  const spec = object.value['spec'] as unknown as AdminSpec;
  const baseline = kind === 'BaselineAdminNetworkPolicy' || spec.tier === 'Baseline';
  const at = ['spec', 'subject'];
  const subject = lowerPods(spec.subject, object.spanOfNode(spec.subject, at), object, at);
  return {
    kind,
    tier: baseline ? BASELINE_TIER.name : ADMIN_TIER.name,
    priority: spec.priority ?? 0,
    name: nameOf(object),
    subjects: [subject ?? bug('a subject passed validation and selects nothing')],
    isolates: { ingress: false, egress: false },
    logsIsolation: false,
    rules: [
      ...lowerRules(object, 'ingress', spec.ingress),
      ...lowerRules(object, 'egress', spec.egress),
    ],
    origin: object.nameSpan(),
  };
}

function lowerRules(
  object: K8sObject,
  direction: Direction,
  rules: readonly AdminRule[] | null | undefined,
): readonly Rule[] {
  return (rules ?? []).map((rule, i): Rule => {
    const path = ['spec', direction, i];
    const field = direction === 'ingress' ? 'from' : 'to';
    const given = rule.name ?? '';
    return {
      direction,
      action: lowerAction(rule.action),
      peers: (rule[field] ?? []).map((peer, j) => lowerPeer(object, peer, [...path, field, j])),
      ports: lowerPorts(rule, object, path),
      name: given === '' ? `${direction}[${i}]` : given,
      log: false,
      reject: false,
      origin: object.spanOfNode(rule, path),
    };
  });
}

function lowerAction(action: AdminRule['action']): Action {
  switch (action) {
    case 'Allow':
    case 'Accept':
      return 'allow';
    case 'Deny':
      return 'deny';
    case 'Pass':
      return 'pass';
  }
}

function lowerPods(
  { namespaces, pods }: AdminSubject,
  origin: Span,
  object: K8sObject,
  path: JsonPath,
): PodSelector | undefined {
  if (pods != null) return lowerNamespacedPod(pods, origin, object, [...path, 'pods']);
  if (namespaces == null) return undefined;
  const selector = lowerSelector(namespaces, object, [...path, 'namespaces']);
  return { namespaces: selector, pods: EVERYTHING, origin };
}

function lowerPeer(object: K8sObject, peer: AdminPeer, path: JsonPath): Peer {
  const origin = object.spanOfNode(peer, path);
  const pods = lowerPods(peer, origin, object, path);
  if (pods !== undefined) return { kind: 'pods', ...pods };
  if (peer.networks != null) {
    const include = peer.networks.map((text, i) =>
      lowerPrefix(text, object, [...path, 'networks', i]),
    );
    return { kind: 'addresses', include, exclude: [], origin };
  }
  if (peer.nodes != null) {
    return {
      kind: 'nodes',
      selector: lowerSelector(peer.nodes, object, [...path, 'nodes']),
      origin,
    };
  }
  // Only allows get here with domain names, and a warning has said that they match nothing.
  return { kind: 'nothing', origin };
}

function lowerPorts(
  { ports, protocols }: AdminRule,
  object: K8sObject,
  path: JsonPath,
): Rule['ports'] {
  const noted = (match: PortMatch, field: string, i: number): PortMatch =>
    noteOrigin(match, () => object.spanOf([...path, field, i]));
  const matches = [
    ...(ports ?? []).map((port, i) => noted(lowerPort(port), 'ports', i)),
    ...(protocols ?? []).flatMap((one, i) =>
      lowerProtocol(one).map((match) => noted(match, 'protocols', i)),
    ),
  ];
  return matches.length === 0 ? 'every' : matches;
}

function lowerPort({ portNumber, portRange, namedPort }: AdminPort): PortMatch {
  if (portNumber != null) {
    const { protocol, port } = portNumber;
    return { kind: 'range', protocol: protocol ?? 'TCP', first: port, last: port };
  }
  if (portRange != null) {
    const { protocol, start, end } = portRange;
    return { kind: 'range', protocol: protocol ?? 'TCP', first: start, last: end };
  }
  if (namedPort != null) return { kind: 'named', name: namedPort };
  return bug('a port passed validation and has no field');
}

const PROTOCOLS = [
  ['tcp', 'TCP'],
  ['udp', 'UDP'],
  ['sctp', 'SCTP'],
] as const;

function lowerProtocol(match: ProtocolMatch): readonly PortMatch[] {
  if (match.destinationNamedPort != null) {
    return [{ kind: 'named', name: match.destinationNamedPort }];
  }
  return PROTOCOLS.flatMap(([field, protocol]) => {
    const given = match[field];
    return given == null ? [] : [lowerDestination(given, protocol)];
  });
}

function lowerDestination({ destinationPort }: DestinationPort, protocol: PortProtocol): PortMatch {
  const { number, range } = destinationPort ?? bug('a protocol passed validation without a port');
  if (range != null) return { kind: 'range', protocol, first: range.start, last: range.end };
  const port = number ?? bug('a destination port passed validation and has no field');
  return { kind: 'range', protocol, first: port, last: port };
}
