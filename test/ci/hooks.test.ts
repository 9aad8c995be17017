/** The hooks for pre-commit: each is a command that runs from policyc.yaml alone, or on the files it is handed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invoke } from '../cli/invoke.js';
import { CLUSTER, enterWorkspace, LANGUAGE } from '../cli/workspace.js';

interface Hook {
  readonly id: string;
  readonly entry: string;
  readonly language: string;
  readonly files: string;
  readonly pass_filenames?: boolean;
}

const PATH = fileURLToPath(new URL('../../.pre-commit-hooks.yaml', import.meta.url));
const hooks = load(readFileSync(PATH, 'utf8')) as readonly Hook[];

let workspace: ReturnType<typeof enterWorkspace>;
beforeAll(() => {
  workspace = enterWorkspace({
    'policyc.yaml': 'policies: shop.pol\nclusters: {prod: cluster.yaml}\n',
    'cluster.yaml': CLUSTER,
    'shop.pol': LANGUAGE,
  });
});
afterAll(() => workspace.leave());

describe('hooks', () => {
  it.each(hooks.map((hook) => [hook.id, hook] as const))('%s runs', async (_, hook) => {
    const [program, ...argv] = hook.entry.split(' ');
    expect(program).toBe('policyc');
    expect(hook.language).toBe('node');
    const files = ['shop.pol', 'cluster.yaml', 'policyc.yaml'].filter((name) =>
      new RegExp(hook.files).test(name),
    );
    expect(files).toContain('shop.pol');
    const operands = hook.pass_filenames === false ? [] : files;
    await invoke(['fmt', 'shop.pol']);
    const { code, stderr } = await invoke([...argv, ...operands]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('fail where policies are wrong', async () => {
    writeFileSync('shop.pol', 'namespace shop {');
    for (const { entry, pass_filenames: pass } of hooks) {
      const argv = [...entry.split(' ').slice(1), ...(pass === false ? [] : ['shop.pol'])];
      expect((await invoke(argv)).code).not.toBe(0);
    }
  });
});
