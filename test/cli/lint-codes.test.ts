/** Lints one by one, as users meet them: each where it must speak, and beside it where it must be silent. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invoke } from './invoke.js';
import { enterWorkspace } from './workspace.js';

let workspace: ReturnType<typeof enterWorkspace>;
beforeAll(() => {
  workspace = enterWorkspace({ 'cluster.yaml': '' });
});
afterAll(() => {
  workspace.leave();
});

interface Found {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly at?: string;
}

async function lint(
  files: Readonly<Record<string, string>>,
  ...options: readonly string[]
): Promise<readonly Found[]> {
  for (const [name, text] of Object.entries(files)) writeFileSync(name, text);
  const policies = Object.keys(files).filter((name) => name !== 'cluster.yaml');
  const cluster = files['cluster.yaml'] === undefined ? [] : ['--cluster', 'cluster.yaml'];
  const argv = ['lint', ...policies, ...cluster, '--format', 'json', ...options];
  const { stdout, stderr } = await invoke(argv);
  expect(stderr).toBe('');
  const { diagnostics } = JSON.parse(stdout) as { readonly diagnostics: readonly Found[] };
  return diagnostics;
}

/** The message of the finding, or nothing. */
async function told(
  code: string,
  files: Readonly<Record<string, string>>,
  ...options: readonly string[]
): Promise<string | undefined> {
  const found = await lint(files, ...options);
  return found.find((one) => one.code === code)?.message;
}

const meta = (name: string, namespace = 'shop'): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ${name}, namespace: ${namespace}}\n`;
const policy = (name: string, spec: string): string => `${meta(name)}spec: ${spec}\n---\n`;
const pod = (name: string, ip: string, more = '', spec = ''): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: shop, labels: {app: ${name}}${more}}\n` +
  `spec: {nodeName: n1, containers: [{name: c, image: x, ports: [{name: http, containerPort: 8080}]}]${spec}}\n` +
  `status: {phase: Running, podIPs: [${ip
    .split(' ')
    .map((one) => `{ip: "${one}"}`)
    .join(', ')}]}\n---\n`;
const namespace = (name: string): string =>
  `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n---\n`;
const NODE =
  'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {podCIDR: 10.0.0.0/24}\nstatus: {addresses: [{type: InternalIP, address: 192.168.0.1}]}\n---\n' +
  'apiVersion: v1\nkind: Node\nmetadata: {name: n2}\nspec: {podCIDR: 10.0.1.0/24}\nstatus: {addresses: [{type: InternalIP, address: 192.168.0.2}]}\n---\n';
