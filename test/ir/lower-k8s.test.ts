/** Rows 10 to 37 and 50 to 68 of the semantics, as far as reading decides them. */
import { describe, expect, it } from 'vitest';
import { formatPrefix } from '../../src/address.js';
import type { LabelSelector, Peer, Policy, PortMatch, Rule } from '../../src/ir/model.js';
import { regionOf } from '../../src/source.js';
import {
  clusterPolicy,
  lowerText,
  networkPolicy,
  policiesOf,
  policyOf,
  said,
} from '../parser/k8s/reading.js';

function showSelector({ requirements }: LabelSelector): string {
  const shown = requirements.map(({ key, operator, values }) =>
    operator === 'Exists' || operator === 'DoesNotExist'
      ? `${operator} ${key}`
      : `${key} ${operator} [${values.join(' ')}]`,
  );
  return shown.length === 0 ? 'all' : shown.join(' & ');
}

function showPeer(peer: Peer): string {
  switch (peer.kind) {
    case 'pods':
      return `pods(${showSelector(peer.namespaces)}; ${showSelector(peer.pods)})`;
    case 'addresses': {
      const except = peer.exclude.map((one) => ` - ${formatPrefix(one)}`).join('');
      return peer.include.map(formatPrefix).join(' ') + except;
    }
    case 'nodes':
      return `nodes(${showSelector(peer.selector)})`;
    default:
      return peer.kind;
  }
}

function showPort(port: PortMatch): string {
  if (port.kind === 'named') return `"${port.name}"/${port.protocol ?? 'any'}`;
  return `${port.first}-${port.last}/${port.protocol}`;
}

function showRule(rule: Rule): string {
  const ports = rule.ports === 'every' ? 'every' : rule.ports.map(showPort).join(', ');
  return `${rule.name} ${rule.action} ${rule.peers.map(showPeer).join(' | ')} : ${ports}`;
}

function showIsolation({ isolates }: Policy): string {
  return (['ingress', 'egress'] as const).filter((one) => isolates[one]).join('+');
}

const OWN = 'kubernetes.io/metadata.name In [shop]';

describe('NetworkPolicy: directions', () => {
  const rows: readonly (readonly [row: string, spec: string, isolates: string, rules: number])[] = [
    ['10 no types, no rules', 'podSelector: {}', 'ingress', 0],
    ['10 no types, egress rules', 'podSelector: {}\negress: [{}]', 'ingress+egress', 1],
    ['10 empty types', 'podSelector: {}\npolicyTypes: []\negress: [{}]', 'ingress+egress', 1],
    ['10 null types', 'podSelector: {}\npolicyTypes:\ningress: [{}]', 'ingress', 1],
    ['11 egress: [] without types', 'podSelector: {}\negress: []', 'ingress', 0],
    ['11 egress: null without types', 'podSelector: {}\negress:', 'ingress', 0],
    [
      '12 ingress is dead text',
      'podSelector: {}\npolicyTypes: [Egress]\ningress: [{}]',
      'egress',
      0,
    ],
    [
      '12 egress is dead text',
      'podSelector: {}\npolicyTypes: [Ingress]\negress: [{}]',
      'ingress',
      0,
    ],
    [
      '13 types without sections',
      'podSelector: {}\npolicyTypes: [Ingress, Egress]',
      'ingress+egress',
      0,
    ],
    ['13 types and empty lists', 'podSelector: {}\npolicyTypes: [Egress]\negress: []', 'egress', 0],
    ['13 one empty rule', 'podSelector: {}\npolicyTypes: [Egress]\negress: [{}]', 'egress', 1],
  ];
  it.each(rows)('%s', (_row, spec, isolates, rules) => {
    const policy = policyOf(networkPolicy(spec));
    expect(showIsolation(policy)).toBe(isolates);
    expect(policy.rules).toHaveLength(rules);
    expect(policy.tier).toBe('networkpolicy');
  });
});

