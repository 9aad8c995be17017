/** Reads levels: policyc.yaml first, then the command line, which goes ahead of it. */
import { catalog } from '../../catalog/index.js';
import { diagnostic, InputError, type Diagnostic } from '../../diagnostics.js';
import { nearestName } from '../../did-you-mean.js';
import type { Level, Levels } from '../../lint/levels.js';
import type { Session } from '../base/session.js';

const LEVELS = ['allow', 'warn', 'deny'] as const satisfies readonly Level[];

const WARNINGS: readonly string[] = Object.entries(catalog)
  .filter(([, { severity }]) => severity === 'warning')
  .map(([code]) => code);

/** @throws InputError where a code is none, or an error that has no level */
export function readLevels(session: Session): Levels {
  const levels = new Map<string, Level>();
  const wrong: Diagnostic[] = [];
  const set = (level: Level, texts: readonly string[]): void => {
    for (const text of texts.flatMap((one) => one.split(',')).map((one) => one.trim())) {
      const codes = codesOf(text);
      if (codes.length === 0) {
        const near = nearestName(text, WARNINGS);
        wrong.push(diagnostic('lint/unknown-code', { text, near }));
      }
      for (const code of codes) levels.set(code, level);
    }
  };
  const values = session.config?.values.lint;
  const given = [...LEVELS.map((level) => [level, values?.[level] ?? []] as const)];
  given.push(...LEVELS.map((level) => [level, session.list(level)] as const));
  // What names many goes first, so that single codes are exceptions to it.
  for (const source of [given.slice(0, LEVELS.length), given.slice(LEVELS.length)]) {
    for (const isMany of [true, false]) {
      for (const [level, texts] of source) {
        set(
          level,
          texts.filter((text) => (text === 'all' || text.endsWith('*')) === isMany),
        );
      }
    }
  }
  if (wrong.length > 0) throw new InputError(wrong);
  return levels;
}

function codesOf(text: string): readonly string[] {
  if (text === 'all') return WARNINGS;
  if (text.endsWith('/*')) return WARNINGS.filter((code) => code.startsWith(text.slice(0, -1)));
  return WARNINGS.includes(text) ? [text] : [];
}