const SHOP = `${namespace('shop')}${NODE}${pod('web', '10.0.0.1')}${pod('db', '10.0.0.2')}`;
const service = (name: string, app: string, port: number, target: number): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: shop}\nspec: {clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9], selector: {app: ${app}}, ports: [{port: ${port}, targetPort: ${target}}]}\n---\n`;

const DB = 'podSelector: {matchLabels: {app: db}}';
const FROM_WEB = 'from: [{podSelector: {matchLabels: {app: web}}}]';

describe('the text of a manifest', () => {
  it('implies ingress where it has egress rules alone', async () => {
    const rule = 'egress: [{to: [{podSelector: {}}], ports: [{protocol: UDP, port: 53}]}]';
    const code = 'lint/policy-types-implied';
    expect(await told(code, { 'p.yaml': policy('a', `{${DB}, ${rule}}`) })).toContain(
      'denies all ingress as well',
    );
    const said = `{${DB}, policyTypes: [Egress], ${rule}}`;
    expect(await told(code, { 'p.yaml': policy('a', said) })).toBeUndefined();
    expect(
      await told(code, { 'p.yaml': policy('a', `{${DB}, ingress: [], ${rule}}`) }),
    ).toBeUndefined();
  });

  it('ignores an empty egress', async () => {
    const code = 'lint/empty-egress-ignored';
    const text = (types: string): string =>
      policy('a', `{${DB}, ${types} ingress: [{${FROM_WEB}}], egress: []}`);
    expect(await told(code, { 'p.yaml': text('') })).toContain('egress is not denied');
    expect(await told(code, { 'p.yaml': text('policyTypes: [Ingress, Egress],') })).toBeUndefined();
  });

  it('may leave its types to be guessed, which is told on request', async () => {
    const code = 'lint/policy-types-absent';
    const files = { 'p.yaml': policy('a', `{${DB}, ingress: [{${FROM_WEB}}]}`) };
    expect(await told(code, files)).toBeUndefined();
    expect(await told(code, files, '--warn', code)).toContain('[Ingress]');
  });

  it('may name no namespace', async () => {
    const code = 'lint/namespace-absent';
    const text = policy('a', `{${DB}, policyTypes: [Ingress]}`);
    expect(await told(code, { 'p.yaml': text.replace(', namespace: shop', '') })).toContain(
      'default/a',
    );
    expect(await told(code, { 'p.yaml': text })).toBeUndefined();
  });
});

describe('rules', () => {
  it('may be within those of another policy', async () => {
    const code = 'lint/covered-rule';
    const wide = policy(
      'wide',
      `{podSelector: {}, policyTypes: [Ingress], ingress: [{${FROM_WEB}}]}`,
    );
    const narrow = (who: string): string =>
      policy(
        'narrow',
        `{${DB}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: ${who}}}}], ports: [{protocol: TCP, port: 80}]}]}`,
      );
    expect(await told(code, { 'p.yaml': wide + narrow('web') })).toBe(
      '`shop/narrow ingress[0]` adds nothing: `shop/wide ingress[0]` allows all that it allows',
    );
    expect(await told(code, { 'p.yaml': wide + narrow('api') })).toBeUndefined();
  });

  it('may be superfluous in one cluster alone', async () => {
    const code = 'lint/redundant-rule';
    const text = policy(
      'a',
      `{${DB}, policyTypes: [Ingress], ingress: [{${FROM_WEB}}, {from: [{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [db]}]}}]}]}`,
    );
    const files = { 'p.yaml': text, 'cluster.yaml': SHOP };
    expect(await told(code, files)).toContain('adds nothing in this cluster');
    const third = SHOP + pod('api', '10.0.0.3');
    // Of the two, the wider one stays where a third pod makes it wider.
    expect(await told(code, { ...files, 'cluster.yaml': third })).toContain(
      'ingress[0]` adds nothing',
    );
    expect(await told(code, { 'p.yaml': text })).toBeUndefined();
  });

  it('may decide nothing in a cluster, since others decide first', async () => {
    const code = 'lint/dead-rule';
    const admin = (namespaces: string): string =>
      'apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: shut}\n' +
      `spec: {priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: ${namespaces}}]}]}\n---\n`;
    const text = policy('a', `{${DB}, policyTypes: [Ingress], ingress: [{${FROM_WEB}}]}`);
    const files = { 'cluster.yaml': SHOP };
    expect(await told(code, { ...files, 'p.yaml': admin('{}') + text })).toBe(
      '`shop/a ingress[0]` decides nothing in this cluster: `shut ingress[0]` decides first wherever it matches',
    );
    const elsewhere = admin('{matchLabels: {kubernetes.io/metadata.name: other}}');
    expect(
      await told(code, {
        ...files,
        'p.yaml': elsewhere + text,
        'cluster.yaml': SHOP + namespace('other'),
      }),
    ).toBeUndefined();
  });

  it('may be open to the outside, which a deny ahead of them ends', async () => {
    const code = 'lint/open-to-outside';
    const text = policy(
      'a',
      `{${DB}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{protocol: TCP, port: 8080}]}]}`,
    );
    const files = { 'p.yaml': text, 'cluster.yaml': SHOP };
    expect(await told(code, files)).toContain('at 8080/tcp (1 pod here)');
    const shut =
      'tier edge order 1\npolicy shut tier edge priority 1 {\n  subject pods\n  ingress {\n    deny from outside\n  }\n}\n';
    expect(await told(code, { ...files, 'shut.pol': shut })).toBeUndefined();
  });

  it('may name one address family where pods have two', async () => {
    const code = 'lint/one-family';
    const text = (blocks: string): string =>
      policy(
        'a',
        `{${DB}, policyTypes: [Ingress], ingress: [{from: [${blocks}], ports: [{protocol: TCP, port: 8080}]}]}`,
      );
    const four = '{ipBlock: {cidr: 0.0.0.0/0}}';
    const dual = namespace('shop') + NODE + pod('db', '10.0.0.2 fd00::2');
    expect(await told(code, { 'p.yaml': text(four), 'cluster.yaml': dual })).toContain(
      'not `::/0`',
    );
    const both = `${four}, {ipBlock: {cidr: "::/0"}}`;
    expect(await told(code, { 'p.yaml': text(both), 'cluster.yaml': dual })).toBeUndefined();
    expect(await told(code, { 'p.yaml': text(four), 'cluster.yaml': SHOP })).toBeUndefined();
  });

  it('may name the port of a Service where its pods get another', async () => {
    const code = 'lint/service-port';
    const text = (port: number): string =>
      policy(
        'a',
        `{${DB}, policyTypes: [Ingress], ingress: [{${FROM_WEB}, ports: [{protocol: TCP, port: ${port}}]}]}`,
      );
    const cluster = { 'cluster.yaml': SHOP + service('db', 'db', 5432, 15432) };
    expect(await told(code, { 'p.yaml': text(5432), ...cluster })).toContain('at 15432/tcp');
    expect(await told(code, { 'p.yaml': text(15432), ...cluster })).toBeUndefined();
    expect(await told(code, { 'p.yaml': text(8080), ...cluster })).toBeUndefined();
  });
});

