/** Diagnostics as values: a catalog code, its arguments, and where in the source it applies. */
import type { CatalogEntry, Severity } from './catalog/entry.js';
import { catalog, type DiagnosticCode } from './catalog/index.js';
import type { Span } from './source.js';

/** A second place that explains the first. */
export interface RelatedSpan {
  readonly span: Span;
  readonly message: string;
}

/** A change of one place of a source text. */
export interface Edit {
  readonly span: Span;
  /** What stands there afterwards. */
  readonly text: string;
}

/** Edits that together mend what a diagnostic reports. */
export interface Fix {
  /** In the words of a hint: `remove the rule`. */
  readonly does: string;
  /** Whether the policies mean the same afterwards, in every cluster. */
  readonly keepsMeaning: boolean;
  readonly edits: readonly Edit[];
}

export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  readonly message: string;
  readonly hint?: string;
  readonly span?: Span;
  readonly related: readonly RelatedSpan[];
  readonly fix?: Fix;
  /** The source says, for this reason, that it is meant so. */
  readonly allowedFor?: string;
}

export type ArgumentsOf<Code extends DiagnosticCode> =
  (typeof catalog)[Code] extends CatalogEntry<infer Args> ? Args : never;

/** Makes a diagnostic of the catalog's entry `code`. Leave the span out only where no text has it. */
export function diagnostic<Code extends DiagnosticCode>(
  code: Code,
  args: ArgumentsOf<Code>,
  span?: Span,
  related: readonly RelatedSpan[] = [],
): Diagnostic {
  const found = catalog[code] as unknown as CatalogEntry<ArgumentsOf<Code>>;
  const hint = found.hint?.(args);
  return {
    code,
    severity: found.severity,
    message: found.message(args),
    ...(hint === undefined ? {} : { hint }),
    ...(span === undefined ? {} : { span }),
    related,
  };
}

/** A stage's value together with all that it has to say; no value if there were errors. */
export interface Outcome<Value> {
  readonly value?: Value;
  readonly diagnostics: readonly Diagnostic[];
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((one) => one.severity === 'error');
}

/** The user's input cannot be used; commands exit with 2. */
export class InputError extends Error {
  override readonly name = 'InputError';
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((one) => one.message).join('\n'));
  }
}

/** Throws the diagnostics as an {@link InputError} if there is an error among them. */
export function throwIfErrors(diagnostics: readonly Diagnostic[]): void {
  if (hasErrors(diagnostics)) throw new InputError(diagnostics);
}

/** A fault of policyc's own; commands exit with 70 and ask for a report. */
export class Bug extends Error {
  override readonly name = 'Bug';
}

/** Reports a state that policyc's own code should have made impossible. */
export function bug(message: string): never {
  throw new Bug(message);
}

/** For the default branch of an exhaustive switch. */
export function unreachable(value: never): never {
  bug(`unexpected value ${JSON.stringify(value)}`);
}
