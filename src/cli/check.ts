/** `policyc check`: everything that can be said about policies before they act. */
import { hasErrors, type Diagnostic } from '../diagnostics.js';
import { loadCluster, loadPolicies, SourceCache } from '../front-end.js';
import { checkModel } from '../ir/check.js';
import type { PolicyModel } from '../ir/model.js';
import { normalize } from '../ir/normalize.js';
import { plural } from '../render/terminal.js';
import { BAD_INPUT, DONE, NEGATIVE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';

export async function run(session: Session): Promise<ExitCode> {
  const cache = new SourceCache(session.io.stdin);
  session.progress.stage('reading');
  const policies = await loadPolicies(session.operands, cache);
  const paths = session.list('cluster');
  const cluster = paths.length === 0 ? undefined : await loadCluster(paths, cache);
  const diagnostics = [...policies.diagnostics, ...(cluster?.diagnostics ?? [])];
  if (policies.value !== undefined && (cluster === undefined || cluster.value !== undefined)) {
    session.progress.stage('checking');
    for (const one of checkModel(policies.value, normalize(policies.value), cluster?.value))
      diagnostics.push(one);
  }
  await session.answer(diagnostics, session.diagnosticFormat);
  if (diagnostics.length === 0 && session.diagnosticFormat === 'text' && policies.value) {
    session.print(
      `${session.paint('success', 'no problems')} in ${contentsText(policies.value)}\n`,
    );
  }
  return exitCode(diagnostics, session.flag('deny-warnings'));
}

/** `2 policies with 5 rules`. */
export function contentsText({ policies }: PolicyModel): string {
  const rules = policies.reduce((sum, policy) => sum + policy.rules.length, 0);
  return `${plural(policies.length, 'policy')} with ${plural(rules, 'rule')}`;
}

/** Files that cannot be read leave the question open: that is bad input, not a negative answer. */
function exitCode(diagnostics: readonly Diagnostic[], denyWarnings: boolean): ExitCode {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.some(({ code }) => /^(?:source|cli)\//.test(code))) return BAD_INPUT;
  return hasErrors(diagnostics) || (denyWarnings && diagnostics.length > 0) ? NEGATIVE : DONE;
}
