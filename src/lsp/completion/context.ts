/** Where the cursor stands in a policy file: what the grammar could go on with, and what is typed of it. */
import type { IToken, TokenType } from 'chevrotain';
import * as t from '../../../grammar/tokens.js';
import { policyGrammar } from '../../parser/parse-policy.js';
import {
  CONTINUE_AFTER,
  CONTINUE_WITH,
  endOf,
  lexPolicy,
  tokenizeBefore,
} from '../../parser/policy/tokens.js';
import { span, type SourceFile, type Span } from '../../source.js';

/** One thing that the grammar could go on with. */
export interface Proposal {
  readonly token: TokenType;
  /** Grammar rules from the statement's down to the one that wants the token. */
  readonly rules: readonly string[];
  /** The same rule may be asked for twice in another; see chevrotain's occurrence numbers. */
  readonly occurrences: readonly number[];
}

export interface Place {
  readonly proposals: readonly Proposal[];
  /** What is typed of the word or text already; it is replaced. */
  readonly typed: Span;
  /** The statement up to the cursor, without what is typed of the last word. */
  readonly statement: readonly IToken[];
  /** The heads of the blocks around it, outermost first. */
  readonly blocks: readonly (readonly IToken[])[];
  /** A new statement may begin here. */
  readonly begins: boolean;
}

/** Tried one after the other where the statement has an error before the cursor. */
const FALLBACKS: readonly (readonly [anchors: readonly TokenType[], rule: string])[] = [
  [[t.Where], 'whereClause'],
  [[t.From, t.To, t.Port, t.Any], 'ruleTail'],
  [[t.Assign, t.For, t.Subject, t.Arrow, t.Reach], 'peerList'],
];

/** Longer statements are lists; the grammar is asked about their ends. */
const MOST_TOKENS = 200;

/** @returns undefined in comments, and where nothing of ours can stand */
export function placeAt(source: SourceFile, offset: number): Place | undefined {
  const typed = typedAt(source, offset);
  if (typed === undefined) return undefined;
  const { tokens, newline } = tokenizeBefore(source, typed.start);
  const { blocks, statement } = structureOf(tokens);
  const rule = ruleOf(blocks);
  if (rule === undefined) return undefined;
  const last = statement.at(-1);
  const begins =
    last === undefined ||
    (newline && !CONTINUE_AFTER.has(last.tokenType) && !inBrackets(statement));
  if (!begins) return { proposals: propose(rule, statement), typed, statement, blocks, begins };
  const ahead = propose(rule, []);
  // The line before may go on with words that begin no statement.
  const onward =
    last === undefined
      ? []
      : propose(rule, statement).filter(({ token }) => CONTINUE_WITH.has(token));
  return { proposals: [...ahead, ...onward], typed, statement: [], blocks, begins };
}

/** What the cursor touches: a word, a number, a text; empty between them. */
function typedAt(source: SourceFile, offset: number): Span | undefined {
  for (const token of lexPolicy(source)) {
    const end = endOf(token);
    if (token.startOffset >= offset) break;
    if (end < offset) continue;
    const { tokenType } = token;
    if (tokenType === t.Comment || tokenType === t.ForeignComment) return undefined;
    if (tokenType === t.StringLiteral) {
      // Behind the closing quote the text is over.
      if (offset === end) continue;
      return span(source, token.startOffset, end);
    }
    if (tokenType === t.UnclosedString || tokenType === t.SingleQuoted) {
      return span(source, token.startOffset, Math.max(offset, endOfText(source, token, offset)));
    }
    if (/^[\w.-]/.test(token.image) && tokenType !== t.Dash && tokenType !== t.Arrow) {
      return span(source, token.startOffset, end);
    }
  }
  return span(source, offset, offset);
}

/** A text without its closing quote runs to the end of the line; what is meant ends at a blank. */
function endOfText(source: SourceFile, token: IToken, offset: number): number {
  const rest = /^[\w./-]*/.exec(source.text.slice(offset, endOf(token)));
  return offset + (rest?.[0].length ?? 0);
}

