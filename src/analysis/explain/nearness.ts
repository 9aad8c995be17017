/** How near a rule comes to a packet that it does not match: which of its peers misses by least. */
import { nearestName } from '../../did-you-mean.js';
import type { Alternative, Clause } from '../../ir/interpret/clauses.js';
import type { RuleTrace } from '../../ir/interpret/trace.js';

export interface Nearness {
  readonly alternative: Alternative;
  readonly distance: number;
}

/** The alternative that misses by least; the first of several. */
export function nearestAlternative(rule: RuleTrace): Nearness | undefined {
  let best: Nearness | undefined;
  for (const alternative of rule.alternatives) {
    const distance = distanceOf(alternative);
    if (best === undefined || distance < best.distance) best = { alternative, distance };
  }
  return best;
}

/** Rules that miss, nearest first; among equals in the order of decision. */
export function byNearness(
  rules: readonly RuleTrace[],
): readonly (RuleTrace & { readonly nearest: Nearness })[] {
  return rules
    .flatMap((rule) => {
      const nearest = rule.matches ? undefined : nearestAlternative(rule);
      return nearest === undefined ? [] : [{ ...rule, nearest }];
    })
    .sort((a, b) => a.nearest.distance - b.nearest.distance);
}

/** Another kind of peer is further away than any label of the right kind. */
const KIND_DISTANCE = 4;
const LIST_DISTANCE = 2;

function distanceOf({ clauses }: Alternative): number {
  const wrongKind = clauses.some((one) => !one.holds && isKind(one));
  return clauses
    .filter((one) => !one.holds && !(wrongKind && isLabel(one)))
    .reduce((sum, one) => sum + weightOf(one), 0);
}

function isKind({ kind }: Clause): boolean {
  return ['a-pod', 'a-node', 'outside', 'own-node', 'endpoint', 'never'].includes(kind);
}

function isLabel({ kind }: Clause): boolean {
  return kind === 'namespace-label' || kind === 'pod-label' || kind === 'node-label';
}

function weightOf(clause: Clause): number {
  if (isKind(clause)) return clause.kind === 'never' ? 2 * KIND_DISTANCE : KIND_DISTANCE;
  switch (clause.kind) {
    case 'inside':
    case 'held':
      return LIST_DISTANCE;
    case 'pod-label':
    case 'namespace-label':
    case 'node-label': {
      const slip = isSlip(clause) ? 0.25 : 1;
      return clause.kind === 'namespace-label' ? slip * 1.5 : slip;
    }
    default:
      return 1;
  }
}

export type LabelClause = Extract<Clause, { readonly requirement: object }>;

/** The value that is there is nearly one that is asked for. */
export function isSlip(clause: LabelClause): boolean {
  const { operator, values } = clause.requirement;
  if (operator !== 'In') return false;
  const { value } = clause;
  return value !== undefined && value.length > 2 && nearestName(value, values) !== undefined;
}
