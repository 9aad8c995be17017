/** `policyc compile`: policies → one bundle, or one stage of the way there. */
import { basename, extname } from 'node:path';
import { bind } from '../codegen/bind.js';
import type { BoundContents } from '../codegen/contents.js';
import { compile, type Compilation } from '../compile.js';
import { bug, diagnostic, InputError, throwIfErrors, unreachable } from '../diagnostics.js';
import { loadCluster, loadPolicies, SourceCache } from '../front-end.js';
import { checkModel } from '../ir/check.js';
import { isPolicyPod, type ClusterSnapshot } from '../ir/cluster.js';
import type { PolicyModel } from '../ir/model.js';
import { normalize } from '../ir/normalize.js';
import { checkNode } from '../loader/endpoints.js';
import { representativeCluster } from '../validate/representative/cluster.js';
import { DEFAULT_TARGET, targetNamed } from '../target.js';
import { bundleReport, bundleText } from './bundle-report.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import { guardrailFaults, readGuardrails } from './guardrails.js';
import { listingText } from './listing-text.js';
import { modelJson } from './model-json.js';
import { planReport } from './plan-report.js';
import { planText } from './plan-text.js';
import type { Session } from './base/session.js';
import { readBudget } from './table-budget.js';
import { policycVersion } from './version.js';
import { writeWhole } from './base/write-file.js';

const STAGES = ['model', 'plan', 'listing', 'elf'] as const;
type Stage = (typeof STAGES)[number];

export async function run(session: Session): Promise<ExitCode> {
  const stage = STAGES.find((one) => one === session.text('emit'));
  const output = session.text('output');
  if (stage === 'elf' || output === '-') refuseTerminal(session);
  const target = targetNamed(session.text('target') ?? DEFAULT_TARGET) ?? bug('unknown target');
  if (stage !== undefined && output === '-') {
    throw new InputError([diagnostic('cli/two-outputs', { stage })]);
  }
  const cache = new SourceCache(session.io.stdin);
  const budget = readBudget(session);
  if (session.text('node') !== undefined && session.list('cluster').length === 0) {
    throw new InputError([
      diagnostic('cli/needs-option', { option: '--node', needed: '--cluster' }),
    ]);
  }
  const { model, cluster } = await loadChecked(session, cache);
  const path = output ?? defaultOutput(session.operands);
  const writes = stage === undefined || output !== undefined;
  if (writes && cache.hasRead(path)) {
    throw new InputError([diagnostic('cli/output-is-input', { path })]);
  }
  session.progress.stage('compiling');
  // A stage alone is looked at, and never loaded.
  const packs = stage === undefined || output !== undefined;
  const validate = packs && session.flag('validate');
  const made = compile(model, target, policycVersion(), { validate, budget });
  if (stage !== undefined) {
    emit(session, stage, model, made, cluster);
    if (!writes) return DONE;
  }
  const contents = cluster && bindPods(session, made, cluster);
  writeBundleTo(session, path, made, contents);
  return DONE;
}

async function loadChecked(
  session: Session,
  cache: SourceCache,
): Promise<{ readonly model: PolicyModel; readonly cluster: ClusterSnapshot | undefined }> {
  session.progress.stage('reading');
  const policies = await loadPolicies(session.operands, cache);
  const paths = session.list('cluster');
  const cluster = paths.length === 0 ? undefined : await loadCluster(paths, cache);
  const diagnostics = [...policies.diagnostics, ...(cluster?.diagnostics ?? [])];
  throwIfErrors(diagnostics);
  const model = policies.value ?? bug('no model, and no error that says why');
  const guardrails = await readGuardrails(session, cache, diagnostics);
  session.progress.stage('checking');
  for (const one of checkModel(model, normalize(model), cluster?.value)) diagnostics.push(one);
  throwIfErrors(diagnostics);
  diagnostics.push(...guardrailFaults(guardrails, model, cluster?.value, session.io.now()));
  throwIfErrors(diagnostics);
  await session.report(diagnostics);
  return { model, cluster: cluster?.value };
}

function emit(
  session: Session,
  stage: Stage,
  model: PolicyModel,
  made: Compilation,
  cluster: ClusterSnapshot | undefined,
): void {
  const { listing, object } = made;
  switch (stage) {
    case 'model':
      session.printJson(modelJson(model));
      break;
    case 'plan':
      emitPlan(session, made, cluster);
      break;
    case 'listing':
      session.print(listingText(listing));
      break;
    case 'elf':
      session.printBytes(object);
      break;
    default:
      unreachable(stage);
  }
}

/** Bound to the cluster given; without one to pods made up for all that selectors can tell apart. */
function emitPlan(session: Session, made: Compilation, cluster: ClusterSnapshot | undefined): void {
  const { normal, plan } = made;
  const contents =
    cluster === undefined
      ? bind(normal, plan, representativeCluster(normal.policies), {
          at: session.io.now(),
          budget: { ...plan.budget, strict: false },
        })
      : bindPods(session, made, cluster);
  const report = planReport(made.plan, contents, {
    cluster: cluster === undefined ? 'made-up' : 'given',
    node: session.text('node') ?? null,
    pods: contents.subjects.length,
  });
  if (session.json) session.printJson(report);
  else session.print(planText(report, session.paint));
}

function bindPods(
  session: Session,
  { normal, plan }: Compilation,
  cluster: ClusterSnapshot,
): BoundContents {
  const node = session.text('node');
  if (node !== undefined) throwIfErrors(checkNode(cluster, node));
  const subjects = cluster.pods.filter(
    (pod) => isPolicyPod(pod) && (node === undefined || pod.node === node),
  );
  return bind(normal, plan, cluster, { at: session.io.now(), subjects });
}

function writeBundleTo(
  session: Session,
  path: string,
  { bytes, bundle, image }: Compilation,
  contents: BoundContents | undefined,
): void {
  if (path === '-') {
    session.printBytes(bytes);
    return;
  }
  writeWhole(path, bytes);
  const report = bundleReport(bundle, image, bytes.length, contents);
  // The stage that was asked for is the answer on standard output.
  if (session.text('emit') !== undefined) return;
  if (session.json) session.printJson({ file: path, ...report });
  else session.print(bundleText(path, report, session.paint));
}

/** `policies/` → `policies.bundle`, in the current folder. */
function defaultOutput(paths: readonly string[]): string {
  const [first = '-'] = paths;
  const name = basename(first, extname(first)).replace(/[*?[\]{}]/g, '');
  return `${/^[.-]*$/.test(name) ? 'policies' : name}.bundle`;
}

function refuseTerminal({ io }: Session): void {
  if (io.stdout.isTerminal) throw new InputError([diagnostic('cli/binary-to-terminal', {})]);
}
