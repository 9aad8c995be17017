/** What the policies take in the kernel's memory, once they are bound to a cluster. */
import { bind } from '../codegen/bind.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import type { NormalModel } from '../ir/normal-model.js';
import { planLookups } from '../ir/plan.js';

/**
 * Tables and maps with room for all their entries, as if one node held every pod. Connection maps are
 * left out, since they belong to the node and not to the policies.
 */
export function boundBytes(model: NormalModel, cluster: ClusterSnapshot, at: number): number {
  const { tables, maps, subjects } = bind(model, planLookups(model), cluster, { at });
  const tableBytes = [...tables.map(({ bytes }) => bytes), ...subjects.map((one) => one.subject)];
  const mapBytes = maps
    .filter(({ lifetime }) => lifetime === 'generation')
    .map(({ maxEntries, keySize, valueSize }) => maxEntries * (keySize + valueSize));
  return [...tableBytes.map((bytes) => bytes.length), ...mapBytes].reduce((a, b) => a + b, 0);
}
