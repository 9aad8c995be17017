/** `--as` and `policyc portability`, as users call them. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invoke, type Result } from './invoke.js';
import { enterWorkspace } from './workspace.js';

const pod = (namespace: string, app: string, address: string, port: string): string => `
  - apiVersion: v1
    kind: Pod
    metadata: {name: ${app}-0, namespace: ${namespace}, labels: {app: ${app}}}
    spec: {nodeName: n1, containers: [{name: c, ports: [${port}]}]}
    status: {phase: Running, podIP: ${address}, podIPs: [{ip: ${address}}]}`;

const CLUSTER = `apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
  - {apiVersion: v1, kind: Namespace, metadata: {name: dns}}
  - {apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 192.168.1.1}]}}
  - apiVersion: v1
    kind: Service
    metadata: {name: db, namespace: shop}
    spec: {clusterIP: 10.96.0.20, selector: {app: db}, ports: [{protocol: TCP, port: 15432, targetPort: 5432}]}${pod(
      'shop',
      'web',
      '10.1.0.10',
      '{name: http, containerPort: 8080}',
    )}${pod('shop', 'db', '10.1.0.20', '{name: pg, containerPort: 5432}')}${pod(
      'dns',
      'dns',
      '10.1.0.30',
      '{name: dns, containerPort: 53, protocol: UDP}',
    )}
`;

const POLICY = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress:
    - to: [{ipBlock: {cidr: 10.1.0.0/16}}]
      ports: [{protocol: UDP, port: 53}]
    - to: [{ipBlock: {cidr: 10.1.0.0/16}}]
      ports: [{port: 5432}]
`;

const FLOWS = `- {from: shop/web-0, to: dns/dns-0, protocol: UDP, port: 53}
- {from: shop/web-0, to: service shop/db, protocol: TCP, port: 15432}
- {from: shop/web-0, to: 192.168.1.1, protocol: TCP, port: 10250}
- {from: shop/web-0, to: 192.168.1.1, protocol: TCP, port: 30080}
- {from: dns/dns-0, to: shop/db-0, protocol: SCTP, port: 5000}
- {from: shop/web-0, to: 203.0.113.9, protocol: ICMP}
`;

let workspace: ReturnType<typeof enterWorkspace>;
beforeAll(() => {
  workspace = enterWorkspace({
    'cluster.yaml': CLUSTER,
    'policy.yaml': POLICY,
    'wider.yaml': POLICY.replace('5432', '5433'),
    'flows.yaml': FLOWS,
    'own.pol': 'namespace shop {\n  isolate ingress\n}\n',
  });
});
afterAll(() => workspace.leave());

const EVAL = ['eval', '--policies', 'policy.yaml', '--cluster', 'cluster.yaml'];

async function verdicts(as: string): Promise<readonly string[]> {
  const argv = [...EVAL, '--flows', 'flows.yaml', '--as', as, '--format', 'json'];
  const { code, stdout } = await invoke(argv);
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { verdict: string }[]).map(({ verdict }) => verdict);
}

describe('eval --as', () => {
  it.each([
    ['policyc', ['allow', 'allow', 'deny', 'deny', 'allow', 'deny']],
    ['upstream', ['allow', 'allow', 'allow', 'allow', 'allow', 'deny']],
    ['cilium', ['deny', 'deny', 'deny', 'deny', 'deny', 'deny']],
    ['cilium+sctp', ['deny', 'deny', 'deny', 'deny', 'allow', 'deny']],
    ['calico', ['allow', 'allow', 'deny', 'deny', 'allow', 'deny']],
    ['aws', ['allow', 'deny', 'allow', 'allow', 'allow', 'deny']],
    ['k3s', ['allow', 'allow', 'deny', 'allow', 'allow', 'allow']],
  ])('judges as %s does', async (as, expected) => {
    expect(await verdicts(as)).toEqual(expected);
  });

  it('tells on standard error what is different, and where', async () => {
    const { stderr } = await invoke([...EVAL, '--flows', 'flows.yaml', '--as', 'cilium']);
    expect(stderr).toContain('judged as Cilium 1.20');
    expect(stderr).toContain(
      'cilium-1  ipBlock and networks never match pods, whatever their addresses  policy.yaml:8:7 and 1 more',
    );
  });

  it('tells what it does not judge where that may matter', async () => {
    const { stderr } = await invoke([...EVAL, '--flows', 'flows.yaml', '--as', 'aws']);
    expect(stderr).toMatch(/not judged.*\n\s+aws-9 /);
  });

  it.each([
    [['--as', 'celium'], 'did you mean `cilium`?'],
    [['--as', 'cilium@new'], 'write it as `1.20`'],
    [['--as', 'cilium+ipv7'], 'there are `cidr-match-nodes`'],
    [['--as', 'cilium', '--engine', 'vm'], 'leave `--engine` out'],
  ])('refuses %j', async (more, hint) => {
    const { code, stdout, stderr } = await invoke([...EVAL, '--flows', 'flows.yaml', ...more]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(hint);
  });

  it('refuses policies that nobody else reads', async () => {
    const argv = ['eval', '--policies', 'own.pol', '--cluster', 'cluster.yaml', '--as', 'k3s'];
    const { code, stderr } = await invoke([...argv, '--flows', 'flows.yaml']);
    expect(code).toBe(2);
    expect(stderr).toContain('`k3s` does not read the policy language');
  });
});

describe('list --as and diff --as', () => {
  it('list what the implementation allows', async () => {
    const argv = ['list', 'policy.yaml', '--cluster', 'cluster.yaml', '--focus', 'shop/web-0'];
    const { stdout } = await invoke([...argv, '--as', 'cilium']);
    expect(stdout).toContain('policy.yaml in cluster.yaml as Cilium 1.20');
    expect(stdout).not.toMatch(/dns\/dns-0.* 53\/udp/);
    const { stdout: ours } = await invoke(argv);
    expect(ours).toMatch(/dns\/dns-0.* 53\/udp/);
  });

  it('see no change where the implementation makes none of it', async () => {
    const argv = ['diff', 'policy.yaml', 'wider.yaml', '--cluster', 'cluster.yaml'];
    const { stdout } = await invoke([...argv, '--as', 'cilium+sctp', '--format', 'json']);
    const { changes } = JSON.parse(stdout) as { changes: { to: { text: string } }[] };
    expect(changes.map(({ to }) => to.text).join()).not.toContain('shop/db');
    const { stdout: plain } = await invoke(argv);
    expect(plain).toMatch(/shop\/web-0 → .*shop\/db-0/);
  });

  it('need a cluster, and both operands', async () => {
    const none = await invoke(['diff', 'policy.yaml', 'wider.yaml', '--as', 'cilium']);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('`--as` judges in a cluster');
    const one = await invoke(['diff', 'policy.yaml', '--cluster', 'cluster.yaml']);
    expect(one.code).toBe(2);
    expect(one.stderr).toContain('needs NEW');
  });
});

const PAIR = [
  'diff',
  '--as',
  'cilium',
  '--as',
  'calico',
  'policy.yaml',
  '--cluster',
  'cluster.yaml',
];

interface PairJson {
  readonly changes: readonly {
    readonly tag: string;
    readonly ports: string;
    readonly differences: readonly string[];
    readonly causes: readonly { readonly witness: object }[];
  }[];
  readonly touches: readonly { readonly id: string; readonly sources: readonly string[] }[];
}

async function pair(): Promise<PairJson> {
  const { stdout } = await invoke([...PAIR, '--format', 'json']);
  return JSON.parse(stdout) as PairJson;
}

describe('diff --as A --as B', () => {
  it('names the flows, who decides in each, the rows, and a flow to try', async () => {
    const { code, stdout, stderr } = await invoke(PAIR);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(
      [
        '  shop/web-0 → dns/dns-0, shop/db-0  5432/tcp, 53/udp',
        '      because  cilium-1',
        '      cilium   egress denied: isolated by shop/web (policy.yaml:3:18)',
        '      calico   egress allowed: shop/web egress[1] (policy.yaml:10:7)',
        '      try      shop/web-0 → dns/dns-0 5432/TCP',
      ].join('\n'),
    );
    expect(stdout).toContain('  cilium-4  SCTP is dropped');
  });

  it('gives witnesses that eval judges apart', async () => {
    const { changes, touches } = await pair();
    expect(changes.length).toBeGreaterThan(1);
    for (const { tag, causes, differences } of changes) {
      expect(differences.length).toBeGreaterThan(0);
      for (const id of differences) expect(touches.map((one) => one.id)).toContain(id);
      for (const { witness } of causes) {
        writeFileSync('witness.yaml', JSON.stringify([witness]));
        const judged = await Promise.all(
          ['cilium', 'calico'].map(async (as) => {
            const argv = [...EVAL, '--flows', 'witness.yaml', '--as', as, '--format', 'json'];
            const { stdout } = await invoke(argv);
            return (JSON.parse(stdout) as { verdict: string }[])[0]?.verdict;
          }),
        );
        expect(judged).toEqual(tag === 'widened' ? ['deny', 'allow'] : ['allow', 'deny']);
      }
    }
  });

  it('is a gate', async () => {
    const { code, stdout } = await invoke([...PAIR, '--fail-on', 'any']);
    expect(code).toBe(1);
    expect(stdout).toContain('fails on any');
    const narrow = await invoke([...PAIR, '--fail-on', 'narrow']);
    expect(narrow.code).toBe(0);
  });

  it('finds nothing between an implementation and itself', async () => {
    const argv = ['diff', '--as', 'aws', '--as', 'aws', 'policy.yaml', '--cluster', 'cluster.yaml'];
    const { stdout } = await invoke(argv);
    expect(stdout).toContain('aws 1.21 and aws 1.21 judge every flow alike in cluster.yaml');
  });

  it.each([
    [['--as', 'aws'], 'given more than twice'],
    [['--format', 'sarif'], 'no SARIF'],
    [['--fail-on', 'cost'], 'cost'],
    [['--accept', 'flows.yaml'], '--accept'],
  ])('refuses %j', async (more, what) => {
    const { code, stderr } = await invoke([...PAIR, ...more]);
    expect(code).toBe(2);
    expect(stderr).toContain(what);
  });

  it.each(['markdown', 'dot', 'svg'])('writes %s', async (format) => {
    const { code, stdout } = await invoke([...PAIR, '--format', format]);
    expect(code).toBe(0);
    // Graphviz writes a dash in text as a character reference.
    expect(stdout.replaceAll('&#45;', '-')).toContain('cilium-1');
  });
});

describe('policyc portability', () => {
  const ask = (...argv: readonly string[]): Promise<Result> =>
    invoke(['portability', 'policy.yaml', '--cluster', 'cluster.yaml', ...argv]);

  it('says what each implementation makes of the policies', async () => {
    const { code, stdout } = await ask();
    expect(code).toBe(0);
    for (const name of ['policyc', 'cilium 1.20', 'calico 3.32', 'aws 1.21', 'k3s 1.34']) {
      expect(stdout).toContain(`\n${name} `);
    }
    expect(stdout).toMatch(/cilium 1\.20 .*cilium-1/);
    expect(stdout).toContain('aws-3  what a pod sends to a Service');
  });

  it('writes JSON and Markdown of those that are asked for', async () => {
    const { stdout } = await ask('--as', 'k3s', '--format', 'json');
    const survey = JSON.parse(stdout) as { edition: { name: string }; because: string[] }[];
    expect(survey.map(({ edition }) => edition.name)).toEqual(['k3s']);
    expect(survey[0]?.because).toContain('k3s-5');
    expect((await ask('--as', 'k3s', '--format', 'markdown')).stdout).toContain('* `k3s-6`');
  });
});
