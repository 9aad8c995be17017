/** `policyc eval`: verdicts on flows, and the rules that decide. */
import { diagnostic, throwIfErrors, type Outcome } from '../diagnostics.js';
import { loadCluster, loadPolicies, SourceCache } from '../front-end.js';
import { judgeFlow, reportFlow, type Flow, type FlowReport } from '../ir/flows.js';
import { createInterpreter } from '../ir/interpret.js';
import { normalize } from '../ir/normalize.js';
import { DONE, type ExitCode } from './exit-codes.js';
import { flowTable } from './flow-table.js';
import { readFlows } from './flow-file.js';
import type { Session } from './session.js';
import type { SourceFile } from '../source.js';

export async function run(session: Session): Promise<ExitCode> {
  const at = session.instant('at');
  const cache = new SourceCache(session.io.stdin);
  const policies = await loadPolicies(session.list('policies'), cache);
  const cluster = await loadCluster(session.list('cluster'), cache);
  const file = readOne(session.requiredText('flows'), cache);
  const flows = cluster.value && file.value ? readFlows(file.value, cluster.value) : undefined;
  const diagnostics = [policies, cluster, file, flows].flatMap((one) => one?.diagnostics ?? []);
  throwIfErrors(diagnostics);
  await session.report(diagnostics);
  if (policies.value && cluster.value && flows?.value) {
    const model = normalize(policies.value);
    const { judge } = createInterpreter(model, cluster.value, at);
    const progress = session.progress('judging flows');
    const reports = flows.value.map((flow, index, all) => {
      progress.report(index, all.length);
      return reportFlow(model, judgeFlow(flow, judge));
    });
    progress.end();
    printReports(session, flows.value, reports);
  }
  return DONE;
}

function printReports(
  session: Session,
  flows: readonly Flow[],
  reports: readonly FlowReport[],
): void {
  if (session.json) session.printJson(reports);
  else session.print(flowTable(flows, reports, session.paint));
}

function readOne(path: string, cache: SourceCache): Outcome<SourceFile> {
  const { value: files, diagnostics } = cache.read([path]);
  const [file, second] = files ?? [];
  if (files !== undefined && second !== undefined) {
    const args = { option: '--flows', path, count: files.length };
    return { diagnostics: [...diagnostics, diagnostic('cli/not-one-file', args)] };
  }
  return file === undefined ? { diagnostics } : { value: file, diagnostics };
}
