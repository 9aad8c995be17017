/** `policyc eval`, as users call it. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../support/requires.js';
import { invoke } from './invoke.js';
import { CLUSTER, enterWorkspace, FLOWS, LANGUAGE, POLICY } from './workspace.js';

let workspace: ReturnType<typeof enterWorkspace>;
beforeAll(() => {
  workspace = enterWorkspace({
    'cluster.yaml': CLUSTER,
    'policy.yaml': POLICY,
    'both.yaml': `${CLUSTER}---\n${POLICY}`,
    'flows.yaml': FLOWS,
    'shop.pol': LANGUAGE,
  });
});
afterAll(() => workspace.leave());

const EXPECTED = [
  {
    verdict: 'allow',
    egress: { verdict: 'allow', rule: null, reason: 'default', at: null },
    ingress: {
      verdict: 'allow',
      rule: 'shop/db ingress[0]',
      reason: 'rule',
      at: 'policy.yaml:9:7',
    },
  },
  {
    verdict: 'deny',
    egress: { verdict: 'allow', rule: null, reason: 'default', at: null },
    ingress: { verdict: 'deny', rule: 'shop/db', reason: 'isolation', at: 'policy.yaml:4:9' },
  },
  {
    verdict: 'allow',
    ingress: { verdict: 'allow', rule: null, reason: 'default', at: null },
  },
];

const QUESTION = ['eval', '--policies', 'policy.yaml', '--cluster', 'cluster.yaml'];

describe('policyc eval', () => {
  const engines = ['model', 'vm', ...(lacks('root') === undefined ? ['kernel'] : [])];

  it.each(engines)('says verdict, rule and place, by the %s', async (engine) => {
    const more = ['--flows', 'flows.yaml', '--format', 'json', '--engine', engine];
    const { code, stdout, stderr } = await invoke([...QUESTION, ...more]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(EXPECTED);
  });

  it('reads flows from standard input, in JSON too', async () => {
    const stdin = '[{"from": "shop/fe", "to": "10.0.0.2", "protocol": "TCP", "port": 22}]';
    const more = ['--flows', '-', '--format=json'];
    const { stdout } = await invoke([...QUESTION, ...more], { stdin });
    expect(JSON.parse(stdout)).toEqual([EXPECTED[1]]);
  });

  it('takes one file as policies and as cluster', async () => {
    const both = ['--policies', 'both.yaml', '--cluster', 'both.yaml'];
    const { stdout, stderr } = await invoke(['eval', ...both, '--flows', 'flows.yaml']);
    expect(stderr).toBe('');
    expect(stdout).toContain('2 allowed, 1 denied');
  });

  it('takes one standard input as policies and as cluster', async () => {
    const both = ['--policies', '-', '--cluster', '-', '--flows', 'flows.yaml'];
    const { stdout } = await invoke(['eval', ...both], { stdin: `${CLUSTER}---\n${POLICY}` });
    expect(stdout).toContain('2 allowed, 1 denied');
  });

  it('reads the policy language beside manifests', async () => {
    const stdin = '[{"from": "shop/fe", "to": "shop/db", "protocol": "TCP", "port": 22}]';
    const argv = ['eval', '--policies', 'policy.yaml', 'shop.pol', '--cluster', 'cluster.yaml'];
    const { stdout } = await invoke([...argv, '--flows', '-', '--format', 'json'], { stdin });
    expect(JSON.parse(stdout)).toMatchObject([
      { verdict: 'deny', egress: { verdict: 'deny', reason: 'isolation', at: 'shop.pol:4:3' } },
    ]);
  });

  it('prints a table for people', async () => {
    const { stdout } = await invoke([...QUESTION, '--flows', 'flows.yaml']);
    expect(stdout.split('\n')).toEqual([
      'FROM       TO       PORT      VERDICT  EGRESS            INGRESS',
      'shop/fe    shop/db  5432/TCP  allow    allow: no policy  allow: shop/db ingress[0] (policy.yaml:9:7)',
      'shop/fe    shop/db  22/TCP    deny     allow: no policy  deny: isolated by shop/db (policy.yaml:4:9)',
      '192.0.2.1  shop/fe  53/UDP    allow    -                 allow: no policy',
      '',
      '2 allowed, 1 denied',
      '',
    ]);
  });

  it('reports all that is wrong with every input, once', async () => {
    writeFileSync('bad.yaml', 'kind: [\n');
    const argv = ['eval', '--policies', 'bad.yaml', '--cluster', 'bad.yaml', '--flows', 'none'];
    const { code, stdout, stderr } = await invoke([...argv, '--format', 'json']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const { diagnostics } = JSON.parse(stderr) as { diagnostics: readonly { code: string }[] };
    expect(diagnostics.map((one) => one.code)).toEqual(['yaml/syntax', 'source/not-found']);
  });

  it('underlines the part of a flow that is wrong', async () => {
    const stdin = '- {from: shop/fx, to: shop/db, protocol: tcp, port: 99999}\n';
    const { code, stderr } = await invoke([...QUESTION, '--flows', '-'], { stdin });
    expect(code).toBe(2);
    expect(stderr).toContain(' --> -:1:10');
    expect(stderr).toContain('did you mean `shop/fe`?');
    expect(stderr).toContain(' --> -:1:42');
    expect(stderr).toContain('2 errors');
  });

  it.each([
    [['--flows', 'flows.yaml', '--at', 'yesterday'], 'cli/bad-time'],
    [['--flows', 'flows.yaml', '--at', '2026-13-31T00:00:00Z'], 'cli/bad-time'],
    [['--flows', 'flows.yaml', '--at', '2026-12-31T00:00:00'], 'cli/bad-time'],
    [['--flows', '.'], 'cli/not-one-file'],
    [['--flows', 'flows.yaml', '--engine', 'kernle'], 'cli/bad-choice'],
    [[], 'cli/missing-argument'],
  ])('refuses %j', async (more, expected) => {
    const { code, stderr } = await invoke([...QUESTION, ...more]);
    expect(code).toBe(2);
    expect(stderr).toContain(`error[${expected}]`);
  });

  it('refuses a second document in the list of flows', async () => {
    const { stderr } = await invoke([...QUESTION, '--flows', '-'], { stdin: `${FLOWS}---\n[]\n` });
    expect(stderr).toContain('error[cli/flows-in-documents]');
  });

  it('warns where no policy is among the files', async () => {
    const argv = ['eval', '--policies', 'cluster.yaml', '--cluster', 'cluster.yaml'];
    const { code, stderr } = await invoke([...argv, '--flows', 'flows.yaml']);
    expect(code).toBe(0);
    expect(stderr).toContain('warning[cli/no-policies]');
  });

  it('answers in spite of conflicts, and warns of them', async () => {
    const conflicting = (name: string, action: string): string => `---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: ${name}}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  ingress: [{action: ${action}, from: [{namespaces: {}}]}]
`;
    writeFileSync('conflict.yaml', conflicting('b', 'Accept') + conflicting('a', 'Deny'));
    const argv = ['eval', '--policies', 'conflict.yaml', '--cluster', 'cluster.yaml'];
    const { code, stdout, stderr } = await invoke([...argv, '--flows', 'flows.yaml']);
    expect(code).toBe(0);
    expect(stderr).toContain('warning[check/equal-priority]');
    expect(stdout).toContain('deny: a ingress[0]');
    expect(await invoke(['compile', 'conflict.yaml'])).toMatchObject({ code: 2 });
  });

  it('shows progress on a terminal alone, and clears it', async () => {
    const argv = [...QUESTION, '--flows', 'flows.yaml'];
    const { stderr } = await invoke(argv, { terminal: true });
    expect(stderr).toContain('judging flows');
    expect(stderr.endsWith('\r\u001b[K')).toBe(true);
    expect((await invoke(argv, { terminal: true, env: { CI: '1' } })).stderr).toBe('');
    expect((await invoke(argv)).stderr).toBe('');
  });

  it('judges at the instant that --at gives', async () => {
    writeFileSync(
      'until.pol',
      `tier t order 10
policy p tier t priority 1 { subject pods in namespace shop
  ingress { deny from any any port } }
exception e to p { ticket "T-1" ; approved "a" ; until 2026-06-01T00:00Z
  allow ingress from any any port }
`,
    );
    const verdictAt = async (...at: readonly string[]): Promise<unknown> => {
      const argv = ['eval', '--policies', 'until.pol', '--cluster', 'cluster.yaml'];
      const stdin = '[{"from": "shop/fe", "to": "shop/db", "protocol": "TCP", "port": 22}]';
      const more = ['--flows', '-', '--format', 'json', ...at];
      const { stdout, stderr } = await invoke([...argv, ...more], { stdin });
      expect(stderr).toBe('');
      return (JSON.parse(stdout) as readonly { verdict: string }[])[0]?.verdict;
    };
    expect(await verdictAt('--at', '2026-05-31T23:59:59Z')).toBe('allow');
    expect(await verdictAt('--at', '2026-06-01T00:00:00Z')).toBe('deny');
    expect(await verdictAt('--at', '2026-06-01T01:00:00+02:00')).toBe('allow');
    expect(await verdictAt()).toBe('allow');
  });
});
