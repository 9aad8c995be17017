/** Policies for the tests of validation: each kind of peer and port, in few rules. */
import { SourceFile } from '../../src/source.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { link } from '../../src/codegen/assembly/link.js';
import type { Listing } from '../../src/codegen/assembly/listing.js';
import { normalize } from '../../src/ir/normalize.js';
import { planLookups, type LookupPlan } from '../../src/ir/plan.js';
import type { Compiled } from '../../src/validate/validate.js';
import { readPolicies } from '../oracle/world-model.js';

/** CIDR blocks of both families, with exceptions, pods of two namespaces, and port ranges. */
const MIXED = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [{ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.128/25]}}]
      ports: [{port: 80}, {port: 8000, endPort: 8010}]
    - from: [{ipBlock: {cidr: 2001:db8:1::/48, except: [2001:db8:1:2::/64]}}]
      ports: [{port: 443, protocol: UDP}]
    - from: [{namespaceSelector: {matchLabels: {team: a}}, podSelector: {matchExpressions: [{key: role, operator: NotIn, values: [guest]}]}}]
      ports: [{protocol: SCTP}]
  egress:
    - to: [{podSelector: {matchLabels: {app: db}}}]
      ports: [{port: 5432}]
    - to: [{ipBlock: {cidr: 203.0.113.7/32}}, {ipBlock: {cidr: 2001:db8:9::1/128}}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: web}}}]
      ports: [{port: 5432}]
`;

/** Tiers, with deny and pass, nodes, and every port. */
const TIERS = `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: guard}
spec:
  priority: 5
  subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: shop}}}
  ingress:
    - action: Pass
      from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}}]
      ports: [{portNumber: {port: 80, protocol: TCP}}]
    - action: Deny
      from: [{namespaces: {matchLabels: {team: a}}}]
      ports: [{portRange: {start: 1, end: 1023, protocol: TCP}}]
  egress:
    - action: Allow
      to: [{networks: [10.0.0.0/8]}]
      ports: [{portNumber: {port: 53, protocol: UDP}}]
    - action: Deny
      to: [{networks: [10.0.0.0/8]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: named, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
    - from: [{namespaceSelector: {}}]
      ports: [{port: http}]
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: {name: default}
spec:
  subject: {namespaces: {}}
  egress:
    - action: Deny
      to: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: shop}}}]
      ports: [{portNumber: {port: 25, protocol: TCP}}]
`;

/** As MIXED was, before a port, a block and a label were changed. */
const STALE = MIXED.replace('{port: 80}', '{port: 81}')
  .replace('198.51.100.0/24', '198.51.0.0/16')
  .replace('app: db', 'app: store');

export const POLICIES = { mixed: MIXED, tiers: TIERS, stale: STALE } as const;
export type PolicyName = keyof typeof POLICIES;

/** As compiled, or with tables for both directions. */
export type PlanKind = 'as planned' | 'tables';

/** @param change what to do to the listing before it is linked */
export function compiled(
  policies: PolicyName,
  kind: PlanKind,
  change: (listing: Listing) => Listing = (listing) => listing,
): Compiled {
  const model = normalize(readPolicies(new SourceFile('policies.yaml', POLICIES[policies])));
  const planned = planLookups(model);
  const byTables = { kind: 'tables', why: 'the test says so' } as const;
  const plan: LookupPlan =
    kind === 'tables' ? { ...planned, verdict: { ingress: byTables, egress: byTables } } : planned;
  return { model, plan, object: writeElf(link(change(emitDatapath(plan)))) };
}
