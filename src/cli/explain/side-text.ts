/** One side of a flow for people: each tier in order, its policies, and the rules that matter. */
import type { ExplainedSide } from '../../analysis/explain.js';
import { byNearness } from '../../analysis/explain/nearness.js';
import { nameOf } from '../../analysis/explain/members.js';
import { portName, remoteName } from '../../analysis/explain/words.js';
import type { SideCase } from '../../analysis/explain/sides.js';
import { formatAddress } from '../../address.js';
import type { Flow } from '../../ir/flows.js';
import type { PolicyTrace, RuleTrace, SideTrace, TierTrace } from '../../ir/interpret/trace.js';
import { policyName } from '../../ir/normal-model.js';
import { plural } from '../../render/terminal.js';
import { padVisible, visible } from '../../render/visible-text.js';
import {
  at,
  firstMissOf,
  matchedRule,
  missedRule,
  missText,
  notesText,
  placeFrame,
  policyTitle,
  type TextOptions,
} from './rule-text.js';

/** Rules that miss, shown where nothing matched. */
const SHOWN = 2;

export function sideText(side: ExplainedSide, flow: Flow, options: TextOptions): readonly string[] {
  const { subject, direction, cases, judgement, alike } = side;
  const { paint } = options;
  const word = verdictWord(judgement.verdict);
  const who = alike.length === 0 ? '' : ` and ${plural(alike.length, 'endpoint')} like it`;
  const title = `${direction === 'egress' ? 'Egress' : 'Ingress'} of ${nameOf(subject)}${who}: ${word}`;
  const lines = [paint('strong', title), `  ${paint('faint', aboutPod(side))}`];
  const exempt = exemptText(side);
  if (exempt !== undefined) return [...lines, `  ${exempt}`];
  for (const one of cases) {
    if (side.service !== undefined) lines.push('', caseTitle(one, flow));
    if (one.trace !== undefined) lines.push(...tierLines(one.trace, options));
  }
  return [...lines, ...nearSubjectLines(side, options)];
}

export function verdictWord(verdict: 'allow' | 'deny'): string {
  return verdict === 'allow' ? 'allowed' : 'denied';
}

function aboutPod({ subject }: ExplainedSide): string {
  const labels = [...subject.labels].map(([key, value]) => `${key}=${value}`);
  const addresses = subject.addresses.map(formatAddress);
  const node = subject.node === undefined ? [] : [`node ${subject.node}`];
  const parts = [labels.length === 0 ? 'no labels' : labels.join(','), ...addresses, ...node];
  return visible(parts.join('; '));
}

function exemptText({ judgement, service, remote, subject }: ExplainedSide): string | undefined {
  switch (judgement.reason) {
    case 'self':
      return 'a pod always reaches itself by its own address; no policy is asked';
    case 'own-node':
      return `${remoteName(remote)} is the node that ${nameOf(subject)} runs on: what it sends itself, such as probes, always passes`;
    case 'no-endpoint':
      return `${noEndpointText(service)}; no policy is asked`;
    default:
      return undefined;
  }
}

function noEndpointText(service: ExplainedSide['service']): string {
  if (service === undefined) return 'there is no ready endpoint';
  const ports = service.ports.map(({ protocol, port }) => portName(protocol, port));
  const has = ports.length === 0 ? 'no ports' : ports.join(', ');
  return `service ${nameOf(service)} has no ready endpoint at that port; it has ${has} and ${plural(service.endpoints.length, 'ready endpoint')}`;
}

function caseTitle({ remote, port, judgement, alike }: SideCase, { protocol }: Flow): string {
  const more = alike > 1 ? ` and ${plural(alike - 1, 'endpoint')} like it` : '';
  return `  to endpoint ${remoteName(remote)}, ${portName(protocol, port)}${more}: ${verdictWord(judgement.verdict)}`;
}

function tierLines(trace: SideTrace, options: TextOptions): readonly string[] {
  const width = Math.max(...trace.tiers.map(({ tier }) => tier.name.length), 'default'.length);
  const line = (name: string, text: string): string =>
    `  ${options.paint('code', padVisible(visible(name), width))}  ${text}`;
  const lines: string[] = [];
  for (const tier of trace.tiers) {
    // Behind the decision only what was overruled is worth a line.
    if (tier.outcome === 'unreached' && tier.policies.length === 0) continue;
    const told = tierText(tier, trace, options);
    lines.push(line(tier.tier.name, told.text), ...told.more);
  }
  if (trace.judgement.reason === 'default') lines.push(line('default', 'allowed'));
  return lines;
}

interface TierTold {
  readonly text: string;
  readonly more: readonly string[];
}

function tierText(tier: TierTrace, trace: SideTrace, options: TextOptions): TierTold {
  const { policies, elsewhere } = tier;
  const rules = policies.flatMap((one) => one.rules);
  if (tier.outcome === 'unreached') {
    return { text: `${selectText(policies)}, but the decision was made before`, more: [] };
  }
  if (policies.length === 0) {
    const other = trace.direction === 'egress' ? 'ingress' : 'egress';
    const text =
      elsewhere.length === 0
        ? 'no policy selects it'
        : `${plural(elsewhere.length, 'policy')} ${elsewhere.length === 1 ? 'selects' : 'select'} it, but for ${other} alone`;
    return { text, more: [] };
  }
  const match = rules.find(({ matches }) => matches);
  const additive = tier.tier.kind === 'additive';
  if (additive && tier.outcome === 'open') {
    const text = `${plural(rules.length, 'allow rule')}, but nothing isolates it`;
    return { text, more: [] };
  }
  if (match !== undefined) return matchText(match, rules, trace, options);
  if (additive) return isolationText(policies, rules, trace, options);
  const count = `${selectText(policies)}, and ${noneOf(rules.length, 'matches', 'does not match')}`;
  return {
    text: count,
    more: missLines(rules, trace, options, trace.judgement.reason === 'default' ? 1 : 0),
  };
}

