/** Traces of judgements: every policy that selects the subject, and of each rule what it asked. */
import { bug } from '../../diagnostics.js';
import type { Pod } from '../cluster.js';
import type { Direction } from '../model.js';
import {
  NO_DECIDER,
  type Judgement,
  type NormalPolicy,
  type NormalRule,
  type NormalTier,
} from '../normal-model.js';
import { matchesWhole, type Alternative } from './clauses.js';
import type { PacketView, RuleMatcher } from './match.js';
import type { TierView } from './tier-views.js';

export interface RuleTrace {
  readonly policy: NormalPolicy;
  readonly rule: NormalRule;
  /** All of one of them hold. A rule that has ended matches nothing. */
  readonly matches: boolean;
  readonly expired: boolean;
  readonly alternatives: readonly Alternative[];
}

export interface PolicyTrace {
  readonly policy: NormalPolicy;
  /** It isolates the subject in this direction. */
  readonly isolates: boolean;
  /** Those of this direction, in the order of decision. */
  readonly rules: readonly RuleTrace[];
}

export interface TierTrace {
  readonly tier: NormalTier;
  /**
   * `decided`: here; `passed`: a rule handed over to the next tier; `open`: it had nothing to say;
   * `unreached`: a tier before it had decided.
   */
  readonly outcome: 'decided' | 'passed' | 'open' | 'unreached';
  /** Those that select the subject and have a say in this direction, in the order of decision. */
  readonly policies: readonly PolicyTrace[];
  /** Those that select the subject, but speak of the other direction alone. */
  readonly elsewhere: readonly NormalPolicy[];
}

export interface SideTrace {
  readonly subject: Pod;
  readonly direction: Direction;
  /** What the policies say; the exemptions of self and own node are not in it. */
  readonly judgement: Judgement;
  readonly packet: PacketView;
  readonly tiers: readonly TierTrace[];
}

/** @param at the instant at which rules with `until` are judged */
export function createTracer(
  viewsOf: (subject: Pod, direction: Direction) => readonly TierView[],
  alternativesOf: RuleMatcher['alternativesOf'],
  at: number,
): (packet: PacketView, judgement: Judgement) => SideTrace {
  const traceRule = (
    policy: NormalPolicy,
    rule: NormalRule,
    tier: NormalTier,
    packet: PacketView,
  ): RuleTrace => {
    const { until } = rule;
    const expired = until !== undefined && at >= until;
    const found = alternativesOf(rule, packet);
    // A rule without peers speaks of nobody.
    const origin = rule.origin;
    const alternatives: readonly Alternative[] =
      found.length > 0
        ? found
        : [{ peer: undefined, clauses: [{ kind: 'never', holds: false, origin }] }];
    const timed =
      until === undefined
        ? alternatives
        : alternatives.map(({ peer, clauses }): Alternative => ({
            peer,
            clauses: [{ kind: 'until', until, holds: !expired, origin }, ...clauses],
          }));
    const silent = tier.kind === 'additive' && rule.action !== 'allow';
    const matches = !silent && timed.some(matchesWhole);
    return { policy, rule, matches, expired, alternatives: timed };
  };

  const traceTier = (view: TierView, packet: PacketView, open: boolean): TierTrace => {
    const { tier, isolation } = view;
    const { direction } = packet;
    const all = view.policies.map((policy): PolicyTrace => ({
      policy,
      isolates: policy.isolation[direction] !== NO_DECIDER,
      rules: policy.rules
        .filter((rule) => rule.direction === direction)
        .map((rule) => traceRule(policy, rule, tier, packet)),
    }));
    const policies = all.filter(({ isolates, rules }) => isolates || rules.length > 0);
    const elsewhere = all.filter((one) => !policies.includes(one)).map(({ policy }) => policy);
    const first = policies.flatMap(({ rules }) => rules).find(({ matches }) => matches);
    const outcome = (): TierTrace['outcome'] => {
      if (!open) return 'unreached';
      if (tier.kind === 'additive') return isolation === NO_DECIDER ? 'open' : 'decided';
      if (first === undefined) return 'open';
      return first.rule.action === 'pass' ? 'passed' : 'decided';
    };
    return { tier, outcome: outcome(), policies, elsewhere };
  };

  return (packet, judgement) => {
    let open = true;
    const tiers = viewsOf(packet.subject, packet.direction).map((view) => {
      const traced = traceTier(view, packet, open);
      if (traced.outcome === 'decided') open = false;
      return traced;
    });
    checkTrace(tiers, judgement);
    return { subject: packet.subject, direction: packet.direction, judgement, packet, tiers };
  };
}

/** INVARIANT: a trace tells of the decision that was made. */
function checkTrace(tiers: readonly TierTrace[], { reason, decider }: Judgement): void {
  const tier = tiers.find(({ outcome }) => outcome === 'decided');
  const rule = tier?.policies.flatMap(({ rules }) => rules).find(({ matches }) => matches)?.rule;
  const isolation = tier?.policies.find(({ isolates }) => isolates)?.policy.isolation;
  const expected =
    rule?.id ?? Object.values(isolation ?? {}).find((id) => id === decider) ?? NO_DECIDER;
  const kind = tier === undefined ? 'default' : rule === undefined ? 'isolation' : 'rule';
  if (kind !== reason || expected !== decider) {
    bug(`a trace ends by ${kind} ${expected}, and the judgement by ${reason} ${decider}`);
  }
}