describe('NetworkPolicy: subjects, peers and ports', () => {
  const subject = (spec: string): string => {
    const [one] = policyOf(networkPolicy(spec)).subjects;
    return one === undefined ? '' : `${showSelector(one.namespaces)}; ${showSelector(one.pods)}`;
  };
  it.each([
    ['16 {}', 'podSelector: {}', `${OWN}; all`],
    ['16 null', 'podSelector:', `${OWN}; all`],
    ['16 absent', 'policyTypes: [Ingress]', `${OWN}; all`],
    ['16 matchLabels null', 'podSelector: {matchLabels: null}', `${OWN}; all`],
    [
      '24 both kinds',
      'podSelector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: NotIn, values: [d, ""]}]}',
      `${OWN}; a In [b] & c NotIn [d ]`,
    ],
    [
      '25 Exists, DoesNotExist',
      'podSelector: {matchExpressions: [{key: a, operator: Exists}, {key: b, operator: DoesNotExist, values: []}]}',
      `${OWN}; Exists a & DoesNotExist b`,
    ],
    [
      '24 a quoted boolean',
      'podSelector: {matchLabels: {a: "yes", "on": "1"}}',
      `${OWN}; a In [yes] & on In [1]`,
    ],
    [
      '24 a date is a text',
      'podSelector: {matchLabels: {a: 2024-05-01}}',
      `${OWN}; a In [2024-05-01]`,
    ],
    ['24 a key that is a number', 'podSelector: {matchLabels: {1: b}}', `${OWN}; 1 In [b]`],
  ])('%s', (_row, spec, expected) => {
    expect(subject(spec)).toBe(expected);
  });

  it.each([
    ['', 'default'],
    [', namespace: ""', 'default'],
    [', namespace: null', 'default'],
    [', namespace: shop', 'shop'],
  ])('row 16: the namespace of metadata{%s} is %s', (field, expected) => {
    const text = networkPolicy('podSelector: {}').replace(', namespace: shop', field);
    expect(policyOf(text).namespace).toBe(expected);
  });

  const rule = (text: string): string =>
    policyOf(networkPolicy(`podSelector: {}\ningress:\n- ${text}`))
      .rules.map(showRule)
      .join('\n');
  it.each([
    ['17 from absent', 'ports: []', 'any : every'],
    ['17 from null', 'from:', 'any : every'],
    ['17 from []', 'from: []', 'any : every'],
    ['18 ports null', '{from: [], ports: null}', 'any : every'],
    [
      '19 AND in one item',
      'from: [{namespaceSelector: {matchLabels: {t: a}}, podSelector: {matchLabels: {p: b}}}]',
      'pods(t In [a]; p In [b]) : every',
    ],
    [
      '19 OR of two items',
      'from: [{namespaceSelector: {matchLabels: {t: a}}}, {podSelector: {matchLabels: {p: b}}}]',
      `pods(t In [a]; all) | pods(${OWN}; p In [b]) : every`,
    ],
    ['20 podSelector alone', 'from: [{podSelector: {}}]', `pods(${OWN}; all) : every`],
    ['21 namespaceSelector {}', 'from: [{namespaceSelector: {}}]', 'pods(all; all) : every'],
    [
      '22 null selector beside {}',
      'from: [{namespaceSelector: {}, podSelector: null}]',
      'pods(all; all) : every',
    ],
    ['22 null ipBlock', 'from: [{podSelector: {}, ipBlock: null}]', `pods(${OWN}; all) : every`],
    [
      '27 ipBlock',
      'from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.2.0.0/16]}}]',
      '10.0.0.0/8 - 10.1.0.0/16 - 10.2.0.0/16 : every',
    ],
    ['29 IPv6', 'from: [{ipBlock: {cidr: "::/0"}}]', '::/0 : every'],
    ['30 default protocol', 'ports: [{port: 80}]', 'any : 80-80/TCP'],
    ['31 no port', 'ports: [{protocol: UDP}]', 'any : 0-65535/UDP'],
    ['31 an empty entry', 'ports: [{}]', 'any : 0-65535/TCP'],
    ['32 range', 'ports: [{port: 80, endPort: 90}]', 'any : 80-90/TCP'],
    ['32 range of one', 'ports: [{port: 80, endPort: 80}]', 'any : 80-80/TCP'],
    ['33 named', 'ports: [{port: web, protocol: UDP}]', 'any : "web"/UDP'],
    ['36 SCTP', 'ports: [{port: 80, protocol: SCTP}]', 'any : 80-80/SCTP'],
    ['35 an octal port, as kubectl reads it', 'ports: [{port: 0120}]', 'any : 80-80/TCP'],
  ])('row %s', (_row, text, expected) => {
    expect(rule(text)).toBe(`ingress[0] allow ${expected}`);
  });

  it('row 34: a named port beside an ipBlock is taken, with a warning for egress alone', () => {
    const both = networkPolicy(
      'podSelector: {}\ningress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: a}]}]\negress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: b}]}]',
    );
    expect(said(lowerText(both).diagnostics).map(({ text }) => text)).toEqual(['b']);
    expect(policyOf(both).rules).toHaveLength(2);
  });

  it('row 15: rules stay apart, numbered by direction', () => {
    const text = networkPolicy(
      'podSelector: {}\ningress: [{from: [{podSelector: {}}]}, {ports: [{port: 1}]}]\negress: [{}]',
    );
    expect(policyOf(text).rules.map(({ name, direction }) => `${direction} ${name}`)).toEqual([
      'ingress ingress[0]',
      'ingress ingress[1]',
      'egress egress[0]',
    ]);
  });
});

