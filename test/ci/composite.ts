/** Runs a composite action as a GitHub runner does: its shell steps in order, with outputs, inputs and files. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';

interface Step {
  readonly name?: string;
  readonly id?: string;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly run?: string;
}

interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

export interface ActionRun {
  readonly failed: boolean;
  /** The last step that ran. */
  readonly last: string;
  readonly log: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

export interface ActionOptions {
  /** Where the action was checked out. */
  readonly action: string;
  /** Where the job runs. */
  readonly workspace: string;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

export function runAction({ action, workspace, inputs = {}, env = {} }: ActionOptions): ActionRun {
  const definition = load(readFileSync(join(action, 'action.yml'), 'utf8')) as Action;
  if (definition.runs.using !== 'composite') throw new Error('no composite action');
  const unknown = Object.keys(inputs).filter((name) => !(name in definition.inputs));
  if (unknown.length > 0) throw new Error(`unknown inputs ${unknown.join()}`);
  const values = new Map(
    Object.entries(definition.inputs).map(([name, one]) => [
      `inputs.${name}`,
      inputs[name] ?? one.default ?? '',
    ]),
  );
  const folder = mkdtempSync(join(tmpdir(), 'policyc-runner-'));
  const files = { output: join(folder, 'output'), summary: join(folder, 'summary') };
  writeFileSync(files.summary, '');
  const state = { log: '', last: '', failed: false };
  for (const step of definition.runs.steps) {
    if (step.run === undefined || step.shell !== 'bash') throw new Error('only bash steps');
    if (step.run.includes('${{'))
      throw new Error('an expression in a script could be an injection');
    writeFileSync(files.output, '');
    writeFileSync(join(folder, 'step.sh'), step.run);
    const own = Object.entries(step.env ?? {}).map(([name, text]) => [name, fill(text, values)]);
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['--noprofile', '--norc', '-eo', 'pipefail', join(folder, 'step.sh')],
      {
        cwd: workspace,
        encoding: 'utf8',
        env: {
          PATH: process.env['PATH'],
          HOME: folder,
          GITHUB_ACTIONS: 'true',
          GITHUB_ACTION_PATH: action,
          GITHUB_OUTPUT: files.output,
          GITHUB_STEP_SUMMARY: files.summary,
          RUNNER_TEMP: folder,
          ...env,
          ...(Object.fromEntries(own) as Record<string, string>),
        },
      },
    );
    state.log += stdout + stderr;
    state.last = step.name ?? '';
    for (const [name, value] of readOutputs(files.output)) {
      values.set(`steps.${step.id ?? ''}.outputs.${name}`, value);
    }
    if (status !== 0) {
      state.failed = true;
      break;
    }
  }
  const outputs = Object.entries(definition.outputs).map(([name, { value }]) => [
    name,
    fill(value, values),
  ]);
  const summary = readFileSync(files.summary, 'utf8');
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return { ...state, outputs: Object.fromEntries(outputs) as ActionRun['outputs'], summary };
}

const cleanups: (() => void)[] = [];

/** Removes what the jobs wrote. */
export function cleanUp(): void {
  for (const clean of cleanups.splice(0)) clean();
}

/** What a runner has no value for is empty. */
function fill(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{\{\s*([\w.-]+)\s*\}\}/g, (_, name: string) => values.get(name) ?? '');
}

function readOutputs(path: string): readonly (readonly [string, string])[] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => {
    const at = line.indexOf('=');
    if (at < 0) throw new Error(`no output: ${line}`);
    return [line.slice(0, at), line.slice(at + 1)] as const;
  });
}
