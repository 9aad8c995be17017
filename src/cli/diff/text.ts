/** A difference for people: what changes, who decides, a packet to try, and what it costs. */
import type { DiffDocument, ReportedChange } from '../../analysis/diff/clusters.js';
import type { CauseReport, FlowEntry, SideReport, VerdictReport } from '../../analysis/report.js';
import type { Direction } from '../../ir/model.js';
import type { Paint } from '../../render/paint.js';
import { plural } from '../../render/terminal.js';
import { visible } from '../../render/visible-text.js';
import { costLines } from './cost.js';
import { reasonText } from '../flow-table.js';

/** More of them do not help a reader; JSON has all. */
const MAX_CHANGES = 40;
export const MAX_CAUSES = 2;

export function diffText(document: DiffDocument, paint: Paint): string {
  const { changes } = document;
  const open = changes.filter(({ accepted }) => accepted === undefined);
  const parts = [
    `${paint('strong', visible(summaryText(document)))}\n`,
    ...(['widened', 'narrowed'] as const).map((tag) => sectionText(document, open, tag, paint)),
    acceptedText(changes, paint),
    `${costLines(document)
      .map((line) => `${paint('faint', 'cost')}  ${line}`)
      .join('\n')}\n`,
    assumptionsText(document, paint),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function assumptionsText({ symbolic }: DiffDocument, paint: Paint): string {
  const lines = symbolic?.assumptions ?? [];
  return lines.map((one) => `${paint('faint', 'given')}  ${visible(one)}\n`).join('');
}

/** One line: how much changes, and where. */
export function summaryText(document: DiffDocument): string {
  const { old, new: next, clusters, symbolic, changes } = document;
  const widened = changes.filter(({ tag }) => tag === 'widened').length;
  const counts = `${widened} widened, ${changes.length - widened} narrowed`;
  if (symbolic !== undefined) {
    return changes.length === 0
      ? `${old} → ${next}: no connection changes in any cluster`
      : `${old} → ${next}: ${counts}, over all clusters`;
  }
  const touched = clusters.reduce((sum, one) => sum + one.podsTouched, 0);
  const pods = clusters.reduce((sum, one) => sum + one.pods, 0);
  const [first] = clusters;
  const where =
    clusters.length === 1 && first !== undefined ? first.name : plural(clusters.length, 'cluster');
  if (changes.length === 0) return `${old} → ${next}: no connection changes in ${where}`;
  return `${old} → ${next}: ${counts}; ${touched} of ${plural(pods, 'pod')} touched in ${where}`;
}

function sectionText(
  document: DiffDocument,
  open: readonly ReportedChange[],
  tag: ReportedChange['tag'],
  paint: Paint,
): string {
  const changes = open.filter((one) => one.tag === tag);
  if (changes.length === 0) return '';
  const title =
    tag === 'widened'
      ? `${paint('error', 'WIDENED')}  denied before, allowed now`
      : `${paint('warning', 'NARROWED')}  allowed before, denied now; open connections are cut`;
  const shown = changes.slice(0, MAX_CHANGES).map((one) => changeText(document, one, paint));
  const rest = changes.length - shown.length;
  const more = rest > 0 ? `  … and ${rest} more; \`--format json\` has all\n` : '';
  return `${title}\n${shown.join('')}${more}`;
}

function changeText(document: DiffDocument, change: ReportedChange, paint: Paint): string {
  const { from, to, causes, fingerprint } = change;
  const arrow = `${from.text} ${paint('frame', '→')} ${to.text}`;
  const head = `  ${paint('strong', visible(arrow))}  ${paint('code', portsText(change))}`;
  const where = clustersText(document, change);
  const shown = causes
    .slice(0, MAX_CAUSES)
    .flatMap((cause) => causeLines(cause, causes.length > 1));
  const rest = causes.length - MAX_CAUSES;
  const lines = [
    ...shown,
    ...(rest > 0 ? [`      … and ${rest} more by other rules`] : []),
    ...(where === '' ? [] : [`      in    ${where}`]),
    `      id    ${fingerprint}`,
  ];
  return `${head}\n${lines.map((line) => `${paintLine(line, paint)}\n`).join('')}`;
}

function paintLine(line: string, paint: Paint): string {
  const label = line.slice(0, 12);
  return `${paint('faint', label)}${visible(line.slice(12))}`;
}

export function portsText({ ports, family }: Pick<ReportedChange, 'ports' | 'family'>): string {
  return family === undefined ? ports : `${ports} (IPv${family})`;
}

/** Empty where it is the same in all. */
export function clustersText({ clusters, symbolic }: DiffDocument, change: ReportedChange): string {
  if (symbolic !== undefined) return '';
  if (change.clusters.length === clusters.length) {
    return clusters.length === 1 ? '' : `the same on all ${clusters.length} clusters`;
  }
  const count = `the same on ${change.clusters.length} of ${clusters.length}`;
  const missing = clusters
    .map(({ name }) => name)
    .filter((name) => !change.clusters.includes(name));
  return missing.length < change.clusters.length
    ? `${count}; not on ${missing.join(', ')}`
    : `${count}: ${change.clusters.join(', ')}`;
}

function causeLines(cause: CauseReport, withPorts: boolean): readonly string[] {
  const ports = withPorts ? ` (${cause.ports})` : '';
  return [
    `      was   ${verdictText(cause.was, cause.sides)}${ports}`,
    `      now   ${verdictText(cause.is, cause.sides)}`,
    `      try   ${flowText(cause.witness)}`,
    ...(cause.madeUp?.cast ?? []).map((one) => `      with  ${one}`),
  ];
}

export function flowText({ from, to, protocol, port }: FlowEntry): string {
  return `${from} → ${to} ${port === undefined ? protocol : `${port}/${protocol}`}`;
}

/** Only the sides that changed: `egress denied: isolated by shop/deny (deny.yaml:3:9)`. */
export function verdictText(report: VerdictReport, sides: readonly Direction[]): string {
  const [egress, ingress] = [report.egress, report.ingress];
  // One statement may speak for both sides, as `flow` does.
  if (
    sides.length === 2 &&
    egress !== undefined &&
    egress.at !== null &&
    egress.at === ingress?.at
  ) {
    return `both sides ${sideText(egress)}`;
  }
  return sides
    .map((side) => {
      const judged = report[side];
      return judged === undefined ? '' : `${side} ${sideText(judged)}`;
    })
    .join('; ');
}

export function sideText(side: SideReport): string {
  const verdict = side.verdict === 'allow' ? 'allowed' : 'denied';
  const place = side.at === null ? '' : ` (${side.at}${ownerText(side)})`;
  return `${verdict}: ${reasonText(side)}${place}`;
}

function ownerText({ owner, contact }: SideReport): string {
  const whose = [owner, contact].filter((one) => one !== undefined);
  return whose.length === 0 ? '' : `, ${whose.join(' ')}`;
}

function acceptedText(changes: readonly ReportedChange[], paint: Paint): string {
  const accepted = changes.filter((one) => one.accepted !== undefined);
  if (accepted.length === 0) return '';
  const lines = accepted.map((one) =>
    visible(
      `  ${one.tag}: ${one.from.text} → ${one.to.text}  ${portsText(one)}  ${one.fingerprint}: ${one.accepted ?? ''}`,
    ),
  );
  return `${paint('success', 'ACCEPTED')}\n${lines.join('\n')}\n`;
}
