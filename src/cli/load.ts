/** `policyc load`: pins a bundle's programs for other tools, and prints where they are. */
import { resolve } from 'node:path';
import { loadBundle } from '../apply.js';
import { readBundle } from '../codegen/bundle.js';
import { SourceCache } from '../front-end.js';
import { readCluster } from './apply.js';
import { memoryText } from './memory-text.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import { readBytes } from './base/read-bytes.js';
import type { Session } from './base/session.js';

export async function run(session: Session): Promise<ExitCode> {
  const [path = ''] = session.operands;
  const at = session.instant('at');
  const bundle = readBundle(path, readBytes(path, session.io.stdin));
  const cluster = await readCluster(session, new SourceCache(session.io.stdin));
  const node = session.text('node');
  const folder = resolve(session.requiredText('root'), session.requiredText('pin'));
  const now = session.io.now();
  const options = { bundle, cluster, at, folder, now };
  const { programs, memory } = loadBundle(node === undefined ? options : { ...options, node });
  session.printJson(programs);
  // The index alone is on standard output.
  session.io.stderr.write(`memory: ${memoryText(memory)}\n`);
  return DONE;
}
