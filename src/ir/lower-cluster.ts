/** Kubernetes objects → the cluster snapshot; objects that policies cannot see are left alone. */
import { addressKey, parseAddress, type Address, type Prefix } from '../address.js';
import { diagnostic, hasErrors, type Diagnostic, type Outcome } from '../diagnostics.js';
import { classify } from '../parser/k8s/kinds.js';
import type { K8sObject } from '../parser/k8s/objects.js';
import type { JsonValue } from '../parser/yaml/value.js';
import type { ClusterNode, ClusterSnapshot, Namespace, Pod, Service } from './cluster.js';
import { openObject, type ClusterObject } from './lower-cluster/fields.js';
import { reportNetworks, reportUnknownWorkloads } from './lower-cluster/left-alone.js';
import { fullName, lowerPod, settleAddresses, type PodRecord } from './lower-cluster/pods.js';
import { ServiceLowering, type LoweredService } from './lower-cluster/services.js';
import { isWorkloadKind, Workloads } from './lower-cluster/workloads.js';
import { inventAddresses } from './made-up-addresses.js';
import { NAMESPACE_NAME_LABEL } from './model.js';

/** Kinds without a namespace. */
const CLUSTER_SCOPED = new Set(['Namespace', 'Node']);

const SEEN_KINDS = new Set(['Namespace', 'Node', 'Pod', 'Service', 'EndpointSlice', 'Endpoints']);

/** Kinds of these groups are Kubernetes' own; others may have the same names. */
const SEEN_GROUPS = /^(v1|apps\/[^/]+|batch\/[^/]+|discovery\.k8s\.io\/[^/]+)$/;

export function lowerCluster(objects: readonly K8sObject[]): Outcome<ClusterSnapshot> {
  const diagnostics: Diagnostic[] = [];
  const byKind = openAll(objects, diagnostics);
  const of = (kind: string): readonly ClusterObject[] => byKind.get(kind) ?? [];
  const nodes = of('Node').map(lowerNode);
  const records = lowerPods(byKind, nodes, diagnostics);
  const lowering = new ServiceLowering({
    slices: of('EndpointSlice'),
    endpoints: of('Endpoints'),
    pods: records,
  });
  const services = giveClusterAddresses(
    of('Service').map((source) => lowering.lower(source)),
    records,
    nodes,
  );
  if (hasErrors(diagnostics)) return { diagnostics };
  if (byKind.size === 0) diagnostics.push(emptyCluster(objects));
  diagnostics.push(...reportNetworks(objects));
  // A running cluster shows the pods themselves, whoever made them.
  if (records.every(({ manifest }) => manifest)) {
    diagnostics.push(...reportUnknownWorkloads(objects, isRead));
  }
  const pods = records.map(({ pod }) => pod).sort(byFullName);
  const snapshot: ClusterSnapshot = {
    namespaces: lowerNamespaces(of('Namespace'), [...pods, ...services]),
    pods,
    nodes: nodes.sort((a, b) => compare(a.name, b.name)),
    services,
  };
  return { value: snapshot, diagnostics };
}

function isRead({ apiVersion, kind }: K8sObject): boolean {
  return (SEEN_KINDS.has(kind) || isWorkloadKind(kind)) && SEEN_GROUPS.test(apiVersion);
}

function openAll(
  objects: readonly K8sObject[],
  diagnostics: Diagnostic[],
): ReadonlyMap<string, readonly ClusterObject[]> {
  const byKind = new Map<string, ClusterObject[]>();
  const firsts = new Map<string, ClusterObject>();
  for (const object of objects) {
    const { kind } = object;
    if (!isRead(object)) continue;
    const source = openObject(object, diagnostics);
    if (source === undefined) continue;
    const name = CLUSTER_SCOPED.has(kind) ? source.name : fullName(source);
    const first = firsts.get(`${kind} ${name}`);
    if (first !== undefined) {
      const related = [{ span: first.object.nameSpan(), message: 'the first one is here' }];
      const at = object.nameSpan();
      diagnostics.push(diagnostic('cluster/duplicate', { kind, name }, at, related));
      continue;
    }
    firsts.set(`${kind} ${name}`, source);
    const list = byKind.get(kind);
    if (list === undefined) byKind.set(kind, [source]);
    else list.push(source);
  }
  return byKind;
}

