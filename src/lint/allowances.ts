/** Allowances: comments in sources that switch lints off, with a reason. */
import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { catalog, type DiagnosticCode } from '../catalog/index.js';
import { diagnostic, type Diagnostic } from '../diagnostics.js';
import { nearestName } from '../did-you-mean.js';
import type { PolicyFile } from '../parser/ast.js';
import { parsePolicy } from '../parser/parse-policy.js';
import { tokenizePolicy } from '../parser/policy/tokens.js';
import { endOfLine, startOfLine, type Extent } from '../parser/yaml/positions.js';
import { span, type SourceFile, type Span } from '../source.js';

/** One code of one comment. */
export interface Allowance {
  readonly code: DiagnosticCode;
  readonly reason: string;
  /** The code in the comment. */
  readonly at: Span;
  /** The comment, from its `#` on, and how many codes it names. */
  readonly comment: Span;
  readonly codes: number;
  /** What it covers. */
  readonly scope: Extent;
}

export interface FileAllowances {
  readonly allowances: readonly Allowance[];
  readonly diagnostics: readonly Diagnostic[];
}

const MARK = /#\s*policyc:/;
const FORM =
  /^#\s*policyc:\s*(allow|allow-file)\s+([^"]*?)(?:\s+reason\s+"((?:[^"\\]|\\.)*)")?\s*$/;

/** Comments about comments cannot be switched off themselves. */
const ABOUT_COMMENTS: ReadonlySet<string> = new Set([
  'lint/unused-allow',
  'lint/allow-without-reason',
  'lint/bad-allow',
]);

const SWITCHABLE: readonly string[] = Object.entries(catalog)
  .filter(([code, { severity }]) => severity === 'warning' && !ABOUT_COMMENTS.has(code))
  .map(([code]) => code);

export function isSwitchable(code: string): code is DiagnosticCode {
  return SWITCHABLE.includes(code);
}

export function nearestCode(text: string): string | undefined {
  return nearestName(text, SWITCHABLE);
}

/** What the comments of a file switch off, and what is wrong with them. */
export function readAllowances(file: SourceFile): FileAllowances {
  if (!MARK.test(file.text) || file.path.endsWith('.json')) {
    return { allowances: [], diagnostics: [] };
  }
  const isLanguage = file.path.endsWith('.pol');
  const comments = (isLanguage ? languageComments(file) : yamlComments(file.text)).filter(
    ({ start, end }) => MARK.test(file.text.slice(start, end)),
  );
  const scopeOf = isLanguage ? languageScopes(file) : yamlScope;
  const allowances: Allowance[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const comment of comments) {
    const read = readComment(file, comment, scopeOf(file.text, comment));
    allowances.push(...read.allowances);
    diagnostics.push(...read.diagnostics);
  }
  return { allowances, diagnostics };
}

