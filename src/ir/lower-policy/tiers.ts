/** Lowers what the platform says: `tier`, `policy` and `exception`. */
import type {
  ExceptionBlock,
  PolicyBlock,
  RuleStatement,
  TierStatement,
} from '../../parser/ast.js';
import type { Span } from '../../source.js';
import { checkName, faultOfFreeName, UniqueNames, type Home, type Reporter } from './context.js';
import { readNotes } from './namespace.js';
import type { Names } from './names.js';
import { lowerRule, podSubjects } from './rules.js';
import { readTime } from './time.js';
import {
  ADMIN_TIER,
  BASELINE_TIER,
  NETWORKPOLICY_TIER,
  type Exception,
  type Policy,
  type Rule,
  type Tier,
} from '../model.js';

const BUILT_IN: readonly string[] = [ADMIN_TIER.name, NETWORKPOLICY_TIER.name, BASELINE_TIER.name];
const MAX_PRIORITY = 1000;

/** The tiers of the model, in the order of evaluation. */
export function lowerTiers(
  statements: readonly TierStatement[],
  reporter: Reporter,
): readonly Tier[] {
  const unique = new UniqueNames(reporter, 'tier');
  const byOrder = new Map<number, TierStatement>();
  for (const statement of statements) {
    const { name, order } = statement;
    checkName(reporter, name, faultOfFreeName);
    if (BUILT_IN.includes(name.text)) {
      reporter.report('policy/reserved-tier', { name: name.text }, name.span);
      continue;
    }
    if (!unique.add(name)) continue;
    const other = byOrder.get(order.value);
    if (other === undefined) byOrder.set(order.value, statement);
    else {
      const args = { name: name.text, other: other.name.text, order: order.value };
      reporter.report('policy/equal-order', args, order.span, [
        { span: other.order.span, message: 'the same order' },
      ]);
    }
  }
  const own = [...byOrder.values()].sort((a, b) => a.order.value - b.order.value);
  return [
    ADMIN_TIER,
    ...own.map(({ name }): Tier => ({ name: name.text, kind: 'ordered' })),
    NETWORKPOLICY_TIER,
    BASELINE_TIER,
  ];
}

export function lowerPolicyBlock(
  node: PolicyBlock,
  home: Home,
  tiers: readonly Tier[],
  names: Names,
): Policy {
  const { reporter } = names;
  const what = `policy \`${node.name.text}\``;
  checkName(reporter, node.name, faultOfFreeName);
  const missing = (part: string, hint: string): void =>
    reporter.report('policy/incomplete', { what, missing: part, hint }, node.name.span);
  if (node.tier === undefined) missing('tier', 'write `tier NAME` in front of the `{`');
  else checkTier(node.tier, tiers, reporter);
  if (node.priority === undefined)
    missing('priority', 'write `priority NUMBER` in front of the `{`');
  else if (node.priority.value > MAX_PRIORITY) {
    const args = { priority: node.priority.value };
    reporter.report('policy/bad-priority', args, node.priority.span);
  }
  if (node.subjects.length === 0) missing('subject', 'write `subject pods` to mean all pods');
  if (node.rules.length === 0) missing('rules', 'write them in `ingress { … }` or `egress { … }`');
  return {
    kind: 'policy',
    tier: node.tier?.text ?? ADMIN_TIER.name,
    priority: node.priority?.value ?? 0,
    name: node.name.text,
    subjects: node.subjects.flatMap((list) =>
      list.peers.flatMap((peer) => podSubjects(names.peer(peer, home), peer.span, reporter)),
    ),
    isolates: { ingress: false, egress: false },
    logsIsolation: false,
    rules: lowerRules(node.rules, home, names, {}),
    ...readNotes(node.notes, names),
    origin: node.span,
  };
}

function checkTier(
  { text, span: at }: { readonly text: string; readonly span: Span },
  tiers: readonly Tier[],
  reporter: Reporter,
): void {
  const found = tiers.find((tier) => tier.name === text);
  if (found === undefined) {
    const ordered = tiers.filter((tier) => tier.kind === 'ordered').map((tier) => tier.name);
    const near = reporter.names.nearest(text, () => ordered);
    reporter.report('policy/unknown-tier', { name: text, near }, at);
  } else if (found.kind === 'additive') {
    reporter.report('policy/reserved-tier', { name: text }, at);
  }
}

/** What an exception adds to each of its rules. */
interface RuleExtras {
  readonly until?: number;
  readonly reason?: string;
  readonly ticket?: string;
}

function lowerRules(
  statements: readonly RuleStatement[],
  home: Home,
  names: Names,
  extras: RuleExtras,
): readonly Rule[] {
  const unique = new UniqueNames(names.reporter, 'rule');
  const counts = { ingress: 0, egress: 0 };
  return statements.flatMap((statement) => {
    const { direction, action, tail, span: origin } = statement;
    const position = `${direction}[${counts[direction]}]`;
    counts[direction] += 1;
    const given = tail.clauses.name;
    if (given !== undefined) {
      checkName(names.reporter, given, faultOfFreeName);
      unique.add(given);
    }
    const word = direction === 'ingress' ? 'from' : 'to';
    const [peers, other] = word === 'from' ? [tail.from, tail.to] : [tail.to, tail.from];
    if (other !== undefined) {
      const wrong = word === 'from' ? 'to' : 'from';
      names.reporter.report('policy/misplaced-peers', { direction, word: wrong }, other.span);
    }
    if (peers === undefined) {
      names.reporter.report('policy/missing-peers', { direction, word }, origin);
      return [];
    }
    const name = given?.text ?? position;
    const { ports, clauses } = tail;
    const draft = { direction, action, peers, ports, clauses, name, origin, ...extras };
    return [lowerRule(draft, home, names)];
  });
}

export function lowerException(
  node: ExceptionBlock,
  home: Home,
  policies: ReadonlySet<string>,
  names: Names,
): Exception {
  const { reporter } = names;
  const what = `exception \`${node.name.text}\``;
  checkName(reporter, node.name, faultOfFreeName);
  if (!policies.has(node.to.text)) {
    const near = reporter.names.nearest(node.to.text, () => policies);
    reporter.report('policy/unknown-policy', { name: node.to.text, near }, node.to.span);
  }
  const missing = (part: string, hint: string): void =>
    reporter.report('policy/incomplete', { what, missing: part, hint }, node.name.span);
  if (node.until === undefined) missing('end', 'write `until 2026-12-31T18:00Z`');
  if (node.rules.length === 0) missing('rules', 'write `allow ingress from … port …`');
  const until = node.until === undefined ? undefined : readTime(node.until, reporter);
  const extras = {
    ...(until === undefined ? {} : { until }),
    ...(node.reason === undefined ? {} : { reason: node.reason.text }),
    ...(node.ticket === undefined ? {} : { ticket: node.ticket.text }),
  };
  return {
    name: node.name.text,
    to: node.to.text,
    rules: lowerRules(node.rules, home, names, extras),
    approved: node.approved.map((one) => one.text),
    origin: node.span,
  };
}
