/** `policyc lint`, as users call it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lintReference } from '../../src/cli/lint/reference.js';
import { invoke, type Result } from './invoke.js';
import { CLUSTER, enterWorkspace } from './workspace.js';

const MORE = `---
apiVersion: v1
kind: Pod
metadata: {name: idle, namespace: shop, labels: {app: idle}}
spec: {nodeName: n1, containers: [{name: c, image: x}]}
status: {phase: Running, podIP: 10.0.0.3}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {podCIDRs: [10.0.0.0/24]}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
---
apiVersion: v1
kind: Node
metadata: {name: n2}
status: {addresses: [{type: InternalIP, address: 192.0.2.2}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {type: NodePort, clusterIP: 10.96.0.1, ports: [{port: 80, targetPort: 5432, nodePort: 30080}], selector: {app: db}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
ports: [{name: '', port: 5432, protocol: TCP}]
endpoints: [{addresses: [10.0.0.2], conditions: {ready: true}}]
`;

/** A rule in a policy for the pods app=db of shop. */
const policy = (rules: string, name = 'db'): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ${name}, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  # kept
  policyTypes: [Ingress, Egress]
${rules}`;

const FROM_FE = `  ingress:
    - from: [{podSelector: {matchLabels: {app: fe}}}]
      ports: [{protocol: TCP, port: 5432}]
