/** The GitHub Action, run step by step as a runner runs it, on a pull request in a shallow checkout. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLUSTER, POLICY } from '../cli/workspace.js';
import { transpileSources } from '../cli/transpile.js';
import { cleanUp, runAction, type ActionRun } from './composite.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CONFIG = `policies: policies
clusters: {prod: cluster.yaml}
budgets: {bundle: {entries: 100000}}
`;

let action = '';
let home = '';
beforeAll(() => {
  action = transpileSources();
  cpSync(join(ROOT, 'action.yml'), join(action, 'action.yml'));
  cpSync(join(ROOT, 'scripts/action'), join(action, 'scripts/action'), { recursive: true });
  home = mkdtempSync(join(tmpdir(), 'policyc-action-'));
}, 120_000);
afterAll(() => {
  cleanUp();
  rmSync(action, { recursive: true });
  rmSync(home, { recursive: true });
});

function git(folder: string, ...argv: readonly string[]): void {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
  execFileSync('git', ['-C', folder, ...who, ...argv], { env, stdio: 'pipe' });
}

type Files = Readonly<Record<string, string>>;
let count = 0;

/** A checkout of one commit, as actions/checkout makes it: the change on top of `main`. */
function pullRequest(main: Files, change: Files): string {
  count += 1;
  const origin = join(home, `origin-${count}`);
  mkdirSync(join(origin, 'policies'), { recursive: true });
  git(origin, 'init', '-q', '-b', 'main');
  const commit = (files: Files): void => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(origin, name), text);
    git(origin, 'add', '-A');
    git(origin, 'commit', '-q', '--allow-empty', '-m', 'change');
  };
  commit(main);
  git(origin, 'checkout', '-q', '-b', 'change');
  commit(change);
  const workspace = join(home, `workspace-${count}`);
  git(home, 'clone', '-q', '--depth=1', '--branch=change', `file://${origin}`, workspace);
  return workspace;
}

const MAIN: Files = { 'policyc.yaml': CONFIG, 'cluster.yaml': CLUSTER, 'policies/db.yaml': POLICY };
const WIDER = POLICY.replace('port: 5432', 'port: 5432}, {port: 22');

function run(
  workspace: string,
  inputs: Readonly<Record<string, string>> = {},
  base = 'main',
): ActionRun {
  return runAction({
    action,
    workspace,
    inputs,
    env: base === '' ? {} : { GITHUB_BASE_REF: base },
  });
}

function read(path: string | undefined): string {
  return readFileSync(path ?? '', 'utf8');
}

describe('the action', () => {
  it('compares a pull request with its base, and writes a comment, SARIF, a bundle and a summary', () => {
    const { failed, outputs, summary, log } = run(pullRequest(MAIN, { 'policies/db.yaml': WIDER }));
    expect({ failed, log }).toMatchObject({ failed: false });
    expect(outputs['changed']).toBe('true');
    const comment = read(outputs['comment']);
    expect(comment).toContain('| ➕ allowed | shop/fe | shop/db | 22/tcp |');
    expect(comment).toMatch(/\*\*Cost of policies: .*: 1 budget kept\*\*/);
    expect(summary).toContain(comment);
    expect(summary).toContain('| policyc diff | ✅ |');
    expect(JSON.parse(read(outputs['sarif']))).toMatchObject({ version: '2.1.0' });
    expect(existsSync(outputs['bundle'] ?? '')).toBe(true);
  }, 60_000);

  it('says that nothing changes where policies say the same in other words', () => {
    const same = POLICY.replace('[{port: 5432}]', '[{port: 5432, protocol: TCP}]');
    const { failed, outputs } = run(pullRequest(MAIN, { 'policies/db.yaml': same }));
    expect(failed).toBe(false);
    expect(outputs['changed']).toBe('false');
    expect(read(outputs['comment'])).toContain('no connection changes');
  }, 60_000);

  it('fails on a gate, and still writes everything', () => {
    const workspace = pullRequest(MAIN, { 'policies/db.yaml': WIDER });
    const { failed, last, log, outputs, summary } = run(workspace, { 'fail-on': 'widen' });
    expect({ failed, last }).toEqual({ failed: true, last: 'Summary' });
    expect(log).toContain('::error title=policyc::not passed: policyc diff');
    expect(summary).toContain('| policyc diff | ❌ exit code 1 |');
    expect(read(outputs['comment'])).toContain('fails on widen');
  }, 60_000);

  it('annotates what is wrong in policies, in the log and in SARIF', () => {
    const workspace = pullRequest(MAIN, { 'policies/db.yaml': POLICY.replace('5432', '70000') });
    const { failed, log, outputs } = run(workspace);
    expect(failed).toBe(true);
    expect(log).toMatch(/^::error title=policyc k8s\/[a-z-]+,file=policies\/db\.yaml,line=10,/m);
    expect(read(outputs['sarif'])).toContain('"uri": "policies/db.yaml"');
  }, 60_000);

  it('holds policies to their budgets', () => {
    const config = CONFIG.replace('entries: 100000', 'instructions: 10');
    const { failed, log, outputs } = run(pullRequest(MAIN, { 'policyc.yaml': config }));
    expect(failed).toBe(true);
    expect(log).toContain('not passed: policyc report');
    expect(read(outputs['comment'])).toMatch(
      /❌ instructions of all policies: [\d,]+ of 10, [\d,]+ over/,
    );
  }, 60_000);

  it('compares the first policies with none', () => {
    const { 'policies/db.yaml': policy = '', ...rest } = MAIN;
    const { failed, log, outputs } = run(pullRequest(rest, { 'policies/db.yaml': policy }));
    expect({ failed, log }).toMatchObject({ failed: false });
    expect(log).toContain('diff/new-policies');
    expect(read(outputs['comment'])).toContain('➖ denied');
  }, 60_000);

  it('compares nothing where there is no base, and takes paths from its inputs', () => {
    const workspace = pullRequest(
      { ...MAIN, 'policyc.yaml': '{}' },
      { 'policies/more.yaml': POLICY.replace('name: db', 'name: more') },
    );
    const inputs = {
      policies: '  policies/db.yaml\n\n  policies/more.yaml\n',
      cluster: 'cluster.yaml\n',
    };
    const { failed, log, outputs } = run(workspace, inputs, '');
    expect({ failed, log }).toMatchObject({ failed: false });
    expect(log).toContain('not compared: this is no pull request');
    expect(outputs['changed']).toBe('');
    const refused = run(workspace, inputs);
    expect(refused.failed).toBe(true);
    expect(refused.log).toContain('`policies` names several paths');
  }, 60_000);

  it('runs nothing that stands in an input', () => {
    const workspace = pullRequest(MAIN, {});
    const evil = '$(touch pwned)`touch pwned`; touch pwned #';
    const { failed } = run(workspace, {
      policies: evil,
      cluster: evil,
      base: evil,
      'fail-on': evil,
      config: evil,
    });
    expect(failed).toBe(true);
    expect(existsSync(join(workspace, 'pwned'))).toBe(false);
  }, 60_000);

  it('asks for a newer Node.js where it is too old', () => {
    const folder = mkdtempSync(join(home, 'node-'));
    writeFileSync(
      join(folder, 'node'),
      '#!/bin/sh\n[ "$1" = --version ] && echo v18.0.0\nexit 1\n',
      { mode: 0o755 },
    );
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    const { failed, last, log } = runAction({ action, workspace: home, env });
    expect({ failed, last }).toEqual({ failed: true, last: 'Install policyc' });
    expect(log).toContain('Node.js 20.19 or later is needed, and v18.0.0 is there');
  });
});
