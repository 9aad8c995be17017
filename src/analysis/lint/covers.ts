/** Policies and rules of the additive tier that others make superfluous in every cluster. */
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import { ruleCovers, subjectsCover } from '../../ir/check/covers.js';
import { CoverIndex } from '../../ir/check/shadows.js';
import type { Rule } from '../../ir/model.js';
import { policyName, type NormalModel, type NormalPolicy } from '../../ir/normal-model.js';
import { peerKey, podSelectorKey, portMatchKey } from '../../ir/peer-key.js';
import type { Span } from '../../source.js';
import { ruleName } from './naming.js';

/** A policy that says what an earlier one says. */
export interface Duplicate {
  readonly policy: NormalPolicy;
  readonly first: NormalPolicy;
}

export function findDuplicates({ tiers }: NormalModel): readonly Duplicate[] {
  const firsts = new Map<string, NormalPolicy>();
  return tiers
    .filter(({ kind }) => kind === 'additive')
    .flatMap(({ policies }) => policies)
    .flatMap((policy) => {
      const key = policyKey(policy);
      const first = firsts.get(key);
      if (first !== undefined) return [{ policy, first }];
      firsts.set(key, policy);
      return [];
    });
}

/** Equal for policies that say the same, in whatever order. */
function policyKey({ subjects, isolates, logsIsolation, rules, namespace }: NormalPolicy): string {
  return JSON.stringify([
    namespace ?? '',
    [...new Set(subjects.map(podSelectorKey))].sort(),
    isolates.ingress,
    isolates.egress,
    logsIsolation,
    [...new Set(rules.map(ruleKey))].sort(),
  ]);
}

function ruleKey({ direction, action, peers, ports, log, until }: Rule): string {
  return JSON.stringify([
    direction,
    action,
    [...new Set(peers.map(peerKey))].sort(),
    ports === 'every' ? ports : [...new Set(ports.map(portMatchKey))].sort(),
    log,
    until,
  ]);
}

export function lintDuplicates(duplicates: readonly Duplicate[]): readonly Diagnostic[] {
  return duplicates.map(({ policy, first }) => {
    const args = { policy: policyName(policy), first: policyName(first) };
    const related = [{ span: first.origin, message: 'the first one is here' }];
    return diagnostic('lint/duplicate-policy', args, policy.origin, related);
  });
}

/**
 * Rules within wider ones of other policies of the namespace; those within their own policy are the
 * checks' to report.
 * @param isExplained duplicates are told as a whole
 */
export function lintCoveredRules(
  { tiers }: NormalModel,
  isExplained: (origin: Span) => boolean,
): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const tier of tiers) {
    if (tier.kind !== 'additive') continue;
    const index = new CoverIndex();
    const policies = tier.policies.filter(({ origin }) => !isExplained(origin));
    for (const policy of policies) for (const rule of policy.rules) index.add({ policy, rule });
    for (const policy of policies) {
      for (const rule of policy.rules) {
        if (isExplained(rule.origin)) continue;
        const cover = index.find({ policy, rule }, (other) => {
          if (other.policy === policy || other.rule.log !== rule.log) return false;
          if (!ruleCovers(other.rule, rule) || !subjectsCover(other.policy, policy)) return false;
          const mutual = ruleCovers(rule, other.rule) && subjectsCover(policy, other.policy);
          return !mutual || other.rule.id < rule.id;
        });
        if (cover === undefined) continue;
        const args = { rule: ruleName(policy, rule), by: ruleName(cover.policy, cover.rule) };
        const related = [{ span: cover.rule.origin, message: 'the wider rule is here' }];
        diagnostics.push(diagnostic('lint/covered-rule', args, rule.origin, related));
      }
    }
  }
  return diagnostics;
}
