/** A manifest by its lines and indentation, since a half-typed one is no YAML: where each thing stands. */
import { span, type SourceFile, type Span } from '../../source.js';

export type YamlPath = readonly (string | number)[];

/** One `key:` or one dash, with the path down to it. */
export interface YamlEntry {
  readonly path: YamlPath;
  /** The key's text, or the dash. */
  readonly at: Span;
  /** The rest of the line behind it, without comments and blanks around. */
  readonly value?: Span;
  readonly line: number;
}

interface Level {
  readonly indent: number;
  readonly part: string | number;
}

export interface YamlDocument {
  /** Lines counted from 0; the last one is behind it. */
  readonly first: number;
  readonly last: number;
  readonly entries: readonly YamlEntry[];
}

const KEY =
  /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#'"[\]{},&*!|>%@`-][^#]*?|-[^\s#:][^#]*?)[ \t]*:(?=[ \t]|$)/;

export function lineAt(source: SourceFile, line: number): string {
  const start = source.lineStarts[line] ?? source.text.length;
  const next = source.lineStarts[line + 1] ?? source.text.length;
  return source.text.slice(start, next).replace(/[\r\n]+$/, '');
}

/** The document that a line lies in. */
export function documentAt(source: SourceFile, line: number): YamlDocument {
  const count = source.lineStarts.length;
  let first = Math.min(line, count - 1);
  while (first > 0 && !isBoundary(lineAt(source, first))) first -= 1;
  let last = line + 1;
  while (last < count && !isBoundary(lineAt(source, last))) last += 1;
  return { first, last, entries: walk(source, first, last) };
}

function isBoundary(text: string): boolean {
  return /^(?:---|\.\.\.)(?:\s|$)/.test(text);
}

function walk(source: SourceFile, first: number, last: number): readonly YamlEntry[] {
  const entries: YamlEntry[] = [];
  const levels: Level[] = [];
  for (let line = first; line < last; line += 1) {
    const text = lineAt(source, line);
    if (isBoundary(text) || /^\s*(?:#|$)/.test(text)) continue;
    for (const one of readLine(source, line, text, levels)) entries.push(one);
  }
  return entries;
}

/** Reads the dashes and the key of a line, and leaves their levels behind. */
function readLine(source: SourceFile, line: number, text: string, levels: Level[]): YamlEntry[] {
  const start = source.lineStarts[line] ?? 0;
  const found: YamlEntry[] = [];
  let column = text.search(/\S/);
  for (let dash = /^-(?:[ \t]+|$)/.exec(text.slice(column)); dash !== null;) {
    enterItem(levels, column);
    const at = span(source, start + column, start + column + 1);
    const value = valueSpan(source, start + column + dash[0].length, start + text.length);
    found.push({ path: pathOf(levels), at, line, ...(value === undefined ? {} : { value }) });
    column += dash[0].length;
    dash = /^-(?:[ \t]+|$)/.exec(text.slice(column));
  }
  const key = KEY.exec(text.slice(column));
  if (key === null) return found;
  const [whole, name = ''] = key;
  leave(levels, column);
  levels.push({ indent: column, part: unquoted(name) });
  const at = span(source, start + column, start + column + name.length);
  const value = valueSpan(source, start + column + whole.length, start + text.length);
  found.push({ path: pathOf(levels), at, line, ...(value === undefined ? {} : { value }) });
  return found;
}

function enterItem(levels: Level[], column: number): void {
  while ((levels.at(-1)?.indent ?? -1) > column) levels.pop();
  const here = levels.at(-1);
  // A list may stand at the column of its own key.
  if (here?.indent === column && typeof here.part === 'number') {
    levels.pop();
    levels.push({ indent: column, part: here.part + 1 });
    return;
  }
  levels.push({ indent: column, part: 0 });
}

/** Goes up to what a key at the column stands in. */
export function leave(levels: Level[], column: number): void {
  while ((levels.at(-1)?.indent ?? -1) >= column) levels.pop();
}

function pathOf(levels: readonly Level[]): YamlPath {
  return levels.map(({ part }) => part);
}

export function unquoted(text: string): string {
  return /^(["']).*\1$/s.test(text) ? text.slice(1, -1) : text;
}

function valueSpan(source: SourceFile, from: number, to: number): Span | undefined {
  const text = source.text.slice(from, to);
  const blank = /^[ \t]*/.exec(text)?.[0].length ?? 0;
  const bare = text
    .slice(blank)
    .replace(/(?:^|[ \t]+)#.*$/, '')
    .trimEnd();
  return bare === '' ? undefined : span(source, from + blank, from + blank + bare.length);
}

/** Where something typed at a column of a line would stand: behind the entries before the line. */
export function parentAt(
  source: SourceFile,
  document: YamlDocument,
  line: number,
  column: number,
): YamlPath {
  const levels: Level[] = [];
  for (let at = document.first; at < line; at += 1) {
    const text = lineAt(source, at);
    if (!isBoundary(text) && !/^\s*(?:#|$)/.test(text)) readLine(source, at, text, levels);
  }
  const before = lineAt(source, line).slice(0, column);
  const dashes = /^[ \t]*(?:-[ \t]+)*/.exec(before)?.[0] ?? '';
  if (dashes.includes('-')) readLine(source, line, dashes.trimEnd(), levels);
  leave(levels, Math.max(dashes.length, 0));
  return pathOf(levels);
}

/** The value of a path, as plain text; also out of a mapping that is written in one line. */
export function scalarAt({ entries }: YamlDocument, path: YamlPath): string | undefined {
  const valueOf = (wanted: YamlPath): string | undefined => {
    const found = entries.find((one) => samePath(one.path, wanted))?.value;
    return found === undefined ? undefined : found.file.text.slice(found.start, found.end);
  };
  const own = valueOf(path);
  if (own !== undefined) return unquoted(own);
  const around = path.length === 0 ? undefined : valueOf(path.slice(0, -1));
  if (around?.startsWith('{') !== true) return undefined;
  const pairs = around.matchAll(/[{,]\s*["']?([\w./-]+)["']?\s*:\s*("[^"]*"|'[^']*'|[^\s,{}]+)/g);
  const pair = [...pairs].find(([, key]) => key === path.at(-1));
  return pair?.[2] === undefined ? undefined : unquoted(pair[2]);
}

export function samePath(a: YamlPath, b: YamlPath): boolean {
  return a.length === b.length && startsWith(a, b);
}

export function startsWith(path: YamlPath, prefix: YamlPath): boolean {
  return prefix.every((part, index) => path[index] === part);
}
