/** `policyc replay`: what a change of policies does to flows that were really seen. */
import { Replay } from '../analysis/replay.js';
import { failedReplayGates, REPLAY_GATES, type ReplayGate } from '../analysis/replay/report.js';
import { bug, diagnostic, InputError, throwIfErrors, type Diagnostic } from '../diagnostics.js';
import { loadCluster, SourceCache } from '../front-end.js';
import type { PolicyModel } from '../ir/model.js';
import { normalize } from '../ir/normalize.js';
import { FLOW_LOG_FORMATS, type FlowLogFormat } from '../parser/flow-log.js';
import { loadOperand } from '../policy-operand.js';
import { readFlowLogs, type FlowLog, type FlowLogOptions } from '../read-flow-logs.js';
import { DONE, NEGATIVE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';
import { conflictWarnings } from './conflict-warnings.js';
import { replayMarkdown } from './replay/markdown.js';
import { replaySarif } from './replay/sarif.js';
import { replayText, type ReplayDocument } from './replay/text.js';
import { policycVersion } from './version.js';

export async function run(session: Session): Promise<ExitCode> {
  const [next = ''] = session.operands;
  const against = session.text('against');
  const at = session.instant('at');
  const gates = session.choices('fail-on', REPLAY_GATES);
  const inputs = [next, against, ...session.list('flows'), ...session.list('cluster')];
  if (inputs.filter((one) => one === '-').length > 1) {
    throw new InputError([diagnostic('replay/two-inputs', {})]);
  }
  const cache = new SourceCache(session.io.stdin);
  session.progress.stage('reading');
  const is = await readModel(next, cache);
  // What may be doubtful in the old policies is past.
  const was = against === undefined ? undefined : await readModel(against, cache);
  const cluster = await loadCluster(session.list('cluster'), cache);
  throwIfErrors(cluster.diagnostics);
  const replay = new Replay({
    cluster: cluster.value ?? bug('no cluster, and no error that says why'),
    new: normalize(is.model),
    ...(was === undefined ? {} : { old: normalize(was.model) }),
    at,
  });
  const logs = await readLogs(session, (flow, place) => replay.add(flow, place));
  session.progress.stage('judging flows');
  const document: ReplayDocument = {
    new: next,
    ...(against === undefined ? {} : { against }),
    cluster: session.list('cluster').join(' '),
    ...replay.report(),
    logs,
  };
  await session.report([
    ...is.diagnostics,
    ...conflictWarnings(is.model),
    ...cluster.diagnostics,
    ...logWarnings(logs),
  ]);
  const failed = failedReplayGates(document, gates);
  session.print(render(session, document, failed));
  return failed.length === 0 ? DONE : NEGATIVE;
}

async function readModel(
  operand: string,
  cache: SourceCache,
): Promise<{ readonly model: PolicyModel; readonly diagnostics: readonly Diagnostic[] }> {
  const { value, diagnostics } = await loadOperand(operand, cache);
  throwIfErrors(diagnostics);
  return { model: value ?? bug('no policies, and no error that says why'), diagnostics };
}

/** Reads the logs of `--flows`, and shows how far it is. */
export async function readLogs(
  session: Session,
  onFlow: FlowLogOptions['onFlow'],
): Promise<readonly FlowLog[]> {
  const format = session.text('format-in');
  session.progress.stage('reading flows');
  return readFlowLogs(session.list('flows'), {
    ...(isFormat(format) ? { format } : {}),
    standardInput: session.io.stdin,
    onFlow,
    onProgress: session.progress.report,
  });
}

function isFormat(text: string | undefined): text is FlowLogFormat {
  return FLOW_LOG_FORMATS.some((one) => one === text);
}

/** What a reader must know before trusting the numbers. */
export function logWarnings(logs: readonly FlowLog[]): readonly Diagnostic[] {
  const paths = logs.map(({ path }) => path);
  const isEmpty = logs.every(({ flows }) => flows === 0);
  return [
    ...logs.flatMap(({ bad, badLines }) =>
      badLines.map(({ at, problem }, i) => {
        const more = i === badLines.length - 1 ? bad - badLines.length : 0;
        return diagnostic('replay/bad-line', { at, problem, more });
      }),
    ),
    ...logs.flatMap(({ path, guessed }) =>
      guessed === 0 ? [] : [diagnostic('replay/guessed-direction', { path, count: guessed })],
    ),
    ...(isEmpty ? [diagnostic('replay/no-flows', { paths })] : []),
  ];
}

function render(session: Session, document: ReplayDocument, failed: readonly ReplayGate[]): string {
  const verdict = failed.length === 0 ? '' : `\nfails on ${failed.join(', ')}\n`;
  switch (session.requiredText('format')) {
    case 'markdown':
      return replayMarkdown(document) + verdict;
    case 'json':
      return `${JSON.stringify({ ...document, failed }, undefined, 2)}\n`;
    case 'sarif':
      return replaySarif(document, policycVersion());
    default:
      return replayText(document, session.paint) + verdict;
  }
}
