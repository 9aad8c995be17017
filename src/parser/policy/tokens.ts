/** Splits a policy file into tokens, and says where its statements and blocks end. */
import type { IToken, TokenType } from 'chevrotain';
import { createTokenInstance, Lexer } from '../../../grammar/chevrotain.js';
import * as t from '../../../grammar/tokens.js';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import { span, type SourceFile } from '../../source.js';
import { badEscapes } from './strings.js';

/** Brackets may be nested this deep; each level takes some ten frames of the parser's stack. */
export const MAX_NESTING = 64;

export interface PolicyTokens {
  /**
   * What the parser reads. Newlines and `;` are gone; in their place an end token stands behind
   * every statement, those before a `}` included, and every block is closed.
   */
  readonly tokens: IToken[];
  readonly comments: readonly IToken[];
  readonly diagnostics: readonly Diagnostic[];
}

const lexer = new Lexer(t.LEXER_TOKENS, { positionTracking: 'onlyOffset' });

/** A statement goes on in the next line if its line ends with one of these … */
export const CONTINUE_AFTER: ReadonlySet<TokenType> = new Set([
  ...[t.Comma, t.Arrow, t.Assign, t.Colon, t.Slash, t.Equal, t.NotEqual, t.AtMost],
  ...[t.And, t.Or, t.Not],
]);

/** … or if the next line begins with one of these, which begin no statement. */
export const CONTINUE_WITH: ReadonlySet<TokenType> = new Set([
  ...[t.Comma, t.Arrow, t.Assign, t.Slash, t.Equal, t.NotEqual, t.AtMost, t.OpenBlock],
  ...[t.And, t.Or, t.From, t.To, t.Port, t.Any, t.Where, t.Except, t.For],
]);

/** Words that stand outside of all blocks: at the start of a line they show a missing `}`. */
const OUTERMOST: ReadonlySet<TokenType> = new Set([
  ...[t.Use, t.Namespace, t.Tier, t.Policy, t.Exception, t.Test],
]);

const SIGNIFICANT_ENDS: ReadonlySet<TokenType> = new Set([...t.STATEMENT_ENDS, t.EndDeep]);

/** What stands before a place in a file: for completion, which must not depend on what follows. */
export interface TokensBefore {
  /** As the parser reads them, up to the place; blocks that are open there are not closed. */
  readonly tokens: readonly IToken[];
  /** A line break behind the last token may end its statement; the next word tells. */
  readonly newline: boolean;
}

/** The tokens that end at or before `offset`; texts and brackets as the whole file has them. */
export function tokenizeBefore(file: SourceFile, offset: number): TokensBefore {
  const words = lexed(file).filter((token) => token.tokenType !== t.Comment);
  const structure = new Structure(file, matchBrackets(words).matched);
  for (const token of words) {
    if (endOf(token) > offset) break;
    structure.add(token);
  }
  return { tokens: structure.tokens, newline: structure.atNewline };
}

/** Every word, sign, text and comment of a file, in its order. */
export function lexPolicy(file: SourceFile): readonly IToken[] {
  return lexed(file).filter((token) => token.tokenType !== t.Newline);
}

function lexed(file: SourceFile): readonly IToken[] {
  return lexer.tokenize(file.text).tokens.map((token) => {
    token.endOffset = token.startOffset + token.image.length - 1;
    return withKeyword(token);
  });
}

export function tokenizePolicy(file: SourceFile): PolicyTokens {
  const { tokens: found, errors } = lexer.tokenize(file.text);
  const diagnostics: Diagnostic[] = errors.map((error) =>
    diagnostic(
      'syntax/unknown-character',
      { text: file.text.slice(error.offset, error.offset + error.length) },
      span(file, error.offset, error.offset + error.length),
    ),
  );
  const comments: IToken[] = [];
  const words: IToken[] = [];
  for (const token of found) {
    token.endOffset = token.startOffset + token.image.length - 1;
    if (token.tokenType === t.Comment) comments.push(token);
    else words.push(withKeyword(token));
    for (const one of checkToken(file, token)) diagnostics.push(one);
  }
  const brackets = matchBrackets(words);
  if (brackets.tooDeep !== undefined) {
    const at = spanOf(file, brackets.tooDeep);
    diagnostics.push(diagnostic('syntax/too-deep', { limit: MAX_NESTING }, at));
    return { tokens: [], comments, diagnostics };
  }
  const structure = new Structure(file, brackets.matched);
  for (const token of words) structure.add(token);
  structure.finish();
  for (const one of structure.diagnostics) diagnostics.push(one);
  return { tokens: structure.tokens, comments, diagnostics };
}

/** Offsets of chevrotain's tokens are inclusive; those of spans are not. */
export function endOf(token: IToken): number {
  return (token.endOffset ?? token.startOffset - 1) + 1;
}

function spanOf(file: SourceFile, token: IToken) {
  return span(file, token.startOffset, endOf(token));
}

function withKeyword(token: IToken): IToken {
  if (token.tokenType !== t.Identifier) return token;
  const keyword = t.KEYWORDS.get(token.image);
  if (keyword === undefined) return token;
  token.tokenType = keyword;
  token.tokenTypeIdx = keyword.tokenTypeIdx ?? token.tokenTypeIdx;
  return token;
}

