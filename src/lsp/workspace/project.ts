/** Policies that are checked together, and the cluster that they are for. */
import { resolve } from 'node:path';
import { checkSources, type Checked } from '../../check-sources.js';
import { hasErrors, type Diagnostic, type Outcome } from '../../diagnostics.js';
import { loadCluster, ParseMemory, SourceCache } from '../../front-end.js';
import type { ClusterSnapshot } from '../../ir/cluster.js';
import { hasSourceEnding, readSources } from '../../read-sources.js';
import type { SourceFile } from '../../source.js';
import { holdsPolicy, type Disk } from './disk.js';
import type { OpenDocuments } from './documents.js';
import { TreeMemory, View } from './view.js';

export interface ProjectSources {
  /** The folder that paths start from; absent for a file that stands for itself. */
  readonly root?: string;
  /** Absolute paths, folders and globs; all policies below the root where it is absent. */
  readonly policies?: readonly string[];
  /** Absolute paths of the cluster's manifests. */
  readonly cluster: readonly string[];
}

/** What there is to say about each file, by path. */
export type Findings = ReadonlyMap<string, readonly Diagnostic[]>;

type Read = typeof readSources;

export class Project {
  readonly #memory = new ParseMemory();
  readonly #trees = new TreeMemory();
  #found: readonly string[] | undefined;
  #cluster:
    { readonly files: readonly SourceFile[]; outcome: Outcome<ClusterSnapshot> } | undefined;
  #view: { readonly files: readonly SourceFile[]; readonly view: View } | undefined;
  /** The last check that got to its end, and the texts it was about. */
  #complete: { readonly findings: Findings; readonly files: ReadonlyMap<string, SourceFile> } = {
    findings: new Map(),
    files: new Map(),
  };
  #checked: Checked = { diagnostics: [] };
  /** The search for policies was given up. */
  incomplete = false;

  constructor(
    readonly sources: ProjectSources,
    private readonly documents: OpenDocuments,
    private readonly disk: Disk,
    private readonly isOther: (folder: string) => boolean,
  ) {}

  /** Files may have come or gone. */
  forgetFiles(): void {
    this.#found = undefined;
  }

  /** What was found wrong with every file; nothing for files that are fine. */
  async check(): Promise<Findings> {
    const faults = new Map<string, Diagnostic[]>();
    const read = this.#reader(faults);
    const request = { policies: this.#policyPaths() };
    const cluster = await this.#loadCluster(read);
    const cache = new SourceCache(0, read, this.#memory);
    const checked = await checkSources(
      cluster === undefined ? request : { ...request, cluster },
      cache,
    );
    const files = this.#files();
    this.#checked = {
      diagnostics: checked.diagnostics,
      ...pick('model', checked.model ?? this.#checked.model),
      ...pick('cluster', checked.cluster ?? cluster?.value ?? this.#checked.cluster),
    };
    this.#view = undefined;
    return this.#settle(groupByPath(checked.diagnostics, faults), checked, files);
  }

  get view(): View {
    const files = this.#files();
    const known = this.#view;
    if (known !== undefined && sameFiles(known.files, files)) return known.view;
    const policies = files.filter(({ path }) => path.endsWith('.pol'));
    const view = new View(
      this.#trees.withUsed(policies, (path) => this.#readOne(path).value),
      files.filter(({ path }) => !path.endsWith('.pol')),
      this.#checked.model,
      this.#checked.cluster,
    );
    this.#view = { files, view };
    return view;
  }

  /** Whether the file is one of the project's. */
  holds(path: string): boolean {
    return this.#policyFiles().includes(path);
  }

  /**
   * A file that cannot be read keeps the others from being checked. What the last whole check said of
   * files that have not changed still holds; without it all warnings would flicker while one types.
   */
  #settle(
    found: ReadonlyMap<string, readonly Diagnostic[]>,
    { model, diagnostics }: Checked,
    files: readonly SourceFile[],
  ): Findings {
    if (model !== undefined && !hasErrors(diagnostics)) {
      this.#complete = {
        findings: found,
        files: new Map(files.map((file) => [file.path, file])),
      };
      return found;
    }
    const all = new Map(found);
    for (const file of files) {
      if (this.#complete.files.get(file.path) !== file) continue;
      const before = this.#complete.findings.get(file.path) ?? [];
      const now = found.get(file.path) ?? [];
      if (!hasErrors(now) && before.length > 0) all.set(file.path, unique([...now, ...before]));
    }
    return all;
  }

  async #loadCluster(read: Read): Promise<Outcome<ClusterSnapshot> | undefined> {
    const { cluster } = this.sources;
    if (cluster.length === 0) return undefined;
    const cache = new SourceCache(0, read, this.#memory);
    const files = cache.read(cluster).value ?? [];
    if (this.#cluster === undefined || !sameFiles(this.#cluster.files, files)) {
      this.#cluster = { files, outcome: await loadCluster(cluster, cache) };
    }
    return this.#cluster.outcome;
  }

  /** Open documents go before the disk, also those that are not on it. */
  #reader(faults: Map<string, readonly Diagnostic[]>): Read {
    const readFile = (path: string): Outcome<SourceFile> => {
      const outcome = this.#readOne(path);
      if (outcome.diagnostics.length > 0) faults.set(path, outcome.diagnostics);
      return outcome;
    };
    return (paths, options) => {
      const files = new Map<string, SourceFile>();
      const diagnostics: Diagnostic[] = [];
      for (const path of paths) {
        const open = this.documents.byPath(path)?.source;
        const read =
          open === undefined
            ? readSources([path], { ...options, readFile })
            : { value: [open], diagnostics: [] };
        for (const one of read.diagnostics) diagnostics.push(one);
        for (const file of read.value ?? []) files.set(file.path, file);
      }
      return hasErrors(diagnostics) ? { diagnostics } : { value: [...files.values()], diagnostics };
    };
  }

  #readOne(path: string): Outcome<SourceFile> {
    const open = this.documents.byPath(path);
    return open === undefined ? this.disk.read(path) : { value: open.source, diagnostics: [] };
  }

  #policyPaths(): readonly string[] {
    return this.sources.policies === undefined
      ? this.#policyFiles()
      : [...this.sources.policies, ...this.#unsaved()];
  }

  #files(): readonly SourceFile[] {
    return this.#policyFiles().flatMap((path) => this.#readOne(path).value ?? []);
  }

  /** The project's policy files, each by its path. */
  #policyFiles(): readonly string[] {
    const found = this.#foundFiles();
    if (this.sources.root === undefined) return found;
    const open = this.sources.policies === undefined ? this.#openBelowRoot() : this.#unsaved();
    return [...new Set([...found, ...open])];
  }

  #foundFiles(): readonly string[] {
    if (this.#found !== undefined) return this.#found;
    const { root, policies } = this.sources;
    if (policies !== undefined) {
      const { value = [] } = this.#reader(new Map())(policies);
      this.#found = value.map(({ path }) => path);
    } else if (root !== undefined) {
      const { paths, incomplete } = this.disk.findPolicies(root, this.isOther);
      this.incomplete = incomplete;
      this.#found = paths;
    } else this.#found = [];
    return this.#found;
  }

  /** Documents that the search would have found had they been saved; an open one is as it is shown. */
  #openBelowRoot(): readonly string[] {
    const { root } = this.sources;
    const found = new Set(this.#foundFiles());
    return [...this.documents.all()]
      .map(({ source }) => source)
      .filter(({ path }) => root !== undefined && isBelow(path, root) && !found.has(path))
      .filter(
        ({ path, text }) => path.endsWith('.pol') || (hasSourceEnding(path) && holdsPolicy(text)),
      )
      .map(({ path }) => path);
  }

  /** Documents in the project's folders that are not on the disk. */
  #unsaved(): readonly string[] {
    const { policies = [] } = this.sources;
    const found = new Set(this.#foundFiles());
    return [...this.documents.all()]
      .map(({ source }) => source.path)
      .filter((path) => hasSourceEnding(path) && !found.has(path))
      .filter((path) => policies.some((one) => path === one || isBelow(path, one)));
  }
}

