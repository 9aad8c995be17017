/** Namespaces, pods and nodes as policies see them: rows 26 and 43 to 45. */
import { describe, expect, it } from 'vitest';
import { formatPrefix } from '../../src/address.js';
import { isPolicyPod } from '../../src/ir/cluster.js';
import { clusterOf, clusterOfText, said } from '../parser/k8s/reading.js';
import { addresses, docs, live, pod, podNamed } from './lower-cluster-texts.js';

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

  it.each([
    ['"true"', true],
    ['"false"', undefined],
  ])('route if their annotation is %s', (value, routes) => {
    const annotation = `, annotations: {policyc.dev/routes: ${value}}`;
    expect(podNamed(clusterOf(live('p', '10.0.0.1', annotation)), 'p').routes).toBe(routes);
    expect(podNamed(clusterOf(live('p', '10.0.0.1')), 'p').routes).toBeUndefined();
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
