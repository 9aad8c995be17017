/** From two models and clusters to one report of what changes between them. */
import type { Acceptance } from './analysis/diff/acceptances.js';
import { mergeClusters, type ClusterDiff, type DiffDocument } from './analysis/diff/clusters.js';
import { boundCost, programCost } from './analysis/diff/cost.js';
import { diffModels } from './analysis/diff.js';
import { diagnostic, InputError } from './diagnostics.js';
import type { ClusterSnapshot } from './ir/cluster.js';
import type { PolicyModel } from './ir/model.js';
import { normalize } from './ir/normalize.js';

export interface NamedModel {
  /** As the user wrote it. */
  readonly name: string;
  readonly model: PolicyModel;
}

export interface NamedCluster {
  readonly name: string;
  readonly cluster: ClusterSnapshot;
}

export interface CompareOptions {
  readonly old: NamedModel;
  readonly new: NamedModel;
  readonly clusters: readonly NamedCluster[];
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
  readonly acceptances: readonly Acceptance[];
  readonly onProgress?: (done: number, total: number) => void;
}

/** @throws InputError where there is no cluster, or the policies do not fit one */
export function comparePolicies(options: CompareOptions): DiffDocument {
  const { old, new: next, clusters, at, acceptances, onProgress } = options;
  if (clusters.length === 0) throw new InputError([diagnostic('diff/no-cluster', {})]);
  const [was, is] = [normalize(old.model), normalize(next.model)];
  const programs = { was: programCost(was), is: programCost(is) };
  const diffs = clusters.map(({ name, cluster }, i): ClusterDiff => {
    onProgress?.(i, clusters.length);
    const { statefulPods, ...report } = diffModels([was, is], cluster, at);
    const bound = {
      was: boundCost(was, programs.was.plan, cluster, at),
      is: boundCost(is, programs.is.plan, cluster, at),
    };
    return { name, ...report, cost: { bound, statefulPods } };
  });
  const costs = {
    was: { instructions: programs.was.instructions, layout: programs.was.layout },
    is: { instructions: programs.is.instructions, layout: programs.is.layout },
  };
  return mergeClusters({ old: old.name, new: next.name, programs: costs }, diffs, acceptances);
}
