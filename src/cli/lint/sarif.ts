/** A lint's result as SARIF, for code scanning: with fixes, and with what comments allow. */
import type { LintResult } from '../../lint.js';
import { renderSarif } from '../../render/sarif.js';
import { policycVersion } from '../version.js';

export function lintSarif({ diagnostics, allowed, withFix }: LintResult): string {
  return renderSarif([...diagnostics.map(withFix), ...allowed], policycVersion());
}
