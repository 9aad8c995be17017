/** Kubernetes objects as the cluster that policies see: rows 26, 37, 43 to 45. */
import { describe, expect, it } from 'vitest';
import { addressKey, formatAddress, formatPrefix } from '../../src/address.js';
import { clusterCatalog } from '../../src/catalog/cluster.js';
import type { ClusterSnapshot, Pod, Service } from '../../src/ir/cluster.js';
import { isPolicyPod } from '../../src/ir/cluster.js';
import { clusterOf, clusterOfText, networkPolicy, said } from '../parser/k8s/reading.js';

const docs = (...texts: readonly string[]): string => texts.join('\n---\n');

const pod = (name: string, spec: string, status = '', metadata = ''): string =>
  [
    'apiVersion: v1',
    'kind: Pod',
    `metadata: {name: ${name}, namespace: shop${metadata}}`,
    `spec: {${spec}}`,
    status === '' ? '' : `status: {${status}}`,
  ].join('\n');

const live = (name: string, ip: string, metadata = ''): string =>
  pod(name, '', `phase: Running, podIPs: [{ip: ${ip}}]`, metadata);

const workload = (kind: string, name: string, extra = '', metadata = ''): string => {
  const template =
    'template: {metadata: {labels: {app: web}}, spec: {containers: [{ports: [{name: http, containerPort: 80}]}]}}';
  const group = kind.endsWith('Job') ? 'batch' : 'apps';
  const spec = kind === 'CronJob' ? `jobTemplate: {spec: {${template}}}` : template;
  return [
    `apiVersion: ${group}/v1`,
    `kind: ${kind}`,
    `metadata: {name: ${name}, namespace: shop${metadata}}`,
    `spec: {${spec}}`,
    extra,
  ].join('\n');
};

const owned = (kind: string, name: string): string =>
  `, ownerReferences: [{apiVersion: v1, kind: ${kind}, name: ${name}, controller: true}]`;

const service = (name: string, spec: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: shop}\nspec: {${spec}}`;

const slice = (name: string, of: string, body: string): string =>
  `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: ${name}, namespace: shop, labels: {kubernetes.io/service-name: ${of}}}\n${body}`;

const addresses = (one: { readonly addresses: Pod['addresses'] }): string =>
  one.addresses.map(formatAddress).join(' ');

const podNamed = (cluster: ClusterSnapshot, name: string): Pod => {
  const found = cluster.pods.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no pod ${name}`);
  return found;
};

const showEndpoints = ({ endpoints, ports }: Service): readonly string[] =>
  endpoints.map(({ address, targetPorts }) => {
    const targets = [...targetPorts].map(([i, target]) => `${ports[i]?.port ?? '?'}->${target}`);
    return `${formatAddress(address)} ${targets.join(' ')}`;
  });

describe('namespaces', () => {
  it('always carry their name, and exist where they are only mentioned', () => {
    const cluster = clusterOf(
      docs(
        'apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {team: x, kubernetes.io/metadata.name: wrong}}',
        'apiVersion: v1\nkind: Namespace\nmetadata: {name: b}',
        live('p', '10.0.0.1'),
        'apiVersion: v1\nkind: Pod\nmetadata: {name: q}\nstatus: {phase: Pending}',
      ),
    );
    const shown = [...cluster.namespaces.values()].map(({ name, labels }) => [
      name,
      Object.fromEntries(labels),
    ]);
    expect(shown).toEqual([
      ['a', { team: 'x', 'kubernetes.io/metadata.name': 'a' }],
      ['b', { 'kubernetes.io/metadata.name': 'b' }],
      ['default', { 'kubernetes.io/metadata.name': 'default' }],
      ['shop', { 'kubernetes.io/metadata.name': 'shop' }],
    ]);
  });
});

