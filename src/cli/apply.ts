/** `policyc apply`: puts a bundle in force on a node. */
import { applyBundle, rehearseBundle, type NodeRehearsal, type NodeResult } from '../apply.js';
import { readBundle } from '../codegen/bundle.js';
import { bug, throwIfErrors } from '../diagnostics.js';
import { loadCluster, SourceCache } from '../front-end.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import type { SourceFile } from '../source.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import { handoverText, unseenSockets } from './handover-text.js';
import { memoryText } from './memory-text.js';
import { readBytes } from './base/read-bytes.js';
import { readOne } from './base/read-one.js';
import type { Session } from './base/session.js';

export async function run(session: Session): Promise<ExitCode> {
  const [path = ''] = session.operands;
  const node = session.requiredText('node');
  const root = session.requiredText('root');
  const at = session.instant('at');
  const bytes = readBytes(path, session.io.stdin);
  const bundle = readBundle(path, bytes);
  const cache = new SourceCache(session.io.stdin);
  const cluster = await readCluster(session, cache);
  const interfaces = readInterfaces(session, cache);
  const now = session.io.now();
  const stateDir = session.requiredText('state-dir');
  const options = { bundle, cluster, node, interfaces, root, stateDir, at, now };
  const refuseCuts = session.flag('refuse-cuts');
  if (session.flag('dry-run')) {
    await printRehearsal(session, bundle.digest, rehearseBundle({ ...options, refuseCuts }));
  } else {
    await printResult(session, bundle.digest, applyBundle({ ...options, bytes, refuseCuts }));
  }
  return DONE;
}

async function printRehearsal(
  session: Session,
  digest: string,
  result: NodeRehearsal,
): Promise<void> {
  await session.report(unseenSockets(result.handover));
  if (session.json) {
    session.printJson({ digest, ...result });
    return;
  }
  const { attached, replaced, removed, memory, handover } = result;
  session.print(
    `${digest.slice(0, 12)} would come into force: ` +
      `${attached.length} pods attached, ${replaced.length} replaced, ${removed.length} released\n` +
      `memory: ${memoryText(memory)}\n` +
      handoverText(handover, session.paint),
  );
}

export async function printResult(
  session: Session,
  digest: string,
  result: NodeResult,
): Promise<void> {
  await session.report(unseenSockets(result.handover));
  if (session.json) {
    session.printJson({ digest, ...result });
    return;
  }
  const { generation, attached, replaced, removed, swapMilliseconds, memory, handover } = result;
  session.print(
    `generation ${generation} of ${digest.slice(0, 12)} is in force: ` +
      `${attached.length} pods attached, ${replaced.length} replaced, ${removed.length} released; ` +
      `swapped in ${swapMilliseconds.toFixed(1)} ms\n` +
      `memory: ${memoryText(memory)}\n` +
      handoverText(handover, session.paint),
  );
}

/** The cluster of `--cluster`, after its warnings have been told. */
export async function readCluster(session: Session, cache: SourceCache): Promise<ClusterSnapshot> {
  const { value, diagnostics } = await loadCluster(session.list('cluster'), cache);
  throwIfErrors(diagnostics);
  await session.report(diagnostics);
  return value ?? bug('no cluster, and no error that says why');
}

/** The file of `--interfaces`. */
export function readInterfaces(session: Session, cache: SourceCache): SourceFile {
  const option = '--interfaces';
  const { value, diagnostics } = readOne(session.requiredText('interfaces'), option, cache);
  throwIfErrors(diagnostics);
  return value ?? bug('no file, and no error that says why');
}
