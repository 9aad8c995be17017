/** Random policies of every kind and version. */
import fc from 'fast-check';
import {
  CIDRS,
  KEYS,
  NAMES,
  NAMESPACES,
  NUMBERS,
  PROTOCOLS,
  VALUES,
  definedOnly,
  labels,
  maybeEmpty,
} from './alphabets.js';
import { inCidr } from './naive.js';
import type {
  AdminPort,
  ClusterDestination,
  ClusterPeer,
  ClusterPolicyObject,
  ClusterProtocol,
  ClusterRule,
  NetworkPolicyObject,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
  PodsOfNamespaces,
  Selector,
} from './objects.js';

const expression = fc.oneof(
  fc.record({
    key: fc.constantFrom(...KEYS),
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values: fc.uniqueArray(fc.constantFrom(...VALUES), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({
    key: fc.constantFrom(...KEYS),
    operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const),
  }),
);
const selectorOver = (own: fc.Arbitrary<Record<string, string>>): fc.Arbitrary<Selector> =>
  fc.oneof(
    fc.constant({}),
    fc
      .record({
        matchLabels: maybeEmpty(own),
        matchExpressions: maybeEmpty(fc.array(expression, { maxLength: 2 })),
      })
      .map(definedOnly),
  );
const podSelector = selectorOver(labels);
const namespaceName = fc
  .constantFrom(...NAMESPACES)
  .map((name): Record<string, string> => ({ 'kubernetes.io/metadata.name': name }));
const namespaceSelector = selectorOver(fc.oneof(labels, namespaceName));

const ipBlock = fc.constantFrom(...CIDRS).chain((cidr) => {
  const inner = CIDRS.filter((one) => one !== cidr && isInside(one, cidr));
  return fc
    .record({
      cidr: fc.constant(cidr),
      except: maybeEmpty(fc.subarray(inner).map((all) => all.slice(0, 2))),
    })
    .map(definedOnly);
});

function isInside(inner: string, outer: string): boolean {
  const [network = '', length = ''] = inner.split('/');
  return Number(length) > Number(outer.split('/')[1]) && inCidr(outer, network);
}

const peer: fc.Arbitrary<NetworkPolicyPeer> = fc.oneof(
  fc.record({ podSelector }),
  fc.record({ namespaceSelector }),
  fc.record({ podSelector, namespaceSelector }),
  fc.record({ podSelector: fc.constant(null), namespaceSelector }),
  fc.record({ ipBlock }),
);
const port: fc.Arbitrary<NetworkPolicyPort> = fc
  .oneof(
    fc.record({
      protocol: maybeEmpty(fc.constantFrom(...PROTOCOLS)),
      port: maybeEmpty(fc.constantFrom(...NUMBERS, ...NAMES)),
    }),
    fc.record({
      protocol: fc.constantFrom(...PROTOCOLS),
      port: fc.constantFrom(80, 81),
      endPort: fc.constantFrom(81, 443, 65535),
    }),
  )
  .map(definedOnly);
const ports = maybeEmpty(fc.array(port, { maxLength: 2 }));
const peers = maybeEmpty(fc.array(peer, { maxLength: 2 }));
const ingressRule: fc.Arbitrary<NetworkPolicyRule> = fc
  .record({ from: peers, ports })
  .map(definedOnly);
const egressRule: fc.Arbitrary<NetworkPolicyRule> = fc
  .record({ to: peers, ports })
  .map(definedOnly);

export const networkPolicies: fc.Arbitrary<readonly NetworkPolicyObject[]> = fc
  .array(
    fc.record({
      namespace: fc.option(fc.constantFrom(...NAMESPACES), { nil: undefined }),
      spec: fc
        .record({
          podSelector: fc.oneof({ weight: 5, arbitrary: podSelector }, fc.constant({})),
          policyTypes: maybeEmpty(
            fc.constantFrom(['Ingress'], ['Egress'], ['Ingress', 'Egress'], [] as string[]),
          ),
          ingress: maybeEmpty(fc.array(ingressRule, { maxLength: 2 })),
          egress: maybeEmpty(fc.array(egressRule, { maxLength: 2 })),
        })
        .map(definedOnly),
    }),
    { maxLength: 4 },
  )
  .map((drafts) =>
    drafts.map(({ namespace, spec }, i) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: definedOnly({ name: `np-${i}`, namespace }),
      spec,
    })),
  );

const podsOfNamespaces: fc.Arbitrary<PodsOfNamespaces> = fc.record({
  namespaceSelector,
  podSelector,
});
const selectorPeer: fc.Arbitrary<ClusterPeer> = fc.oneof(
  namespaceSelector.map((namespaces) => ({ namespaces })),
  podsOfNamespaces.map((pods) => ({ pods })),
);
const addressPeer: fc.Arbitrary<ClusterPeer> = fc.oneof(
  fc
    .uniqueArray(fc.constantFrom(...CIDRS), { minLength: 1, maxLength: 3 })
    .map((networks) => ({ networks })),
  selectorOver(fc.constantFrom({ zone: 'east' }, { zone: 'west' })).map((nodes) => ({ nodes })),
);
const range = fc.constantFrom(
  { start: 80, end: 81 },
  { start: 81, end: 443 },
  { start: 1, end: 65535 },
);

