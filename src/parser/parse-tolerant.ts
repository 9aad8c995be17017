/** Reads what can be read of a policy file with errors: for editors, where most texts are half typed. */
import type { IToken, TokenType } from 'chevrotain';
import { parseStatement } from '../../grammar/policy-grammar.js';
import * as t from '../../grammar/tokens.js';
import type { SourceFile } from '../source.js';
import type { PolicyFile, TopStatement } from './ast.js';
import { policyGrammar, splitStatements } from './parse-policy.js';
import { readTopItem } from './policy/cst-to-ast.js';
import { CstReader } from './policy/cst.js';
import { numberStatements, syntaxFaults } from './policy/syntax-errors.js';
import { tokenizePolicy } from './policy/tokens.js';

const CLOSES: ReadonlySet<TokenType> = new Set([...t.BLOCK_ENDS, t.CloseDeep]);
const ENDS: ReadonlySet<TokenType> = new Set([...t.STATEMENT_ENDS, t.EndDeep]);

/** The statements without errors; blocks without those of their statements that have some. */
export function parseTolerant(source: SourceFile): PolicyFile {
  const reader = new CstReader(source);
  const statements: TopStatement[] = [];
  for (const tokens of splitStatements(tokenizePolicy(source).tokens)) {
    const statement = readWithoutFaults(reader, tokens);
    if (statement !== undefined) statements.push(statement);
  }
  policyGrammar().input = [];
  return { source, statements };
}

/** @returns undefined if nothing of the statement can be read */
function readWithoutFaults(reader: CstReader, all: IToken[]): TopStatement | undefined {
  const parser = policyGrammar();
  let tokens = all;
  // Each turn takes tokens away, so that it ends.
  while (tokens.length > 1) {
    const tree = parseStatement(parser, tokens);
    const faults = syntaxFaults(reader.file, parser.errors, tokens, tree);
    if (faults.length === 0) return readTopItem(reader, tree);
    const broken = new Set(faults.map(({ statement }) => statement));
    const left = withoutStatements(tokens, broken);
    if (left.length === tokens.length) return undefined;
    tokens = left;
  }
  return undefined;
}

/** Takes out the statements of these numbers; of a block whose head is broken, all but its name. */
function withoutStatements(
  tokens: readonly IToken[],
  broken: ReadonlySet<number | undefined>,
): IToken[] {
  const numbers = numberStatements(tokens);
  const left: IToken[] = [];
  /** Depth inside of a block that is left out as a whole; its end follows behind its close. */
  let dropping = 0;
  let dropEnd = false;
  for (const [index, token] of tokens.entries()) {
    if (dropping > 0) {
      if (token.tokenType === t.OpenBlock) dropping += 1;
      if (CLOSES.has(token.tokenType)) dropping -= 1;
      dropEnd = dropping === 0;
    } else if (dropEnd) {
      dropEnd = !ENDS.has(token.tokenType);
    } else if (!broken.has(numbers.get(token))) {
      left.push(token);
    } else if (numbers.get(token) === 0) {
      // The head of the outermost block: its word and its name alone may be right.
      if (index < 2 || token.tokenType === t.OpenBlock) left.push(token);
    } else if (CLOSES.has(token.tokenType)) {
      // What is left over behind a statement ends with the block's own close.
      left.push(token);
    } else if (token.tokenType === t.OpenBlock) dropping = 1;
  }
  return left;
}
