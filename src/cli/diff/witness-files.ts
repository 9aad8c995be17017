/** Witnesses as files: for each cause of each change a flow, and the cluster made up for it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ReportedChange } from '../../analysis/diff/clusters.js';
import { diagnostic, InputError } from '../../diagnostics.js';
import { documentsText } from '../documents-text.js';
import { reasonOf, writeWhole } from '../base/write-file.js';

/**
 * Numbers them in the order of the report: `flow-1.yaml`, and `cluster-1.yaml` where a cluster was made up.
 * @throws InputError where the operating system refuses
 */
export function writeWitnesses(folder: string, changes: readonly ReportedChange[]): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new InputError([
      diagnostic('cli/cannot-write', { path: folder, reason: reasonOf(error) }),
    ]);
  }
  const causes = changes.flatMap((change) => change.causes.map((cause) => ({ change, cause })));
  for (const [i, { change, cause }] of causes.entries()) {
    const number = i + 1;
    const what = `# ${change.tag}: ${change.from.text} → ${change.to.text}, ${cause.ports} (${change.fingerprint})\n`;
    const comment = what.replace(/[\r\n]+(?=.)/g, ' ');
    writeWhole(join(folder, `flow-${number}.yaml`), comment + stringify([cause.witness]));
    if (cause.madeUp === undefined) continue;
    const text = comment + documentsText(cause.madeUp.objects);
    writeWhole(join(folder, `cluster-${number}.yaml`), text);
  }
}
