/** The demonstration: a scenario's policies in force between real network namespaces, beside the model. */
import { performance } from 'node:perf_hooks';
import { attemptsOf, type Attempt } from './demo/attempts.js';
import { decidersOf } from './demo/deciders.js';
import { isMismatch, renderMatrix, type Judged } from './demo/matrix.js';
import { enforceInKernel } from './demo/on-the-wire.js';
import { enforceInVm } from './demo/in-the-vm.js';
import { readScenario, type Scenario } from './demo/scenario.js';
import { processIo } from './cli/base/io.js';
import { colorChoice, paintFor, writeDiagnostics } from './cli/base/session.js';
import { bug, InputError, throwIfErrors } from './diagnostics.js';
import { loadCluster, loadPolicies } from './front-end.js';
import { formatAddress } from './address.js';
import { judgeFlow } from './ir/flows.js';
import { createInterpreter } from './ir/interpret.js';
import { normalize } from './ir/normalize.js';
import type { Paint } from './render/paint.js';

const io = processIo();
const paint = paintFor(io.stdout, io.env, colorChoice(undefined));
const say = (text: string): void => io.stdout.write(text);

async function demonstrate(path: string): Promise<boolean> {
  const began = performance.now();
  const scenario = readScenario(path);
  const { value: policies, diagnostics } = await loadPolicies([scenario.policies]);
  throwIfErrors(diagnostics);
  const loaded = await loadCluster([scenario.cluster]);
  throwIfErrors(loaded.diagnostics);
  const cluster = loaded.value;
  if (policies === undefined || cluster === undefined) bug('no model, and no error that says why');
  const at = io.now();
  const model = normalize(policies);
  const { judge } = createInterpreter(model, cluster, at);
  const attempts = attemptsOf(scenario, cluster);
  const run = { scenario, cluster, policies, attempts, at, say, paint };
  const root = process.getuid?.() === 0;
  if (!root)
    say('Not root: the same bytecode runs in user space, on packets that are made up.\n\n');
  const enforced = await (root ? enforceInKernel(run) : enforceInVm(run));
  const judged = attempts.map((attempt, index): Judged => {
    const passes = judgeFlow(attempt.flow, judge).verdict === 'allow';
    return { attempt, enforced: enforced[index] ?? 'broken', model: passes ? 'passes' : 'denied' };
  });
  const where = root ? 'the kernel enforced it' : 'the bytecode decided it';
  say(`\nEach cell: as ${where}, then as the model says it.\n`);
  say('+ passes   . is denied   = is the sender itself   ! they differ\n\n');
  say(renderMatrix(scenario, judged, paint));
  say(`\nWhat decided:\n${decidersOf(model, judge, attempts).join('\n')}\n`);
  return conclude(scenario, judged, performance.now() - began, paint);
}

function conclude(
  scenario: Scenario,
  judged: readonly Judged[],
  milliseconds: number,
  painted: Paint,
): boolean {
  const mismatches = judged.filter(isMismatch);
  const surprises = judged.filter(({ attempt: { row, column }, model }) => {
    return scenario.expected[row]?.[column] !== model;
  });
  const seconds = (milliseconds / 1000).toFixed(1);
  say(`\n${judged.length} connections in ${seconds} s: `);
  say(`${judged.length - mismatches.length} as the model says, ${mismatches.length} not.\n`);
  for (const one of mismatches) {
    say(painted('error', `${nameOf(one.attempt)}: ${one.enforced}, the model says ${one.model}\n`));
  }
  for (const { attempt, model } of surprises) {
    say(painted('error', `${nameOf(attempt)}: ${model}, which the scenario does not expect\n`));
  }
  return mismatches.length === 0 && surprises.length === 0;
}

function nameOf({ source, target, flow }: Attempt): string {
  const to = `${target.kind} ${target.name} (${formatAddress(flow.to.address)})`;
  return `${source.kind} ${source.name} -> ${to} ${target.port}/${target.protocol}`;
}

try {
  const agreed = await demonstrate(process.argv[2] ?? 'policies/shop/scenario.yaml');
  process.exitCode = agreed ? 0 : 1;
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  await writeDiagnostics(error.diagnostics, io.stderr, io, 'auto', 'text');
  process.exitCode = 2;
}
