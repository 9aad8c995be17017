/** Kinds: all pods that some cluster may have, cut by labels into as many kinds as policies can tell apart. */
import { diagnostic, InputError } from '../../diagnostics.js';
import type { Labels } from '../../ir/cluster.js';
import { NAMESPACE_NAME_LABEL, type LabelSelector, type Peer } from '../../ir/model.js';
import type { NormalModel } from '../../ir/normal-model.js';
import { selectorKey } from '../../ir/peer-key.js';
import { cutLabelSpace, OTHER_VALUE, type LabelClass } from '../label-space.js';

/** Namespaces that no selector tells apart. */
export interface NamespaceKind {
  readonly id: number;
  readonly labels: Labels;
  /** Positions in {@link Kinds.namespaceSelectors}. */
  readonly selected: ReadonlySet<number>;
  /** Its only name, where policies name it: a cluster has no other namespace of that name. */
  readonly name?: string;
}

/** Pods that no selector tells apart, and that are endpoints of the same Services. */
export interface PodKind {
  readonly id: number;
  readonly namespace: NamespaceKind;
  readonly labels: Labels;
  /** Positions in {@link Kinds.podSelectors}: those that hold, and those that were asked about at all. */
  readonly selected: ReadonlySet<number>;
  readonly asked: ReadonlySet<number>;
  /** Names of Services of its namespace, of those that rules name. */
  readonly serves: readonly string[];
}

export interface NodeKind {
  readonly id: number;
  readonly labels: Labels;
  readonly selected: ReadonlySet<number>;
}

export interface NamedService {
  readonly namespace: string;
  readonly name: string;
}

export interface Kinds {
  readonly namespaceSelectors: readonly LabelSelector[];
  /** To be an endpoint of a Service is a requirement with {@link serviceKey} as its key. */
  readonly podSelectors: readonly LabelSelector[];
  readonly nodeSelectors: readonly LabelSelector[];
  readonly namespaces: readonly NamespaceKind[];
  readonly pods: readonly PodKind[];
  readonly nodes: readonly NodeKind[];
  readonly services: readonly NamedService[];
}

/** More are refused: the answer would be neither fast nor readable. */
export const MAX_KINDS = 20_000;

/** No label has such a key: a colon is not allowed in one. */
export function serviceKey({ namespace, name }: NamedService): string {
  return `service:${namespace}/${name}`;
}

/** The Service that the key stands for, as `namespace/name`. */
export function servedBy(key: string): string | undefined {
  return key.startsWith('service:') ? key.slice('service:'.length) : undefined;
}

/** @throws InputError if there are more kinds than {@link MAX_KINDS} */
export function cutKinds(models: readonly NormalModel[], extra: readonly Peer[] = []): Kinds {
  const policies = models.flatMap((model) => model.policies);
  const peers = [...policies.flatMap(({ rules }) => rules.flatMap((one) => one.peers)), ...extra];
  const selectors = distinct(
    [
      ...policies.flatMap(({ subjects }) => subjects),
      ...peers.filter((peer) => peer.kind === 'pods'),
    ].map(({ namespaces, pods }) => ({ namespaces, pods })),
    (one) => `${selectorKey(one.namespaces)}/${selectorKey(one.pods)}`,
  );
  const services = distinct(
    peers
      .filter((peer) => peer.kind === 'service')
      .map(({ namespace, name }) => ({ namespace, name })),
    serviceKey,
  );
  const nodeSelectors = distinct(
    peers.flatMap((peer) => (peer.kind === 'nodes' ? [peer.selector] : [])),
    selectorKey,
  );
  const namespaceSelectors = namespaceSelectorsOf(selectors, services);
  const namespaces = cut(namespaceSelectors, 'namespaces', MAX_KINDS, [NAMESPACE_NAME_LABEL]).map(
    ({ labels, selected }, id): NamespaceKind => {
      const name = labels.get(NAMESPACE_NAME_LABEL);
      const named = name === undefined || name === OTHER_VALUE ? {} : { name };
      return { id, labels, selected: new Set(selected), ...named };
    },
  );
  const { podSelectors, pods } = cutPods(namespaces, namespaceSelectors, selectors, services);
  const nodes = cut(nodeSelectors, 'nodes', MAX_KINDS).map(
    ({ labels, selected }, id): NodeKind => ({ id, labels, selected: new Set(selected) }),
  );
  return { namespaceSelectors, podSelectors, nodeSelectors, namespaces, pods, nodes, services };
}

