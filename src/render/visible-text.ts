/** Text made harmless and measured for a terminal: nothing that a user wrote may move the cursor. */

/**
 * Everything that a terminal acts on or hides: controls, escapes, line separators, bidirectional
 * overrides (CVE-2021-42574), invisible formatting, tag characters and lone surrogates. The joiners
 * U+200C and U+200D stay, since scripts and emoji need them.
 */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Cs}]/gu;
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f200}-\u{1f251}\u{20000}-\u{3fffd}])/u;

const TAB_STOP = 4;

/** The text with every unsafe character replaced by one that shows what was there. */
export function visible(text: string): string {
  if (PRINTABLE_ASCII.test(text)) return text;
  return text.replace(UNSAFE, standIn);
}

/** One column group of a line as it is displayed. */
export interface Cell {
  /** Half-open range of offsets in the line. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Terminal columns. */
  readonly width: number;
}

/** Splits a part of a line into graphemes as displayed; tabs go to the next stop, counted from `from`. */
export function cellsOf(line: string, from: number, to: number): Cell[] {
  const cells: Cell[] = [];
  let column = 0;
  for (const [start, grapheme] of graphemes(line.slice(from, to))) {
    const text = grapheme === '\t' ? ' '.repeat(TAB_STOP - (column % TAB_STOP)) : visible(grapheme);
    const width = displayWidth(text);
    cells.push({ start: from + start, end: from + start + grapheme.length, text, width });
    column += width;
  }
  return cells;
}

/** Terminal columns of a visible text. */
export function displayWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const [, grapheme] of graphemes(text)) width += graphemeWidth(grapheme);
  return width;
}

/** Pads a visible text with spaces on the right. */
export function padVisible(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

function graphemeWidth(grapheme: string): number {
  if (INVISIBLE.test(grapheme)) return 0;
  return WIDE.test(grapheme) || grapheme.includes('\ufe0f') ? 2 : 1;
}

function* graphemes(text: string): Iterable<readonly [number, string]> {
  if (/^[\t\x20-\x7e]*$/.test(text)) {
    for (let i = 0; i < text.length; i += 1) yield [i, text.charAt(i)];
    return;
  }
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
  for (const { index, segment } of segmenter.segment(text)) yield [index, segment];
}

function standIn(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '␡';
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}
