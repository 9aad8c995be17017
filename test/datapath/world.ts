/** The cluster of the packet path's tests, and policies for it in few words. */
import { dump } from 'js-yaml';
import { SourceFile } from '../../src/source.js';

/** Addresses: pods x, y on the own node, z on the other, `four` and `six` with one family alone. */
export const X = '10.1.0.10';
export const Y = '10.1.0.20';
export const Z = '10.1.1.30';
export const X6 = 'fd00:1::10';
export const Y6 = 'fd00:1::20';
export const Z6 = 'fd00:1:1::30';
export const FOUR = '10.1.0.40';
export const SIX = 'fd00:1::60';
export const OWN_NODE = '10.0.0.1';
export const OWN_NODE6 = 'fd00:10::1';
export const OTHER_NODE = '10.0.0.2';
export const OTHER_NODE6 = 'fd00:10::2';
export const OUTSIDE = '192.0.2.7';
export const OUTSIDE6 = '2001:db8::7';
/** In the pod ranges, but no pod's. */
export const UNBOUND = '10.1.0.99';
export const UNBOUND6 = 'fd00:1::99';

interface PodText {
  readonly name: string;
  readonly ips: readonly string[];
  readonly node: string;
}

const PODS: readonly PodText[] = [
  { name: 'x', ips: [X, X6], node: 'node-a' },
  { name: 'y', ips: [Y, Y6], node: 'node-a' },
  { name: 'z', ips: [Z, Z6], node: 'node-b' },
  { name: 'four', ips: [FOUR], node: 'node-a' },
  { name: 'six', ips: [SIX], node: 'node-a' },
];

const NODES = [
  ['node-a', [OWN_NODE, OWN_NODE6], ['10.1.0.0/24', 'fd00:1::/64']],
  ['node-b', [OTHER_NODE, OTHER_NODE6], ['10.1.1.0/24', 'fd00:1:1::/64']],
] as const;

/** The cluster; `rename` gives a pod's place and addresses to another one, `routers` say that they route. */
export function clusterText(
  rename: Readonly<Record<string, string>> = {},
  routers: readonly string[] = [],
): string {
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 't' } },
    ...NODES.map(([name, addresses, podCIDRs]) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
      spec: { podCIDR: podCIDRs[0], podCIDRs },
      status: { addresses: addresses.map((one) => ({ type: 'InternalIP', address: one })) },
    })),
    ...PODS.map(({ name, ips, node }) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: rename[name] ?? name,
        namespace: 't',
        labels: { app: name },
        ...(routers.includes(name) ? { annotations: { 'policyc.dev/routes': 'true' } } : {}),
      },
      spec: { nodeName: node, containers: [{ name: 'c', image: 'i' }] },
      status: { phase: 'Running', podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) },
    })),
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

export function clusterFile(text: string): SourceFile {
  return new SourceFile('cluster.json', text);
}

export function policyFile(text: string): SourceFile {
  return new SourceFile('policies.yaml', text);
}

export interface RuleText {
  /** Names of pods of the namespace `t`, or CIDRs; every peer if there are none. */
  readonly peers?: readonly string[];
  /** `443/TCP` or `1-100/UDP`; every port and protocol if there are none. */
  readonly ports?: readonly string[];
}

export interface PolicyText {
  /** The pod that the policy is for. */
  readonly pod: string;
  /** Isolated if given, even if by no rule. */
  readonly ingress?: readonly RuleText[];
  readonly egress?: readonly RuleText[];
}

/** NetworkPolicies, one for each pod, named after it. */
export function policies(...texts: readonly PolicyText[]): string {
  return texts
    .map(({ pod, ingress, egress }) =>
      dump({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: pod, namespace: 't' },
        spec: {
          podSelector: { matchLabels: { app: pod } },
          policyTypes: [
            ...(ingress === undefined ? [] : ['Ingress']),
            ...(egress === undefined ? [] : ['Egress']),
          ],
          ...(ingress === undefined ? {} : { ingress: ingress.map((one) => rule('from', one)) }),
          ...(egress === undefined ? {} : { egress: egress.map((one) => rule('to', one)) }),
        },
      }),
    )
    .join('---\n');
}

function rule(side: 'from' | 'to', { peers, ports }: RuleText): object {
  return {
    ...(peers === undefined ? {} : { [side]: peers.map(peer) }),
    ...(ports === undefined ? {} : { ports: ports.map(port) }),
  };
}

function peer(text: string): object {
  return text.includes('/')
    ? { ipBlock: { cidr: text } }
    : { podSelector: { matchLabels: { app: text } } };
}

function port(text: string): object {
  const [range = '', protocol = ''] = text.split('/');
  const [first = '', last] = range.split('-');
  return {
    protocol,
    ...(first === '' ? {} : { port: Number(first) }),
    ...(last === undefined ? {} : { endPort: Number(last) }),
  };
}
