/** `policyc fmt`: puts files of the policy language into their one form. */
import { diagnostic, hasErrors, throwIfErrors, type Diagnostic } from '../diagnostics.js';
import { SourceCache } from '../front-end.js';
import { formatPolicy } from '../parser/format-policy.js';
import { plural } from '../render/terminal.js';
import { visible } from '../render/visible-text.js';
import type { SourceFile } from '../source.js';
import { BAD_INPUT, DONE, NEGATIVE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';
import { writeWhole } from './base/write-file.js';

interface Formatted {
  readonly file: SourceFile;
  readonly text: string;
}

export async function run(session: Session): Promise<ExitCode> {
  const check = session.flag('check');
  const diagnostics: Diagnostic[] = [];
  const formatted: Formatted[] = [];
  for (const file of languageFiles(session)) {
    const { value: text, diagnostics: problems } = formatPolicy(file);
    for (const one of problems) diagnostics.push(one);
    if (text !== undefined) formatted.push({ file, text });
  }
  const changed = formatted.filter(({ file, text }) => file.text !== text);
  for (const { file, text } of formatted) {
    if (check) continue;
    if (file.path === '-') session.print(text);
    else if (file.text !== text) writeWhole(file.path, text);
  }
  printResult(session, formatted, changed, check);
  await session.report(diagnostics);
  if (hasErrors(diagnostics)) return BAD_INPUT;
  return check && changed.length > 0 ? NEGATIVE : DONE;
}

/** Folders may hold manifests beside policy files: those are left alone. */
function languageFiles(session: Session): readonly SourceFile[] {
  const { value: files = [], diagnostics } = new SourceCache(session.io.stdin).read(
    session.operands,
  );
  const named = new Set(session.operands);
  const isLanguage = ({ path }: SourceFile): boolean => path === '-' || path.endsWith('.pol');
  const refused = files
    .filter((file) => named.has(file.path) && !isLanguage(file))
    .map(({ path }) => diagnostic('cli/not-formattable', { path }));
  throwIfErrors([...diagnostics, ...refused]);
  return files.filter(isLanguage);
}

function printResult(
  session: Session,
  all: readonly Formatted[],
  changed: readonly Formatted[],
  check: boolean,
): void {
  // The text of standard input is the answer then.
  if (!check && all.some(({ file }) => file.path === '-')) return;
  if (session.json) {
    const isChanged = new Set(changed);
    session.printJson(all.map((one) => ({ path: one.file.path, changed: isChanged.has(one) })));
    return;
  }
  const word = check ? 'would change' : 'formatted';
  for (const { file } of changed) session.print(`${word} ${visible(file.path)}\n`);
  const unchanged = all.length - changed.length;
  session.print(
    `${plural(changed.length, 'file')} ${check ? 'to format' : 'formatted'}, ${unchanged} as they should be\n`,
  );
}
