/** `policyc diff`: which connections a change of policies affects, why, and what it costs. */
import { isAbsolute, relative } from 'node:path';
import {
  readAcceptances,
  staleAcceptances,
  type Acceptance,
} from '../analysis/diff/acceptances.js';
import { failedGates, GATES, type DiffDocument, type Gate } from '../analysis/diff/clusters.js';
import { comparePolicies, type NamedCluster } from '../compare.js';
import { bug, diagnostic, InputError, throwIfErrors, type Diagnostic } from '../diagnostics.js';
import { loadCluster, loadPolicies, SourceCache } from '../front-end.js';
import type { PolicyModel } from '../ir/model.js';
import type { Guardrails } from '../guardrails.js';
import type { Edition } from '../ir/implementations.js';
import { loadOperand } from '../policy-operand.js';
import { asDiagnostic, editionNamed, policiesAs } from '../portability.js';
import { conflictWarnings } from './conflict-warnings.js';
import { checkEditionOptions, runEditions } from './diff/editions.js';
import { diffMarkdown } from './diff/markdown.js';
import { diffSarif } from './diff/sarif.js';
import { diffText, portsText } from './diff/text.js';
import { witnessesOf, writeWitnesses } from './witness-files.js';
import { tellDifferences } from './portability/notes.js';
import { DONE, NEGATIVE, type ExitCode } from './base/exit-codes.js';
import { graphDot, graphSvg, type GraphEdge } from './graph.js';
import { guardrailFaults, readGuardrails } from './guardrails.js';
import { readOne } from './base/read-one.js';
import type { Session } from './base/session.js';
import { policycVersion } from './version.js';

export async function run(session: Session): Promise<ExitCode> {
  const gates = session.choices('fail-on', GATES);
  const editions = session.list('as').map(editionNamed);
  if (editions.length > 1) return compareTwo(session, gates);
  const [old, next] = readOperands(session);
  const at = session.instant('at');
  if (old === '-' && next === '-') throw new InputError([diagnostic('diff/two-inputs', {})]);
  const cache = new SourceCache(session.io.stdin);
  session.progress.stage('reading');
  // What may be doubtful in the old policies is past.
  const was = await readOld(session, old, cache);
  const is = await readModel(next, cache);
  const warnings = [...is.diagnostics, ...conflictWarnings(is.model)];
  const clusters = await readClusters(session, cache, warnings);
  const guardrails = await readGuardrails(session, cache, warnings);
  const acceptances = readAccepted(session, cache);
  const [edition] = editions;
  if (edition !== undefined) tellEdition(session, edition, is.model, clusters);
  session.progress.stage('comparing');
  const document = comparePolicies({
    old: { name: old, model: was.model },
    new: { name: next, model: is.model },
    clusters,
    at,
    acceptances,
    ...(edition === undefined
      ? {}
      : { edit: (model, cluster) => policiesAs(edition, model, cluster) }),
    onProgress: session.progress.report,
  });
  warnings.push(...staleAcceptances(acceptances, document.changes));
  const broken = brokenGuardrails(guardrails, is.model, clusters, at);
  await session.report([...warnings, ...broken]);
  const folder = session.text('witnesses');
  if (folder !== undefined) writeWitnesses(folder, witnessesOf(document.changes));
  const failed = [
    ...failedGates(document, gates),
    ...(broken.length > 0 ? (['guardrails'] as const) : []),
  ];
  session.print(await render(session, document, failed));
  return failed.length === 0 ? DONE : NEGATIVE;
}

/** With `--base` one path is compared with itself in a revision; it may come from policyc.yaml. */
function readOperands(session: Session): readonly [old: string, next: string] {
  const [first, second] = session.operands;
  if (first !== undefined && second !== undefined) return [first, second];
  const base = session.text('base');
  const command = 'policyc diff';
  const usage = 'policyc diff OLD NEW, or policyc diff --base REVISION PATH';
  if (base === undefined) {
    const argument = first === undefined ? 'OLD and NEW, or `--base`' : 'NEW, or `--base`';
    const args = { argument, command, usage, greedy: undefined };
    throw new InputError([diagnostic('cli/missing-argument', args)]);
  }
  const paths = first === undefined ? session.config?.defaultOf('policies', command) : [first];
  const [path, another] = [paths ?? []].flat().map(String);
  if (path === undefined) {
    const args = { argument: 'a PATH beside `--base`', command, usage, greedy: undefined };
    throw new InputError([diagnostic('cli/missing-argument', args)]);
  }
  if (another !== undefined) throw new InputError([diagnostic('diff/one-path', {})]);
  return [`${base}:${pathInRevision(path)}`, path];
}

/** Policies that are new have nothing to be compared with: then there were none, which is said. */
async function readOld(
  session: Session,
  old: string,
  cache: SourceCache,
): Promise<{ readonly model: PolicyModel }> {
  try {
    return await readModel(old, cache);
  } catch (error) {
    const isGiven = session.operands.length === 2;
    if (isGiven || !(error instanceof InputError)) throw error;
    if (error.diagnostics.some(({ code }) => code !== 'diff/no-such-path')) throw error;
    await session.report([diagnostic('diff/new-policies', { operand: old })]);
    const { value } = await loadPolicies([], cache);
    return { model: value ?? bug('no empty model') };
  }
}

/** As git counts paths from the current folder. */
function pathInRevision(path: string): string {
  const here = isAbsolute(path) ? relative(process.cwd(), path) : path;
  return /^\.{1,2}(?:\/|$)/.test(here) ? here : `./${here}`;
}

