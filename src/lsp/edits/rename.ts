/** Rename: every place of a name in all files, refused where it would change what policies mean. */
import { ErrorCodes, ResponseError, type Range, type WorkspaceEdit } from 'vscode-languageserver';
import { SourceFile, type Span } from '../../source.js';
import { faultOfFreeName } from '../../ir/lower-policy/context.js';
import { writtenName, writtenWord } from '../completion/items.js';
import {
  findOccurrences,
  type Occurrence,
  type Thing,
  type ThingKind,
} from '../language/occurrences.js';
import {
  occurrenceAt,
  occurrencesIn,
  placesOf,
  type Cursor,
  type UriOf,
} from '../language/navigate.js';
import type { PolicyFile } from '../../parser/ast.js';
import { parseTolerant } from '../../parser/parse-tolerant.js';
import { derivedEdits } from './derived-names.js';
import { View } from '../workspace/view.js';
import { rangeOf, textOf } from '../workspace/positions.js';

const BUILT_IN_TIERS: ReadonlySet<string> = new Set(['admin', 'networkpolicy', 'baseline']);

/** What would be renamed, or why nothing can be. */
export function prepareRename(cursor: Cursor): {
  readonly range: Range;
  readonly placeholder: string;
} {
  const here = renamable(cursor);
  return { range: rangeOf(here.at), placeholder: here.thing.name };
}

export function rename(cursor: Cursor, newName: string, uriOf: UriOf): WorkspaceEdit {
  const here = renamable(cursor);
  // What is typed may be written as in the file, in quotes.
  const name = /^".*"$/.test(newName) ? newName.slice(1, -1) : newName;
  const fault = faultOfFreeName(name);
  if (fault !== undefined) refuse(`\`${name}\` is no name: ${fault}`);
  const places = placesOf(cursor.view, here);
  const after = renamedFiles(cursor.view, here.thing, places, name);
  const before = cursor.view.files.map(({ file }) => file);
  const own = places.map((place) => ({ at: place.at, text: written(place, name) }));
  const named = new Set(own.map(({ at }) => at.start));
  const derived = derivedEdits(before, after).filter(({ at }) => !named.has(at.start));
  const changes: Record<string, { range: Range; newText: string }[]> = {};
  for (const { at, text } of [...own, ...derived]) {
    const uri = uriOf(at.file.path);
    const edits = changes[uri] ?? [];
    changes[uri] = edits;
    edits.push({ range: rangeOf(at), newText: text });
  }
  return { changes };
}

function renamable(cursor: Cursor): Occurrence {
  const here = occurrenceAt(cursor);
  if (here === undefined) refuse('there is no name here that policies declare');
  const { kind, name } = here.thing;
  if (kind === 'namespace') {
    refuse(`namespace \`${name}\` is the cluster’s: renaming it here would speak of another one`);
  }
  if (kind === 'tier' && BUILT_IN_TIERS.has(name)) refuse(`tier \`${name}\` is built in`);
  if (kind === 'policy' && !placesOf(cursor.view, here).some(({ declares }) => declares)) {
    refuse(`no \`policy\` block is called \`${name}\``);
  }
  return here;
}

function refuse(message: string): never {
  throw new ResponseError(ErrorCodes.InvalidRequest, message);
}

/** Behind a slash any word may stand; elsewhere a word of the language is written in quotes. */
function written({ at }: Occurrence, name: string): string {
  return at.file.text[at.start - 1] === '/' ? writtenWord(name) : writtenName(name);
}

/** Renames a copy: afterwards each name must mean what it meant before, and nothing be named twice. */
function renamedFiles(
  view: View,
  thing: Thing,
  places: readonly Occurrence[],
  name: string,
): readonly PolicyFile[] {
  const byFile = new Map<string, Occurrence[]>();
  for (const one of places)
    byFile.set(one.at.file.path, [...(byFile.get(one.at.file.path) ?? []), one]);
  const shifts = new Map<string, readonly Shift[]>();
  const files = view.files.map(({ file }) => {
    const edits = byFile.get(file.source.path);
    if (edits === undefined) return file;
    const edited = applyAll(file.source, edits, name);
    shifts.set(file.source.path, edited.shifts);
    return parseTolerant(edited.file);
  });
  const after = new View(files, [], undefined, undefined);
  const before = meanings(occurrencesIn(view), (at) => moved(at, shifts), thing, name);
  const now = meanings(findOccurrences(after), ({ file, start }) => `${file.path}:${start}`);
  const isOther = [...before].some(([place, meaning]) => now.get(place) !== meaning);
  if (isOther || before.size !== now.size || after.doubles > view.doubles) {
    refuse(`\`${name}\` already means something where \`${thing.name}\` is used or declared`);
  }
  const isTaken = occurrencesIn(view).some(
    (one) => one.declares && one.thing.kind === thing.kind && one.thing.name === name,
  );
  if (GLOBAL.has(thing.kind) && isTaken && name !== thing.name) {
    refuse(`there is a ${thing.kind} \`${name}\` already`);
  }
  return files;
}

/** Things of which all files together have one by each name. */
const GLOBAL: ReadonlySet<ThingKind> = new Set(['tier', 'policy', 'exception', 'test']);

interface Shift {
  /** Offsets behind it move by `by`. */
  readonly after: number;
  readonly by: number;
}

function applyAll(
  source: SourceFile,
  edits: readonly Occurrence[],
  name: string,
): { readonly file: SourceFile; readonly shifts: readonly Shift[] } {
  const shifts: Shift[] = [];
  const parts: string[] = [];
  let from = 0;
  for (const edit of [...edits].sort((a, b) => a.at.start - b.at.start)) {
    const text = written(edit, name);
    parts.push(source.text.slice(from, edit.at.start), text);
    from = edit.at.end;
    shifts.push({ after: edit.at.start, by: text.length - textOf(edit.at).length });
  }
  parts.push(source.text.slice(from));
  return { file: new SourceFile(source.path, parts.join('')), shifts };
}

function moved({ file, start }: Span, shifts: ReadonlyMap<string, readonly Shift[]>): string {
  const by = (shifts.get(file.path) ?? [])
    .filter(({ after }) => after < start)
    .reduce((sum, one) => sum + one.by, 0);
  return `${file.path}:${start + by}`;
}

/** What each place means: the place of its thing's first declaration, or the thing's name. */
function meanings(
  occurrences: readonly Occurrence[],
  placeOf: (at: Span) => string,
  renamed?: Thing,
  name?: string,
): ReadonlyMap<string, string> {
  const declared = new Map<Thing, string>();
  for (const { thing, at, declares } of occurrences) {
    if (declares && !declared.has(thing)) declared.set(thing, placeOf(at));
  }
  return new Map(
    occurrences.map(({ thing, at }) => [
      placeOf(at),
      `${thing.kind} ${declared.get(thing) ?? (thing === renamed ? name : thing.name) ?? ''}`,
    ]),
  );
}