function readComment(file: SourceFile, { start, end }: Extent, scope: Extent): FileAllowances {
  const text = file.text.slice(start, end).trimEnd();
  const comment = span(file, start, start + text.length);
  const form = FORM.exec(text);
  const [, word = '', list = '', reason] = form ?? [];
  const codes = list.split(',').map((one) => one.trim());
  if (form === null || codes.includes('')) {
    const args = { text: text.replace(/^#\s*policyc:\s*/, ''), near: undefined };
    return { allowances: [], diagnostics: [diagnostic('lint/bad-allow', args, comment)] };
  }
  const allowances: Allowance[] = [];
  const diagnostics: Diagnostic[] = [];
  let from = text.indexOf(word) + word.length;
  for (const code of codes) {
    const offset = text.indexOf(code, from);
    from = offset + code.length;
    const at = span(file, start + offset, start + offset + code.length);
    if (!isSwitchable(code)) {
      const args = { text: code, near: nearestCode(code) };
      diagnostics.push(diagnostic('lint/bad-allow', args, at));
    } else if (reason === undefined || reason.trim() === '') {
      diagnostics.push(diagnostic('lint/allow-without-reason', { code }, at));
    } else {
      const whole = word === 'allow-file' ? { start: 0, end: file.text.length } : scope;
      const plain = reason.replace(/\\(.)/g, '$1');
      allowances.push({ code, reason: plain, at, comment, codes: codes.length, scope: whole });
    }
  }
  return { allowances, diagnostics };
}

function languageComments(file: SourceFile): readonly Extent[] {
  return tokenizePolicy(file).comments.map(({ startOffset, image }) => ({
    start: startOffset,
    end: startOffset + image.length,
  }));
}

const require = createRequire(import.meta.url);

/** By the lexer, since a `#` may stand in a text as well. */
function yamlComments(text: string): readonly Extent[] {
  const { Lexer } = require('yaml') as typeof Yaml;
  const comments: Extent[] = [];
  let at = 0;
  for (const token of new Lexer().lex(text)) {
    // Marks of one character that is not in the text.
    if (/^[\x02\x18\x1f]$/.test(token)) continue;
    if (token.startsWith('#')) comments.push({ start: at, end: at + token.length });
    at += token.length;
  }
  return comments;
}

/** At the end of a line: the line. On a line of its own: the entry that follows, or all of a document. */
function yamlScope(text: string, { start, end }: Extent): Extent {
  const line = startOfLine(text, start);
  if (text.slice(line, start).trim() !== '') return { start: line, end: endOfLine(text, start) };
  let next = nextContent(text, end);
  if (text.startsWith('---', next)) next = nextContent(text, endOfLine(text, next));
  const first = startOfLine(text, next);
  if (isDocumentStart(text, first)) return { start: first, end: documentEnd(text, first) };
  const indent = next - first;
  const isItem = text[next] === '-';
  let last = endOfLine(text, next);
  for (;;) {
    const following = nextContent(text, last);
    if (following >= text.length) break;
    const column = following - startOfLine(text, following);
    // Lists may stand as deep as the key that they belong to.
    const isOwnList =
      !isItem && column === indent && /^-[ \t\r\n]/.test(text.slice(following, following + 2));
    if (column <= indent && !isOwnList) break;
    last = endOfLine(text, following);
  }
  return { start: first, end: last };
}

/** Past blanks and comments; the end of the text where nothing follows. */
function nextContent(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const unit = text[at] ?? '';
    if (unit === '#') at = endOfLine(text, at);
    else if (/\s/.test(unit)) at += 1;
    else return at;
  }
  return at;
}

/** Nothing but comments and blanks stand between the line and the start of its document. */
function isDocumentStart(text: string, line: number): boolean {
  for (let at = line; at > 0;) {
    const before = startOfLine(text, at - 1);
    const content = text.slice(before, at).trim();
    if (/^(?:---|\.\.\.)/.test(content)) return true;
    if (content !== '' && !content.startsWith('#')) return false;
    at = before;
  }
  return true;
}

function documentEnd(text: string, from: number): number {
  const marker = /^(?:---|\.\.\.)(?=[ \t\r\n]|$)/gm;
  marker.lastIndex = from;
  return marker.exec(text)?.index ?? text.length;
}

/** On a line of its own: the statement that follows, with its block. */
function languageScopes(file: SourceFile): (text: string, comment: Extent) => Extent {
  const { value } = parsePolicy(file);
  const statements = value === undefined ? [] : statementsOf(value);
  return (text, { start, end }) => {
    const line = startOfLine(text, start);
    if (text.slice(line, start).trim() !== '') return { start: line, end: endOfLine(text, start) };
    const next = nextContent(text, end);
    const found = statements.find((one) => one.start <= next && next < one.end && one.start >= end);
    return found ?? { start: startOfLine(text, next), end: endOfLine(text, next) };
  };
}

/** The outer ones first. */
function statementsOf({ statements }: PolicyFile): readonly Extent[] {
  return statements.flatMap((one): readonly Extent[] => {
    const whole = { start: one.span.start, end: one.span.end };
    if (one.kind === 'namespace') return [whole, ...one.statements.map(({ span: at }) => at)];
    if (one.kind === 'policy' || one.kind === 'exception') {
      return [whole, ...one.rules.map(({ span: at }) => at)];
    }
    return [whole];
  });
}
