/** One report of several clusters: a change that is the same in many of them is told once. */
import type { Acceptance } from './acceptances.js';
import type { BoundCost, ProgramCost } from './cost.js';
import type { DiffReport } from '../diff.js';
import type { Change } from '../report.js';
import type { SymbolicReport } from '../symbolic.js';
import type { StatefulPods } from './state.js';

/** Old and new. */
export interface BeforeAfter<Value> {
  readonly was: Value;
  readonly is: Value;
}

/** What the policies cost in one cluster. */
export interface ClusterCost {
  readonly bound: BeforeAfter<BoundCost>;
  readonly statefulPods: StatefulPods;
}

export interface ClusterDiff extends Omit<DiffReport, 'statefulPods'> {
  readonly name: string;
  readonly cost: ClusterCost;
}

/** A change, and in which of the clusters it is the same. */
export interface ReportedChange extends Change {
  readonly clusters: readonly string[];
  /** Why it is accepted, if it is. */
  readonly accepted?: string;
}

export interface DiffDocument {
  readonly old: string;
  readonly new: string;
  /** None where all clusters are meant. */
  readonly clusters: readonly Omit<ClusterDiff, 'changes'>[];
  /** Present where all clusters are meant: how many kinds of pods there are, and what is taken for granted. */
  readonly symbolic?: Omit<SymbolicReport, 'changes'>;
  /** The most important first; what is the same in several clusters once. */
  readonly changes: readonly ReportedChange[];
  readonly programs: BeforeAfter<ProgramCost>;
}

/** What a gate may fail on. */
export type Gate = 'widen' | 'narrow' | 'cost' | 'any';
export const GATES: readonly Gate[] = ['widen', 'narrow', 'cost', 'any'];

type Parts = Omit<DiffDocument, 'changes' | 'clusters' | 'symbolic'>;

/** A document over all clusters at once. */
export function symbolicDocument(
  parts: Parts,
  { changes, ...symbolic }: SymbolicReport,
  acceptances: readonly Acceptance[],
): DiffDocument {
  const told = changes.map((change) => ({ change, clusters: [] }));
  return { ...parts, clusters: [], symbolic, changes: acceptChanges(told, acceptances) };
}

export function mergeClusters(
  parts: Parts,
  diffs: readonly ClusterDiff[],
  acceptances: readonly Acceptance[],
): DiffDocument {
  const merged = new Map<string, { change: Change; clusters: string[] }>();
  for (const { name, changes } of diffs) {
    for (const change of changes) {
      const known = merged.get(change.fingerprint);
      if (known === undefined) merged.set(change.fingerprint, { change, clusters: [name] });
      else known.clusters.push(name);
    }
  }
  const changes = acceptChanges([...merged.values()], acceptances);
  // Sorting is stable: what each cluster told first stays ahead.
  const widenedFirst = [...changes].sort((a, b) => Number(a.tag < b.tag) - Number(a.tag > b.tag));
  const clusters = diffs.map(({ name, pods, podsTouched, cost }) => {
    return { name, pods, podsTouched, cost };
  });
  return { ...parts, clusters, changes: widenedFirst };
}

function acceptChanges(
  found: readonly { readonly change: Change; readonly clusters: readonly string[] }[],
  acceptances: readonly Acceptance[],
): readonly ReportedChange[] {
  const reasons = new Map(acceptances.map(({ fingerprint, reason }) => [fingerprint, reason]));
  return found.map(({ change, clusters }): ReportedChange => {
    const accepted = reasons.get(change.fingerprint);
    return { ...change, clusters, ...(accepted === undefined ? {} : { accepted }) };
  });
}

/** Which of the gates the document fails. Accepted changes pass. */
export function failedGates(document: DiffDocument, gates: readonly Gate[]): readonly Gate[] {
  const open = document.changes.filter(({ accepted }) => accepted === undefined);
  const fails: Readonly<Record<Gate, boolean>> = {
    widen: open.some(({ tag }) => tag === 'widened'),
    narrow: open.some(({ tag }) => tag === 'narrowed'),
    cost: costsMore(document),
    any: open.length > 0,
  };
  return gates.filter((gate) => fails[gate]);
}

function costsMore({ programs, clusters }: DiffDocument): boolean {
  const { was, is } = programs;
  const slower = (['ingress', 'egress'] as const).some(
    (direction) => was.layout[direction] === 'code' && is.layout[direction] === 'tables',
  );
  return (
    slower ||
    is.instructions > was.instructions ||
    clusters.some(
      ({ cost: { bound, statefulPods } }) =>
        bound.is.entries > bound.was.entries ||
        bound.is.bytes > bound.was.bytes ||
        statefulPods.is > statefulPods.was,
    )
  );
}
