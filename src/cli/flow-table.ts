/** Verdicts on flows as a table for people. */
import type { Flow, FlowReport, JudgementReport } from '../ir/flows.js';
import { hasPorts } from '../ir/interpret.js';
import { unreachable } from '../diagnostics.js';
import type { Verdict } from '../ir/model.js';
import type { Paint, Style } from '../render/paint.js';
import { renderTable, type TableCell } from './base/table.js';

const HEAD = ['FROM', 'TO', 'PORT', 'VERDICT', 'EGRESS', 'INGRESS'];

/** One row per flow, and the count of each verdict below. */
export function flowTable(
  flows: readonly Flow[],
  reports: readonly FlowReport[],
  paint: Paint,
): string {
  const rows = reports.map((report, index) => {
    const flow = flows[index];
    return [
      { text: flow?.from.text ?? '' },
      { text: flow?.to.text ?? '' },
      { text: flow === undefined ? '' : portText(flow) },
      verdictCell(report.verdict),
      sideCell(report.egress),
      sideCell(report.ingress),
    ];
  });
  const allowed = reports.filter(({ verdict }) => verdict === 'allow').length;
  const counts = `${allowed} allowed, ${reports.length - allowed} denied`;
  return `${renderTable(HEAD, rows, paint)}\n${counts}\n`;
}

export function verdictStyle(verdict: Verdict): Style {
  return verdict === 'allow' ? 'success' : 'error';
}

/** Why a side decided as it did, in a few words. */
export function reasonText({ reason, rule }: JudgementReport): string {
  switch (reason) {
    case 'rule':
      return rule ?? reason;
    case 'isolation':
      return `isolated by ${rule ?? 'a policy'}`;
    case 'default':
      return 'no policy';
    case 'own-node':
      return 'own node';
    case 'self':
      return 'the pod itself';
    case 'service-mixed':
      return `endpoints differ${rule === null ? '' : `: ${rule}`}`;
    case 'no-endpoint':
      return 'no ready endpoint';
    default:
      return unreachable(reason);
  }
}

function verdictCell(verdict: Verdict): TableCell {
  return { text: verdict, style: verdictStyle(verdict) };
}

function sideCell(side: JudgementReport | undefined): TableCell {
  if (side === undefined) return { text: '-', style: 'faint' };
  const place = side.at === null ? '' : ` (${side.at})`;
  return { text: `${side.verdict}: ${reasonText(side)}${place}` };
}

function portText({ protocol, port, icmpType, icmpCode }: Flow): string {
  return hasPorts(protocol) ? `${port}/${protocol}` : `${protocol} ${icmpType}/${icmpCode}`;
}
