/** A replay for people: what would be cut, what would be opened, what nothing hits, and what was read. */
import type {
  IdleRule,
  ReplayReport,
  ReplayRow,
  RowKind,
  SeenTimes,
} from '../../analysis/replay/report.js';
import { rowsOf } from '../../analysis/replay.js';
import type { FlowLog } from '../../read-flow-logs.js';
import type { Paint, Style } from '../../render/paint.js';
import { plural } from '../../render/terminal.js';
import { visible } from '../../render/visible-text.js';
import { flowText, verdictText } from '../diff/text.js';

export interface ReplayDocument extends ReplayReport {
  readonly new: string;
  readonly against?: string;
  readonly cluster: string;
  readonly logs: readonly FlowLog[];
}

/** More of them do not help a reader; JSON has all. */
export const MOST_ROWS = 40;
const MOST_RULES = 20;
const MOST_UNKNOWN = 8;

export const ROW_TITLES: Readonly<Record<RowKind, readonly [Style, string, string]>> = {
  cut: ['error', 'CUT', 'carried in the log, denied by the new policies'],
  opened: ['warning', 'OPENED', 'denied in the log, allowed by the new policies'],
  disagrees: [
    'warning',
    'DISAGREES',
    'the log has another verdict than the old policies: a stale snapshot, or another engine',
  ],
};

