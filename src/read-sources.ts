/** Paths of the command line → source files: files, folders, globs, standard input. */
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { diagnostic, hasErrors, type Diagnostic, type Outcome } from './diagnostics.js';
import { expandGlob, isGlob } from './globs.js';
import { SourceFile } from './source.js';

/** What folders and globs are searched for; a file that is named is read whatever its ending. */
export const SOURCE_ENDINGS: readonly string[] = ['.yaml', '.yml', '.json', '.pol'];

/** What holds policyc's own defaults: no source where a folder is searched. */
export const CONFIG_NAMES: readonly string[] = ['policyc.yaml', 'policyc.yml'];

/** V8 holds no string of more than about 512 Mi units. */
export const MAX_BYTES = 256 * 1024 * 1024;

export interface ReadOptions {
  /** Bytes in one file; 256 MiB unless told. */
  readonly maxBytes?: number;
  /** The file descriptor that `-` stands for; 0 unless told. */
  readonly standardInput?: number;
  /** Reads one file that was named or found; from the disk unless told. */
  readonly readFile?: (path: string) => Outcome<SourceFile>;
}

/**
 * Reads what the paths name, in their order; folders with all below them, sorted. Paths stay as they
 * were written; a file that is named twice is read once.
 */
export function readSources(
  paths: readonly string[],
  options: ReadOptions = {},
): Outcome<readonly SourceFile[]> {
  const reader = new SourceReader(options);
  for (const path of paths) reader.read(path);
  const { files, diagnostics } = reader;
  return hasErrors(diagnostics) ? { diagnostics } : { value: files, diagnostics };
}

class SourceReader {
  readonly files: SourceFile[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #seen = new Set<string>();
  readonly #maxBytes: number;
  readonly #standardInput: number;
  readonly #readOne: ReadOptions['readFile'];

  constructor({ maxBytes = MAX_BYTES, standardInput = 0, readFile }: ReadOptions) {
    this.#maxBytes = maxBytes;
    this.#standardInput = standardInput;
    this.#readOne = readFile;
  }

  read(path: string): void {
    if (path === '-') {
      if (!this.#seen.has(path)) this.#readInput();
      this.#seen.add(path);
      return;
    }
    let stat: Stats | undefined;
    try {
      stat = statSync(path, { throwIfNoEntry: false });
    } catch (error) {
      if (isGlob(path)) this.#readGlob(path);
      else this.#complain(path, error);
      return;
    }
    if (stat?.isDirectory() === true) this.#readFolder(path);
    else if (stat !== undefined) this.#readFile(path);
    else if (isGlob(path)) this.#readGlob(path);
    else this.diagnostics.push(diagnostic('source/not-found', { path }));
  }

  #readInput(): void {
    this.#guarded('-', () => readAll(this.#standardInput, this.#maxBytes));
  }

  #readFolder(path: string): void {
    const faults = this.diagnostics.length;
    const files = this.#filesBelow(path, new Set());
    if (files.length === 0 && this.diagnostics.length === faults) {
      this.diagnostics.push(diagnostic('source/empty-folder', { path, endings: SOURCE_ENDINGS }));
    }
    for (const file of files) this.#readFile(file);
  }

  #readGlob(pattern: string): void {
    const faults = this.diagnostics.length;
    const files = expandGlob(pattern).flatMap((path) => this.#filesAt(path, new Set()));
    if (files.length === 0 && this.diagnostics.length === faults)
      this.diagnostics.push(diagnostic('source/not-found', { path: pattern }));
    for (const file of [...new Set(files)].sort()) this.#readFile(file);
  }

