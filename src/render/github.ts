/** Diagnostics as workflow commands of GitHub Actions, which become annotations of a change. */
import type { Diagnostic } from '../diagnostics.js';
import { placeAt } from '../source.js';

/** One line for each; empty where there is nothing to say. */
export function renderGithub(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(commandOf).join('');
}

function commandOf({ severity, code, message, hint, span }: Diagnostic): string {
  const properties: Record<string, string | number> = { title: `policyc ${code}` };
  if (span !== undefined) {
    const start = placeAt(span.file, span.start);
    const end = placeAt(span.file, span.end);
    properties['file'] = start.path;
    properties['line'] = start.line;
    properties['endLine'] = end.line;
    // GitHub takes columns within one line alone.
    if (start.line === end.line) {
      properties['col'] = start.column;
      properties['endColumn'] = end.column;
    }
  }
  const list = Object.entries(properties).map(
    ([name, value]) => `${name}=${escapeProperty(String(value))}`,
  );
  const text = hint === undefined ? message : `${message}\n${hint}`;
  return `::${severity} ${list.join(',')}::${escapeData(text)}\n`;
}

/** As the runner reads them (actions/toolkit, command.ts). */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
