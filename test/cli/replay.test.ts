/** `policyc replay`, as users call it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invoke, type InvokeOptions, type Result } from './invoke.js';
import { CLUSTER, enterWorkspace, POLICY } from './workspace.js';

const NARROWER = POLICY.replace('5432', '5433');

const NODE = `---
apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {podCIDR: 10.0.0.0/24}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
---
apiVersion: v1
kind: Node
metadata: {name: n2}
status: {addresses: [{type: InternalIP, address: 192.0.2.2}]}
`;

interface LineOptions {
  readonly from?: object;
  readonly to?: object;
  readonly ips?: readonly [string, string];
  readonly port?: number;
  readonly time?: string;
  readonly flow?: object;
}

const FE = { namespace: 'shop', pod_name: 'fe', labels: ['k8s:app=fe'] };
const DB = { namespace: 'shop', pod_name: 'db', labels: ['k8s:app=db'] };

function line(options: LineOptions = {}): string {
  const { from = FE, to = DB, ips = ['10.0.0.1', '10.0.0.2'], port = 5432, flow = {} } = options;
  const { time = '2026-01-01T10:00:00Z' } = options;
  return JSON.stringify({
    flow: {
      ...{ time, verdict: 'FORWARDED', node_name: 'k/n1', traffic_direction: 'INGRESS' },
      ...{ IP: { source: ips[0], destination: ips[1] }, source: from, destination: to },
      ...{ l4: { TCP: { source_port: 40000, destination_port: port } }, is_reply: false, ...flow },
    },
  });
}

const DENIED = { verdict: 'DROPPED', drop_reason_desc: 'POLICY_DENIED' };

const LOG = [
  line(),
  line({ time: '2026-01-03T12:30:00Z' }),
  line({ port: 22, flow: DENIED }),
  line({ port: 5433, flow: DENIED }),
].join('\n');

let workspace: ReturnType<typeof enterWorkspace>;
beforeAll(() => {
  workspace = enterWorkspace({
    'cluster.yaml': CLUSTER + NODE,
    'policy.yaml': POLICY,
    'narrower.yaml': NARROWER,
    'none.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n',
    'flows.json': LOG,
  });
});
afterAll(() => workspace.leave());

function replay(argv: readonly string[], options?: InvokeOptions): Promise<Result> {
  return invoke(['replay', ...argv, '--cluster', 'cluster.yaml'], options);
}

interface ReplayJson {
  readonly flows: Readonly<Record<string, number>>;
  readonly rows: readonly {
    readonly kind: string;
    readonly from: string;
    readonly ports: string;
  }[];
  readonly unknown: readonly { readonly why: string; readonly count: number }[];
  readonly idle: readonly { readonly rule: string; readonly matched: boolean }[];
  readonly logs: readonly {
    readonly format: string;
    readonly bad: number;
    readonly flows: number;
  }[];
}

async function document(argv: readonly string[], options?: InvokeOptions): Promise<ReplayJson> {
  const { stdout } = await replay([...argv, '--format', 'json'], options);
  return JSON.parse(stdout) as ReplayJson;
}

/** The numbers of one log of these lines, under the policy. */
async function judged(lines: readonly string[], policy = 'policy.yaml'): Promise<ReplayJson> {
  return document([policy, '--flows', '-'], { stdin: lines.join('\n') });
}

