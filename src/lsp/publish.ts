/** Findings as the protocol's diagnostics. */
import {
  DiagnosticSeverity,
  type Diagnostic as LspDiagnostic,
  type DiagnosticRelatedInformation,
} from 'vscode-languageserver';
import type { Diagnostic } from '../diagnostics.js';
import { rangeOf } from './workspace/positions.js';

export interface PublishOptions {
  readonly uriOf: (path: string) => string;
  /** The client takes related places. */
  readonly relatedInformation: boolean;
  /** It does not show them, so that hints go into the messages. */
  readonly hintsInMessages: boolean;
  /** Where a code is explained. */
  readonly hrefOf: (code: string) => string | undefined;
  /** Open folders, which paths in messages are shortened by. */
  readonly folders: readonly string[];
}

const START = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };

/** Codes of what has no effect: editors fade such text out. */
const UNNECESSARY: ReadonlySet<string> = new Set([
  'check/rule-never-matches',
  'check/shadowed-rule',
  'check/redundant-rule',
]);

export function toLsp(one: Diagnostic, options: PublishOptions): LspDiagnostic {
  const { uriOf, relatedInformation } = options;
  const short = (text: string): string =>
    options.folders.reduce((result, folder) => result.replaceAll(`${folder}/`, ''), text);
  const range = one.span === undefined ? START : rangeOf(one.span);
  const hint = one.hint === undefined ? undefined : `hint: ${short(one.hint)}`;
  const related: DiagnosticRelatedInformation[] = one.related.map(({ span, message }) => ({
    location: { uri: uriOf(span.file.path), range: rangeOf(span) },
    message: short(message),
  }));
  if (hint !== undefined && one.span !== undefined && !options.hintsInMessages) {
    const location = { uri: uriOf(one.span.file.path), range };
    related.unshift({ location, message: hint });
  }
  const inMessage = hint !== undefined && (options.hintsInMessages || one.span === undefined);
  const href = options.hrefOf(one.code);
  return {
    range,
    severity: one.severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
    code: one.code,
    source: 'policyc',
    message: short(one.message) + (inMessage ? `\n${hint}` : ''),
    ...(href === undefined ? {} : { codeDescription: { href } }),
    ...(relatedInformation && related.length > 0 ? { relatedInformation: related } : {}),
    ...(UNNECESSARY.has(one.code) ? { tags: [1] } : {}),
  };
}
