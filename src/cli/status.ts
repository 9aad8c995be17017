/** `policyc status`: what is in force on this node. */
import { readStatus, type AttachedPod, type DeployStatus } from '../loader/deploy/status.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';
import { renderTable, type TableCell } from './base/table.js';

export function run(session: Session): Promise<ExitCode> {
  const root = session.requiredText('root');
  const status = readStatus(root);
  if (session.json) session.printJson(status);
  else printText(session, status);
  return Promise.resolve(DONE);
}

function printText(session: Session, { root, control, generations, pods }: DeployStatus): void {
  const { paint } = session;
  if (generations.length === 0 && pods.length === 0) {
    session.print(`nothing is in force under ${root}\n`);
    return;
  }
  const generationRows = generations.map((one): readonly TableCell[] => [
    { text: String(one.generation), align: 'right' },
    { text: one.record?.half === undefined ? '?' : String(one.record.half), align: 'right' },
    one.inForce ? { text: 'in force' } : { text: 'not in force', style: 'warning' },
    { text: one.record?.digest.slice(0, 12) ?? '?' },
    { text: one.record?.node ?? '?' },
    { text: one.record?.since ?? 'its apply was killed' },
  ]);
  const heads = ['GENERATION', 'HALF', 'STATE', 'BUNDLE', 'NODE', 'SINCE'];
  session.print(renderTable(heads, generationRows, paint));
  if (control !== undefined) {
    const both = control.both ? '; both halves must allow: an apply is at work, or was killed' : '';
    session.print(`\ngates open to half ${control.half}${both}\n`);
  }
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
  if (generation === undefined) return { text: `${kind} gate ${programId}, shut`, style: 'error' };
  const text = `${kind} gate ${programId}, generation ${generation}`;
  if (behind === 0) return { text };
  return { text: `${text}, behind ${behind} of others`, style: 'warning' };
}
