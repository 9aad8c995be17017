/** Lowers policy files to the policy model. */
import { hasErrors, type Diagnostic, type Outcome } from '../diagnostics.js';
import type { PolicyBlock, PolicyFile, TierStatement } from '../parser/ast.js';
import { placeOf } from '../source.js';
import { Reporter, UniqueNames, type LoadedFile } from './lower-policy/context.js';
import { lowerAssert, lowerTest } from './lower-policy/checks.js';
import { loadFiles, type ReadSource } from './lower-policy/files.js';
import { nameDrafts } from './lower-policy/naming.js';
import { lowerNamespaceBlock, type NamespaceDraft } from './lower-policy/namespace.js';
import { Names } from './lower-policy/names.js';
import { lowerException, lowerPolicyBlock, lowerTiers } from './lower-policy/tiers.js';
import type { Assertion, Exception, Policy, PolicyModel, PolicyTest } from './model.js';

export type { ReadSource } from './lower-policy/files.js';

/**
 * Lowers the files and all that they `use`, each once.
 * @param readSource reads a file that is used and not among `files`; paths are those of `files`,
 *   joined with what `use` says
 */
export function lowerPolicyFiles(
  files: readonly PolicyFile[],
  readSource: ReadSource,
): Outcome<PolicyModel> {
  const reporter = new Reporter();
  const loaded = loadFiles(files, readSource, reporter);
  const model = new FilesLowering(loaded, reporter).run();
  const diagnostics = inOrder(reporter.diagnostics, loaded);
  return hasErrors(diagnostics) ? { diagnostics } : { value: model, diagnostics };
}

class FilesLowering {
  readonly #files: readonly LoadedFile[];
  readonly #reporter: Reporter;
  readonly #names: Names;
  readonly #namespaces: NamespaceDraft[] = [];
  readonly #policies: Policy[] = [];
  readonly #exceptions: Exception[] = [];
  readonly #assertions: Assertion[] = [];
  readonly #tests: PolicyTest[] = [];

  constructor(files: readonly LoadedFile[], reporter: Reporter) {
    this.#files = files;
    this.#reporter = reporter;
    this.#names = new Names(reporter);
  }

  run(): PolicyModel {
    const statements = this.#files.flatMap(({ file }) => file.statements);
    const tiers = lowerTiers(
      statements.filter((one): one is TierStatement => one.kind === 'tier'),
      this.#reporter,
    );
    const policies = statements.filter((one): one is PolicyBlock => one.kind === 'policy');
    this.#checkUnique(policies, statements);
    const policyNames = new Set(policies.map((one) => one.name.text));
    for (const loaded of this.#files) this.#lowerFile(loaded, tiers, policyNames);
    return {
      tiers,
      policies: [...nameDrafts(this.#namespaces, this.#reporter), ...this.#policies],
      exceptions: this.#exceptions,
      assertions: this.#assertions,
      tests: this.#tests,
    };
  }

  #checkUnique(policies: readonly PolicyBlock[], statements: PolicyFile['statements']): void {
    const names = new UniqueNames(this.#reporter, 'policy');
    for (const policy of policies) names.add(policy.name);
    const exceptions = new UniqueNames(this.#reporter, 'exception');
    const tests = new UniqueNames(this.#reporter, 'test');
    for (const statement of statements) {
      if (statement.kind === 'exception') exceptions.add(statement.name);
      if (statement.kind === 'test') tests.add(statement.name);
    }
  }

  #lowerFile(loaded: LoadedFile, tiers: PolicyModel['tiers'], policies: ReadonlySet<string>): void {
    const names = this.#names;
    const home = { loaded };
    for (const statement of loaded.file.statements) {
      switch (statement.kind) {
        case 'use':
        case 'tier':
          break;
        case 'set':
        case 'ports':
        case 'group':
          names.declare({ statement, home });
          break;
        case 'namespace': {
          const inner = { loaded, namespace: statement.name.text };
          for (const one of statement.statements) {
            if (one.kind === 'set' || one.kind === 'ports' || one.kind === 'group') {
              names.declare({ statement: one, home: inner });
            } else if (one.kind === 'assert') {
              this.#assertions.push(lowerAssert(one, inner, names));
            }
          }
          for (const one of lowerNamespaceBlock(statement, loaded, names))
            this.#namespaces.push(one);
          break;
        }
        case 'policy':
          this.#policies.push(lowerPolicyBlock(statement, home, tiers, names));
          break;
        case 'exception':
          this.#exceptions.push(lowerException(statement, home, policies, names));
          break;
        case 'assert':
          this.#assertions.push(lowerAssert(statement, home, names));
          break;
        case 'test':
          this.#tests.push(lowerTest(statement, home, names));
          break;
        case 'unbuilt':
          this.#reporter.report('policy/not-built', { what: statement.what }, statement.span);
          break;
      }
    }
  }
}

/** By file and place, and each once: a peer that two statements share is reported by both. */
function inOrder(
  diagnostics: readonly Diagnostic[],
  files: readonly LoadedFile[],
): readonly Diagnostic[] {
  const order = new Map(files.map(({ file }, index) => [file.source, index]));
  const rank = ({ span }: Diagnostic): number =>
    span === undefined ? -1 : (order.get(span.file) ?? files.length);
  const seen = new Set<string>();
  return [...diagnostics]
    .sort((a, b) => rank(a) - rank(b) || (a.span?.start ?? 0) - (b.span?.start ?? 0))
    .filter((one) => {
      const place = one.span === undefined ? '' : placeOf(one.span).path;
      const key = [one.code, place, one.span?.start, one.span?.end, one.message].join('\n');
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });
}