`;

let workspace: ReturnType<typeof enterWorkspace>;
beforeEach(() => {
  workspace = enterWorkspace({ 'cluster.yaml': CLUSTER + MORE });
});
afterEach(() => workspace.leave());

function write(text: string, name = 'p.yaml'): void {
  writeFileSync(name, text);
}

const lint = (...argv: string[]): Promise<Result> => invoke(['lint', 'p.yaml', ...argv]);

/** The codes told, in order. */
async function codesOf(...argv: string[]): Promise<readonly string[]> {
  const { stdout } = await lint(...argv, '--format', 'json');
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: readonly { code: string }[] };
  return diagnostics.map(({ code }) => code);
}

describe('policyc lint', () => {
  it('has nothing to say of policies that are as they should be', async () => {
    write(policy(FROM_FE));
    expect(await lint()).toMatchObject({
      code: 0,
      stdout: 'no problems in 1 policy with 1 rule\n',
    });
  });

  it.each([
    ['a rule for everyone', '  ingress: [{}]\n', 'lint/open-to-anyone'],
    [
      'a database open to the world',
      '  ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{protocol: TCP, port: 5432}]}]\n',
      'lint/sensitive-port',
    ],
    ['egress for everyone', '  egress: [{}]\n', 'lint/open-egress'],
    [
      'egress without DNS',
      '  egress: [{to: [{podSelector: {matchLabels: {app: fe}}}], ports: [{protocol: TCP, port: 80}]}]\n',
      'lint/dns-missing',
    ],
    [
      'DNS by TCP alone',
      '  egress: [{to: [{namespaceSelector: {}}], ports: [{port: 53}]}]\n',
      'lint/dns-by-one-protocol',
    ],
    [
      'the credentials of the node',
      '  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 80}]}]\n',
      'lint/metadata-api-open',
    ],
    [
      'an empty list',
      '  ingress: [{from: [], ports: [{protocol: TCP, port: 5432}]}]\n',
      'lint/empty-list',
    ],
  ])('tells %s without a cluster', async (_, rules, code) => {
    write(policy(rules));
    expect(await codesOf()).toContain(code);
    write(policy(FROM_FE));
    expect(await codesOf()).not.toContain(code);
  });

  it.each([
    [
      'a misspelt label',
      '  ingress: [{from: [{podSelector: {matchLabels: {app: fee}}}], ports: [{port: 5432}]}]\n',
      'lint/label-typo',
    ],
    [
      'a port by a name that no pod has',
      '  ingress: [{from: [{podSelector: {matchLabels: {app: fe}}}], ports: [{port: pg}]}]\n',
      'lint/port-name-unknown',
    ],
    [
      'a label that no namespace carries',
      '  ingress: [{from: [{namespaceSelector: {matchLabels: {name: shop}}}], ports: [{port: 5432}]}]\n',
      'lint/namespace-label-unknown',
    ],
    [
      'a block of the pods’ own addresses',
      '  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/28}}], ports: [{port: 5432}]}]\n',
      'lint/pod-address',
    ],
    [
      'an egress rule by the address of a Service',
      '  egress: [{to: [{ipBlock: {cidr: 10.96.0.1/32}}], ports: [{port: 80}]}]\n',
      'lint/service-address',
    ],
    [
      'a node port that lets nodes in, and so everyone',
      '  ingress: [{from: [{ipBlock: {cidr: 192.0.2.2/32}}], ports: [{port: 5432}]}]\n',
      'lint/open-through-nodes',
    ],
    [
      'a node port that no client gets through',
      '  ingress: [{from: [{podSelector: {matchLabels: {app: fe}}}], ports: [{port: 5432}]}]\n',
      'lint/outside-shut-out',
    ],
    [
      'a rule for clients whose addresses a node port hides',
      '  ingress: [{from: [{ipBlock: {cidr: 198.51.100.0/24}}], ports: [{port: 5432}]}]\n',
      'lint/client-address-lost',
    ],
    [
      'half an edge',
      '  egress: [{to: [{podSelector: {matchLabels: {app: fe}}}], ports: [{port: 5432}]}]\n',
      'lint/half-edge',
    ],
    ['a pod that no policy selects', FROM_FE, 'lint/pod-unselected'],
  ])('tells %s with a cluster', async (_, rules, code) => {
    const two = policy(FROM_FE.replace('app: fe', 'app: nobody'), 'other').replace(
      'app: db',
      'app: fe',
    );
    write(`${policy(rules)}---\n${two}`);
    expect(await codesOf('--cluster', 'cluster.yaml')).toContain(code);
    expect(await codesOf()).not.toContain(code);
  });

  it('names the wider rule that makes another superfluous, and policies that say the same', async () => {
    write(`${policy(FROM_FE)}---\n${policy(FROM_FE, 'again')}`);
    expect(await codesOf()).toEqual(['lint/duplicate-policy']);
    const wider = FROM_FE.replace('port: 5432', 'port: 5000, endPort: 6000');
    write(`${policy(FROM_FE)}---\n${policy(wider, 'wide')}`);
    const { stdout } = await lint();
    expect(stdout).toContain(
      '`shop/db ingress[0]` adds nothing: `shop/wide ingress[0]` allows all that it allows',
    );
  });
});

describe('comments', () => {
  const OPEN = '  ingress: [{}]';

  it('switch a lint off with a reason, which is told to machines', async () => {
    write(policy(`${OPEN} # policyc: allow lint/open-to-anyone reason "a test bed"\n`));
    expect(await lint('--fail-on', 'warn')).toMatchObject({
      code: 0,
      stdout: 'no problems in 1 policy with 1 rule; 1 finding allowed by comments\n',
    });
    const { stdout } = await lint('--format', 'json');
    expect(stdout).toContain('a test bed');
  });

  it('switch nothing off without one', async () => {
    write(policy(`${OPEN} # policyc: allow lint/open-to-anyone\n`));
    expect(await codesOf()).toEqual(
      expect.arrayContaining(['lint/allow-without-reason', 'lint/open-to-anyone']),
    );
  });

  it('are told where they switch nothing off, and where there is no such lint', async () => {
    write(policy(`${FROM_FE}  # policyc: allow-file lint/open-to-anyone reason "once"\n`));
    expect(await codesOf()).toEqual(['lint/unused-allow']);
    write(policy(`${OPEN} # policyc: allow lint/open-to-any reason "typo"\n`));
    expect(await codesOf()).toContain('lint/bad-allow');
  });

  it('stand in the policy language too', async () => {
    write(
      'namespace shop {\n  isolate ingress\n  # policyc: allow lint/open-to-anyone reason "a test bed"\n  allow ingress from any to pods where app == "db" any port\n}\n',
      'p.pol',
    );
    const { code, stdout } = await invoke(['lint', 'p.pol', '--fail-on', 'warn']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'no problems in 2 policies with 1 rule; 1 finding allowed by comments\n',
    });
  });
});

