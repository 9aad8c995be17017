/** Reads files of any size line by line, gzip included, in memory that does not grow with them. */
import { closeSync, openSync, read as fsRead, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { diagnostic, InputError } from './diagnostics.js';
import { expandGlob, isGlob } from './globs.js';

const CHUNK = 1024 * 1024;
const LINE_FEED = 10;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** A longer one is no line of a log, and would not fit into memory a few times over. */
export const MAX_LINE = 16 * 1024 * 1024;

export interface LineOptions {
  /** The file descriptor that `-` stands for. */
  readonly standardInput: number;
  /** The bytes that were read of the file, compressed as they are. */
  readonly onBytes?: (count: number) => void;
}

/**
 * Calls `onLine` with each line that is not blank, and with its number counted from 1; in place of a line
 * that is too long with none. It returns false to stop.
 * @throws InputError where the file cannot be read to its end
 */
export async function readLines(
  path: string,
  { standardInput, onBytes }: LineOptions,
  onLine: (line: string | undefined, number: number) => boolean,
): Promise<void> {
  const splitter = new LineSplitter(onLine);
  try {
    for await (const bytes of unpacked(chunksOf(path, standardInput, onBytes))) {
      if (!splitter.push(bytes)) return;
    }
    splitter.finish();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw new InputError([diagnostic('source/unreadable', { path, reason: reasonOf(error) })]);
  }
}

/** Standard input is left open, since it is not ours. */
async function* chunksOf(
  path: string,
  standardInput: number,
  onBytes: LineOptions['onBytes'],
): AsyncGenerator<Buffer, void> {
  const descriptor = path === '-' ? standardInput : openSync(path, 'r');
  const read = promisify(fsRead);
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      let count: number;
      try {
        count = (await read(descriptor, chunk, 0, CHUNK, null)).bytesRead;
      } catch (error) {
        // A pipe that its other end made non-blocking has nothing to give yet.
        if (!(error instanceof Error) || !('code' in error) || error.code !== 'EAGAIN') throw error;
        await wait(10);
        continue;
      }
      if (count === 0) return;
      onBytes?.(count);
      yield chunk.subarray(0, count);
    }
  } finally {
    if (path !== '-') closeSync(descriptor);
  }
}

/** What was compressed is known by its first bytes, whatever it is called. */
async function* unpacked(source: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  const first = await source.next();
  if (first.done === true) return;
  const all = async function* (): AsyncGenerator<Buffer, void> {
    yield first.value;
    yield* source;
  };
  if (!GZIP_MAGIC.every((byte, i) => first.value[i] === byte)) {
    yield* all();
    return;
  }
  // Its errors come out where the result is read.
  const gunzip = pipeline(
    Readable.from(all()),
    createGunzip({ chunkSize: CHUNK }),
    () => undefined,
  );
  for await (const bytes of gunzip as AsyncIterable<Buffer>) yield bytes;
}

class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  /** Of a line that is too long, nothing is kept. */
  #overlong = false;
  #number = 0;

  constructor(private readonly onLine: (line: string | undefined, number: number) => boolean) {}

  push(bytes: Buffer): boolean {
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(LINE_FEED, start);
      if (end < 0) break;
      const text = this.#rest + this.#decoder.write(bytes.subarray(start, end));
      this.#rest = '';
      start = end + 1;
      if (!this.#line(text)) return false;
    }
    if (start < bytes.length) this.#rest += this.#decoder.write(bytes.subarray(start));
    if (this.#rest.length > MAX_LINE) {
      this.#overlong = true;
      this.#rest = '';
    }
    return true;
  }

  finish(): void {
    const text = this.#rest + this.#decoder.end();
    if (text !== '' || this.#overlong) this.#line(text);
  }

  #line(text: string): boolean {
    this.#number += 1;
    const line = this.#number === 1 && text.startsWith('\ufeff') ? text.slice(1) : text;
    if (this.#overlong || line.length > MAX_LINE) {
      this.#overlong = false;
      return this.onLine(undefined, this.#number);
    }
    return line.trim() === '' || this.onLine(line.trimEnd(), this.#number);
  }
}

/**
 * The files that paths mean: themselves, all below folders that are not hidden, or what globs match.
 * @throws InputError where a path leads nowhere
 */
export function filesAt(paths: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  for (const path of paths) {
    const files = path === '-' ? [path] : listFiles(path);
    if (files.length === 0) throw new InputError([diagnostic('source/not-found', { path })]);
    for (const file of files) {
      const real = file === '-' ? file : realpathSync(file);
      if (!seen.has(real)) found.add(file);
      seen.add(real);
    }
  }
  return [...found];
}

function listFiles(path: string): readonly string[] {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) {
      return readdirSync(path)
        .filter((name) => !name.startsWith('.'))
        .sort()
        .flatMap((name) => listFiles(join(path, name)));
    }
    if (stat !== undefined) return [path];
    return isGlob(path) ? [...expandGlob(path)].sort().flatMap(listFiles) : [];
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw new InputError([diagnostic('source/unreadable', { path, reason: reasonOf(error) })]);
  }
}

function reasonOf(error: Error): string {
  const text = /^[A-Z0-9]+: ([^,]+)/.exec(error.message)?.[1] ?? error.message;
  return text === 'unexpected end of file' ? 'its compressed part ends too soon' : text;
}
