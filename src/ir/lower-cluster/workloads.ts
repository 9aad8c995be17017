/** Workloads: the owners of pods, and one representative pod for each that has none. */
import type { Pod, Workload } from '../cluster.js';
import { ownerOf, type ClusterObject, type Fields } from './fields.js';
import { fullName, lowerPorts, lowerRoutes, type PodRecord, type ResolveWorkload } from './pods.js';

/** Kinds that make pods, and the way to their pod template. */
const TEMPLATE_PATHS: ReadonlyMap<string, readonly string[]> = new Map([
  ['Deployment', ['spec', 'template']],
  ['StatefulSet', ['spec', 'template']],
  ['DaemonSet', ['spec', 'template']],
  ['ReplicaSet', ['spec', 'template']],
  ['ReplicationController', ['spec', 'template']],
  ['Job', ['spec', 'template']],
  ['CronJob', ['spec', 'jobTemplate', 'spec', 'template']],
]);

export function isWorkloadKind(kind: string): boolean {
  return TEMPLATE_PATHS.has(kind);
}

function keyOf(namespace: string, { kind, name }: Workload): string {
  return `${namespace}/${kind}/${name}`;
}

/** The workloads of a snapshot, and who owns whom. */
export class Workloads {
  readonly #owners = new Map<string, Workload>();
  readonly #all = new Map<string, ClusterObject>();

  add(source: ClusterObject): void {
    const key = keyOf(source.namespace, { kind: source.object.kind, name: source.name });
    this.#all.set(key, source);
    const owner = ownerOf(source.metadata);
    if (owner !== undefined) this.#owners.set(key, owner);
  }

  /** The outermost known controller; a Deployment is known by its ReplicaSet's hash as well. */
  readonly resolve: ResolveWorkload = (namespace, owner, templateHash) => {
    const above = this.#owners.get(keyOf(namespace, owner));
    if (above !== undefined && isWorkloadKind(above.kind)) return above;
    const suffix = `-${templateHash ?? ''}`;
    if (owner.kind === 'ReplicaSet' && templateHash !== undefined && owner.name.endsWith(suffix)) {
      return { kind: 'Deployment', name: owner.name.slice(0, -suffix.length) };
    }
    return { kind: owner.kind, name: owner.name };
  };

  /** One pod for each workload without pods of its own, in the order of their identities. */
  representatives(records: readonly PodRecord[]): readonly PodRecord[] {
    const taken = new Set(records.map(({ pod }) => fullName(pod)));
    const staffed = new Set(
      records.flatMap(({ pod, owner }) =>
        [pod.workload, owner].flatMap((one) =>
          one === undefined ? [] : [keyOf(pod.namespace, one)],
        ),
      ),
    );
    const keys = [...this.#all.keys()].sort();
    return keys.flatMap((key): readonly PodRecord[] => {
      const source = this.#all.get(key);
      if (source === undefined || staffed.has(key) || this.#isCovered(key, source)) return [];
      if (isFinished(source.fields)) return [];
      // Of a Deployment's former ReplicaSets nothing is left but their history.
      if (this.#owners.has(key) && isScaledToNothing(source.fields)) return [];
      const record = represent(source, taken, this.resolve);
      taken.add(fullName(record.pod));
      return [record];
    });
  }

  /** Its owner is there and stands for it. */
  #isCovered(key: string, source: ClusterObject): boolean {
    const owner = this.#owners.get(key);
    return owner !== undefined && this.#all.has(keyOf(source.namespace, owner));
  }
}

/** A Job that has run makes no more pods. */
function isFinished(fields: Fields): boolean {
  const conditions = fields.mapping('status')?.mappings('conditions') ?? [];
  return (
    fields.object.kind === 'Job' &&
    conditions.some((one) => {
      const type = one.string('type');
      return (type === 'Complete' || type === 'Failed') && one.string('status') === 'True';
    })
  );
}

function isScaledToNothing(fields: Fields): boolean {
  return fields.object.kind === 'ReplicaSet' && fields.mapping('spec')?.value['replicas'] === 0;
}

function represent(
  source: ClusterObject,
  taken: ReadonlySet<string>,
  resolve: ResolveWorkload,
): PodRecord {
  const { namespace, object } = source;
  const { kind } = object;
  let template: Fields | undefined = source.fields;
  for (const step of TEMPLATE_PATHS.get(kind) ?? []) template = template?.mapping(step);
  const spec = template?.mapping('spec');
  const labels = template?.mapping('metadata')?.labels('labels') ?? new Map<string, string>();
  const own: Workload = { kind, name: source.name };
  const clashes = taken.has(`${namespace}/${source.name}`);
  const pod: Pod = {
    namespace,
    name: clashes ? `${source.name}.${kind.toLowerCase()}` : source.name,
    labels,
    addresses: [],
    hostNetwork: spec?.boolean('hostNetwork') ?? false,
    completed: false,
    ports: lowerPorts(spec),
    ...lowerRoutes(template?.mapping('metadata')),
    workload: resolve(namespace, own, labels.get('pod-template-hash')),
    representative: true,
    origin: object.nameSpan(),
  };
  return { pod, manifest: true, ready: true, terminating: false, created: '' };
}
