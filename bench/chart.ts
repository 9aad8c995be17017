/** Draws samples as an SVG: cost over the number of rules, both axes logarithmic. */

import type { Table } from './section.js';

interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const WIDTH = 760;
const HEIGHT = 420;
const LEFT = 60;
const RIGHT = 260;
const TOP = 30;
const BOTTOM = 50;
/** What is less lies on the chart's lower edge. */
const LEAST = 0.01;
const COLORS = [
  '#555555',
  '#0b6e4f',
  '#59b38f',
  '#c0392b',
  '#2d5fa4',
  '#8e6c00',
  '#7b3fa0',
  '#d35400',
  '#16a0b5',
  '#b03a78',
];

/** What is drawn of a table: a line for each thing that was measured, over the number of rules. */
export interface Drawing {
  readonly title: string;
  readonly unit: string;
  /** The column of what is drawn. */
  readonly value: string;
  readonly keep: (row: Table['rows'][number]) => boolean;
}

export function drawCosts({ rows }: Table, { title, unit, value, keep }: Drawing): string {
  const kept = rows.filter(keep);
  const names = [...new Set(kept.map(({ what }) => String(what)))];
  const lines = names.map((name) => ({
    name,
    points: kept
      .filter(({ what }) => what === name)
      .map((row) => ({ x: Number(row['rules']), y: Math.max(LEAST, Number(row[value])) })),
  }));
  return drawChart(title, unit, lines);
}

function drawChart(title: string, unit: string, lines: readonly Line[]): string {
  const points = lines.flatMap((line) => line.points);
  const xs = points.map(({ x }) => Math.log10(x));
  const ys = points.map(({ y }) => Math.log10(y));
  const [x0, x1] = [Math.floor(Math.min(...xs)), Math.ceil(Math.max(...xs))];
  const [y0, y1] = [Math.floor(Math.min(...ys)), Math.ceil(Math.max(...ys))];
  const px = (x: number): number =>
    LEFT + ((Math.log10(x) - x0) / (x1 - x0)) * (WIDTH - LEFT - RIGHT);
  const py = (y: number): number =>
    HEIGHT - BOTTOM - ((Math.log10(y) - y0) / (y1 - y0)) * (HEIGHT - TOP - BOTTOM);
  const parts: string[] = [text(LEFT, 18, title, 'font-weight="bold"')];
  for (let power = x0; power <= x1; power += 1) {
    const at = px(10 ** power);
    parts.push(rule(at, TOP, at, HEIGHT - BOTTOM));
    parts.push(text(at, HEIGHT - BOTTOM + 18, (10 ** power).toLocaleString('en'), MIDDLE));
  }
  for (let power = y0; power <= y1; power += 1) {
    const at = py(10 ** power);
    parts.push(rule(LEFT, at, WIDTH - RIGHT, at));
    parts.push(text(LEFT - 8, at + 4, String(10 ** power), 'text-anchor="end"'));
  }
  parts.push(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, 'rules', MIDDLE));
  parts.push(text(WIDTH - RIGHT + 10, TOP - 8, unit));
  for (const [i, line] of lines.entries()) {
    const color = COLORS[i % COLORS.length] ?? 'black';
    const path = line.points.map(({ x, y }) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(' ');
    parts.push(`<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>`);
    for (const { x, y } of line.points) {
      parts.push(
        `<circle cx="${px(x).toFixed(1)}" cy="${py(y).toFixed(1)}" r="3" fill="${color}"/>`,
      );
    }
    parts.push(text(WIDTH - RIGHT + 10, TOP + 14 + 18 * i, line.name, `fill="${color}"`));
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>
${parts.join('\n')}
</svg>
`;
}

const MIDDLE = 'text-anchor="middle"';

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${content}</text>`;
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  const at = [x1, y1, x2, y2].map((one) => one.toFixed(1));
  return `<line x1="${at[0]}" y1="${at[1]}" x2="${at[2]}" y2="${at[3]}" stroke="#ddd"/>`;
}
