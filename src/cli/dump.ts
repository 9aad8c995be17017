/** `policyc dump`: what is in a bundle, down to the instruction and the policy line that caused it. */
import { readBundle, type Bundle } from '../codegen/bundle.js';
import { disassemble } from '../codegen/object/disassemble.js';
import { readElf } from '../codegen/object/elf-read.js';
import type { ObjectImage } from '../codegen/object/object-image.js';
import { normalize } from '../ir/normalize.js';
import { deciderName, deciderOrigin } from '../ir/normal-model.js';
import { formatPlace, lineText, placeOf } from '../source.js';
import { bundleReport, bundleText } from './bundle-report.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import { readBytes } from './base/read-bytes.js';
import type { Session } from './base/session.js';
import { renderTable } from './base/table.js';

interface CellReport {
  /** What a verdict cell and an event carry. */
  readonly decider: number;
  readonly kind: 'rule' | 'isolation';
  readonly name: string;
  readonly at: string;
  readonly text: string;
}

export function run(session: Session): Promise<ExitCode> {
  const [path = ''] = session.operands;
  const bytes = readBytes(path, session.io.stdin);
  const bundle = readBundle(path, bytes);
  for (const [variant, object] of bundle.objects) {
    const image = readElf(object);
    if (session.json) printJson(session, bundle, variant, image, bytes.length);
    else printText(session, path, bundle, image, bytes.length);
  }
  return Promise.resolve(DONE);
}

function printText(
  session: Session,
  path: string,
  bundle: Bundle,
  image: ObjectImage,
  bytes: number,
): void {
  const { paint } = session;
  const rows = cellsOf(bundle).map((one) => [
    { text: String(one.decider), align: 'right' as const },
    { text: one.name },
    { text: one.at },
    { text: one.text },
  ]);
  session.print(bundleText(path, bundleReport(bundle, image, bytes), paint));
  session.print(`\n${renderTable(['CELL', 'DECIDED BY', 'AT', 'LINE'], rows, paint)}`);
  session.print(`\n${disassemble(image)}`);
}

function printJson(
  session: Session,
  bundle: Bundle,
  variant: string,
  image: ObjectImage,
  bytes: number,
): void {
  session.printJson({
    variant,
    ...bundleReport(bundle, image, bytes),
    manifest: bundle.manifest,
    cells: cellsOf(bundle),
    disassembly: disassemble(image).split('\n'),
  });
}

/** Cells hold the number of the decider; the order of the model in the bundle gives its line. */
function cellsOf(bundle: Bundle): readonly CellReport[] {
  const lines = new Map<string, string>();
  return normalize(bundle.model).deciders.flatMap((decider, index) => {
    const name = deciderName(decider);
    const origin = deciderOrigin(decider);
    if (decider.kind === 'none' || name === undefined || origin === undefined) return [];
    const { path, line } = placeOf(origin);
    const key = `${path}:${line}`;
    // One line may hold all rules, and millions of characters.
    const text = lines.get(key) ?? lineText(origin.file, line).trim();
    lines.set(key, text);
    return [{ decider: index, kind: decider.kind, name, at: formatPlace(origin), text }];
  });
}