const ENDS: ReadonlySet<TokenType> = new Set([...t.STATEMENT_ENDS, t.EndDeep]);
const CLOSES: ReadonlySet<TokenType> = new Set([...t.BLOCK_ENDS, t.CloseDeep]);

function structureOf(tokens: readonly IToken[]): {
  readonly blocks: readonly (readonly IToken[])[];
  readonly statement: readonly IToken[];
} {
  const blocks: IToken[][] = [];
  let statement: IToken[] = [];
  for (const token of tokens) {
    if (token.tokenType === t.OpenBlock) {
      blocks.push(statement);
      statement = [];
    } else if (CLOSES.has(token.tokenType)) {
      blocks.pop();
      // Behind a block its statement can only end.
      statement = [];
    } else if (ENDS.has(token.tokenType)) statement = [];
    else statement.push(token);
  }
  return { blocks, statement };
}

/** The grammar's rule for a statement of the innermost block. */
function ruleOf(blocks: readonly (readonly IToken[])[]): string | undefined {
  const [outer, inner, ...deeper] = blocks.map(([first]) => first?.tokenType);
  if (blocks.length === 0) return 'topStatement';
  if (deeper.length > 0) return undefined;
  const inside = blocks.length === 2;
  switch (outer) {
    case t.Namespace:
      return inside ? undefined : 'namespaceStatement';
    case t.Policy:
      if (!inside) return 'policyStatement';
      return inner === t.Ingress || inner === t.Egress ? 'ruleStatement' : undefined;
    case t.Exception:
      return inside ? undefined : 'exceptionStatement';
    case t.Test:
      if (!inside) return 'testStatement';
      return inner === t.Expect ? 'testFlow' : undefined;
    default:
      return undefined;
  }
}

function propose(rule: string, statement: readonly IToken[]): readonly Proposal[] {
  const whole = assist(rule, shortened(statement));
  if (whole.length > 0 || statement.length === 0) return whole;
  for (const [anchors, part] of FALLBACKS) {
    const at = statement.findLastIndex(({ tokenType }) => anchors.includes(tokenType));
    if (at < 0) continue;
    const from = part === 'peerList' ? at + 1 : at;
    const found = assist(part, shortened(statement.slice(from)));
    if (found.length > 0) return found;
  }
  return [];
}

function assist(rule: string, tokens: readonly IToken[]): readonly Proposal[] {
  return policyGrammar()
    .computeContentAssist(rule, [...tokens])
    .map(({ nextTokenType, ruleStack, occurrenceStack }) => ({
      token: nextTokenType,
      rules: ruleStack,
      occurrences: occurrenceStack,
    }));
}

/** Leaves out the middle of a long list: how it may go on does not depend on it. */
function shortened(tokens: readonly IToken[]): readonly IToken[] {
  if (tokens.length <= MOST_TOKENS) return tokens;
  const from = openBracket(tokens) ?? 0;
  const isComma = ({ tokenType }: IToken): boolean => tokenType === t.Comma;
  const last = tokens.findLastIndex(isComma);
  const first = tokens.findIndex((token, index) => index > from && isComma(token));
  if (first < 0 || last <= first) return tokens.slice(-MOST_TOKENS);
  return [...tokens.slice(0, first), ...tokens.slice(last)];
}

function inBrackets(tokens: readonly IToken[]): boolean {
  return openBracket(tokens) !== undefined;
}

/** The index of the innermost bracket that is open at the end. */
function openBracket(tokens: readonly IToken[]): number | undefined {
  const open: number[] = [];
  for (const [index, { tokenType }] of tokens.entries()) {
    if (tokenType === t.OpenList || tokenType === t.OpenParen) open.push(index);
    if (tokenType === t.CloseList || tokenType === t.CloseParen) open.pop();
  }
  return open.at(-1);
}
