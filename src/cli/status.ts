/** `policyc status`: what is in force on this node. */
import { readStatus, type AttachedPod, type DeployStatus } from '../loader/deploy-status.js';
import { DONE, type ExitCode } from './exit-codes.js';
import type { Session } from './session.js';
import { renderTable, type TableCell } from './table.js';

export function run(session: Session): Promise<ExitCode> {
  const root = session.requiredText('root');
  const status = readStatus(root);
  if (session.json) session.printJson(status);
  else printText(session, status);
  return Promise.resolve(DONE);
}

function printText(session: Session, { root, generations, pods }: DeployStatus): void {
  const { paint } = session;
  if (generations.length === 0 && pods.length === 0) {
    session.print(`nothing is in force under ${root}\n`);
    return;
  }
  const generationRows = generations.map(({ generation, record }): readonly TableCell[] => [
    { text: String(generation), align: 'right' },
    { text: record?.digest.slice(0, 12) ?? '?' },
    { text: record?.node ?? '?' },
    { text: record?.since ?? 'never: its apply was killed' },
  ]);
  session.print(renderTable(['GENERATION', 'BUNDLE', 'NODE', 'SINCE'], generationRows, paint));
  session.print(
    `\n${renderTable(['POD', 'INTERFACE', 'TO POD', 'FROM POD'], podRows(pods), paint)}`,
  );
}

function podRows(pods: readonly AttachedPod[]): readonly (readonly TableCell[])[] {
  return pods.map((pod) => [
    { text: pod.pod },
    { text: pod.device ?? '?' },
    programCell(pod, 'to_pod'),
    programCell(pod, 'from_pod'),
  ]);
}

function programCell(pod: AttachedPod, direction: 'to_pod' | 'from_pod'): TableCell {
  const program = pod.programs.find((one) => one.direction === direction);
  if (program === undefined) return { text: 'not attached', style: 'error' };
  if (!program.attached) return { text: 'no longer attached', style: 'warning' };
  const { kind, programId, generation, behind } = program;
  const text = `${kind} program ${programId}, generation ${generation ?? '?'}`;
  if (behind === 0) return { text };
  return { text: `${text}, behind ${behind} of others`, style: 'warning' };
}
