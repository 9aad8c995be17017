/** Diagnostics as SARIF 2.1.0 (OASIS), for code scanning services and editors. */
import { isAbsolute, posix, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { catalog, type DiagnosticCode } from '../catalog/index.js';
import type { Diagnostic, Edit, Fix } from '../diagnostics.js';
import { placeAt, type Span } from '../source.js';

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';

/** One SARIF log with one run; rules are those that the results name, sorted by code. */
export function renderSarif(diagnostics: readonly Diagnostic[], version: string): string {
  const codes = [...new Set(diagnostics.map((one) => one.code))].sort();
  const log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'policyc', version, rules: codes.map(ruleOf) } },
        columnKind: 'utf16CodeUnits',
        results: diagnostics.map((one) => resultOf(one, codes.indexOf(one.code))),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

function ruleOf(code: DiagnosticCode): object {
  const { severity, explanation } = catalog[code];
  const [firstSentence = explanation] = explanation.split(/(?<=\.)\s/);
  return {
    id: code,
    shortDescription: { text: firstSentence },
    fullDescription: { text: explanation },
    defaultConfiguration: { level: severity },
  };
}

function resultOf(one: Diagnostic, ruleIndex: number): object {
  const text = one.hint === undefined ? one.message : `${one.message}\n\nHint: ${one.hint}`;
  return {
    ruleId: one.code,
    ruleIndex,
    level: one.severity,
    message: { text },
    locations: one.span === undefined ? [] : [locationOf(one.span)],
    ...(one.related.length === 0
      ? {}
      : {
          relatedLocations: one.related.map((related, id) => ({
            id,
            ...locationOf(related.span),
            message: { text: related.message },
          })),
        }),
    ...(one.fix === undefined ? {} : { fixes: [fixOf(one.fix)] }),
    ...(one.allowedFor === undefined
      ? {}
      : {
          suppressions: [{ kind: 'inSource', status: 'accepted', justification: one.allowedFor }],
        }),
  };
}

function fixOf({ does, keepsMeaning, edits }: Fix): object {
  const byFile = new Map<string, Edit[]>();
  for (const edit of edits) {
    const uri = uriOf(edit.span.file.path);
    byFile.set(uri, [...(byFile.get(uri) ?? []), edit]);
  }
  const text = keepsMeaning ? does : `${does}, which changes the meaning`;
  return {
    description: { text },
    artifactChanges: [...byFile].map(([uri, changes]) => ({
      artifactLocation: { uri },
      replacements: changes.map(({ span, text: inserted }) => ({
        deletedRegion: regionOf(span),
        insertedContent: { text: inserted },
      })),
    })),
  };
}

function locationOf(span: Span): { readonly physicalLocation: object } {
  const artifactLocation = { uri: uriOf(span.file.path) };
  return { physicalLocation: { artifactLocation, region: regionOf(span) } };
}

function regionOf(span: Span): object {
  const start = placeAt(span.file, span.start);
  const end = placeAt(span.file, Math.max(span.start, span.end));
  return {
    startLine: start.line,
    startColumn: start.column,
    endLine: end.line,
    endColumn: end.column,
  };
}

/** Relative paths stay relative, so that a service finds them in its checkout of the repository. */
function uriOf(path: string): string {
  if (path === '-') return 'stdin';
  if (isAbsolute(path)) return pathToFileURL(path).href;
  const parts = posix.normalize(path.split(sep).join('/')).split('/');
  return parts.map((part) => encodeURIComponent(part)).join('/');
}

/** A rule of a report that is no list of diagnostics. */
export interface SarifRule {
  readonly id: string;
  readonly shortDescription: { readonly text: string };
  readonly defaultConfiguration: { readonly level: 'note' | 'warning' | 'error' };
}

export interface SarifResult {
  readonly ruleId: string;
  readonly [field: string]: unknown;
}

/** One SARIF log with one run of results that are no diagnostics. */
export function sarifLog(
  rules: readonly SarifRule[],
  results: readonly SarifResult[],
  version: string,
): string {
  const indexed = results.map((one) => ({
    ...one,
    ruleIndex: rules.findIndex(({ id }) => id === one.ruleId),
  }));
  const driver = { name: 'policyc', version, rules };
  const runs = [{ tool: { driver }, columnKind: 'utf16CodeUnits', results: indexed }];
  return `${JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs }, undefined, 2)}\n`;
}

/**
 * The location of `path:line:column`, in a list; none where the text is no place.
 * @param revision a path of it is told by the path that the file has there
 */
export function sarifPlace(at: string | null | undefined, revision?: string): readonly object[] {
  const [, path, line, column] = /^(.*):(\d+):(\d+)$/s.exec(at ?? '') ?? [];
  if (path === undefined) return [];
  const prefix = `${revision?.split(':')[0] ?? ''}:/`;
  const plain =
    revision !== undefined && path.startsWith(prefix) ? path.slice(prefix.length) : path;
  const region = { startLine: Number(line), startColumn: Number(column) };
  const uri = plain.split('/').map(encodeURIComponent).join('/');
  return [{ physicalLocation: { artifactLocation: { uri }, region } }];
}
