/** `policyc lsp`: the language server for editors, over standard input and output. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';
import { policycVersion } from './version.js';

/** For who tries it by hand and wonders what it waits for. */
const TERMINAL_NOTE =
  'policyc lsp waits for an editor to speak to it; docs/editors.md says how to set one up (Ctrl-C ends it)\n';

/** The connection ends the process, as the protocol has it: 0 behind `shutdown`, otherwise 1. */
export async function run(session: Session): Promise<ExitCode> {
  const { serve } = await import('../lsp/server.js');
  const { env, now } = session.io;
  if (process.stdin.isTTY) session.io.stderr.write(TERMINAL_NOTE);
  return serve({
    input: process.stdin,
    output: process.stdout,
    version: policycVersion(),
    env,
    now,
    // What is no path may be the name of a cluster of policyc.yaml.
    cluster: session.list('cluster').map((path) => (existsSync(path) ? resolve(path) : path)),
  });
}
