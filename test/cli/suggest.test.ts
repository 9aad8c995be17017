/** `policyc suggest`, as users call it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invoke, type InvokeOptions, type Result } from './invoke.js';
import { CLUSTER, enterWorkspace, POLICY } from './workspace.js';

const MORE = `---
apiVersion: v1
kind: Pod
metadata: {name: dns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {nodeName: n1, containers: [{name: c, image: x}]}
status: {phase: Running, podIP: 10.0.0.53}
---
apiVersion: v1
kind: Pod
metadata: {name: db-canary, namespace: shop, labels: {app: db, track: canary}}
spec: {nodeName: n1, containers: [{name: c, image: x}]}
status: {phase: Running, podIP: 10.0.0.3}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {podCIDR: 10.0.0.0/24}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
---
apiVersion: v1
kind: Service
metadata: {name: kubernetes, namespace: default}
spec: {clusterIP: 10.96.0.1, ports: [{name: https, port: 443, targetPort: 6443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
ports: [{name: https, port: 6443}]
endpoints: [{addresses: [192.0.2.10]}]
`;

const SEEN = [
  { from: 'shop/fe', to: 'shop/db', protocol: 'TCP', port: 5432, count: 4 },
  { from: 'shop/fe', to: 'kube-system/dns', protocol: 'UDP', port: 53, count: 2 },
  { from: 'shop/fe', to: '203.0.113.8', protocol: 'TCP', port: 443 },
  { from: 'shop/fe', to: '203.0.113.9', protocol: 'TCP', port: 443 },
  { from: 'shop/db', to: 'service default/kubernetes', protocol: 'TCP', port: 443 },
  { from: 'shop/fe', to: 'shop/db', protocol: 'TCP', port: 22, verdict: 'deny' },
];

let workspace: ReturnType<typeof enterWorkspace>;
beforeAll(() => {
  workspace = enterWorkspace({
    'cluster.yaml': CLUSTER + MORE,
    'policy.yaml': POLICY,
    'flows.json': SEEN.map((one) => JSON.stringify(one)).join('\n'),
  });
});
afterAll(() => workspace.leave());

function suggest(argv: readonly string[], options?: InvokeOptions): Promise<Result> {
  return invoke(['suggest', ...argv, '--cluster', 'cluster.yaml'], options);
}

function fromFlows(flows: readonly object[], ...argv: readonly string[]): Promise<Result> {
  const stdin = flows.map((one) => JSON.stringify(one)).join('\n');
  return suggest(['--flows', '-', ...argv], { stdin });
}

async function replayed(policies: string): Promise<Readonly<Record<string, number>>> {
  const argv = ['replay', policies, '--flows', 'flows.json', '--cluster', 'cluster.yaml'];
  const { stdout } = await invoke([...argv, '--format', 'json']);
  return (JSON.parse(stdout) as { flows: Readonly<Record<string, number>> }).flows;
}

describe('policyc suggest', () => {
  it('drafts manifests for each workload, and says what it leaves out', async () => {
    const { code, stdout, stderr } = await suggest(['--flows', 'flows.json']);
    expect(code).toBe(0);
    const fe = stdout.slice(stdout.indexOf('name: fe'));
    expect(fe.split('\n')).toEqual([
      'name: fe',
      'spec:',
      '  podSelector:',
      '    matchLabels:',
      '      app: fe',
      '  policyTypes:',
      '    - Ingress',
      '    - Egress',
      '  egress:',
      '    # seen 2 times',
      '    - to:',
      '        - namespaceSelector:',
      '            matchLabels:',
      '              kubernetes.io/metadata.name: kube-system',
      '          podSelector:',
      '            matchLabels:',
      '              k8s-app: kube-dns',
      '      ports:',
      '        - protocol: TCP',
      '          port: 53',
      '        - protocol: UDP',
      '          port: 53',
      '    # seen 4 times',
      '    - to:',
      '        - podSelector:',
      '            matchLabels:',
      '              app: db',
      '            matchExpressions:',
      '              - key: track',
      '                operator: DoesNotExist',
      '      ports:',
      '        - protocol: TCP',
      '          port: 5432',
      '    # seen 2 times',
      '    - to:',
      '        - ipBlock:',
      '            cidr: 203.0.113.8/31',
      '      ports:',
      '        - protocol: TCP',
      '          port: 443',
      '',
    ]);
    expect(stderr).toContain('left out: shop/fe → shop/db 22/tcp: denied by policies (1×');
    expect(stderr).toContain('`shop/fe` gets port 53 of TCP');
    expect(stderr).toContain('no flow of the log is of `shop/db-canary`');
  });

  it('drafts the same in the policy language, with its own words', async () => {
    const { stdout } = await suggest(['--flows', 'flows.json', '--emit', 'pol']);
    expect(stdout.slice(stdout.indexOf('namespace shop')).split('\n')).toEqual([
      'namespace shop {',
      '  group db = pods where not (track exists) and app == "db"',
      '  group fe = pods where app == "fe"',
      '',
      '  isolate ingress, egress for db, fe',
      '',
      '  allow egress from db to apiserver port 443/tcp # seen once, at flows.json:5',
      '  allow egress from fe to dns # seen 2 times',
      '  flow fe -> db port 5432/tcp # seen 4 times',
      '  allow egress from fe to 203.0.113.8/31 port 443/tcp # seen 2 times',
      '}',
      '',
    ]);
  });

  it.each([
    ['draft.yaml', 'yaml'],
    ['draft.pol', 'pol'],
  ])('writes %s, which cuts nothing of the log that it is from', async (path, emit) => {
    const { stdout } = await suggest(['--flows', 'flows.json', '--emit', emit, '-o', path]);
    expect(stdout).toMatch(
      /^wrote draft\.\w+: 3 policies for 9 flows; 0 need nothing, 1 are left out\n/,
    );
    expect(await replayed(path)).toMatchObject({ cut: 0, kept: 9, denied: 1, opened: 0 });
    const format = await invoke(['check', path, '--cluster', 'cluster.yaml']);
    expect(format.code).toBe(0);
    if (emit === 'pol') expect((await invoke(['fmt', '--check', path])).code).toBe(0);
  });

  it('drafts the same bytes for the same log in another order', async () => {
    const one = await suggest(['--flows', 'flows.json', '--min-count', '2']);
    writeFileSync('flows.json.bak', readFileSync('flows.json'));
    const again = await suggest(['--flows', 'flows.json', '--min-count', '2']);
    expect(again.stdout).toBe(one.stdout);
    const strip = (text: string): string => text.replace(/^.*#.*\n/gm, '');
    expect(strip((await fromFlows([...SEEN].reverse(), '--min-count', '2')).stdout)).toBe(
      strip(one.stdout),
    );
  });

  it('leaves out what was seen too seldom', async () => {
    const { stdout, stderr } = await suggest(['--flows', 'flows.json', '--min-count', '2']);
    expect(stdout).not.toContain('203.0.113');
    expect(stderr).toContain(
      'shop/fe → outside (2 addresses, such as 203.0.113.8) 443/tcp: seen fewer than 2 times',
    );
  });

  it.each([
    ['24', ['203.0.113.0/24']],
    ['/8', ['203.0.0.0/8']],
    ['any', ['0.0.0.0/0', '::/0']],
  ])('widens to %s where it is told', async (length, cidrs) => {
    const { stdout } = await suggest(['--flows', 'flows.json', '--widen', length]);
    const found = [...stdout.matchAll(/cidr: (.*)/g)].map(([, cidr]) => cidr);
    expect(found.filter((cidr) => cidr !== '192.0.2.10/32')).toEqual(cidrs);
    if (length === 'any') expect(stdout).toContain('except:\n              - 10.0.0.0/24');
  });

  it('never widens over what the cluster holds', async () => {
    const flow = { from: 'shop/fe', to: '192.0.2.99', protocol: 'TCP', port: 443 };
    const { stdout } = await fromFlows([flow], '--widen', '24');
    expect(stdout).toContain('cidr: 192.0.2.99/32');
  });

  it('drafts only what policies lack', async () => {
    const flows = [...SEEN, { from: '198.51.100.7', to: 'shop/db', protocol: 'TCP', port: 9000 }];
    writeFileSync('lacking.json', flows.map((one) => JSON.stringify(one)).join('\n'));
    const { stdout, stderr } = await suggest(['policy.yaml', '--flows', 'lacking.json']);
    expect(stdout.slice(stdout.indexOf('---')).split('\n')).toEqual([
      '---',
      'apiVersion: networking.k8s.io/v1',
      'kind: NetworkPolicy',
      'metadata:',
      '  namespace: shop',
      '  name: db-seen',
      'spec:',
      '  podSelector:',
      '    matchLabels:',
      '      app: db',
      '    matchExpressions:',
      '      - key: track',
      '        operator: DoesNotExist',
      '  policyTypes:',
      '    - Ingress',
      '  ingress:',
      '    # seen once, at lacking.json:7',
      '    - from:',
      '        - ipBlock:',
      '            cidr: 198.51.100.7/32',
      '      ports:',
      '        - protocol: TCP',
      '          port: 9000',
      '',
    ]);
    expect(stderr).not.toContain('isolates');
  });

  it('says so where nothing is lacking, and where an ordered tier denies', async () => {
    const nothing = await suggest(['policy.yaml', '--flows', 'flows.json']);
    expect(nothing.stderr).toContain('warning[suggest/nothing]');
    writeFileSync(
      'admin.pol',
      'tier security order 10\npolicy no tier security priority 1 {\n  subject pods\n  egress {\n    deny to 203.0.113.0/24\n  }\n}\n',
    );
    const denied = await suggest(['admin.pol', '--flows', 'flows.json']);
    expect(denied.stderr).toContain('denied by no egress[0], which no NetworkPolicy changes');
  });

  it('says where an addition isolates pods that were open', async () => {
    const part = POLICY.replace('matchLabels: {app: db}', 'matchLabels: {track: canary}');
    writeFileSync('part.yaml', part.replace('name: db', 'name: part'));
    const set = 'apiVersion: v1\nkind: Pod\nmetadata:\n  namespace: shop\n';
    const owner = '  ownerReferences: [{kind: StatefulSet, name: kv, controller: true}]\n';
    const pod = (i: number, labels: string): string =>
      `---\n${set}  name: kv-${i}\n  labels: {app: kv${labels}}\n${owner}spec: {nodeName: n1}\nstatus: {phase: Running, podIP: 10.0.0.${20 + i}}\n`;
    writeFileSync('kv.yaml', CLUSTER + MORE + pod(0, '') + pod(1, ', track: canary'));
    const flow = { from: 'shop/fe', protocol: 'TCP', port: 6379 };
    const stdin = [
      { ...flow, to: 'shop/kv-1' },
      { ...flow, to: 'shop/kv-0', port: 7000 },
    ];
    const argv = ['suggest', 'part.yaml', '--flows', '-', '--cluster', 'kv.yaml'];
    const { stdout, stderr } = await invoke(argv, {
      stdin: stdin.map((one) => JSON.stringify(one)).join('\n'),
    });
    expect(stderr).toContain(
      'the draft isolates pods of `shop/kv` that no policy isolated for ingress',
    );
    // What was open there gets a rule too.
    expect(stdout).toContain('port: 7000');
  });

  it('says which workloads labels do not tell apart', async () => {
    const twin = `---\napiVersion: v1\nkind: Pod\nmetadata: {name: fe2, namespace: shop, labels: {app: fe}}\nspec: {nodeName: n1}\nstatus: {phase: Running, podIP: 10.0.0.9}\n`;
    writeFileSync('twins.yaml', CLUSTER + MORE + twin);
    const argv = ['suggest', '--flows', 'flows.json', '--cluster', 'twins.yaml'];
    const { stderr } = await invoke(argv);
    expect(stderr).toContain('no labels tell the pods of `shop/fe` from those of `shop/fe2`');
  });

  it('leaves out ICMP, and isolates nobody for it', async () => {
    const { stdout, stderr } = await fromFlows([
      { from: 'shop/fe', to: 'shop/db', protocol: 'ICMP' },
    ]);
    expect(stdout).not.toContain('kind: NetworkPolicy');
    expect(stderr).toContain('suggest/nothing');
  });

  it('tells all in JSON', async () => {
    const { stdout } = await suggest(['--flows', 'flows.json', '--format', 'json']);
    const found = JSON.parse(stdout) as Record<string, unknown>;
    expect(found).toMatchObject({
      policies: 3,
      flows: { drafted: 9, covered: 0, leftOut: 1 },
      leftOut: [{ why: 'denied by policies', from: 'shop/fe', to: 'shop/db', ports: '22/tcp' }],
    });
    expect(found['text']).toContain('kind: NetworkPolicy');
  });

  it.each([
    [['--flows', 'flows.json', '--widen', '33'], 'suggest/bad-widening'],
    [['--flows', 'flows.json', '--widen', 'all'], 'suggest/bad-widening'],
    [['--flows', 'flows.json', '--min-count', '0'], 'suggest/bad-count'],
    [['--flows', 'flows.json', '-o', 'cluster.yaml'], 'cli/output-is-input'],
    [['--flows', 'cluster.yaml'], 'replay/unknown-format'],
    [[], 'cli/missing-argument'],
  ])('refuses %j', async (argv, expected) => {
    const { code, stdout, stderr } = await suggest(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`error[${expected}]`);
  });
});
