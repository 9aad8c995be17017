/** Turns what the grammar could not read into diagnostics: what was found, and what was expected. */
import type { CstNode, IRecognitionException, IToken } from 'chevrotain';
import { decodeExpectation, type Expectation } from '../../../grammar/expectations.js';
import * as t from '../../../grammar/tokens.js';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import { nearestName } from '../../did-you-mean.js';
import { span, type SourceFile, type Span } from '../../source.js';
import { nodeOf, tokenOf } from './cst.js';
import { endOf } from './tokens.js';
import { PLACES, type Place } from './places.js';

/** What the grammar could not read, and the token at which it gave up. */
export interface SyntaxFault {
  readonly token: IToken;
  /** The number of the statement, or of the head of a block; see {@link numberStatements}. */
  readonly statement: number | undefined;
  readonly diagnostic: Diagnostic;
}

/** At most one fault a statement: what follows the first error is often its consequence. */
export function syntaxFaults(
  file: SourceFile,
  errors: readonly IRecognitionException[],
  tokens: readonly IToken[],
  tree: CstNode,
): readonly SyntaxFault[] {
  const found: Omit<SyntaxFault, 'statement'>[] = [];
  for (const error of errors) {
    const expectation = decodeExpectation(error.message);
    found.push({
      token: error.token,
      diagnostic: unexpected(file, error.token, expectation),
    });
  }
  for (const { node, extra } of leftovers(tree)) {
    found.push({ token: extra, diagnostic: leftover(file, node, extra) });
  }
  if (found.length === 0) return [];
  found.sort((a, b) => a.token.startOffset - b.token.startOffset);
  const statementOf = numberStatements(tokens);
  const reported = new Set<number | undefined>();
  return found.flatMap((one) => {
    const statement = statementOf.get(one.token);
    if (reported.has(statement)) return [];
    reported.add(statement);
    return [{ ...one, statement }];
  });
}

/** The number of the statement, or of the head of a block, that each token belongs to. */
export function numberStatements(tokens: readonly IToken[]): ReadonlyMap<IToken, number> {
  const numbers = new Map<IToken, number>();
  let current = 0;
  for (const token of tokens) {
    numbers.set(token, current);
    if (isStatementEnd(token) || token.tokenType === t.OpenBlock) current += 1;
  }
  return numbers;
}

function isStatementEnd(token: IToken): boolean {
  return token.tokenType === t.EndDeep || t.STATEMENT_ENDS.includes(token.tokenType);
}

/** Rules below which nothing is left over. */
const WHOLE = new Set(['ruleTail', 'clauses', 'peerList', 'portClause', 'portList', 'whereClause']);

/** The first token of each statement that the grammar had no use for. */
function leftovers(tree: CstNode): readonly { readonly node: CstNode; readonly extra: IToken }[] {
  const found: { readonly node: CstNode; readonly extra: IToken }[] = [];
  const pending: CstNode[] = [tree];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (const name in node.children) {
      for (const child of node.children[name] ?? []) {
        if ('children' in child) {
          if (!WHOLE.has(child.name)) pending.push(child);
        } else if (name === 'extra') {
          if (!isUnbuilt(node)) found.push({ node, extra: child });
          break;
        }
      }
    }
  }
  return found;
}

/** Statements of kinds that are not built are skipped, not read. */
function isUnbuilt(item: CstNode): boolean {
  const statement = nodeOf(item, 'topStatement') ?? nodeOf(item, 'namespaceStatement');
  if (statement === undefined) return false;
  if (nodeOf(statement, 'unbuiltStatement') !== undefined) return true;
  const set = nodeOf(statement, 'setStatement');
  return set !== undefined && tokenOf(set, 'Word_feed') !== undefined;
}

function unexpected(file: SourceFile, token: IToken, expectation: Expectation): Diagnostic {
  return diagnostic(
    'syntax/unexpected',
    {
      expected: expectation.words,
      found: describe(token),
      advice: adviceFor(token, expectation),
    },
    placeOfToken(file, token),
  );
}

function leftover(file: SourceFile, node: CstNode, extra: IToken): Diagnostic {
  const place = PLACES[node.name];
  const at = placeOfToken(file, extra);
  const hasStatement = Object.values(node.children).some((list) =>
    list.some((one) => 'children' in one),
  );
  if (place !== undefined && !hasStatement) {
    const advice = statementAdvice(place, extra);
    const found = describe(extra);
    return diagnostic('syntax/unknown-statement', { found, place: place.words, advice }, at);
  }
  const expected = place === undefined ? '`{`' : STATEMENT_END;
  return unexpected(file, extra, { words: expected, keywords: CLAUSE_WORDS });
}

const STATEMENT_END = 'the end of the statement';

const CLAUSE_WORDS: readonly string[] = [
  ...['from', 'to', 'port', 'log', 'reject', 'reason', 'ticket', 'name', 'where', 'and', 'or'],
  ...['except', 'for', 'tier', 'priority', 'owner', 'contact', 'order', 'with', 'by'],
];

function statementAdvice(place: Place, token: IToken): string {
  const special = place.advice[token.image];
  if (special !== undefined) return special;
  const near = nearKeyword(token.image, place.statements);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  return `statements here begin with ${place.statements.map((word) => `\`${word}\``).join(', ')}`;
}

/** Two letters are near to every short word. */
function nearKeyword(word: string, keywords: readonly string[]): string | undefined {
  if (word.length < 3) return undefined;
  return nearestName(word, keywords) ?? keywords.find((keyword) => keyword.startsWith(word));
}

function adviceFor(token: IToken, expectation: Expectation): string | undefined {
  const word = token.image;
  const isWord = token.tokenType === t.Identifier;
  if (isWord) {
    const near = nearKeyword(word, expectation.keywords);
    if (near !== undefined) return `did you mean \`${near}\`?`;
  }
  if (expectation.words === 'a text in double quotes' && !isStatementEnd(token)) {
    return `write it in quotes: \`"${word}"\``;
  }
  if (expectation.words === 'a name' && t.KEYWORDS.has(word)) {
    return `\`${word}\` is a word of the language; as a name it is written in quotes: \`"${word}"\``;
  }
  if (expectation.words.startsWith('a peer') && t.KEYWORDS.has(word)) {
    return 'write `any` to mean every address';
  }
  if (token.tokenType === t.NumberLiteral && expectation.words === STATEMENT_END) {
    return 'ports are written `port 443/tcp`';
  }
  if (expectation.words === '`/`') return 'a port has its protocol behind it, such as `443/tcp`';
  return undefined;
}

function describe(token: IToken): string {
  if (isStatementEnd(token)) {
    return token.image === ';' ? '`;`' : STATEMENT_END;
  }
  if (token.image === '') return 'the end of the block';
  return `\`${token.image}\``;
}

/** The token; for an end without text, the place behind what stands before it. */
function placeOfToken(file: SourceFile, token: IToken): Span {
  if (isStatementEnd(token) && token.image !== ';') {
    return span(file, token.startOffset, token.startOffset);
  }
  return span(file, token.startOffset, endOf(token));
}
