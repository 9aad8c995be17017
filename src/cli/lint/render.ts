/** A lint's result as text, Markdown and JSON, and fixes as a patch. */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import type { Diagnostic } from '../../diagnostics.js';
import type { LintResult } from '../../lint.js';
import type { Repaired } from '../../lint/repair.js';
import { jsonDiagnostic } from '../../render/json.js';
import { codeMarkdown, escapeMarkdown, tableMarkdown } from '../../render/markdown.js';
import type { Paint } from '../../render/paint.js';
import { plural, renderTerminal } from '../../render/terminal.js';
import { visible } from '../../render/visible-text.js';
import { formatPlace } from '../../source.js';
import type { Session } from '../base/session.js';

/** Nobody reads more, and finding a fix takes parsing again. */
const MOST_WITH_FIXES = 1000;

export function lintText(
  { diagnostics, allowed, withFix }: LintResult,
  contents: string,
  { paint, columns }: Pick<Session, 'paint' | 'columns'>,
  repaired?: Repaired,
): string {
  const done = repaired === undefined || repaired.fixes === 0 ? '' : fixedText(repaired, paint);
  const told = diagnostics.map((one, i) => (i < MOST_WITH_FIXES ? withFix(one) : one));
  const body = renderTerminal(told, { paint, columns });
  if (diagnostics.length === 0) {
    const where = contents === '' ? '' : ` in ${contents}`;
    return `${done}${paint('success', 'no problems')}${where}${allowedText(allowed)}\n`;
  }
  const notes = [
    fixableText(told),
    allowed.length === 0 ? '' : `${plural(allowed.length, 'finding')} allowed by comments`,
    diagnostics.some(({ code }) => code.startsWith('lint/'))
      ? '`policyc help CODE` explains a finding'
      : '',
  ].filter((one) => one !== '');
  return `${done}${body}${notes.map((one) => `${one}\n`).join('')}`;
}

function allowedText(allowed: readonly Diagnostic[]): string {
  return allowed.length === 0 ? '' : `; ${plural(allowed.length, 'finding')} allowed by comments`;
}

function fixableText(diagnostics: readonly Diagnostic[]): string {
  const fixes = diagnostics.flatMap(({ fix }) => fix ?? []);
  const safe = fixes.filter(({ keepsMeaning }) => keepsMeaning).length;
  const unsafe = fixes.length - safe;
  return [
    safe === 0
      ? ''
      : `${safe} can be fixed without a change of meaning: \`--fix\`, or \`--diff\` to see how`,
    unsafe === 0 ? '' : `${unsafe} can be fixed with one: \`--unsafe-fixes\``,
  ]
    .filter((one) => one !== '')
    .join('\n');
}

function fixedText({ files, fixes }: Repaired, paint: Paint): string {
  const paths = files.map(({ path }) => visible(path)).join(', ');
  return `${paint('success', 'fixed')} ${plural(fixes, 'finding')} in ${paths}\n\n`;
}

/** A patch that `git apply` and `patch -p0` take. */
export function patchText({ files }: Repaired, paint: Paint): string {
  if (files.length === 0) return `${paint('success', 'nothing to fix')}\n`;
  return files
    .map(({ path, before, after }) =>
      createTwoFilesPatch(path, path, before, after, undefined, undefined, {
        context: 3,
        headerOptions: FILE_HEADERS_ONLY,
      })
        .split('\n')
        .map((line) => paintLine(line, paint))
        .join('\n'),
    )
    .join('');
}

function paintLine(line: string, paint: Paint): string {
  if (line.startsWith('---') || line.startsWith('+++')) return paint('strong', visible(line));
  if (line.startsWith('+')) return paint('success', visible(line));
  if (line.startsWith('-')) return paint('error', visible(line));
  if (line.startsWith('@@')) return paint('frame', line);
  return visible(line);
}

export function lintJson(
  { diagnostics, allowed, withFix }: LintResult,
  repaired?: Repaired,
): string {
  const count = (severity: string): number =>
    diagnostics.filter((one) => one.severity === severity).length;
  const document = {
    errors: count('error'),
    warnings: count('warning'),
    diagnostics: diagnostics.map((one) => jsonDiagnostic(withFix(one))),
    allowed: allowed.map(jsonDiagnostic),
    ...(repaired === undefined
      ? {}
      : { fixed: { fixes: repaired.fixes, files: repaired.files.map(({ path }) => path) } }),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** A comment has a limit of 65,536 characters. */
const MOST_ROWS = 100;

export function lintMarkdown({ diagnostics, allowed }: LintResult): string {
  if (diagnostics.length === 0) return `No findings${allowedText(allowed)}.\n`;
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const counts = [
    ...(errors === 0 ? [] : [plural(errors, 'error')]),
    ...(warnings === 0 ? [] : [plural(warnings, 'warning')]),
  ];
  const rows = diagnostics
    .slice(0, MOST_ROWS)
    .map((one) => [
      one.severity === 'error' ? '❌' : '⚠️',
      one.span === undefined ? '' : formatPlace(one.span),
      one.message,
      one.hint ?? '',
      one.code,
    ]);
  const table = tableMarkdown(['', 'where', 'what', 'hint', 'code'], rows);
  const rest = diagnostics.length - rows.length;
  const more = rest > 0 ? `\n… and ${rest} more\n` : '';
  const reasons = allowed
    .slice(0, MOST_ROWS)
    .map(
      ({ code, span, allowedFor = '' }) =>
        `* ${codeMarkdown(code)} at ${span === undefined ? '' : escapeMarkdown(formatPlace(span))}: ${escapeMarkdown(allowedFor)}\n`,
    );
  const list = reasons.length === 0 ? '' : `\nAllowed by comments:\n\n${reasons.join('')}`;
  return `**${counts.join(', ')}**\n\n${table}${more}${list}`;
}
