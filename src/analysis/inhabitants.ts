/** Inhabitants: the pods of a universe by namespace, workload and label, to name sets of them by. */
import { compareText } from '../ir/normalize.js';
import type { PartyGroup } from './report.js';
import type { PlacedPod } from './universe.js';
import { groupBy } from '../multimap.js';

/** Pods that one controller made, or one pod by itself. */
interface Unit {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly workload: string;
  readonly pods: readonly PlacedPod[];
}

/** A name of at most this many exceptions is shorter than a list. */
const MAX_EXCEPTIONS = 3;
/** Fewer units than this are told one by one. */
const WORTH_A_LABEL = 3;

export class Inhabitants {
  readonly #units = new Map<string, Unit & { readonly pods: PlacedPod[] }>();
  readonly #unitOf = new Map<PlacedPod, Unit>();
  readonly #byNamespace = new Map<string, Unit[]>();
  /** Pods by label, and by namespace and label. */
  readonly #withLabel = new Map<string, number>();

  constructor(readonly pods: readonly PlacedPod[]) {
    for (const placed of pods) this.#add(placed);
  }

  /** The shortest names for the set that say exactly it. */
  describe(pods: readonly PlacedPod[]): readonly PartyGroup[] {
    if (pods.length === 0) return [];
    const chosen = new Set(pods);
    const units = this.#sorted(new Set(pods.map((one) => this.#unitOf.get(one))));
    const whole = units.filter((unit) => unit.pods.every((one) => chosen.has(one)));
    const missing = this.#units.size - whole.length;
    const isWhole = whole.length === units.length;
    if (this.#byNamespace.size > 1 && isWhole && isShorter(missing, whole.length)) {
      const complete = new Set<Unit>(whole);
      const left = [...this.#units.values()].filter((unit) => !complete.has(unit));
      return [{ kind: 'all-pods', pods: pods.length, except: names(this.#sorted(new Set(left))) }];
    }
    const label = units.length > WORTH_A_LABEL ? this.#commonLabel(pods) : undefined;
    if (label !== undefined) return [label];
    return this.#byNamespaces(units, chosen);
  }

  #add(placed: PlacedPod): void {
    const { namespace, name, workload, labels } = placed.pod;
    const kind = workload?.kind ?? 'Pod';
    const key = `${namespace}/${kind}/${workload?.name ?? name}`;
    let unit = this.#units.get(key);
    if (unit === undefined) {
      unit = { key, namespace, name: workload?.name ?? name, workload: kind, pods: [] };
      this.#units.set(key, unit);
      const list = this.#byNamespace.get(namespace);
      if (list === undefined) this.#byNamespace.set(namespace, [unit]);
      else list.push(unit);
    }
    unit.pods.push(placed);
    this.#unitOf.set(placed, unit);
    for (const [label, value] of labels) {
      for (const scope of [undefined, namespace]) {
        const one = labelKey(scope, label, value);
        this.#withLabel.set(one, (this.#withLabel.get(one) ?? 0) + 1);
      }
    }
  }

  #sorted(units: ReadonlySet<Unit | undefined>): readonly Unit[] {
    return [...units]
      .filter((unit) => unit !== undefined)
      .sort((a, b) => compareText(a.namespace, b.namespace) || compareText(a.key, b.key));
  }

  /** A label that these pods have and no others, of their namespace if they are all of one. */
  #commonLabel(pods: readonly PlacedPod[]): PartyGroup | undefined {
    const [first, ...others] = pods;
    if (first === undefined) return undefined;
    const sameNamespace = others.every(({ pod }) => pod.namespace === first.pod.namespace);
    const namespace = sameNamespace ? first.pod.namespace : undefined;
    const common = [...first.pod.labels]
      .filter(([key, value]) => others.every(({ pod }) => pod.labels.get(key) === value))
      .sort(([a], [b]) => compareText(a, b));
    for (const scope of [undefined, namespace]) {
      const found = common.find(
        ([key, value]) => this.#withLabel.get(labelKey(scope, key, value)) === pods.length,
      );
      if (found === undefined) continue;
      const [key, value] = found;
      const label = { kind: 'label', key, value, pods: pods.length } as const;
      return scope === undefined && namespace === undefined
        ? label
        : { ...label, namespace: namespace ?? '' };
    }
    return undefined;
  }

  #byNamespaces(units: readonly Unit[], chosen: ReadonlySet<PlacedPod>): readonly PartyGroup[] {
    const named = new Set(units);
    const namespaces = groupBy(units, ({ namespace }) => namespace);
    return [...namespaces].flatMap(([namespace, here]): readonly PartyGroup[] => {
      const all = this.#byNamespace.get(namespace) ?? [];
      const parts = here.map((unit) => unit.pods.filter((one) => chosen.has(one)));
      const count = parts.reduce((sum, one) => sum + one.length, 0);
      const isWhole = here.every((unit, i) => parts[i]?.length === unit.pods.length);
      const missing = all.filter((unit) => !named.has(unit));
      if (all.length > 1 && isWhole && isShorter(missing.length, here.length)) {
        return [
          {
            kind: 'namespace',
            namespace,
            pods: count,
            except: names(this.#sorted(new Set(missing))),
          },
        ];
      }
      const inNamespace = parts.flat();
      const label = here.length > WORTH_A_LABEL ? this.#commonLabel(inNamespace) : undefined;
      if (label !== undefined) return [label];
      return here.map((unit, i) => describeUnit(unit, parts[i] ?? []));
    });
  }
}

function isShorter(missing: number, present: number): boolean {
  return missing === 0 || (missing <= MAX_EXCEPTIONS && missing * 2 < present);
}

function names(units: readonly Unit[]): readonly string[] {
  return units.map(({ namespace, name }) => `${namespace}/${name}`);
}

function describeUnit(unit: Unit, pods: readonly PlacedPod[]): PartyGroup {
  const { namespace, name, workload } = unit;
  const group = { kind: 'workload', namespace, name, workload, pods: pods.length } as const;
  if (pods.length === unit.pods.length) return group;
  return { ...group, some: pods.map(({ pod }) => pod.name).sort(compareText) };
}

function labelKey(namespace: string | undefined, key: string, value: string): string {
  return `${namespace ?? ''}\n${key}=${value}`;
}