describe('pods', () => {
  const rows: readonly (readonly [name: string, status: string, addresses: string])[] = [
    [
      'dual stack',
      'phase: Running, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: "fd00::1"}]',
      '10.0.0.1 fd00::1',
    ],
    ['podIP alone', 'phase: Running, podIP: 10.0.0.1', '10.0.0.1'],
    ['two of one family', 'phase: Running, podIPs: [{ip: 10.0.0.1}, {ip: 10.0.0.2}]', '10.0.0.1'],
    ['no address yet', 'phase: Pending', ''],
    ['an empty address', 'phase: Pending, podIP: ""', ''],
    ['succeeded', 'phase: Succeeded, podIP: 10.0.0.1', ''],
    ['failed', 'phase: Failed, podIP: 10.0.0.1', ''],
  ];
  it.each(rows)('%s', (_name, status, expected) => {
    const one = podNamed(clusterOf(pod('p', '', status)), 'p');
    expect(addresses(one)).toBe(expected);
    expect(one.completed).toBe(/Succeeded|Failed/.test(status));
    expect(one.representative).toBe(false);
    expect(isPolicyPod(one)).toBe(expected !== '');
  });

  it('of the host’s network are no policy pods', () => {
    const one = podNamed(
      clusterOf(pod('p', 'hostNetwork: true, nodeName: n1', 'phase: Running, podIP: 1.2.3.4')),
      'p',
    );
    expect([one.hostNetwork, one.node, addresses(one), isPolicyPod(one)]).toEqual([
      true,
      'n1',
      '1.2.3.4',
      false,
    ]);
  });

  it('that were written by hand get addresses, those without a status yet alone', () => {
    const cluster = clusterOf(
      docs(
        pod('bare', ''),
        pod('dry-run', '').concat('status: {}'),
        pod('host', 'hostNetwork: true'),
      ),
    );
    expect(cluster.pods.map((one) => [one.name, addresses(one), one.representative])).toEqual([
      ['bare', '240.0.0.1 fd70:6f6c:6963:7963::1', true],
      ['dry-run', '240.0.0.2 fd70:6f6c:6963:7963::2', true],
      ['host', '', false],
    ]);
  });

  it('have the named ports of containers and sidecars', () => {
    const spec =
      'containers: [{ports: [{name: http, containerPort: 80}, {containerPort: 81}, {name: dns, containerPort: 53, protocol: UDP}]}, {ports: [{name: http, containerPort: 90}]}], initContainers: [{ports: [{name: init, containerPort: 1}]}, {restartPolicy: Always, ports: [{name: side, containerPort: 2, protocol: SCTP}]}]';
    expect(podNamed(clusterOf(pod('p', spec)), 'p').ports).toEqual([
      { name: 'http', protocol: 'TCP', port: 80 },
      { name: 'dns', protocol: 'UDP', port: 53 },
      { name: 'side', protocol: 'SCTP', port: 2 },
    ]);
  });

  it('leave a shared address to the one that stays, or to the newer one', () => {
    const cluster = clusterOfText(
      docs(
        live('old', '10.0.0.1', ', creationTimestamp: "2024-01-01T00:00:00Z"'),
        live('new', '10.0.0.1', ', creationTimestamp: "2024-02-01T00:00:00Z"'),
        live(
          'going',
          '10.0.0.2',
          ', creationTimestamp: "2024-02-01T00:00:00Z", deletionTimestamp: "2024-02-01T00:00:00Z"',
        ),
        live('stays', '10.0.0.2', ', creationTimestamp: "2024-01-01T00:00:00Z"'),
        pod('done', '', 'phase: Succeeded, podIP: 10.0.0.2'),
        live('a', '10.0.0.3'),
        live('b', '10.0.0.3'),
      ),
    );
    expect(cluster.value?.pods.map((one) => `${one.name} ${addresses(one)}`.trim())).toEqual([
      'a 10.0.0.3',
      'b',
      'done',
      'going',
      'new 10.0.0.1',
      'old',
      'stays 10.0.0.2',
    ]);
    expect(said(cluster.diagnostics)).toMatchObject(
      [
        { code: 'cluster/shared-address', text: 'old', hint: /shop\/new/ },
        { code: 'cluster/shared-address', text: 'b' },
      ].map((one) => ({
        ...one,
        ...(one.hint && { hint: expect.stringMatching(one.hint) as string }),
      })),
    );
  });
});

