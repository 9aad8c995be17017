/** A report of costs with what it is of, for every form of output. */
import { formatBytes } from '../../byte-sizes.js';
import type { BudgetResult } from '../../budgets.js';
import type { CostReport, WorstPacketReport } from '../../cost-report.js';
import { formatCount, formatPart } from '../../render/numbers.js';
import { plural } from '../../render/terminal.js';

export interface NamedReport {
  /** The operands, as the user wrote them. */
  readonly of: string;
  readonly rules: number;
  readonly report: CostReport;
  readonly budgets: readonly BudgetResult[];
}

/** Which policies, and on which pods. */
export function titleText({ of, rules, report: { costs, boundTo } }: NamedReport): string {
  const what = `${of}: ${plural(costs.policies.length, 'policy')} with ${plural(rules, 'rule')}`;
  const { cluster, node, pods } = boundTo;
  if (cluster === null) {
    return `${what}, on a made-up node with ${plural(pods, 'pod')}, one for each kind that the selectors tell apart; --cluster gives yours`;
  }
  const where = node === null ? 'pods without a node' : `node ${node}`;
  return `${what}, on ${where} of ${cluster}, with ${plural(pods, 'pod')}`;
}

/** `2,896 of 1,000,000 (0.3 %)`. */
export function ofText(part: number, whole: number): string {
  return `${formatCount(part)} of ${formatCount(whole)} (${formatPart(part, whole)})`;
}

const WORDS: Readonly<Record<BudgetResult['what'], string>> = {
  instructions: 'instructions',
  entries: 'entries',
  bytes: 'bytes of tables and maps',
  path: 'instructions that the worst packet runs',
  lookups: 'lookups of a packet',
};

/** `bytes of tables and maps of all policies: 70.1 MiB of 64.0 MiB, 6.1 MiB over; most of it: …`. */
export function budgetText({ of, what, actual, budget, over, contributors }: BudgetResult): string {
  const text = what === 'bytes' ? sizeText : formatCount;
  const isPacket = what === 'path' || what === 'lookups';
  const head = `${WORDS[what]}${isPacket ? '' : ` of ${of}`}: ${text(actual)} of ${text(budget)}`;
  if (over === 0) return head;
  const most = contributors.map(({ name, amount }) => `${name} ${text(amount)}`).join(', ');
  return `${head}, ${text(over)} over${most === '' ? '' : `; the largest contributors: ${most}`}`;
}

/** To the byte where the unit is not. */
export function sizeText(bytes: number): string {
  const text = formatBytes(bytes);
  return bytes < 1024 ? text : `${text} (${formatCount(bytes)})`;
}

/** Kernels that take the same as one line. */
export function targetRows({ targets }: CostReport): readonly (readonly string[])[] {
  const groups = new Map<string, { kernels: string[]; cells: readonly string[] }>();
  for (const { kernel, instructions, stack, tableBytes } of targets) {
    const cells = [
      ofText(instructions.largest, instructions.limit),
      `${stack.deepest} of ${stack.limit}`,
      `${formatBytes(tableBytes.largest)} of ${formatBytes(tableBytes.limit)}`,
    ];
    const key = cells.join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { kernels: [kernel], cells });
    else group.kernels.push(kernel);
  }
  return [...groups.values()].map(({ kernels, cells }) => [kernels.join(', '), ...cells]);
}

/** Each program: its size, its stack, and what the verifier did for it. */
export function programRows({ programs, verifier }: CostReport): readonly (readonly string[])[] {
  return programs.map(({ name, instructions, stack }) => {
    const seen =
      'programs' in verifier ? verifier.programs.find((one) => one.name === name) : undefined;
    const walked = seen === undefined ? '-' : ofText(seen.processed, seen.limit);
    return [name, formatCount(instructions), `${stack} of 512`, walked];
  });
}

export function verifierText({ verifier }: CostReport): string {
  return 'programs' in verifier
    ? `verified by Linux ${verifier.kernel}, attached to nothing`
    : `not verified here: ${verifier.notMeasured}`;
}

/** What the packet is, whom it meets, and what became of it. */
export function packetText(packet: WorstPacketReport): string {
  const { what, protocol, port, from, to, pod, program, verdict, outcome, decidedBy } = packet;
  const ports = port === 0 ? protocol : `${protocol} port ${port}`;
  const by = decidedBy === null ? '' : ` by ${decidedBy}`;
  const end = `${verdict === 'allow' ? 'passes' : 'is dropped'}: ${outcome}${by}`;
  return `${what}, ${ports}, ${from} → ${to}, through ${program} of ${pod}; ${end}`;
}
