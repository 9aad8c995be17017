/** Accepted changes: a list that is kept with the policies, of fingerprints and why they are fine. */
import { diagnostic, type Diagnostic, type Outcome } from '../../diagnostics.js';
import { parseDocuments } from '../../parser/yaml/documents.js';
import { firstLine } from '../../parser/yaml/positions.js';
import type { JsonValue } from '../../parser/yaml/value.js';
import { span, type SourceFile, type Span } from '../../source.js';
import type { Change } from '../report.js';

export interface Acceptance {
  readonly fingerprint: string;
  readonly reason: string;
  readonly origin: Span;
}

export function readAcceptances(file: SourceFile): Outcome<readonly Acceptance[]> {
  const { documents, diagnostics: faults, positions } = parseDocuments(file);
  const diagnostics: Diagnostic[] = [...faults];
  const acceptances: Acceptance[] = [];
  const whole = span(file, 0, file.text.length);
  for (const { value } of documents) {
    if (!Array.isArray(value)) {
      diagnostics.push(diagnostic('diff/bad-acceptance', { reason: 'it is no list' }, whole));
      continue;
    }
    for (const entry of value as readonly JsonValue[]) {
      const isObject = typeof entry === 'object' && entry !== null;
      const extent = isObject ? positions.extentOf(entry) : undefined;
      const line = firstLine(file.text, extent ?? { start: 0, end: file.text.length });
      const origin = span(file, line.start, line.end);
      const read = readEntry(entry);
      if (typeof read === 'string') {
        diagnostics.push(diagnostic('diff/bad-acceptance', { reason: read }, origin));
      } else {
        acceptances.push({ ...read, origin });
      }
    }
  }
  return diagnostics.length > 0 ? { diagnostics } : { value: acceptances, diagnostics };
}

/** The entry, or what is wrong with it. */
function readEntry(entry: JsonValue): Omit<Acceptance, 'origin'> | string {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return 'an entry is no mapping';
  }
  const fields = new Map<string, JsonValue>(Object.entries(entry));
  const fingerprint = fields.get('fingerprint');
  const reason = fields.get('reason');
  if (typeof fingerprint !== 'string' || !/^[0-9a-f]{16}$/.test(fingerprint)) {
    return 'an entry has no `fingerprint` of 16 hexadecimal digits in quotes';
  }
  if (typeof reason !== 'string' || reason.trim() === '') return 'an entry has no `reason`';
  const other = [...fields.keys()].find((key) => key !== 'fingerprint' && key !== 'reason');
  return other === undefined
    ? { fingerprint, reason }
    : `an entry has an unknown field \`${other}\``;
}

/** Entries that no change has. */
export function staleAcceptances(
  acceptances: readonly Acceptance[],
  changes: readonly Pick<Change, 'fingerprint'>[],
): readonly Diagnostic[] {
  const present = new Set(changes.map(({ fingerprint }) => fingerprint));
  return acceptances
    .filter(({ fingerprint }) => !present.has(fingerprint))
    .map(({ fingerprint, origin }) => diagnostic('diff/stale-acceptance', { fingerprint }, origin));
}
