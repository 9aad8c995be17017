/** Who of the cluster is meant by peers: pods by workload, nodes, endpoints. */

import type { Address } from '../../address.js';
import { isPolicyPod, selectorMatches, type ClusterSnapshot, type Pod } from '../../ir/cluster.js';
import { someContains } from '../../ir/interpret/prefixes.js';
import { createPodSelection, type PodSelection } from '../../ir/interpret/selectors.js';
import type { Peer, PodSelector } from '../../ir/model.js';
import { plural } from '../../render/terminal.js';
import { code } from './words.js';

/** Workloads named before the rest is counted. */
const MOST_LINES = 12;

const selections = new WeakMap<ClusterSnapshot, PodSelection>();

function selectionOf(cluster: ClusterSnapshot): PodSelection {
  const known = selections.get(cluster) ?? createPodSelection(cluster);
  selections.set(cluster, known);
  return known;
}

export function podsOf(
  selectors: readonly PodSelector[],
  cluster: ClusterSnapshot,
): readonly Pod[] {
  const selection = selectionOf(cluster);
  return cluster.pods.filter(
    (pod) => isPolicyPod(pod) && selectors.some((one) => selection.selects(one, pod)),
  );
}

/** Markdown: who of the cluster the peers are; undefined where they name nobody of the cluster. */
export function membersText(peers: readonly Peer[], cluster: ClusterSnapshot): string | undefined {
  const concrete = peers.filter(
    ({ kind }) => !['any', 'outside', 'own-node', 'nothing'].includes(kind),
  );
  if (concrete.length === 0) return undefined;
  const pods = cluster.pods.filter(
    (pod) => isPolicyPod(pod) && concrete.some((one) => holdsPod(one, pod, cluster)),
  );
  const nodes = cluster.nodes.filter(({ labels, addresses }) =>
    concrete.some(
      (peer) =>
        (peer.kind === 'nodes' && selectorMatches(peer.selector, labels)) ||
        (peer.kind === 'addresses' && addresses.some((one) => containsAddress(peer, one))),
    ),
  );
  if (pods.length + nodes.length === 0) {
    const onlyAddresses = concrete.every(({ kind }) => kind === 'addresses');
    return onlyAddresses
      ? 'No pod or node of the cluster has such an address.'
      : '**Nobody** in the cluster is meant.';
  }
  const counted = [
    ...(pods.length === 0 ? [] : [plural(pods.length, 'pod')]),
    ...(nodes.length === 0 ? [] : [plural(nodes.length, 'node')]),
  ];
  const lines = [...workloadLines(pods), ...nodes.map(({ name }) => `node ${code(name)}`)];
  return `In the cluster: ${counted.join(' and ')}\n\n${bullets(lines)}`;
}

export function podsText(pods: readonly Pod[]): string {
  if (pods.length === 0) return '**No pod** of the cluster is selected.';
  return `In the cluster: ${plural(pods.length, 'pod')}\n\n${bullets(workloadLines(pods))}`;
}

export function bullets(lines: readonly string[]): string {
  const told = lines.length <= MOST_LINES ? lines : lines.slice(0, MOST_LINES - 1);
  const rest = lines.length - told.length;
  return [...told, ...(rest === 0 ? [] : [`… and ${rest} more`])]
    .map((line) => `- ${line}`)
    .join('\n');
}

/** Replicas are one line. */
function workloadLines(pods: readonly Pod[]): readonly string[] {
  const groups = new Map<string, { readonly pod: Pod; count: number }>();
  for (const pod of pods) {
    const { namespace, name, workload } = pod;
    const key =
      workload === undefined
        ? `${namespace}/${name}`
        : `${namespace}/${workload.kind}/${workload.name}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { pod, count: 1 });
    else known.count += 1;
  }
  return [...groups.values()].map(({ pod, count }) => {
    const { namespace, name, workload, representative } = pod;
    if (workload === undefined) return code(`${namespace}/${name}`);
    const size = representative ? '' : `, ${plural(count, 'pod')}`;
    return `${code(`${namespace}/${workload.name}`)} (${workload.kind}${size})`;
  });
}

function holdsPod(peer: Peer, pod: Pod, cluster: ClusterSnapshot): boolean {
  switch (peer.kind) {
    case 'pods':
      return selectionOf(cluster).selects(peer, pod);
    case 'addresses':
      return pod.addresses.some((one) => containsAddress(peer, one));
    case 'service':
      return cluster.services.some(
        ({ namespace, name, endpoints }) =>
          namespace === peer.namespace &&
          name === peer.name &&
          endpoints.some(({ address }) =>
            pod.addresses.some(
              ({ family, value }) => family === address.family && value === address.value,
            ),
          ),
      );
    default:
      return false;
  }
}

function containsAddress(
  { include, exclude }: Extract<Peer, { readonly kind: 'addresses' }>,
  address: Address,
): boolean {
  return someContains(include, address) && !someContains(exclude, address);
}
