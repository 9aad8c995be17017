/** Formats policy files: one form for one meaning, with all comments kept. */
import type { IToken, TokenType } from 'chevrotain';
import * as t from '../../grammar/tokens.js';
import type { Outcome } from '../diagnostics.js';
import type { SourceFile } from '../source.js';
import { parsePolicy } from './parse-policy.js';
import { endOf, tokenizePolicy } from './policy/tokens.js';

const WIDTH = 100;
const INDENT = '  ';

const ENDS: ReadonlySet<TokenType> = new Set([...t.STATEMENT_ENDS, t.EndDeep]);
const CLOSES: ReadonlySet<TokenType> = new Set([...t.BLOCK_ENDS, t.CloseDeep]);
/** A line that is too long breaks ahead of these, where a line break has no meaning. */
const BREAK_BEFORE: ReadonlySet<TokenType> = new Set([
  t.From,
  t.To,
  t.Port,
  t.Except,
  t.Where,
  t.Arrow,
]);
const BEFORE_CONDITION: ReadonlySet<TokenType> = new Set([
  ...[t.Where, t.And, t.Or, t.Not, t.OpenParen],
]);
const NO_SPACE_BEFORE: ReadonlySet<TokenType> = new Set([t.Comma, t.CloseList, t.CloseParen]);
const NO_SPACE_AFTER: ReadonlySet<TokenType> = new Set([t.OpenList, t.OpenParen]);

/**
 * Formats a file that has no syntax errors: a statement a line, blocks indented, at most one blank
 * line between statements. Formatting what is formatted changes nothing.
 */
export function formatPolicy(file: SourceFile): Outcome<string> {
  const { diagnostics } = parsePolicy(file);
  if (diagnostics.length > 0) return { diagnostics };
  const { tokens, comments } = tokenizePolicy(file);
  const printer = new Printer(file.text);
  let next = 0;
  for (const token of tokens) {
    for (let comment = comments[next]; comment !== undefined; comment = comments[next]) {
      if (comment.startOffset >= token.startOffset) break;
      printer.comment(comment);
      next += 1;
    }
    printer.token(token);
  }
  for (const comment of comments.slice(next)) printer.comment(comment);
  return { value: printer.finish(), diagnostics: [] };
}

class Printer {
  readonly #text: string;
  readonly #lines: string[] = [];
  #depth = 0;
  /** The statement, or the head of a block, that is being read. */
  #pieces: IToken[] = [];
  /** Its lines that comments in its middle have ended already. */
  #begun = false;
  #last: IToken | undefined;
  /** Where the text that was printed last ends. */
  #end = 0;

  constructor(text: string) {
    this.#text = text;
  }

  token(token: IToken): void {
    if (ENDS.has(token.tokenType)) {
      this.#flush();
      return;
    }
    if (CLOSES.has(token.tokenType)) {
      this.#depth -= 1;
      this.#begin(token, true);
      this.#add(token);
      return;
    }
    if (this.#pieces.length === 0 && !this.#begun) this.#begin(token, false);
    this.#add(token);
    if (token.tokenType === t.OpenBlock) {
      this.#flush();
      this.#depth += 1;
    }
  }

  comment(comment: IToken): void {
    const text = comment.image.trimEnd();
    const between = this.#text.slice(this.#end, comment.startOffset);
    const trails = this.#end > 0 && !/[\r\n]/.test(between);
    const inStatement = this.#pieces.length > 0 || this.#begun;
    if (this.#pieces.length > 0) this.#flush(true);
    if (trails && this.#lines.length > 0) this.#lines.push(`${this.#lines.pop() ?? ''} ${text}`);
    else {
      if (!inStatement) this.#begin(comment, false);
      this.#lines.push(`${this.#indent(inStatement)}${text}`);
    }
    this.#end = endOf(comment);
  }

  finish(): string {
    this.#flush();
    return this.#lines.length === 0 ? '' : `${this.#lines.join('\n')}\n`;
  }

  /** Keeps a blank line in front of the token, but not at the ends of blocks. */
  #begin(token: IToken, closes: boolean): void {
    const between = this.#text.slice(this.#end, token.startOffset);
    const breaks = between.match(/\r\n|\n|\r/g)?.length ?? 0;
    const before = this.#lines.at(-1);
    const first = before === undefined || this.#last?.tokenType === t.OpenBlock;
    const opened = first && !(before ?? '').trimStart().startsWith('#');
    if (breaks > 1 && !closes && !opened) this.#lines.push('');
  }

  #add(token: IToken): void {
    this.#pieces.push(token);
    this.#last = token;
    if (token.image !== '') this.#end = endOf(token);
  }

  /** Prints what has been read of the statement; `midway` if a comment interrupts it. */
  #flush(midway = false): void {
    if (this.#pieces.length > 0) {
      for (const one of breakLines(this.#pieces, this.#indent(this.#begun), this.#indent(true)))
        this.#lines.push(one);
      this.#pieces = [];
    }
    this.#begun = midway;
  }

  #indent(continued: boolean): string {
    return INDENT.repeat(this.#depth + (continued ? 2 : 0));
  }
}

function isSpaced(before: IToken, token: IToken, next: IToken | undefined): boolean {
  const types = [before.tokenType, token.tokenType];
  const isCall = token.tokenType === t.OpenParen && !BEFORE_CONDITION.has(before.tokenType);
  const isUnit = before.tokenType === t.NumberLiteral && token.tokenType === t.Identifier;
  // Kinds that are not built have forms that are not known here: they stay as they are.
  if (isCall || isUnit || types.includes(t.OtherSign)) return endOf(before) < token.startOffset;
  if (NO_SPACE_BEFORE.has(token.tokenType) || NO_SPACE_AFTER.has(before.tokenType)) return false;
  if (token.tokenType === t.Slash) return next?.tokenType === t.Pods;
  if (before.tokenType === t.Slash) return token.tokenType === t.Pods;
  return !types.includes(t.Dash) && token.tokenType !== t.Colon;
}

/** One line, or several where a line would be too long. */
function breakLines(pieces: readonly IToken[], first: string, rest: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  let indent = first;
  for (const unit of unitsOf(pieces)) {
    if (line !== '' && indent.length + line.length + unit.length > WIDTH) {
      lines.push(indent + line);
      line = unit.trimStart();
      indent = rest;
    } else line += unit;
  }
  lines.push(indent + line);
  return lines;
}

/** The pieces between the places where a line may be broken. */
function unitsOf(pieces: readonly IToken[]): readonly string[] {
  const units: string[] = [];
  let unit = '';
  let before: IToken | undefined;
  for (const [index, token] of pieces.entries()) {
    const mayBreak = BREAK_BEFORE.has(token.tokenType) || before?.tokenType === t.Comma;
    if (mayBreak && unit !== '') {
      units.push(unit);
      unit = '';
    }
    const spaced = before !== undefined && isSpaced(before, token, pieces[index + 1]);
    unit += `${spaced ? ' ' : ''}${token.image}`;
    before = token;
  }
  return [...units, unit];
}
