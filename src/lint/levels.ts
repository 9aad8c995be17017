/** Levels: which lints are on, and which of them are errors. */
import type { DiagnosticCode } from '../catalog/index.js';
import type { Diagnostic } from '../diagnostics.js';

export type Level = 'allow' | 'warn' | 'deny';

/** Matters of taste, and what many clusters do on purpose. */
const OFF_UNLESS_ASKED: ReadonlySet<DiagnosticCode> = new Set<DiagnosticCode>([
  'lint/policy-types-absent',
  'lint/namespace-egress-open',
]);

/** By code, as the user sets it. */
export type Levels = ReadonlyMap<string, Level>;

/** What the checks call an error stays one. */
export function levelOf(
  { code, severity }: Pick<Diagnostic, 'code' | 'severity'>,
  levels: Levels,
): Level {
  if (severity === 'error') return 'deny';
  return levels.get(code) ?? (OFF_UNLESS_ASKED.has(code) ? 'allow' : 'warn');
}

/** The diagnostics that are on, each with the severity of its level. */
export function applyLevels(
  diagnostics: readonly Diagnostic[],
  levels: Levels,
): readonly Diagnostic[] {
  return diagnostics.flatMap((one) => {
    const level = levelOf(one, levels);
    if (level === 'allow') return [];
    return [level === 'deny' ? { ...one, severity: 'error' as const } : one];
  });
}
