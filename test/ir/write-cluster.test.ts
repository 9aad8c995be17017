/** Snapshots are read back as what they were written from, and hold nothing that policies cannot see. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterSnapshot } from '../../src/ir/cluster.js';
import { invoke } from '../cli/invoke.js';
import { enterWorkspace } from '../cli/workspace.js';
import { clusterOfText } from '../parser/k8s/reading.js';
import { clusterFile } from '../verdicts/cluster-text.js';
import { clusterOf, readTable } from '../verdicts/table.js';
import { docs, live, owned, pod, service, slice, workload } from './lower-cluster-texts.js';

const SECRETS = `apiVersion: v1
kind: Pod
metadata:
  name: api
  namespace: shop
  labels: {app: api, "y": "yes", version: "1.0", since: "2026-01-01"}
  annotations: {note: hidden-note}
spec:
  nodeName: n1
  serviceAccountName: hidden-account
  containers:
    - name: c
      image: registry.example/hidden-image
      env: [{name: PASSWORD, value: hidden-value}]
      ports: [{name: http, containerPort: 8080}, {containerPort: 9}]
status: {phase: Running, podIP: 10.0.0.7, podIPs: [{ip: 10.0.0.7}, {ip: "fd00::7"}]}
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: shop}
stringData: {key: hidden-key}
---
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {zone: a}}
spec: {podCIDRs: [10.0.0.0/24], providerID: hidden-provider}
status: {addresses: [{type: Hostname, address: n1}, {type: InternalIP, address: 192.0.2.1}]}
`;

const MIXED = docs(
  live('old', '10.0.0.1', owned('Deployment', 'web')),
  pod('done', '', 'phase: Succeeded'),
  pod('waiting', '', 'phase: Pending'),
  pod('host', 'hostNetwork: true, nodeName: n1', 'phase: Running, podIP: 192.0.2.1'),
  workload('Deployment', 'fresh'),
  workload('CronJob', 'nightly'),
  service(
    'web',
    'clusterIP: 10.96.0.1, ports: [{name: a, port: 80}, {name: b, port: 81, protocol: UDP}]',
  ),
  slice(
    'web-1',
    'web',
    'addressType: IPv4\nports: [{name: a, port: 8080}]\nendpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.9]}]',
  ),
  slice(
    'web-2',
    'web',
    'addressType: IPv4\nports: [{name: a, port: 8081}, {name: b, port: 53, protocol: UDP}]\nendpoints: [{addresses: [10.0.0.3]}]',
  ),
  service('headless', 'clusterIP: None, ports: [{port: 5432}], selector: {app: web}'),
  service(
    'entrance',
    'type: LoadBalancer, externalTrafficPolicy: Local, clusterIP: 10.96.0.3, ports: [{name: a, port: 80, nodePort: 30080}, {name: b, port: 81}]',
  ),
  service('external', 'type: ExternalName, externalName: example.org'),
);

let workspace: ReturnType<typeof enterWorkspace>;
const TABLES = readdirSync('test/verdicts')
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => [name, clusterFile(clusterOf(readTable(name))).text] as const);
const CLUSTERS: readonly (readonly [name: string, text: string])[] = [
  ['a pod with secrets', SECRETS],
  ['pods, workloads and Services of all kinds', MIXED],
  ['the shop', readFileSync('policies/shop/cluster.yaml', 'utf8')],
  ...TABLES,
];

beforeEach(() => {
  workspace = enterWorkspace({ 'secrets.yaml': SECRETS });
});
afterEach(() => workspace.leave());

/** What policies see: not where it stands, nor whether its addresses are made up. */
function seen(text: string): unknown {
  const { value, diagnostics } = clusterOfText(text);
  if (value === undefined) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  const { pods, ...rest }: ClusterSnapshot = value;
  return { ...rest, pods: pods.map((one) => ({ ...one, origin: null, representative: null })) };
}

describe('policyc snapshot', () => {
  it('finds clusters to try', () => {
    expect(CLUSTERS.length).toBeGreaterThan(30);
  });

  it.each(CLUSTERS)('keeps what policies see: %s', async (_, text) => {
    for (const format of ['text', 'json']) {
      const { code, stdout } = await invoke(['snapshot', '-', '--format', format], { stdin: text });
      expect(code).toBe(0);
      expect(seen(stdout)).toEqual(seen(text));
      const again = await invoke(['snapshot', '-', '--format', format], { stdin: stdout });
      expect(again.stdout).toBe(stdout);
    }
  });

  it('leaves out what policies cannot see', async () => {
    const { stdout } = await invoke(['snapshot', 'secrets.yaml']);
    expect(stdout).not.toContain('hidden');
    expect(stdout).toBe(`apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: v1
kind: Node
metadata:
  name: n1
  labels:
    zone: a
spec:
  podCIDRs:
    - 10.0.0.0/24
status:
  addresses:
    - type: InternalIP
      address: 192.0.2.1
---
apiVersion: v1
kind: Pod
metadata:
  namespace: shop
  name: api
  labels:
    app: api
    since: "2026-01-01"
    version: "1.0"
    "y": "yes"
spec:
  nodeName: n1
  containers:
    - name: ports
      ports:
        - name: http
          protocol: TCP
          containerPort: 8080
status:
  phase: Running
  podIPs:
    - ip: 10.0.0.7
    - ip: fd00::7
`);
  });

  it('writes a file whole, and not over what it reads', async () => {
    const { code, stdout } = await invoke(['snapshot', 'secrets.yaml', '-o', 'out.yaml']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'wrote out.yaml: 1 namespace, 1 node, 1 pod, 0 Services\n',
    });
    expect(seen(readFileSync('out.yaml', 'utf8'))).toEqual(seen(SECRETS));
    const over = await invoke(['snapshot', 'secrets.yaml', '-o', 'secrets.yaml']);
    expect(over.code).toBe(2);
    expect(readFileSync('secrets.yaml', 'utf8')).toBe(SECRETS);
  });

  it('refuses a broken cluster', async () => {
    const broken = SECRETS.replace('podCIDRs: [10.0.0.0/24]', 'podCIDRs: [10.0.0.0/33]');
    expect(await invoke(['snapshot', '-'], { stdin: broken })).toMatchObject({
      code: 2,
      stdout: '',
    });
  });
});
