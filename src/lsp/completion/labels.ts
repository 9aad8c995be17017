/** Labels that completion may offer: those of the cluster, or those that the policies speak of. */
import { isPolicyPod, type ClusterSnapshot, type Labels } from '../../ir/cluster.js';
import type { PolicyModel } from '../../ir/model.js';

/** Whose labels a condition is about. */
export type LabelOwner =
  | { readonly kind: 'pods'; readonly namespace?: string }
  | { readonly kind: 'namespaces' }
  | { readonly kind: 'nodes' };

/** Values by how many objects carry them, by key. */
export type LabelCounts = ReadonlyMap<string, ReadonlyMap<string, number>>;

export interface LabelSource {
  readonly cluster: ClusterSnapshot | undefined;
  readonly model: PolicyModel | undefined;
}

/** Without a cluster what the policies name stands for it; then there is nothing to count. */
export function labelsOf(owner: LabelOwner, { cluster, model }: LabelSource): LabelCounts {
  const counts = new Map<string, Map<string, number>>();
  const add = (key: string, value: string | undefined, count: number): void => {
    const values = counts.get(key) ?? new Map<string, number>();
    counts.set(key, values);
    if (value !== undefined) values.set(value, (values.get(value) ?? 0) + count);
  };
  if (cluster !== undefined) {
    for (const labels of labelSets(owner, cluster)) {
      for (const [key, value] of labels) add(key, value, 1);
    }
    return counts;
  }
  const seen = (model?.policies ?? []).flatMap(({ subjects, rules }) => [
    ...subjects,
    ...rules.flatMap(({ peers }) => peers.filter((peer) => peer.kind === 'pods')),
  ]);
  for (const { pods, namespaces } of seen) {
    const { requirements } = owner.kind === 'namespaces' ? namespaces : pods;
    for (const { key, values } of owner.kind === 'nodes' ? [] : requirements) {
      add(key, undefined, 0);
      for (const value of values) add(key, value, 0);
    }
  }
  return counts;
}

function labelSets(owner: LabelOwner, cluster: ClusterSnapshot): readonly Labels[] {
  switch (owner.kind) {
    case 'namespaces':
      return [...cluster.namespaces.values()].map(({ labels }) => labels);
    case 'nodes':
      return cluster.nodes.map(({ labels }) => labels);
    case 'pods': {
      const pods = cluster.pods.filter(isPolicyPod);
      const inside = pods.filter(({ namespace }) => namespace === owner.namespace);
      // A namespace that the cluster lacks has no pods to learn from.
      const wanted = owner.namespace === undefined || inside.length === 0 ? pods : inside;
      return wanted.map(({ labels }) => labels);
    }
  }
}
