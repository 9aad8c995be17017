/** The whole check on one page: policies and the cluster they are for → everything there is to say. */
import type { Diagnostic, Outcome } from './diagnostics.js';
import { loadCluster, loadPolicies, type SourceCache } from './front-end.js';
import { checkModel } from './ir/check.js';
import type { ClusterSnapshot } from './ir/cluster.js';
import type { PolicyModel } from './ir/model.js';
import { normalize } from './ir/normalize.js';

/** What was found; the values are there where they could be made. */
export interface Checked {
  readonly diagnostics: readonly Diagnostic[];
  readonly model?: PolicyModel;
  readonly cluster?: ClusterSnapshot;
}

export interface CheckRequest {
  readonly policies: readonly string[];
  /** Paths of the cluster, or what became of them; without any the policies are checked alone. */
  readonly cluster?: readonly string[] | Outcome<ClusterSnapshot>;
  readonly onStage?: (stage: 'reading' | 'checking') => void;
}

export async function checkSources(request: CheckRequest, cache: SourceCache): Promise<Checked> {
  request.onStage?.('reading');
  const policies = await loadPolicies(request.policies, cache);
  const cluster = await clusterOf(request.cluster, cache);
  const diagnostics = [...policies.diagnostics, ...(cluster?.diagnostics ?? [])];
  const model = policies.value;
  if (model !== undefined && (cluster === undefined || cluster.value !== undefined)) {
    request.onStage?.('checking');
    for (const one of checkModel(model, normalize(model), cluster?.value)) diagnostics.push(one);
  }
  return {
    diagnostics,
    ...(model === undefined ? {} : { model }),
    ...(cluster?.value === undefined ? {} : { cluster: cluster.value }),
  };
}

async function clusterOf(
  wanted: CheckRequest['cluster'],
  cache: SourceCache,
): Promise<Outcome<ClusterSnapshot> | undefined> {
  if (wanted === undefined) return undefined;
  if (!isPaths(wanted)) return wanted;
  return wanted.length === 0 ? undefined : loadCluster(wanted, cache);
}

function isPaths(
  wanted: readonly string[] | Outcome<ClusterSnapshot>,
): wanted is readonly string[] {
  return Array.isArray(wanted);
}
