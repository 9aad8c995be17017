/** The plan as text: how verdicts and addresses are looked up, what lost against it, and who needs state. */
import { formatBytes } from '../byte-sizes.js';
import type { LayoutChoice, LayoutPlan } from '../codegen/layout/choose-layouts.js';
import { STATE_PROTOCOLS, type Needs } from '../codegen/layout/state-needs.js';
import type { Paint } from '../render/paint.js';
import { plural } from '../render/terminal.js';
import { countsText, type BoundTo, type PlanReport, type StateReport } from './plan-report.js';
import { renderTable, type TableCell } from './base/table.js';

export function planText(
  { verdict, boundTo, layouts, hashLookupNs, state }: PlanReport,
  paint: Paint,
): string {
  const verdicts = (['ingress', 'egress'] as const).map((direction) => {
    const { layout, why, policies = [], peers = [] } = verdict[direction];
    const bits = [
      ...policies.map((name, bit) => `  policy bit ${bit}: ${name}\n`),
      ...peers.map((key, bit) => `  peer bit ${bit}: ${key}\n`),
    ];
    return `${direction}: ${layout}, since: ${why}\n${bits.join('')}`;
  });
  return [
    ...verdicts,
    `${boundText(boundTo)}\n${packetText(layouts, hashLookupNs)}\n`,
    renderTable(
      ['TABLE', 'LAYOUT', 'BYTES', 'NS', 'WHY'],
      layouts.tables.flatMap(layoutRows),
      paint,
    ),
    renderTable(
      ['STATE FOR', 'OF PODS', 'PROTOCOLS AND REMOTE ADDRESSES'],
      state.flatMap(stateRows),
      paint,
    ),
  ].join('\n');
}

function boundText({ cluster, node, pods }: BoundTo): string {
  if (cluster === 'made-up') {
    return (
      `sizes of a made-up node with ${plural(pods, 'pod')}, one for each kind that the selectors tell ` +
      'apart; --cluster gives those of yours'
    );
  }
  return `sizes of ${node === null ? 'all nodes together' : `node ${node}`}, with ${plural(pods, 'pod')}`;
}

function packetText({ packetNs, bytes, budget }: LayoutPlan, unit: number): string {
  const lookups = (ns: number): string => `${ns.toFixed(0)} ns (${(ns / unit).toFixed(2)})`;
  return (
    `a packet that is allowed and needs no state: IPv4 ${lookups(packetNs[4])}, IPv6 ` +
    `${lookups(packetNs[6])} over an empty program; in brackets: warm hash lookups\n` +
    `memory: ${formatBytes(bytes)} of ${formatBytes(budget.bytes)}${budget.strict ? '' : ', unless that is too little'}`
  );
}

function layoutRows({ table, layout, bytes, ns, lost }: LayoutChoice): readonly TableCell[][] {
  return [
    [{ text: table }, { text: layout }, ...numbers(bytes, ns), { text: 'chosen' }],
    ...lost.map((one) => [
      { text: '' },
      { text: one.layout },
      ...numbers(one.bytes, one.ns),
      { text: `lost: ${one.why}` },
    ]),
  ];
}

function numbers(bytes: number, ns: number): readonly TableCell[] {
  return [
    { text: formatBytes(bytes), align: 'right' },
    { text: ns.toFixed(1), align: 'right' },
  ];
}

function stateRows({ pods, opens, serves }: StateReport): readonly TableCell[][] {
  const [first = '', ...others] = pods;
  const whom = others.length === 0 ? first : `${first} and ${others.length} more`;
  const rows = [
    ...needRows('connections that it opens', opens, whom),
    ...needRows('connections to it', serves, whom),
  ];
  return rows.length > 0 ? rows : [[{ text: 'nothing' }, { text: whom }, { text: '' }]];
}

function needRows(what: string, needs: Needs, whom: string): readonly TableCell[][] {
  const byText = new Map<string, string[]>();
  for (const protocol of STATE_PROTOCOLS) {
    const counts = needs[protocol];
    if (counts === undefined) continue;
    const text = countsText(counts);
    byText.set(text, [...(byText.get(text) ?? []), protocol]);
  }
  return [...byText].map(([text, protocols]) => [
    { text: what },
    { text: whom },
    { text: `${protocols.join(', ')}: ${text}` },
  ]);
}
