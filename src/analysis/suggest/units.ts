/** Units of a draft: the workloads of a cluster, with selectors that select exactly their pods. */
import { bug } from '../../diagnostics.js';
import { isPolicyPod, type ClusterSnapshot, type Labels, type Pod } from '../../ir/cluster.js';
import { compareText } from '../../ir/normalize.js';
import { isPerPodLabel } from '../replay/gone-pods.js';
import type { Unit } from './draft.js';
import { selectExactly } from './selectors.js';

const DNS_LABEL = ['k8s-app', 'kube-dns'] as const;

interface UnitDraft {
  readonly key: string;
  readonly namespace: string;
  readonly workload: string;
  readonly kind: string;
  readonly pods: Pod[];
  /** Their labels, once each, without those of single pods and revisions. */
  readonly looks: Map<string, Labels>;
}

export class Units {
  readonly #drafts = new Map<string, UnitDraft>();
  readonly #byNamespace = new Map<string, UnitDraft[]>();
  readonly #units = new Map<string, Unit>();
  readonly #others = new Map<string, readonly string[]>();

  /** @param cluster with the pods that are gone */
  constructor(cluster: ClusterSnapshot) {
    for (const pod of cluster.pods.filter(isPolicyPod)) {
      const key = unitKey(pod);
      let draft = this.#drafts.get(key);
      if (draft === undefined) {
        const { namespace, workload } = pod;
        const kind = workload?.kind ?? 'Pod';
        draft = {
          key,
          namespace,
          workload: workload?.name ?? pod.name,
          kind,
          pods: [],
          looks: new Map(),
        };
        this.#drafts.set(key, draft);
        const here = this.#byNamespace.get(namespace);
        if (here === undefined) this.#byNamespace.set(namespace, [draft]);
        else here.push(draft);
      }
      draft.pods.push(pod);
      const labels = [...pod.labels].filter(([name]) => !isPerPodLabel(name));
      const look = JSON.stringify(labels.sort(([a], [b]) => compareText(a, b)));
      if (!draft.looks.has(look)) draft.looks.set(look, new Map(labels));
    }
  }

  get keys(): readonly string[] {
    return [...this.#drafts.keys()].sort(compareText);
  }

  podsOf(key: string): readonly Pod[] {
    return this.#drafts.get(key)?.pods ?? [];
  }

  nameOf(key: string): string {
    const draft = this.#drafts.get(key);
    return draft === undefined ? key : `${draft.namespace}/${draft.workload}`;
  }

  of(key: string): Unit {
    let unit = this.#units.get(key);
    if (unit === undefined) {
      unit = this.#make(this.#drafts.get(key) ?? bug(`no pods are of ${key}`));
      this.#units.set(key, unit);
    }
    return unit;
  }

  /** The other units that the unit's selector selects as well. */
  othersOf(key: string): readonly string[] {
    this.of(key);
    return this.#others.get(key) ?? [];
  }

  #make(draft: UnitDraft): Unit {
    const { key } = draft;
    const here = this.#byNamespace.get(draft.namespace) ?? [];
    const rest = here.filter((one) => one !== draft);
    const found = selectExactly(
      [...draft.looks.values()],
      rest.flatMap(({ looks }) => [...looks.values()]),
    );
    const selected = new Set(found.others);
    const others = rest.filter(({ looks }) => [...looks.values()].some((one) => selected.has(one)));
    this.#others.set(key, others.map(({ key: other }) => other).sort(compareText));
    const isDns =
      draft.namespace === 'kube-system' &&
      draft.pods.every((pod) => pod.labels.get(DNS_LABEL[0]) === DNS_LABEL[1]);
    return {
      key,
      namespace: draft.namespace,
      name: nameIn(here, draft),
      selector: found.selector,
      isDns,
    };
  }
}

export function unitKey({ namespace, name, workload }: Pod): string {
  return `${namespace}/${workload?.kind ?? 'Pod'}/${workload?.name ?? name}`;
}

/** Its own name, with its kind where another of the namespace has the same. */
function nameIn(here: readonly UnitDraft[], { workload, kind, key }: UnitDraft): string {
  const clashes = here.some(
    (one) => one.key !== key && dnsName(one.workload) === dnsName(workload),
  );
  return dnsName(clashes ? `${workload}-${kind}` : workload);
}

/** As Kubernetes names objects (RFC 1123). */
function dnsName(text: string): string {
  const plain = text.toLowerCase().replace(/[^a-z0-9.-]+/g, '-');
  return plain.replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '').slice(0, 200);
}
