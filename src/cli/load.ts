/** `policyc load`: pins a bundle's programs for other tools, and prints where they are. */
import { resolve } from 'node:path';
import { loadBundle } from '../apply.js';
import { readBundle } from '../codegen/bundle.js';
import { SourceCache } from '../front-end.js';
import { readCluster } from './apply.js';
import { DONE, type ExitCode } from './exit-codes.js';
import { readBytes } from './read-bytes.js';
import type { Session } from './session.js';

export async function run(session: Session): Promise<ExitCode> {
  const [path = ''] = session.operands;
  const at = session.instant('at');
  const bundle = readBundle(path, readBytes(path, session.io.stdin));
  const cluster = await readCluster(session, new SourceCache(session.io.stdin));
  const node = session.text('node');
  const folder = resolve(session.requiredText('root'), session.requiredText('pin'));
  const now = session.io.now();
  const options = { bundle, cluster, at, folder, now };
  session.printJson(loadBundle(node === undefined ? options : { ...options, node }));
  return DONE;
}