describe('selectors', () => {
  it('may be two peers where one was meant', async () => {
    const code = 'lint/split-peer';
    const text = (dash: string): string =>
      policy(
        'a',
        `{${DB}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ops}}${dash}podSelector: {matchLabels: {app: prom}}}]}]}`,
      );
    const prom = pod('prom', '10.0.0.7').replace('namespace: shop', 'namespace: ops');
    const cluster = { 'cluster.yaml': SHOP + namespace('ops') + prom };
    expect(await told(code, { 'p.yaml': text('}, {'), ...cluster })).toContain(
      'these are two peers',
    );
    expect(await told(code, { 'p.yaml': text(', '), ...cluster })).toBeUndefined();
    // Both items select somebody: that is what they say.
    const own = { 'cluster.yaml': cluster['cluster.yaml'] + pod('prom', '10.0.0.8') };
    expect(await told(code, { 'p.yaml': text('}, {'), ...own })).toBeUndefined();
  });

  it('may select pods in the network of their node', async () => {
    const code = 'lint/selects-host-network';
    const text = policy('a', '{podSelector: {matchLabels: {app: agent}}, policyTypes: [Ingress]}');
    const agent = (spec: string): string => SHOP + pod('agent', '192.168.0.1', '', spec);
    const files = { 'p.yaml': text, 'cluster.yaml': agent(', hostNetwork: true') };
    expect(await told(code, files)).toContain('`shop/agent`');
    expect(await told(code, { ...files, 'cluster.yaml': agent('') })).toBeUndefined();
  });

  it('may stand in a namespace that is not there', async () => {
    const code = 'lint/namespace-unknown';
    const text = policy('a', `{${DB}, policyTypes: [Ingress]}`);
    const found = await lint({
      'p.yaml': text.replace('namespace: shop', 'namespace: shpo'),
      'cluster.yaml': SHOP,
    });
    expect(found.find((one) => one.code === code)?.hint).toContain('`shop`');
    expect(await told(code, { 'p.yaml': text, 'cluster.yaml': SHOP })).toBeUndefined();
  });
});

describe('namespaces', () => {
  const DENY = policy('deny', '{podSelector: {}, policyTypes: [Ingress]}');
  const PARTLY = policy('a', `{${DB}, policyTypes: [Egress]}`);

  it('may have no isolation', async () => {
    const code = 'lint/namespace-open';
    expect(await told(code, { 'p.yaml': PARTLY, 'cluster.yaml': SHOP })).toContain('`shop`');
    expect(await told(code, { 'p.yaml': DENY, 'cluster.yaml': SHOP })).toBeUndefined();
    const system = SHOP.replaceAll('shop', 'kube-system');
    expect(await told(code, { 'p.yaml': DENY, 'cluster.yaml': system })).toBeUndefined();
  });

  it('may leave egress open, which is told on request', async () => {
    const code = 'lint/namespace-egress-open';
    const files = { 'p.yaml': DENY, 'cluster.yaml': SHOP };
    expect(await told(code, files)).toBeUndefined();
    expect(await told(code, files, '--warn', code)).toContain('the 2 pods of namespace `shop`');
    expect(await told(code, { ...files, 'p.yaml': PARTLY }, '--warn', code)).toBeUndefined();
  });
});

