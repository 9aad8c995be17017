/** Normalize: puts the model's policies into the order of decision and numbers what can decide. */
import { bug } from '../diagnostics.js';
import type { Direction, Exception, Policy, PolicyModel, Rule, Tier } from './model.js';
import {
  NO_DECIDER,
  type Decider,
  type DeciderId,
  type NormalModel,
  type NormalPolicy,
  type NormalRule,
  type NormalTier,
} from './normal-model.js';

/**
 * Deciders are numbered from 1, tier by tier and policy by policy: the rules first, exceptions ahead
 * of them, then the isolations. An exception whose policy is missing is the checks' to report.
 */
export function normalize(model: PolicyModel): NormalModel {
  const deciders: Decider[] = [{ kind: 'none' }];
  const policies: NormalPolicy[] = [];
  const tiers = model.tiers.map((tier): NormalTier => {
    const ordered = policiesOf(model, tier).map((policy) => {
      const numbered = numberPolicy(policy, model.exceptions, policies.length, deciders);
      policies.push(numbered);
      return numbered;
    });
    return { ...tier, policies: ordered };
  });
  if (policies.length !== model.policies.length) bug('a policy names a tier that the model lacks');
  const { services } = model;
  return { tiers, policies, deciders, ...(services === undefined ? {} : { services }) };
}

/** Text order by UTF-16 code units, which no locale changes. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function policiesOf(model: PolicyModel, tier: Tier): readonly Policy[] {
  // Sorting is stable, so that the position decides between equals.
  return model.policies
    .filter((policy) => policy.tier === tier.name)
    .sort((a, b) =>
      tier.kind === 'ordered'
        ? a.priority - b.priority || compareText(a.name, b.name)
        : compareText(a.namespace ?? '', b.namespace ?? '') || compareText(a.name, b.name),
    );
}

function numberPolicy(
  policy: Policy,
  exceptions: readonly Exception[],
  index: number,
  deciders: Decider[],
): NormalPolicy {
  const first = deciders.length;
  const rules = [...exceptionRules(policy, exceptions), ...policy.rules].map(
    (rule, position): NormalRule => ({ ...rule, id: (first + position) as DeciderId }),
  );
  let next = first + rules.length;
  const isolationId = (direction: Direction): DeciderId => {
    if (!policy.isolates[direction]) return NO_DECIDER;
    next += 1;
    return (next - 1) as DeciderId;
  };
  const isolation = { ingress: isolationId('ingress'), egress: isolationId('egress') };
  const normal: NormalPolicy = { ...policy, index, rules, isolation };
  for (const rule of rules) deciders.push({ kind: 'rule', policy: normal, rule });
  for (const direction of ['ingress', 'egress'] as const) {
    if (policy.isolates[direction]) {
      deciders.push({ kind: 'isolation', policy: normal, direction });
    }
  }
  return normal;
}

function exceptionRules(policy: Policy, exceptions: readonly Exception[]): readonly Rule[] {
  return exceptions
    .filter((exception) => isExceptionTo(exception, policy))
    .flatMap((exception) =>
      exception.rules.map((rule) => ({
        ...rule,
        name: `exception ${exception.name} ${rule.name}`,
      })),
    );
}

/** Exceptions go to cluster-wide policies of the policy language alone. */
export function isExceptionTo(exception: Exception, policy: Policy): boolean {
  return policy.kind === 'policy' && policy.name === exception.to;
}
