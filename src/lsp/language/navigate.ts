/** Go to definition, references, and the places of one name in a file. */
import type { Location, DocumentHighlight } from 'vscode-languageserver';
import { DocumentHighlightKind } from 'vscode-languageserver';
import type { View } from '../workspace/view.js';
import { resolveUse } from '../workspace/view.js';
import { holds, rangeOf } from '../workspace/positions.js';
import { findOccurrences, type Occurrence } from './occurrences.js';

export interface Cursor {
  readonly view: View;
  readonly path: string;
  readonly offset: number;
}

export type UriOf = (path: string) => string;

/** Made once for each state of the project, and only when somebody asks. */
const known = new WeakMap<View, readonly Occurrence[]>();

export function occurrencesIn(view: View): readonly Occurrence[] {
  const found = known.get(view) ?? findOccurrences(view);
  known.set(view, found);
  return found;
}

/** The innermost name at the place. */
export function occurrenceAt({ view, path, offset }: Cursor): Occurrence | undefined {
  const candidates = occurrencesIn(view).filter(
    ({ at }) => at.file.path === path && holds(at, offset),
  );
  return candidates.find(({ at }) => offset < at.end) ?? candidates[0];
}

export function placesOf(view: View, { thing }: Occurrence): readonly Occurrence[] {
  return occurrencesIn(view).filter((one) => one.thing === thing);
}

export function definition(cursor: Cursor, uriOf: UriOf): readonly Location[] {
  const used = usedFile(cursor);
  if (used !== undefined) {
    const start = { line: 0, character: 0 };
    return [{ uri: uriOf(used), range: { start, end: start } }];
  }
  const here = occurrenceAt(cursor);
  if (here === undefined) return [];
  return placesOf(cursor.view, here)
    .filter(({ declares }) => declares)
    .map(({ at }) => ({ uri: uriOf(at.file.path), range: rangeOf(at) }));
}

export function references(
  cursor: Cursor,
  withDeclaration: boolean,
  uriOf: UriOf,
): readonly Location[] {
  const here = occurrenceAt(cursor);
  if (here === undefined) return [];
  return placesOf(cursor.view, here)
    .filter(({ declares }) => withDeclaration || !declares)
    .map(({ at }) => ({ uri: uriOf(at.file.path), range: rangeOf(at) }));
}

export function highlights(cursor: Cursor): readonly DocumentHighlight[] {
  const here = occurrenceAt(cursor);
  if (here === undefined) return [];
  return placesOf(cursor.view, here)
    .filter(({ at }) => at.file.path === cursor.path)
    .map(({ at, declares }) => ({
      range: rangeOf(at),
      kind: declares ? DocumentHighlightKind.Write : DocumentHighlightKind.Read,
    }));
}

/** The file that a `use` at the place names. */
function usedFile({ view, path, offset }: Cursor): string | undefined {
  for (const statement of view.fileAt(path)?.file.statements ?? []) {
    if (statement.kind === 'use' && holds(statement.path.span, offset)) {
      return resolveUse(path, statement.path.text);
    }
  }
  return undefined;
}
