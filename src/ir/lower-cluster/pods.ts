/** Pods, and pod templates, as policies see them. */
import { addressKey, formatAddress, type Address } from '../../address.js';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import type { ContainerPort, Pod, Workload } from '../cluster.js';
import { ownerOf, type ClusterObject, type Fields } from './fields.js';

/** A pod, and what decides between pods and makes them ready. */
export interface PodRecord {
  readonly pod: Pod;
  /** The owner that the pod names itself, below the workload that it counts to. */
  readonly owner?: Workload;
  /** It is written by hand and has never run. */
  readonly manifest: boolean;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** RFC 3339, or empty where it is not known. */
  readonly created: string;
}

/** Finds the Deployment behind a ReplicaSet, the CronJob behind a Job. */
export type ResolveWorkload = (
  namespace: string,
  owner: Workload,
  templateHash: string | undefined,
) => Workload;

export function lowerPod(source: ClusterObject, resolve: ResolveWorkload): PodRecord {
  const { fields, metadata, namespace, name, object } = source;
  const spec = fields.mapping('spec');
  const status = fields.mapping('status');
  const phase = status?.string('phase');
  const completed = phase === 'Succeeded' || phase === 'Failed';
  const labels = metadata.labels('labels');
  const node = spec?.string('nodeName');
  const owner = ownerOf(metadata);
  const hash = labels.get('pod-template-hash');
  const pod: Pod = {
    namespace,
    name,
    labels,
    addresses: completed ? [] : statusAddresses(status),
    ...(node === undefined || node === '' ? {} : { node }),
    hostNetwork: spec?.boolean('hostNetwork') ?? false,
    completed,
    ports: lowerPorts(spec),
    ...lowerRoutes(metadata),
    // Mirror pods are owned by their node, which is no workload.
    ...(owner === undefined || owner.kind === 'Node'
      ? {}
      : { workload: resolve(namespace, owner, hash) }),
    representative: false,
    origin: object.nameSpan(),
  };
  return {
    pod,
    ...(owner === undefined ? {} : { owner }),
    // A pod that an API server holds has a phase; a dry run prints an empty status.
    manifest: status === undefined || Object.keys(status.value).length === 0,
    ready: isReady(status),
    terminating: metadata.has('deletionTimestamp'),
    created: metadata.string('creationTimestamp') ?? '',
  };
}

/** The first address of each family. */
function statusAddresses(status: Fields | undefined): readonly Address[] {
  if (status === undefined) return [];
  const all = status.mappings('podIPs').flatMap((entry) => entry.address('ip') ?? []);
  const single = status.string('podIP');
  if (all.length === 0 && single !== undefined && single !== '') {
    const address = status.address('podIP');
    return address === undefined ? [] : [address];
  }
  return all.filter((address, i) => all.findIndex((one) => one.family === address.family) === i);
}

export const ROUTES_ANNOTATION = 'policyc.dev/routes';

/** Whether the pod says of itself that it routes. Anything but `true` or `false` is told, and is no. */
export function lowerRoutes(metadata: Fields | undefined): Pick<Pod, 'routes'> {
  const annotations = metadata?.mapping('annotations');
  const value = annotations?.string(ROUTES_ANNOTATION);
  if (value === undefined || value === 'false') return {};
  if (value === 'true') return { routes: true };
  annotations?.report('cluster/bad-annotation', { name: ROUTES_ANNOTATION, value }, [
    ROUTES_ANNOTATION,
  ]);
  return {};
}

/** Without a word on readiness the pod counts as ready. */
function isReady(status: Fields | undefined): boolean {
  const ready = status?.mappings('conditions').find((one) => one.string('type') === 'Ready');
  return ready === undefined || ready.string('status') === 'True';
}

/** The named ports of containers, and of init containers that keep running (SEMANTICS row 45). */
export function lowerPorts(spec: Fields | undefined): readonly ContainerPort[] {
  if (spec === undefined) return [];
  const sidecars = spec
    .mappings('initContainers')
    .filter((container) => container.string('restartPolicy') === 'Always');
  const ports: ContainerPort[] = [];
  for (const container of [...spec.mappings('containers'), ...sidecars]) {
    for (const entry of container.mappingsOrEmpty('ports')) {
      const name = entry.string('name');
      const port = entry.port('containerPort');
      const protocol = entry.protocol();
      if (name === undefined || name === '' || port === undefined) continue;
      // Names are unique in a pod; where they are not, the first one is found.
      if (ports.some((one) => one.name === name && one.protocol === protocol)) continue;
      ports.push({ name, protocol, port });
    }
  }
  return ports;
}

/**
 * Leaves each address to one pod: a pod that is going away loses it to one that stays, an older one
 * to a newer one. Pods in the host's network share the node's address by nature.
 */
export function settleAddresses(
  records: readonly PodRecord[],
  diagnostics: Diagnostic[],
): readonly PodRecord[] {
  const holders = new Map<string, PodRecord>();
  for (const record of records) {
    if (record.pod.hostNetwork) continue;
    for (const address of record.pod.addresses) {
      const key = addressKey(address);
      const other = holders.get(key);
      if (other === undefined) {
        holders.set(key, record);
        continue;
      }
      const [kept, lost] = compareClaims(record, other) > 0 ? [record, other] : [other, record];
      holders.set(key, kept);
      if (!lost.terminating) diagnostics.push(sharedAddress(address, kept.pod, lost.pod));
    }
  }
  return records.map((record) => {
    const { pod } = record;
    if (pod.hostNetwork) return record;
    const addresses = pod.addresses.filter((one) => holders.get(addressKey(one)) === record);
    return addresses.length === pod.addresses.length
      ? record
      : { ...record, pod: { ...pod, addresses } };
  });
}

/** Positive where `a` has the better claim to an address. */
function compareClaims(a: PodRecord, b: PodRecord): number {
  if (a.terminating !== b.terminating) return a.terminating ? -1 : 1;
  if (a.created !== b.created) return a.created > b.created ? 1 : -1;
  return fullName(a.pod) < fullName(b.pod) ? 1 : -1;
}

function sharedAddress(address: Address, kept: Pod, lost: Pod): Diagnostic {
  const args = { address: formatAddress(address), kept: fullName(kept), lost: fullName(lost) };
  const related =
    kept.origin === undefined ? [] : [{ span: kept.origin, message: 'the newer one is here' }];
  return diagnostic('cluster/shared-address', args, lost.origin, related);
}

export function fullName(object: { readonly namespace: string; readonly name: string }): string {
  return `${object.namespace}/${object.name}`;
}
