/** Tables for people: aligned columns without lines. */
import type { Paint, Style } from '../../render/paint.js';
import { displayWidth, padVisible, visible } from '../../render/visible-text.js';

export interface TableCell {
  readonly text: string;
  readonly style?: Style;
  readonly align?: 'left' | 'right';
}

/** Texts are made visible here; the last column is never padded. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly TableCell[])[],
  paint: Paint,
): string {
  const titles = head.map((text): TableCell => ({ text, style: 'strong' }));
  const all = [titles, ...rows].map((row) =>
    row.map((cell) => ({ ...cell, text: visible(cell.text) })),
  );
  const widths = head.map((_, column) =>
    all.reduce((widest, row) => Math.max(widest, displayWidth(row[column]?.text ?? '')), 0),
  );
  return all
    .map((row) => `${row.map((cell, i) => cellText(cell, widths[i], i, row, paint)).join('  ')}\n`)
    .join('');
}

function cellText(
  cell: TableCell,
  width = 0,
  column: number,
  row: readonly TableCell[],
  paint: Paint,
): string {
  const padding = ' '.repeat(Math.max(0, width - displayWidth(cell.text)));
  const text = cell.style === undefined ? cell.text : paint(cell.style, cell.text);
  if (cell.align === 'right') return padding + text;
  return column === row.length - 1 ? text : text + padding;
}

/** `name  value` lines: a table of two columns without a head. */
export function renderPairs(pairs: readonly (readonly [string, string])[], paint: Paint): string {
  const width = Math.max(0, ...pairs.map(([name]) => displayWidth(name)));
  return pairs
    .map(([name, value]) => `${paint('strong', padVisible(name, width))}  ${visible(value)}\n`)
    .join('');
}
