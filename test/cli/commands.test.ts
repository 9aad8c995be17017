/** check, compile, dump, test and fmt, as users call them. */
import { existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { invoke } from './invoke.js';
import { CLUSTER, enterWorkspace, LANGUAGE, POLICY } from './workspace.js';

let workspace: ReturnType<typeof enterWorkspace>;
beforeEach(() => {
  workspace = enterWorkspace({
    'cluster.yaml': CLUSTER,
    'policy.yaml': POLICY,
    'shop.pol': LANGUAGE,
    'bad.yaml': POLICY.replace('podSelector: {', 'podSelektor: {'),
    'typo.yaml': POLICY.replace('app: db', 'app: dbb'),
  });
});
afterEach(() => workspace.leave());

describe('policyc check', () => {
  it('has nothing to say about good policies', async () => {
    const { code, stdout } = await invoke(['check', 'policy.yaml', '--cluster', 'cluster.yaml']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'no problems in 1 policy with 1 rule\n' });
  });

  it('answers no where there are errors', async () => {
    const { code, stdout } = await invoke(['check', 'bad.yaml']);
    expect(code).toBe(1);
    expect(stdout).toContain(' --> bad.yaml:7:3');
    expect(stdout).toContain('did you mean `podSelector`?');
  });

  it('warns of selectors that match nothing in the cluster', async () => {
    const question = ['check', 'typo.yaml', '--cluster', 'cluster.yaml'];
    const warned = await invoke(question);
    expect(warned.code).toBe(0);
    expect(warned.stdout).toContain('warning[check/');
    expect((await invoke([...question, '--deny-warnings'])).code).toBe(1);
  });

  it('writes SARIF and JSON', async () => {
    const sarif = await invoke(['check', 'bad.yaml', '--format', 'sarif']);
    expect(JSON.parse(sarif.stdout)).toMatchObject({
      version: '2.1.0',
      runs: [{ results: [{ level: 'error' }] }],
    });
    const json = await invoke(['check', 'policy.yaml', '--format', 'json']);
    expect(JSON.parse(json.stdout)).toEqual({ errors: 0, warnings: 0, diagnostics: [] });
  });

  it('cannot answer about files that it cannot read', async () => {
    expect(await invoke(['check', 'missing.yaml'])).toMatchObject({ code: 2 });
  });
});

