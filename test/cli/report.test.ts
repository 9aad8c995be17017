/** `policyc report`, as users call it. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readStatistics } from '../../src/loader/verifier-statistics.js';
import { lacks } from '../support/requires.js';
import { invoke, type Result } from './invoke.js';
import { CLUSTER, enterWorkspace, POLICY } from './workspace.js';

interface Json {
  readonly boundTo: {
    readonly cluster: string | null;
    readonly node: string | null;
    readonly pods: number;
  };
  readonly costs: Readonly<Record<'total' | 'shared' | 'fixed', Counts>> & {
    readonly policies: readonly (Counts & {
      readonly policy: string;
      readonly rules: readonly (Counts & {
        readonly rule: string;
        readonly packet: object | null;
      })[];
    })[];
  };
  readonly programs: readonly {
    readonly name: string;
    readonly instructions: number;
    readonly stack: number;
  }[];
  readonly verifier: {
    readonly notMeasured?: string;
    readonly programs?: readonly {
      readonly name: string;
      readonly processed: number;
      readonly frames: readonly number[];
    }[];
  };
  readonly worst: readonly {
    readonly instructions: number;
    readonly lookups: number;
    readonly path: readonly string[];
    readonly frame: string;
  }[];
  readonly mostLookups: { readonly lookups: number };
  readonly budgets: readonly {
    readonly of: string;
    readonly what: string;
    readonly over: number;
    readonly at: string;
  }[];
  readonly kept: boolean;
}

interface Counts {
  readonly instructions: number;
  readonly entries: number;
  readonly bytes: number;
}

let workspace: ReturnType<typeof enterWorkspace>;
beforeAll(() => {
  workspace = enterWorkspace({ 'cluster.yaml': CLUSTER, 'policy.yaml': POLICY });
});
afterAll(() => workspace.leave());

function report(...argv: readonly string[]): Promise<Result> {
  return invoke(['report', 'policy.yaml', '--cluster', 'cluster.yaml', '--no-load', ...argv]);
}

async function json(...argv: readonly string[]): Promise<Json> {
  const { stdout } = await report('--format', 'json', ...argv);
  return JSON.parse(stdout) as Json;
}

async function withConfig(text: string, ...argv: readonly string[]): Promise<Result> {
  writeFileSync('budgets.yaml', text);
  return report('--config', 'budgets.yaml', ...argv);
}

describe('policyc report', () => {
  it('says what policies cost, who causes it, and what packets cost', async () => {
    const { code, stdout, stderr } = await report();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^policy\.yaml: 1 policy with 1 rule, on node n1 of cluster\.yaml, with 2 pods$/m,
    );
    expect(stdout).toMatch(/^shop\/db +\d+ +\d+ +\d+ +policy\.yaml:4:9$/m);
    expect(stdout).toMatch(/^ {2}ingress\[0\] +\d+ +\d+ +\d+ {2}\d+ instructions, \d+ lookups/m);
    expect(stdout).toMatch(/^ {2}isolation of ingress +/m);
    expect(stdout).toMatch(/^to_pod +[\d,]+ +\d+ of 512 +-$/m);
    expect(stdout).toContain('not verified here: it was not asked for');
    expect(stdout).toMatch(/^found among [\d,]+ packets at 2 pods$/m);
  });

  it('adds up', async () => {
    const { costs } = await json();
    const [policy] = costs.policies;
    expect(policy?.instructions).toBeGreaterThan(0);
    for (const what of ['instructions', 'entries', 'bytes'] as const) {
      const parts = (policy?.[what] ?? 0) + costs.shared[what] + costs.fixed[what];
      expect(parts).toBe(costs.total[what]);
    }
  });

  it('gives the frame of the worst packet, and where it was looked up', async () => {
    const { worst, mostLookups } = await json();
    expect(worst).toHaveLength(2);
    for (const { instructions, lookups, path, frame } of worst) {
      expect(instructions).toBeGreaterThan(100);
      expect(path).toHaveLength(lookups);
      expect(Buffer.from(frame, 'hex').length).toBeGreaterThanOrEqual(34);
      expect(mostLookups.lookups).toBeGreaterThanOrEqual(lookups);
    }
  });

  it('takes a bundle, and the same cluster for both', async () => {
    await invoke(['compile', 'policy.yaml', '-o', 'shop.bundle', '--no-validate']);
    const ofBundle = await invoke([
      ...['report', 'shop.bundle', '--cluster', 'cluster.yaml', '--no-load', '--format', 'json'],
    ]);
    const bundle = JSON.parse(ofBundle.stdout) as Json & { readonly of: string };
    expect(bundle.of).toBe('shop.bundle');
    expect({ ...bundle, of: 'policy.yaml' }).toEqual(await json());
  });

  it('makes pods up where there is no cluster, and says so', async () => {
    const { code, stdout } = await invoke(['report', 'policy.yaml', '--no-load']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^policy\.yaml: .* on a made-up node with \d+ pods/);
  });

  it('refuses what is not there, and no bundle', async () => {
    const gone = await invoke(['report', 'gone.yaml']);
    expect(gone).toMatchObject({ code: 2, stdout: '' });
    expect(gone.stderr).toContain('error[source/not-found]');
    writeFileSync('bad.bundle', 'x');
    expect((await invoke(['report', 'bad.bundle'])).stderr).toContain('error[bundle/unreadable]');
  });

  it('says so where there are no policies, and no pods', async () => {
    writeFileSync('none.yaml', '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n');
    for (const more of [[], ['--cluster', 'none.yaml'], ['--format', 'markdown']]) {
      const { code, stdout, stderr } = await invoke(['report', 'none.yaml', '--no-load', ...more]);
      expect(code).toBe(0);
      expect(stdout).toContain('none.yaml: 0 policies with 0 rules');
      expect(stderr).toContain('cli/no-policies');
    }
  });

  it('needs a node of the cluster', async () => {
    expect(await report('--node', 'n7')).toMatchObject({ code: 2, stdout: '' });
    const none = await invoke(['report', 'policy.yaml', '--node', 'n1']);
    expect(none.stderr).toContain('cli/needs-option');
  });

  it('tells the ten most expensive policies, and all when asked', async () => {
    const many = Array.from({ length: 12 }, (_, i) =>
      POLICY.replace('name: db', `name: db-${i}`),
    ).join('---\n');
    writeFileSync('many.yaml', many);
    const argv = ['report', 'many.yaml', '--cluster', 'cluster.yaml', '--no-load'];
    const some = await invoke(argv);
    expect(some.stdout).toMatch(/^… and 2 more with .*; --all tells them$/m);
    const all = await invoke([...argv, '--all']);
    expect(all.stdout.match(/^shop\/db-/gm)).toHaveLength(12);
  });

  it.skipIf(lacks('root') !== undefined)('measures what the verifier does', async () => {
    const { stdout } = await invoke([
      ...['report', 'policy.yaml', '--cluster', 'cluster.yaml', '--format', 'json'],
    ]);
    const { verifier, programs } = JSON.parse(stdout) as Json;
    expect(verifier.programs?.map(({ name }) => name)).toEqual(programs.map(({ name }) => name));
    for (const [i, { processed, frames }] of (verifier.programs ?? []).entries()) {
      expect(processed).toBeGreaterThan(1_000);
      // What was worked out without the kernel is no less than what the verifier saw.
      expect(programs[i]?.stack).toBeGreaterThanOrEqual(Math.max(...frames));
    }
  });
});

describe('budgets', () => {
  it('that are kept change nothing', async () => {
    const kept = await withConfig(
      'budgets: {bundle: {bytes: 1MiB, entries: 9999, instructions: 99999, path: 9999, lookups: 99}}\n',
    );
    expect(kept).toMatchObject({ code: 0, stderr: '' });
    expect(kept.stdout).toMatch(
      /^kept {2}bytes of tables and maps of all policies: .* of 1\.0 MiB/m,
    );
  });

  it('fail with the numbers, the largest contributors, and the place', async () => {
    const { code, stdout } = await withConfig('budgets:\n  bundle: {instructions: 4000}\n');
    expect(code).toBe(1);
    const line =
      /^over {2}instructions of all policies: ([\d,]+) of 4,000, ([\d,]+) over; the largest contributors: what any policies need ([\d,]+), shop\/db (\d+) {2}\(budgets\.yaml:2:26\)$/m.exec(
        stdout,
      );
    const [total = 0, over = 0, fixed = 0, own = 0] = (line ?? [])
      .slice(1)
      .map((one) => Number(one.replaceAll(',', '')));
    expect(total - 4000).toBe(over);
    expect(fixed + own).toBe(total);
  });

  it.each([
    ['bundle: {bytes: 1KiB}', 'all policies', 'bytes'],
    ['bundle: {path: 10}', 'all policies', 'path'],
    ['bundle: {lookups: 1}', 'all policies', 'lookups'],
    ['bundle: {entries: 1}', 'all policies', 'entries'],
    ['policies: {"shop/*": {instructions: 0}}', 'policy shop/db', 'instructions'],
    ['policies: {"*": {entries: 0}}', 'policy shop/db', 'entries'],
    ['namespaces: {shop: {instructions: 0}}', 'namespace shop', 'instructions'],
  ])('%s is not kept', async (text, of, what) => {
    const { code, stdout } = await withConfig(`budgets: {${text}}\n`, '--format', 'json');
    expect(code).toBe(1);
    const { budgets, kept } = JSON.parse(stdout) as Json;
    expect(kept).toBe(false);
    expect(budgets).toMatchObject([{ of, what }]);
    expect(budgets[0]?.over).toBeGreaterThan(0);
  });

  it('of the first pattern that matches count', async () => {
    const { code } = await withConfig(
      'budgets: {policies: {"shop/*": {instructions: 9999}, "*": {instructions: 0}}}\n',
    );
    expect(code).toBe(0);
  });

  it('that hold for nothing are told', async () => {
    const { code, stderr } = await withConfig('budgets: {policies: {"shap/*": {entries: 0}}}\n');
    expect(code).toBe(0);
    expect(stderr).toContain('warning[config/idle-budget]: no policy has the budget of `shap/*`');
  });

  it('stand first in a comment', async () => {
    const { code, stdout } = await withConfig(
      'budgets: {bundle: {instructions: 4000, bytes: 9MiB}}\n',
      ...['--format', 'markdown'],
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^\*\*Cost of policy\.yaml: .*: 1 budget of 2 not kept\*\*\n\n\* ❌ instructions of all policies: /,
    );
    expect(stdout).toMatch(/^\| all \| [\d,]+ \| [\d,]+ \| [\d,]+ \([\d.]+ KiB\) \|$/m);
  });
});

describe('readStatistics', () => {
  it('reads what the verifier says of each program', () => {
    const log = [
      "libbpf: prog 'to_pod': added 148 insns from sub-prog 'find_address6'",
      "libbpf: prog 'to_pod': -- BEGIN PROG LOAD LOG --",
      'verification time 185175 usec',
      'stack depth 232+0+8',
      'processed 22897 insns (limit 1000000) max_states_per_insn 13 total_states 1487 peak_states 904 mark_read 0',
      '-- END PROG LOAD LOG --',
      "libbpf: prog 'from_pod': -- BEGIN PROG LOAD LOG --",
      'processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0',
      '-- END PROG LOAD LOG --',
    ].join('\n');
    expect(readStatistics(log)).toEqual([
      { name: 'to_pod', processed: 22_897, limit: 1_000_000, peakStates: 904, frames: [232, 0, 8] },
      { name: 'from_pod', processed: 7, limit: 1_000_000, peakStates: 0, frames: [] },
    ]);
  });
});
