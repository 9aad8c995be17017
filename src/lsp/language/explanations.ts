/** The explanations of all codes as one page on the disk, which diagnostics link to. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { catalog, type DiagnosticCode } from '../../catalog/index.js';

interface Page {
  readonly text: string;
  /** Counted from 1. */
  readonly lineOf: ReadonlyMap<string, number>;
}

/** What `policyc help CODE` says, for every code. */
export function explanationPage(): Page {
  const lines = ['# What policyc reports', ''];
  const lineOf = new Map<string, number>();
  for (const code of (Object.keys(catalog) as DiagnosticCode[]).sort()) {
    const { severity, explanation } = catalog[code];
    lineOf.set(code, lines.length + 1);
    lines.push(`## ${code} (${severity})`, '', ...explanation.split('\n'), '');
  }
  return { text: lines.join('\n'), lineOf };
}

/**
 * Writes the page into the user's cache, named after its content.
 * @returns links by code; none where the cache cannot be written
 */
export function writeExplanations(
  env: Readonly<Record<string, string | undefined>>,
): (code: string) => string | undefined {
  const { text, lineOf } = explanationPage();
  const cache = env['XDG_CACHE_HOME'] ?? '';
  const folder = join(cache.startsWith('/') ? cache : join(homedir(), '.cache'), 'policyc');
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const path = join(folder, `diagnostics-${hash}.md`);
  try {
    if (!existsSync(path)) {
      mkdirSync(folder, { recursive: true });
      // Whole or not at all: another server may be reading it.
      writeFileSync(`${path}.${process.pid}`, text);
      renameSync(`${path}.${process.pid}`, path);
    }
  } catch {
    return () => undefined;
  }
  const { href } = pathToFileURL(path);
  return (code) => {
    const line = lineOf.get(code);
    return line === undefined ? undefined : `${href}#L${line}`;
  };
}
