/** Cluster-wide policies that are refused or doubtful. */
import { clusterPolicy, networkPolicy } from './reading.js';
import type { Refusal } from './refusal.js';

const admin = (egress: string, kind: 'anp' | 'cnp' = 'cnp'): string =>
  clusterPolicy(
    kind,
    `${kind === 'cnp' ? 'tier: Admin\n' : ''}priority: 1\nsubject: {namespaces: {}}\negress:\n${egress}`,
  );

const many = (count: number, item: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => item(i)).join('\n');

export const ADMIN_REFUSALS: readonly Refusal[] = [
  {
    name: 'no subject',
    text: clusterPolicy('anp', 'priority: 1'),
    code: 'k8s/missing-field',
    underlines: 'spec',
  },
  {
    name: 'an empty subject',
    text: clusterPolicy('anp', 'priority: 1\nsubject: {}'),
    code: 'k8s/not-exactly-one',
    underlines: 'subject',
    hint: /`namespaces` or `pods`/,
  },
  {
    name: 'a subject of both kinds',
    text: clusterPolicy(
      'cnp',
      'tier: Admin\npriority: 1\nsubject: {namespaces: {}, pods: {podSelector: {}}}',
    ),
    code: 'k8s/not-exactly-one',
    underlines: 'subject',
  },
  {
    name: 'no tier',
    text: clusterPolicy('cnp', 'priority: 1\nsubject: {namespaces: {}}'),
    code: 'k8s/missing-field',
    underlines: 'spec',
  },
  {
    name: 'a tier in lower case',
    text: clusterPolicy('cnp', 'tier: admin\npriority: 1\nsubject: {namespaces: {}}'),
    code: 'k8s/unknown-value',
    underlines: 'admin',
    hint: /`Admin`/,
  },
  {
    name: 'priority 1001',
    text: clusterPolicy('anp', 'priority: 1001\nsubject: {namespaces: {}}'),
    code: 'k8s/out-of-range',
    underlines: '1001',
  },
  {
    name: 'priority -1',
    text: clusterPolicy('cnp', 'tier: Admin\npriority: -1\nsubject: {namespaces: {}}'),
    code: 'k8s/out-of-range',
    underlines: '-1',
  },
  {
    name: 'no priority',
    text: clusterPolicy('anp', 'subject: {namespaces: {}}'),
    code: 'k8s/missing-field',
    underlines: 'spec',
  },
  {
    name: 'a Baseline with a priority',
    text: clusterPolicy('banp', 'priority: 1\nsubject: {namespaces: {}}'),
    code: 'k8s/unknown-field',
    underlines: 'priority',
  },
  {
    name: 'a rule without an action',
    text: admin('- to: [{namespaces: {}}]'),
    code: 'k8s/missing-field',
    underlines: 'to: [{namespaces: {}}]',
  },
  {
    name: 'v1alpha1’s action in v1alpha2',
    text: admin('- {action: Allow, to: [{namespaces: {}}]}'),
    code: 'k8s/unknown-value',
    underlines: 'Allow',
    hint: /Accept/,
  },
  {
    name: 'Pass in a Baseline of v1alpha1',
    text: clusterPolicy(
      'banp',
      'subject: {namespaces: {}}\ningress: [{action: Pass, from: [{namespaces: {}}]}]',
    ),
    code: 'k8s/unknown-value',
    underlines: 'Pass',
  },
  {
    name: 'a rule without peers',
    text: admin('- {action: Deny}'),
    code: 'k8s/missing-field',
    underlines: '{action: Deny}',
  },
  {
    name: 'a rule with an empty list of peers',
    text: admin('- {action: Deny, to: []}'),
    code: 'k8s/too-few',
    underlines: 'to',
  },
  {
    name: 'a peer without a field',
    text: admin('- {action: Deny, to: [{}]}'),
    code: 'k8s/not-exactly-one',
    underlines: '{}',
  },
  {
    name: 'a peer with two fields',
    text: admin('- {action: Deny, to: [{namespaces: {}, networks: [10.0.0.0/8]}]}'),
    code: 'k8s/not-exactly-one',
    underlines: '{namespaces: {}, networks: [10.0.0.0/8]}',
  },
  {
    name: 'a peer with a field of a newer CRD',
    text: admin('- {action: Deny, to: [{externalNetworks: {}}]}'),
    code: 'k8s/unknown-field',
    underlines: 'externalNetworks',
    hint: /newer API version/,
  },
  {
    name: 'sameLabels',
    text: admin('- {action: Deny, to: [{namespaces: {sameLabels: [a]}}]}', 'anp'),
    code: 'k8s/unknown-field',
    underlines: 'sameLabels',
    hint: /removed in v0\.1\.7/,
  },
  {
    name: 'networks in ingress',
    text: clusterPolicy(
      'cnp',
      'tier: Admin\npriority: 1\nsubject: {namespaces: {}}\ningress: [{action: Deny, from: [{networks: [10.0.0.0/8]}]}]',
    ),
    code: 'k8s/unknown-field',
    underlines: 'networks',
  },
  {
    name: 'pods without a podSelector',
    text: admin('- {action: Deny, to: [{pods: {namespaceSelector: {}}}]}'),
    code: 'k8s/missing-field',
    underlines: 'pods',
  },
  {
    name: 'v1alpha1 pods without a podSelector, as conformance manifests have them',
    text: admin(
      many(2, () => '- {action: Deny, to: [{pods: {namespaceSelector: {}}}]}'),
      'anp',
    ),
    code: 'k8s/presumed-selector',
    underlines: 'pods',
    severity: 'warning',
    hint: /`podSelector: \{\}`/,
  },
  {
    name: 'v1alpha1 pods without a namespaceSelector',
    text: admin('- {action: Deny, to: [{pods: {podSelector: {}}}]}', 'anp'),
    code: 'k8s/missing-field',
    underlines: 'pods',
  },
  {
    name: 'the same network twice',
    text: admin('- {action: Deny, to: [{networks: [10.0.0.0/8, 10.0.0.0/8]}]}'),
    code: 'k8s/repeated-item',
    underlines: '10.0.0.0/8',
  },
  {
    name: 'IPv4 inside IPv6',
    text: admin('- {action: Deny, to: [{networks: ["::ffff:10.0.0.0/104"]}]}'),
    code: 'k8s/bad-cidr',
    underlines: '"::ffff:10.0.0.0/104"',
  },
  {
    name: 'a bad network',
    text: admin('- {action: Deny, to: [{networks: [ten]}]}', 'anp'),
    code: 'k8s/bad-cidr',
    underlines: 'ten',
  },
  {
    name: 'a network of 44 characters',
    text: admin(`- {action: Deny, to: [{networks: ["${'1'.repeat(44)}"]}]}`),
    code: 'k8s/too-long',
    underlines: `"${'1'.repeat(44)}"`,
  },
  {
    name: '26 rules',
    text: admin(many(26, () => '- {action: Deny, to: [{namespaces: {}}]}')),
    code: 'k8s/too-many',
    underlines: 'egress',
  },
  {
    name: '101 rules of v1alpha1',
    text: admin(
      many(101, () => '- {action: Deny, to: [{namespaces: {}}]}'),
      'anp',
    ),
    code: 'k8s/too-many',
    underlines: 'egress',
  },
  {
    name: 'a rule name of 101 characters',
    text: admin(`- {name: ${'n'.repeat(101)}, action: Deny, to: [{namespaces: {}}]}`),
    code: 'k8s/too-long',
    underlines: 'n'.repeat(101),
  },
  {
    name: 'tcp without a port',
    text: admin('- {action: Deny, to: [{namespaces: {}}], protocols: [{tcp: {}}]}'),
    code: 'k8s/not-exactly-one',
    underlines: 'tcp',
    hint: /65535/,
  },
  {
    name: 'an empty list of protocols',
    text: admin('- {action: Deny, to: [{namespaces: {}}], protocols: []}'),
    code: 'k8s/too-few',
    underlines: 'protocols',
  },
  {
    name: 'a protocol of two kinds',
    text: admin(
      '- {action: Deny, to: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 1}}, destinationNamedPort: a}]}',
    ),
    code: 'k8s/not-exactly-one',
    underlines: '{tcp: {destinationPort: {number: 1}}, destinationNamedPort: a}',
  },
  {
    name: 'v1alpha1’s ports in v1alpha2',
    text: admin('- {action: Deny, to: [{namespaces: {}}], ports: [{portNumber: {port: 80}}]}'),
    code: 'k8s/unknown-field',
    underlines: 'ports',
  },
  {
    name: 'a range of one port in v1alpha2',
    text: admin(
      '- {action: Deny, to: [{namespaces: {}}], protocols: [{udp: {destinationPort: {range: {start: 5, end: 5}}}}]}',
    ),
    code: 'k8s/empty-range',
    underlines: '5',
    hint: /number: 5/,
  },
  {
    name: 'a range backwards in v1alpha1',
    text: admin(
      '- {action: Deny, to: [{namespaces: {}}], ports: [{portRange: {start: 6, end: 5}}]}',
      'anp',
    ),
    code: 'k8s/empty-range',
    underlines: '5',
    hint: /swap/,
  },
  {
    name: 'an empty port in v1alpha1',
    text: admin('- {action: Deny, to: [{namespaces: {}}], ports: [{}]}', 'anp'),
    code: 'k8s/not-exactly-one',
    underlines: '{}',
  },
  {
    name: 'a named port beside networks',
    text: admin(
      '- {action: Deny, to: [{networks: [10.0.0.0/8]}], protocols: [{destinationNamedPort: web}]}',
    ),
    code: 'k8s/named-port-beside',
    underlines: 'web',
    hint: /only pods/,
  },
  {
    name: 'a named port beside nodes in v1alpha1',
    text: admin('- {action: Deny, to: [{nodes: {}}], ports: [{namedPort: web}]}', 'anp'),
    code: 'k8s/named-port-beside',
    underlines: 'web',
  },
  {
    name: 'domain names that are denied',
    text: admin('- {action: Deny, to: [{domainNames: [example.com]}]}'),
    code: 'k8s/domain-name-deny',
    underlines: 'domainNames',
    hint: /networks/,
  },
  {
    name: 'domain names that are passed',
    text: admin('- {action: Pass, to: [{domainNames: [example.com]}]}'),
    code: 'k8s/domain-name-deny',
    underlines: 'domainNames',
  },
  {
    name: 'domain names that are accepted',
    text: admin('- {action: Accept, to: [{domainNames: ["*.example.com"]}]}'),
    code: 'k8s/domain-name-unsupported',
    underlines: '"*.example.com"',
    severity: 'warning',
  },
  {
    name: 'a wildcard inside a domain name',
    text: admin('- {action: Accept, to: [{domainNames: [a.*.com]}]}'),
    code: 'k8s/bad-domain-name',
    underlines: 'a.*.com',
  },
  {
    name: 'a template that was not rendered',
    text: networkPolicy('podSelector: {}\npolicyTypes: {{ .Values.types }}'),
    code: 'k8s/wrong-type',
    underlines: '{{ .Values.types }}',
    hint: /render/,
  },
];
