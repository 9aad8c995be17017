/** Policies at the limits of the code layout: the longest programs that are emitted. */
import { dump } from 'js-yaml';

export const RULES = 24;
export const POLICIES = 31;

const ranges = (first: number, count: number): readonly object[] =>
  Array.from({ length: count }, (_, i) => ({
    [i % 2 === 0 ? 'tcp' : 'udp']: {
      destinationPort: { range: { start: first + 20 * i, end: first + 20 * i + 9 } },
    },
  }));

/** 8 admin policies, 8 of the baseline and 15 NetworkPolicies: 24 rules, 64 ranges, 31 predicates. */
export function policiesAtTheLimits(): string {
  const pods = (app: string): object => ({ matchLabels: { app } });
  const sides = { ingress: 'from', egress: 'to' } as const;
  const cluster = Array.from({ length: 16 }, (_, i) => {
    const action = (['Pass', 'Deny', 'Accept'] as const)[i % 3];
    const rule = (side: 'ingress' | 'egress'): object => ({
      name: `rule-${i}`,
      action,
      [sides[side]]: [
        { pods: { namespaceSelector: {}, podSelector: pods(`peer-${i}`) } },
        { pods: { namespaceSelector: {}, podSelector: pods(i === 0 ? 'y' : `other-${i}`) } },
      ].slice(0, i < 7 ? 2 : 1),
      protocols: ranges(1_000 * (i + 1), i < 8 ? 3 : 2),
    });
    return {
      apiVersion: 'policy.networking.k8s.io/v1alpha2',
      kind: 'ClusterNetworkPolicy',
      metadata: { name: `cluster-${i}` },
      spec: {
        tier: i < 8 ? 'Admin' : 'Baseline',
        priority: i,
        subject: { pods: { namespaceSelector: {}, podSelector: pods('x') } },
        ingress: [rule('ingress')],
        egress: [rule('egress')],
      },
    };
  });
  const own = Array.from({ length: POLICIES - cluster.length }, (_, i) => {
    const rule = (side: 'from' | 'to'): readonly object[] =>
      i < RULES - cluster.length
        ? [
            {
              [side]: [{ ipBlock: { cidr: `172.16.${i}.0/24` } }],
              ports: [0, 1, 2].map((n) => {
                const port = 30_000 + 100 * i + 20 * n;
                return { protocol: 'SCTP', port, endPort: port + 9 };
              }),
            },
          ]
        : [];
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `own-${i}`, namespace: 't' },
      spec: {
        podSelector: i % 2 === 0 ? pods('x') : {},
        policyTypes: ['Ingress', 'Egress'],
        ingress: rule('from'),
        egress: rule('to'),
      },
    };
  });
  return [...cluster, ...own].map((one) => dump(one)).join('---\n');
}
