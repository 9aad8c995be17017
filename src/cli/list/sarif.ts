/** Exposure as SARIF: what can be reached from outside, and what no policy protects. */
import type { ListReport } from '../../analysis/list.js';
import { sarifLog } from '../../render/sarif.js';
import { partyText } from '../../analysis/party.js';

const RULES = [
  {
    id: 'list/reached-from-outside',
    shortDescription: { text: 'Pods are reached from outside the cluster.' },
    defaultConfiguration: { level: 'note' },
  },
  {
    id: 'list/unprotected',
    shortDescription: { text: 'No policy speaks of these pods.' },
    defaultConfiguration: { level: 'warning' },
  },
] as const;

export function listSarif(report: ListReport, version: string): string {
  const reached = report.fromOutside.map(({ from, to, ports }) => ({
    ruleId: RULES[0].id,
    level: 'note',
    message: { text: `${partyText(to.groups, Infinity)}: ${ports} from ${from.text}` },
  }));
  const { byAnyPolicy } = report.unprotected;
  const unprotected =
    byAnyPolicy.pods === 0
      ? []
      : [
          {
            ruleId: RULES[1].id,
            level: 'warning',
            message: { text: `no policy speaks of ${partyText(byAnyPolicy.groups, Infinity)}` },
          },
        ];
  return sarifLog(RULES, [...reached, ...unprotected], version);
}
