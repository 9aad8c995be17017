/** Parses policy files (`.pol`): text to syntax tree, with all of the file's syntax errors. */
import { parseTokens, PolicyGrammar } from '../../grammar/policy-grammar.js';
import { type Outcome } from '../diagnostics.js';
import type { SourceFile } from '../source.js';
import type { PolicyFile } from './ast.js';
import { readFile } from './cst-to-ast.js';
import { CstReader } from './policy-cst.js';
import { tokenizePolicy } from './policy-tokens.js';
import { syntaxDiagnostics } from './syntax-errors.js';

let grammar: PolicyGrammar | undefined;

/** Made once: the analysis of the grammar takes longer than most files. */
function policyGrammar(): PolicyGrammar {
  grammar ??= new PolicyGrammar();
  return grammar;
}

export function parsePolicy(source: SourceFile): Outcome<PolicyFile> {
  const { tokens, diagnostics } = tokenizePolicy(source);
  const parser = policyGrammar();
  const tree = parseTokens(parser, tokens);
  const problems = [...diagnostics, ...syntaxDiagnostics(source, parser.errors, tokens, tree)];
  parser.input = [];
  if (problems.length > 0) return { diagnostics: inOrder(problems) };
  const reader = new CstReader(source);
  const statements = readFile(reader, tree);
  if (reader.diagnostics.length > 0) return { diagnostics: inOrder(reader.diagnostics) };
  return { value: { source, statements }, diagnostics: [] };
}

function inOrder(
  diagnostics: Outcome<PolicyFile>['diagnostics'],
): Outcome<PolicyFile>['diagnostics'] {
  return [...diagnostics].sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0));
}