describe('cluster-wide policies', () => {
  const all = '{namespaces: {}}';
  it('rows 50, 56, 68: tiers, priorities, subjects', () => {
    const policies = policiesOf(
      [
        clusterPolicy(
          'anp',
          'priority: 7\nsubject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {a: b}}}}',
        ),
        clusterPolicy('banp', `subject: ${all}`),
        clusterPolicy('cnp', `tier: Admin\npriority: 0\nsubject: ${all}`),
        clusterPolicy(
          'cnp',
          `tier: Baseline\npriority: 1000\nsubject: {pods: {podSelector: {}}}`,
        ).replace('name: p', 'name: q'),
      ].join('---\n'),
    );
    const shown = policies.map(({ kind, tier, priority, subjects, isolates, namespace }) => [
      kind,
      tier,
      priority,
      subjects.map((one) => `${showSelector(one.namespaces)}; ${showSelector(one.pods)}`).join(),
      isolates,
      namespace,
    ]);
    const open = { ingress: false, egress: false };
    expect(shown).toEqual([
      ['AdminNetworkPolicy', 'admin', 7, 'all; a In [b]', open, undefined],
      ['BaselineAdminNetworkPolicy', 'baseline', 0, 'all; all', open, undefined],
      ['ClusterNetworkPolicy', 'admin', 0, 'all; all', open, undefined],
      ['ClusterNetworkPolicy', 'baseline', 1000, 'all; all', open, undefined],
    ]);
  });

  const rules = (kind: 'anp' | 'cnp', rule: string): string => {
    const tier = kind === 'cnp' ? 'tier: Admin\n' : '';
    const text = clusterPolicy(kind, `${tier}priority: 1\nsubject: ${all}\negress:\n- ${rule}`);
    return policyOf(text).rules.map(showRule).join('\n');
  };
  it.each([
    [
      '57',
      'cnp',
      '{action: Accept, to: [{namespaces: {}}]}',
      'egress[0] allow pods(all; all) : every',
    ],
    [
      'a podSelector that was left out',
      'anp',
      '{action: Deny, to: [{pods: {namespaceSelector: {matchLabels: {a: b}}}}]}',
      'egress[0] deny pods(a In [b]; all) : every',
    ],
    [
      '52',
      'anp',
      '{action: Pass, to: [{namespaces: {matchLabels: {a: b}}}]}',
      'egress[0] pass pods(a In [b]; all) : every',
    ],
    [
      '50',
      'cnp',
      '{name: no metadata, action: Deny, to: [{networks: [169.254.169.254/32, "fd00::/8"]}]}',
      'no metadata deny 169.254.169.254/32 fd00::/8 : every',
    ],
    [
      '62',
      'anp',
      '{action: Deny, to: [{nodes: {}}, {nodes: {matchLabels: {a: b}}}]}',
      'egress[0] deny nodes(all) | nodes(a In [b]) : every',
    ],
    [
      '63',
      'cnp',
      '{action: Accept, to: [{domainNames: [example.com]}]}',
      'egress[0] allow nothing : every',
    ],
    [
      '59',
      'cnp',
      '{action: Deny, to: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 80}}}, {udp: {destinationPort: {range: {start: 1, end: 65535}}}}, {sctp: {destinationPort: {number: 9}}}]}',
      'egress[0] deny pods(all; all) : 80-80/TCP, 1-65535/UDP, 9-9/SCTP',
    ],
    [
      '60',
      'cnp',
      '{action: Deny, to: [{namespaces: {}}], protocols: [{destinationNamedPort: web}]}',
      'egress[0] deny pods(all; all) : "web"/any',
    ],
    [
      '60',
      'anp',
      '{action: Deny, to: [{namespaces: {}}], ports: [{namedPort: web}]}',
      'egress[0] deny pods(all; all) : "web"/any',
    ],
    [
      '66',
      'anp',
      '{action: Deny, to: [{namespaces: {}}], ports: [{portNumber: {port: 80}}, {portRange: {protocol: UDP, start: 5, end: 5}}]}',
      'egress[0] deny pods(all; all) : 80-80/TCP, 5-5/UDP',
    ],
    [
      '59',
      'anp',
      '{action: Deny, to: [{namespaces: {}}], ports: []}',
      'egress[0] deny pods(all; all) : every',
    ],
  ] as const)('row %s (%s): %s', (_row, kind, rule, expected) => {
    expect(rules(kind, rule)).toBe(expected);
  });
});

