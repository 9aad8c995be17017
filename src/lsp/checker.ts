/** Checks the projects a moment after something has changed, and publishes what it finds. */
import type { Connection } from 'vscode-languageserver';
import type { Diagnostic } from '../diagnostics.js';
import { toLsp, type PublishOptions } from './publish.js';
import type { OpenDocuments } from './workspace/documents.js';
import type { Workspace } from './workspace/workspace.js';

/** Milliseconds between a change and the check: nobody reads while typing. */
const LEAST_DELAY = 80;
const MOST_DELAY = 1000;

export interface CheckerOptions extends Omit<PublishOptions, 'uriOf' | 'folders'> {
  /** The client wants to know which text the findings are about. */
  readonly versions: boolean;
  /** The client tells of changes on the disk; otherwise every check looks itself. */
  readonly watchesFiles: boolean;
}

export class Checker {
  #options: CheckerOptions = {
    relatedInformation: false,
    hintsInMessages: true,
    versions: false,
    watchesFiles: false,
    hrefOf: () => undefined,
  };
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #again = false;
  #stopped = false;
  /** Milliseconds that the last check took: a long one is not begun with every letter. */
  #took = 0;
  /** What was published, so that nothing is sent twice and everything is taken back. */
  readonly #published = new Map<string, string>();
  readonly #findings = new Map<string, readonly Diagnostic[]>();
  readonly #warned = new Set<string>();

  constructor(
    private readonly connection: Connection,
    private readonly documents: OpenDocuments,
    private readonly workspace: Workspace,
  ) {}

  configure(options: CheckerOptions): void {
    this.#options = options;
  }

  soon(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    const delay = Math.min(MOST_DELAY, Math.max(LEAST_DELAY, this.#took / 2));
    this.#timer = setTimeout(() => void this.#run(), delay);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** What was found last in a file. */
  findingsIn(path: string): readonly Diagnostic[] {
    return this.#findings.get(path) ?? [];
  }

  get publishOptions(): PublishOptions {
    return {
      ...this.#options,
      folders: this.workspace.folders,
      uriOf: (path) => this.documents.uriOf(path),
    };
  }

  async #run(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    const start = performance.now();
    try {
      if (!this.#options.watchesFiles) this.workspace.forgetFiles();
      await this.#checkAll();
    } catch (error) {
      // A fault of ours must not leave the editor without its server.
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.connection.console.error(`policyc: a fault of policyc, please report it: ${text}`);
    }
    this.#took = performance.now() - start;
    this.#running = false;
    if (!this.#again) return;
    this.#again = false;
    this.soon();
  }

  async #checkAll(): Promise<void> {
    const all = new Map<string, Diagnostic[]>();
    const add = (path: string, list: readonly Diagnostic[]): void => {
      const known = all.get(path) ?? [];
      all.set(path, known);
      for (const one of list) if (!known.some((other) => isSame(one, other))) known.push(one);
    };
    const versions = new Map([...this.documents.all()].map((one) => [one.uri, one.version]));
    for (const project of this.workspace.projects()) {
      for (const [path, list] of await project.check()) add(path, list);
      if (project.incomplete) this.#warnOnce(project.sources.root ?? '');
    }
    for (const [path, list] of this.workspace.configFindings()) add(path, list);
    this.#publish(all, versions);
  }

  #publish(
    all: ReadonlyMap<string, readonly Diagnostic[]>,
    versions: ReadonlyMap<string, number>,
  ): void {
    this.#findings.clear();
    for (const [path, list] of all) this.#findings.set(path, list);
    const byUri = new Map<string, readonly Diagnostic[]>();
    for (const { uri } of this.documents.all()) byUri.set(uri, []);
    for (const [path, list] of all) byUri.set(this.documents.uriOf(path), list);
    for (const uri of this.#published.keys()) if (!byUri.has(uri)) byUri.set(uri, []);
    const options = this.publishOptions;
    for (const [uri, list] of byUri) {
      const version = this.#options.versions ? versions.get(uri) : undefined;
      const diagnostics = list.map((one) => toLsp(one, options));
      const message = { uri, diagnostics, ...(version === undefined ? {} : { version }) };
      const text = JSON.stringify(message);
      if (this.#published.get(uri) === text) continue;
      void this.connection.sendDiagnostics(message);
      if (diagnostics.length === 0 && this.documents.byUri(uri) === undefined) {
        this.#published.delete(uri);
      } else this.#published.set(uri, text);
    }
  }

  #warnOnce(folder: string): void {
    if (this.#warned.has(folder)) return;
    this.#warned.add(folder);
    this.connection.window.showWarningMessage(
      `policyc: ${folder} holds too many files to search; name the policies in policyc.yaml`,
    );
  }
}

function isSame(a: Diagnostic, b: Diagnostic): boolean {
  return (
    a.code === b.code &&
    a.message === b.message &&
    a.span?.start === b.span?.start &&
    a.span?.end === b.span?.end
  );
}
