/** Reads a binary file that the command line names. */
import { readFileSync } from 'node:fs';
import { diagnostic, InputError } from '../../diagnostics.js';
import { reasonOf } from './write-file.js';

/** @param path `-` for standard input @throws InputError where it cannot be read */
export function readBytes(path: string, standardInput: number): Uint8Array {
  try {
    return readFileSync(path === '-' ? standardInput : path);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new InputError([
      missing
        ? diagnostic('source/not-found', { path })
        : diagnostic('source/unreadable', { path, reason: reasonOf(error) }),
    ]);
  }
}