describe('DNS in a cluster', () => {
  const dns =
    pod('coredns', '10.0.1.53', '', '')
      .replace('namespace: shop', 'namespace: kube-system')
      .replace('labels: {app: coredns}', 'labels: {k8s-app: kube-dns}') +
    'apiVersion: v1\nkind: Service\nmetadata: {name: kube-dns, namespace: kube-system}\nspec: {clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10], selector: {k8s-app: kube-dns}, ports: [{name: dns, protocol: UDP, port: 53}, {name: dns-tcp, protocol: TCP, port: 53}]}\n---\n';
  const local = pod('nodelocal', '192.168.0.1', '', ', hostNetwork: true')
    .replace('namespace: shop', 'namespace: kube-system')
    .replace('labels: {app: nodelocal}', 'labels: {k8s-app: node-local-dns}');
  const egress = (...rules: readonly string[]): string =>
    policy(
      'a',
      `{${DB}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: web}}}]}${rules.map((one) => `, ${one}`).join('')}]}`,
    );
  const both = 'ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]';
  const toPods = `{to: [{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ${both}}`;
  const toLocal = `{to: [{ipBlock: {cidr: 169.254.20.10/32}}], ${both}}`;
  const codes = async (text: string, cluster: string): Promise<readonly string[]> =>
    (await lint({ 'p.yaml': text, 'cluster.yaml': cluster }))
      .map(({ code }) => code)
      .filter((code) => code.startsWith('lint/dns'));

  it.each([
    ['nothing for DNS', egress(), SHOP + dns, ['lint/dns-missing']],
    ['the pods of kube-dns', egress(toPods), SHOP + dns, []],
    [
      'UDP alone',
      egress(toPods.replace(', {protocol: TCP, port: 53}', '')),
      SHOP + dns,
      ['lint/dns-by-one-protocol'],
    ],
    [
      'kube-dns beside NodeLocal DNS',
      egress(toPods),
      SHOP + dns + local,
      ['lint/dns-without-node-local'],
    ],
    ['NodeLocal DNS alone', egress(toLocal), SHOP + dns + local, []],
    [
      'another pod at port 53',
      egress(`{to: [{podSelector: {}}], ${both}}`),
      SHOP + dns,
      ['lint/dns-missing'],
    ],
    ['egress for nobody', policy('a', `{${DB}, policyTypes: [Egress]}`), SHOP + dns, []],
  ])('is judged by %s', async (_, text, cluster, expected) => {
    expect(await codes(text, cluster)).toEqual(expected);
  });

  it('is allowed by `egress to dns` of the language', async () => {
    const text = (more: string): string =>
      `namespace shop {\n  group db = pods where app == "db"\n  group web = pods where app == "web"\n  isolate egress for db\n  allow egress from db to web port 80/tcp\n${more}}\n`;
    const cluster = SHOP + dns + local;
    const found = await lint({ 'p.pol': text(''), 'cluster.yaml': cluster });
    expect(found.map(({ code }) => code)).toContain('lint/dns-missing');
    const fine = await lint({
      'p.pol': text('  allow egress from db to dns\n'),
      'cluster.yaml': cluster,
    });
    expect(fine.filter(({ code }) => code.startsWith('lint/dns'))).toEqual([]);
  });
});

