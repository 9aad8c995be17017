/** Writes files whole or not at all. */
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { diagnostic, InputError } from '../../diagnostics.js';

/**
 * Writes a file under a temporary name beside it and renames it. What is no regular file, such as
 * /dev/null or a pipe, is written to directly, since a rename would replace it.
 * @throws InputError where the operating system refuses
 */
export function writeWhole(path: string, content: string | Uint8Array): void {
  try {
    const target = existsSync(path) ? realpathSync(path) : path;
    const there = existsSync(target) ? statSync(target) : undefined;
    if (there !== undefined && !there.isFile()) {
      writeFileSync(target, content);
      return;
    }
    replaceFile(target, content, there?.mode);
  } catch (error) {
    throw new InputError([diagnostic('cli/cannot-write', { path, reason: reasonOf(error) })]);
  }
}

function replaceFile(target: string, content: string | Uint8Array, mode: number | undefined): void {
  const name = `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`;
  const temporary = join(dirname(target), name);
  try {
    const permissions = mode === undefined ? {} : { mode: mode & 0o777 };
    writeFileSync(temporary, content, { flag: 'wx', flush: true, ...permissions });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Makes a folder, and those above it. Node's own way of making several never ends where a file system
 * takes no folders, such as /proc.
 * @throws InputError where the operating system refuses
 */
export function makeFolder(path: string): void {
  try {
    makeMissing(resolve(path));
  } catch (error) {
    throw new InputError([diagnostic('cli/cannot-write', { path, reason: reasonOf(error) })]);
  }
}

function makeMissing(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const above = dirname(path);
  if (above !== path) makeMissing(above);
  mkdirSync(path);
}

/** What the operating system said, without the call and the path that Node adds. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return /^([A-Z0-9]+): ([^,]+)/.exec(error.message)?.[2] ?? error.message;
}
