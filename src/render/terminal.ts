/** Diagnostics for people: message, source excerpt with underlines, related places and hint. */
import type { Severity } from '../catalog/entry.js';
import type { Diagnostic } from '../diagnostics.js';
import { markOf, unnumbered, type ExcerptOptions, type Mark } from './excerpt.js';
import { excerptOptions, framesOf, renderFrames } from './frames.js';
import type { Paint } from './paint.js';
import { visible } from './visible-text.js';

export interface TerminalOptions {
  readonly paint: Paint;
  /** Columns of the terminal. */
  readonly columns: number;
}

/** Nobody reads more, and excerpts of a million faults take minutes. */
const MOST_SHOWN = 1000;

/** All diagnostics and the count of each severity; empty where there are none. */
export function renderTerminal(
  diagnostics: readonly Diagnostic[],
  options: TerminalOptions,
): string {
  if (diagnostics.length === 0) return '';
  const shown = shownOf(diagnostics);
  const parts = shown.map((one) => renderOne(one, options));
  const left = diagnostics.length - shown.length;
  const more = left === 0 ? '' : ` (${left} of them are not shown; --format json lists all)`;
  return `${parts.join('\n')}\n${countLine(diagnostics, options.paint)}${more}\n`;
}

/** In their order, but errors rather than warnings where there are too many. */
function shownOf(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  if (diagnostics.length <= MOST_SHOWN) return diagnostics;
  const errors = diagnostics.filter((one) => one.severity === 'error').length;
  const room = { error: MOST_SHOWN, warning: Math.max(0, MOST_SHOWN - errors) };
  return diagnostics.filter(({ severity }) => {
    room[severity] -= 1;
    return room[severity] >= 0;
  });
}

/** `2 errors, 1 warning`. */
export function countText(diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Severity): number =>
    diagnostics.filter((one) => one.severity === severity).length;
  const parts: string[] = [];
  if (count('error') > 0) parts.push(plural(count('error'), 'error'));
  if (count('warning') > 0) parts.push(plural(count('warning'), 'warning'));
  return parts.join(', ');
}

/** `1 rule`, `2 rules`, `2 policies`. */
export function plural(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  const many = /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${count} ${many}`;
}

function countLine(diagnostics: readonly Diagnostic[], paint: Paint): string {
  const worst = diagnostics.some((one) => one.severity === 'error') ? 'error' : 'warning';
  return paint(worst, countText(diagnostics));
}

function renderOne(one: Diagnostic, { paint, columns }: TerminalOptions): string {
  const header = `${paint(one.severity, `${one.severity}[${one.code}]`)}${paint('strong', `: ${visible(one.message)}`)}`;
  const frames = framesOf(marksOf(one));
  const excerpt = excerptOptions(frames, paint, columns);
  const lines = [header, ...renderFrames(frames, excerpt)];
  const notes = notesOf(one);
  if (notes.length > 0 && frames.length > 0) lines.push(unnumbered(excerpt, ''));
  for (const [label, text] of notes) {
    lines.push(...noteLines(label, text, excerpt, frames.length > 0));
  }
  return `${lines.join('\n')}\n`;
}

function marksOf(one: Diagnostic): readonly Mark[] {
  const marks: Mark[] = [];
  if (one.span !== undefined) marks.push(markOf(one.span, one.severity, '^', ''));
  for (const related of one.related) {
    marks.push(markOf(related.span, 'frame', '-', related.message));
  }
  return marks;
}

function notesOf({ hint, fix }: Diagnostic): readonly (readonly [label: string, text: string])[] {
  const by = fix?.keepsMeaning === true ? '--fix' : '--unsafe-fixes, since the meaning changes';
  return [
    ...(hint === undefined ? [] : [['hint', hint] as const]),
    ...(fix === undefined ? [] : [['fix', `${fix.does} (${by})`] as const]),
  ];
}

function noteLines(
  label: string,
  text: string,
  { paint, gutter }: ExcerptOptions,
  framed: boolean,
): string[] {
  const indent = framed ? ' '.repeat(gutter + 1) : '  ';
  const [first = '', ...rest] = text.split('\n').map(visible);
  return [
    `${indent}${paint('frame', '=')} ${paint('strong', label)}: ${first}`,
    ...rest.map((line) => `${indent}  ${' '.repeat(`${label}: `.length)}${line}`.trimEnd()),
  ];
}
