/** Reads the one text file that an option names. */
import { diagnostic, type Outcome } from '../../diagnostics.js';
import type { SourceCache } from '../../front-end.js';
import type { SourceFile } from '../../source.js';

/** @param option for the message where the path holds several files: `--flows` */
export function readOne(path: string, option: string, cache: SourceCache): Outcome<SourceFile> {
  const { value: files, diagnostics } = cache.read([path]);
  const [file, second] = files ?? [];
  if (files !== undefined && second !== undefined) {
    const args = { option, path, count: files.length };
    return { diagnostics: [...diagnostics, diagnostic('cli/not-one-file', args)] };
  }
  return file === undefined ? { diagnostics } : { value: file, diagnostics };
}
