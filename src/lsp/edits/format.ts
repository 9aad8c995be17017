/** Formatting: what `policyc fmt` would write, as one edit of what differs. */
import type { TextEdit } from 'vscode-languageserver';
import { formatPolicy } from '../../parser/format-policy.js';
import { span, type SourceFile } from '../../source.js';
import { rangeOf } from '../workspace/positions.js';

/** @returns no edits for text with syntax errors: it stays as it is */
export function formatEdits(source: SourceFile): readonly TextEdit[] {
  const { value: text } = formatPolicy(source);
  if (text === undefined || text === source.text) return [];
  const before = source.text;
  const most = Math.min(before.length, text.length);
  let start = 0;
  while (start < most && before[start] === text[start]) start += 1;
  let tail = 0;
  while (tail < most - start && before.at(-1 - tail) === text.at(-1 - tail)) tail += 1;
  // A range must not end between the halves of a character, or of a line break.
  while (start > 0 && splits(before, start)) start -= 1;
  while (tail > 0 && splits(before, before.length - tail)) tail -= 1;
  const at = span(source, start, before.length - tail);
  return [{ range: rangeOf(at), newText: text.slice(start, text.length - tail) }];
}

function splits(text: string, offset: number): boolean {
  return (
    /[\ud800-\udbff\r]/.test(text[offset - 1] ?? '') || /[\udc00-\udfff]/.test(text[offset] ?? '')
  );
}
