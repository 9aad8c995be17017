/** `policyc eval`: verdicts on flows, and the rules that decide. */
import { InputError, throwIfErrors } from '../diagnostics.js';
import { loadCluster, loadPolicies, SourceCache } from '../front-end.js';
import { asDiagnostic, editionNamed, policiesAs } from '../portability.js';
import type { ClusterSnapshot, Pod } from '../ir/cluster.js';
import { judgeFlow, reportFlow, type Flow, type FlowReport } from '../ir/flows.js';
import { conflictWarnings } from './conflict-warnings.js';
import { engineName, startEngine, type Engine } from './engines.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import { readFlows } from './flow-file.js';
import { flowTable } from './flow-table.js';
import { readOne } from './base/read-one.js';
import { tellDifferences } from './portability/notes.js';
import type { Session } from './base/session.js';

export async function run(session: Session): Promise<ExitCode> {
  const at = session.instant('at');
  const name = engineName(session.requiredText('engine'));
  const as = session.text('as');
  const edition = as === undefined ? undefined : editionNamed(as);
  if (edition !== undefined && name !== 'model') {
    const hint = 'leave `--engine` out; bytecode is compiled for policyc’s own semantics alone';
    throw new InputError([asDiagnostic('`--as` judges by the model', hint)]);
  }
  const cache = new SourceCache(session.io.stdin);
  session.progress.stage('reading');
  const policies = await loadPolicies(session.list('policies'), cache);
  const cluster = await loadCluster(session.list('cluster'), cache);
  const file = readOne(session.requiredText('flows'), '--flows', cache);
  const flows = cluster.value && file.value ? readFlows(file.value, cluster.value) : undefined;
  const diagnostics = [policies, cluster, file, flows].flatMap((one) => one?.diagnostics ?? []);
  if (policies.value) for (const one of conflictWarnings(policies.value)) diagnostics.push(one);
  throwIfErrors(diagnostics);
  await session.report(diagnostics);
  if (policies.value && cluster.value && flows?.value) {
    session.progress.stage('preparing');
    const judged = edition && policiesAs(edition, policies.value, cluster.value);
    if (edition) tellDifferences(session, edition, policies.value, [cluster.value]);
    const engine = await startEngine(name, judged ?? policies.value, at);
    try {
      const reports = judgeAll(session, engine, cluster.value, flows.value);
      if (session.json) session.printJson(reports);
      else session.print(flowTable(flows.value, reports, session.paint));
    } finally {
      engine.close();
    }
  }
  return DONE;
}

function judgeAll(
  session: Session,
  { model, judgeIn }: Engine,
  cluster: ClusterSnapshot,
  flows: readonly Flow[],
): readonly FlowReport[] {
  const judge = judgeIn(cluster, subjectsOf(flows));
  session.progress.stage('judging flows');
  return flows.map((flow, index, all) => {
    session.progress.report(index, all.length);
    return reportFlow(model, judgeFlow(flow, judge));
  });
}

/** The pods that the flows touch: only these need programs. */
function subjectsOf(flows: readonly Flow[]): readonly Pod[] {
  const ends = flows.flatMap(({ from, targets }) => [from, ...targets]);
  return [...new Set(ends.flatMap(({ pod }) => pod ?? []))];
}
