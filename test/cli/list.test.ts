/** `policyc list`, as users call it. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invoke, type Result } from './invoke.js';
import { CLUSTER, enterWorkspace, POLICY } from './workspace.js';

const SERVICES = (['NodePort', 'LoadBalancer'] as const)
  .map(
    (type) => `---
apiVersion: v1
kind: Service
metadata: {name: ${type.toLowerCase()}, namespace: shop}
spec:
  type: ${type}
  externalTrafficPolicy: ${type === 'NodePort' ? 'Cluster' : 'Local'}
  selector: {app: ${type === 'NodePort' ? 'db' : 'fe'}}
  ports: [{port: 80, targetPort: 5432, nodePort: 30080}]
`,
  )
  .join('');

const NODE = `---
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
---
apiVersion: v1
kind: Node
metadata: {name: n2}
status: {addresses: [{type: InternalIP, address: 192.0.2.2}]}
`;

let workspace: ReturnType<typeof enterWorkspace>;
beforeAll(() => {
  workspace = enterWorkspace({
    'cluster.yaml': CLUSTER + SERVICES + NODE,
    'policy.yaml': POLICY,
  });
});
afterAll(() => workspace.leave());

function list(...argv: readonly string[]): Promise<Result> {
  return invoke(['list', 'policy.yaml', '--cluster', 'cluster.yaml', ...argv]);
}

describe('policyc list', () => {
  it('lists who may talk to whom, what is exposed, and what is open', async () => {
    const { code, stdout, stderr } = await list();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^shop\/fe +shop\/db +5432\/tcp$/m);
    expect(stdout).toMatch(/^anywhere outside.* +shop\/fe +any port$/m);
    expect(stdout).toMatch(/^shop\/nodeport +NodePort +30080\/tcp +a node's address +no$/m);
    expect(stdout).toMatch(/^shop\/loadbalancer +LoadBalancer +80\/tcp +the client +yes$/m);
    expect(stdout).toMatch(/^shop\/fe +no policy speaks of them$/m);
  });

  it('shows one pod alone', async () => {
    const { stdout } = await list('--focus', 'shop/db', '--format', 'json');
    const { connections } = JSON.parse(stdout) as {
      connections: readonly { from: { text: string }; to: { text: string } }[];
    };
    expect(connections.length).toBeGreaterThan(0);
    for (const { from, to } of connections) {
      expect(`${from.text} ${to.text}`).toMatch(/shop\/db|service shop\/nodeport/);
    }
  });

  it.each([
    ['markdown', /\| shop\/fe \| shop\/db \| 5432\/tcp \|/],
    ['sarif', /"ruleId": "list\/unprotected"/],
    ['dot', /-> n\d+ \[label="5432\/tcp"/],
    ['svg', /<svg [^]*5432\/tcp/],
    ['html', /<table>/],
  ])('writes %s', async (format, expected) => {
    const { code, stdout } = await list('--format', format);
    expect(code).toBe(0);
    expect(stdout).toMatch(expected);
  });

  it('writes a page that loads nothing and takes names as text', async () => {
    writeFileSync('<b>.yaml', POLICY);
    const argv = ['list', '<b>.yaml', '--cluster', 'cluster.yaml', '--format', 'html'];
    const { stdout } = await invoke(argv);
    expect(stdout).not.toMatch(/<b>|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    const data = /<script id="data"[^>]*>([^<]*)<\/script>/.exec(stdout)?.[1] ?? '';
    expect(JSON.parse(data)).toMatchObject({
      // Services have places of their own, behind the workloads.
      workloads: [
        { name: 'db' },
        { name: 'fe' },
        { name: 'service loadbalancer', pods: 0 },
        { name: 'service nodeport', pods: 0 },
      ],
    });
  });

  it.each([
    [['--focus', 'shop/dB'], 'list/unknown-focus'],
    [['--focus', 'db'], 'list/unknown-focus'],
    [['--format', 'pdf'], 'cli/bad-choice'],
  ])('refuses %j', async (argv, expected) => {
    const { code, stdout, stderr } = await list(...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`error[${expected}]`);
  });
});
