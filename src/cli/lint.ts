/** `policyc lint`: what is legal in policies and probably not meant; what of it can be fixed, and fixes. */
import type { Diagnostic } from '../diagnostics.js';
import { SourceCache } from '../front-end.js';
import { lintPaths, type LintRequest, type LintResult } from '../lint.js';
import { repairPaths, type Repaired } from '../lint/repair.js';
import { contentsText } from './check.js';
import { BAD_INPUT, DONE, NEGATIVE, type ExitCode } from './base/exit-codes.js';
import { readLevels } from './lint/levels.js';
import { lintJson, lintMarkdown, lintText, patchText } from './lint/render.js';
import { lintSarif } from './lint/sarif.js';
import type { Session } from './base/session.js';
import { writeWhole } from './base/write-file.js';

export async function run(session: Session): Promise<ExitCode> {
  const request: LintRequest = {
    policies: session.operands,
    cluster: session.list('cluster'),
    levels: readLevels(session),
    at: session.instant('at'),
    now: session.io.now(),
    onStage: (stage) => session.progress.stage(stage),
  };
  const unsafe = session.flag('unsafe-fixes');
  const wantsDiff = session.flag('diff');
  session.progress.stage('reading');
  if (wantsDiff || session.flag('fix') || unsafe) {
    const repaired = await repairPaths(request, unsafe, session.io.stdin);
    if (wantsDiff) {
      session.print(patchText(repaired, session.paint));
      return repaired.files.length > 0 ? NEGATIVE : DONE;
    }
    for (const { path, after } of repaired.files) writeWhole(path, after);
    answer(session, repaired.result, repaired);
    return exitCode(session, repaired.result.diagnostics);
  }
  const result = await lintPaths(request, new SourceCache(session.io.stdin));
  answer(session, result);
  return exitCode(session, result.diagnostics);
}

function answer(session: Session, result: LintResult, repaired?: Repaired): void {
  switch (session.requiredText('format')) {
    case 'json':
      session.print(lintJson(result, repaired));
      return;
    case 'sarif':
      session.print(lintSarif(result));
      return;
    case 'markdown':
      session.print(lintMarkdown(result));
      return;
    default: {
      const contents = result.model === undefined ? '' : contentsText(result.model);
      session.print(lintText(result, contents, session, repaired));
    }
  }
}

/** Files that cannot be read leave the question open: that is bad input, not a negative answer. */
function exitCode(session: Session, diagnostics: readonly Diagnostic[]): ExitCode {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.some(({ code }) => /^(?:source|cli)\//.test(code))) return BAD_INPUT;
  const counted = session.text('fail-on') === 'warn' ? diagnostics : errors;
  return counted.length > 0 ? NEGATIVE : DONE;
}
