/** Reads policies and the cluster that they are judged in, and says what was doubtful in both. */
import { bug, throwIfErrors } from '../diagnostics.js';
import { loadCluster, loadPolicies, type SourceCache } from '../front-end.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import type { PolicyModel } from '../ir/model.js';
import type { Session } from './base/session.js';
import { conflictWarnings } from './conflict-warnings.js';

export interface PoliciesInCluster {
  readonly model: PolicyModel;
  readonly cluster: ClusterSnapshot;
}

/** @throws InputError with all that is wrong in either */
export async function readPoliciesInCluster(
  session: Session,
  cache: SourceCache,
): Promise<PoliciesInCluster> {
  session.progress.stage('reading');
  const policies = await loadPolicies(session.operands, cache);
  const cluster = await loadCluster(session.list('cluster'), cache);
  const diagnostics = [...policies.diagnostics, ...cluster.diagnostics];
  if (policies.value) diagnostics.push(...conflictWarnings(policies.value));
  throwIfErrors(diagnostics);
  await session.report(diagnostics);
  return {
    model: policies.value ?? bug('no policies, and no error that says why'),
    cluster: cluster.value ?? bug('no cluster, and no error that says why'),
  };
}