function noneOf(rules: number, does: string, doesNot: string): string {
  return rules === 1 ? `the only rule ${doesNot}` : `none of ${rules} rules ${does}`;
}

function selectText(policies: readonly PolicyTrace[]): string {
  const [only, ...others] = policies;
  if (only !== undefined && others.length === 0) return `${policyTitle(only.policy)} selects it`;
  return `${plural(policies.length, 'policy')} select it`;
}

const DONE_WORDS = {
  allow: 'allows it',
  deny: 'denies it',
  pass: 'passes it on to the next tier',
} as const;

function matchText(
  match: RuleTrace,
  rules: readonly RuleTrace[],
  trace: SideTrace,
  options: TextOptions,
): TierTold {
  const { policy, rule } = match;
  const { paint } = options;
  const style = rule.action === 'allow' ? 'success' : rule.action === 'deny' ? 'error' : 'warning';
  const name = `${policyTitle(policy)} ${rule.name}`;
  const text = `${visible(name)} ${paint(style, DONE_WORDS[rule.action])}${visible(notesText(policy, rule))}`;
  const before = rules.slice(0, rules.indexOf(match));
  const more = [...matchedRule(match, trace.packet, options)];
  if (options.all) more.push(...missLines(before, trace, options, 0));
  else if (rule.action === 'deny' && almost(before)) {
    const others = before.filter((one) => one.rule.action !== 'deny');
    more.push(...missLines(others, trace, options, 1));
  } else if (before.length > 0) {
    more.push(
      note(
        `${plural(before.length, 'rule')} before it ${before.length === 1 ? 'does' : 'do'} not match`,
        options,
      ),
    );
  }
  const also = rules.filter((one) => one.matches && one !== match);
  if (also.length > 0) {
    const names = also.slice(0, SHOWN).map((one) => `${policyName(one.policy)} ${one.rule.name}`);
    const rest = also.length - names.length;
    const would = policy.tier === 'networkpolicy' ? 'would allow it too' : 'would match too';
    more.push(note(`${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''} ${would}`, options));
  }
  return { text, more };
}

/** One more clause, and a rule before the one that denies would have let the packet pass. */
function almost(before: readonly RuleTrace[]): boolean {
  const [nearest] = byNearness(before.filter(({ rule }) => rule.action !== 'deny'));
  return nearest !== undefined && nearest.nearest.distance <= 1;
}

function isolationText(
  policies: readonly PolicyTrace[],
  rules: readonly RuleTrace[],
  trace: SideTrace,
  options: TextOptions,
): TierTold {
  const isolating = policies.filter(({ isolates }) => isolates);
  const [first, ...others] = isolating;
  if (first === undefined) return { text: '', more: [] };
  const { paint } = options;
  const more = others.length === 0 ? '' : ` and ${plural(others.length, 'other')}`;
  const by = `isolated by ${policyTitle(first.policy)}${more} (${at(first.policy.origin)})`;
  const none =
    rules.length === 0
      ? `no ${trace.direction} rule`
      : noneOf(rules.length, 'allows it', 'does not allow it');
  const denied = paint('error', 'denied');
  return {
    text: `${visible(by)}, and ${none}: ${denied}${visible(notesText(first.policy))}`,
    more: missLines(rules, trace, options, SHOWN),
  };
}

/** The nearest rules with all that they ask, and the rest counted, or with the first clause each. */
function missLines(
  rules: readonly RuleTrace[],
  trace: SideTrace,
  options: TextOptions,
  shown: number,
): readonly string[] {
  const sorted = byNearness(rules);
  const lines: string[] = [];
  for (const [i, one] of sorted.slice(0, options.all ? sorted.length : shown).entries()) {
    const nearest = i === 0 && shown > 0;
    const what = `${policyName(one.policy)} ${one.rule.name} (${one.rule.action})`;
    const by = `misses by ${missText(one.nearest.alternative)}`;
    lines.push(`    ${nearest && sorted.length > 1 ? 'nearest: ' : ''}${visible(`${what} ${by}`)}`);
    const show = nearest || i < shown ? missedRule : firstMissOf;
    lines.push(...show(one, trace.packet, options));
  }
  const rest = sorted.length - (options.all ? sorted.length : Math.min(shown, sorted.length));
  if (rest > 0 && shown > 0) {
    const policies = new Set(sorted.slice(shown).map(({ policy }) => policy)).size;
    lines.push(
      note(
        `${plural(rest, 'more rule')} of ${plural(policies, 'policy')} ${rest === 1 ? 'is' : 'are'} further away; --all shows ${rest === 1 ? 'it' : 'them'}`,
        options,
      ),
    );
  }
  return lines;
}

function note(text: string, { paint }: TextOptions): string {
  return `      ${paint('faint', visible(text))}`;
}

function nearSubjectLines(
  { nearSubject, direction, subject }: ExplainedSide,
  options: TextOptions,
): readonly string[] {
  if (nearSubject === undefined) return [];
  const { policy, requirement, value, origin, passedBy } = nearSubject;
  const has =
    value === undefined
      ? `${nameOf(subject)} has no label ${requirement.key}`
      : `${nameOf(subject)} has ${requirement.key}=${value}`;
  const what = `${policyTitle(policy)} would have a say in ${direction}, but does not select it`;
  const more =
    passedBy > 1 ? ` (nor ${passedBy === 2 ? 'does' : 'do'} ${passedBy - 1} more that could)` : '';
  return [`    ${visible(`${what}${more}:`)}`, ...placeFrame(origin, 'warning', has, options)];
}
