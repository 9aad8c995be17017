/** Source excerpts with underlines, as lines of text for a terminal. */
import { lineText, placeAt, type Span } from '../source.js';
import type { Paint, Style } from './paint.js';
import { cellsOf, displayWidth, visible, type Cell } from './visible-text.js';

/** One underlined place; offsets count from the start of their lines. */
export interface Mark {
  readonly span: Span;
  readonly firstLine: number;
  readonly firstOffset: number;
  readonly lastLine: number;
  readonly lastOffset: number;
  readonly style: Style;
  /** `^` for what a diagnostic is about, `-` for what explains it. */
  readonly sign: '^' | '-';
  readonly label: string;
}

export interface ExcerptOptions {
  readonly paint: Paint;
  /** Columns for source text. */
  readonly width: number;
  /** Digits of the line numbers. */
  readonly gutter: number;
}

const CUT = '…';
/** Columns kept to the left of the mark when a long line is cut. */
const CONTEXT = 24;
/** A span of more lines shows its first three and its last two. */
const LONGEST_BLOCK = 6;

/** Where a span lies, without the blanks and line breaks at its end that nobody means. */
export function markOf(span: Span, style: Style, sign: Mark['sign'], label: string): Mark {
  const { text } = span.file;
  const start = Math.max(0, Math.min(span.start, text.length));
  let end = Math.max(start, Math.min(span.end, text.length));
  while (end > start + 1 && /\s/.test(text.charAt(end - 1))) end -= 1;
  const first = placeAt(span.file, start);
  const last = placeAt(span.file, Math.max(start, end - 1));
  const firstOffset = Math.min(first.column - 1, lineText(span.file, first.line).length);
  const lastOffset = end === start ? firstOffset + 1 : last.column;
  return {
    span,
    firstLine: first.line,
    firstOffset,
    lastLine: last.line,
    lastOffset,
    style,
    sign,
    label: visible(label),
  };
}

export function isOneLine(mark: Mark): boolean {
  return mark.firstLine === mark.lastLine;
}

/** An excerpt of one file with marks that each stay within a line. */
export function excerptLines(marks: readonly Mark[], options: ExcerptOptions): string[] {
  const output: string[] = [];
  const byLine = new Map<number, Mark[]>();
  for (const mark of marks) {
    const there = byLine.get(mark.firstLine);
    if (there === undefined) byLine.set(mark.firstLine, [mark]);
    else there.push(mark);
  }
  let before: number | undefined;
  for (const [line, here] of [...byLine].sort(([a], [b]) => a - b)) {
    if (before !== undefined && line === before + 2) {
      output.push(plainLine(marks, before + 1, options));
    } else if (before !== undefined && line > before + 2) {
      output.push(options.paint('frame', '...'));
    }
    output.push(...markedLine(line, here, options));
    before = line;
  }
  return output;
}

/** An excerpt of one mark that spans lines, bracketed on the left. */
export function blockLines(mark: Mark, options: ExcerptOptions): string[] {
  const { file } = mark.span;
  const { paint } = options;
  const output: string[] = [];
  const firstText = lineText(file, mark.firstLine);
  const startsLine = firstText.slice(0, mark.firstOffset).trim() === '';
  const first = windowOf(firstText, mark.firstOffset, mark.firstOffset + 1, options.width - 2);
  output.push(
    numbered(mark.firstLine, options, `${startsLine ? paint(mark.style, '/') : ' '} ${first.text}`),
  );
  if (!startsLine) {
    const column = first.columnOf(mark.firstOffset);
    output.push(
      unnumbered(options, ` ${paint(mark.style, `${'_'.repeat(column + 1)}${mark.sign}`)}`),
    );
  }
  const bar = paint(mark.style, '|');
  const count = mark.lastLine - mark.firstLine + 1;
  for (let line = mark.firstLine + 1; line < mark.lastLine; line += 1) {
    if (count > LONGEST_BLOCK && line === mark.firstLine + 3) {
      output.push(`${paint('frame', '...'.padEnd(options.gutter + 2))} ${bar}`);
      line = mark.lastLine - 2;
      continue;
    }
    const { text } = windowOf(lineText(file, line), 0, 0, options.width - 2);
    output.push(numbered(line, options, `${bar} ${text}`.trimEnd()));
  }
  const lastText = lineText(file, mark.lastLine);
  const last = windowOf(lastText, mark.lastOffset - 1, mark.lastOffset, options.width - 2);
  output.push(numbered(mark.lastLine, options, `${bar} ${last.text}`));
  const column = Math.max(0, last.columnOf(mark.lastOffset) - 1);
  const closing = paint(mark.style, `${'_'.repeat(column + 1)}${mark.sign}`);
  output.push(unnumbered(options, `${bar}${closing}${labelOf(mark, paint)}`));
  return output;
}

