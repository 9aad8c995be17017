/** `policyc report`: what policies cost, which of them cause it, and whether they keep their budgets. */
import { existsSync, readFileSync } from 'node:fs';
import { judgeBudgets, type BudgetOutcome } from '../budgets.js';
import { readBundle, type Bundle } from '../codegen/bundle.js';
import { writeElf } from '../codegen/object/elf.js';
import { emitDatapath, DATAPATH_VARIANT } from '../codegen/emit.js';
import { link } from '../codegen/assembly/link.js';
import { reportCosts, type CostInput } from '../cost-report.js';
import { bug, diagnostic, InputError, throwIfErrors } from '../diagnostics.js';
import { loadCluster, loadPolicies, SourceCache } from '../front-end.js';
import type { PolicyModel } from '../ir/model.js';
import { normalize } from '../ir/normalize.js';
import { planLookups } from '../ir/plan.js';
import { isBundle } from '../policy-operand.js';
import { DONE, NEGATIVE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';
import { reportJson, reportMarkdown } from './report/documents.js';
import { reportText } from './report/text.js';
import type { NamedReport } from './report/named.js';
import { readBudget } from './table-budget.js';

const NO_BUDGETS: BudgetOutcome = { results: [], diagnostics: [] };

export async function run(session: Session): Promise<ExitCode> {
  const at = session.instant('at');
  const cache = new SourceCache(session.io.stdin);
  session.progress.stage('reading');
  const policies = await readPolicies(session, cache);
  const cluster = await readNamedCluster(session, cache);
  const node = session.text('node');
  if (node !== undefined && cluster === undefined) {
    const args = { option: '--node', needed: '--cluster' };
    throw new InputError([diagnostic('cli/needs-option', args)]);
  }
  const report = reportCosts({
    ...policies.parts,
    ...(cluster === undefined ? {} : { cluster }),
    ...(node === undefined ? {} : { node }),
    at,
    load: session.flag('load'),
    onStage: session.progress.stage,
  });
  const budgets = session.config === undefined ? NO_BUDGETS : judgeBudgets(report, session.config);
  await session.report(budgets.diagnostics);
  const named = {
    of: session.operands.join(' '),
    rules: policies.rules,
    report,
    budgets: budgets.results,
  };
  session.print(render(session, named));
  return named.budgets.every(({ over }) => over === 0) ? DONE : NEGATIVE;
}

function render(session: Session, named: NamedReport): string {
  switch (session.requiredText('format')) {
    case 'json':
      return reportJson(named);
    case 'markdown':
      return reportMarkdown(named);
    default:
      return reportText(named, session.paint, session.flag('all'));
  }
}

interface ReadPolicies {
  readonly parts: Pick<CostInput, 'normal' | 'plan' | 'object'>;
  readonly rules: number;
}

/** Of a bundle its own bytes are looked at, whatever this version would compile. */
async function readPolicies(session: Session, cache: SourceCache): Promise<ReadPolicies> {
  const [first = '', second] = session.operands;
  if (second === undefined && first !== '-' && existsSync(first) && isBundle(first)) {
    return partsOfBundle(readBundle(first, readFileSync(first)));
  }
  const { value, diagnostics } = await loadPolicies(session.operands, cache);
  throwIfErrors(diagnostics);
  await session.report(diagnostics);
  const model = value ?? bug('no policies, and no error that says why');
  const normal = normalize(model);
  const plan = planLookups(normal, readBudget(session));
  return {
    parts: { normal, plan, object: writeElf(link(emitDatapath(plan))) },
    rules: countRules(model),
  };
}

function partsOfBundle({ model, manifest, objects }: Bundle): ReadPolicies {
  const normal = normalize(model);
  const plan = planLookups(normal, manifest.budget);
  const object = objects.get(DATAPATH_VARIANT) ?? bug(`no object ${DATAPATH_VARIANT}`);
  return { parts: { normal, plan, object }, rules: countRules(model) };
}

function countRules({ policies }: PolicyModel): number {
  return policies.reduce((sum, { rules }) => sum + rules.length, 0);
}

async function readNamedCluster(
  session: Session,
  cache: SourceCache,
): Promise<CostInput['cluster']> {
  const paths = session.list('cluster');
  if (paths.length === 0) return undefined;
  const { value, diagnostics } = await loadCluster(paths, cache);
  throwIfErrors(diagnostics);
  await session.report(diagnostics);
  return { name: paths.join(' '), cluster: value ?? bug('no cluster, and no error') };
}
