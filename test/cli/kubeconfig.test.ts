/**
 * `policyc snapshot --kubeconfig`, against a server that speaks the list API of Kubernetes. It is no API server:
 * the objects have the shape of those that one returns, and `kubectl get -o yaml` reads the same server.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  pem,
  startApiServer,
  TOKEN,
  type ApiObject,
  type ApiServer,
  type ApiServerOptions,
} from '../support/api-server.js';
import { invoke, type InvokeOptions, type Result } from './invoke.js';
import { enterWorkspace } from './workspace.js';

const MANAGED = [{ manager: 'kubelet', operation: 'Update', fieldsV1: { 'f:status': {} } }];

function pod(i: number): ApiObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `web-7d4899b484-${String(i).padStart(5, 'x')}`,
      namespace: 'shop',
      labels: { app: 'web', 'pod-template-hash': '7d4899b484' },
      annotations: { 'example.com/secret': 'hush', 'policyc.dev/routes': 'true' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web-7d4899b484', controller: true }],
      managedFields: MANAGED,
    },
    spec: {
      nodeName: 'n1',
      containers: [
        {
          name: 'c',
          env: [{ name: 'PASSWORD', value: 'hush' }],
          ports: [{ name: 'http', containerPort: 80 }],
        },
      ],
    },
    status: { phase: 'Running', podIP: `10.0.${Math.floor(i / 250)}.${(i % 250) + 1}` },
  };
}

const OBJECTS: readonly ApiObject[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', ...{ labels: { team: 'a' } } } },
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1', ...{ managedFields: MANAGED } },
    spec: { podCIDRs: ['10.0.0.0/16'] },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] },
  },
  ...Array.from({ length: 1203 }, (_, i) => pod(i)),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', ...{ namespace: 'shop' } },
    spec: {
      clusterIP: '10.96.0.1',
      selector: { app: 'web' },
      ports: [{ port: 80, targetPort: 'http' }],
    },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'web-1',
      ...{ namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
    },
    addressType: 'IPv4',
    ports: [{ name: '', port: 80, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
  },
];

let workspace: ReturnType<typeof enterWorkspace>;
const servers: ApiServer[] = [];
beforeAll(() => {
  workspace = enterWorkspace({});
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(() => workspace.leave());

async function serve(options: Partial<ApiServerOptions> = {}): Promise<ApiServer> {
  const server = await startApiServer({ objects: OBJECTS, ...options });
  servers.push(server);
  writeKubeconfig(server.url, { token: TOKEN });
  return server;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function writeKubeconfig(server: string, user: object, ca = pem('ca')): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [
      { name: 'u', user },
      { name: 'nobody', user: {} },
    ],
    contexts: [
      { name: 'test', context: { cluster: 'c', user: 'u' } },
      { name: 'stranger', context: { cluster: 'c', user: 'nobody' } },
    ],
    'current-context': 'test',
  };
  writeFileSync('kubeconfig', JSON.stringify(config));
}

function snapshot(argv: readonly string[] = [], options?: InvokeOptions): Promise<Result> {
  return invoke(['snapshot', '--kubeconfig', 'kubeconfig', ...argv], options);
}

describe('policyc snapshot --kubeconfig', () => {
  it('lists what policies see in pages, and writes what kubectl’s output of the same gives', async () => {
    const { requests } = await serve();
    const { code, stdout, stderr } = await snapshot();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const stdin = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: OBJECTS });
    const piped = await invoke(['snapshot', '-'], { stdin });
    expect(stdout).toBe(piped.stdout);
    const backwards = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [...OBJECTS].reverse(),
    });
    expect((await invoke(['snapshot', '-'], { stdin: backwards })).stdout).toBe(stdout);
    expect(stdout).not.toContain('hush');
    expect(stdout.match(/kind: Pod$/gm)).toHaveLength(1203);
    expect(requests).toEqual([
      'GET /api/v1/namespaces?limit=500',
      'GET /api/v1/nodes?limit=500',
      'GET /api/v1/pods?limit=500',
      'GET /api/v1/pods?limit=500&continue=500',
      'GET /api/v1/pods?limit=500&continue=1000',
      'GET /api/v1/services?limit=500',
      'GET /apis/discovery.k8s.io/v1/endpointslices?limit=500',
    ]);
  });

  it('finds the kubeconfig as kubectl does', async () => {
    await serve();
    const found = await invoke(['snapshot', '--kubeconfig'], {
      env: { KUBECONFIG: '/not/there:kubeconfig' },
    });
    expect(found.code).toBe(0);
    const missing = await invoke(['snapshot', '--kubeconfig'], { env: { HOME: '/nowhere' } });
    expect(missing.stderr).toContain('error[cluster-api/no-kubeconfig]');
  });

  it('signs in with a client certificate', async () => {
    const { url } = await serve();
    const user = {
      'client-certificate-data': base64(pem('client')),
      'client-key-data': base64(pem('client-key')),
    };
    writeKubeconfig(url, user);
    expect((await snapshot()).code).toBe(0);
  });

  it('says of each resource that may not be listed which rule is needed, and writes nothing', async () => {
    await serve({ forbidden: ['nodes', 'endpointslices'] });
    const { code, stdout, stderr } = await snapshot(['-o', 'part.yaml']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('`nodes` may not be listed: nodes is forbidden: User "alice"');
    expect(stderr).toContain('`endpointslices.discovery.k8s.io` may not be listed');
    expect(stderr).toContain('kubectl create clusterrole policyc-snapshot --verb=list');
  });

  it('begins a list anew whose pages the server forgot', async () => {
    const { requests } = await serve({ expires: 2 });
    expect((await snapshot()).code).toBe(0);
    expect(requests.filter((one) => one.endsWith('pods?limit=500'))).toHaveLength(3);
    await serve({ expires: 100 });
    expect((await snapshot()).stderr).toContain('continue parameter is too old');
  });

  it('comes again where the server is busy, and reads Endpoints of an old one', async () => {
    await serve({ busy: 2 });
    expect((await snapshot()).code).toBe(0);
    const { requests } = await serve({ missing: ['endpointslices'] });
    expect((await snapshot()).code).toBe(0);
    expect(requests.at(-1)).toBe('GET /api/v1/endpoints?limit=500');
  });

  it.each([
    ['a user that is not known', ['--context', 'stranger'], 'cluster-api/unauthorized'],
    ['a context that is not there', ['--context', 'tset'], 'cluster-api/no-context'],
    ['paths beside it', ['cluster.yaml'], 'cluster-api/two-sources'],
  ])('refuses %s', async (_, argv, expected) => {
    await serve();
    const { code, stderr } = await invoke(['snapshot', ...argv, '--kubeconfig', 'kubeconfig']);
    expect(code).toBe(2);
    expect(stderr).toContain(`error[${expected}]`);
  });

  it('says why a server cannot be reached', async () => {
    const { url, close } = await serve();
    writeKubeconfig(url, { token: TOKEN }, pem('client'));
    expect((await snapshot()).stderr).toContain(
      'its certificate is not signed by the kubeconfig’s authority',
    );
    writeKubeconfig(url, { token: TOKEN });
    await close();
    servers.splice(0);
    const refused = await snapshot();
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(`${url}, cannot be reached: the connection was refused`);
  });

  it.each([
    [['snapshot'], 'cluster-api/no-source'],
    [['snapshot', '--context', 'x', 'a.yaml'], 'cli/needs-option'],
    [['snapshot', '--kubeconfig', 'nothing'], 'source/not-found'],
    [['snapshot', '--kubeconfig', 'bad'], 'cluster-api/bad-kubeconfig'],
  ])('refuses %j', async (argv, expected) => {
    writeFileSync('bad', 'clusters: 7\n');
    const { code, stderr } = await invoke(argv);
    expect(code).toBe(2);
    expect(stderr).toContain(`error[${expected}]`);
  });
});
