/** Exposure as SARIF: what can be reached from outside, and what no policy protects. */
import type { ListReport } from '../../analysis/list.js';
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
    ruleIndex: 0,
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
            ruleIndex: 1,
            level: 'warning',
            message: { text: `no policy speaks of ${partyText(byAnyPolicy.groups, Infinity)}` },
          },
        ];
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'policyc', version, rules: RULES } },
        columnKind: 'utf16CodeUnits',
        results: [...reached, ...unprotected],
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}
