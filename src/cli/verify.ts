/** `policyc verify`: whether a bundle's bytecode does in a cluster what its policies mean. */
import { readBundle } from '../codegen/bundle.js';
import { bug } from '../diagnostics.js';
import { SourceCache } from '../front-end.js';
import type { StartRunner } from '../validate/validate.js';
import { verifyBundle, type Verification } from '../verify.js';
import { readCluster } from './apply.js';
import { validatedText } from './bundle-report.js';
import { DONE, NEGATIVE, type ExitCode } from './base/exit-codes.js';
import { readBytes } from './base/read-bytes.js';
import type { Session } from './base/session.js';

export async function run(session: Session): Promise<ExitCode> {
  const [path = ''] = session.operands;
  const engine = session.requiredText('engine');
  const at = session.instant('at');
  const bundle = readBundle(path, readBytes(path, session.io.stdin));
  const cluster = await readCluster(session, new SourceCache(session.io.stdin));
  const node = session.text('node');
  session.progress.stage('verifying');
  const start = await runnerOf(engine);
  const options = { bundle, cluster, at, start };
  const found = verifyBundle(node === undefined ? options : { ...options, node });
  await print(session, path, engine, found);
  return found.mismatch === undefined ? DONE : NEGATIVE;
}

async function runnerOf(engine: string): Promise<StartRunner> {
  switch (engine) {
    case 'vm':
      return (await import('../codegen/wasm-engine.js')).createBulkRunner;
    case 'kernel':
      return (await import('../loader/kernel-engine.js')).createKernelRunner;
    default:
      return bug(`no engine ${engine}`);
  }
}

async function print(
  session: Session,
  path: string,
  engine: string,
  { mismatch, mode, packets, pods }: Verification,
): Promise<void> {
  const verified = mismatch === undefined;
  if (session.json) {
    const { message, hint } = mismatch ?? {};
    session.printJson({ verified, engine, mode, packets, pods, message, hint });
    return;
  }
  if (mismatch !== undefined) await session.answer([mismatch], 'text');
  const how = `${validatedText({ mode, packets, pods })}; engine ${engine}`;
  session.print(`${path}: ${verified ? 'verified' : 'not verified'}: ${how}\n`);
}
