/** Policies that nearly select a subject: what one label would have brought into play. */
import type { Span } from '../../source.js';
import { originOfClause } from '../../ir/clause-origins.js';
import { requirementHolds, selectorMatches, type ClusterSnapshot } from '../../ir/cluster.js';
import { namespaceLabels } from '../../ir/interpret/selectors.js';
import type { LabelRequirement } from '../../ir/model.js';
import { NO_DECIDER, type NormalModel, type NormalPolicy } from '../../ir/normal-model.js';
import { nearestName } from '../../did-you-mean.js';
import type { Side } from './sides.js';

export interface NearSubject {
  readonly policy: NormalPolicy;
  /** The one label by which it does not select the subject. */
  readonly requirement: LabelRequirement;
  /** What the label is there, if it is there. */
  readonly value: string | undefined;
  readonly origin: Span;
  /** Policies of the subject's namespace, or for all, that do not select it. */
  readonly passedBy: number;
}

/**
 * Only where the policies let everything through since none had a say: then a policy that should
 * have selected the pod may be what is missing. Policies that miss by more than one label are others'.
 */
export function nearestSubject(
  { subject, direction, judgement }: Side,
  model: NormalModel,
  cluster: ClusterSnapshot,
): NearSubject | undefined {
  if (judgement.reason !== 'default') return undefined;
  const ofNamespace = namespaceLabels(cluster, subject.namespace);
  let best: Omit<NearSubject, 'passedBy'> | undefined;
  let passedBy = 0;
  let bestIsSlip = false;
  for (const policy of model.policies) {
    const speaks =
      policy.isolation[direction] !== NO_DECIDER ||
      policy.rules.some((rule) => rule.direction === direction);
    if (!speaks) continue;
    const here = policy.subjects.filter(({ namespaces }) =>
      selectorMatches(namespaces, ofNamespace),
    );
    if (here.length === 0 || here.some(({ pods }) => selectorMatches(pods, subject.labels)))
      continue;
    passedBy += 1;
    for (const { pods, origin } of here) {
      const missed = pods.requirements.filter((one) => !requirementHolds(one, subject.labels));
      const [requirement, ...more] = missed;
      if (requirement === undefined || more.length > 0) continue;
      const value = subject.labels.get(requirement.key);
      const slip =
        value !== undefined &&
        requirement.operator === 'In' &&
        nearestName(value, requirement.values) !== undefined;
      if (best !== undefined && (bestIsSlip || !slip)) continue;
      bestIsSlip = slip;
      best = { policy, requirement, value, origin: originOfClause(requirement) ?? origin };
    }
  }
  return best && { ...best, passedBy };
}
