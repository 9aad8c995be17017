/** Between the spans of sources and the positions of the protocol, which both count UTF-16 units. */
import type { Position, Range } from 'vscode-languageserver';
import { placeAt, span, type SourceFile, type Span } from '../../source.js';

export function positionAt(file: SourceFile, offset: number): Position {
  const { line, column } = placeAt(file, offset);
  return { line: line - 1, character: column - 1 };
}

export function rangeOf(at: Span): Range {
  return { start: positionAt(at.file, at.start), end: positionAt(at.file, at.end) };
}

/** A place past the end of its line or of the text counts as that end, as the protocol has it. */
export function offsetAt(file: SourceFile, { line, character }: Position): number {
  const start = file.lineStarts[line];
  if (start === undefined) return file.text.length;
  const next = file.lineStarts[line + 1];
  if (next === undefined) return Math.min(start + character, file.text.length);
  const end = file.text.startsWith('\r\n', next - 2) ? next - 2 : next - 1;
  return Math.min(start + character, end);
}

export function holds(at: Span, offset: number): boolean {
  return at.start <= offset && offset <= at.end;
}

export function textOf(at: Span): string {
  return at.file.text.slice(at.start, at.end);
}

/** The first line of a span, where the whole of it would paint half a file. */
export function firstLineOf(at: Span): Span {
  const end = at.file.text.slice(at.start, at.end).search(/[\r\n]/);
  return end < 0 ? at : span(at.file, at.start, at.start + end);
}