describe('workloads', () => {
  it('have one representative each, with addresses by the order of their identities', () => {
    const kinds = ['StatefulSet', 'Deployment', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob'];
    const texts = kinds.map((kind) => workload(kind, kind.toLowerCase()));
    const cluster = clusterOf(docs(...texts));
    const shown = cluster.pods.map(
      (one) => `${one.name} ${one.workload?.kind ?? ''} ${addresses(one).split(' ')[0] ?? ''}`,
    );
    expect(shown).toEqual([
      'cronjob CronJob 240.0.0.1',
      'daemonset DaemonSet 240.0.0.2',
      'deployment Deployment 240.0.0.3',
      'job Job 240.0.0.4',
      'replicaset ReplicaSet 240.0.0.5',
      'statefulset StatefulSet 240.0.0.6',
    ]);
    expect(clusterOf(docs(...texts.toReversed())).pods.map(addresses)).toEqual(
      cluster.pods.map(addresses),
    );
    for (const one of cluster.pods) {
      expect(one).toMatchObject({
        representative: true,
        completed: false,
        ports: [{ name: 'http', port: 80 }],
      });
      expect(one.labels.get('app')).toBe('web');
    }
  });

  it('keep clear of addresses that are in the input', () => {
    const cluster = clusterOf(
      docs(
        workload('Deployment', 'web'),
        live('p', '240.0.0.1'),
        service('s', 'clusterIP: 240.0.0.2'),
        slice('x', 's', 'endpoints: [{addresses: ["fd70:6f6c:6963:7963::3"]}]'),
        'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {addresses: [{type: InternalIP, address: 240.0.0.4}]}',
      ),
    );
    expect(addresses(podNamed(cluster, 'web'))).toBe('240.0.0.5 fd70:6f6c:6963:7963::5');
    const keys = cluster.pods.flatMap((one) => one.addresses.map(addressKey));
    expect(new Set(keys).size).toBe(keys.length);
  });

  const hash = ', labels: {pod-template-hash: abc}';
  const rows: readonly (readonly [
    name: string,
    texts: readonly string[],
    pods: readonly string[],
  ])[] = [
    [
      'a Deployment’s pods by hash',
      [workload('Deployment', 'web'), live('p', '10.0.0.1', hash + owned('ReplicaSet', 'web-abc'))],
      ['p Deployment/web'],
    ],
    [
      'a Deployment’s pods by ReplicaSet',
      [
        workload('Deployment', 'web'),
        workload('ReplicaSet', 'odd', '', owned('Deployment', 'web')),
        live('p', '10.0.0.1', owned('ReplicaSet', 'odd')),
      ],
      ['p Deployment/web'],
    ],
    [
      'a ReplicaSet without its Deployment',
      [
        workload('ReplicaSet', 'web-abc', '', owned('Deployment', 'web')),
        live('p', '10.0.0.1', hash + owned('ReplicaSet', 'web-abc')),
      ],
      ['p Deployment/web'],
    ],
    [
      'a ReplicaSet of a Deployment that is there',
      [
        workload('Deployment', 'web'),
        workload('ReplicaSet', 'web-abc', '', owned('Deployment', 'web')),
      ],
      ['web Deployment/web'],
    ],
    [
      'a ReplicaSet of its own',
      [workload('ReplicaSet', 'rs'), live('p', '10.0.0.1', owned('ReplicaSet', 'rs'))],
      ['p ReplicaSet/rs'],
    ],
    [
      'a StatefulSet',
      [workload('StatefulSet', 'db'), live('db-0', '10.0.0.1', owned('StatefulSet', 'db'))],
      ['db-0 StatefulSet/db'],
    ],
    [
      'a CronJob’s pods',
      [
        workload('CronJob', 'cj'),
        workload('Job', 'cj-1', '', owned('CronJob', 'cj')),
        live('p', '10.0.0.1', owned('Job', 'cj-1')),
      ],
      ['p CronJob/cj'],
    ],
    [
      'a Job that is done',
      [
        workload('Job', 'j', 'status: {conditions: [{type: Complete, status: "True"}]}'),
        live('q', '10.0.0.9'),
      ],
      ['q -'],
    ],
    ['a mirror pod', [live('etcd', '10.0.0.1', owned('Node', 'n1'))], ['etcd -']],
    [
      'a pod of the same name',
      [live('web', '10.0.0.1'), workload('Deployment', 'web')],
      ['web -', 'web.deployment Deployment/web'],
    ],
    [
      'an owner of another product',
      [live('p', '10.0.0.1', owned('Rollout', 'r'))],
      ['p Rollout/r'],
    ],
  ];
  it.each(rows)('%s', (_name, texts, expected) => {
    const { pods } = clusterOf(docs(...texts));
    const shown = pods.map(
      ({ name, workload: of }) => `${name} ${of === undefined ? '-' : `${of.kind}/${of.name}`}`,
    );
    expect(shown).toEqual(expected);
  });
});

describe('nodes', () => {
  it('have the addresses of their status and their pod ranges', () => {
    const { nodes } = clusterOf(
      docs(
        'apiVersion: v1\nkind: Node\nmetadata: {name: b, labels: {zone: z}}\nspec: {podCIDR: 10.1.0.0/24, podCIDRs: [10.1.0.0/24, "fd00:1::/64"]}\nstatus: {addresses: [{type: InternalIP, address: 1.1.1.1}, {type: ExternalIP, address: 2.2.2.2}, {type: Hostname, address: b}, {type: InternalDNS, address: b.example}]}',
        'apiVersion: v1\nkind: Node\nmetadata: {name: a}\nspec: {podCIDR: 10.2.0.0/24}',
      ),
    );
    const shown = nodes.map((one) => [
      one.name,
      addresses(one),
      one.podRanges.map(formatPrefix),
      one.labels.size,
    ]);
    expect(shown).toEqual([
      ['a', '', ['10.2.0.0/24'], 0],
      ['b', '1.1.1.1 2.2.2.2', ['10.1.0.0/24', 'fd00:1::/64'], 1],
    ]);
  });
});

describe('services', () => {
  const only = (...texts: readonly string[]): Service => {
    const [one] = clusterOf(docs(...texts)).services;
    if (one === undefined) throw new Error('no service');
    return one;
  };
  const web = (name: string, ip: string, extra = ''): string =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: shop, labels: {app: web}}\nspec: {containers: [{ports: [{name: http, containerPort: ${name === 'b' ? '9090' : '8080'}}]}]}\nstatus: {phase: Running, podIPs: [{ip: ${ip}}]${extra}}`;

  it.each([
    ['one address', 'clusterIP: 10.9.0.1', '10.9.0.1'],
    ['two families', 'clusterIP: 10.9.0.1, clusterIPs: [10.9.0.1, "fd09::1"]', '10.9.0.1 fd09::1'],
    ['headless', 'clusterIP: None, clusterIPs: [None]', ''],
    ['headless by the old field alone', 'clusterIP: None', ''],
    ['a manifest', 'clusterIP: ""', ''],
    ['ExternalName', 'type: ExternalName, externalName: example.com', ''],
  ])('%s', (_name, spec, expected) => {
    expect(addresses(only(service('s', spec)))).toBe(expected);
  });

  it('find endpoints by selector, with target ports by number, by name and by default', () => {
    const one = only(
      service(
        's',
        'selector: {app: web}, ports: [{port: 80, targetPort: http}, {name: b, port: 81, targetPort: 8}, {name: c, port: 82}, {name: d, port: 83, targetPort: http, protocol: UDP}]',
      ),
      web('b', '10.0.0.2'),
      web('a', '10.0.0.1'),
      web('unready', '10.0.0.3', ', conditions: [{type: Ready, status: "False"}]'),
      web('ready', '10.0.0.4', ', conditions: [{type: Ready, status: "True"}]'),
      live('other', '10.0.0.5'),
    );
    expect(one.ports).toEqual([
      { name: '', protocol: 'TCP', port: 80 },
      { name: 'b', protocol: 'TCP', port: 81 },
      { name: 'c', protocol: 'TCP', port: 82 },
      { name: 'd', protocol: 'UDP', port: 83 },
    ]);
    expect(showEndpoints(one)).toEqual([
      '10.0.0.1 80->8080 81->8 82->82',
      '10.0.0.2 80->9090 81->8 82->82',
      '10.0.0.4 80->8080 81->8 82->82',
    ]);
  });

  it('publish pods that are not ready where they say so', () => {
    const one = only(
      service('s', 'publishNotReadyAddresses: true, selector: {app: web}, ports: [{port: 1}]'),
      web('unready', '10.0.0.3', ', conditions: [{type: Ready, status: "False"}]'),
    );
    expect(showEndpoints(one)).toEqual(['10.0.0.3 1->1']);
  });

  it('find representatives', () => {
    const one = only(
      service('s', 'selector: {app: web}, ports: [{port: 80, targetPort: http}]'),
      workload('Deployment', 'web'),
    );
    expect(showEndpoints(one)).toEqual(['240.0.0.1 80->80', 'fd70:6f6c:6963:7963::1 80->80']);
  });

  it('without a selector have none but what is written', () => {
    expect(showEndpoints(only(service('s', 'ports: [{port: 1}]'), web('a', '10.0.0.1')))).toEqual(
      [],
    );
  });

  const ports = 'ports: [{name: x, port: 8443}, {name: yy, port: 9, protocol: UDP}]';
  it('take EndpointSlices ahead of selectors, all of them, ready ones alone', () => {
    const one = only(
      service(
        's',
        'selector: {app: web}, ports: [{name: x, port: 443}, {name: yy, port: 10, protocol: UDP}]',
      ),
      web('a', '10.0.0.1'),
      slice(
        's1',
        's',
        `addressType: IPv4\nendpoints: [{addresses: [10.0.0.7]}, {addresses: [10.0.0.8], conditions: {ready: false, serving: true, terminating: true}}, {addresses: [10.0.0.9], conditions: {ready: null}}]\n${ports}`,
      ),
      slice(
        's2',
        's',
        `addressType: IPv6\nendpoints: [{addresses: ["fd00::7"], conditions: {ready: true}}]\n${ports}`,
      ),
      slice('s3', 's', 'addressType: FQDN\nendpoints: [{addresses: [example.com]}]\nports: []'),
      slice('other', 't', `addressType: IPv4\nendpoints: [{addresses: [10.0.0.99]}]\n${ports}`),
      'apiVersion: v1\nkind: Endpoints\nmetadata: {name: s, namespace: shop}\nsubsets: [{addresses: [{ip: 10.0.0.50}], ports: [{name: x, port: 1}]}]',
    );
    expect(showEndpoints(one)).toEqual([
      '10.0.0.7 443->8443 10->9',
      '10.0.0.9 443->8443 10->9',
      'fd00::7 443->8443 10->9',
    ]);
  });

  it('fall back to endpoints that serve while they terminate', () => {
    const one = only(
      service('s', 'ports: [{name: x, port: 443}]'),
      slice(
        's1',
        's',
        `addressType: IPv4\nendpoints: [{addresses: [10.0.0.8], conditions: {ready: false, serving: true, terminating: true}}, {addresses: [10.0.0.9], conditions: {ready: false, serving: false, terminating: true}}]\n${ports}`,
      ),
    );
    expect(showEndpoints(one)).toEqual(['10.0.0.8 443->8443']);
  });

  it('take Endpoints where there is no slice, as default/kubernetes has them', () => {
    const one = only(
      'apiVersion: v1\nkind: Service\nmetadata: {name: kubernetes}\nspec: {clusterIPs: [10.96.0.1], ports: [{name: https, port: 443, targetPort: 6443}]}',
      'apiVersion: v1\nkind: Endpoints\nmetadata: {name: kubernetes}\nsubsets: [{addresses: [{ip: 192.168.0.10}], notReadyAddresses: [{ip: 192.168.0.11}], ports: [{name: https, port: 6443}]}]',
    );
    expect([one.namespace, addresses(one), showEndpoints(one)]).toEqual([
      'default',
      '10.96.0.1',
      ['192.168.0.10 443->6443'],
    ]);
  });
});

interface Fault {
  readonly name: string;
  readonly text: string;
  readonly code: string;
  readonly underlines: string;
  readonly hint?: RegExp;
}

const FAULTS: readonly Fault[] = [
  {
    name: 'a label that is a boolean',
    text: pod('p', '', '', ', labels: {a: yes}'),
    code: 'cluster/wrong-type',
    underlines: 'yes',
    hint: /quote it: "yes"/,
  },
  {
    name: 'labels that are a list',
    text: pod('p', '', '', ', labels: [a]'),
    code: 'cluster/wrong-type',
    underlines: '[a]',
  },
  {
    name: 'hostNetwork in quotes',
    text: pod('p', 'hostNetwork: "true"'),
    code: 'cluster/wrong-type',
    underlines: '"true"',
  },
  {
    name: 'containers that are a mapping',
    text: pod('p', 'containers: {}'),
    code: 'cluster/wrong-type',
    underlines: '{}',
  },
  {
    name: 'a container that is a text',
    text: pod('p', 'containers: [x]'),
    code: 'cluster/wrong-type',
    underlines: 'x',
  },
  {
    name: 'a container port in quotes',
    text: pod('p', 'containers: [{ports: [{containerPort: "80"}]}]'),
    code: 'cluster/wrong-type',
    underlines: '"80"',
  },
  {
    name: 'a target port that is a list',
    text: service('s', 'ports: [{port: 1, targetPort: []}]'),
    code: 'cluster/wrong-type',
    underlines: '[]',
  },
  {
    name: 'a cluster address that is a number',
    text: service('s', 'clusterIPs: [1]'),
    code: 'cluster/wrong-type',
    underlines: '1',
  },
  {
    name: 'a spec that is a text',
    text: 'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: x',
    code: 'cluster/wrong-type',
    underlines: 'x',
  },
  {
    name: 'a pod without a name',
    text: 'apiVersion: v1\nkind: Pod\nmetadata: {generateName: p}',
    code: 'cluster/missing-field',
    underlines: 'metadata',
  },
  {
    name: 'a pod without metadata',
    text: 'apiVersion: v1\nkind: Pod',
    code: 'cluster/missing-field',
    underlines: 'apiVersion: v1',
  },
  {
    name: 'a Service port without a number',
    text: service('s', 'ports: [{name: x}]'),
    code: 'cluster/missing-field',
    underlines: '{name: x}',
  },
  {
    name: 'a bad pod address',
    text: pod('p', '', 'phase: Running, podIP: 10.0.0.256'),
    code: 'cluster/bad-address',
    underlines: '10.0.0.256',
  },
  {
    name: 'a bad cluster address',
    text: service('s', 'clusterIP: x'),
    code: 'cluster/bad-address',
    underlines: 'x',
  },
  {
    name: 'a bad pod range',
    text: 'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {podCIDRs: [10.0.0.0]}',
    code: 'cluster/bad-range',
    underlines: '10.0.0.0',
  },
  {
    name: 'a container port of 0',
    text: pod('p', 'containers: [{ports: [{name: x, containerPort: 0}]}]'),
    code: 'cluster/bad-port',
    underlines: '0',
  },
  {
    name: 'an unknown protocol',
    text: pod('p', 'containers: [{ports: [{name: x, containerPort: 1, protocol: tcp}]}]'),
    code: 'cluster/unknown-protocol',
    underlines: 'tcp',
    hint: /`TCP`/,
  },
  {
    name: 'two namespaces of one name',
    text: docs(
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: a}',
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: a}',
    ),
    code: 'cluster/duplicate',
    underlines: 'a',
    hint: /one cluster/,
  },
  {
    name: 'two nodes of one name',
    text: docs(
      'apiVersion: v1\nkind: Node\nmetadata: {name: a}',
      'apiVersion: v1\nkind: Node\nmetadata: {name: a}',
    ),
    code: 'cluster/duplicate',
    underlines: 'a',
  },
  {
    name: 'two Services of one name',
    text: docs(service('s', ''), service('s', '')),
    code: 'cluster/duplicate',
    underlines: 's',
  },
  {
    name: 'two pods of one name',
    text: docs(live('p', '10.0.0.1'), live('p', '10.0.0.2')),
    code: 'cluster/duplicate',
    underlines: 'p',
  },
];

const WARNINGS: readonly Fault[] = [
  {
    name: 'two pods of one address',
    text: docs(live('a', '10.0.0.1'), live('b', '10.0.0.1')),
    code: 'cluster/shared-address',
    underlines: 'b',
  },
  {
    name: 'policies alone',
    text: networkPolicy('podSelector: {}'),
    code: 'cluster/empty',
    underlines: 'apiVersion: networking.k8s.io/v1',
    hint: /kubectl get/,
  },
];

describe('clusters that are wrong or doubtful', () => {
  it.each(FAULTS.map((one) => [one.name, one] as const))('%s', (_name, fault) => {
    const { value, diagnostics } = clusterOfText(fault.text);
    expect(value).toBeUndefined();
    const [first] = said(diagnostics);
    expect(first).toMatchObject({ code: fault.code, text: fault.underlines });
    if (fault.hint !== undefined) expect(first?.hint).toMatch(fault.hint);
  });

  it.each(WARNINGS.map((one) => [one.name, one] as const))('%s', (_name, fault) => {
    const { value, diagnostics } = clusterOfText(fault.text);
    expect(value).toBeDefined();
    expect(said(diagnostics)).toMatchObject([{ code: fault.code, text: fault.underlines }]);
    if (fault.hint !== undefined) expect(said(diagnostics)[0]?.hint).toMatch(fault.hint);
  });

  it('no text at all is an empty cluster, with a warning', () => {
    const { value, diagnostics } = clusterOfText('# nothing\n');
    expect(value).toMatchObject({ pods: [], nodes: [], services: [] });
    expect(said(diagnostics)).toMatchObject([{ code: 'cluster/empty', at: '' }]);
  });

  it('other products’ objects and policies are left alone', () => {
    const { value, diagnostics } = clusterOfText(
      docs(
        'apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: x}',
        'apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}',
        networkPolicy('nonsense: true'),
        live('p', '10.0.0.1'),
      ),
    );
    expect(diagnostics).toEqual([]);
    expect([value?.pods.length, value?.services.length]).toEqual([1, 0]);
  });

  it('reach every entry of the catalog', () => {
    const reached = new Set([...FAULTS, ...WARNINGS].map(({ code }) => code));
    expect(Object.keys(clusterCatalog).filter((code) => !reached.has(code))).toEqual([]);
  });
});
