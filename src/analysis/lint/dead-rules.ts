/** Rules that decide nothing in a cluster, and allows that others there make superfluous. */
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import type { Span } from '../../source.js';
import { deciderOrigin, type DeciderId } from '../../ir/normal-model.js';
import { ruleName } from './naming.js';
import { findRuleUses } from './rule-uses.js';
import type { Scene } from './scene.js';

/**
 * @param isExplained what has been said of already, with the cause, needs no second word
 * @param gone rules that are reported as superfluous in every cluster
 */
export function lintDeadRules(
  scene: Scene,
  isExplained: (origin: Span) => boolean,
  gone: ReadonlySet<DeciderId>,
): readonly Diagnostic[] {
  const { dead, redundant } = findRuleUses(scene.universe, gone);
  const names = (ids: readonly DeciderId[]): readonly string[] =>
    ids.flatMap((id) => scene.nameOf(id) ?? []);
  const related = (ids: readonly DeciderId[], message: string): Diagnostic['related'] =>
    ids.slice(0, 3).flatMap((id) => {
      const decider = scene.model.deciders[id];
      const span = decider === undefined ? undefined : deciderOrigin(decider);
      return span === undefined ? [] : [{ span, message }];
    });
  return scene.model.policies.flatMap((policy) => {
    if (isExplained(policy.origin) || scene.subjectsOf(policy).length === 0) return [];
    return policy.rules.flatMap((rule) => {
      if (gone.has(rule.id) || isExplained(rule.origin)) return [];
      const rivals = redundant.get(rule.id);
      const rank = ruleName(policy, rule);
      if (rivals !== undefined) {
        const args = { rule: rank, by: names(rivals) };
        const places = related(rivals, 'this allows it too');
        return [diagnostic('lint/redundant-rule', args, rule.origin, places)];
      }
      const winners = dead.get(rule.id);
      if (winners === undefined) return [];
      // Each peer that selects nothing is told by itself.
      if (rule.peers.every((peer) => peer.kind === 'pods' && scene.podsOf(peer).length === 0)) {
        return [];
      }
      if (rule.peers.some((peer) => isExplained(peer.origin))) return [];
      const args = { rule: rank, by: names(winners) };
      const places = related(winners, 'this decides first');
      return [diagnostic('lint/dead-rule', args, rule.origin, places)];
    });
  });
}
