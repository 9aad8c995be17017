/** Frames: excerpts of one or several files under their places, as diagnostics and explanations show them. */
import { formatPlace, regionOf, type Span } from '../source.js';
import {
  blockLines,
  excerptLines,
  isOneLine,
  unnumbered,
  type ExcerptOptions,
  type Mark,
} from './excerpt.js';
import type { Paint } from './paint.js';
import { visible } from './visible-text.js';

const NARROWEST = 40;

/** Marks that are shown together. */
export type Frame = readonly Mark[];

/** One frame per file; a mark over several lines has its own, so that brackets never cross. */
export function framesOf(marks: readonly Mark[]): readonly Frame[] {
  const frames: Mark[][] = [];
  for (const mark of marks) {
    const shared = frames.find(
      ([first]) =>
        first !== undefined &&
        first.span.file === mark.span.file &&
        regionOf(first.span) === regionOf(mark.span) &&
        isOneLine(first) &&
        isOneLine(mark),
    );
    if (shared === undefined) frames.push([mark]);
    else shared.push(mark);
  }
  return frames;
}

/** As wide as the terminal lets them be. */
export function excerptOptions(
  frames: readonly Frame[],
  paint: Paint,
  columns: number,
): ExcerptOptions {
  const lastLines = frames.flat().map((mark) => mark.lastLine);
  const gutter = String(Math.max(1, ...lastLines)).length;
  return { paint, width: Math.max(NARROWEST, columns - gutter - 4), gutter };
}

export function renderFrames(frames: readonly Frame[], options: ExcerptOptions): readonly string[] {
  return frames.flatMap((marks, index) => [
    ...(index > 0 ? [unnumbered(options, '')] : []),
    ...frameLines(marks, index === 0 ? '-->' : ':::', options),
  ]);
}

function frameLines(marks: readonly Mark[], arrow: string, options: ExcerptOptions): string[] {
  const [first] = marks;
  if (first === undefined) return [];
  const { paint, gutter } = options;
  const body = isOneLine(first) ? excerptLines(marks, options) : blockLines(first, options);
  return [
    `${' '.repeat(gutter)}${paint('frame', arrow)} ${placeText(first.span)}`,
    unnumbered(options, ''),
    ...body,
  ];
}

function placeText(span: Span): string {
  const region = regionOf(span);
  const place = visible(formatPlace(span));
  return region === undefined ? place : `${place} (from ${visible(region.origin)})`;
}