/** Of the new policies; what is the same in several clusters once. */
function brokenGuardrails(
  guardrails: Guardrails,
  model: PolicyModel,
  clusters: readonly NamedCluster[],
  at: number,
): readonly Diagnostic[] {
  const places = clusters.length === 0 ? [undefined] : clusters.map(({ cluster }) => cluster);
  const all = places.flatMap((cluster) => guardrailFaults(guardrails, model, cluster, at));
  return [...new Map(all.map((one) => [`${one.span?.start ?? ''} ${one.message}`, one])).values()];
}

/** Two implementations over the same policies; these may come from policyc.yaml. */
async function compareTwo(session: Session, gates: readonly Gate[]): Promise<ExitCode> {
  checkEditionOptions(session, gates);
  const at = session.instant('at');
  const standing = session.config?.defaultOf('policies', 'policyc diff');
  const given =
    session.operands.length > 0 ? session.operands : [standing ?? []].flat().map(String);
  const [path, another] = given;
  if (path === undefined) {
    const usage = 'policyc diff --as A --as B POLICIES --cluster PATH';
    const args = { argument: 'POLICIES', command: 'policyc diff', usage, greedy: undefined };
    throw new InputError([diagnostic('cli/missing-argument', args)]);
  }
  const cache = new SourceCache(session.io.stdin);
  session.progress.stage('reading');
  const { value, diagnostics } =
    another === undefined ? await loadOperand(path, cache) : await loadPolicies(given, cache);
  throwIfErrors(diagnostics);
  const model = value ?? bug('no policies, and no error that says why');
  const warnings = [...diagnostics, ...conflictWarnings(model)];
  const clusters = await readClusters(session, cache, warnings);
  await session.report(warnings);
  session.progress.stage('comparing');
  return runEditions(session, { name: given.join(' '), model }, clusters, gates, at);
}

/** @throws InputError without a cluster, since differences depend on who holds which address */
function tellEdition(
  session: Session,
  edition: Edition,
  model: PolicyModel,
  clusters: readonly NamedCluster[],
): void {
  if (clusters.length === 0) {
    const hint = 'add `--cluster PATH` with manifests or a snapshot of the cluster';
    throw new InputError([asDiagnostic('`--as` judges in a cluster, and none is given', hint)]);
  }
  const snapshots = clusters.map(({ cluster }) => cluster);
  tellDifferences(session, edition, model, snapshots);
}

async function readModel(
  operand: string,
  cache: SourceCache,
): Promise<{ readonly model: PolicyModel; readonly diagnostics: readonly Diagnostic[] }> {
  const { value, diagnostics } = await loadOperand(operand, cache);
  throwIfErrors(diagnostics);
  return { model: value ?? bug('no policies, and no error that says why'), diagnostics };
}

/** Each `--cluster` is one; it is called by its paths. */
async function readClusters(
  session: Session,
  cache: SourceCache,
  warnings: Diagnostic[],
): Promise<readonly NamedCluster[]> {
  const clusters: NamedCluster[] = [];
  for (const paths of session.groups('cluster')) {
    const { value, diagnostics } = await loadCluster(paths, cache);
    throwIfErrors(diagnostics);
    warnings.push(...diagnostics);
    const name = paths.join(' ');
    const cluster = value ?? bug('no cluster, and no error');
    if (diagnostics.some(({ code }) => code === 'cluster/empty')) {
      throw new InputError([diagnostic('diff/empty-cluster', { cluster: name })]);
    }
    if (cluster.pods.length === 0) warnings.push(diagnostic('diff/no-pods', { cluster: name }));
    const several = cluster.pods.filter(
      ({ representative, hostNetwork, workload }) =>
        representative && !hostNetwork && workload !== undefined && workload.kind !== 'Pod',
    );
    const [first] = several;
    if (first !== undefined) {
      const example = `${first.namespace}/${first.workload?.name ?? first.name}`;
      const args = { cluster: name, workloads: several.length, example };
      warnings.push(diagnostic('diff/one-pod-each', args));
    }
    clusters.push({ name, cluster });
  }
  return clusters;
}

function readAccepted(session: Session, cache: SourceCache): readonly Acceptance[] {
  const path = session.text('accept');
  if (path === undefined) return [];
  const file = readOne(path, '--accept', cache);
  throwIfErrors(file.diagnostics);
  const read = file.value === undefined ? undefined : readAcceptances(file.value);
  throwIfErrors(read?.diagnostics ?? []);
  return read?.value ?? [];
}

async function render(
  session: Session,
  document: DiffDocument,
  failed: readonly (Gate | 'guardrails')[],
): Promise<string> {
  const verdict = failed.length === 0 ? '' : `\nfails on ${failed.join(', ')}\n`;
  switch (session.requiredText('format')) {
    case 'markdown':
      return diffMarkdown(document) + verdict;
    case 'json':
      return `${JSON.stringify({ ...document, failed }, undefined, 2)}\n`;
    case 'sarif':
      return diffSarif(document, policycVersion());
    case 'dot':
      return diffDot(document);
    case 'svg':
      return graphSvg(diffDot(document));
    default:
      return diffText(document, session.paint) + verdict;
  }
}

function diffDot(document: DiffDocument): string {
  const edges = document.changes.map((change): GraphEdge => ({
    from: change.from.text,
    to: change.to.text,
    label: portsText(change),
    kind: change.tag === 'widened' ? 'added' : 'removed',
  }));
  return graphDot(`${document.old} → ${document.new}`, edges);
}
