/** Which rules decided a scenario's connections, with the places where they stand. */
import { judgeFlow, reportFlow, type FlowReport } from '../ir/flows.js';
import type { Judge } from '../ir/interpret.js';
import type { NormalModel } from '../ir/normal-model.js';
import type { Attempt } from './attempts.js';

/** The side that decided: the one that denies, else the receiver's, else the sender's. */
function decisive({ egress, ingress }: FlowReport): FlowReport['egress'] {
  if (egress?.verdict === 'deny') return egress;
  return ingress ?? egress;
}

/** Lines `COUNT passes|denied by RULE  PLACE`, most first. */
export function decidersOf(
  model: NormalModel,
  judge: Judge,
  attempts: readonly Attempt[],
): readonly string[] {
  const counts = new Map<string, number>();
  for (const { flow } of attempts) {
    const report = reportFlow(model, judgeFlow(flow, judge));
    const side = decisive(report);
    const verdict = report.verdict === 'allow' ? 'pass by  ' : 'denied by';
    const why =
      side === undefined
        ? 'no policy speaks of either end'
        : (side.rule ?? reasonText(side.reason));
    const line = `${verdict} ${why}${side?.at == null ? '' : `  (${side.at})`}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([line, count]) => `${String(count).padStart(5)} ${line}`);
}

function reasonText(reason: NonNullable<FlowReport['egress']>['reason']): string {
  switch (reason) {
    case 'default':
      return 'default: no policy speaks of it';
    case 'own-node':
      return "its own node's exemption";
    case 'self':
      return 'itself';
    case 'rule':
    case 'isolation':
    case 'service-mixed':
    case 'no-endpoint':
      return reason;
  }
}
