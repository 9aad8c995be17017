/** Paths in a revision of a git repository → source files. Nothing is checked out. */
import { spawnSync } from 'node:child_process';
import { posix } from 'node:path';
import { diagnostic, InputError, type Outcome } from './diagnostics.js';
import { CONFIG_NAMES, decodeSource, hasSourceEnding, MAX_BYTES } from './read-sources.js';
import { SourceFile } from './source.js';

/** `REVISION:PATH` taken apart. */
export interface RevisionPath {
  readonly operand: string;
  readonly revision: string;
  readonly path: string;
}

/** Undefined where the text is not of the form. */
export function parseRevisionPath(operand: string): RevisionPath | undefined {
  const colon = operand.indexOf(':');
  if (colon <= 0) return undefined;
  return { operand, revision: operand.slice(0, colon), path: operand.slice(colon + 1) };
}

interface TreeEntry {
  readonly mode: string;
  readonly object: string;
  readonly size: number;
  readonly path: string;
}

/** One commit of the repository that the current folder is in. */
export class GitRevision {
  readonly #commit: string;
  /** What stands before the paths of its files: `main:/`. */
  readonly #prefix: string;

  /** @throws InputError where git cannot be run or there is no such commit */
  constructor(private readonly at: RevisionPath) {
    this.#commit = findCommit(at);
    this.#prefix = `${at.revision}:/`;
  }

  /** The path of the operand, from the top of the repository, as {@link read} takes it. */
  get root(): string {
    return `${this.#prefix}${rootPath(this.at)}`;
  }

  /**
   * Reads what `readSources` would find if the revision were checked out.
   * @throws InputError where git fails
   */
  read(paths: readonly string[]): Outcome<readonly SourceFile[]> {
    const entries = paths.map((path) => this.#find(path));
    const found = new Map(entries.flat().map((entry) => [entry.path, entry]));
    return this.#load([...found.values()]);
  }

  #find(path: string): readonly TreeEntry[] {
    const { revision } = this.at;
    const inside = path.startsWith(this.#prefix) ? path.slice(this.#prefix.length) : undefined;
    const entries = inside === undefined ? [] : this.#list(inside);
    const wanted = entries.filter(
      (entry) => entry.path === inside || isWanted(entry, (inside ?? '').length),
    );
    if (wanted.length === 0) {
      throw new InputError([diagnostic('diff/no-such-path', { revision, path: inside ?? path })]);
    }
    const odd = wanted.flatMap((entry) => {
      const what = ODD_MODES[entry.mode];
      if (what === undefined) return [];
      return [diagnostic('diff/odd-entry', { path: this.#prefix + entry.path, what })];
    });
    if (odd.length > 0) throw new InputError(odd);
    return wanted;
  }

  #list(path: string): readonly TreeEntry[] {
    const scope = path === '' ? [] : ['--', path];
    const args = ['ls-tree', '-r', '-z', '-l', '--full-tree', this.#commit, ...scope];
    const text = runGit(this.at.operand, args).toString('utf8');
    return text.split('\0').flatMap((line): readonly TreeEntry[] => {
      const match = /^(\d+) \S+ ([0-9a-f]+) +(\d+|-)\t(.*)$/s.exec(line);
      const [, mode, object, size, name] = match ?? [];
      if (mode === undefined || object === undefined || name === undefined) return [];
      return [{ mode, object, size: size === '-' ? 0 : Number(size), path: name }];
    });
  }

  #load(entries: readonly TreeEntry[]): Outcome<readonly SourceFile[]> {
    const large = entries.find(({ size }) => size > MAX_BYTES);
    if (large !== undefined) {
      const args = { path: this.#prefix + large.path, bytes: large.size, limit: MAX_BYTES };
      return { diagnostics: [diagnostic('source/too-large', args)] };
    }
    const input = entries.map(({ object }) => `${object}\n`).join('');
    const output = runGit(this.at.operand, ['cat-file', '--batch'], input);
    const files: SourceFile[] = [];
    const diagnostics = [];
    let at = 0;
    for (const { path, size } of entries) {
      // Each object comes as `<object> <type> <size>`, a line break, its bytes, and a line break.
      const start = output.indexOf(10, at) + 1;
      const decoded = decodeSource(this.#prefix + path, output.subarray(start, start + size));
      if (decoded instanceof SourceFile) files.push(decoded);
      else diagnostics.push(decoded);
      at = start + size + 1;
    }
    return diagnostics.length > 0 ? { diagnostics } : { value: files, diagnostics };
  }
}

const ODD_MODES: Readonly<Record<string, string>> = {
  '120000': 'a symbolic link',
  '160000': 'a submodule',
};

/**
 * As in folders of the file system: by ending, and nothing that is hidden. Links and submodules that
 * may be folders are wanted too, to be refused.
 * @param from where the path below the folder begins
 */
function isWanted({ mode, path }: TreeEntry, from: number): boolean {
  const parts = path
    .slice(from)
    .split('/')
    .filter((part) => part !== '');
  if (parts.some((part) => part.startsWith('.'))) return false;
  if (parts.length > 0 && CONFIG_NAMES.includes(posix.basename(path))) return false;
  return hasSourceEnding(path) || (mode in ODD_MODES && posix.extname(path) === '');
}

/** As git has it: from the top, unless the path starts with a dot. */
function rootPath({ operand, path }: RevisionPath): string {
  const isRelative = /^\.{1,2}(\/|$)/.test(path);
  const base = isRelative ? runGit(operand, ['rev-parse', '--show-prefix']).toString('utf8') : '';
  const joined = posix.normalize(posix.join('/', base.replace(/\n$/, ''), path));
  return joined.replace(/^\/+|\/+$/g, '');
}

function findCommit({ operand, revision }: RevisionPath): string {
  const unknown = new InputError([diagnostic('diff/unknown-revision', { operand, revision })]);
  if (revision.startsWith('-')) throw unknown;
  runGit(operand, ['rev-parse', '--git-dir']);
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`];
  const { status, stdout } = spawnGit(args);
  if (status !== 0) throw unknown;
  return stdout.toString('utf8').trim();
}

function runGit(operand: string, args: readonly string[], input = ''): Buffer {
  const { status, stdout, stderr } = spawnGit(args, input);
  if (status === 0) return stdout;
  const [reason = ''] = stderr
    .toString('utf8')
    .replace(/^(fatal|error): /, '')
    .split('\n');
  throw new InputError([diagnostic('diff/git-failed', { operand, reason })]);
}

function spawnGit(
  args: readonly string[],
  input = '',
): { readonly status: number | null; readonly stdout: Buffer; readonly stderr: Buffer } {
  // Names are names and never patterns, and nothing is fetched or asked for.
  const env = {
    ...process.env,
    GIT_LITERAL_PATHSPECS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  };
  const result = spawnSync('git', [...args], { input, env, maxBuffer: 4 * MAX_BYTES });
  if (result.error !== undefined) {
    throw new InputError([diagnostic('diff/no-git', { reason: result.error.message })]);
  }
  return result;
}
