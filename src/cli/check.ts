/** `policyc check`: everything that can be said about policies before they act. */
import { hasErrors, type Diagnostic } from '../diagnostics.js';
import { checkSources } from '../check-sources.js';
import { SourceCache } from '../front-end.js';
import type { PolicyModel } from '../ir/model.js';
import { plural } from '../render/terminal.js';
import { BAD_INPUT, DONE, NEGATIVE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';
import { guardrailFaults, readGuardrails } from './guardrails.js';

export async function run(session: Session): Promise<ExitCode> {
  const cache = new SourceCache(session.io.stdin);
  const warnings: Diagnostic[] = [];
  const guardrails = await readGuardrails(session, cache, warnings);
  const {
    diagnostics: found,
    model,
    cluster,
  } = await checkSources(
    {
      policies: session.operands,
      cluster: session.list('cluster'),
      onStage: (stage) => {
        session.progress.stage(stage);
      },
    },
    cache,
  );
  const diagnostics = [...warnings, ...found];
  // What cannot be read cannot be judged either.
  if (model !== undefined && !hasErrors(found)) {
    session.progress.stage('judging guardrails');
    diagnostics.push(...guardrailFaults(guardrails, model, cluster, session.io.now()));
  }
  await session.answer(diagnostics, session.diagnosticFormat);
  if (diagnostics.length === 0 && session.diagnosticFormat === 'text' && model !== undefined) {
    session.print(`${session.paint('success', 'no problems')} in ${contentsText(model)}\n`);
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