export function isBelow(path: string, folder: string): boolean {
  const start = folder.endsWith('/') ? folder : `${folder}/`;
  return path.startsWith(start) && resolve(path) === path;
}

function pick<Key extends string, Value>(key: Key, value: Value | undefined) {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}

function sameFiles(a: readonly SourceFile[], b: readonly SourceFile[]): boolean {
  return a.length === b.length && a.every((file, index) => file === b[index]);
}

/** What has no place of its own stands at the start of its file. */
function groupByPath(
  diagnostics: readonly Diagnostic[],
  faults: ReadonlyMap<string, readonly Diagnostic[]>,
): ReadonlyMap<string, readonly Diagnostic[]> {
  const groups = new Map<string, Diagnostic[]>();
  for (const [path, list] of faults) groups.set(path, [...list]);
  for (const one of diagnostics) {
    const path = one.span?.file.path;
    if (path === undefined) continue;
    const group = groups.get(path);
    if (group === undefined) groups.set(path, [one]);
    else group.push(one);
  }
  return new Map([...groups].map(([path, list]) => [path, unique(list)]));
}

/** A file that is both policy and cluster is complained about once. */
function unique(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const byKey = new Map(
    diagnostics.map((one) => [
      [one.code, one.span?.start, one.span?.end, one.message].join('\n'),
      one,
    ]),
  );
  return [...byKey.values()];
}
