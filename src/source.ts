/** Source texts, and the spans that point into them. */

/** A part of a source that came from another file, such as what Helm's `# Source:` comments name. */
export interface SourceRegion {
  /** Half-open range of offsets in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Where the text came from, such as `chart/templates/netpol.yaml`. */
  readonly origin: string;
}

/** One text that was read. Offsets count UTF-16 units from the start of `text`. */
export class SourceFile {
  #lineStarts: readonly number[] | undefined;

  /**
   * @param path as the user wrote it, relative to the current folder; `-` for standard input
   * @param text the whole text, without a byte order mark
   * @param regions sorted by start, not overlapping
   */
  constructor(
    readonly path: string,
    readonly text: string,
    readonly regions: readonly SourceRegion[] = [],
  ) {}

  get lineStarts(): readonly number[] {
    this.#lineStarts ??= findLineStarts(this.text);
    return this.#lineStarts;
  }
}

/** A half-open range of a source text, in UTF-16 units. */
export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

/** A position for people: line and column count from 1, columns in UTF-16 units. */
export interface Place {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

export function span(file: SourceFile, start: number, end: number): Span {
  return { file, start, end };
}

/** The place of an offset; an offset past the end counts as the end. */
export function placeAt(file: SourceFile, offset: number): Place {
  const starts = file.lineStarts;
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  const column = Math.min(offset, file.text.length) - (starts[low] ?? 0) + 1;
  return { path: file.path, line: low + 1, column };
}

export function placeOf(at: Span): Place {
  return placeAt(at.file, at.start);
}

/** `path:line:column` of a span's start. */
export function formatPlace(at: Span): string {
  const place = placeOf(at);
  return `${place.path}:${place.line}:${place.column}`;
}

/** The text of a line, counted from 1, without its line break. */
export function lineText(file: SourceFile, line: number): string {
  const start = file.lineStarts[line - 1];
  if (start === undefined) return '';
  return file.text.slice(start, lineEnd(file, line));
}

/** The offset of a line's break, or of the text's end; found without a look at the rest of the line. */
function lineEnd({ lineStarts, text }: SourceFile, line: number): number {
  const next = lineStarts[line];
  if (next === undefined) return text.length;
  const isPair = text.charCodeAt(next - 1) === 10 && text.charCodeAt(next - 2) === 13;
  return isPair ? next - 2 : next - 1;
}

/** What the part of the file under the span was generated from, where the file says so. */
export function regionOf(at: Span): SourceRegion | undefined {
  return at.file.regions.find((region) => region.start <= at.start && at.start < region.end);
}

/** Lines end at LF, CRLF or a lone CR, as YAML 1.2 and editors count them. */
function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit === 10 || (unit === 13 && text.charCodeAt(i + 1) !== 10)) starts.push(i + 1);
  }
  return starts;
}
