/** What can be folded: blocks, long statements, and runs of comments. */
import { FoldingRangeKind, type FoldingRange } from 'vscode-languageserver';
import * as t from '../../../grammar/tokens.js';
import { endOf, lexPolicy } from '../../parser/policy/tokens.js';
import { placeAt, type SourceFile } from '../../source.js';

export function foldsOf(source: SourceFile): readonly FoldingRange[] {
  const folds: FoldingRange[] = [];
  const open: number[] = [];
  let comments: { first: number; last: number } | undefined;
  const endComments = (): void => {
    if (comments !== undefined && comments.last > comments.first) {
      const { first, last } = comments;
      folds.push({ startLine: first, endLine: last, kind: FoldingRangeKind.Comment });
    }
    comments = undefined;
  };
  for (const token of lexPolicy(source)) {
    const line = placeAt(source, token.startOffset).line - 1;
    if (token.tokenType === t.Comment) {
      if (comments?.last === line - 1) comments.last = line;
      else {
        endComments();
        comments = { first: line, last: line };
      }
      continue;
    }
    endComments();
    if (token.tokenType === t.OpenBlock || token.tokenType === t.OpenList) open.push(line);
    if (token.tokenType === t.CloseBlock || token.tokenType === t.CloseList) {
      const first = open.pop();
      const last = placeAt(source, endOf(token)).line - 1;
      // The closing line stays to be seen.
      if (first !== undefined && last - 1 > first)
        folds.push({ startLine: first, endLine: last - 1 });
    }
  }
  endComments();
  return folds;
}
