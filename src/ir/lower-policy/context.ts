/** What the steps of lowering policy files share: loaded files, declarations, and a place to report. */
import {
  diagnostic,
  type ArgumentsOf,
  type Diagnostic,
  type RelatedSpan,
} from '../../diagnostics.js';
import { NameSearch } from '../../did-you-mean.js';
import type { DiagnosticCode } from '../../catalog/index.js';
import type {
  GroupStatement,
  PolicyFile,
  PortsStatement,
  SetStatement,
  Text,
} from '../../parser/ast.js';
import type { Span } from '../../source.js';

/** A statement that gives a name to peers or ports, and the place whose names it sees. */
export interface Declaration {
  readonly statement: SetStatement | PortsStatement | GroupStatement;
  readonly home: Home;
}

/** Names by the namespace that declares them; outside of namespace blocks under `undefined`. */
export type Scope = ReadonlyMap<string | undefined, ReadonlyMap<string, Declaration>>;

/** A file with all that its `use` statements make known to it. */
export interface LoadedFile {
  readonly file: PolicyFile;
  readonly scope: Scope;
}

/** Where a statement stands: what its names mean, and what `pods` without a namespace means. */
export interface Home {
  readonly loaded: { readonly scope: Scope };
  readonly namespace?: string;
}

/** Collects what lowering has to say. */
export class Reporter {
  readonly diagnostics: Diagnostic[] = [];
  readonly names = new NameSearch();

  report<Code extends DiagnosticCode>(
    code: Code,
    args: ArgumentsOf<Code>,
    at: Span,
    related: readonly RelatedSpan[] = [],
  ): void {
    this.diagnostics.push(diagnostic(code, args, at, related));
  }
}

/** Names that must differ, with the place of the first of each. */
export class UniqueNames {
  readonly #first = new Map<string, Span>();

  constructor(
    readonly reporter: Reporter,
    readonly kind: string,
  ) {}

  /** Reports a name that is there already. */
  add(name: Text, label = name.text): boolean {
    const first = this.#first.get(label);
    if (first === undefined) {
      this.#first.set(label, name.span);
      return true;
    }
    this.reporter.report('policy/duplicate', { kind: this.kind, name: label }, name.span, [
      { span: first, message: 'first declared here' },
    ]);
    return false;
  }
}

/** What is wrong with a name that is no Kubernetes object's. */
export function faultOfFreeName(name: string): string | undefined {
  if (name.trim() === '') return 'it is empty';
  if (name.length > 253) return `it has ${name.length} characters; 253 are allowed`;
  return /[\p{Cc}\p{Cf}]/u.test(name) ? 'it holds characters that cannot be seen' : undefined;
}

/** Reports the fault of a name, if it has one. */
export function checkName(
  reporter: Reporter,
  name: Text,
  faultOf: (name: string) => string | undefined,
): void {
  const fault = faultOf(name.text);
  if (fault !== undefined) {
    reporter.report('policy/bad-name', { name: name.text, fault }, name.span);
  }
}