describe('policyc compile and dump', () => {
  it('never writes over what it has read', async () => {
    symlinkSync('policy.yaml', 'link.bundle');
    for (const output of ['policy.yaml', './cluster.yaml', 'link.bundle']) {
      const argv = ['compile', 'policy.yaml', '--cluster', 'cluster.yaml', '-o', output];
      const { code, stderr } = await invoke(argv);
      expect(code).toBe(2);
      expect(stderr).toContain('error[cli/output-is-input]');
    }
    expect(readFileSync('policy.yaml', 'utf8')).toBe(POLICY);
    expect(readFileSync('cluster.yaml', 'utf8')).toBe(CLUSTER);
  });

  it('writes the same bundle every time, and says what is in it', async () => {
    const first = await invoke(['compile', 'policy.yaml', 'shop.pol', '-o', 'a.bundle']);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    await invoke(['compile', 'policy.yaml', 'shop.pol', '-o', 'b.bundle']);
    expect(readFileSync('a.bundle').equals(readFileSync('b.bundle'))).toBe(true);
    const dumped = await invoke(['dump', 'a.bundle', '--format', 'json']);
    const content = JSON.parse(dumped.stdout) as {
      readonly digest: string;
      readonly bytes: number;
      readonly cells: readonly { readonly name: string; readonly at: string }[];
    };
    expect(first.stdout).toContain(`sha256:${content.digest}`);
    expect(content.bytes).toBe(readFileSync('a.bundle').length);
    expect(content.cells).toContainEqual(
      expect.objectContaining({ name: 'shop/db ingress[0]', at: 'policy.yaml:9:7' }),
    );
  });

  it('names the bundle after the first path', async () => {
    await invoke(['compile', 'policy.yaml']);
    expect(existsSync('policy.bundle')).toBe(true);
  });

  it('writes no bundle for bad policies, and leaves nothing behind', async () => {
    const before = readdirSync('.');
    expect(await invoke(['compile', 'bad.yaml', '-o', 'x.bundle'])).toMatchObject({ code: 2 });
    expect(readdirSync('.')).toEqual(before);
  });

  it('says how large the maps are in a cluster', async () => {
    const argv = ['compile', 'policy.yaml', '--cluster', 'cluster.yaml', '--format', 'json'];
    const { stdout } = await invoke(argv);
    const report = JSON.parse(stdout) as {
      readonly subjects: number;
      readonly maps: readonly { readonly name: string; readonly entries?: number }[];
    };
    expect(report.subjects).toBe(2);
    // What stands behind a pod's gate is filled on the node.
    const unbound = report.maps.filter(({ entries }) => entries === undefined);
    expect(unbound.map(({ name }) => name)).toEqual(['halves']);
  });

  it('emits each stage, and then no bundle', async () => {
    const before = readdirSync('.');
    const emit = (stage: string): ReturnType<typeof invoke> =>
      invoke(['compile', 'policy.yaml', '--emit', stage]);
    expect(JSON.parse((await emit('model')).stdout)).toMatchObject({
      policies: [{ name: 'db', rules: [{ origin: 'policy.yaml:9:7' }] }],
    });
    expect((await emit('plan')).stdout).toMatch(/^ingress: code/);
    expect((await emit('listing')).stdout).toMatch(/^to_pod:$/m);
    expect((await emit('elf')).stdout.slice(1, 4)).toBe('ELF');
    expect(readdirSync('.')).toEqual(before);
  });

  it('says which layouts lost, and what needs connection state', async () => {
    const argv = ['compile', 'policy.yaml', 'shop.pol', '--emit', 'plan', '--cluster'];
    const { stdout } = await invoke([...argv, 'cluster.yaml', '--format', 'json']);
    const report = JSON.parse(stdout) as {
      readonly layouts: {
        readonly tables: readonly { readonly table: string; readonly lost: readonly unknown[] }[];
      };
      readonly state: unknown;
    };
    expect(report.layouts.tables.find(({ table }) => table === 'rows')?.lost).toHaveLength(1);
    // Both may send to the database alone: what others open to the front end is answered by state.
    const everywhere = [
      { flavour: 'outside', needing: 1, classes: 1 },
      { flavour: 'pod', needing: 2, classes: 2 },
    ];
    expect(report.state).toEqual([
      {
        pods: ['shop/db'],
        opens: {},
        serves: { TCP: [{ flavour: 'pod', needing: 1, classes: 2 }] },
      },
      {
        pods: ['shop/fe'],
        opens: {},
        serves: { TCP: everywhere, UDP: everywhere, SCTP: everywhere, other: everywhere },
      },
    ]);
    expect((await invoke([...argv, 'cluster.yaml'])).stdout).toContain('STATE FOR');
  });

  it('keeps to the memory budget, and refuses what does not fit', async () => {
    const argv = ['compile', 'policy.yaml', '-o', 'x.bundle', '--cluster', 'cluster.yaml'];
    const plan = ['compile', 'policy.yaml', '--cluster', 'cluster.yaml', '--emit', 'plan'];
    const small = await invoke([...plan, '--budget', '420KiB']);
    expect(small.stdout).toMatch(/^addresses IPv4 +hash and LPM +.*chosen$/m);
    expect(small.stdout).toMatch(/trie +.* lost: over 420.0 KiB|KiB over the budget/);
    expect((await invoke(plan)).stdout).toMatch(/^addresses IPv4 +trie +.*chosen$/m);
    const refused = await invoke([...argv, '--budget', '100KiB']);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('error[bind/over-budget]');
    expect(existsSync('x.bundle')).toBe(false);
    expect((await invoke([...argv, '--budget', '1MiB'])).code).toBe(0);
    const alone = await invoke(['compile', 'policy.yaml', '--budget', '1KiB']);
    expect(alone.stderr).toContain('give a budget of 385KiB or more');
    expect((await invoke([...argv, '--budget', '1 MB'])).stderr).toContain('error[cli/bad-size]');
    expect((await invoke(['compile', 'policy.yaml', '--node', 'n1'])).stderr).toContain(
      'error[cli/needs-option]',
    );
  });

  it('keeps binary output off a terminal', async () => {
    for (const more of [
      ['--emit', 'elf'],
      ['-o', '-'],
    ]) {
      const result = await invoke(['compile', 'policy.yaml', ...more], { terminal: true });
      expect(result).toMatchObject({ code: 2, stdout: '' });
    }
  });

  it('shows the rule of every instruction that a rule caused', async () => {
    await invoke(['compile', 'policy.yaml', '-o', 'a.bundle']);
    const { stdout } = await invoke(['dump', 'a.bundle']);
    expect(stdout).toMatch(/^; policy\.yaml:9: /m);
    expect(stdout).toMatch(/shop\/db ingress\[0\] +policy\.yaml:9:7 +- from:/);
  });

  it('refuses what is no bundle, and a damaged one', async () => {
    expect(await invoke(['dump', 'policy.yaml'])).toMatchObject({ code: 2 });
    expect(await invoke(['dump', 'missing'])).toMatchObject({ code: 2 });
    await invoke(['compile', 'policy.yaml', '-o', 'a.bundle']);
    const bytes = readFileSync('a.bundle');
    const middle = bytes.length >> 1;
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    writeFileSync('a.bundle', bytes);
    const { code, stderr } = await invoke(['dump', 'a.bundle']);
    expect(code).toBe(2);
    expect(stderr).toContain('error[bundle/unreadable]');
  });
});

