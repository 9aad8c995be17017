/** `policyc diff`, as users call it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invoke, type Result } from './invoke.js';
import { CLUSTER, enterWorkspace, POLICY } from './workspace.js';

const WIDER = POLICY.replace('5432', '5433').replace('name: db', 'name: db\n  annotations: {}');

/** Selects by labels of namespaces and by a port's name, and lets all addresses in but some. */
const EDGE = `${POLICY}---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: edge, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
  - from: [{namespaceSelector: {matchLabels: {team: edge}}}]
    ports: [{port: http}]
  - from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.9.0.0/16]}}]
    ports: [{port: 443}]
`;

let workspace: ReturnType<typeof enterWorkspace>;
beforeAll(() => {
  workspace = enterWorkspace({
    'cluster.yaml': CLUSTER,
    'policy.yaml': POLICY,
    'wider.yaml': WIDER,
    'none.yaml': '',
    'edge.yaml': EDGE,
    'many.yaml': Array.from({ length: 15 }, (_, i) =>
      POLICY.replace('name: db', `name: db-${i}`).replace('app: db', `key-${i}: "yes"`),
    ).join('---\n'),
    'empty.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n',
  });
});
afterAll(() => workspace.leave());

function diff(...argv: readonly string[]): Promise<Result> {
  return invoke(['diff', ...argv]);
}

interface ChangeJson {
  readonly tag: string;
  readonly fingerprint: string;
  readonly ports: string;
  readonly clusters: readonly string[];
  readonly from: { readonly text: string };
  readonly to: { readonly text: string };
  readonly causes: readonly {
    readonly witness: object;
    readonly was: { readonly verdict: string; readonly ingress: { readonly at: string } };
    readonly is: { readonly verdict: string; readonly ingress: { readonly at: string } };
  }[];
}

async function changes(...argv: readonly string[]): Promise<readonly ChangeJson[]> {
  const { stdout } = await diff(...argv, '--format', 'json');
  return (JSON.parse(stdout) as { changes: readonly ChangeJson[] }).changes;
}

const PAIR = ['policy.yaml', 'wider.yaml', '--cluster', 'cluster.yaml'];

