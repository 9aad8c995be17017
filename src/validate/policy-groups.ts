/** Policy groups: large policies in parts that no pod sees more than one of, with their own small clusters. */
import type { Direction } from '../ir/model.js';
import type { NormalModel, NormalPolicy } from '../ir/normal-model.js';
import type { LookupPlan, VerdictLayout } from '../ir/plan.js';
import { spread } from './boundaries.js';

export interface PolicyGroup {
  readonly model: NormalModel;
  readonly plan: LookupPlan;
}

/** Policies that are validated with each other, where namespaces let them be parted. */
const GROUP_SIZE = 64;
/** Policies that are validated at all; of more, an even part. */
const MAX_POLICIES = 512;

export interface PolicyGroups {
  readonly groups: readonly PolicyGroup[];
  /** Whether some policies are in none of them. */
  readonly sampled: boolean;
}

/**
 * Policies of a namespace select pods there alone, so that namespaces can be validated one after the
 * other; those of the whole cluster belong to every group. Any part of the policies is a policy of its
 * own, so that of very many a part can be validated alone. Deciders keep their numbers.
 */
export function groupPolicies(model: NormalModel, plan: LookupPlan): PolicyGroups {
  if (model.policies.length <= GROUP_SIZE) return { groups: [{ model, plan }], sampled: false };
  const tried = spread(model.policies, MAX_POLICIES);
  const wide = tried.filter((policy) => !staysInNamespace(policy));
  const size = Math.max(GROUP_SIZE, wide.length);
  const byNamespace = new Map<string, NormalPolicy[]>();
  for (const policy of tried) {
    if (policy.namespace === undefined || !staysInNamespace(policy)) continue;
    const list = byNamespace.get(policy.namespace);
    if (list === undefined) byNamespace.set(policy.namespace, [policy]);
    else list.push(policy);
  }
  const parts: NormalPolicy[][] = [[]];
  for (const policies of byNamespace.values()) {
    const last = parts.at(-1);
    if (last !== undefined && last.length + policies.length <= size) last.push(...policies);
    else parts.push([...policies]);
  }
  const groups = parts
    .filter((part) => part.length > 0 || parts.length === 1)
    .map((part) => restrict(model, plan, new Set([...part, ...wide])));
  return { groups, sampled: tried.length < model.policies.length };
}

function staysInNamespace({ namespace, subjects }: NormalPolicy): boolean {
  return (
    namespace !== undefined &&
    subjects.every(({ namespaces }) =>
      namespaces.requirements.some(
        ({ operator, values }) =>
          operator === 'In' && values.length === 1 && values[0] === namespace,
      ),
    )
  );
}

function restrict(
  model: NormalModel,
  plan: LookupPlan,
  kept: ReadonlySet<NormalPolicy>,
): PolicyGroup {
  const policies: NormalPolicy[] = [];
  const renumbered = new Map<number, NormalPolicy>();
  for (const policy of model.policies) {
    if (!kept.has(policy)) continue;
    const own = { ...policy, index: policies.length };
    policies.push(own);
    renumbered.set(policy.index, own);
  }
  const tiers = model.tiers.map((tier) => ({
    ...tier,
    policies: tier.policies.flatMap(({ index }) => renumbered.get(index) ?? []),
  }));
  const layout = (direction: Direction): VerdictLayout => {
    const one = plan.verdict[direction];
    if (one.kind === 'tables') return one;
    // A bit keeps its place; the policies of other groups select none of this group's pods.
    const bits = one.policies.map((policy) => renumbered.get(policy.index) ?? absent(policy));
    return { ...one, policies: bits };
  };
  return {
    model: { ...model, tiers, policies },
    plan: { ...plan, verdict: { ingress: layout('ingress'), egress: layout('egress') } },
  };
}

function absent(policy: NormalPolicy): NormalPolicy {
  return { ...policy, index: -1 };
}