interface Selected {
  readonly namespaces: LabelSelector;
  readonly pods: LabelSelector;
}

/** Each name has a selector of its own, so that every kind has one name, or any that nobody names. */
function namespaceSelectorsOf(
  selectors: readonly Selected[],
  services: readonly NamedService[],
): readonly LabelSelector[] {
  const plain = selectors.map(({ namespaces }) => namespaces);
  const names = plain.flatMap(({ requirements }) =>
    requirements.flatMap(({ key, values }) => (key === NAMESPACE_NAME_LABEL ? values : [])),
  );
  const named = [...names, ...services.map(({ namespace }) => namespace)].map(
    (name): LabelSelector => ({
      requirements: [{ key: NAMESPACE_NAME_LABEL, operator: 'In', values: [name] }],
    }),
  );
  return distinct([...named, ...plain], selectorKey).filter(isSelective);
}

function isSelective({ requirements }: LabelSelector): boolean {
  return requirements.length > 0;
}

function cutPods(
  namespaces: readonly NamespaceKind[],
  namespaceSelectors: readonly LabelSelector[],
  selectors: readonly Selected[],
  services: readonly NamedService[],
): Pick<Kinds, 'podSelectors' | 'pods'> {
  const places = new Map(namespaceSelectors.map((one, i) => [selectorKey(one), i]));
  const placed = selectors.map((one) => ({
    pods: one.pods,
    place: places.get(selectorKey(one.namespaces)),
  }));
  const podSelectors: LabelSelector[] = [];
  const numbers = new Map<string, number>();
  const numberOf = (selector: LabelSelector): number => {
    const key = selectorKey(selector);
    let number = numbers.get(key);
    if (number === undefined) {
      number = podSelectors.length;
      numbers.set(key, number);
      podSelectors.push(selector);
    }
    return number;
  };
  const pods: PodKind[] = [];
  for (const namespace of namespaces) {
    const here = placed
      .filter(({ place }) => place === undefined || namespace.selected.has(place))
      .map(({ pods: selector }) => selector);
    const served = services
      .filter((one) => one.namespace === namespace.name)
      .map((one): LabelSelector => ({
        requirements: [{ key: serviceKey(one), operator: 'Exists', values: [] }],
      }));
    const asked = distinct([...here, ...served], selectorKey).filter(isSelective);
    const numbered = asked.map(numberOf);
    for (const { labels, selected } of cut(asked, 'pods', MAX_KINDS - pods.length)) {
      pods.push({
        id: pods.length,
        namespace,
        labels: new Map([...labels].filter(([key]) => servedBy(key) === undefined)),
        selected: new Set(selected.map((i) => numbered[i] ?? 0)),
        asked: new Set(numbered),
        serves: [...labels.keys()].flatMap((key) => servedBy(key) ?? []),
      });
    }
  }
  return { podSelectors, pods };
}

function cut(
  selectors: readonly LabelSelector[],
  what: 'namespaces' | 'pods' | 'nodes',
  limit: number,
  present: readonly string[] = [],
): readonly LabelClass[] {
  const classes = cutLabelSpace(selectors, { limit, present });
  if (classes !== undefined) return classes;
  const args = { what, selectors: selectors.length, limit: MAX_KINDS };
  throw new InputError([diagnostic('diff/too-many-kinds', args)]);
}

export function distinct<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): readonly Item[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