describe('policyc diff', () => {
  it('tells what was, what is, who decides, and a packet to try', async () => {
    const { code, stdout, stderr } = await diff(...PAIR);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n').map((line) => line.replace(/[0-9a-f]{16}/, 'ID'))).toEqual([
      'policy.yaml → wider.yaml: 1 widened, 1 narrowed; 2 of 2 pods touched in cluster.yaml',
      '',
      'WIDENED  denied before, allowed now',
      '  shop/fe → shop/db  5433/tcp',
      '      was   ingress denied: isolated by shop/db (policy.yaml:4:9)',
      '      now   ingress allowed: shop/db ingress[0] (wider.yaml:10:7)',
      '      try   shop/fe → shop/db 5433/TCP',
      '      id    ID',
      '',
      'NARROWED  allowed before, denied now; open connections are cut',
      '  shop/fe → shop/db  5432/tcp',
      '      was   ingress allowed: shop/db ingress[0] (policy.yaml:9:7)',
      '      now   ingress denied: isolated by shop/db (wider.yaml:4:9)',
      '      try   shop/fe → shop/db 5432/TCP',
      '      id    ID',
      '',
      'cost  unchanged',
      'cost  running connections of 1 narrowed change are cut',
      '',
    ]);
  });

  it('is empty where nothing changes', async () => {
    const { stdout } = await diff('policy.yaml', 'policy.yaml', '--cluster', 'cluster.yaml');
    expect(stdout).toContain('no connection changes in cluster.yaml');
  });

  it('gives witnesses that eval takes as they are, and judges alike', async () => {
    const found = await changes('policy.yaml', 'none.yaml', '--cluster', 'cluster.yaml');
    expect(found.length).toBeGreaterThan(0);
    for (const { causes } of found) {
      for (const { witness, was, is } of causes) {
        const judge = async (policies: string): Promise<string | undefined> => {
          const argv = ['eval', '--policies', policies, '--cluster', 'cluster.yaml'];
          const { stdout } = await invoke([...argv, '--flows', '-', '--format', 'json'], {
            stdin: JSON.stringify([witness]),
          });
          return (JSON.parse(stdout) as readonly { verdict: string }[])[0]?.verdict;
        };
        expect(await judge('policy.yaml')).toBe(was.verdict);
        expect(await judge('none.yaml')).toBe(is.verdict);
      }
    }
  });

  it.each([
    ['widen', 1],
    ['narrow', 1],
    ['any', 1],
    ['cost', 0],
    ['cost,widen', 1],
  ])('fails on %s with %i', async (gate, expected) => {
    expect((await diff(...PAIR, '--fail-on', gate)).code).toBe(expected);
  });

  it('passes what is accepted, and reports what accepts nothing', async () => {
    const found = await changes(...PAIR);
    const entries = [...found.map(({ fingerprint }) => fingerprint), '00000000000000aa'];
    writeFileSync(
      'accepted.yaml',
      entries.map((one) => `- {fingerprint: "${one}", reason: planned}\n`).join(''),
    );
    const argv = [...PAIR, '--fail-on', 'any', '--accept', 'accepted.yaml'];
    const { code, stdout, stderr } = await diff(...argv);
    expect(code).toBe(0);
    expect(stdout).toContain('ACCEPTED');
    expect(stderr).toContain('warning[diff/stale-acceptance]');
    expect(stderr).toContain('accepted.yaml:3');
  });

  it.each([
    ['{a: b}', 'it is no list'],
    ['- 1', 'no mapping'],
    ['- {fingerprint: abc, reason: x}', '16 hexadecimal digits'],
    ['- {fingerprint: "00000000000000aa"}', 'no `reason`'],
    ['- {fingerprint: "00000000000000aa", reason: x, until: y}', 'unknown field `until`'],
  ])('refuses the list of accepted changes %s', async (text, reason) => {
    writeFileSync('bad.yaml', text);
    const { code, stderr } = await diff(...PAIR, '--accept', 'bad.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain('error[diff/bad-acceptance]');
    expect(stderr).toContain(reason);
  });

  it('tells what is the same in several clusters once', async () => {
    writeFileSync('small.yaml', CLUSTER.split('---').slice(0, 2).join('---'));
    writeFileSync('node.yaml', 'apiVersion: v1\nkind: Node\nmetadata: {name: n9}\n');
    const more = ['--cluster', 'cluster.yaml', 'node.yaml', '--cluster=small.yaml'];
    const found = await changes(...PAIR, ...more);
    expect(found.map(({ clusters }) => clusters)).toEqual([
      ['cluster.yaml', 'cluster.yaml node.yaml'],
      ['cluster.yaml', 'cluster.yaml node.yaml'],
    ]);
    expect((await diff(...PAIR, ...more)).stdout).toContain('the same on 2 of 3');
  });

  it('compares bundles with paths', async () => {
    await invoke(['compile', 'policy.yaml', '--no-validate', '-o', 'old.bundle']);
    const found = await changes('old.bundle', 'wider.yaml', '--cluster', 'cluster.yaml');
    expect(found.map(({ tag }) => tag)).toEqual(['widened', 'narrowed']);
    expect(found[0]?.causes[0]?.was.ingress.at).toBe('policy.yaml:4:9');
  });

  it.each([
    ['markdown', /^\*\*policy\.yaml → wider\.yaml.*\n\n\|.*\| --- \|\n/s],
    ['sarif', /"ruleId": "diff\/widened"[^]*"startLine": 10/],
    ['dot', /n0 -> n1 \[label="\+ 5433\/tcp"/],
    ['svg', /<svg [^]*5433\/tcp/],
  ])('writes %s', async (format, expected) => {
    const { code, stdout } = await diff(...PAIR, '--format', format);
    expect(code).toBe(0);
    expect(stdout).toMatch(expected);
  });

  it.each([
    [['many.yaml', 'policy.yaml'], 'diff/too-many-kinds'],
    [['-', '-', '--cluster', 'cluster.yaml'], 'diff/two-inputs'],
    [['nothing.yaml', 'wider.yaml', '--cluster', 'cluster.yaml'], 'source/not-found'],
    [[...PAIR, '--fail-on', 'wide'], 'cli/bad-choice'],
    [[...PAIR, '--format', 'pdf'], 'cli/bad-choice'],
    [['policy.yaml', '--cluster', 'cluster.yaml'], 'cli/missing-argument'],
  ])('refuses %j', async (argv, expected) => {
    const { code, stdout, stderr } = await diff(...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`error[${expected}]`);
  });

  it('refuses policies that do not parse, and bundles that are none', async () => {
    writeFileSync('broken.yaml', 'kind: [\n');
    writeFileSync('other.bundle', readFileSync('policy.yaml'));
    for (const [operand, code] of [
      ['broken.yaml', 'yaml/syntax'],
      ['other.bundle', 'bundle/unreadable'],
    ] as const) {
      for (const pair of [
        [operand, 'policy.yaml'],
        ['policy.yaml', operand],
      ]) {
        const result = await diff(...pair, '--cluster', 'cluster.yaml');
        expect(result.code).toBe(2);
        expect(result.stderr).toContain(`error[${code}]`);
      }
    }
  });

  it('says nothing changes in a cluster without pods', async () => {
    const cluster = ['--cluster', 'empty.yaml'];
    const { code, stdout, stderr } = await diff('policy.yaml', 'wider.yaml', ...cluster);
    expect(code).toBe(0);
    expect(stdout).toContain('no connection changes');
    expect(stderr).toContain('warning[diff/no-pods]: `empty.yaml` holds no pod');
  });
});

