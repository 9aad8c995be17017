/** Origins in bundles: places, and just the lines of the sources that they point to. */
import { lineText, placeOf, SourceFile, span, type Span } from '../../source.js';

/** Source by position, line and column from 1. */
export type Origin = readonly [source: number, line: number, column: number];

/** A policy file as far as origins point into it. */
export interface SourceExcerpt {
  readonly path: string;
  /** Ascending by line. */
  readonly lines: readonly (readonly [line: number, text: string])[];
}

/**
 * A line that holds a whole document, as minified JSON does, may hold anything else too: it is left
 * out, since a bundle should carry no more of the sources than it needs.
 */
const MAX_LINE = 500;

export class OriginEncoder {
  readonly #files = new Map<SourceFile, number>();
  readonly #lines: Map<number, string>[] = [];

  encode(origin: Span): Origin {
    const { line, column } = placeOf(origin);
    let source = this.#files.get(origin.file);
    if (source === undefined) {
      source = this.#files.size;
      this.#files.set(origin.file, source);
      this.#lines.push(new Map());
    }
    const lines = this.#lines[source];
    if (lines?.has(line) === false) {
      const text = lineText(origin.file, line);
      if (text.length <= MAX_LINE) lines.set(line, text);
    }
    return [source, line, column];
  }

  sources(): readonly SourceExcerpt[] {
    return [...this.#files.keys()].map((file, i) => ({
      path: file.path,
      lines: [...(this.#lines[i] ?? [])].sort(([a], [b]) => a - b),
    }));
  }
}

export class OriginDecoder {
  readonly #files: readonly SourceFile[];

  /** @param origins all that will be asked for, so that lines left out reach their columns */
  constructor(sources: readonly SourceExcerpt[], origins: Iterable<Origin>) {
    const columns = sources.map(() => new Map<number, number>());
    for (const [source, line, column] of origins) {
      const ofSource = columns[source];
      if (ofSource === undefined || line < 1 || column < 1) {
        throw new RangeError(`no place ${source}:${line}:${column}`);
      }
      ofSource.set(line, Math.max(column, ofSource.get(line) ?? 1));
    }
    checkSize(sources, columns);
    this.#files = sources.map((source, i) => restoreFile(source, columns[i] ?? new Map()));
  }

  /** The span from the place to the end of its line. */
  decode([source, line, column]: Origin): Span {
    const file = this.#files[source];
    const lineStart = file?.lineStarts[line - 1];
    if (file === undefined || lineStart === undefined) throw new RangeError(`no line ${line}`);
    const start = lineStart + column - 1;
    return span(file, start, Math.max(start, lineStart + lineText(file, line).length));
  }
}

/**
 * What the places may ask for in all sources together: each of them is laid out as one text with an
 * index of its lines, whether the lines are there or not.
 */
const MAX_LINES = 1 << 24;
const MAX_TEXT = 1 << 28;

type Columns = ReadonlyMap<number, number>;

/** A few made-up numbers must not fill the memory. */
function checkSize(sources: readonly SourceExcerpt[], columns: readonly Columns[]): void {
  let lines = 0;
  let characters = 0;
  for (const [i, source] of sources.entries()) {
    const texts = new Map(source.lines);
    let last = 0;
    for (const [line, column] of columns[i] ?? []) {
      last = Math.max(last, line);
      characters += Math.max(column, texts.get(line)?.length ?? 0);
    }
    lines += last;
  }
  if (lines > MAX_LINES || characters > MAX_TEXT) {
    throw new RangeError('the sources are longer than files can be');
  }
}

/** A text in which the lines kept stand at their numbers, and reach the columns pointed to. */
function restoreFile(source: SourceExcerpt, columns: Columns): SourceFile {
  const texts = new Map(source.lines);
  const wanted = [...columns].sort(([a], [b]) => a - b);
  const parts: string[] = [];
  let last = 1;
  for (const [line, column] of wanted) {
    parts.push('\n'.repeat(line - last), (texts.get(line) ?? '').padEnd(column, ' '));
    last = line;
  }
  return new SourceFile(source.path, parts.join(''));
}
