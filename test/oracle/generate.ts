/** Random worlds: a cluster with policies of every kind, and what to ask about them. */
import fc from 'fast-check';
import { NUMBERS } from './alphabets.js';
import { namespaces, nodes, pods, services } from './generate-cluster.js';
import { clusterPolicies, networkPolicies } from './generate-policies.js';
import type { Question } from './naive.js';
import type { World } from './objects.js';

/** Every address that questions ask about: pods, nodes, Services, unbound ones and the outside. */
export const REMOTES = [
  ...[1, 2, 3, 4, 5, 6, 200].map((i) => `10.0.0.${i}`),
  ...[1, 2].map((i) => `192.168.0.${i}`),
  ...[1, 2].map((i) => `10.96.0.${i}`),
  '203.0.113.9',
  '203.0.112.255',
  ...['1', '2', '3', '4', '5', '6', 'cafe'].map((i) => `fd00::${i}`),
  'fd99::1',
  'fd96::1',
  '2001:db8::9',
];

export const worlds: fc.Arbitrary<World> = fc
  .record({ networkPolicies, clusterPolicies, namespaces, pods, nodes, services })
  .map(({ services: behind, ...rest }) => ({ ...rest, ...behind }));

/** Protocols and ports that questions ask about, around every boundary that policies have. */
export const ARRIVALS: readonly Pick<Question, 'protocol' | 'port'>[] = [
  ...NUMBERS.map((number) => ({ protocol: 'TCP' as const, port: number })),
  { protocol: 'TCP', port: 82 },
  { protocol: 'TCP', port: 0 },
  { protocol: 'UDP', port: 80 },
  { protocol: 'UDP', port: 65535 },
  { protocol: 'SCTP', port: 443 },
  { protocol: 'ICMP', port: 0 },
];