export function replayText(document: ReplayDocument, paint: Paint): string {
  const parts = [
    `${paint('strong', visible(replaySummary(document)))}\n`,
    ...(['cut', 'opened', 'disagrees'] as const).map((kind) => section(document, kind, paint)),
    idleSection(document, paint),
    unknownSection(document, paint),
    logLines(document, paint),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

export function replaySummary({ new: next, against, flows, period, logs }: ReplayDocument): string {
  const names = against === undefined ? next : `${against} → ${next}`;
  const counts = [
    `${countText(flows.cut)} cut`,
    `${countText(flows.opened)} opened`,
    ...(against === undefined
      ? []
      : [`${countText(flows.disagreeing)} disagree with the old policies`]),
    ...(flows.unknown === 0 ? [] : [`${countText(flows.unknown)} unknown`]),
  ];
  const read = logs.reduce((sum, log) => sum + log.flows, 0);
  const when = period === null ? '' : ` of ${durationText(period)}`;
  const records = flows.judged + flows.unknown === read ? '' : ` in ${countText(read)} records`;
  return `${names}: ${counts.join(', ')}, of ${flowsText(flows.judged + flows.unknown)}${records}${when}`;
}

function section(document: ReplayDocument, kind: RowKind, paint: Paint): string {
  const rows = rowsOf(document, kind);
  if (rows.length === 0) return '';
  const [style, title, what] = ROW_TITLES[kind];
  const shown = rows.slice(0, MOST_ROWS).map((row) => rowText(row, paint));
  const rest = rows.length - shown.length;
  const more = rest > 0 ? `  … and ${rest} more; \`--format json\` has all\n` : '';
  return `${paint(style, title)}  ${what}\n${shown.join('')}${more}`;
}

function rowText(row: ReplayRow, paint: Paint): string {
  const arrow = `${row.from} ${paint('frame', '→')} ${row.to}`;
  const head = `  ${paint('strong', visible(arrow))}  ${paint('code', row.ports)}`;
  const lines = [
    ['seen', seenText(row)],
    ...wasLines(row),
    ['now', verdictText(row.is, sidesNow(row))],
    ['try', flowText(row.example)],
  ] as const;
  const body = lines.map(
    ([label, text]) => `${paint('faint', `      ${label.padEnd(6)}`)}${visible(text)}\n`,
  );
  return `${head}\n${body.join('')}`;
}

/** Of a flow that the new policies allow, both sides; of one that they deny, those that deny. */
function sidesNow({ is, sides, kind }: ReplayRow): ReplayRow['sides'] {
  if (kind !== 'disagrees') return sides;
  return (['egress', 'ingress'] as const).filter((side) => is[side]?.verdict === is.verdict);
}

function wasLines({ was, sides, kind }: ReplayRow): readonly (readonly [string, string])[] {
  if (was === undefined) return [];
  return [[kind === 'disagrees' ? 'old' : 'was', verdictText(was, sides)]];
}

/** `1,204×, allowed, 2026-11-01 10:00 to 2026-11-23 08:00 UTC, first at flows.json:12`. */
export function seenText({ seen }: Pick<ReplayRow, 'seen'>): string {
  const verdict = seen.verdict === 'allow' ? 'carried' : 'denied';
  return `${verdict} ${countText(seen.count)}×${timesText(seen)}; first at ${seen.at}`;
}

function timesText({ first, last }: SeenTimes): string {
  if (first === null || last === null) return '';
  const [a, b] = [minuteText(first), minuteText(last)];
  return a === b ? `, ${a} UTC` : `, ${a} to ${b} UTC`;
}

function minuteText(time: string): string {
  return time.slice(0, 16).replace('T', ' ');
}

function idleSection({ idle, period }: ReplayDocument, paint: Paint): string {
  const never = idle.filter(({ matched }) => !matched);
  const shadowed = idle.filter(({ matched }) => matched);
  const when = period === null ? 'in the log' : `in the log's ${durationText(period)}`;
  return [
    ruleList('NEVER HIT', `no flow ${when} matches these rules`, never, paint),
    ruleList(
      'NOT NEEDED',
      'flows match these rules, but other rules decide each of them',
      shadowed,
      paint,
    ),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function ruleList(title: string, what: string, rules: readonly IdleRule[], paint: Paint): string {
  if (rules.length === 0) return '';
  const lines = rules.slice(0, MOST_RULES).map(({ rule, at, owner }) => {
    const place = [...(at === null ? [] : [at]), ...(owner === undefined ? [] : [owner])];
    return `  ${visible(`${rule}${place.length === 0 ? '' : ` (${place.join(', ')})`}`)}\n`;
  });
  const rest = rules.length - lines.length;
  const more = rest > 0 ? `  … and ${rest} more; \`--format json\` has all\n` : '';
  return `${paint('warning', title)}  ${what}\n${lines.join('')}${more}`;
}

function unknownSection({ unknown }: ReplayDocument, paint: Paint): string {
  if (unknown.length === 0) return '';
  const shown = unknown.slice(0, MOST_UNKNOWN);
  const lines = shown.map(
    ({ end, why, count, at }) =>
      `  ${visible(`${end}: ${why}; ${countText(count)}×, first at ${at}`)}\n`,
  );
  const rest = unknown.slice(shown.length);
  const flows = rest.reduce((sum, { count }) => sum + count, 0);
  const more =
    rest.length === 0
      ? ''
      : `  … and ${rest.length} more with ${flowsText(flows)}; \`--format json\` has all\n`;
  const title = `${paint('warning', 'UNKNOWN')}  flows that cannot be judged, since of one end nobody knows who it is`;
  return `${title}\n${lines.join('')}${more}`;
}

/** What the numbers rest on: nothing of a log goes without a word. */
function logLines({ logs, flows }: ReplayDocument, paint: Paint): string {
  const label = (name: string): string => paint('faint', name.padEnd(6));
  const kept = `${label('kept')}${countText(flows.kept)} carried and still allowed, ${countText(flows.denied)} denied and still denied\n`;
  const gone =
    flows.gone === 0
      ? ''
      : `${label('gone')}${countText(flows.gone)} of pods that are not in the snapshot, judged by their labels in the log\n`;
  return kept + gone + logs.map((log) => `${label('log')}${visible(logText(log))}\n`).join('');
}

export function logText({ path, format, lines, flows, guessed, skipped, bad }: FlowLog): string {
  const parts = [
    `${path} (${format}): flows in ${countText(flows)} of ${lines === 1 ? '1 record' : `${countText(lines)} records`}`,
    ...(guessed === 0 ? [] : [`${countText(guessed)} of guessed direction`]),
    ...skipped.map(({ what, count }) => `${countText(count)} ${what}`),
    ...(bad === 0 ? [] : [`${countText(bad)} that cannot be read`]),
  ];
  return parts.join('; ');
}

export function flowsText(count: number): string {
  return count === 1 ? '1 flow' : `${countText(count)} flows`;
}

/** `1,204`. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `22 days 3 hours`, `5 minutes`: the two largest units. */
export function durationText({
  first,
  last,
}: {
  readonly first: string;
  readonly last: string;
}): string {
  const seconds = Math.round((Date.parse(last) - Date.parse(first)) / 1000);
  const units = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ] as const;
  const start = units.findIndex(([, size]) => seconds >= size);
  if (start < 0) return 'one moment';
  let rest = seconds;
  return units
    .slice(start, start + 2)
    .flatMap(([name, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? [] : [plural(count, name)];
    })
    .join(' ');
}
