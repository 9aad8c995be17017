/** Tables as text: numbers to the right, words to the left, a note a line. */
import type { Cell, Column, Table } from './section.js';

export function tableText({ title, columns, rows, notes }: Table): string {
  const cells = [
    columns.map(({ heading }) => heading),
    ...rows.map((row) => columns.map((column) => cellText(row[column.name], column))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)));
  const lines = cells.map((line) =>
    line
      .map((cell, i) =>
        columns[i]?.digits === undefined
          ? cell.padEnd(widths[i] ?? 0)
          : cell.padStart(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return [`${title}\n`, ...lines, ...notes.map((note) => `  ${note}`), ''].join('\n');
}

function cellText(cell: Cell, { digits = 0 }: Column): string {
  if (typeof cell !== 'number') return cell ?? '';
  return cell.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