describe('policyc replay', () => {
  it('says what would be cut and opened, by which rule, how often, and what nothing hits', async () => {
    const { code, stdout, stderr } = await replay(['narrower.yaml', '--flows', 'flows.json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      'narrower.yaml: 2 cut, 1 opened, of 4 flows of 2 days 2 hours',
      '',
      'CUT  carried in the log, denied by the new policies',
      '  shop/fe → shop/db  5432/tcp',
      '      seen  carried 2×, 2026-01-01 10:00 to 2026-01-03 12:30 UTC; first at flows.json:1',
      '      now   ingress denied: isolated by shop/db (narrower.yaml:4:9)',
      '      try   shop/fe → shop/db 5432/TCP',
      '',
      'OPENED  denied in the log, allowed by the new policies',
      '  shop/fe → shop/db  5433/tcp',
      '      seen  denied 1×, 2026-01-01 10:00 UTC; first at flows.json:4',
      '      now   egress allowed: no policy; ingress allowed: shop/db ingress[0] (narrower.yaml:9:7)',
      '      try   shop/fe → shop/db 5433/TCP',
      '',
      'kept  0 carried and still allowed, 1 denied and still denied',
      'log   flows.json (hubble): flows in 4 of 4 records',
      '',
    ]);
  });

  it('tells apart what the old policies said otherwise than the log', async () => {
    const argv = ['narrower.yaml', '--against', 'policy.yaml', '--flows', 'flows.json'];
    const { stdout } = await replay(argv);
    expect(stdout).toContain('policy.yaml → narrower.yaml: 2 cut, 1 opened, 0 disagree');
    expect(stdout).toContain('was   ingress allowed: shop/db ingress[0] (policy.yaml:9:7)');
    const odd = await document([...argv.slice(0, 3), '--flows', '-'], {
      stdin: [line({ port: 80 }), line({ flow: DENIED })].join('\n'),
    });
    expect(odd.flows).toMatchObject({ disagreeing: 2, cut: 0, opened: 0 });
  });

  it.each([
    ['cut', 1],
    ['open', 1],
    ['disagree', 0],
    ['unknown,cut', 1],
  ])('fails on %s with %i', async (gate, expected) => {
    const argv = ['narrower.yaml', '--flows', 'flows.json', '--fail-on', gate];
    expect((await replay(argv)).code).toBe(expected);
  });

  it('passes the gate where nothing is cut', async () => {
    const argv = ['policy.yaml', '--flows', 'flows.json', '--fail-on', 'cut,open'];
    expect((await replay(argv)).code).toBe(0);
  });

  it.each([
    ['markdown', /\| shop\/fe \| shop\/db \| 5432\/tcp \|/],
    ['sarif', /"ruleId": "replay\/cut"[^]*"startLine": 4/],
    ['json', /"cut": 2/],
  ])('writes %s', async (format, expected) => {
    const argv = ['narrower.yaml', '--flows', 'flows.json', '--format', format];
    const { code, stdout } = await replay(argv);
    expect(code).toBe(0);
    expect(stdout).toMatch(expected);
  });

  it('reads compressed logs, folders, globs and standard input alike', async () => {
    mkdirSync('logs');
    writeFileSync('logs/a.json.gz', gzipSync(LOG));
    // Rotated logs that were put together have several members.
    writeFileSync('logs/b.gz', Buffer.concat([gzipSync(`${LOG}\n`), gzipSync(LOG)]));
    for (const flows of [['logs'], ['logs/*'], ['logs/a.json.gz', 'logs/b.gz', 'logs/b.gz']]) {
      const found = await document(['narrower.yaml', '--flows', ...flows]);
      expect(found.flows).toMatchObject({ cut: 6, opened: 3 });
    }
    const piped = await document(['narrower.yaml', '--flows', '-'], { stdin: LOG });
    expect(piped.flows).toMatchObject({ cut: 2, opened: 1 });
  });

  it('refuses a compressed log that ends too soon', async () => {
    writeFileSync('cut.gz', gzipSync(LOG).subarray(0, 60));
    const { code, stdout, stderr } = await replay(['policy.yaml', '--flows', 'cut.gz']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('its compressed part ends too soon');
  });

  it('reports every line that cannot be read, with its place, and goes on', async () => {
    const broken = ['{"flow":{"ti', line(), '{"flow":{"time":', '', line(), 'nonsense'].join('\n');
    writeFileSync('broken.json', broken);
    const { code, stderr } = await replay(['narrower.yaml', '--flows', 'broken.json']);
    expect(code).toBe(0);
    for (const at of ['broken.json:1', 'broken.json:3', 'broken.json:6'])
      expect(stderr).toContain(at);
    const found = await document(['narrower.yaml', '--flows', 'broken.json']);
    expect(found.logs[0]).toMatchObject({ bad: 3, flows: 2 });
  });

  it('tells the number of bad lines beyond those that it shows', async () => {
    const many = [line(), ...Array.from({ length: 50 }, () => '{"flow"')].join('\n');
    const { stderr } = await replay(['policy.yaml', '--flows', '-'], { stdin: many });
    expect(stderr).toContain(
      '`-:21` cannot be read: it is no JSON (and 30 more lines of that file)',
    );
  });

  it('counts a connection that both of its nodes log once, and one that arrived and was denied not at all', async () => {
    const out = line({ flow: { traffic_direction: 'EGRESS' } });
    expect((await judged([out, line()], 'narrower.yaml')).flows).toMatchObject({
      cut: 1,
      judged: 1,
    });
    const refused = await judged([out, line({ flow: DENIED })], 'narrower.yaml');
    expect(refused.flows).toMatchObject({ cut: 0, denied: 1 });
  });

  it('judges pods that are gone by their labels in the log, and says how many', async () => {
    const gone = (labels: readonly string[]): string =>
      line({
        from: { namespace: 'shop', pod_name: 'old-7d4899b484-x2x4k', labels },
        ips: ['10.0.0.99', '10.0.0.2'],
      });
    const allowed = await judged([gone(['k8s:app=fe'])]);
    expect(allowed.flows).toMatchObject({ kept: 1, gone: 1 });
    const denied = await judged([gone(['k8s:app=other'])]);
    expect(denied.flows).toMatchObject({ cut: 1, gone: 1 });
    expect(denied.rows[0]?.from).toBe('shop/old (gone)');
    expect((await judged([gone([])])).unknown).toMatchObject([{ count: 1 }]);
  });

  it('judges a pod that is gone by its own labels where another has its address now', async () => {
    const from = { namespace: 'shop', pod_name: 'old', labels: ['k8s:app=other'] };
    expect((await judged([line({ from })])).flows).toMatchObject({ cut: 1, gone: 1 });
  });

  it('lists addresses of pod ranges that nobody has as unknown', async () => {
    const found = await judged([line({ from: {}, ips: ['10.0.0.77', '10.0.0.2'] })]);
    expect(found.flows).toMatchObject({ unknown: 1, judged: 0 });
  });

  it('knows the own node, whose packets no policy denies, from another', async () => {
    const host = { identity: 1, labels: ['reserved:host'] };
    const own = line({ from: host, ips: ['10.0.0.254', '10.0.0.2'], port: 22 });
    expect((await judged([own])).flows).toMatchObject({ kept: 1 });
    const remote = { identity: 6, labels: ['reserved:remote-node'] };
    const other = line({ from: remote, ips: ['192.0.2.2', '10.0.0.2'], port: 22 });
    expect((await judged([other])).flows).toMatchObject({ cut: 1 });
  });

  it('judges ends without an address where all addresses are judged alike, and no others', async () => {
    const calico = (namespace: string): string =>
      JSON.stringify({
        ...{ start_time: 1767261600, end_time: 1767261900, reporter: 'dst', action: 'allow' },
        ...{ source_type: 'net', source_name_aggr: 'pub', source_namespace: '-', source_ip: null },
        ...{ dest_type: 'wep', dest_name_aggr: 'db', dest_namespace: namespace, dest_ip: null },
        ...{ dest_labels: { labels: ['app=db'] }, dest_port: 5432, proto: 'tcp', num_flows: 5 },
      });
    expect((await judged([calico('shop')])).flows).toMatchObject({ cut: 5 });
    const block = POLICY.replace(/- from: .*/, '- from: [{ipBlock: {cidr: 203.0.113.0/24}}]');
    writeFileSync('block.yaml', block);
    const found = await judged([calico('shop')], 'block.yaml');
    expect(found.flows).toMatchObject({ unknown: 5, judged: 0 });
    expect(found.unknown[0]?.why).toContain('depends on the address');
  });

  it('takes flows as eval does, as lines, as a list, and in YAML', async () => {
    const flow = '{"from":"shop/fe","to":"shop/db","protocol":"TCP","port":22,"verdict":"deny"}';
    const texts = [flow, `[\n${flow}\n]`, JSON.stringify(JSON.parse(flow), undefined, 2)];
    const yaml = '- {from: shop/fe, to: shop/db, protocol: TCP, port: 22, verdict: deny}\n';
    for (const stdin of [...texts, yaml]) {
      const found = await document(['none.yaml', '--flows', '-'], { stdin });
      expect(found.flows).toMatchObject({ opened: 1, judged: 1 });
      expect(found.logs[0]?.format).toBe('policyc');
    }
  });

  it('says which rules flows match that others decide', async () => {
    writeFileSync('twice.yaml', `${POLICY}---\n${POLICY.replace('name: db', 'name: db2')}`);
    const found = await judged([line()], 'twice.yaml');
    expect(found.idle).toMatchObject([{ rule: 'shop/db2 ingress[0]', matched: true }]);
  });

  it('gathers many ports of two workloads into one row', async () => {
    const lines = Array.from({ length: 100 }, (_, i) => line({ port: 1000 + i, flow: DENIED }));
    const found = await judged(lines, 'none.yaml');
    expect(found.rows).toMatchObject([{ ports: '1000-1099/tcp' }]);
  });

  it.each([
    [['policy.yaml', '--flows', 'nothing.json'], 'source/not-found'],
    [['policy.yaml', '--flows', 'policy.yaml'], 'replay/unknown-format'],
    [['policy.yaml', '--flows', 'flows.json', '--format-in', 'calico'], 'replay/unknown-format'],
    [['policy.yaml', '--flows', 'flows.json', '--format-in', 'syslog'], 'cli/bad-choice'],
    [['policy.yaml', '--flows', 'flows.json', '--fail-on', 'cuts'], 'cli/bad-choice'],
    [['-', '--flows', '-'], 'replay/two-inputs'],
    [['--flows', 'flows.json', 'policy.yaml'], 'cli/missing-argument'],
    [['policy.yaml'], 'cli/missing-argument'],
  ])('refuses %j', async (argv, expected) => {
    const { code, stdout, stderr } = await replay(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`error[${expected}]`);
  });

  it('refuses an empty log', async () => {
    const { code, stderr } = await replay(['policy.yaml', '--flows', '-'], { stdin: '\n\n' });
    expect(code).toBe(2);
    expect(stderr).toContain('error[replay/empty-logs]');
  });
});
