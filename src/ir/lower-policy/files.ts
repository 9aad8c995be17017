/** Loads the files that policy files `use`, and gathers the names that each file sees. */
import { posix } from 'node:path';
import type { Diagnostic } from '../../diagnostics.js';
import type { PolicyFile, UseStatement } from '../../parser/ast.js';
import { parsePolicy } from '../../parser/parse-policy.js';
import type { SourceFile } from '../../source.js';
import {
  checkName,
  faultOfFreeName,
  type Declaration,
  type LoadedFile,
  type Reporter,
} from './context.js';

/** Reads a file that `use` names; what it cannot read it says in a diagnostic. */
export type ReadSource = (path: string) => SourceFile | Diagnostic;

interface Entry {
  readonly path: string;
  readonly file: PolicyFile;
  readonly uses: Entry[];
  readonly own: Map<string | undefined, Map<string, Declaration>>;
  readonly scope: Map<string | undefined, Map<string, Declaration>>;
}

/** All files, each once; a file stands behind those that it uses. */
export function loadFiles(
  files: readonly PolicyFile[],
  readSource: ReadSource,
  reporter: Reporter,
): readonly LoadedFile[] {
  const loader = new Loader(files, readSource, reporter);
  for (const file of files) loader.load(file, []);
  const doubles = new Set<Declaration['statement']>();
  for (const entry of loader.done) gatherScope(entry, reporter, doubles);
  return loader.done.map(({ file, scope }) => ({ file, scope }));
}

class Loader {
  /** In the order in which they are lowered. */
  readonly done: Entry[] = [];
  readonly #given = new Map<string, PolicyFile>();
  readonly #entries = new Map<string, Entry>();
  readonly #failed = new Set<string>();
  readonly #readSource: ReadSource;
  readonly #reporter: Reporter;

  constructor(files: readonly PolicyFile[], readSource: ReadSource, reporter: Reporter) {
    for (const file of files) this.#given.set(posix.normalize(file.source.path), file);
    this.#readSource = readSource;
    this.#reporter = reporter;
  }

  /** @param users paths from the first file to the one that uses this one */
  load(file: PolicyFile, users: readonly string[]): Entry {
    const path = posix.normalize(file.source.path);
    const known = this.#entries.get(path);
    if (known !== undefined) return known;
    const scope = new Map<string | undefined, Map<string, Declaration>>();
    const entry: Entry = { path, file, uses: [], own: new Map(), scope };
    this.#entries.set(path, entry);
    declareNames(entry, this.#reporter);
    for (const statement of file.statements) {
      if (statement.kind !== 'use') continue;
      const used = this.#use(statement, path, [...users, path]);
      if (used !== undefined) entry.uses.push(used);
    }
    this.done.push(entry);
    return entry;
  }

  #use(statement: UseStatement, from: string, users: readonly string[]): Entry | undefined {
    const { text, span: at } = statement.path;
    if (!text.endsWith('.pol')) {
      this.#reporter.report('policy/use-not-policy', { path: text }, at);
      return undefined;
    }
    const path = posix.normalize(
      posix.isAbsolute(text) ? text : posix.join(posix.dirname(from), text),
    );
    const start = users.indexOf(path);
    if (start >= 0) {
      const cycle = [...users.slice(start), path].map((one) => `\`${one}\``).join(' → ');
      this.#reporter.report('policy/use-cycle', { cycle }, at);
      return undefined;
    }
    const known = this.#entries.get(path);
    if (known !== undefined) return known;
    if (this.#failed.has(path)) return undefined;
    const file = this.#given.get(path) ?? this.#read(path, statement);
    if (file === undefined) {
      this.#failed.add(path);
      return undefined;
    }
    return this.load(file, users);
  }

  #read(path: string, statement: UseStatement): PolicyFile | undefined {
    const source = this.#readSource(path);
    if ('code' in source) {
      const span = source.span ?? statement.path.span;
      this.#reporter.diagnostics.push({ ...source, span });
      return undefined;
    }
    const parsed = parsePolicy(source);
    for (const one of parsed.diagnostics) this.#reporter.diagnostics.push(one);
    return parsed.value;
  }
}

function declareNames(entry: Entry, reporter: Reporter): void {
  const loaded = { scope: entry.scope };
  for (const statement of entry.file.statements) {
    switch (statement.kind) {
      case 'set':
      case 'ports':
      case 'group':
        declare(entry.own, { statement, home: { loaded } }, reporter);
        break;
      case 'namespace':
        for (const inner of statement.statements) {
          if (inner.kind === 'set' || inner.kind === 'ports' || inner.kind === 'group') {
            const home = { loaded, namespace: statement.name.text };
            declare(entry.own, { statement: inner, home }, reporter);
          }
        }
        break;
      default:
        break;
    }
  }
}

function declare(
  scope: Map<string | undefined, Map<string, Declaration>>,
  declaration: Declaration,
  reporter: Reporter,
): void {
  checkName(reporter, declaration.statement.name, faultOfFreeName);
  const known = addTo(scope, declaration);
  if (known !== undefined) reportDouble(known, declaration, reporter);
}

/** @returns the declaration that has the name already */
function addTo(
  scope: Map<string | undefined, Map<string, Declaration>>,
  declaration: Declaration,
): Declaration | undefined {
  const { namespace } = declaration.home;
  let names = scope.get(namespace);
  if (names === undefined) {
    names = new Map();
    scope.set(namespace, names);
  }
  const name = declaration.statement.name.text;
  const known = names.get(name);
  if (known !== undefined) return known;
  names.set(name, declaration);
  return undefined;
}

function reportDouble(first: Declaration, second: Declaration, reporter: Reporter): void {
  const { kind, name } = second.statement;
  reporter.report('policy/duplicate', { kind, name: name.text }, name.span, [
    { span: first.statement.name.span, message: 'first declared here' },
  ]);
}

/** A file sees its own names and those of every file that `use` leads to. */
function gatherScope(
  entry: Entry,
  reporter: Reporter,
  doubles: Set<Declaration['statement']>,
): void {
  const visible = new Set([entry]);
  for (const one of visible) for (const used of one.uses) visible.add(used);
  for (const one of visible) {
    for (const names of one.own.values()) {
      for (const declaration of names.values()) {
        const known = addTo(entry.scope, declaration);
        if (known === undefined || doubles.has(declaration.statement)) continue;
        doubles.add(declaration.statement).add(known.statement);
        reportDouble(known, declaration, reporter);
      }
    }
  }
}
