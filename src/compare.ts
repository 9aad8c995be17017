/** From two models and clusters to one report of what changes between them. */
import type { Acceptance } from './analysis/diff/acceptances.js';
import {
  mergeClusters,
  symbolicDocument,
  type ClusterDiff,
  type DiffDocument,
} from './analysis/diff/clusters.js';
import { boundCost, programCost } from './analysis/diff/cost.js';
import { diffModels } from './analysis/diff.js';
import type { Models } from './analysis/universe.js';
import { diffSymbolically } from './analysis/symbolic.js';
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
  /** None: all that there can be. */
  readonly clusters: readonly NamedCluster[];
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
  readonly acceptances: readonly Acceptance[];
  /** The policies as they are judged in a cluster, where that is not as they are written. */
  readonly edit?: (model: PolicyModel, cluster: ClusterSnapshot) => PolicyModel;
  readonly onProgress?: (done: number, total: number) => void;
}

/** @throws InputError where the policies do not fit a cluster, or tell too much apart without one */
export function comparePolicies(options: CompareOptions): DiffDocument {
  const { old, new: next, clusters, at, acceptances, edit, onProgress } = options;
  const [was, is] = [normalize(old.model), normalize(next.model)];
  const programs = { was: programCost(was), is: programCost(is) };
  const costs = {
    was: { instructions: programs.was.instructions, layout: programs.was.layout },
    is: { instructions: programs.is.instructions, layout: programs.is.layout },
  };
  const parts = { old: old.name, new: next.name, programs: costs };
  if (clusters.length === 0) {
    return symbolicDocument(parts, diffSymbolically([was, is], at), acceptances);
  }
  const diffs = clusters.map(({ name, cluster }, i): ClusterDiff => {
    onProgress?.(i, clusters.length);
    const judged: Models =
      edit === undefined
        ? [was, is]
        : [normalize(edit(old.model, cluster)), normalize(edit(next.model, cluster))];
    const { statefulPods, ...report } = diffModels(judged, cluster, at);
    const bound = {
      was: boundCost(was, programs.was.plan, cluster, at),
      is: boundCost(is, programs.is.plan, cluster, at),
    };
    return { name, ...report, cost: { bound, statefulPods } };
  });
  return mergeClusters(parts, diffs, acceptances);
}
