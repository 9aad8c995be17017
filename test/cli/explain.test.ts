/** `policyc explain`, as users call it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invoke, type Result } from './invoke.js';
import { CLUSTER, enterWorkspace, LANGUAGE, POLICY } from './workspace.js';

const MORE = `---
apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {podCIDRs: [10.0.0.0/24]}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: shop}
spec: {nodeName: n1, hostNetwork: true, containers: [{name: c, image: x}]}
status: {phase: Running, podIP: 192.0.2.1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: fee}}
    spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Service
metadata: {name: data, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{port: 80, targetPort: 5432}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: data-1, namespace: shop, labels: {kubernetes.io/service-name: data}}
addressType: IPv4
ports: [{name: '', port: 5432, protocol: TCP}]
endpoints:
  - {addresses: [10.0.0.1], conditions: {ready: true}}
  - {addresses: [10.0.0.2], conditions: {ready: true}}
`;

const ENDED = `policy pci tier security priority 20 {
  subject pods in namespace shop where app == "db"
  ingress { deny from pods in namespace shop any port }
}
tier security order 10
exception dba to pci {
  ticket "SEC-1" ; approved "alice" ; until 2026-01-31T18:00Z
  allow ingress from pods in namespace shop where app == "fe" port 22/tcp
}
`;
const [EARLIER, LATER] = ['2026-01-01T00:00:00Z', '2026-03-01T00:00:00Z'];

let workspace: ReturnType<typeof enterWorkspace>;
beforeAll(() => {
  workspace = enterWorkspace({
    'cluster.yaml': CLUSTER + MORE,
    'policy.yaml': POLICY,
    'shop.pol': LANGUAGE,
    'ended.pol': ENDED,
    'closed.pol': 'namespace shop {\n  isolate ingress, egress\n}\n',
  });
});
afterAll(() => workspace.leave());

function explain(
  from: string,
  to: string,
  port: string,
  ...more: readonly string[]
): Promise<Result> {
  const [path = 'policy.yaml', ...options] = more;
  const ends = ['--from', from, '--to', to, '--port', port];
  return invoke(['explain', path, '--cluster', 'cluster.yaml', ...ends, ...options]);
}

describe('policyc explain', () => {
  it('says which rule allows, with why each of its clauses holds', async () => {
    const { code, stdout, stderr } = await explain('shop/fe', 'shop/db', '5432/tcp');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^shop\/fe → shop\/db, 5432\/tcp: allowed$/m);
    expect(stdout).toMatch(/NetworkPolicy shop\/db ingress\[0\] allows it/);
    expect(stdout).toMatch(/\| +-+ shop\/fe has app=fe$/m);
    expect(stdout).toMatch(
      /to_pod of shop\/db: \d+ instructions → allowed by shop\/db ingress\[0\]/,
    );
    expect(stdout).toMatch(/row +rows\[\d+\] +class \d+ \(pods\)/);
  });

  it('underlines the port by which the nearest rule misses, and says what would have to change', async () => {
    const { code, stdout } = await explain('shop/fe', 'shop/db', '22/tcp');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^ +ingress of shop\/db +denied: isolated by shop\/db .* misses by the port$/m,
    );
    expect(stdout).toMatch(/ports: \[\{port: 5432\}\]\n.*\| +\^{12} the packet goes to 22\/tcp$/m);
    expect(stdout).toContain('add port 22/tcp to shop/db ingress[0] (policy.yaml:9:7)');
    expect(stdout).toContain('- {protocol: TCP, port: 22}');
  });

  it('underlines the label, asks whether it is mistyped, and labels the workload', async () => {
    const { stdout } = await explain('shop/web', 'shop/db', '5432/tcp');
    expect(stdout).toMatch(/\{app: fe\}.*\n.*\| +\^{7} shop\/web has app=fee: mistyped\?$/m);
    expect(stdout).toContain('label Deployment web in shop: app=fe');
  });

  it('cuts ranges where the answer changes', async () => {
    const { stdout } = await explain('shop/fe', 'shop/db', '5430-5433/tcp');
    expect(stdout).toMatch(/^ +5430-5431\/tcp, 5433\/tcp +denied$/m);
    expect(stdout).toMatch(/^ +5432\/tcp +allowed$/m);
    expect(stdout).toContain('ask about one port to see what would have to change');
    const whole = await explain('shop/fe', 'shop/db', 'any', 'policy.yaml', '--format', 'json');
    const { answers } = JSON.parse(whole.stdout) as { answers: readonly { verdict: string }[] };
    expect(answers.map(({ verdict }) => verdict)).toEqual(['deny', 'allow']);
  });

  it('goes through Services by their endpoints', async () => {
    const { stdout } = await explain('shop/web', 'service shop/data', '80/tcp');
    expect(stdout).toMatch(/^shop\/web → service shop\/data, 80\/tcp: denied$/m);
    expect(stdout).toMatch(/to endpoint shop\/fe, 5432\/tcp and 1 endpoint like it: allowed/);
    expect(stdout).toMatch(/^ +ingress of shop\/db +denied/m);
    const closed = await explain('shop/web', 'service shop/data', '81/tcp');
    expect(closed.stdout).toContain('no ready endpoint');
  });

  it('says of a rule before the one that denies by what it missed', async () => {
    const { stdout } = await explain('shop/fe', 'shop/db', '22/tcp', 'ended.pol', '--at', LATER);
    expect(stdout).toMatch(/policy pci ingress\[0\] denies it/);
    expect(stdout).toMatch(/exception dba ingress\[0\] \(allow\) misses by the time/);
    expect(stdout).toMatch(/\^ ended at 2026-01-31T18:00:00.000Z/);
    const before = await explain('shop/fe', 'shop/db', '22/tcp', 'ended.pol', '--at', EARLIER);
    expect(before.stdout).toMatch(/^shop\/fe → shop\/db, 22\/tcp: allowed$/m);
  });

  it('changes one edit of each side where both deny', async () => {
    const { stdout } = await explain('shop/db', 'shop/fe', '80/tcp', 'closed.pol');
    expect(stdout).toContain('no single edit does it; together these do:');
    expect(stdout).toMatch(/1\. add an allow rule for egress[^]*and add an allow rule for ingress/);
  });

  it('writes Markdown that a source line cannot break', async () => {
    const { stdout } = await explain(
      'shop/fe',
      'shop/db',
      '22/tcp',
      'policy.yaml',
      '--format',
      'markdown',
    );
    expect(stdout).toMatch(/^\*\*shop\/fe → shop\/db\*\*\n\n- 22\/tcp: \*\*denied\*\*\n/);
    expect(stdout).toMatch(/```text\n[^]*\n```\n/);
  });

  it('knows the own node, the host network, and a pod’s own address', async () => {
    const agent = await explain('shop/agent', 'shop/db', '22/tcp');
    expect(agent.stdout).toMatch(/^shop\/agent → shop\/db, 22\/tcp: allowed$/m);
    expect(agent.stdout).toContain('node n1 is the node that shop/db runs on');
    const self = await explain('shop/db', 'shop/db', '22/tcp');
    expect(self.stdout).toContain('a pod always reaches itself');
    const outside = await explain('outside', 'shop/db', '5432/tcp');
    expect(outside.stdout).toContain('203.0.113.1 is no pod');
  });

  it('explains the policy language by its own lines', async () => {
    const { stdout } = await explain('shop/db', 'shop/fe', '80/tcp', 'shop.pol');
    expect(stdout).toMatch(/isolated by shop\/isolate\S* \(shop\.pol:4:3\)/);
    expect(stdout).toContain('allow egress to pods in namespace shop where app == "fe"');
    const allowed = await explain('shop/fe', 'shop/db', '5432/tcp', 'shop.pol');
    expect(allowed.stdout).toMatch(/group db = pods where app == "db"\n.*-+ shop\/db has app=db/);
  });

  it('explains a bundle by its own programs, and by the lines that it holds', async () => {
    expect((await invoke(['compile', 'policy.yaml', '-o', 'shop.bundle'])).code).toBe(0);
    const { code, stdout } = await explain('shop/fe', 'shop/db', '22/tcp', 'shop.bundle');
    expect(code).toBe(0);
    expect(stdout).toMatch(/from: \[\{podSelector: .*\n(.*\n)*.*the packet goes to 22\/tcp/);
    const two = await invoke([
      ...['explain', 'shop.bundle', 'policy.yaml', '--cluster', 'cluster.yaml'],
      ...['--from', 'shop/fe', '--to', 'shop/db', '--port', '22/tcp'],
    ]);
    expect(two.code).toBe(2);
    expect(two.stderr).toContain('explain/bundle-beside-others');
  });

  it.each([
    ['5432', 'such as `5432/tcp`'],
    ['5432/tpc', 'did you mean `5432/tcp`?'],
    ['70000/tcp', 'the last port is 65535'],
    ['90-80/tcp', '80-90/tcp'],
    ['http', '5432/tcp'],
    [',', '5432/tcp'],
  ])('refuses the port %j', async (port, hint) => {
    const { code, stderr } = await explain('shop/fe', 'shop/db', port);
    expect(code).toBe(2);
    expect(stderr).toContain('explain/bad-port');
    expect(stderr).toContain(hint);
  });

  it('refuses names that nobody has, with the nearest', async () => {
    const { code, stderr } = await explain('shop/ef', 'shop/db', '22/tcp');
    expect(code).toBe(2);
    expect(stderr).toContain('`--from` names `shop/ef`');
    expect(stderr).toContain('did you mean `shop/fe`?');
  });
});
