/** A report of costs as text for a terminal. */
import type { Amount, CausedCosts, PolicyCost } from '../../analysis/costs.js';
import { addAmounts, NOTHING } from '../../analysis/costs.js';
import type { PacketCost } from '../../analysis/costs/worst-packet.js';
import type { BudgetResult } from '../../budgets.js';
import { formatBytes } from '../../byte-sizes.js';
import type { CostReport } from '../../cost-report.js';
import { formatCount } from '../../render/numbers.js';
import type { Paint } from '../../render/paint.js';
import { plural } from '../../render/terminal.js';
import { renderTable, type TableCell } from '../base/table.js';
import {
  budgetText,
  packetText,
  programRows,
  targetRows,
  titleText,
  verifierText,
  type NamedReport,
} from './named.js';

/** Policies that are told unless all are asked for. */
const MOST_POLICIES = 10;

export function reportText(named: NamedReport, paint: Paint, all: boolean): string {
  const { report, budgets } = named;
  const parts = [
    `${titleText(named)}\n`,
    section('What it takes', wholeTable(report.costs, paint), paint),
    section('Policies, the most expensive first', policyTable(report, paint, all), paint),
    section('Tables and maps', tablesTable(report, paint), paint),
    section('Programs', programsTable(report, paint), paint),
    section('Worst packet', worstText(report), paint),
    ...(budgets.length === 0 ? [] : [section('Budgets', budgetsText(budgets, paint), paint)]),
  ];
  return parts.join('\n');
}

function section(title: string, body: string, paint: Paint): string {
  return `${paint('strong', title)}\n${body}`;
}

function number(value: number): TableCell {
  return { text: formatCount(value), align: 'right' };
}

const AMOUNTS = ['INSTRUCTIONS', 'ENTRIES', 'BYTES'] as const;

function amounts({ instructions, entries, bytes }: Amount): readonly TableCell[] {
  return [number(instructions), number(entries), number(bytes)];
}

function wholeTable({ policies, shared, fixed, total }: CausedCosts, paint: Paint): string {
  const own = policies.reduce<Amount>(addAmounts, NOTHING);
  const row = (text: string, amount: Amount, note = ''): readonly TableCell[] => [
    { text },
    ...amounts(amount),
    { text: note },
  ];
  return renderTable(
    ['', ...AMOUNTS, ''],
    [
      row('policies, each by itself', own),
      row('several policies together', shared),
      row('the same for any policies', fixed),
      row('all', total, formatBytes(total.bytes)),
    ],
    paint,
  );
}

function policyTable({ costs, packets }: CostReport, paint: Paint, all: boolean): string {
  const shown = all ? costs.policies : costs.policies.slice(0, MOST_POLICIES);
  const rest = costs.policies.slice(shown.length);
  const table = renderTable(
    ['POLICY, RULE', ...AMOUNTS, 'LONGEST PACKET', 'AT'],
    shown.flatMap((one) => policyRows(one, packets)),
    paint,
  );
  if (rest.length === 0) return table;
  const left = rest.reduce<Amount>(addAmounts, NOTHING);
  const cost = `${formatCount(left.instructions)} instructions, ${formatCount(left.entries)} entries and ${formatCount(left.bytes)} bytes`;
  return `${table}… and ${formatCount(rest.length)} more with ${cost}; --all tells them\n`;
}

function policyRows(
  { policy, at, rules, shared, ...amount }: PolicyCost,
  packets: ReadonlyMap<number, PacketCost>,
): readonly (readonly TableCell[])[] {
  const isNone = shared.instructions + shared.entries + shared.bytes === 0;
  return [
    [{ text: policy, style: 'strong' }, ...amounts(amount), { text: '' }, { text: at }],
    ...rules.map((rule) => [
      { text: `  ${rule.rule}` },
      ...amounts(rule),
      { text: longestText(packets.get(rule.decider)) },
      { text: rule.at === at ? '' : rule.at },
    ]),
    ...(isNone
      ? []
      : [[{ text: '  several of its rules' }, ...amounts(shared), { text: '' }, { text: '' }]]),
  ];
}

/** What no packet that was tried met has none. */
export function longestText(packet: PacketCost | undefined): string {
  if (packet === undefined) return '-';
  return `${formatCount(packet.instructions)} instructions, ${plural(packet.lookups, 'lookup')}`;
}

function tablesTable({ tables, lookups, layout }: CostReport, paint: Paint): string {
  const table = renderTable(
    ['TABLE OR MAP', 'ENTRIES', 'BYTES'],
    tables.map(({ name, entries, bytes }) => [{ text: name }, number(entries), number(bytes)]),
    paint,
  );
  const how = `verdicts of ingress by ${layout.ingress}, of egress by ${layout.egress}; addresses by ${lookups === '' ? 'nothing' : lookups}`;
  return `${table}${how}\n`;
}

function programsTable(report: CostReport, paint: Paint): string {
  const cells = (rows: readonly (readonly string[])[]): readonly (readonly TableCell[])[] =>
    rows.map((row) => row.map((text) => ({ text })));
  const programs = renderTable(
    ['PROGRAM', 'INSTRUCTIONS', 'STACK', 'WALKED BY THE VERIFIER'],
    cells(programRows(report)),
    paint,
  );
  const targets = renderTable(
    ['KERNEL', 'LARGEST PROGRAM', 'STACK', 'LARGEST TABLE'],
    cells(targetRows(report)),
    paint,
  );
  return `${programs}${verifierText(report)}\n\n${targets}`;
}

function worstText({ worst, mostLookups, tried }: CostReport): string {
  const [first] = worst;
  const isMore = mostLookups !== null && mostLookups.lookups > (first?.lookups ?? 0);
  const lines = [...worst, ...(isMore ? [mostLookups] : [])].flatMap((packet) => [
    `${formatCount(packet.instructions)} instructions, ${plural(packet.lookups, 'lookup')}: ${packetText(packet)}`,
    `  looked up in ${packet.path.join(', ')}`,
    `  frame ${packet.frame}`,
  ]);
  const found = `found among ${formatCount(tried.packets)} packets at ${plural(tried.pods, 'pod')}`;
  return [...lines, found].join('\n').concat('\n');
}

function budgetsText(budgets: readonly BudgetResult[], paint: Paint): string {
  const over = budgets.filter((one) => one.over > 0);
  const kept = budgets.filter((one) => one.over === 0);
  const line = (one: BudgetResult): string => {
    const state = one.over > 0 ? paint('error', 'over') : paint('success', 'kept');
    return `${state}  ${budgetText(one)}  (${one.at})\n`;
  };
  const told = kept.filter(({ of }) => of === 'all policies');
  const others = kept.length - told.length;
  return [
    ...told.map(line),
    ...(others === 0
      ? []
      : [`${paint('success', 'kept')}  ${plural(others, 'budget')} of policies and namespaces\n`]),
    ...over.map(line),
  ].join('');
}
