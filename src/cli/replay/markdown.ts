/** A replay as Markdown, for a comment on a change. */
import type { RowKind } from '../../analysis/replay/report.js';
import { rowsOf } from '../../analysis/replay.js';
import { codeMarkdown, escapeMarkdown, tableMarkdown } from '../../render/markdown.js';
import { flowText, verdictText } from '../diff/text.js';
import {
  countText,
  flowsText,
  logText,
  MOST_ROWS,
  replaySummary,
  ROW_TITLES,
  seenText,
  type ReplayDocument,
} from './text.js';

const SIGNS: Readonly<Record<RowKind, string>> = { cut: '➖', opened: '➕', disagrees: '❔' };

export function replayMarkdown(document: ReplayDocument): string {
  const parts = [
    `**${escapeMarkdown(replaySummary(document))}**\n`,
    ...(['cut', 'opened', 'disagrees'] as const).map((kind) => section(document, kind)),
    idleSection(document),
    unknownSection(document),
    document.logs.map((log) => `* ${escapeMarkdown(logText(log))}\n`).join(''),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function section(document: ReplayDocument, kind: RowKind): string {
  const rows = rowsOf(document, kind);
  if (rows.length === 0) return '';
  const shown = rows.slice(0, MOST_ROWS);
  const table = tableMarkdown(
    ['from', 'to', 'ports', 'seen', 'now'],
    shown.map((row) => [
      row.from,
      row.to,
      row.ports,
      seenText(row),
      verdictText(row.is, row.sides),
    ]),
  );
  const rest = rows.length - shown.length;
  const flows = shown.map(({ example }) => `* try ${codeMarkdown(flowText(example))}\n`);
  const [, title, what] = ROW_TITLES[kind];
  return [
    `### ${SIGNS[kind]} ${title.toLowerCase()}: ${escapeMarkdown(what)}\n\n`,
    table,
    rest > 0 ? `\n… and ${rest} more\n` : '',
    `\n<details><summary>Flows to try</summary>\n\n${flows.join('')}\n</details>\n`,
  ].join('');
}

function idleSection({ idle }: ReplayDocument): string {
  if (idle.length === 0) return '';
  const items = idle.map(({ rule, at, matched }) => {
    const place = at === null ? '' : ` (${at})`;
    return `* ${escapeMarkdown(`${rule}${place}${matched ? ': matched, but other rules decide' : ''}`)}\n`;
  });
  const shown = items.slice(0, MOST_ROWS);
  const more = items.length > shown.length ? `* … and ${items.length - shown.length} more\n` : '';
  return `<details><summary>${idle.length} rules that decided nothing</summary>\n\n${shown.join('')}${more}\n</details>\n`;
}

function unknownSection({ unknown, flows }: ReplayDocument): string {
  if (unknown.length === 0) return '';
  const items = unknown.map(
    ({ end, why, count, at }) =>
      `* ${escapeMarkdown(`${end}: ${why}; ${countText(count)}×, first at ${at}`)}\n`,
  );
  const shown = items.slice(0, MOST_ROWS);
  const more = items.length > shown.length ? `* … and ${items.length - shown.length} more\n` : '';
  return `<details><summary>${flowsText(flows.unknown)} that cannot be judged</summary>\n\n${shown.join('')}${more}\n</details>\n`;
}
