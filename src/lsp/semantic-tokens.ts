/** Semantic tokens: colours for editors that have no grammar of ours, and names by what they stand for. */
import type { IToken, TokenType } from 'chevrotain';
import * as t from '../../grammar/tokens.js';
import { endOf, lexPolicy } from '../parser/policy/tokens.js';
import { span, type SourceFile } from '../source.js';
import { occurrencesIn } from './language/navigate.js';
import type { ThingKind } from './language/occurrences.js';
import type { View } from './workspace/view.js';
import { positionAt } from './workspace/positions.js';

export const TOKEN_TYPES = [
  ...['comment', 'keyword', 'string', 'number', 'operator'],
  ...['namespace', 'class', 'enum', 'variable', 'interface', 'event', 'property'],
] as const;
type TypeName = (typeof TOKEN_TYPES)[number];
export const TOKEN_MODIFIERS = ['declaration'] as const;

const THINGS: Readonly<Record<ThingKind, TypeName>> = {
  namespace: 'namespace',
  group: 'class',
  set: 'enum',
  ports: 'variable',
  tier: 'interface',
  policy: 'interface',
  exception: 'event',
  test: 'string',
};

const SIGNS: ReadonlySet<TokenType> = new Set([
  ...[t.Arrow, t.Equal, t.NotEqual, t.AtMost, t.Assign],
]);
const KEYWORDS: ReadonlySet<TokenType> = new Set(t.KEYWORDS.values());
const OPERATORS: ReadonlySet<TokenType> = new Set([t.Equal, t.NotEqual, t.In, t.Exists, t.Not]);

/** In the protocol's form: five numbers a token, places relative to the token before. */
export function semanticTokens(view: View, source: SourceFile): readonly number[] {
  const names = new Map(
    occurrencesIn(view)
      .filter(({ at }) => at.file === source)
      .map((one) => [one.at.start, one]),
  );
  const data: number[] = [];
  let line = 0;
  let character = 0;
  const tokens = lexPolicy(source);
  for (const [index, token] of tokens.entries()) {
    const name = names.get(token.startOffset);
    const type = name === undefined ? typeOf(token, tokens[index + 1]) : THINGS[name.thing.kind];
    // Editors take no token that goes over several lines.
    if (type === undefined || /[\r\n]/.test(token.image)) continue;
    const start = positionAt(source, token.startOffset);
    const sameLine = start.line === line;
    const { end } = span(source, token.startOffset, endOf(token));
    data.push(
      start.line - line,
      sameLine ? start.character - character : start.character,
      end - token.startOffset,
      TOKEN_TYPES.indexOf(type),
      name?.declares === true ? 1 : 0,
    );
    ({ line, character } = start);
  }
  return data;
}

function typeOf(token: IToken, next: IToken | undefined): TypeName | undefined {
  const { tokenType } = token;
  if (tokenType === t.Comment || tokenType === t.ForeignComment) return 'comment';
  if (tokenType === t.StringLiteral || tokenType === t.UnclosedString) return 'string';
  if (tokenType === t.SingleQuoted) return 'string';
  if (tokenType === t.NumberLiteral || tokenType === t.Address || tokenType === t.Time) {
    return 'number';
  }
  if (SIGNS.has(tokenType)) return 'operator';
  if (tokenType === t.Identifier) {
    return next !== undefined && OPERATORS.has(next.tokenType) ? 'property' : undefined;
  }
  if (!KEYWORDS.has(tokenType)) return undefined;
  const isKey = next?.tokenType === t.Equal || next?.tokenType === t.NotEqual;
  return isKey ? 'property' : 'keyword';
}
