/** A world through the product: its texts are parsed and lowered as any user's are. */
import { throwIfErrors, type Outcome } from '../../src/diagnostics.js';
import type { ClusterSnapshot } from '../../src/ir/cluster.js';
import { lowerCluster } from '../../src/ir/lower-cluster.js';
import { lowerK8sPolicies } from '../../src/ir/lower-k8s.js';
import {
  ADMIN_TIER,
  BASELINE_TIER,
  NETWORKPOLICY_TIER,
  type PolicyModel,
} from '../../src/ir/model.js';
import { parseK8s } from '../../src/parser/parse-k8s.js';
import type { SourceFile } from '../../src/source.js';

export function valueOf<Value>(outcome: Outcome<Value>): Value {
  throwIfErrors(outcome.diagnostics);
  if (outcome.value === undefined) throw new Error('an outcome without errors has a value');
  return outcome.value;
}

export function readPolicies(file: SourceFile): PolicyModel {
  const policies = valueOf(lowerK8sPolicies(valueOf(parseK8s([file]))));
  const tiers = [ADMIN_TIER, NETWORKPOLICY_TIER, BASELINE_TIER];
  return { tiers, policies, exceptions: [], assertions: [], tests: [] };
}

export function readCluster(file: SourceFile): ClusterSnapshot {
  return valueOf(lowerCluster(valueOf(parseK8s([file]))));
}
