/** Pod looks: pods that no selector and no named port can tell apart, and an index to select them by. */
import {
  selectorMatches,
  type ClusterSnapshot,
  type ContainerPort,
  type Labels,
  type Pod,
} from '../../ir/cluster.js';
import { NAMESPACE_NAME_LABEL, type LabelSelector, type PodSelector } from '../../ir/model.js';
import { podSelectorKey, selectorKey } from '../../ir/peer-key.js';
import { append } from '../../multimap.js';

export type LookId = number;

export interface PodLook {
  readonly id: LookId;
  readonly namespace: string;
  readonly labels: Labels;
  readonly ports: readonly ContainerPort[];
}

/** Groups pods by look, and finds the looks that a selector selects without trying each. */
export class LookIndex {
  readonly looks: PodLook[] = [];
  readonly #ids = new Map<string, LookId>();
  readonly #ofPod = new Map<Pod, LookId>();
  readonly #every: LookId[] = [];
  readonly #cluster: ClusterSnapshot;
  readonly #byNamespace = new Map<string, LookId[]>();
  readonly #byLabel = new Map<string, LookId[]>();
  readonly #byKey = new Map<string, LookId[]>();
  readonly #selected = new Map<string, readonly LookId[]>();
  readonly #namespaces = new Map<string, ReadonlySet<string> | 'every'>();

  /** @param pods the policy pods of the cluster */
  constructor(cluster: ClusterSnapshot, pods: readonly Pod[]) {
    this.#cluster = cluster;
    for (const pod of pods) this.lookOf(pod);
  }

  /** The look of a pod of the cluster. */
  lookOf(pod: Pod): LookId {
    let id = this.#ofPod.get(pod);
    if (id === undefined) {
      const key = lookKey(pod);
      id = this.#ids.get(key) ?? this.#addLook(key, pod);
      this.#ofPod.set(pod, id);
    }
    return id;
  }

  /** Every look that the selector selects, each once. */
  select(selector: Pick<PodSelector, 'namespaces' | 'pods'>): readonly LookId[] {
    const key = podSelectorKey(selector);
    const known = this.#selected.get(key);
    if (known !== undefined) return known;
    const namespaces = this.#selectNamespaces(selector.namespaces);
    const selected = this.#candidates(namespaces, selector.pods).filter((id) => {
      const look = this.looks[id];
      return (
        look !== undefined &&
        (namespaces === 'every' || namespaces.has(look.namespace)) &&
        selectorMatches(selector.pods, look.labels)
      );
    });
    this.#selected.set(key, selected);
    return selected;
  }

  #addLook(key: string, { namespace, labels, ports }: Pod): LookId {
    const id = this.looks.length;
    this.looks.push({ id, namespace, labels, ports });
    this.#ids.set(key, id);
    this.#every.push(id);
    append(this.#byNamespace, namespace, id);
    for (const [label, value] of labels) {
      append(this.#byKey, label, id);
      append(this.#byLabel, labelKey(label, value), id);
    }
    return id;
  }

  /** The shortest list that surely holds all looks of the namespaces and labels. */
  #candidates(
    namespaces: ReadonlySet<string> | 'every',
    selector: LabelSelector,
  ): readonly LookId[] {
    let best: readonly LookId[] = this.#every;
    if (namespaces !== 'every') {
      best = [...namespaces].flatMap((name) => this.#byNamespace.get(name) ?? []);
    }
    for (const { key, operator, values } of selector.requirements) {
      if (operator === 'NotIn' || operator === 'DoesNotExist') continue;
      const lists =
        operator === 'In'
          ? [...new Set(values)].map((value) => this.#byLabel.get(labelKey(key, value)) ?? [])
          : [this.#byKey.get(key) ?? []];
      const count = lists.reduce((sum, list) => sum + list.length, 0);
      if (count < best.length) best = lists.flat();
    }
    return best;
  }

  #selectNamespaces(selector: LabelSelector): ReadonlySet<string> | 'every' {
    if (selector.requirements.length === 0) return 'every';
    const key = selectorKey(selector);
    let selected = this.#namespaces.get(key);
    if (selected === undefined) {
      const pinned = selector.requirements.find(
        (one) => one.key === NAMESPACE_NAME_LABEL && one.operator === 'In',
      );
      const names = pinned?.values ?? [...this.#cluster.namespaces.keys()];
      selected = new Set(
        names.filter((name) => {
          const namespace = this.#cluster.namespaces.get(name);
          return namespace !== undefined && selectorMatches(selector, namespace.labels);
        }),
      );
      this.#namespaces.set(key, selected);
    }
    return selected;
  }
}

function lookKey({ namespace, labels, ports }: Pod): string {
  const sorted = [...labels].sort(([a], [b]) => (a < b ? -1 : 1));
  const named = ports.map(({ name, protocol, port }) => `${name}/${protocol}/${port}`).sort();
  return JSON.stringify([namespace, sorted, named]);
}

function labelKey(label: string, value: string): string {
  return `${label}=${value}`;
}
