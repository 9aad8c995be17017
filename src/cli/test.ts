/** `policyc test`: runs the `test` and `assert` statements of policies. */
import { bug, diagnostic, hasErrors, throwIfErrors, type Diagnostic } from '../diagnostics.js';
import { loadCluster, loadPolicies, SourceCache } from '../front-end.js';
import { evaluateAssertions } from '../ir/assert.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import { createInterpreter } from '../ir/interpret.js';
import type { PolicyModel } from '../ir/model.js';
import { runPolicyTests } from '../ir/policy-tests.js';
import { renderJunit } from '../render/junit.js';
import { conflictWarnings } from './conflict-warnings.js';
import { engineName, startEngine } from './engines.js';
import { DONE, NEGATIVE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';
import { boundBytes } from './bound-bytes.js';
import { junitSuites, testJson, testText, type TestCase } from './test-report.js';
import { writeWhole } from './base/write-file.js';

export async function run(session: Session): Promise<ExitCode> {
  const { policies, cluster } = await load(session);
  const cases = await runCases(session, policies, cluster);
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
  readonly cluster: ClusterSnapshot;
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
  if (policies.tests.length + policies.assertions.length === 0) {
    found.push(diagnostic('cli/no-tests', { paths: session.operands }));
  }
  await session.report(found);
  return { policies, cluster: cluster.value };
}

async function runCases(
  session: Session,
  policies: PolicyModel,
  cluster: ClusterSnapshot,
): Promise<readonly TestCase[]> {
  const at = session.instant('at');
  session.progress.stage('preparing');
  const engine = await startEngine(engineName(session.requiredText('engine')), policies, at);
  try {
    const { model, judgeIn } = engine;
    const { isolationOf } = createInterpreter(model, cluster, at);
    const judge = judgeIn(cluster);
    const mapBytes = (): number => boundBytes(model, cluster, at);
    const context = { model, cluster, judge, isolationOf, mapBytes };
    session.progress.stage('testing');
    const assertions = timed(policies.assertions, (one) => evaluateAssertions([one], context));
    const tests = timed(policies.tests, (one) =>
      runPolicyTests([one], {
        model,
        cluster,
        judgeIn: (other) => (other === cluster ? judge : judgeIn(other)),
      }),
    );
    return [
      ...assertions.map(({ result, seconds }): TestCase => {
        const { assertion, passed, message } = result;
        const { origin } = assertion;
        const diagnostics = result.diagnostic === undefined ? [] : [result.diagnostic];
        return { kind: 'assert', origin, passed, messages: [message], diagnostics, seconds };
      }),
      ...tests.map(({ result, seconds }): TestCase => {
        const { test, passed, expectations, diagnostics } = result;
        const messages = expectations.map(({ message }) => message);
        const { name, origin } = test;
        return { kind: 'test', name, origin, passed, messages, diagnostics, seconds };
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

function timed<Item, Result>(
  items: readonly Item[],
  evaluate: (item: Item) => readonly Result[],
): readonly Timed<Result>[] {
  return items.flatMap((item) => {
    const start = performance.now();
    const results = evaluate(item);
    const seconds = (performance.now() - start) / 1000;
    return results.map((result) => ({ result, seconds }));
  });
}
