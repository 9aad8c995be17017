/** Parses policy files (`.pol`): text to syntax tree, with all of the file's syntax errors. */
import type { IToken } from 'chevrotain';
import { parseStatement, PolicyGrammar } from '../../grammar/policy-grammar.js';
import { EndTop } from '../../grammar/tokens.js';
import type { Diagnostic, Outcome } from '../diagnostics.js';
import type { SourceFile } from '../source.js';
import type { PolicyFile, TopStatement } from './ast.js';
import { readTopItem } from './policy/cst-to-ast.js';
import { CstReader } from './policy/cst.js';
import { tokenizePolicy } from './policy/tokens.js';
import { syntaxFaults } from './policy/syntax-errors.js';

let grammar: PolicyGrammar | undefined;

/** Made once: the analysis of the grammar takes longer than most files. */
export function policyGrammar(): PolicyGrammar {
  grammar ??= new PolicyGrammar();
  return grammar;
}

/** Time and memory are linear in the text: chevrotain's tree is kept for one statement at a time. */
export function parsePolicy(source: SourceFile): Outcome<PolicyFile> {
  const { tokens, diagnostics } = tokenizePolicy(source);
  const parser = policyGrammar();
  const problems = [...diagnostics];
  const reader = new CstReader(source);
  const statements: TopStatement[] = [];
  for (const statement of splitStatements(tokens)) {
    const tree = parseStatement(parser, statement);
    for (const one of syntaxFaults(source, parser.errors, statement, tree))
      problems.push(one.diagnostic);
    if (problems.length === 0) statements.push(readTopItem(reader, tree));
  }
  parser.input = [];
  for (const one of reader.diagnostics) problems.push(one);
  if (problems.length > 0) return { diagnostics: problems.sort(byPlace) };
  return { value: { source, statements }, diagnostics: [] };
}

/** The statements that stand outside of all blocks, each with its end. */
export function* splitStatements(tokens: readonly IToken[]): Generator<IToken[]> {
  let start = 0;
  for (let i = 0; i < tokens.length; i += 1) {
    if (tokens[i]?.tokenType !== EndTop) continue;
    yield tokens.slice(start, i + 1);
    start = i + 1;
  }
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  return (a.span?.start ?? 0) - (b.span?.start ?? 0);
}
