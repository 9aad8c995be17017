/** `policyc explain`: why the policies allow or deny a connection, and what would have to change. */
import { existsSync, readFileSync } from 'node:fs';
import { explain, type Artefact, type Explanation } from '../analysis/explain.js';
import { bind } from '../codegen/bind.js';
import { readBundle } from '../codegen/bundle.js';
import { DATAPATH_VARIANT } from '../codegen/emit.js';
import { createPathTracer } from '../codegen/packet-path.js';
import { compile } from '../compile.js';
import { bug, diagnostic, InputError, throwIfErrors } from '../diagnostics.js';
import { loadCluster, loadPolicies, SourceCache } from '../front-end.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import type { NormalModel } from '../ir/normal-model.js';
import { normalize } from '../ir/normalize.js';
import { planLookups, type LookupPlan } from '../ir/plan.js';
import { isBundle } from '../policy-operand.js';
import { DEFAULT_TARGET, targetNamed } from '../target.js';
import { conflictWarnings } from './conflict-warnings.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';
import { explanationJson } from './explain/json.js';
import { readPorts } from './explain/ports.js';
import { explanationMarkdown, explanationText } from './explain/text.js';
import { policycVersion } from './version.js';

export async function run(session: Session): Promise<ExitCode> {
  const at = session.instant('at');
  const ports = readPorts(session.requiredText('port'));
  const cache = new SourceCache(session.io.stdin);
  session.progress.stage('reading');
  const cluster = await readCluster(session, cache);
  const programs = await readPrograms(session, cache);
  session.progress.stage('explaining');
  const question = { from: session.requiredText('from'), to: session.requiredText('to'), ports };
  const explanation = explain(question, artefactOf(programs, cluster, at), cluster, at);
  session.print(render(session, explanation, programs.normal));
  return DONE;
}

function render(session: Session, explanation: Explanation, model: NormalModel): string {
  const { paint, columns } = session;
  const options = { paint, columns, all: session.flag('all') };
  switch (session.requiredText('format')) {
    case 'json':
      return `${JSON.stringify(explanationJson(explanation, model), undefined, 2)}\n`;
    case 'markdown':
      return explanationMarkdown(explanation, model, options);
    default:
      return explanationText(explanation, model, options);
  }
}

async function readCluster(session: Session, cache: SourceCache): Promise<ClusterSnapshot> {
  const cluster = await loadCluster(session.list('cluster'), cache);
  throwIfErrors(cluster.diagnostics);
  await session.report(cluster.diagnostics);
  return cluster.value ?? bug('no cluster, and no error that says why');
}

interface Programs {
  readonly normal: NormalModel;
  readonly plan: LookupPlan;
  readonly object: Uint8Array;
}

/** Those of a bundle as it holds them; policies are compiled as `policyc compile` does. */
async function readPrograms(session: Session, cache: SourceCache): Promise<Programs> {
  const { operands } = session;
  const bundlePath = operands.find((path) => path !== '-' && existsSync(path) && isBundle(path));
  if (bundlePath !== undefined) {
    if (operands.length > 1) {
      throw new InputError([diagnostic('explain/bundle-beside-others', { path: bundlePath })]);
    }
    const { model, manifest, objects } = readBundle(bundlePath, readFileSync(bundlePath));
    const normal = normalize(model);
    const object = objects.get(DATAPATH_VARIANT) ?? bug('a bundle was read without its object');
    return { normal, plan: planLookups(normal, manifest.budget), object };
  }
  const policies = await loadPolicies(operands, cache);
  const diagnostics = [...policies.diagnostics];
  if (policies.value) diagnostics.push(...conflictWarnings(policies.value));
  throwIfErrors(diagnostics);
  await session.report(diagnostics);
  const model = policies.value ?? bug('no policies, and no error that says why');
  session.progress.stage('compiling');
  const target = targetNamed(DEFAULT_TARGET) ?? bug(`no target ${DEFAULT_TARGET}`);
  const { normal, plan, object } = compile(model, target, policycVersion());
  return { normal, plan, object };
}

function artefactOf(
  { normal, plan, object }: Programs,
  cluster: ClusterSnapshot,
  at: number,
): Artefact {
  return {
    model: normal,
    bind: (subjects) => createPathTracer(object, bind(normal, plan, cluster, { at, subjects })),
  };
}