const adminNumber: fc.Arbitrary<AdminPort> = fc.oneof(
  fc
    .record({
      protocol: fc.option(fc.constantFrom(...PROTOCOLS), { nil: undefined }),
      port: fc.constantFrom(...NUMBERS),
    })
    .map((portNumber) => ({ portNumber: definedOnly(portNumber) })),
  fc
    .record({ protocol: fc.constantFrom(...PROTOCOLS), range })
    .map(({ protocol, range: { start, end } }) => ({ portRange: { protocol, start, end } })),
);
const destination: fc.Arbitrary<ClusterDestination> = fc.oneof(
  fc.constantFrom(...NUMBERS).map((number) => ({ destinationPort: { number } })),
  range.map((one) => ({ destinationPort: { range: one } })),
);
const clusterNumber: fc.Arbitrary<ClusterProtocol> = fc.oneof(
  destination.map((tcp) => ({ tcp })),
  destination.map((udp) => ({ udp })),
  destination.map((sctp) => ({ sctp })),
);

type Version = 'v1alpha1' | 'v1alpha2';

/** The ways in which the versions write ports; names only where the API takes them. */
function portsIn(version: Version, named: boolean): fc.Arbitrary<Partial<ClusterRule>> {
  if (version === 'v1alpha1') {
    const byName = fc.constantFrom(...NAMES).map((namedPort): AdminPort => ({ namedPort }));
    const one = named ? fc.oneof({ weight: 3, arbitrary: adminNumber }, byName) : adminNumber;
    const list = fc.array(one, { minLength: 1, maxLength: 2 });
    return fc.oneof(
      fc.constant({}),
      list.map((entries) => ({ ports: entries })),
    );
  }
  const byName = fc
    .constantFrom(...NAMES)
    .map((destinationNamedPort): ClusterProtocol => ({ destinationNamedPort }));
  const one = named ? fc.oneof({ weight: 3, arbitrary: clusterNumber }, byName) : clusterNumber;
  const list = fc.array(one, { minLength: 1, maxLength: 2 });
  return fc.oneof(
    fc.constant({}),
    list.map((protocols) => ({ protocols })),
  );
}

function clusterRule(
  version: Version,
  direction: 'from' | 'to',
  actions: readonly ClusterRule['action'][],
): fc.Arbitrary<ClusterRule> {
  const action = fc.constantFrom(...actions);
  const bySelector = fc
    .tuple(action, fc.array(selectorPeer, { minLength: 1, maxLength: 2 }), portsIn(version, true))
    .map(([chosen, list, rest]): ClusterRule => ({ action: chosen, [direction]: list, ...rest }));
  if (direction === 'from') return bySelector;
  const byAddress = fc
    .tuple(
      action,
      fc.array(fc.oneof(selectorPeer, addressPeer), { minLength: 1, maxLength: 2 }),
      portsIn(version, false),
    )
    .map(([chosen, list, rest]): ClusterRule => ({ action: chosen, to: list, ...rest }));
  return fc.oneof(bySelector, byAddress);
}

interface ClusterPolicyShape {
  readonly kind: ClusterPolicyObject['kind'];
  readonly version: Version;
  readonly actions: readonly ClusterRule['action'][];
  readonly ranked: boolean;
  readonly tier?: 'Admin' | 'Baseline';
}

const SHAPES: readonly ClusterPolicyShape[] = [
  {
    kind: 'AdminNetworkPolicy',
    version: 'v1alpha1',
    actions: ['Allow', 'Deny', 'Pass'],
    ranked: true,
  },
  {
    kind: 'BaselineAdminNetworkPolicy',
    version: 'v1alpha1',
    actions: ['Allow', 'Deny'],
    ranked: false,
  },
  {
    kind: 'ClusterNetworkPolicy',
    version: 'v1alpha2',
    actions: ['Accept', 'Deny', 'Pass'],
    ranked: true,
    tier: 'Admin',
  },
  {
    kind: 'ClusterNetworkPolicy',
    version: 'v1alpha2',
    actions: ['Accept', 'Deny', 'Pass'],
    ranked: true,
    tier: 'Baseline',
  },
];

const clusterPolicy = fc.constantFrom(...SHAPES).chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    priority: fc.nat(5),
    subject: fc.oneof(
      namespaceSelector.map((namespaces) => ({ namespaces })),
      podsOfNamespaces.map((pods) => ({ pods })),
    ),
    ingress: maybeEmpty(
      fc.array(clusterRule(shape.version, 'from', shape.actions), { maxLength: 3 }),
    ),
    egress: maybeEmpty(fc.array(clusterRule(shape.version, 'to', shape.actions), { maxLength: 3 })),
  }),
);

export const clusterPolicies: fc.Arbitrary<readonly ClusterPolicyObject[]> = fc
  .array(clusterPolicy, { maxLength: 4 })
  .map((drafts) => {
    const baseline = drafts.findIndex(({ shape }) => shape.kind === 'BaselineAdminNetworkPolicy');
    return drafts
      .filter(({ shape }, i) => shape.ranked || i === baseline)
      .map(({ shape, priority, subject, ingress, egress }, i): ClusterPolicyObject => ({
        apiVersion: `policy.networking.k8s.io/${shape.version}`,
        kind: shape.kind,
        metadata: { name: shape.ranked ? `cp-${i}` : 'default' },
        spec: definedOnly({
          ...(shape.tier === undefined ? {} : { tier: shape.tier }),
          // Distinct, since equal ones are refused where they matter.
          ...(shape.ranked ? { priority: priority * 10 + i } : {}),
          subject,
          ingress,
          egress,
        }),
      }));
  });
