/** What `compile --emit plan` says: layouts with their estimated cost and those that lost, and who needs state. */
import type { BoundContents, BoundSubject } from '../codegen/contents.js';
import type { LayoutPlan } from '../codegen/layout/choose-layouts.js';
import { HASH_LOOKUP_NS } from '../codegen/layout/lookup-costs.js';
import type { ClassCount, StateNeed } from '../codegen/layout/state-needs.js';
import type { Direction } from '../ir/model.js';
import type { LookupPlan } from '../ir/plan.js';

export interface PlanReport {
  readonly verdict: Readonly<Record<Direction, VerdictReport>>;
  readonly boundTo: BoundTo;
  readonly layouts: LayoutPlan;
  /** Nanoseconds of one lookup in a warm hash of 16-byte keys, to compare with. */
  readonly hashLookupNs: number;
  readonly state: readonly StateReport[];
}

interface VerdictReport {
  readonly layout: 'code' | 'tables';
  readonly why: string;
  /** In code alone, by bit: policies by name, and peers. */
  readonly policies?: readonly string[];
  readonly peers?: readonly string[];
}

/** What the sizes are those of. */
export interface BoundTo {
  readonly cluster: 'given' | 'made-up';
  readonly node: string | null;
  readonly pods: number;
}

export interface StateReport extends StateNeed {
  /** `namespace/name`, all that need the same. */
  readonly pods: readonly string[];
}

export function planReport(
  { verdict }: LookupPlan,
  { subjects, layouts, stateNeeds }: BoundContents,
  boundTo: BoundTo,
): PlanReport {
  return {
    verdict: { ingress: verdictReport(verdict.ingress), egress: verdictReport(verdict.egress) },
    boundTo,
    layouts,
    hashLookupNs: HASH_LOOKUP_NS,
    state: groupNeeds(subjects, stateNeeds()),
  };
}

function verdictReport(layout: LookupPlan['verdict'][Direction]): VerdictReport {
  if (layout.kind === 'tables') return { layout: layout.kind, why: layout.why };
  const { kind, why, policies, predicates } = layout;
  return {
    layout: kind,
    why,
    policies: policies.map(({ namespace, name }) =>
      namespace === undefined ? name : `${namespace}/${name}`,
    ),
    peers: predicates.map(({ key }) => key),
  };
}

/** Pods that need the same as one line, in the order of their first. */
function groupNeeds(
  subjects: readonly BoundSubject[],
  needs: readonly StateNeed[],
): readonly StateReport[] {
  const groups = new Map<string, { need: StateNeed; pods: string[] }>();
  const keys = new Map<StateNeed, string>();
  for (const [i, { namespace, name }] of subjects.entries()) {
    const need = needs[i];
    if (need === undefined) continue;
    const key = keys.get(need) ?? JSON.stringify(need);
    keys.set(need, key);
    const group = groups.get(key) ?? { need, pods: [] };
    groups.set(key, group);
    group.pods.push(`${namespace}/${name}`);
  }
  return [...groups.values()].map(({ need, pods }) => ({ pods, ...need }));
}

/** Such as `outside, 3 of 12 classes of pods`. */
export function countsText(counts: readonly ClassCount[]): string {
  return counts
    .map(({ flavour, needing, classes }) => {
      if (classes === 1 || needing === classes) return FLAVOUR_NAMES[flavour];
      return `${needing} of ${classes} classes of ${FLAVOUR_NAMES[flavour]}`;
    })
    .join(', ');
}

const FLAVOUR_NAMES: Readonly<Record<ClassCount['flavour'], string>> = {
  outside: 'addresses outside',
  pod: 'pods',
  node: 'nodes',
  service: 'Services',
  unbound: 'unused pod addresses',
};
