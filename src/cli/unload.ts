/** `policyc unload`: stops enforcing on this node. */
import { removeHistory } from '../loader/deploy/history.js';
import { unload } from '../loader/deploy/status.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';

export function run(session: Session): Promise<ExitCode> {
  const root = session.requiredText('root');
  const result = unload(root);
  removeHistory(session.requiredText('state-dir'), root);
  if (session.json) session.printJson(result);
  else if (result.found) session.print(`${result.pods.length} pods released, ${root} removed\n`);
  else session.print(`nothing was in force under ${root}\n`);
  return Promise.resolve(DONE);
}