describe('objects beside the policies', () => {
  it('are left alone, and Lists of all kinds are opened', () => {
    const item = '{metadata: {name: a}, spec: {podSelector: {}}}';
    const text = [
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: yes}\n',
      'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n',
      'apiVersion: projectcalico.org/v3\nkind: StagedNetworkPolicy\nmetadata: {name: a}\n',
      `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\nitems: [${item}]\n`,
      `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - ${item.replace('{', '{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, ').replace('name: a', 'name: b')}\n`,
      'apiVersion: v1\nkind: List\nitems:\n',
    ].join('---\n');
    expect(policiesOf(text).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('Helm’s comments and Kustomize’s annotations say where a policy came from', () => {
    const helm = `# Source: shop/templates/a.yaml\n${networkPolicy('podSelector: {}')}`;
    const origin =
      '\n  annotations:\n    config.kubernetes.io/origin: |\n      path: base/b.yaml\n      repo: https://example.com/r\n      ref: v1';
    const kustomize = networkPolicy('podSelector: {}').replace(
      '{name: p, namespace: shop}',
      `\n  name: k${origin}`,
    );
    const path = '{name: l, annotations: {internal.config.kubernetes.io/path: c.yaml}}';
    const local = networkPolicy('podSelector: {}').replace('{name: p, namespace: shop}', path);
    const plain = networkPolicy('podSelector: {}').replace('name: p', 'name: z');
    const policies = policiesOf(['', helm, kustomize, local, plain].join('---\n'));
    expect(policies.map((one) => regionOf(one.origin)?.origin)).toEqual([
      'shop/templates/a.yaml',
      'https://example.com/r//base/b.yaml?ref=v1',
      'c.yaml',
      undefined,
    ]);
  });

  it('in JSON, each text has its own origin', () => {
    const object = (name: string): string =>
      JSON.stringify({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name, annotations: { 'internal.config.kubernetes.io/path': `${name}.yaml` } },
        spec: { podSelector: {} },
      });
    const policies = policiesOf(`${object('a')}\n${object('b')}`, 'x.json');
    const origins = policies.map((one) => regionOf(one.origin)?.origin);
    expect(origins).toEqual(['a.yaml', 'b.yaml']);
    expect(policies[0]?.origin.file.regions.map(({ start, end }) => end - start)).toEqual([
      object('a').length,
      object('b').length,
    ]);
  });
});
