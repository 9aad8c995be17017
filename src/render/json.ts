/** Diagnostics for machines: one JSON document. */
import type { Diagnostic, Fix } from '../diagnostics.js';
import { formatPlace, placeAt, regionOf, type Span } from '../source.js';

export interface JsonPlace {
  /** `path:line:column`, counted from 1, columns in UTF-16 units. */
  readonly at: string;
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** The first position after the span. */
  readonly endLine: number;
  readonly endColumn: number;
  /** What the text was generated from, where the file says so. */
  readonly origin?: string;
}

export interface JsonDiagnostic extends Partial<JsonPlace> {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
  readonly hint?: string;
  readonly related?: readonly (JsonPlace & { readonly message: string })[];
  readonly fix?: {
    readonly does: string;
    /** Whether the policies mean the same afterwards, in every cluster. */
    readonly keepsMeaning: boolean;
    readonly edits: readonly (JsonPlace & { readonly text: string })[];
  };
  /** Why the source allows it. */
  readonly allowedFor?: string;
}

export function jsonPlace(span: Span): JsonPlace {
  const start = placeAt(span.file, span.start);
  const end = placeAt(span.file, span.end);
  const region = regionOf(span);
  return {
    at: formatPlace(span),
    path: start.path,
    line: start.line,
    column: start.column,
    endLine: end.line,
    endColumn: end.column,
    ...(region === undefined ? {} : { origin: region.origin }),
  };
}

export function jsonDiagnostic(one: Diagnostic): JsonDiagnostic {
  return {
    code: one.code,
    severity: one.severity,
    message: one.message,
    ...(one.hint === undefined ? {} : { hint: one.hint }),
    ...(one.span === undefined ? {} : jsonPlace(one.span)),
    ...(one.related.length === 0
      ? {}
      : {
          related: one.related.map(({ span, message }) => ({ ...jsonPlace(span), message })),
        }),
    ...(one.fix === undefined ? {} : { fix: jsonFix(one.fix) }),
    ...(one.allowedFor === undefined ? {} : { allowedFor: one.allowedFor }),
  };
}

function jsonFix({ does, keepsMeaning, edits }: Fix): NonNullable<JsonDiagnostic['fix']> {
  return {
    does,
    keepsMeaning,
    edits: edits.map(({ span, text }) => ({ ...jsonPlace(span), text })),
  };
}

/** `{ errors, warnings, diagnostics }`, indented, with a final newline. */
export function renderJson(diagnostics: readonly Diagnostic[]): string {
  const count = (severity: string): number =>
    diagnostics.filter((one) => one.severity === severity).length;
  const document = {
    errors: count('error'),
    warnings: count('warning'),
    diagnostics: diagnostics.map(jsonDiagnostic),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
