/** Edits of YAML and JSON texts that leave everything else as it is written, comments included. */
import { endOfLine, startOfLine, type Extent } from './positions.js';

/** What to put in place of an extent of the text. */
export interface TextEdit extends Extent {
  readonly text: string;
}

/** Anchors, aliases and merge keys: a text that stands in one place may count in another. */
const SHARED = /(?:^|[\s,[{:-])[&*][A-Za-z0-9_.-]|<<\s*:/;

export function hasSharedNodes(text: string, { start, end }: Extent): boolean {
  return SHARED.test(text.slice(start, end));
}

/**
 * Removes an item of a list that has others.
 *
 * @param item the extent of its value
 * @returns undefined where the way in which it is written leaves a doubt
 */
export function removeItem(text: string, item: Extent): TextEdit | undefined {
  const dash = dashOf(text, item.start);
  if (dash !== undefined) return removeLines(text, { start: dash, end: item.end });
  return removeFlowEntry(text, item);
}

/** Removes a key with its value, from a mapping that has others. */
export function removeEntry(
  text: string,
  entry: { readonly key: Extent; readonly value: Extent },
): TextEdit | undefined {
  const whole = { start: entry.key.start, end: Math.max(entry.key.end, entry.value.end) };
  const isFirst = isBlank(text, startOfLine(text, whole.start), whole.start);
  return isFirst ? removeLines(text, whole) : removeFlowEntry(text, whole);
}

/** Puts an entry in front of a key, in the way in which that is written. */
export function insertBefore(text: string, key: Extent, entry: FlowOrBlock): TextEdit {
  const line = startOfLine(text, key.start);
  const { start } = key;
  if (isBlank(text, line, start)) {
    const isJson = text[start] === '"';
    const added = isJson ? `${entry.json},` : entry.block;
    const lineBreak = text.includes('\r\n') ? '\r\n' : '\n';
    return { start, end: start, text: `${added}${lineBreak}${text.slice(line, start)}` };
  }
  const added = text[start] === '"' ? entry.json : entry.flow;
  return { start, end: start, text: `${added}, ` };
}

/** One entry as JSON, in flow style, and on a line of its own. */
export interface FlowOrBlock {
  readonly json: string;
  readonly flow: string;
  readonly block: string;
}

/** The dash of a block item: nothing but blanks stands around it. */
function dashOf(text: string, start: number): number | undefined {
  let at = start - 1;
  while (at >= 0 && /[ \t\r\n]/.test(text[at] ?? '')) at -= 1;
  if (text[at] !== '-') return undefined;
  return isBlank(text, startOfLine(text, at), at) ? at : undefined;
}

/** Whole lines, if nothing else stands on them but a comment at the end. */
export function removeLines(text: string, { start, end }: Extent): TextEdit | undefined {
  const from = startOfLine(text, start);
  if (!isBlank(text, from, start)) return undefined;
  let last = end;
  while (last > start && /\s/.test(text[last - 1] ?? '')) last -= 1;
  const to = endOfLine(text, last);
  if (!/^[ \t]*(?:#.*|,[ \t]*)?$/.test(text.slice(last, to))) return undefined;
  const isJson = text.slice(last, to).includes(',');
  if (!isJson && /^[{["]/.test(text.slice(start, end))) {
    // The last entry of a JSON list or mapping: the comma in front of it goes as well.
    return removeFlowEntry(text, { start, end: last });
  }
  return { start: from, end: afterBreak(text, to), text: '' };
}

/** With the comma behind it, or else the one in front of it. */
function removeFlowEntry(text: string, { start, end }: Extent): TextEdit | undefined {
  let last = end;
  while (last > start && /\s/.test(text[last - 1] ?? '')) last -= 1;
  const behind = /^\s*,[ \t]*/.exec(text.slice(last, last + 200));
  if (behind !== null) return { start, end: last + behind[0].length, text: '' };
  const front = /,\s*$/.exec(text.slice(Math.max(0, start - 400), start));
  if (front !== null) return { start: start - front[0].length, end: last, text: '' };
  return undefined;
}

function isBlank(text: string, start: number, end: number): boolean {
  return /^[ \t]*$/.test(text.slice(start, end));
}

function afterBreak(text: string, at: number): number {
  if (text[at] === '\r' && text[at + 1] === '\n') return at + 2;
  return at < text.length ? at + 1 : at;
}