function checkToken(file: SourceFile, token: IToken): readonly Diagnostic[] {
  const at = spanOf(file, token);
  switch (token.tokenType) {
    case t.UnclosedString:
      return [diagnostic('syntax/unclosed-string', {}, at)];
    case t.SingleQuoted:
      return [diagnostic('syntax/single-quotes', {}, at)];
    case t.ForeignComment:
      return [diagnostic('syntax/foreign-comment', {}, at)];
    case t.StringLiteral:
      return badEscapes(token.image).map(({ offset, text }) => {
        const start = token.startOffset + offset;
        return diagnostic(
          'syntax/bad-escape',
          { escape: text },
          span(file, start, start + text.length),
        );
      });
    default:
      return [];
  }
}

/**
 * Finds the brackets that are closed in their own statement: in these, line breaks do not count. An
 * unclosed one must not swallow the lines after it.
 */
function matchBrackets(tokens: readonly IToken[]): {
  readonly matched: ReadonlySet<IToken>;
  readonly tooDeep?: IToken;
} {
  const matched = new Set<IToken>();
  let open: IToken[] = [];
  for (const token of tokens) {
    switch (token.tokenType) {
      case t.OpenList:
      case t.OpenParen:
        open.push(token);
        if (open.length > MAX_NESTING) return { matched, tooDeep: token };
        break;
      case t.CloseList:
      case t.CloseParen: {
        const opener = open.pop();
        if (opener !== undefined) matched.add(opener).add(token);
        break;
      }
      case t.OpenBlock:
      case t.CloseBlock:
      case t.Semicolon:
      case t.Assign:
        open = [];
        break;
      default:
        break;
    }
  }
  return { matched };
}

/** Walks over the tokens of a file with the depth of blocks and of brackets in mind. */
class Structure {
  readonly tokens: IToken[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #file: SourceFile;
  readonly #matched: ReadonlySet<IToken>;
  readonly #openBlocks: IToken[] = [];
  #brackets = 0;
  #newline: IToken | undefined;
  /** Closing braces that a missing one has made superfluous. */
  #forgiven = 0;

  constructor(file: SourceFile, matched: ReadonlySet<IToken>) {
    this.#file = file;
    this.#matched = matched;
  }

  get atNewline(): boolean {
    return this.#newline !== undefined;
  }

  add(token: IToken): void {
    switch (token.tokenType) {
      case t.ForeignComment:
        return;
      case t.Newline:
        if (this.#brackets === 0) this.#newline ??= token;
        return;
      case t.Semicolon:
        this.#endStatement(token);
        return;
      case t.CloseBlock:
        this.#closeBlock(token);
        return;
      default:
        this.#addWord(token);
    }
  }

  finish(): void {
    this.#closeAll(this.#file.text.length);
    this.#endStatement(undefined);
  }

  #addWord(token: IToken): void {
    const newline = this.#newline;
    this.#newline = undefined;
    if (newline !== undefined) {
      if (this.#openBlocks.length > 0 && this.#showsMissingClose(token)) {
        this.#closeAll(endOf(newline));
        this.#endStatement(newline);
      } else if (!this.#continues(token)) this.#endStatement(newline);
    }
    if (this.#matched.has(token)) {
      const opens = token.tokenType === t.OpenList || token.tokenType === t.OpenParen;
      this.#brackets += opens ? 1 : -1;
    }
    if (token.tokenType === t.OpenBlock) this.#openBlocks.push(token);
    this.tokens.push(token);
  }

  #showsMissingClose(token: IToken): boolean {
    const before = this.#file.text.charCodeAt(token.startOffset - 1);
    return OUTERMOST.has(token.tokenType) && (before === 10 || before === 13);
  }

  #continues(token: IToken): boolean {
    const last = this.tokens.at(-1);
    return (
      CONTINUE_WITH.has(token.tokenType) ||
      (last !== undefined && CONTINUE_AFTER.has(last.tokenType))
    );
  }

  #closeBlock(token: IToken): void {
    this.#newline = undefined;
    if (this.#openBlocks.length === 0) {
      if (this.#forgiven > 0) this.#forgiven -= 1;
      else {
        const at = spanOf(this.#file, token);
        this.diagnostics.push(diagnostic('syntax/stray-close', {}, at));
      }
      return;
    }
    this.#endStatement(undefined);
    this.#openBlocks.pop();
    retype(token, t.BLOCK_ENDS[this.#openBlocks.length] ?? t.CloseDeep);
    this.tokens.push(token);
  }

  #closeAll(offset: number): void {
    while (this.#openBlocks.length > 0) {
      this.#endStatement(undefined);
      const opener = this.#openBlocks.pop();
      if (opener === undefined) return;
      this.#forgiven += 1;
      const at = spanOf(this.#file, opener);
      this.diagnostics.push(diagnostic('syntax/unclosed-block', {}, at));
      const type = t.BLOCK_ENDS[this.#openBlocks.length] ?? t.CloseDeep;
      this.tokens.push(virtualToken(type, offset));
    }
  }

  /** Ends the statement, if there is one; at `token`, or behind the last token of the statement. */
  #endStatement(token: IToken | undefined): void {
    this.#newline = undefined;
    const last = this.tokens.at(-1);
    if (last === undefined || last.tokenType === t.OpenBlock) return;
    if (SIGNIFICANT_ENDS.has(last.tokenType)) return;
    const type = t.STATEMENT_ENDS[this.#openBlocks.length] ?? t.EndDeep;
    this.tokens.push(token === undefined ? virtualToken(type, endOf(last)) : retype(token, type));
  }
}

function retype(token: IToken, type: TokenType): IToken {
  token.tokenType = type;
  token.tokenTypeIdx = type.tokenTypeIdx ?? token.tokenTypeIdx;
  return token;
}

/** A token without text, in front of `offset`. */
function virtualToken(type: TokenType, offset: number): IToken {
  return createTokenInstance(type, '', offset, offset - 1, NaN, NaN, NaN, NaN);
}
