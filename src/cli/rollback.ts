/** `policyc rollback`: puts the bundle in force again that was before. */
import { previousBundle, rollBack } from '../apply.js';
import { readBundle } from '../codegen/bundle.js';
import { SourceCache } from '../front-end.js';
import { printResult, readCluster, readInterfaces } from './apply.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';

export async function run(session: Session): Promise<ExitCode> {
  const node = session.requiredText('node');
  const root = session.requiredText('root');
  const stateDir = session.requiredText('state-dir');
  const at = session.instant('at');
  const { path, bytes } = previousBundle(root, stateDir);
  const bundle = readBundle(path, bytes);
  const cache = new SourceCache(session.io.stdin);
  const cluster = await readCluster(session, cache);
  const interfaces = readInterfaces(session, cache);
  const now = session.io.now();
  const options = { bundle, cluster, node, interfaces, root, stateDir, at, now };
  await printResult(session, bundle.digest, rollBack(options));
  return DONE;
}
