/** Pods that logs speak of and the snapshot does not have any more: told by the labels in the log. */
import { addressKey, type Address } from '../../address.js';
import { isPolicyPod, type ClusterSnapshot, type Namespace, type Pod } from '../../ir/cluster.js';
import { inventAddresses } from '../../ir/made-up-addresses.js';
import { NAMESPACE_NAME_LABEL } from '../../ir/model.js';
import { compareText } from '../../ir/normalize.js';
import type { SeenEnd } from '../../parser/flow-log/record.js';
import type { AddressCells } from './cells.js';

/** Labels that controllers put on each pod or each revision, so that no policy can count on them. */
const PER_POD_LABELS: ReadonlySet<string> = new Set([
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'controller-uid',
  'job-name',
  'batch.kubernetes.io/controller-uid',
  'batch.kubernetes.io/job-name',
  'batch.kubernetes.io/job-completion-index',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'deploymentconfig',
  'deployment',
]);

export function isPerPodLabel(key: string): boolean {
  return PER_POD_LABELS.has(key);
}

/** How far a free address is looked for beside one that somebody else has now. */
const NEIGHBOURS = 4096n;

export class GonePods {
  readonly pods: Pod[] = [];
  /** Namespaces that are gone with their pods, as the log labels them. */
  readonly namespaces = new Map<string, Namespace>();
  readonly #byClass = new Map<string, Pod>();
  readonly #alike = new Map<string, Pod | undefined>();
  readonly #byNamespace = new Map<string, Pod[]>();
  readonly #taken = new Set<string>();
  readonly #invented: Generator<readonly Address[], never>;

  /** @param keys labels that matter; all unless given */
  constructor(
    private readonly cluster: ClusterSnapshot,
    private readonly keys: ReadonlySet<string> | undefined,
    private readonly cells: AddressCells,
    private readonly isFree: (address: Address) => boolean,
  ) {
    for (const pod of cluster.pods.filter(isPolicyPod)) {
      const list = this.#byNamespace.get(pod.namespace);
      if (list === undefined) this.#byNamespace.set(pod.namespace, [pod]);
      else list.push(pod);
    }
    this.#invented = inventAddresses('pods', (address) => !this.#isOpen(address));
  }

  /**
   * A pod of the same workload that is there now: by the name of the workload, or by the part that the names
   * of its pods share, with all labels of the log.
   */
  alike(end: SeenEnd, namespace: string): Pod | undefined {
    const key = [namespace, end.workload, end.podPrefix, end.pod, ...(end.labels ?? [])].join('\n');
    if (!this.#alike.has(key)) this.#alike.set(key, this.#findAlike(end, namespace));
    return this.#alike.get(key);
  }

  #findAlike(end: SeenEnd, namespace: string): Pod | undefined {
    const labels = stableLabels(end.labels);
    const name = end.workload ?? workloadName(end.pod ?? end.podPrefix ?? '');
    const hasLabels = ({ labels: own }: Pod): boolean =>
      labels.every(([key, value]) => own.get(key) === value);
    const here = (this.#byNamespace.get(namespace) ?? []).filter(hasLabels);
    const prefix = end.podPrefix;
    const exact = here.find((pod) => prefix !== undefined && pod.name.startsWith(prefix));
    return exact ?? here.find((pod) => (pod.workload?.name ?? pod.name) === name);
  }

  find(
    end: SeenEnd,
    namespace: string,
    address: Address | undefined,
  ): Pod | 'gone-unlabelled' | 'address-reused' {
    const labels = stableLabels(end.labels).filter(([key]) => this.keys?.has(key) !== false);
    if (end.labels === undefined || end.labels.length === 0) return 'gone-unlabelled';
    const name = end.workload ?? workloadName(end.pod ?? end.podPrefix ?? 'pod');
    const cell = address === undefined ? '' : this.cells.signatureOf(address);
    const key = JSON.stringify([namespace, name, labels, address?.family, cell]);
    const known = this.#byClass.get(key);
    if (known !== undefined) return known;
    const addresses = this.#addressesFor(address);
    if (addresses === undefined) return 'address-reused';
    for (const one of addresses) this.#taken.add(addressKey(one));
    const pod: Pod = {
      namespace,
      name: `${name} (gone)`,
      labels: new Map(labels),
      addresses,
      hostNetwork: false,
      completed: false,
      ports: [],
      workload: { kind: 'Pod', name },
      representative: true,
    };
    this.#byClass.set(key, pod);
    this.pods.push(pod);
    this.#addNamespace(namespace, end.namespaceLabels ?? []);
    return pod;
  }

  #addNamespace(name: string, labels: readonly string[]): void {
    if (this.cluster.namespaces.has(name) || this.namespaces.has(name)) return;
    const own = new Map([...stableLabels(labels), [NAMESPACE_NAME_LABEL, name] as const]);
    this.namespaces.set(name, { name, labels: own });
  }

  /** Its own, or one that policies cannot tell from it where somebody else has that by now. */
  #addressesFor(address: Address | undefined): readonly Address[] | undefined {
    if (address === undefined) return this.#invented.next().value;
    if (this.#isOpen(address)) return [address];
    const cell = this.cells.signatureOf(address);
    for (let step = 1n; step <= NEIGHBOURS; step += 1n) {
      for (const value of [address.value + step, address.value - step]) {
        if (value < 0n) continue;
        const near: Address = { family: address.family, value };
        if (this.#isOpen(near) && this.cells.signatureOf(near) === cell) return [near];
      }
    }
    return undefined;
  }

  #isOpen(address: Address): boolean {
    return this.isFree(address) && !this.#taken.has(addressKey(address));
  }
}

function stableLabels(
  labels: readonly string[] | undefined,
): readonly (readonly [key: string, value: string])[] {
  return (labels ?? [])
    .map((text): readonly [string, string] => {
      const at = text.indexOf('=');
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    })
    .filter(([key]) => !isPerPodLabel(key))
    .sort(([a], [b]) => compareText(a, b));
}

/** The letters of names that Kubernetes makes up (k8s.io/apimachinery/pkg/util/rand). */
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]';

/** `web` of `web-5d4f8c7b9-x2x4k`, `web-x2x4k` and `web-0`, and of what of it an aggregated log shows. */
export function workloadName(pod: string): string {
  const plain = pod.replace(/-$/, '');
  const parts = [
    new RegExp(`^(.+)-${RANDOM}{6,10}-${RANDOM}{5}$`),
    new RegExp(`^(.+)-[0-9]{8,}-${RANDOM}{5}$`),
    new RegExp(`^(.+)-${RANDOM}{8,10}$`),
    new RegExp(`^(.+)-${RANDOM}{5}$`),
    /^(.+)-[0-9]{1,4}$/,
  ];
  for (const part of parts) {
    const name = part.exec(plain)?.[1];
    if (name !== undefined) return name;
  }
  return plain;
}
