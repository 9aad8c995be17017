/** A report of costs for machines, and for a comment on a change. */
import { addAmounts, NOTHING, type Amount } from '../../analysis/costs.js';
import { formatBytes } from '../../byte-sizes.js';
import { escapeMarkdown, codeMarkdown, tableMarkdown } from '../../render/markdown.js';
import { formatCount } from '../../render/numbers.js';
import { plural } from '../../render/terminal.js';
import {
  budgetText,
  packetText,
  programRows,
  targetRows,
  titleText,
  verifierText,
  type NamedReport,
} from './named.js';
import { longestText } from './text.js';

/** Each rule has the longest of the first packets that it decided, or null. */
export function reportJson({ of, rules, report, budgets }: NamedReport): string {
  const { packets, costs, ...others } = report;
  const policies = costs.policies.map((policy) => ({
    ...policy,
    rules: policy.rules.map((rule) => ({ ...rule, packet: packets.get(rule.decider) ?? null })),
  }));
  const kept = budgets.every(({ over }) => over === 0);
  const document = { of, rules, ...others, costs: { ...costs, policies }, budgets, kept };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** A comment has a limit of 65,536 characters. */
const MOST_POLICIES = 20;

export function reportMarkdown(named: NamedReport): string {
  const { report, budgets } = named;
  const { costs } = report;
  const over = budgets.filter((one) => one.over > 0);
  const verdict =
    budgets.length === 0
      ? 'no budgets'
      : over.length === 0
        ? `${plural(budgets.length, 'budget')} kept`
        : `${plural(over.length, 'budget')} of ${formatCount(budgets.length)} not kept`;
  const [worst] = report.worst;
  return [
    `**Cost of ${escapeMarkdown(titleText(named))}: ${verdict}**\n`,
    over
      .map((one) => `* ❌ ${escapeMarkdown(budgetText(one))} (${codeMarkdown(one.at)})\n`)
      .join(''),
    amountTable(named),
    `<details><summary>Policies</summary>\n\n${policyTable(named)}\n</details>\n`,
    `<details><summary>Programs and kernels</summary>\n`,
    tableMarkdown([...PROGRAM_HEAD], programRows(report)),
    `${escapeMarkdown(verifierText(report))}\n`,
    tableMarkdown([...KERNEL_HEAD], targetRows(report)),
    '</details>\n',
    ...(worst === undefined
      ? []
      : [`Worst packet: ${longestText(worst)}: ${escapeMarkdown(packetText(worst))}\n`]),
  ]
    .filter((part) => part !== '')
    .join('\n')
    .replace(/\n{3,}/g, '\n\n');

  function amountTable({ report: { costs: whole } }: NamedReport): string {
    const own = whole.policies.reduce<Amount>(addAmounts, NOTHING);
    const rows: readonly (readonly [string, Amount])[] = [
      ['policies, each by itself', own],
      ['several policies together', whole.shared],
      ['the same for any policies', whole.fixed],
      ['all', costs.total],
    ];
    return tableMarkdown(
      ['', ' instructions', ' entries', ' bytes'],
      rows.map(([text, amount]) => [text, ...cells(amount)]),
    );
  }
}

const PROGRAM_HEAD = ['program', ' instructions', ' stack', ' walked by the verifier'] as const;
const KERNEL_HEAD = ['kernel', ' largest program', ' stack', ' largest table'] as const;

function policyTable({ report: { costs } }: NamedReport): string {
  const shown = costs.policies.slice(0, MOST_POLICIES);
  const rest = costs.policies.length - shown.length;
  const table = tableMarkdown(
    ['policy', ' instructions', ' entries', ' bytes', 'at'],
    shown.map((one) => [one.policy, ...cells(one), one.at]),
  );
  return rest === 0 ? table : `${table}\n… and ${formatCount(rest)} more\n`;
}

function cells({ instructions, entries, bytes }: Amount): readonly string[] {
  const size = bytes < 1024 ? '' : ` (${formatBytes(bytes)})`;
  return [formatCount(instructions), formatCount(entries), `${formatCount(bytes)}${size}`];
}
