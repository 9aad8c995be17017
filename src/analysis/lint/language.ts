/** What files of the policy language say in vain: names that nothing uses, exceptions past their time. */
import { diagnostic, type Diagnostic, type Fix } from '../../diagnostics.js';
import type { Exception } from '../../ir/model.js';
import type { PolicyFile, TopStatement } from '../../parser/ast.js';
import { removeLines } from '../../parser/yaml/edits.js';
import { span, type Span } from '../../source.js';

type Declaration = Extract<TopStatement, { kind: 'set' | 'ports' | 'group' }>;

const DECLARING: ReadonlySet<string> = new Set(['set', 'ports', 'group', 'use']);

export function lintExceptions(
  exceptions: readonly Exception[],
  at: number,
): readonly Diagnostic[] {
  return exceptions.flatMap((exception) => {
    const [first] = exception.rules;
    if (first?.until === undefined || first.until > at) return [];
    const until = new Date(first.until).toISOString().replace(/(?::00)?\.000Z$/, 'Z');
    const args = { exception: exception.name, until };
    return [diagnostic('lint/expired', args, exception.origin)];
  });
}

/** Files that others use, and such as hold nothing but names, are there for others. */
export function lintNames(files: readonly PolicyFile[]): readonly Diagnostic[] {
  const used = new Set<string>();
  for (const { statements } of files) {
    for (const one of statements) {
      if (one.kind === 'use') used.add(baseName(one.path.text));
    }
  }
  return files
    .filter(({ source }) => !used.has(baseName(source.path)))
    .filter(({ statements }) => statements.some(({ kind }) => !DECLARING.has(kind)))
    .flatMap(({ statements }) => {
      const names = new Set<string>();
      gatherReferences(statements, names);
      return declarationsOf(statements)
        .filter(({ name }) => !names.has(name.text))
        .map(({ kind, name }) =>
          diagnostic('lint/unused-name', { kind, name: name.text }, name.span),
        );
    });
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function declarationsOf(statements: PolicyFile['statements']): readonly Declaration[] {
  return statements.flatMap((one): readonly Declaration[] => {
    if (one.kind === 'set' || one.kind === 'ports' || one.kind === 'group') return [one];
    if (one.kind !== 'namespace') return [];
    return one.statements.filter(
      (inner) => inner.kind === 'set' || inner.kind === 'ports' || inner.kind === 'group',
    );
  });
}

/** Every name that stands for something declared elsewhere, whatever it is that it stands for. */
function gatherReferences(node: unknown, names: Set<string>): void {
  if (Array.isArray(node)) {
    for (const one of node) gatherReferences(one, names);
    return;
  }
  if (typeof node !== 'object' || node === null || 'lineStarts' in node) return;
  if ('kind' in node && node.kind === 'reference') {
    if ('text' in node && typeof node.text === 'string') names.add(node.text);
    if ('name' in node && isText(node.name)) names.add(node.name.text);
  }
  for (const [key, value] of Object.entries(node)) {
    if (key !== 'span') gatherReferences(value, names);
  }
}

function isText(value: unknown): value is { readonly text: string } {
  return (
    typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string'
  );
}

/** Fixes in files of the policy language, by the place of a statement or of the name in it. */
export class LanguageFixes {
  readonly #statements = new Map<string, Statement>();

  constructor(files: readonly PolicyFile[]) {
    for (const { statements } of files) this.#index(statements);
  }

  removeStatement(at: Span): Fix | undefined {
    const found = this.#statements.get(`${at.file.path}:${at.start}`);
    if (found === undefined || at.file.path === '-') return undefined;
    const { whole, siblings } = found;
    const edit = removeLines(whole.file.text, whole);
    if (edit === undefined) return undefined;
    if (siblings !== undefined) {
      if (siblings.left < 2) return undefined;
      siblings.left -= 1;
    }
    const edits = [{ span: span(whole.file, edit.start, edit.end), text: edit.text }];
    return { does: 'remove it', keepsMeaning: true, edits };
  }

  #index(statements: PolicyFile['statements']): void {
    const add = (at: Span, statement: Statement): void => {
      this.#statements.set(`${at.file.path}:${at.start}`, statement);
    };
    for (const one of statements) {
      if (one.kind === 'exception') add(one.span, { whole: one.span });
      if (one.kind !== 'policy') continue;
      const siblings = { left: one.rules.length };
      for (const rule of one.rules) add(rule.span, { whole: rule.span, siblings });
    }
    for (const one of declarationsOf(statements)) add(one.name.span, { whole: one.span });
  }
}

interface Statement {
  readonly whole: Span;
  /** How many rules their policy has left: the last one cannot go. */
  readonly siblings?: { left: number };
}
