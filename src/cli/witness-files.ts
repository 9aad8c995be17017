/** Witnesses as files: flows that show something, each with the cluster made up for it. */
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ReportedChange } from '../analysis/diff/clusters.js';
import type { FlowEntry, MadeUpCluster } from '../analysis/report.js';
import { documentsText } from './documents-text.js';
import { makeFolder, writeWhole } from './base/write-file.js';

/** A flow to write down, and what it shows. */
export interface WitnessFile {
  readonly title: string;
  readonly flow: FlowEntry;
  readonly madeUp: MadeUpCluster | undefined;
}

export function witnessesOf(changes: readonly ReportedChange[]): readonly WitnessFile[] {
  return changes.flatMap(({ tag, from, to, fingerprint, causes }) =>
    causes.map(({ ports, witness, madeUp }) => ({
      title: `${tag}: ${from.text} → ${to.text}, ${ports} (${fingerprint})`,
      flow: witness,
      madeUp,
    })),
  );
}

/**
 * Numbers them in the order of the report: `flow-1.yaml`, and `cluster-1.yaml` where a cluster was made up.
 * @throws InputError where the operating system refuses
 */
export function writeWitnesses(folder: string, witnesses: readonly WitnessFile[]): void {
  makeFolder(folder);
  for (const [i, { title, flow, madeUp }] of witnesses.entries()) {
    const comment = `# ${title.replace(/\s+/g, ' ')}\n`;
    writeWhole(join(folder, `flow-${i + 1}.yaml`), comment + stringify([flow]));
    if (madeUp === undefined) continue;
    const text = comment + documentsText(madeUp.objects);
    writeWhole(join(folder, `cluster-${i + 1}.yaml`), text);
  }
}
