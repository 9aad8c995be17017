/** What each tier has to say about a subject in one direction: the policies that select it, and their rules. */
import type { Pod } from '../cluster.js';
import type { Direction } from '../model.js';
import {
  NO_DECIDER,
  type DeciderId,
  type NormalModel,
  type NormalPolicy,
  type NormalTier,
} from '../normal-model.js';
import { RuleIndex, SubjectIndex } from './rule-index.js';
import type { PodSelection } from './selectors.js';

export interface TierView {
  readonly tier: NormalTier;
  /** Those that select the subject, in the order of decision. */
  readonly policies: readonly NormalPolicy[];
  readonly isolation: DeciderId;
  /** Those that may decide now. */
  readonly rules: RuleIndex;
}

/** Tier views are shared between pods that the same policies select. */
export function createTierViews(
  model: NormalModel,
  selection: PodSelection,
  at: number,
): (subject: Pod, direction: Direction) => readonly TierView[] {
  const indexes = model.tiers.map((tier) => new SubjectIndex(tier.policies));
  const byLook = new Map<number, Record<Direction, readonly TierView[]>>();
  const byPolicies = new Map<string, TierView>();

  const viewOf = (
    tier: NormalTier,
    policies: readonly NormalPolicy[],
    direction: Direction,
  ): TierView => {
    const key = [tier.name, direction, ...policies.map(({ index }) => index)].join(' ');
    const known = byPolicies.get(key);
    if (known !== undefined) return known;
    const rules = policies.flatMap((policy) =>
      policy.rules.filter(
        (rule) =>
          rule.direction === direction &&
          (rule.until === undefined || at < rule.until) &&
          (tier.kind === 'ordered' || rule.action === 'allow'),
      ),
    );
    const isolations =
      tier.kind === 'additive' ? policies.map(({ isolation }) => isolation[direction]) : [];
    const isolation = isolations.find((id) => id !== NO_DECIDER) ?? NO_DECIDER;
    const view = { tier, policies, isolation, rules: new RuleIndex(rules) };
    byPolicies.set(key, view);
    return view;
  };

  return (subject, direction) => {
    const look = selection.lookOf(subject);
    let views = byLook.get(look);
    if (views === undefined) {
      const selected = model.tiers.map((tier, i) => ({
        tier,
        policies: indexes[i]?.selecting(subject, selection) ?? [],
      }));
      const viewsIn = (direction: Direction): readonly TierView[] =>
        selected.map(({ tier, policies }) => viewOf(tier, policies, direction));
      views = { ingress: viewsIn('ingress'), egress: viewsIn('egress') };
      byLook.set(look, views);
    }
    return views[direction];
  };
}