describe('policyc test', () => {
  const question = ['test', 'shop.pol', '--cluster', 'cluster.yaml'];

  it.each(['model', 'vm'])('passes by the %s', async (engine) => {
    const { code, stdout } = await invoke([...question, '--engine', engine]);
    expect(stdout).toContain('2 passed, 0 failed');
    expect(code).toBe(0);
  });

  it('shows what fails, and writes JUnit', async () => {
    writeFileSync('shop.pol', LANGUAGE.replace('expect deny', 'expect allow'));
    const { code, stdout } = await invoke([...question, '--junit', 'results.xml']);
    expect(code).toBe(1);
    expect(stdout).toContain('FAIL  test "no shell from the front end"');
    expect(stdout).toContain('error[assert/test-failed]');
    expect(readFileSync('results.xml', 'utf8')).toContain('tests="2" failures="1"');
    const json = await invoke([...question, '--format', 'json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ passed: 1, failed: 1 });
  });

  it('warns where there is nothing to run', async () => {
    const { code, stderr } = await invoke(['test', 'policy.yaml']);
    expect(code).toBe(0);
    expect(stderr).toContain('warning[cli/no-tests]');
  });
});

describe('policyc fmt', () => {
  const ugly = 'namespace   shop {\nisolate ingress\n}\n';
  const pretty = 'namespace shop {\n  isolate ingress\n}\n';

  it('checks, formats, and then has nothing to do', async () => {
    writeFileSync('ugly.pol', ugly);
    const checked = await invoke(['fmt', '--check', 'ugly.pol']);
    expect(checked).toMatchObject({ code: 1 });
    expect(readFileSync('ugly.pol', 'utf8')).toBe(ugly);
    expect(await invoke(['fmt', 'ugly.pol'])).toMatchObject({ code: 0 });
    expect(readFileSync('ugly.pol', 'utf8')).toBe(pretty);
    expect(await invoke(['fmt', '--check', 'ugly.pol'])).toMatchObject({ code: 0 });
  });

  it('filters standard input', async () => {
    expect(await invoke(['fmt', '-'], { stdin: ugly })).toMatchObject({ code: 0, stdout: pretty });
  });

  it('reports files that it cannot read as policies, and formats the others', async () => {
    writeFileSync('ugly.pol', ugly);
    writeFileSync('broken.pol', 'namespace {');
    const { code, stderr } = await invoke(['fmt', '.']);
    expect(code).toBe(2);
    expect(stderr).toContain(' --> broken.pol:1:');
    expect(readFileSync('ugly.pol', 'utf8')).toBe(pretty);
    expect(readFileSync('broken.pol', 'utf8')).toBe('namespace {');
  });

  it('leaves manifests alone', async () => {
    expect(await invoke(['fmt', 'policy.yaml'])).toMatchObject({ code: 2 });
    expect(readFileSync('policy.yaml', 'utf8')).toBe(POLICY);
  });
});