describe('levels', () => {
  const OPEN = policy('  ingress: [{}]\n');

  it('make warnings errors, or nothing, on the command line and in policyc.yaml', async () => {
    write(OPEN);
    expect((await lint()).code).toBe(0);
    expect((await lint('--fail-on', 'warn')).code).toBe(1);
    expect((await lint('--deny', 'lint/open-to-anyone')).code).toBe(1);
    expect((await lint('--allow', 'lint/*', '--fail-on', 'warn')).code).toBe(0);
    write('lint:\n  fail-on: warn\n', 'policyc.yaml');
    expect((await lint()).code).toBe(1);
    write('lint:\n  fail-on: warn\n  allow: [lint/open-to-anyone]\n', 'policyc.yaml');
    expect(await codesOf()).not.toContain('lint/open-to-anyone');
  });

  it('are refused for what is no lint, with the nearest name', async () => {
    write(OPEN);
    const { code, stderr } = await lint('--deny', 'lint/open-to-anyon');
    expect(code).toBe(2);
    expect(stderr).toContain('did you mean `lint/open-to-anyone`');
  });
});

describe('fixes', () => {
  const DEAD = policy(FROM_FE).replace('[Ingress, Egress]', '[Ingress]');
  const SECTION = `${DEAD}  egress:\n    - to: [{ipBlock: {cidr: 10.0.0.0/8}}]\n`;

  it('are shown without being made, made once, and keep comments', async () => {
    write(SECTION);
    const shown = await lint('--diff');
    expect(shown.code).toBe(1);
    expect(shown.stdout).toContain('-  egress:\n-    - to: [{ipBlock: {cidr: 10.0.0.0/8}}]\n');
    expect(readFileSync('p.yaml', 'utf8')).toBe(SECTION);
    expect((await lint('--fix')).code).toBe(0);
    const after = readFileSync('p.yaml', 'utf8');
    expect(after).toBe(DEAD);
    await lint('--fix');
    expect(readFileSync('p.yaml', 'utf8')).toBe(after);
    expect(await lint('--diff')).toMatchObject({ code: 0, stdout: 'nothing to fix\n' });
  });

  it('leave nothing to be seen by diff', async () => {
    write(SECTION);
    write(SECTION, 'before.yaml');
    await lint('--fix');
    const { stdout } = await invoke(['diff', 'before.yaml', 'p.yaml', '--fail-on', 'any']);
    expect(stdout).toContain('no connection changes');
  });

  it('change the meaning only if told to', async () => {
    const typo = policy(FROM_FE.replace('app: fe', 'app: fee'));
    write(typo);
    await lint('--cluster', 'cluster.yaml', '--fix');
    expect(readFileSync('p.yaml', 'utf8')).toBe(typo);
    await lint('--cluster', 'cluster.yaml', '--unsafe-fixes');
    expect(readFileSync('p.yaml', 'utf8')).toBe(policy(FROM_FE));
  });

  it('are refused for standard input', async () => {
    const { code, stderr } = await invoke(['lint', '-', '--fix'], { stdin: SECTION });
    expect(code).toBe(2);
    expect(stderr).toContain('lint/fix-stdin');
  });
});

describe('formats', () => {
  it('are SARIF and Markdown beside text and JSON', async () => {
    write(policy('  ingress: [{}]\n'));
    const sarif = JSON.parse((await lint('--format', 'sarif')).stdout) as {
      runs: readonly { results: readonly { ruleId: string }[] }[];
    };
    expect(sarif.runs[0]?.results.map(({ ruleId }) => ruleId)).toContain('lint/open-to-anyone');
    expect((await lint('--format', 'markdown')).stdout).toContain('lint/open-to-anyone');
  });

  it('explain each code', async () => {
    const { stdout } = await invoke(['help', 'lint/open-through-nodes']);
    expect(stdout).toContain('externalTrafficPolicy Cluster');
  });
});

it('docs/lint.md is up to date', async () => {
  const path = fileURLToPath(new URL('../../docs/lint.md', import.meta.url));
  await expect(lintReference()).toMatchFileSnapshot(path);
});
