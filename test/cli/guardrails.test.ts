/** `--guardrails`, and assertions for all clusters, as users call them. */
import { existsSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invoke, type Result } from './invoke.js';
import { CLUSTER, enterWorkspace, POLICY } from './workspace.js';

const GROUPS = `group db = pods in namespace shop where app == "db"
group fe = pods in namespace shop where app == "fe"
`;
const KEPT = `${GROUPS}assert never outside -> db any port
assert only fe reach db
assert reach all fe -> db port 5432/tcp
assert reach some fe -> db
assert isolated db ingress
`;
const BROKEN = `${GROUPS}assert never fe -> db port 5432/tcp
`;

let workspace: ReturnType<typeof enterWorkspace>;
beforeAll(() => {
  workspace = enterWorkspace({
    'cluster.yaml': CLUSTER,
    'policy.yaml': POLICY,
    'kept.pol': KEPT,
    'broken.pol': BROKEN,
    'empty-group.pol': 'assert never outside -> pods where app == "a" and app == "b"\n',
    'isolated.pol': `${GROUPS}assert isolated fe, db\n`,
    'nodes.pol': `${GROUPS}assert never nodes -> db\n`,
    'maps.pol': 'assert maps <= 64 MiB\n',
    'tests.pol': `test "spies are kept out" {
  given pod spy in namespace dev with app == "spy"
  given pod db-0 in namespace shop with app == "db"
  when spy -> db-0 port 5432/tcp
  expect deny by isolate
}
`,
    'policies.pol': 'namespace shop {\n  isolate ingress\n}\n',
    'nothing.pol': 'set corp: cidr = [10.0.0.0/8]\n',
  });
});
afterAll(() => workspace.leave());

function withGuardrails(
  command: string,
  file: string,
  ...more: readonly string[]
): Promise<Result> {
  return invoke([command, 'policy.yaml', '--guardrails', file, ...more]);
}

describe('assertions for all clusters', () => {
  it('are proved, and say what they take for granted', async () => {
    const { code, stdout, stderr } = await withGuardrails('test', 'kept.pol');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      'kept.pol',
      '  ok    assert never outside -> db any port',
      '  ok    assert only fe reach db',
      '  ok    assert reach all fe -> db port 5432/tcp',
      '  ok    assert reach some fe -> db',
      '  ok    assert isolated db ingress',
      '',
      'given  pods on the host network are their node; connections through Services follow those of the pods behind them',
      '',
      '5 passed, 0 failed',
      '',
    ]);
  });

  it('fail with a cluster made up, which eval takes', async () => {
    const result = await withGuardrails('test', 'broken.pol', '--witnesses', 'against');
    expect(result.code).toBe(1);
    expect(result.stdout).toContain(
      '`shop/client` to `shop/server` at 5432/TCP (IPv4) is allowed, with pod shop/client (app=fe) at',
    );
    expect(result.stdout).toContain('ingress is allowed here');
    const flows = ['--cluster', 'against/cluster-1.yaml', '--flows', 'against/flow-1.yaml'];
    const { stdout } = await invoke(['eval', '--policies', 'policy.yaml', ...flows]);
    expect(stdout).toContain('1 allowed, 0 denied');
  });

  it.each([
    ['empty-group.pol', 'is nobody in any cluster'],
    [
      'isolated.pol',
      'nothing isolates any pod with app=fe in namespace shop for ingress, nor any pod with app in (db, fe) in namespace shop for egress',
    ],
    ['nodes.pol', "is allowed: its own node's packets always are"],
    ['maps.pol', 'what tables take depends on the cluster, and none is given'],
  ])('of %s fail: %s', async (file, message) => {
    const { code, stdout } = await withGuardrails('test', file);
    expect(code).toBe(1);
    expect(stdout).toContain(message);
  });

  it('tell flows and clusters to machines', async () => {
    const { stdout } = await withGuardrails('test', 'broken.pol', '--format', 'json');
    const [one] = (JSON.parse(stdout) as { cases: readonly Record<string, unknown>[] }).cases;
    expect(one?.['counterexample']).toMatchObject({
      flow: { from: 'shop/client', to: 'shop/server', protocol: 'TCP', port: 5432 },
      cluster: [{ kind: 'Namespace' }, { kind: 'Pod' }, { kind: 'Pod' }],
    });
  });
});

describe('guardrails', () => {
  it.each(['test', 'check', 'compile'])('are kept before %s', async (command) => {
    for (const more of [[], ['--cluster', 'cluster.yaml']]) {
      const argv = command === 'compile' ? [...more, '-o', 'kept.bundle'] : more;
      const { code } = await withGuardrails(command, 'kept.pol', ...argv);
      expect({ command, more, code }).toEqual({ command, more, code: 0 });
    }
  });

  it('refuse a bundle, and fail a check and a difference', async () => {
    const compiled = await withGuardrails('compile', 'broken.pol', '-o', 'broken.bundle');
    expect(compiled.code).toBe(2);
    expect(compiled.stderr).toContain('error[assert/failed]');
    expect(existsSync('broken.bundle')).toBe(false);
    expect((await withGuardrails('check', 'broken.pol')).code).toBe(1);
    const argv = ['diff', 'policy.yaml', 'policy.yaml', '--guardrails', 'broken.pol'];
    const { code, stdout, stderr } = await invoke(argv);
    expect(code).toBe(1);
    expect(stdout).toContain('fails on guardrails');
    expect(stderr).toContain('error[assert/failed]');
    expect((await invoke([...argv.slice(0, 4), 'kept.pol'])).code).toBe(0);
  });

  it('name what they name, whatever policies call so', async () => {
    writeFileSync('author.pol', 'group db = pods in namespace elsewhere\n');
    const { code, stdout } = await invoke([
      'test',
      'policy.yaml',
      'author.pol',
      '--guardrails',
      'broken.pol',
    ]);
    expect(code).toBe(1);
    expect(stdout).toContain('is allowed');
  });

  it('run tests with pods of their own', async () => {
    expect((await withGuardrails('test', 'tests.pol')).stdout).toContain('1 passed, 0 failed');
    expect((await withGuardrails('check', 'tests.pol')).code).toBe(0);
  });

  it.each([
    ['policies.pol', 'assert/guardrail-policy'],
    ['nothing.pol', 'assert/no-guardrails'],
    ['missing.pol', 'source/not-found'],
  ])('of %s are refused', async (file, expected) => {
    const { code, stderr } = await withGuardrails('test', file);
    expect(code).toBe(2);
    expect(stderr).toContain(`error[${expected}]`);
  });

  it('break where a name of a port means the number that is asked about', async () => {
    const policy = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{ports: [{port: pg}]}]
`;
    writeFileSync('named.yaml', policy);
    writeFileSync('number.pol', `${GROUPS}assert only fe reach db port 5432/tcp\n`);
    const args = ['test', 'named.yaml', '--guardrails', 'number.pol'];
    const { code, stdout } = await invoke(args);
    expect(code).toBe(1);
    expect(stdout).toContain('with port 5432/TCP called "pg"');
  });
});
