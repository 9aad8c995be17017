/** policyc.yaml as commands read it: found upwards, told, or left alone. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/base/command-table.js';
import { longName, readsConfig } from '../../src/cli/base/spec.js';
import { invoke } from './invoke.js';
import { CLUSTER, enterWorkspace, POLICY } from './workspace.js';

const CONFIG = `policies: policies
clusters:
  prod: clusters/prod.yaml
`;

let workspace: ReturnType<typeof enterWorkspace>;
beforeAll(() => {
  workspace = enterWorkspace({ 'policyc.yaml': CONFIG });
  mkdirSync('policies');
  mkdirSync('clusters');
  mkdirSync('.git');
  writeFileSync('policies/db.yaml', POLICY);
  writeFileSync('clusters/prod.yaml', CLUSTER);
});
afterAll(() => workspace.leave());

async function within<Value>(folder: string, body: () => Promise<Value>): Promise<Value> {
  const before = process.cwd();
  process.chdir(folder);
  try {
    return await body();
  } finally {
    process.chdir(before);
  }
}

describe('policyc.yaml', () => {
  it('gives policies and the cluster where none are given', async () => {
    const { code, stdout } = await invoke(['list']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^policies in clusters\/prod\.yaml: 2 pods/);
  });

  it('is found in folders above, and its paths count from where it is', async () => {
    const { code, stdout } = await within('clusters', () => invoke(['list']));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\.\.\/policies in prod\.yaml: 2 pods/);
  });

  it('is not looked for above a repository', async () => {
    mkdirSync('clusters/.git');
    const { code, stderr } = await within('clusters', () => invoke(['check']));
    rmSync('clusters/.git', { recursive: true });
    expect(code).toBe(2);
    expect(stderr).toContain('`policyc check` needs at least one PATH');
  });

  it('gives way to what is given, and is left alone with --no-config', async () => {
    const given = await invoke(['list', 'policies/db.yaml', '--cluster', 'clusters']);
    expect(given.stdout).toMatch(/^policies\/db\.yaml in clusters: /);
    const none = await invoke(['list', 'policies', '--no-config']);
    expect(none).toMatchObject({ code: 2 });
    expect(none.stderr).toContain('needs `--cluster`');
  });

  it('names clusters', async () => {
    const { stdout } = await invoke(['list', '--cluster', 'prod']);
    expect(stdout).toMatch(/in clusters\/prod\.yaml: /);
    const unknown = await invoke(['list', '--cluster', 'prodd']);
    expect(unknown.code).toBe(2);
  });

  it('gives commands that compare all clusters, and asks the others which', async () => {
    writeFileSync('two.yaml', `${CONFIG}  staging: clusters\n`);
    const compared = await invoke(['diff', 'policies', 'policies', '--config', 'two.yaml']);
    expect(compared.stdout).toContain('no connection changes in 2 clusters');
    const asked = await invoke(['list', '--config', 'two.yaml']);
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain('choose one with `--cluster prod` or `--cluster staging`');
    writeFileSync('two.yaml', `cluster: prod\n${CONFIG}  staging: clusters\n`);
    expect((await invoke(['list', '--config', 'two.yaml'])).code).toBe(0);
  });

  it('is no policy where a folder is read that holds it', async () => {
    mkdirSync('both');
    writeFileSync('both/policyc.yaml', 'policies: db.yaml\n');
    writeFileSync('both/db.yaml', POLICY);
    const { code, stdout, stderr } = await invoke(['check', 'both', '--no-config']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('no problems in 1 policy');
  });

  it('is refused as a whole, with the place of what is wrong', async () => {
    writeFileSync('bad.yaml', 'policies: nowhere\n');
    const gone = await invoke(['check', '--config', 'bad.yaml']);
    expect(gone).toMatchObject({ code: 2, stdout: '' });
    expect(gone.stderr).toContain('error[config/no-such-path]: `nowhere` does not exist');
    expect(gone.stderr).toContain('bad.yaml:1:11');
    const none = await invoke(['check', '--config', 'none.yaml', '--format', 'json']);
    expect(JSON.parse(none.stderr)).toMatchObject({ diagnostics: [{ code: 'config/not-found' }] });
  });

  it('holds the gates and the accepted changes of a comparison', async () => {
    writeFileSync('gates.yaml', `${CONFIG}diff: {fail-on: [widen], accept: accepted.yaml}\n`);
    writeFileSync('accepted.yaml', '- {fingerprint: "0123456789abcdef", reason: none}\n');
    writeFileSync('open.yaml', POLICY.replace('port: 5432', 'port: 5432}, {port: 22'));
    const argv = ['diff', 'policies', 'open.yaml', '--config', 'gates.yaml'];
    const failed = await invoke(argv);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('diff/stale-acceptance');
    expect((await invoke([...argv, '--fail-on', 'narrow'])).code).toBe(0);
  });

  it('holds policies to guardrails of others', async () => {
    writeFileSync(
      'rails.pol',
      'assert never any -> pods in namespace shop where app == "db" port 5432/tcp\n',
    );
    writeFileSync('rails.yaml', `${CONFIG}guardrails: rails.pol\n`);
    expect((await invoke(['check', '--no-config', 'policies', '--cluster', 'clusters'])).code).toBe(
      0,
    );
    const { code, stdout } = await invoke(['check', '--config', 'rails.yaml']);
    expect(code).toBe(1);
    expect(stdout).toContain('rails.pol:1:');
  });

  it('names what a revision is compared with', async () => {
    const git = (...argv: readonly string[]): void => {
      const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
      execFileSync('git', [...who, ...argv], { stdio: 'pipe' });
    };
    rmSync('.git', { recursive: true });
    git('init', '-q', '-b', 'main');
    git('add', 'policies', 'clusters');
    git('commit', '-q', '-m', 'first');
    writeFileSync('policies/db.yaml', POLICY.replace('port: 5432', 'port: 5433'));
    const changed = /^main:.*policies → .*policies: 1 widened, 1 narrowed/m;
    expect((await invoke(['diff', '--base', 'main'])).stdout).toMatch(changed);
    writeFileSync('base.yaml', `${CONFIG}diff: {base: main}\n`);
    const { stdout } = await invoke(['diff', '--config', 'base.yaml']);
    expect(stdout).toMatch(changed);
    const inside = await within('clusters', () => invoke(['diff', '--base', 'main']));
    expect(inside.stdout).toMatch(/^main:\.\.\/policies → \.\.\/policies: /m);
    const fresh = await invoke(['diff', '--base', 'main', 'two.yaml', '--cluster', 'prod']);
    expect(fresh.stderr).toContain('diff/new-policies');
    const none = await invoke(['diff', '--no-config', '--base', 'main']);
    expect(none.stderr).toContain('`policyc diff` needs a PATH beside `--base`');
    const neither = await invoke(['diff', 'policies']);
    expect(neither.stderr).toContain('`policyc diff` needs NEW, or `--base`');
    writeFileSync('several.yaml', `policies: [policies, clusters]\n`);
    const several = await invoke(['diff', '--base', 'main', '--config', 'several.yaml']);
    expect(several.stderr).toContain('diff/one-path');
    writeFileSync('policies/db.yaml', POLICY);
  });

  it('can be told to every command that reads it', () => {
    for (const spec of commands) {
      const names = spec.options.map(longName);
      expect(names.includes('config')).toBe(readsConfig(spec));
      expect(names.includes('no-config')).toBe(readsConfig(spec));
    }
  });

  it('does not reach commands that change a node', () => {
    const node = commands.filter(({ name }) => ['apply', 'load', 'rollback'].includes(name));
    expect(node.map(readsConfig)).toEqual([false, false, false]);
  });
});
