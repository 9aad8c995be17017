/** `policyc test`: runs the `test` and `assert` statements of policies. */
import { evaluateAssertions } from '../analysis/assert.js';
import { bug, diagnostic, hasErrors, throwIfErrors, type Diagnostic } from '../diagnostics.js';
import { loadCluster, loadPolicies, SourceCache } from '../front-end.js';

import type { ClusterSnapshot } from '../ir/cluster.js';
import type { Guardrails } from '../guardrails.js';
import type { Judge } from '../ir/interpret.js';
import type { PolicyModel } from '../ir/model.js';
import { runPolicyTests } from '../ir/policy-tests.js';
import { renderJunit } from '../render/junit.js';
import { conflictWarnings } from './conflict-warnings.js';
import { engineName, startEngine } from './engines.js';
import { DONE, NEGATIVE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';
import { boundBytes } from './bound-bytes.js';
import { caseName, junitSuites, testJson, testText, type TestCase } from './test-report.js';
import { readGuardrails } from './guardrails.js';
import { writeWitnesses, type WitnessFile } from './witness-files.js';
import { writeWhole } from './base/write-file.js';

export async function run(session: Session): Promise<ExitCode> {
  const loaded = await load(session);
  const cases = await runCases(session, loaded);
  const folder = session.text('witnesses');
  if (folder !== undefined) writeWitnesses(folder, counterexamplesOf(cases));
  const junit = session.text('junit');
  if (junit !== undefined) writeWhole(junit, renderJunit(junitSuites(cases)));
  if (session.json) {
    session.printJson(testJson(cases));
  } else {
    session.print(testText(cases, session.paint));
    await session.answer(
      cases.flatMap((one) => one.diagnostics),
      'text',
    );
  }
  return cases.every(({ passed }) => passed) ? DONE : NEGATIVE;
}

interface Loaded {
  readonly policies: PolicyModel;
  /** With the guardrails' own. */
  readonly checks: Guardrails;
  readonly cluster: ClusterSnapshot;
  /** No cluster was given, and the policies' files hold none: assertions are about all. */
  readonly isAnyCluster: boolean;
}

/** Without --cluster, the cluster is what the same paths hold; it may be empty. */
async function load(session: Session): Promise<Loaded> {
  const cache = new SourceCache(session.io.stdin);
  session.progress.stage('reading');
  const { value: policies, diagnostics } = await loadPolicies(session.operands, cache);
  const paths = session.list('cluster');
  const given = paths.length > 0;
  const cluster = await loadCluster(given ? paths : session.operands, cache);
  const found: Diagnostic[] = [
    ...diagnostics,
    ...cluster.diagnostics.filter((one) => given || hasErrors([one])),
    ...(policies === undefined ? [] : conflictWarnings(policies)),
  ];
  throwIfErrors(found);
  if (policies === undefined || cluster.value === undefined) bug('neither a value nor an error');
  const guardrails = await readGuardrails(session, cache, found);
  const checks = {
    assertions: [...policies.assertions, ...guardrails.assertions],
    tests: [...policies.tests, ...guardrails.tests],
  };
  if (checks.tests.length + checks.assertions.length === 0) {
    found.push(diagnostic('cli/no-tests', { paths: session.operands }));
  }
  await session.report(found);
  const isAnyCluster = !given && cluster.value.pods.length === 0;
  return { policies, checks, cluster: cluster.value, isAnyCluster };
}

async function runCases(
  session: Session,
  { policies, checks, cluster, isAnyCluster }: Loaded,
): Promise<readonly TestCase[]> {
  const at = session.instant('at');
  session.progress.stage('preparing');
  const engine = await startEngine(engineName(session.requiredText('engine')), policies, at);
  try {
    const { model, judgeIn } = engine;
    const judge = judgeIn(cluster);
    const judgeHere = (other: ClusterSnapshot): Judge =>
      other === cluster ? judge : judgeIn(other);
    const inCluster = { cluster, mapBytes: (): number => boundBytes(model, cluster, at) };
    const context = { model, at, judgeIn: judgeHere, ...(isAnyCluster ? {} : inCluster) };
    session.progress.stage('testing');
    const assertions = timed(checks.assertions, (all) => evaluateAssertions(all, context));
    const tests = timedEach(checks.tests, (one) =>
      runPolicyTests([one], {
        model,
        cluster,
        judgeIn: judgeHere,
      }),
    );
    return [
      ...assertions.map(({ result, seconds }): TestCase => {
        const { assertion, passed, message } = result;
        const { origin } = assertion;
        const diagnostics = result.diagnostic === undefined ? [] : [result.diagnostic];
        const { assumptions, counterexample } = result;
        const found = counterexample === undefined ? {} : { counterexample };
        const told = { passed, messages: [message], assumptions, ...found };
        return { kind: 'assert', origin, ...told, diagnostics, seconds };
      }),
      ...tests.map(({ result, seconds }): TestCase => {
        const { test, passed, expectations, diagnostics } = result;
        const messages = expectations.map(({ message }) => message);
        const { name, origin } = test;
        return {
          kind: 'test',
          name,
          origin,
          passed,
          messages,
          assumptions: [],
          diagnostics,
          seconds,
        };
      }),
    ];
  } finally {
    engine.close();
  }
}

interface Timed<Result> {
  readonly result: Result;
  readonly seconds: number;
}

/** All in one go, as they share their work; each takes its share of the time. */
function timed<Item, Result>(
  items: readonly Item[],
  evaluate: (items: readonly Item[]) => readonly Result[],
): readonly Timed<Result>[] {
  const start = performance.now();
  const results = evaluate(items);
  const seconds = (performance.now() - start) / 1000 / Math.max(1, results.length);
  return results.map((result) => ({ result, seconds }));
}

function timedEach<Item, Result>(
  items: readonly Item[],
  evaluate: (item: Item) => readonly Result[],
): readonly Timed<Result>[] {
  return items.flatMap((item) => timed([item], () => evaluate(item)));
}

function counterexamplesOf(cases: readonly TestCase[]): readonly WitnessFile[] {
  return cases.flatMap((one) => {
    const { counterexample: found } = one;
    if (found === undefined || one.passed) return [];
    return [{ title: caseName(one), flow: found.entry, madeUp: found.madeUp }];
  });
}