describe('policyc diff of git revisions', () => {
  const git = (...argv: readonly string[]): void => {
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
    execFileSync('git', [...identity, ...argv], { stdio: 'ignore' });
  };
  const odd = 'odd\n"name" $(x).yaml';
  beforeAll(() => {
    mkdirSync('policies/.hidden', { recursive: true });
    writeFileSync(`policies/${odd}`, POLICY);
    writeFileSync('policies/.hidden/broken.yaml', 'kind: [');
    writeFileSync('policies/README', 'not a policy');
    git('init', '-q', '-b', 'main');
    git('add', '-A');
    git('commit', '-qm', 'first');
    git('tag', 'feature/one');
    writeFileSync(`policies/${odd}`, WIDER);
  });

  it('reads them as they were, whatever files are called', async () => {
    const found = await changes('main:policies/', 'policies', '--cluster', 'cluster.yaml');
    expect(found.map(({ tag }) => tag)).toEqual(['widened', 'narrowed']);
    expect(found[0]?.causes[0]?.was.ingress.at).toBe(`main:/policies/${odd}:4:9`);
  });

  it('takes paths from the current folder where they start with a dot, tags and names with slashes', async () => {
    process.chdir('policies');
    try {
      for (const operand of ['main:./', 'feature/one:../policies', 'HEAD:policies']) {
        const found = await changes(operand, '.', '--cluster', '../cluster.yaml');
        expect(found).toHaveLength(2);
      }
    } finally {
      process.chdir('..');
    }
  });

  it.each([
    ['nowhere:policies', 'diff/unknown-revision'],
    ['--output=x:policies', 'cli/unknown-option'],
    ['main:nothing', 'diff/no-such-path'],
  ])('refuses %s', async (operand, expected) => {
    const { code, stderr } = await diff(operand, 'policies', '--cluster', 'cluster.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain(`error[${expected}`);
  });

  it('refuses links, which point out of the revision', async () => {
    symlinkSync('/etc/passwd', 'policies/link.yaml');
    git('add', '-A');
    git('commit', '-qm', 'link');
    const { code, stderr } = await diff(
      'HEAD:policies',
      'policy.yaml',
      '--cluster',
      'cluster.yaml',
    );
    expect(code).toBe(2);
    expect(stderr).toContain('error[diff/odd-entry]');
  });
});

describe('policyc diff without a cluster', () => {
  it('names pods by labels, and makes a cluster up for each change', async () => {
    const { code, stdout, stderr } = await diff('policy.yaml', 'wider.yaml');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n').map((line) => line.replace(/[0-9a-f]{16}/, 'ID'))).toEqual([
      'policy.yaml → wider.yaml: 1 widened, 1 narrowed, over all clusters',
      '',
      'WIDENED  denied before, allowed now',
      '  any pod with app=fe in namespace shop → any pod with app=db in namespace shop  5433/tcp',
      '      was   ingress denied: isolated by shop/db (policy.yaml:4:9)',
      '      now   ingress allowed: shop/db ingress[0] (wider.yaml:10:7)',
      '      try   shop/client → shop/server 5433/TCP',
      '      with  pod shop/client (app=fe) at 10.244.0.8',
      '      with  pod shop/server (app=db) at 10.244.0.7',
      '      id    ID',
      '',
      'NARROWED  allowed before, denied now; open connections are cut',
      '  any pod with app=fe in namespace shop → any pod with app=db in namespace shop  5432/tcp',
      '      was   ingress allowed: shop/db ingress[0] (policy.yaml:9:7)',
      '      now   ingress denied: isolated by shop/db (wider.yaml:4:9)',
      '      try   shop/client → shop/server 5432/TCP',
      '      with  pod shop/client (app=fe) at 10.244.0.8',
      '      with  pod shop/server (app=db) at 10.244.0.7',
      '      id    ID',
      '',
      'cost  unchanged',
      'cost  running connections of 1 narrowed change are cut',
      '',
      'given  pods on the host network are their node; connections through Services follow those of the pods behind them',
      '',
    ]);
  });

  it('tells conditions on namespaces, names of ports, and addresses without those left out', async () => {
    const found = await changes('policy.yaml', 'edge.yaml');
    const told = found.map(
      ({ tag, from, to, ports }) => `${tag} ${from.text} → ${to.text} ${ports}`,
    );
    const web = 'any pod with app=web in namespace shop';
    const outOf10 = 'at any IPv4 address except 10.0.0.0/8, plus 10.9.0.0/16';
    expect(told).toEqual([
      `narrowed anyone but any pod in a namespace with team=edge, ${outOf10} → ${web} any port`,
      `narrowed anyone but any pod in a namespace with team=edge, at 10.0.0.0/8 except 10.9.0.0/16 → ${web} any port but 443/tcp`,
      `narrowed anyone but any pod in a namespace with team=edge → ${web} any port`,
      `narrowed any pod in a namespace with team=edge at 10.0.0.0/8 except 10.9.0.0/16 → ${web} any port but 443/tcp, port "http"/tcp`,
      `narrowed any pod in a namespace with team=edge ${outOf10} → ${web} any port but port "http"/tcp`,
      `narrowed any pod in a namespace with team=edge → ${web} any port but port "http"/tcp`,
    ]);
  });

  it('tells Services from what is not behind them, and own nodes from others', async () => {
    const block = (...lines: readonly string[]): string =>
      ['namespace shop {', '  isolate egress', ...lines, '}', ''].join('\n');
    writeFileSync('closed.pol', block());
    writeFileSync('open.pol', block('  allow egress to apiserver port 443/tcp'));
    writeFileSync('nodes.pol', block('  allow egress to own-node port 9100/tcp'));
    const told = async (from: string, to: string): Promise<readonly string[]> =>
      (await changes(from, to)).map(
        (one) => `${one.tag} ${one.from.text} → ${one.to.text} ${one.ports}`,
      );
    const pods = 'any pod in namespace shop';
    expect(await told('closed.pol', 'open.pol')).toEqual([
      `widened ${pods} → whatever is behind service default/kubernetes 443/tcp`,
    ]);
    expect(await told('none.yaml', 'open.pol')).toEqual([
      `narrowed ${pods} → anyone but whatever is behind service default/kubernetes any port`,
      `narrowed ${pods} → whatever is behind service default/kubernetes any port but 443/tcp`,
    ]);
    expect(await told('closed.pol', 'nodes.pol')).toEqual([
      `widened ${pods} → its own node 9100/tcp`,
    ]);
  });

  it('sees what only happens where a name of a port and a number meet', async () => {
    const two = (rule: string): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out, namespace: shop}
spec:
  podSelector: {matchLabels: {app: fe}}
  policyTypes: [Egress]
  egress: [{ports: [{port: 8080}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: in, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [${rule}]
`;
    writeFileSync('by-number.yaml', two(''));
    writeFileSync(
      'by-name.yaml',
      two('{from: [{podSelector: {matchLabels: {app: fe}}}], ports: [{port: http}]}'),
    );
    const [only, ...others] = await changes('by-number.yaml', 'by-name.yaml');
    expect(others).toEqual([]);
    expect(only?.from.text).toBe('any pod with app=fe in namespace shop');
    expect(only?.ports).toBe('8080/tcp where it is called "http"');
  });

  it.each<[ranges: string, told: string]>([
    ['{port: 1024, endPort: 65535}', 'port "dns"/tcp'],
    ['{port: 53}, {port: 1024, endPort: 65535}', 'port "dns"/tcp'],
    ['{port: 1, endPort: 52}, {port: 54, endPort: 65535}', '53/tcp where it is called "dns"'],
  ])('sees a name of a port beside ranges that hold most ports: %s', async (ranges, told) => {
    const one = (ports: string): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: in, namespace: shop}
spec:
  podSelector: {}
  ingress: [{ports: [${ports}]}]
`;
    writeFileSync('ranges.yaml', one(ranges));
    writeFileSync('and-name.yaml', one(`${ranges}, {port: dns}`));
    const found = await changes('ranges.yaml', 'and-name.yaml');
    expect(found.map(({ tag, ports }) => `${tag} ${ports}`)).toEqual([`widened ${told}`]);
  });

  it('warns that workloads of manifests are one pod each, so that gossip between replicas cannot show', async () => {
    const one = (rules: string): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [${rules}]
`;
    writeFileSync('alone.yaml', one(''));
    writeFileSync(
      'gossip.yaml',
      one('{from: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 7000}]}'),
    );
    writeFileSync(
      'replicas.yaml',
      `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: db}]}
`,
    );
    const { stderr } = await diff('alone.yaml', 'gossip.yaml', '--cluster', 'replicas.yaml');
    expect(stderr).toContain(
      'warning[diff/one-pod-each]: workload `shop/db` has one pod in `replicas.yaml`',
    );
    expect((await changes('alone.yaml', 'gossip.yaml')).map(({ ports }) => ports)).toEqual([
      '7000/tcp',
    ]);
  });

  it('refuses a cluster of which there is nothing, so that no gate passes on a snapshot that failed', async () => {
    writeFileSync('nothing.yaml', '');
    const args = ['--cluster', 'nothing.yaml', '--fail-on', 'any'];
    const { code, stderr } = await diff('policy.yaml', 'edge.yaml', ...args);
    expect(code).toBe(2);
    expect(stderr).toContain('error[diff/empty-cluster]: `nothing.yaml` holds nothing');
  });

  it('says that nothing changes in any cluster', async () => {
    const { code, stdout } = await diff('edge.yaml', 'edge.yaml', '--fail-on', 'any');
    expect(code).toBe(0);
    expect(stdout).toContain('edge.yaml → edge.yaml: no connection changes in any cluster');
  });

  it('writes witnesses that eval takes as they are, and judges alike', async () => {
    const found = await changes('policy.yaml', 'edge.yaml', '--witnesses', 'found');
    const causes = found.flatMap((change) => change.causes);
    expect(causes.length).toBeGreaterThan(0);
    for (const [i, { was, is }] of causes.entries()) {
      const judge = async (policies: string): Promise<string | undefined> => {
        const cluster = ['--cluster', `found/cluster-${i + 1}.yaml`];
        const flows = ['--flows', `found/flow-${i + 1}.yaml`, '--format', 'json'];
        const { stdout } = await invoke(['eval', '--policies', policies, ...cluster, ...flows]);
        return (JSON.parse(stdout) as readonly { verdict: string }[])[0]?.verdict;
      };
      expect(await judge('policy.yaml')).toBe(was.verdict);
      expect(await judge('edge.yaml')).toBe(is.verdict);
    }
  });

  it('has gates, accepted changes and every format', async () => {
    expect((await diff('policy.yaml', 'wider.yaml', '--fail-on', 'widen')).code).toBe(1);
    const found = await changes('policy.yaml', 'wider.yaml');
    writeFileSync(
      'accepted-anywhere.yaml',
      found
        .map(({ fingerprint }) => `- {fingerprint: "${fingerprint}", reason: planned}\n`)
        .join(''),
    );
    const accepted = ['--fail-on', 'any', '--accept', 'accepted-anywhere.yaml'];
    expect((await diff('policy.yaml', 'wider.yaml', ...accepted)).code).toBe(0);
    for (const format of ['markdown', 'sarif', 'dot', 'svg', 'json']) {
      const { code, stdout } = await diff('policy.yaml', 'wider.yaml', '--format', format);
      expect({ format, code }).toEqual({ format, code: 0 });
      expect(stdout.replace(/\s+/g, ' ')).toContain('any pod with app=fe');
    }
  });
});