describe('what must be reached', () => {
  const allow = (from: string): string =>
    policy(
      'a',
      `{${DB}, policyTypes: [Ingress], ingress: [{from: [${from}], ports: [{protocol: TCP, port: 9443}]}]}`,
    );
  const WEB = '{podSelector: {matchLabels: {app: web}}}';
  const NODES = '{ipBlock: {cidr: 192.168.0.0/24}}';

  it('is told of webhooks', async () => {
    const code = 'lint/webhook-cut-off';
    const hook =
      'apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: checks}\n' +
      'webhooks: [{name: checks.shop.example, clientConfig: {service: {namespace: shop, name: db}}}]\n---\n';
    const cluster = SHOP + service('db', 'db', 443, 9443) + hook;
    expect(await told(code, { 'p.yaml': allow(WEB), 'cluster.yaml': cluster })).toContain(
      'webhook `checks.shop.example`: Service `shop/db` gets it at 9443/tcp',
    );
    expect(await told(code, { 'p.yaml': allow(NODES), 'cluster.yaml': cluster })).toBeUndefined();
  });

  it('is told of Ingresses', async () => {
    const code = 'lint/ingress-cut-off';
    const ingress =
      'apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: shop, namespace: shop}\n' +
      'spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: db, port: {number: 80}}}}]}}]}\n---\n';
    const proxy = pod('proxy', '10.0.1.9').replace('namespace: shop', 'namespace: edge');
    const cluster = SHOP + namespace('edge') + proxy + service('db', 'db', 80, 9443) + ingress;
    expect(await told(code, { 'p.yaml': allow(WEB), 'cluster.yaml': cluster })).toContain(
      '`shop/shop`',
    );
    const edge = '{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: edge}}}';
    expect(await told(code, { 'p.yaml': allow(edge), 'cluster.yaml': cluster })).toBeUndefined();
  });

  it('is told of the API server, for pods whose account has a role', async () => {
    const code = 'lint/apiserver-cut-off';
    const api =
      'apiVersion: v1\nkind: Service\nmetadata: {name: kubernetes, namespace: default}\nspec: {clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1], ports: [{name: https, port: 443, targetPort: 6443}]}\n---\n' +
      'apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}\naddressType: IPv4\nports: [{name: https, port: 6443, protocol: TCP}]\nendpoints: [{addresses: [192.168.0.9]}]\n---\n';
    const bound = (account: string): string =>
      `apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: operator}\nsubjects: [{kind: ServiceAccount, name: ${account}, namespace: shop}]\n---\n`;
    const cluster =
      namespace('shop') + NODE + pod('db', '10.0.0.2', '', ', serviceAccountName: op') + api;
    const egress = (block: string): string =>
      policy(
        'a',
        `{${DB}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: ${block}}}], ports: [{protocol: TCP, port: 6443}]}]}`,
      );
    const shut = { 'p.yaml': egress('192.168.7.0/24') };
    expect(await told(code, { ...shut, 'cluster.yaml': cluster + bound('op') })).toContain(
      'service account `shop/op` is bound to `operator`',
    );
    expect(await told(code, { ...shut, 'cluster.yaml': cluster + bound('other') })).toBeUndefined();
    expect(
      await told(code, {
        'p.yaml': egress('192.168.0.0/24'),
        'cluster.yaml': cluster + bound('op'),
      }),
    ).toBeUndefined();
  });
});

describe('the policy language', () => {
  const exception = (until: string): string =>
    `policy pci tier admin priority 20 {\n  subject pods\n  egress {\n    deny to 10.9.0.0/16\n  }\n}\nexception dba to pci {\n  until ${until}\n  allow ingress from pods in namespace bastion port 5432/tcp\n}\n`;

  it('may have exceptions past their time, which are removed once they are past for good', async () => {
    const code = 'lint/expired';
    expect(await told(code, { 'p.pol': exception('2025-12-31T18:00Z') })).toBe(
      'exception `dba` ended 2025-12-31T18:00Z',
    );
    expect(await told(code, { 'p.pol': exception('2026-12-31T18:00Z') })).toBeUndefined();
    const later = ['--at', '2027-01-01T00:00:00Z'];
    expect(await told(code, { 'p.pol': exception('2026-12-31T18:00Z') }, ...later)).toBeDefined();
    const kept = await invoke(['lint', 'p.pol', '--diff', ...later]);
    expect(kept.stdout).toBe('nothing to fix\n');
    writeFileSync('p.pol', exception('2025-12-31T18:00Z'));
    expect((await invoke(['lint', 'p.pol', '--diff'])).stdout).toContain('-exception dba to pci {');
  });

  it('may have names that nothing uses', async () => {
    const code = 'lint/unused-name';
    const text = (peer: string): string =>
      `set corp: cidr = [10.0.0.0/8]\nnamespace shop {\n  isolate ingress\n  allow ingress from ${peer} port 80/tcp\n}\n`;
    expect(await told(code, { 'p.pol': text('outside') })).toBe('set `corp` is used by nothing');
    expect(await told(code, { 'p.pol': text('corp') })).toBeUndefined();
    // A library is there for others.
    expect(
      await told(code, { 'p.pol': 'set corp: cidr = [10.0.0.0/8]\nset b: cidr = [corp]\n' }),
    ).toBeUndefined();
  });

  it('refuses levels for codes that there are not', async () => {
    writeFileSync('p.yaml', policy('a', `{${DB}, policyTypes: [Ingress]}`));
    const { code, stderr } = await invoke(['lint', 'p.yaml', '--deny', 'lint/dead-rul']);
    expect(code).toBe(2);
    expect(stderr).toContain('error[lint/unknown-code]');
    expect(stderr).toContain('did you mean `lint/dead-rule`?');
  });
});
