/** Splits a text into YAML documents (or JSON texts) and parses them, with positions. */
import * as yaml from 'js-yaml';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import { span, type SourceFile } from '../../source.js';
import { checkExpansion } from './expansion.js';
import { MAX_DEPTH, parseJsonTexts, type JsonFault } from './json-text.js';
import { contentStart, endOfLine, NodePositions } from './positions.js';
import { KUBERNETES_SCHEMA } from './scalars.js';
import type { JsonValue } from './value.js';

/** An API server refuses objects of more than 1.5 MiB in all. */
const MAX_SCALAR = 4 * 1024 * 1024;

export interface ParsedDocument {
  readonly value: JsonValue;
  /** The text between the document's markers: half-open offsets. */
  readonly start: number;
  readonly end: number;
}

export interface ParsedText {
  /** Without documents that hold nothing. */
  readonly documents: readonly ParsedDocument[];
  readonly positions: NodePositions;
  readonly diagnostics: readonly Diagnostic[];
}

/** Parses every document; one that is broken is reported and left out. */
export function parseDocuments(file: SourceFile): ParsedText {
  const isJson = file.path.endsWith('.json');
  if (isJson || /^\s*[{[]/.test(file.text)) {
    const json = parseJsonDocuments(file);
    if (isJson || json.diagnostics.length === 0) return json;
  }
  return parseYamlDocuments(file);
}

function parseJsonDocuments(file: SourceFile): ParsedText {
  const positions = new NodePositions();
  const { texts, fault } = parseJsonTexts(file.text, positions);
  return {
    documents: texts,
    positions,
    diagnostics: fault === undefined ? [] : [jsonDiagnostic(file, fault)],
  };
}

function jsonDiagnostic(file: SourceFile, fault: JsonFault): Diagnostic {
  const at = span(file, fault.offset, Math.min(fault.offset + 1, file.text.length));
  switch (fault.kind) {
    case 'syntax':
      return diagnostic('yaml/json-syntax', { reason: fault.reason }, at);
    case 'duplicate-key': {
      const end = file.text.indexOf('"', fault.offset + 1) + 1;
      return diagnostic('yaml/duplicate-key', { key: fault.key }, span(file, fault.offset, end));
    }
    case 'too-deep':
      return diagnostic('yaml/too-deep', { limit: MAX_DEPTH }, at);
  }
}

function parseYamlDocuments(file: SourceFile): ParsedText {
  const positions = new NodePositions();
  const documents: ParsedDocument[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const { start, end } of splitDocuments(file.text)) {
    const parsed = parseYamlDocument(file, start, end, positions);
    if ('problem' in parsed) diagnostics.push(parsed.problem);
    else if (parsed.value !== null) documents.push({ value: parsed.value, start, end });
  }
  return { documents, positions, diagnostics };
}

interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** A marker stands at the start of a line and nowhere else, whatever surrounds it (YAML 1.2, 9.1.2). */
const MARKER = /(?<![^\n\r])(?:---|\.\.\.)(?=[ \t\r\n]|$)/g;

function* splitDocuments(text: string): Generator<TextRange> {
  let start = 0;
  for (const match of text.matchAll(MARKER)) {
    const begins = match[0] === '---';
    // Directives, and comments in front of the marker, belong to the document that it begins.
    if (begins && hasOnlyPreamble(text, start, match.index)) continue;
    yield { start, end: match.index };
    start = begins ? match.index : match.index + 3;
  }
  yield { start, end: text.length };
}

function hasOnlyPreamble(text: string, start: number, end: number): boolean {
  for (let at = start; at < end;) {
    const next = endOfLine(text, at);
    if (!/^\s*(?:[#%]|$)/.test(text.slice(at, next))) return false;
    at = next + 1;
  }
  return true;
}

type Parsed = { readonly value: JsonValue } | { readonly problem: Diagnostic };

/** What js-yaml shows its listener while it composes a node. */
interface ComposeState {
  readonly position: number;
  readonly kind: 'scalar' | 'mapping' | 'sequence' | null;
  readonly result: unknown;
}

class ScalarTooLong extends Error {
  constructor(
    readonly position: number,
    readonly length: number,
  ) {
    super('scalar too long');
  }
}

function parseYamlDocument(
  file: SourceFile,
  start: number,
  end: number,
  positions: NodePositions,
): Parsed {
  const text = file.text.slice(start, end);
  const opened: number[] = [];
  const aliased: object[] = [];
  const listener = (event: 'open' | 'close', state: ComposeState): void => {
    if (event === 'open') {
      opened.push(state.position);
      return;
    }
    const from = opened.pop() ?? 0;
    if (state.kind === 'scalar') {
      const { result } = state;
      if (typeof result === 'string' && result.length > MAX_SCALAR) {
        throw new ScalarTooLong(from, result.length);
      }
    } else if (state.kind !== null) {
      positions.record(state.result as object, start + from, start + state.position);
    } else if (typeof state.result === 'object' && state.result !== null) {
      aliased.push(state.result);
    }
  };
  const options = { schema: KUBERNETES_SCHEMA, maxDepth: MAX_DEPTH, listener };
  try {
    const [value = null] = yaml.loadAll(text, null, options as yaml.LoadOptions) as JsonValue[];
    if (aliased.length === 0) return { value };
    const problem = checkExpansion(value, span(file, start, firstContentEnd(file.text, start)));
    return problem === undefined ? { value } : { problem };
  } catch (error) {
    return { problem: yamlDiagnostic(file, start, end, error) };
  }
}

function firstContentEnd(text: string, start: number): number {
  return endOfLine(text, contentStart(text, start));
}

/** The `{{ … }}` of a Go template, as charts have it. */
const TEMPLATE = /\{\{-?[^\n}]*\}\}/;

function yamlDiagnostic(file: SourceFile, start: number, end: number, error: unknown): Diagnostic {
  if (error instanceof ScalarTooLong) {
    const from = contentStart(file.text, start + error.position);
    const at = span(file, from, endOfLine(file.text, from));
    return diagnostic('yaml/scalar-too-long', { length: error.length, limit: MAX_SCALAR }, at);
  }
  if (!(error instanceof yaml.YAMLException)) throw error;
  const offset = Math.min(start + error.mark.position, file.text.length);
  const at = span(file, offset, Math.min(Math.max(offset + 1, endOfToken(file.text, offset)), end));
  if (error.reason.startsWith('nesting exceeded')) {
    return diagnostic('yaml/too-deep', { limit: MAX_DEPTH }, at);
  }
  if (error.reason.startsWith('merge keys exceeded')) {
    return diagnostic('yaml/alias-bomb', { limit: MAX_MERGED_KEYS }, at);
  }
  const template = TEMPLATE.exec(file.text.slice(start, end));
  if (template !== null) {
    const from = start + template.index;
    const place = span(file, from, from + template[0].length);
    return diagnostic('yaml/template', { text: template[0] }, place);
  }
  if (error.reason === 'duplicated mapping key') {
    const key = file.text.slice(at.start, at.end).replace(/^(["'])(.*)\1$/, '$2');
    return diagnostic('yaml/duplicate-key', { key }, at);
  }
  const hint = syntaxHint(error.reason);
  return diagnostic('yaml/syntax', { reason: error.reason, ...(hint && { hint }) }, at);
}

/** js-yaml's own limit. */
const MAX_MERGED_KEYS = 10_000;

/** The end of the word or the quoted string at the offset. */
function endOfToken(text: string, offset: number): number {
  const token = /"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s:,[\]{}]+/y;
  token.lastIndex = offset;
  return token.test(text) ? token.lastIndex : offset;
}

function syntaxHint(reason: string): string | undefined {
  if (reason.includes('tab characters')) return 'indent with spaces';
  if (reason.startsWith('bad indentation')) {
    return 'keys of one mapping start in one column; a value that holds `: ` must be quoted';
  }
  if (reason.startsWith('unidentified alias')) {
    return 'define the anchor ahead of it in the same document, or quote a text that starts with `*`';
  }
  if (reason.startsWith('unknown tag')) return 'remove the tag; manifests need none';
  return undefined;
}
