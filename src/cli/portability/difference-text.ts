/** What two implementations judge differently: for people, on a terminal and as Markdown. */
import type { CauseReport } from '../../analysis/report.js';
import type { EditionReport, PortabilityDocument, TouchReport } from '../../portability.js';
import { codeMarkdown, escapeMarkdown, tableMarkdown } from '../../render/markdown.js';
import type { Paint } from '../../render/paint.js';
import { plural } from '../../render/terminal.js';
import { padVisible, visible } from '../../render/visible-text.js';
import { flowText, MAX_CAUSES, portsText, verdictText } from '../diff/text.js';
import { placesText } from './notes.js';

type PortabilityChange = PortabilityDocument['changes'][number];

/** More of them do not help a reader; JSON has all. */
const MAX_CHANGES = 40;

export function portabilityText(document: PortabilityDocument, paint: Paint): string {
  return [
    `${paint('strong', visible(summary(document)))}\n`,
    ...(['narrowed', 'widened'] as const).map((tag) => section(document, tag, paint)),
    legend(document, paint),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function nameOf({ name, version }: EditionReport): string {
  return version === '' || name.includes('@') ? name : `${name} ${version}`;
}

export function summary({ policies, was, is, clusters, changes }: PortabilityDocument): string {
  const pods = clusters.reduce((sum, one) => sum + one.pods, 0);
  const touched = clusters.reduce((sum, one) => sum + one.podsTouched, 0);
  const [first] = clusters;
  const where =
    clusters.length === 1 && first !== undefined ? first.name : plural(clusters.length, 'cluster');
  const both = `${nameOf(was)} and ${nameOf(is)}`;
  if (changes.length === 0) return `${policies}: ${both} judge every flow alike in ${where}`;
  return `${policies}: ${both} come apart in ${plural(changes.length, 'line')}; ${touched} of ${plural(pods, 'pod')} touched in ${where}`;
}

function section(
  document: PortabilityDocument,
  tag: PortabilityChange['tag'],
  paint: Paint,
): string {
  const changes = document.changes.filter((one) => one.tag === tag);
  if (changes.length === 0) return '';
  const { was, is } = document;
  const [allows, denies] = tag === 'widened' ? [is, was] : [was, is];
  const title = `${paint('strong', `ALLOWED BY ${allows.name}`)}, denied by ${denies.name}`;
  const shown = changes.slice(0, MAX_CHANGES).map((one) => changeText(document, one, paint));
  const rest = changes.length - shown.length;
  const more = rest > 0 ? `  … and ${rest} more; \`--format json\` has all\n` : '';
  return `${title}\n${shown.join('')}${more}`;
}

function changeText(
  document: PortabilityDocument,
  change: PortabilityChange,
  paint: Paint,
): string {
  const { from, to, causes, differences, clusters } = change;
  const { was, is } = document;
  const width = Math.max(was.name.length, is.name.length, 'because'.length);
  const line = (label: string, text: string): string =>
    `      ${paint('faint', padVisible(label, width))}  ${visible(text)}\n`;
  const shown = causes.slice(0, MAX_CAUSES).map((cause) => causeText(document, cause, line));
  const rest = causes.length - MAX_CAUSES;
  const where =
    clusters.length === document.clusters.length ? [] : [line('in', clusters.join(', '))];
  return [
    `  ${paint('strong', visible(`${from.text} → ${to.text}`))}  ${paint('code', portsText(change))}\n`,
    line('because', differences.join(', ')),
    ...shown,
    ...(rest > 0 ? [`      … and ${rest} more by other rules\n`] : []),
    ...where,
  ].join('');
}

function causeText(
  { was, is }: PortabilityDocument,
  cause: CauseReport,
  line: (label: string, text: string) => string,
): string {
  return [
    line(was.name, verdictText(cause.was, cause.sides)),
    line(is.name, verdictText(cause.is, cause.sides)),
    line('try', flowText(cause.witness)),
  ].join('');
}

/** The rows that are at work, and those that nothing judges. */
function legend({ changes, touches }: PortabilityDocument, paint: Paint): string {
  const used = new Set(changes.flatMap(({ differences }) => differences));
  const width = Math.max(0, ...touches.map(({ id }) => id.length));
  const line = (one: TouchReport, text: string): string =>
    `  ${paint('strong', padVisible(one.id, width))}  ${visible(text)}\n`;
  const atWork = touches.filter(({ id }) => used.has(id));
  const unknown = touches.filter(({ modelled }) => !modelled);
  const parts: string[] = [];
  if (atWork.length > 0) {
    parts.push(
      `${paint('strong', 'WHY')}  docs/portability.md has the sources\n`,
      ...atWork.map((one) => line(one, `${one.does} (${one.basis})${placesText(one.places)}`)),
    );
  }
  if (unknown.length > 0) {
    parts.push(
      parts.length === 0 ? '' : '\n',
      `${paint('strong', 'NOT JUDGED')}  what policies and cluster do not tell\n`,
      ...unknown.map((one) => line(one, one.does)),
    );
  }
  return parts.join('');
}

export function portabilityMarkdown(document: PortabilityDocument): string {
  const { changes, touches, was, is } = document;
  const rows = changes
    .slice(0, MAX_CHANGES)
    .map((change) => [
      change.from.text,
      change.to.text,
      portsText(change),
      change.tag === 'narrowed' ? 'allowed' : 'denied',
      change.tag === 'narrowed' ? 'denied' : 'allowed',
      change.differences.join(', '),
    ]);
  const used = new Set(changes.flatMap(({ differences }) => differences));
  const rest = changes.length - rows.length;
  return [
    `**${escapeMarkdown(summary(document))}**\n`,
    tableMarkdown(['from', 'to', 'ports', was.name, is.name, 'because'], rows),
    rest > 0 ? `… and ${rest} more\n` : '',
    touches
      .filter(({ id, modelled }) => used.has(id) || !modelled)
      .map(
        ({ id, does, modelled, sources }) =>
          `* ${codeMarkdown(id)} ${escapeMarkdown(does)}${modelled ? '' : ' (not judged)'}: ${sources.join(' ')}\n`,
      )
      .join(''),
  ]
    .filter((part) => part !== '')
    .join('\n');
}