function lowerPods(
  byKind: ReadonlyMap<string, readonly ClusterObject[]>,
  nodes: readonly ClusterNode[],
  diagnostics: Diagnostic[],
): readonly PodRecord[] {
  const workloads = new Workloads();
  for (const [kind, sources] of byKind) {
    if (isWorkloadKind(kind)) sources.forEach((source) => workloads.add(source));
  }
  const lowered = (byKind.get('Pod') ?? []).map((source) => lowerPod(source, workloads.resolve));
  const settled = settleAddresses(lowered, diagnostics);
  const representatives = workloads.representatives(settled);
  const others = ['Service', 'EndpointSlice', 'Endpoints'].flatMap(
    (kind) => byKind.get(kind) ?? [],
  );
  const mentioned = others.flatMap(({ object }) => addressesIn(object.value));
  const known = [...mentioned, ...nodes.flatMap((node) => node.addresses)];
  return giveAddresses([...settled, ...representatives], known);
}

/** Pods that have never run get addresses of their own, so that they can be told apart. */
function giveAddresses(
  records: readonly PodRecord[],
  known: readonly Address[],
): readonly PodRecord[] {
  const given = [...records.flatMap(({ pod }) => pod.addresses), ...known];
  const taken = new Set(given.map(addressKey));
  const invented = inventAddresses('pods', (address) => taken.has(addressKey(address)));
  const identity = ({ pod }: PodRecord): string =>
    `${pod.namespace}/${pod.workload?.kind ?? 'Pod'}/${pod.name}`;
  const waiting = records
    .filter(({ manifest, pod }) => manifest && !pod.hostNetwork)
    .sort((a, b) => compare(identity(a), identity(b)));
  const addresses = new Map(waiting.map((record) => [record, invented.next().value]));
  return records.map((record) => {
    const own = addresses.get(record);
    if (own === undefined) return record;
    const pod: Pod = { ...record.pod, addresses: own, representative: true };
    return { ...record, pod };
  });
}

/** Services of manifests get addresses as an API server would give them, so that flows can name them. */
function giveClusterAddresses(
  services: readonly LoweredService[],
  records: readonly PodRecord[],
  nodes: readonly ClusterNode[],
): Service[] {
  const known = [
    ...services.map(({ service }) => service),
    ...records.map(({ pod }) => pod),
    ...nodes,
  ].flatMap(({ addresses }) => addresses);
  const taken = new Set(known.map(addressKey));
  const invented = inventAddresses('services', (address) => taken.has(addressKey(address)));
  return [...services]
    .sort((a, b) => byFullName(a.service, b.service))
    .map(({ service, manifest }) =>
      manifest ? { ...service, addresses: invented.next().value } : service,
    );
}

/** Every address that stands anywhere in the value. */
function addressesIn(value: JsonValue): readonly Address[] {
  if (typeof value === 'string') {
    const address = parseAddress(value);
    return address === undefined ? [] : [address];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.values<JsonValue>(value).flatMap(addressesIn);
}

function lowerNode({ name, metadata, fields }: ClusterObject): ClusterNode {
  const spec = fields.mapping('spec');
  const entries = fields.mapping('status')?.mappings('addresses') ?? [];
  const ranges = spec?.ranges('podCIDRs') ?? [];
  const single = spec?.range('podCIDR');
  const podRanges: readonly Prefix[] =
    ranges.length === 0 && single !== undefined ? [single] : ranges;
  const addresses = entries.flatMap((entry) => {
    const type = entry.string('type');
    // Host and DNS names are no addresses.
    return type === 'InternalIP' || type === 'ExternalIP' ? (entry.address('address') ?? []) : [];
  });
  return { name, labels: metadata.labels('labels'), addresses, podRanges };
}

/** Namespaces that are only mentioned exist all the same (SEMANTICS row 26). */
function lowerNamespaces(
  sources: readonly ClusterObject[],
  inhabitants: readonly (Pod | Service)[],
): ReadonlyMap<string, Namespace> {
  const found = new Map<string, Namespace>();
  const add = (name: string, labels: Namespace['labels']): void => {
    found.set(name, { name, labels: new Map([...labels, [NAMESPACE_NAME_LABEL, name]]) });
  };
  for (const { name, metadata } of sources) add(name, metadata.labels('labels'));
  for (const { namespace } of inhabitants) {
    if (!found.has(namespace)) add(namespace, new Map());
  }
  return new Map([...found].sort(([a], [b]) => compare(a, b)));
}

function emptyCluster(objects: readonly K8sObject[]): Diagnostic {
  const policies = objects.filter(
    ({ apiVersion, kind }) => classify(apiVersion, kind).kind !== 'other',
  ).length;
  return diagnostic('cluster/empty', { policies }, objects[0]?.spanOf([]));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function byFullName(a: Pod | Service, b: Pod | Service): number {
  return compare(a.namespace, b.namespace) || compare(a.name, b.name);
}
