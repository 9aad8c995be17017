/** Small models and clusters for the tests of the meaning: every field has a plain default. */
import { parseAddress, parsePrefix, type Address, type Prefix } from '../../src/address.js';
import type { ClusterNode, ClusterSnapshot, Pod, Service } from '../../src/ir/cluster.js';
import {
  ADMIN_TIER,
  BASELINE_TIER,
  NAMESPACE_NAME_LABEL,
  NETWORKPOLICY_TIER,
  type Exception,
  type LabelRequirement,
  type LabelSelector,
  type Peer,
  type PodSelector,
  type Policy,
  type PolicyModel,
  type Rule,
} from '../../src/ir/model.js';
import { SourceFile, span, type Span } from '../../src/source.js';

const file = new SourceFile('model.yaml', 'a model without a text\n');
export const origin: Span = span(file, 0, 1);

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`bad address ${text}`);
  return parsed;
}

export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`bad prefix ${text}`);
  return parsed;
}

/** `a=b` means In, a bare `a` Exists. */
export function labels(...texts: readonly string[]): LabelSelector {
  return {
    requirements: texts.map((text): LabelRequirement => {
      const [key = '', value] = text.split('=');
      return value === undefined
        ? { key, operator: 'Exists', values: [] }
        : { key, operator: 'In', values: [value] };
    }),
  };
}

export function podsIn(namespace: string, ...texts: readonly string[]): PodSelector {
  return {
    namespaces: labels(`${NAMESPACE_NAME_LABEL}=${namespace}`),
    pods: labels(...texts),
    origin,
  };
}

export function podPeer(selector: PodSelector): Peer {
  return { kind: 'pods', ...selector };
}

export function addressesPeer(include: readonly string[], exclude: readonly string[] = []): Peer {
  return { kind: 'addresses', include: include.map(prefix), exclude: exclude.map(prefix), origin };
}

export const anyPeer: Peer = { kind: 'any', origin };

export function rule(over: Partial<Rule> = {}): Rule {
  const direction = over.direction ?? 'ingress';
  return {
    direction,
    action: 'allow',
    peers: [anyPeer],
    ports: 'every',
    name: `${direction}[0]`,
    log: false,
    reject: false,
    origin,
    ...over,
  };
}

/** A NetworkPolicy in namespace `shop` that selects all its pods, unless told otherwise. */
export function policy(over: Partial<Policy> = {}): Policy {
  return {
    kind: 'NetworkPolicy',
    tier: NETWORKPOLICY_TIER.name,
    priority: 0,
    namespace: 'shop',
    name: 'policy',
    subjects: [podsIn('shop')],
    isolates: { ingress: false, egress: false },
    logsIsolation: false,
    rules: [],
    origin,
    ...over,
  };
}

/** A cluster-wide policy in the admin tier on all pods, unless told otherwise. */
export function clusterPolicy(over: Partial<Policy> = {}): Policy {
  return {
    kind: 'ClusterNetworkPolicy',
    tier: ADMIN_TIER.name,
    priority: 0,
    name: 'policy',
    subjects: [{ namespaces: labels(), pods: labels(), origin }],
    isolates: { ingress: false, egress: false },
    logsIsolation: false,
    rules: [],
    origin,
    ...over,
  };
}

export function model(
  policies: readonly Policy[],
  exceptions: readonly Exception[] = [],
): PolicyModel {
  return {
    tiers: [ADMIN_TIER, NETWORKPOLICY_TIER, BASELINE_TIER],
    policies,
    exceptions,
    assertions: [],
    tests: [],
  };
}

export function pod(path: string, addresses: readonly string[], over: Partial<Pod> = {}): Pod {
  const [namespace = '', name = ''] = path.split('/');
  return {
    namespace,
    name,
    labels: new Map([['app', name]]),
    addresses: addresses.map(address),
    hostNetwork: false,
    completed: false,
    ports: [],
    representative: false,
    ...over,
  };
}

export function node(
  name: string,
  addresses: readonly string[],
  ranges: readonly string[] = [],
): ClusterNode {
  return {
    name,
    labels: new Map([['kubernetes.io/hostname', name]]),
    addresses: addresses.map(address),
    podRanges: ranges.map(prefix),
  };
}

/** `targets` maps an endpoint's address to the target port of the Service's only port, TCP 80. */
export function service(
  path: string,
  addresses: readonly string[],
  targets: Readonly<Record<string, number>>,
): Service {
  const [namespace = '', name = ''] = path.split('/');
  return {
    namespace,
    name,
    addresses: addresses.map(address),
    ports: [{ name: 'web', protocol: 'TCP', port: 80 }],
    endpoints: Object.entries(targets).map(([text, port]) => ({
      address: address(text),
      targetPorts: new Map([[0, port]]),
    })),
  };
}

/** Namespaces that pods are in are there, as in every cluster that is read. */
export function cluster(over: Partial<ClusterSnapshot> = {}): ClusterSnapshot {
  const names = (over.pods ?? []).map(({ namespace }) => namespace);
  const namespaces = new Map(
    names.map((name) => [name, { name, labels: new Map([[NAMESPACE_NAME_LABEL, name]]) }]),
  );
  return { namespaces, pods: [], nodes: [], services: [], ...over };
}
