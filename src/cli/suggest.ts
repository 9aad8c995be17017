/** `policyc suggest`: the least policy that allows what flow logs have seen. */
import { Suggestion } from '../analysis/suggest.js';
import type { Widening } from '../analysis/suggest/cidrs.js';
import { mergePrefixes } from '../analysis/suggest/cidrs.js';
import type { Draft } from '../analysis/suggest/draft.js';
import { writePolicyText } from '../analysis/suggest/write-pol.js';
import { writeManifests } from '../analysis/suggest/write-yaml.js';
import { bug, diagnostic, InputError, throwIfErrors } from '../diagnostics.js';
import { loadCluster, loadPolicies, SourceCache } from '../front-end.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import { normalize } from '../ir/normalize.js';
import type { FlowLog } from '../read-flow-logs.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';
import { writeWhole } from './base/write-file.js';
import { logWarnings, readLogs } from './replay.js';
import { draftSummary, headerOf, suggestDiagnostics } from './suggest/report.js';

export async function run(session: Session): Promise<ExitCode> {
  const path = session.text('output') ?? '-';
  const at = session.instant('at');
  const minCount = readMinCount(session);
  const widening = readWidening(session);
  const inputs = [...session.operands, ...session.list('flows'), ...session.list('cluster')];
  if (inputs.filter((one) => one === '-').length > 1) {
    throw new InputError([diagnostic('replay/two-inputs', {})]);
  }
  const cache = new SourceCache(session.io.stdin);
  session.progress.stage('reading');
  const existing =
    session.operands.length === 0 ? undefined : await loadPolicies(session.operands, cache);
  const loaded = await loadCluster(session.list('cluster'), cache);
  throwIfErrors([...(existing?.diagnostics ?? []), ...loaded.diagnostics]);
  const cluster = loaded.value ?? bug('no cluster, and no error that says why');
  const suggestion = new Suggestion({
    cluster,
    ...(existing?.value === undefined ? {} : { existing: normalize(existing.value) }),
    minCount,
    ...(widening === undefined ? {} : { widening }),
    at,
  });
  const logs = await readLogs(session, (flow, place) => suggestion.add(flow, place));
  session.progress.stage('drafting');
  const draft = suggestion.draft();
  if (path !== '-' && cache.hasRead(path)) {
    throw new InputError([diagnostic('cli/output-is-input', { path })]);
  }
  await session.report([
    ...(existing?.diagnostics ?? []),
    ...loaded.diagnostics,
    ...logWarnings(logs),
    ...suggestDiagnostics(draft),
  ]);
  write(session, path, draft, cluster, logs);
  return DONE;
}

function write(
  session: Session,
  path: string,
  draft: Draft,
  cluster: ClusterSnapshot,
  logs: readonly FlowLog[],
): void {
  const text = draftText(session, draft, cluster, logs);
  if (path !== '-') writeWhole(path, text);
  if (session.json) {
    const { policies, ...rest } = draft;
    session.printJson({ ...rest, policies: policies.length, text, logs });
  } else if (path === '-') session.print(text);
  else session.print(`wrote ${path}: ${draftSummary(draft)}\n`);
}

function draftText(
  session: Session,
  { policies, flows }: Draft,
  cluster: ClusterSnapshot,
  logs: readonly FlowLog[],
): string {
  const header = headerOf(flows, logs);
  if (session.requiredText('emit') === 'pol') return writePolicyText(policies, header);
  const podRanges = mergePrefixes(cluster.nodes.flatMap((node) => node.podRanges));
  return writeManifests(policies, { header, podRanges });
}

function readMinCount(session: Session): number {
  const text = session.requiredText('min-count');
  const count = Number(text);
  if (/^\d+$/.test(text) && count > 0) return count;
  throw new InputError([diagnostic('suggest/bad-count', { value: text })]);
}

/** `any`, `24`, or `24,64` for both families. */
function readWidening(session: Session): Widening | undefined {
  const text = session.text('widen');
  if (text === undefined) return undefined;
  if (text === 'any') return 'any';
  const [, four = '', six] = /^\/?(\d{1,2})(?:,\/?(\d{1,3}))?$/.exec(text) ?? [];
  const lengths = { 4: Number(four), 6: six === undefined ? 128 : Number(six) };
  if (four !== '' && lengths[4] <= 32 && lengths[6] <= 128) return lengths;
  throw new InputError([diagnostic('suggest/bad-widening', { value: text })]);
}
