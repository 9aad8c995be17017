/** What is known of a project's policies at one moment: for all that an editor asks between checks. */
import { posix } from 'node:path';
import type { ClusterSnapshot } from '../../ir/cluster.js';
import { Reporter, type Home, type LoadedFile } from '../../ir/lower-policy/context.js';
import { loadFiles } from '../../ir/lower-policy/files.js';
import { Names } from '../../ir/lower-policy/names.js';
import type { PolicyModel } from '../../ir/model.js';
import { diagnostic } from '../../diagnostics.js';
import type { PolicyFile } from '../../parser/ast.js';
import { parseTolerant } from '../../parser/parse-tolerant.js';
import type { SourceFile } from '../../source.js';

/** Policy files are read with their errors: a half-typed statement hides no other. */
export class View {
  readonly files: readonly LoadedFile[];
  /** How many names are declared a second time where they can be seen. */
  readonly doubles: number;
  /** Says what peers and ports mean; what is wrong with them is the check's to say. */
  readonly names = new Names(new Reporter());
  readonly #byPath: ReadonlyMap<string, LoadedFile>;

  /**
   * @param model and cluster of the last check that could make them
   * @param manifests the Kubernetes manifests of the project
   */
  constructor(
    files: readonly PolicyFile[],
    readonly manifests: readonly SourceFile[],
    readonly model: PolicyModel | undefined,
    readonly cluster: ClusterSnapshot | undefined,
  ) {
    // All that is used is among the files already.
    const readNothing = (path: string) => diagnostic('source/not-found', { path });
    const reporter = new Reporter();
    this.files = loadFiles(files, readNothing, reporter);
    this.doubles = reporter.diagnostics.filter(({ code }) => code === 'policy/duplicate').length;
    this.#byPath = new Map(this.files.map((one) => [one.file.source.path, one]));
  }

  fileAt(path: string): LoadedFile | undefined {
    return this.#byPath.get(path);
  }

  /** What names mean in a file, and in a namespace block of it. */
  homeOf(path: string, namespace?: string): Home {
    const loaded = this.#byPath.get(path) ?? { scope: new Map() };
    return namespace === undefined ? { loaded } : { loaded, namespace };
  }
}

/** Syntax trees by text: a file is read once for each of its states. */
export class TreeMemory {
  readonly #trees = new WeakMap<SourceFile, PolicyFile>();

  treeOf(file: SourceFile): PolicyFile {
    const tree = this.#trees.get(file) ?? parseTolerant(file);
    this.#trees.set(file, tree);
    return tree;
  }

  /** The files and all that they use, each once. */
  withUsed(
    files: readonly SourceFile[],
    read: (path: string) => SourceFile | undefined,
  ): readonly PolicyFile[] {
    const all = new Map(files.map((file) => [posix.normalize(file.path), this.treeOf(file)]));
    for (const [path, { statements }] of all) {
      for (const statement of statements) {
        if (statement.kind !== 'use') continue;
        const used = resolveUse(path, statement.path.text);
        if (all.has(used)) continue;
        const file = used.endsWith('.pol') ? read(used) : undefined;
        if (file !== undefined) all.set(used, this.treeOf(file));
      }
    }
    return [...all.values()];
  }
}

/** The path that `use "…"` in a file means. */
export function resolveUse(from: string, used: string): string {
  return posix.normalize(posix.isAbsolute(used) ? used : posix.join(posix.dirname(from), used));
}
