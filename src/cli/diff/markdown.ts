/** A difference as Markdown, for a comment on a change. */
import type { DiffDocument, ReportedChange } from '../../analysis/diff/clusters.js';
import type { CauseReport } from '../../analysis/report.js';
import { codeMarkdown as code, escapeMarkdown as escape } from '../../render/markdown.js';
import { costLines } from './cost.js';
import { clustersText, flowText, MAX_CAUSES, portsText, summaryText, verdictText } from './text.js';

/** A comment has a limit of 65,536 characters. */
const MAX_CHANGES = 40;

export function diffMarkdown(document: DiffDocument): string {
  const open = document.changes.filter(({ accepted }) => accepted === undefined);
  const accepted = document.changes.filter((one) => one.accepted !== undefined);
  const parts = [
    `**${escape(summaryText(document))}**\n`,
    tableOf(document, open),
    ...(open.length === 0 ? [] : [detailsOf(open)]),
    ...(accepted.length === 0 ? [] : [acceptedOf(accepted)]),
    `Cost: ${escape(costLines(document).join('; '))}\n`,
    assumptionsOf(document),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function tableOf(document: DiffDocument, changes: readonly ReportedChange[]): string {
  if (changes.length === 0) return '';
  const many = document.clusters.length > 1;
  const head = ['', 'from', 'to', 'ports', 'now', ...(many ? ['clusters'] : [])];
  const rows = changes.slice(0, MAX_CHANGES).map((change) => {
    const [cause] = change.causes;
    const others = change.causes.length - 1;
    const now = cause === undefined ? '' : verdictText(cause.is, cause.sides);
    return [
      change.tag === 'widened' ? '➕ allowed' : '➖ denied',
      change.from.text,
      change.to.text,
      portsText(change),
      others > 0 ? `${now}; ${others} more rules` : now,
      ...(many ? [clustersText(document, change)] : []),
    ];
  });
  const rest = changes.length - rows.length;
  return [
    `| ${head.join(' | ')} |\n`,
    `|${head.map(() => ' --- |').join('')}\n`,
    ...rows.map((cells) => `| ${cells.map(escape).join(' | ')} |\n`),
    rest > 0 ? `\n… and ${rest} more\n` : '',
  ].join('');
}

function detailsOf(changes: readonly ReportedChange[]): string {
  const items = changes.slice(0, MAX_CHANGES).map((change) => {
    const causes = change.causes
      .slice(0, MAX_CAUSES)
      .map(
        ({ was, is, sides, witness, madeUp }) =>
          `  * was ${escape(verdictText(was, sides))}; now ${escape(verdictText(is, sides))}\n` +
          `  * try ${code(flowText(witness))}${madeUpText(madeUp)}\n`,
      );
    const rest = change.causes.length - MAX_CAUSES;
    const more = rest > 0 ? `  * … and ${rest} more by other rules\n` : '';
    const head = `${change.from.text} → ${change.to.text}, ${portsText(change)}`;
    return `* ${escape(head)} ${code(change.fingerprint)}\n${causes.join('')}${more}`;
  });
  return `<details><summary>Rules and witnesses</summary>\n\n${items.join('')}\n</details>\n`;
}

function madeUpText(madeUp: CauseReport['madeUp']): string {
  return madeUp === undefined ? '' : ` with ${escape(madeUp.cast.join('; '))}`;
}

function assumptionsOf({ symbolic }: DiffDocument): string {
  if (symbolic === undefined) return '';
  return `Given: ${escape(symbolic.assumptions.join('. '))}\n`;
}

function acceptedOf(changes: readonly ReportedChange[]): string {
  const items = changes.map(
    ({ from, to, fingerprint, accepted, ...change }) =>
      `* ${escape(`${from.text} → ${to.text}, ${portsText(change)}`)} ${code(fingerprint)}: ${escape(accepted ?? '')}\n`,
  );
  return `Accepted:\n\n${items.join('')}`;
}