  /** What is read of a path that a search came upon; nobody may ever write to a pipe that is found. */
  #filesAt(path: string, above: ReadonlySet<string>): readonly string[] {
    let stat: Stats | undefined;
    try {
      stat = statSync(path, { throwIfNoEntry: false });
    } catch (error) {
      if (hasSourceEnding(path)) this.#complain(path, error);
      return [];
    }
    if (stat?.isDirectory() === true) return this.#filesBelow(path, above);
    if (!hasSourceEnding(path)) return [];
    if (stat === undefined || stat.isFile()) return [path];
    const reason = 'it is a pipe, a socket or a device; such a file must be named itself';
    this.diagnostics.push(diagnostic('source/unreadable', { path, reason }));
    return [];
  }

  /** @param above real paths of the folders on the way, since links may lead back up */
  #filesBelow(folder: string, above: ReadonlySet<string>): readonly string[] {
    let real: string;
    let names: readonly string[];
    try {
      real = realpathSync(folder);
      names = readdirSync(folder).sort();
    } catch (error) {
      this.#complain(folder, error);
      return [];
    }
    if (above.has(real)) return [];
    const way = new Set([...above, real]);
    return names
      .filter((name) => !name.startsWith('.') && !CONFIG_NAMES.includes(name))
      .flatMap((name) => this.#filesAt(join(folder, name), way));
  }

  #readFile(path: string): void {
    this.#guarded(path, () => {
      const real = realpathSync(path);
      if (this.#seen.has(real)) return undefined;
      this.#seen.add(real);
      if (this.#readOne !== undefined) {
        this.#take(this.#readOne(path));
        return undefined;
      }
      const descriptor = openSync(path, 'r');
      try {
        return readAll(descriptor, this.#maxBytes);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  #take({ value, diagnostics }: Outcome<SourceFile>): void {
    for (const one of diagnostics) this.diagnostics.push(one);
    if (value !== undefined) this.files.push(value);
  }

  #guarded(path: string, read: () => Content | undefined): void {
    let content: Content | undefined;
    try {
      content = read();
    } catch (error) {
      this.#complain(path, error);
      return;
    }
    if (content === undefined) return;
    const limit = this.#maxBytes;
    if (content.size > limit) {
      this.diagnostics.push(diagnostic('source/too-large', { path, bytes: content.size, limit }));
      return;
    }
    const decoded = decodeSource(path, content.bytes);
    if (decoded instanceof SourceFile) this.files.push(decoded);
    else this.diagnostics.push(decoded);
  }

  #complain(path: string, error: unknown): void {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const reason = READ_FAULTS[String(error.code)] ?? error.message;
    this.diagnostics.push(diagnostic('source/unreadable', { path, reason }));
  }
}

const READ_FAULTS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOENT: 'it is gone, or a link to nothing',
  ELOOP: 'its links form a circle',
  ENAMETOOLONG: 'the name is too long',
  ENOTDIR: 'what should be a folder on its way is a file',
};

export function hasSourceEnding(path: string): boolean {
  return SOURCE_ENDINGS.some((ending) => path.endsWith(ending));
}

const CHUNK = 1024 * 1024;

interface Content {
  readonly bytes: Uint8Array;
  /** More than the bytes where the limit stopped the reading. */
  readonly size: number;
}

/** Reads to the end, or until the limit is passed: pipes and devices tell no size. */
function readAll(descriptor: number, maxBytes: number): Content {
  const chunks: Uint8Array[] = [];
  let total = 0;
  while (total <= maxBytes) {
    const chunk = new Uint8Array(CHUNK);
    const count = readChunk(descriptor, chunk);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    total += count;
  }
  return { bytes: Buffer.concat(chunks), size: Math.max(total, fstatSync(descriptor).size) };
}

function readChunk(descriptor: number, chunk: Uint8Array): number {
  for (;;) {
    try {
      return readSync(descriptor, chunk);
    } catch (error) {
      // A pipe that its other end made non-blocking has nothing to give yet.
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** Where POSIX tar archives, and so bundles, say that they are ones. */
export const TAR_MAGIC = { offset: 257, text: 'ustar' } as const;

function isTar(bytes: Uint8Array): boolean {
  const { offset, text } = TAR_MAGIC;
  return Buffer.from(bytes.subarray(offset, offset + text.length)).toString('latin1') === text;
}

/** The text of a file, or why it is none. */
export function decodeSource(path: string, bytes: Uint8Array): SourceFile | Diagnostic {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    if (isTar(bytes)) return diagnostic('source/bundle', { path });
    return diagnostic('source/not-utf8', { path, offset: firstBadByte(bytes) });
  }
  const zero = bytes.indexOf(0);
  if (zero >= 0 && isTar(bytes)) return diagnostic('source/bundle', { path });
  if (zero >= 0) return diagnostic('source/binary', { path, offset: zero });
  return new SourceFile(path, text);
}

/** The offset of the byte at which the text stops being UTF-8, or the length if it ends too soon. */
function firstBadByte(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isUtf8Start(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return bad - 1;
}

function isUtf8Start(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
