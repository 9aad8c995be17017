/** NetworkPolicy of networking.k8s.io/v1 → the policy model (SEMANTICS rows 10 to 37). */
import { parsePrefix, type Prefix } from '../../address.js';
import { bug } from '../../diagnostics.js';
import type { K8sObject } from '../../parser/k8s/objects.js';
import type {
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
  NetworkPolicySpec,
} from '../../parser/k8s/types.js';
import type { JsonPath } from '../../parser/yaml/value.js';
import type { Span } from '../../source.js';
import { noteOrigin } from '../clause-origins.js';
import { EVERYTHING, lowerSelector, namespaceNamed } from './selectors.js';
import {
  NETWORKPOLICY_TIER,
  type Direction,
  type LabelSelector,
  type Peer,
  type Policy,
  type PortMatch,
  type Rule,
} from '../model.js';

/** @param object that validation has nothing against */
export function lowerNetworkPolicy(object: K8sObject): Policy {
  // The schema has checked every field.
  const spec = object.value['spec'] as unknown as NetworkPolicySpec;
  const namespace = namespaceOf(object);
  const isolates = isolation(spec);
  const own = namespaceNamed(namespace);
  const subjectOrigin =
    spec.podSelector == null
      ? object.nameSpan()
      : object.spanOfNode(spec.podSelector, ['spec', 'podSelector']);
  return {
    kind: 'NetworkPolicy',
    tier: NETWORKPOLICY_TIER.name,
    priority: 0,
    namespace,
    name: nameOf(object),
    subjects: [
      {
        namespaces: own,
        pods: lowerSelector(spec.podSelector, object, ['spec', 'podSelector']),
        origin: subjectOrigin,
      },
    ],
    isolates,
    logsIsolation: false,
    rules: [
      ...(isolates.ingress ? lowerRules(object, 'ingress', spec.ingress, own) : []),
      ...(isolates.egress ? lowerRules(object, 'egress', spec.egress, own) : []),
    ],
    origin: object.nameSpan(),
  };
}

/** Validation requires a name. */
export function nameOf(object: K8sObject): string {
  return object.name ?? bug(`a ${object.kind} without a name was lowered`);
}

/** An object without a namespace goes into the default one. */
export function namespaceOf(object: K8sObject): string {
  const { namespace } = object;
  return namespace === undefined || namespace === '' ? 'default' : namespace;
}

/** Without policyTypes: ingress always, egress if there is a rule for it. */
function isolation(spec: NetworkPolicySpec): Readonly<Record<Direction, boolean>> {
  const types = spec.policyTypes ?? [];
  if (types.length === 0) return { ingress: true, egress: (spec.egress ?? []).length > 0 };
  return { ingress: types.includes('Ingress'), egress: types.includes('Egress') };
}

function lowerRules(
  object: K8sObject,
  direction: Direction,
  rules: readonly NetworkPolicyRule[] | null | undefined,
  own: LabelSelector,
): readonly Rule[] {
  return (rules ?? []).map((rule, i): Rule => {
    const path = ['spec', direction, i];
    const origin = object.spanOfNode(rule, path);
    const field = direction === 'ingress' ? 'from' : 'to';
    const peers = rule[field] ?? [];
    const ports = rule.ports ?? [];
    return {
      direction,
      action: 'allow',
      peers:
        peers.length === 0
          ? [{ kind: 'any', origin }]
          : peers.map((peer, j) => lowerPeer(object, peer, [...path, field, j], own)),
      ports:
        ports.length === 0
          ? 'every'
          : ports.map((port, j) =>
              noteOrigin(lowerPort(port), () => portSpan(object, [...path, 'ports', j])),
            ),
      name: `${direction}[${i}]`,
      log: false,
      reject: false,
      origin,
    };
  });
}

function lowerPeer(
  object: K8sObject,
  peer: NetworkPolicyPeer,
  path: JsonPath,
  own: LabelSelector,
): Peer {
  const origin = object.spanOfNode(peer, path);
  const { ipBlock, namespaceSelector, podSelector } = peer;
  if (ipBlock != null) {
    const at = [...path, 'ipBlock'];
    const exclude = (ipBlock.except ?? []).map((text, i) =>
      lowerPrefix(text, object, [...at, 'except', i]),
    );
    const include = [lowerPrefix(ipBlock.cidr, object, [...at, 'cidr'])];
    return { kind: 'addresses', include, exclude, origin };
  }
  return {
    kind: 'pods',
    namespaces:
      namespaceSelector == null
        ? own
        : lowerSelector(namespaceSelector, object, [...path, 'namespaceSelector']),
    pods:
      podSelector == null
        ? EVERYTHING
        : lowerSelector(podSelector, object, [...path, 'podSelector']),
    origin,
  };
}

export function lowerPrefix(text: string, object: K8sObject, path: JsonPath): Prefix {
  const prefix = parsePrefix(text) ?? bug(`\`${text}\` passed validation and is no CIDR block`);
  return noteOrigin(prefix, () => object.spanOf(path));
}

/** The whole entry where it stands on one line, else its `port`. */
function portSpan(object: K8sObject, path: JsonPath): Span {
  const entry = object.spanOf(path);
  if (object.file.text[entry.start] === '{') return entry;
  const port = object.entrySpanOf([...path, 'port']);
  return port.start < entry.start ? entry : port;
}

function lowerPort({ protocol, port, endPort }: NetworkPolicyPort): PortMatch {
  const of = protocol ?? 'TCP';
  if (typeof port === 'string') return { kind: 'named', name: port, protocol: of };
  if (port == null) return { kind: 'range', protocol: of, first: 0, last: 65_535 };
  return { kind: 'range', protocol: of, first: port, last: endPort ?? port };
}
