/** Runs the command line in this process, with streams that remember what was written. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/cli/run.js';
import type { Io, Output } from '../../src/cli/base/io.js';

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface InvokeOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the streams are terminals. */
  readonly terminal?: boolean;
  readonly now?: number;
}

export async function invoke(
  argv: readonly string[],
  options: InvokeOptions = {},
): Promise<Result> {
  const stdout = memory(options.terminal === true);
  const stderr = memory(options.terminal === true);
  const folder = mkdtempSync(join(tmpdir(), 'policyc-stdin-'));
  writeFileSync(join(folder, 'stdin'), options.stdin ?? '');
  const stdin = openSync(join(folder, 'stdin'), 'r');
  const now = (): number => options.now ?? Date.UTC(2026, 0, 1);
  const io: Io = { stdout, stderr, stdin, env: options.env ?? {}, now };
  try {
    const code = await run(argv, io);
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    closeSync(stdin);
    rmSync(folder, { recursive: true });
  }
}

function memory(isTerminal: boolean): Output & { readonly text: () => string } {
  const chunks: Buffer[] = [];
  return {
    isTerminal,
    columns: isTerminal ? 80 : undefined,
    write: (content) => void chunks.push(Buffer.from(content)),
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}
