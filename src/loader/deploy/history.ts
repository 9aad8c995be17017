/** The bundles that were in force under a root, kept as ordinary files so that one can be gone back to. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { diagnostic, InputError } from '../../diagnostics.js';
import { pinName } from '../bpffs.js';

export const DEFAULT_STATE_DIR = '/var/lib/policyc';

/** How many bundles are kept. */
const KEPT = 10;
const LIST = 'history.json';
const BUNDLE = '.bundle';

/**
 * A list of digests, oldest first, and a file for each. Which of them is in force is for the kernel
 * to say: so a process that is killed between a swap and the list's next form loses nothing.
 */
export interface BundleHistory {
  /** Before an apply: the bundle comes behind the one in force, and in place of what came behind it. */
  begin(bundle: NewBundle, inForce: string | undefined): void;
  /** After it: forgets what comes behind the bundle that is in force now. */
  settle(inForce: string): void;
  /** The bundle before the one in force. @throws {InputError} `deploy/no-previous` */
  previous(inForce: string | undefined): KeptBundle;
}

export interface NewBundle {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

export interface KeptBundle extends NewBundle {
  readonly path: string;
}

export function openHistory(stateDir: string, root: string): BundleHistory {
  const folder = historyFolder(stateDir, root);
  const fileOf = (digest: string): string => join(folder, digest + BUNDLE);
  return {
    begin: ({ digest, bytes }, inForce) =>
      asDiagnostics(() => {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        // A bundle is its digest: what is there under this name is the same.
        if (!existsSync(fileOf(digest))) writeWhole(fileOf(digest), bytes);
        const list = readList(folder);
        const at = inForce === undefined ? -1 : list.lastIndexOf(inForce);
        if (digest === inForce && at >= 0) return;
        writeList(folder, [...list.slice(0, at + 1), digest].slice(-KEPT));
      }),
    settle: (inForce) =>
      asDiagnostics(() => {
        const list = readList(folder);
        const kept = list.slice(0, list.lastIndexOf(inForce) + 1);
        if (kept.length < list.length) writeList(folder, kept);
        for (const name of readdirSync(folder)) {
          const digest = name.slice(0, -BUNDLE.length);
          if (name.endsWith(BUNDLE) && !kept.includes(digest)) rmSync(join(folder, name));
        }
      }),
    previous: (inForce) =>
      asDiagnostics(() => {
        const list = readList(folder);
        const at = inForce === undefined ? -1 : list.lastIndexOf(inForce);
        const digest = list[at - 1];
        if (digest === undefined) {
          throw new InputError([diagnostic('deploy/no-previous', { root, folder })]);
        }
        const path = fileOf(digest);
        return { digest, path, bytes: readFileSync(path) };
      }),
  };
}

/** Forgets all bundles of a root. Idempotent. */
export function removeHistory(stateDir: string, root: string): void {
  asDiagnostics(() => rmSync(historyFolder(stateDir, root), { recursive: true, force: true }));
}

/** Each root has its own. */
function historyFolder(stateDir: string, root: string): string {
  return join(stateDir, pinName(root));
}

function readList(folder: string): readonly string[] {
  const path = join(folder, LIST);
  if (!existsSync(path)) return [];
  const damaged = (): never => {
    throw new InputError([diagnostic('deploy/history-damaged', { path })]);
  };
  try {
    const { digests } = JSON.parse(readFileSync(path, 'utf8')) as { readonly digests?: unknown };
    if (!Array.isArray(digests)) return damaged();
    return digests.map((one: unknown) => (isDigest(one) ? one : damaged()));
  } catch (error) {
    if (error instanceof SyntaxError) return damaged();
    throw error;
  }
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]+$/.test(value);
}

function writeList(folder: string, digests: readonly string[]): void {
  const text = `${JSON.stringify({ format: 1, digests }, undefined, 2)}\n`;
  writeWhole(join(folder, LIST), Buffer.from(text, 'utf8'));
}

/** The file is there whole or not at all, whenever the process or the machine stops. */
function writeWhole(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.new`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

/** What the file system refuses is thrown as an input error. */
function asDiagnostics<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'path' in error)) throw error;
    const args = { path: String(error.path), code: String(error.code) };
    throw new InputError([diagnostic('deploy/state-refused', args)]);
  }
}