/** A line of the excerpt's frame without a number: `   | text`. */
export function unnumbered({ paint, gutter }: ExcerptOptions, text: string): string {
  return `${' '.repeat(gutter + 1)}${paint('frame', '|')}${text === '' ? '' : ` ${text}`}`;
}

function numbered(line: number, { paint, gutter }: ExcerptOptions, text: string): string {
  const number = paint('frame', `${String(line).padStart(gutter)} |`);
  return text === '' ? number : `${number} ${text}`;
}

function plainLine(marks: readonly Mark[], line: number, options: ExcerptOptions): string {
  const file = marks[0]?.span.file;
  const text = file === undefined ? '' : lineText(file, line);
  return numbered(line, options, windowOf(text, 0, 0, options.width).text);
}

function markedLine(line: number, marks: readonly Mark[], options: ExcerptOptions): string[] {
  const sorted = [...marks].sort((a, b) => a.firstOffset - b.firstOffset);
  const leading = sorted.find((mark) => mark.sign === '^') ?? sorted[0];
  if (leading === undefined) return [];
  const text = lineText(leading.span.file, line);
  const window = windowOf(text, leading.firstOffset, leading.lastOffset, options.width);
  const underlines = sorted.map((mark) => {
    const from = window.columnOf(mark.firstOffset);
    const to = Math.max(from + 1, window.columnOf(mark.lastOffset));
    const underline = options.paint(mark.style, mark.sign.repeat(to - from));
    return unnumbered(options, `${' '.repeat(from)}${underline}${labelOf(mark, options.paint)}`);
  });
  return [numbered(line, options, window.text), ...underlines];
}

function labelOf(mark: Mark, paint: Paint): string {
  return mark.label === '' ? '' : ` ${paint(mark.style, mark.label)}`;
}

interface Window {
  readonly text: string;
  /** The column at which an offset of the line is shown; offsets outside count as the nearest edge. */
  readonly columnOf: (offset: number) => number;
}

/** The part of a line around a focus that fits the width, with `…` where it is cut. */
function windowOf(line: string, focusStart: number, focusEnd: number, width: number): Window {
  // Lines of generated JSON may have megabytes: only a neighbourhood is looked at.
  const reach = width * 4;
  const from = wholeCharacter(line, Math.max(0, focusStart - reach));
  const to = wholeCharacter(
    line,
    Math.min(line.length, Math.max(focusStart + reach, from + reach)),
  );
  const cells = cellsOf(line, from, to);
  const whole = from === 0 && to === line.length;
  const total = cells.reduce((sum, cell) => sum + cell.width, 0);
  if (whole && total <= width) return assemble(cells, '', '');
  let first = 0;
  const focused = cells.filter((cell) => cell.start < focusEnd && cell.end > focusStart);
  const focusWidth = focused.reduce((sum, cell) => sum + cell.width, 0);
  const focusIndex = cells.findIndex((cell) => cell.end > focusStart);
  const before = cells.slice(0, focusIndex < 0 ? cells.length : focusIndex);
  const beforeWidth = before.reduce((sum, cell) => sum + cell.width, 0);
  if (beforeWidth + Math.min(focusWidth, width) > width - 1) {
    let kept = 0;
    first = before.length;
    while (first > 0 && kept + (before[first - 1]?.width ?? 0) <= CONTEXT) {
      first -= 1;
      kept += before[first]?.width ?? 0;
    }
  }
  const cutLeft = first > 0 || from > 0;
  const shown: Cell[] = [];
  let used = cutLeft ? displayWidth(CUT) : 0;
  let last = first;
  for (; last < cells.length; last += 1) {
    const cell = cells[last];
    if (cell === undefined || used + cell.width > width - 1) break;
    shown.push(cell);
    used += cell.width;
  }
  const cutRight = last < cells.length || to < line.length;
  return assemble(shown, cutLeft ? CUT : '', cutRight ? CUT : '');
}

function assemble(cells: readonly Cell[], left: string, right: string): Window {
  const leftWidth = displayWidth(left);
  const columnOf = (offset: number): number => {
    let column = leftWidth;
    for (const cell of cells) {
      if (cell.end > offset) return column;
      column += cell.width;
    }
    return column;
  };
  const text = `${left}${cells.map((cell) => cell.text).join('')}${right}`.trimEnd();
  return { text, columnOf };
}

/** Moves an offset back where it would cut a surrogate pair in two. */
function wholeCharacter(line: string, offset: number): number {
  const unit = line.charCodeAt(offset);
  return unit >= 0xdc00 && unit <= 0xdfff ? offset - 1 : offset;
}
