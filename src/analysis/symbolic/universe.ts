/**
 * The symbolic universe: one made-up pod for each kind of pod, at each kind of address that it may
 * have, instead of a cluster. What holds between two of them holds in every cluster.
 */
import type { Family } from '../../address.js';
import { AtomTable, type AtomId } from '../../codegen/bind/atoms.js';
import { cutCells } from '../../codegen/bind/cells.js';
import type { AddressClass, AddressClasses } from '../../codegen/bind/classes.js';
import { LookIndex, type LookId } from '../../codegen/bind/looks.js';
import { createSubjectViews } from '../../codegen/bind/views.js';
import type { Flavour } from '../../codegen/layout.js';
import { bug, diagnostic, InputError } from '../../diagnostics.js';
import {
  selectorMatches,
  type ClusterNode,
  type ClusterSnapshot,
  type Pod,
  type Service,
} from '../../ir/cluster.js';
import type { LabelSelector, Peer, PodSelector, PortMatch } from '../../ir/model.js';
import type { NormalModel } from '../../ir/normal-model.js';
import { podSelectorKey, selectorKey } from '../../ir/peer-key.js';
import { AddressSpace } from '../address-space.js';
import { atomOfPeer, type Models, type PlacedPod, type Universe } from '../universe.js';
import { findFreshPorts, type FreshPort } from './fresh-ports.js';
import { addressBehind, servicePorts } from './services.js';
import { cutKinds, type Kinds, type NamedService, type NodeKind, type PodKind } from './kinds.js';

/** All addresses of a family that no rule tells apart: a class of {@link FamilyUniverse.space}. */
export interface Cell {
  readonly id: number;
  readonly classId: number;
  /** No two ends can stand in it at once. */
  readonly isSingle: boolean;
}

/** What one end of the universe is. A pod with a node runs on a node of that kind. */
export type Place =
  | {
      readonly kind: 'pod';
      readonly cell: Cell;
      readonly pod: PodKind;
      readonly node: NodeKind | undefined;
    }
  /** Some node of the kind; with `own`, the one that the pods that name it run on. */
  | {
      readonly kind: 'node';
      readonly cell: Cell;
      readonly node: NodeKind;
      readonly own: boolean;
      readonly serves?: NamedService;
    }
  /** With `serves`, an endpoint of that Service. */
  | { readonly kind: 'outside'; readonly cell: Cell; readonly serves?: NamedService }
  | { readonly kind: 'unbound'; readonly cell: Cell };

export interface FamilyUniverse {
  readonly family: Family;
  readonly universe: Universe;
  /** Of outside addresses: the cells. */
  readonly space: AddressSpace;
  readonly cells: readonly Cell[];
  readonly placeOfPod: ReadonlyMap<PlacedPod, Extract<Place, { kind: 'pod' }>>;
  readonly placeOfClass: ReadonlyMap<AddressClass, Place>;
}

export interface SymbolicUniverse {
  readonly kinds: Kinds;
  readonly freshPorts: readonly FreshPort[];
  /** Whether rules speak of a pod's own node, so that it matters on which one a pod runs. */
  readonly hasOwnNodes: boolean;
  readonly families: readonly FamilyUniverse[];
}

/** Kinds of pods times kinds of addresses. */
const MAX_PLACED = 500_000;

/** What assertions ask about besides what rules say. */
export interface Asked {
  readonly peers: readonly Peer[];
  readonly ports: readonly PortMatch[];
}

const NOTHING_ASKED: Asked = { peers: [], ports: [] };

/**
 * @param given a port that is called by this name, where its number is to be one that rules name
 * @throws InputError if there are more kinds than can be compared
 */
export function createSymbolicUniverse(
  models: Models,
  at: number,
  asked: Asked = NOTHING_ASKED,
  given?: FreshPort,
): SymbolicUniverse {
  const distinctModels = models[0] === models[1] ? [models[0]] : models;
  const kinds = cutKinds(distinctModels, asked.peers);
  const freshPorts = findFreshPorts(distinctModels, asked.ports).map((one) =>
    one.name === given?.name && one.protocol === given.protocol ? given : one,
  );
  const peers = [...peersOf(distinctModels), ...asked.peers];
  const hasOwnNodes = peers.some(({ kind }) => kind === 'own-node');
  const residents = settle(kinds, freshPorts, hasOwnNodes);
  const cluster = clusterOf(kinds, residents, hasOwnNodes, distinctModels, freshPorts);
  const looks = new KindIndex(cluster, residents);
  const atoms = new AtomTable(cluster, looks);
  const [was, is] = models;
  const viewsOfWas = createSubjectViews(was, at, looks, atoms);
  const viewsOfIs = was === is ? viewsOfWas : createSubjectViews(is, at, looks, atoms);
  for (const { pod } of residents) {
    for (const { viewOf } of [viewsOfWas, viewsOfIs]) {
      viewOf(pod, 'ingress');
      viewOf(pod, 'egress');
    }
  }
  for (const peer of asked.peers) atomOfPeer(peer, atoms);
  // INVARIANT: every atom is known before addresses are cut into cells.
  const views = [viewsOfWas.viewOf, viewsOfIs.viewOf] as const;
  const atomOf = (peer: Peer): AtomId | undefined => atomOfPeer(peer, atoms);
  const common = { cluster, at, models, views, atomOf };
  const families = ([4, 6] as const).map((family) =>
    placeAll(family, common, kinds, residents, hasOwnNodes, looks, atoms),
  );
  return { kinds, freshPorts, hasOwnNodes, families };
}

export function peersOf(models: readonly NormalModel[]): readonly Peer[] {
  return models.flatMap(({ policies }) =>
    policies.flatMap(({ rules }) => rules.flatMap((rule) => rule.peers)),
  );
}

/** A pod of each kind on each kind of node, where the node matters. */
interface Resident {
  readonly pod: Pod;
  readonly kind: PodKind;
  readonly node: NodeKind | undefined;
}

function settle(
  { pods, nodes }: Kinds,
  ports: readonly FreshPort[],
  hasOwnNodes: boolean,
): readonly Resident[] {
  const homes = hasOwnNodes ? nodes : [undefined];
  const labels = ({ labels: own, namespace }: PodKind): number => own.size + namespace.labels.size;
  // A witness with few labels is the easiest to read, and the first that fits is taken.
  const plainestFirst = [...pods].sort((a, b) => labels(a) - labels(b));
  return plainestFirst.flatMap((kind) =>
    homes.map((node): Resident => ({
      kind,
      node,
      pod: {
        namespace: namespaceKey(kind),
        name: `kind-${kind.id}${node === undefined ? '' : `-on-${node.id}`}`,
        labels: kind.labels,
        // An address of its own, by which Services know it; what rules say of addresses is in the cell.
        addresses: [{ family: 4, value: BigInt(kind.id) }],
        ...(node === undefined ? {} : { node: nodeName(node, true) }),
        hostNetwork: false,
        completed: false,
        ports,
        representative: true,
      },
    })),
  );
}

/** Kinds of namespaces have no names in common with real ones. */
function namespaceKey({ namespace }: PodKind): string {
  return `kind-${namespace.id}`;
}

function nodeName({ id }: NodeKind, own: boolean): string {
  return own ? `own-node-${id}` : `node-${id}`;
}

function clusterOf(
  kinds: Kinds,
  residents: readonly Resident[],
  hasOwnNodes: boolean,
  models: readonly NormalModel[],
  freshPorts: readonly FreshPort[],
): ClusterSnapshot {
  const nodes = kinds.nodes.flatMap((node) =>
    (hasOwnNodes ? [false, true] : [false]).map((own): ClusterNode => ({
      name: nodeName(node, own),
      labels: node.labels,
      addresses: [],
      podRanges: [],
    })),
  );
  const services = kinds.services.map((service, position): Service => {
    const path = `${service.namespace}/${service.name}`;
    const ports = servicePorts(models, path, freshPorts);
    const targetPorts = new Map(ports.map(({ port }, i) => [i, port]));
    return {
      ...service,
      addresses: [],
      ports,
      endpoints: residents
        .filter(({ kind }) => kind.serves.includes(path))
        .flatMap(({ pod }) => pod.addresses.map((address) => ({ address, targetPorts })))
        .concat([{ address: addressBehind(position), targetPorts }]),
    };
  });
  return {
    namespaces: new Map(
      kinds.namespaces.map(({ id, labels }) => [`kind-${id}`, { name: `kind-${id}`, labels }]),
    ),
    pods: residents.map(({ pod }) => pod),
    nodes,
    services,
  };
}

/** Selects kinds by the labels of their namespaces: two kinds may stand for one name. */
class KindIndex extends LookIndex {
  readonly #cluster: ClusterSnapshot;
  readonly #byNamespace = new Map<string, LookId[]>();
  readonly #chosen = new Map<string, readonly LookId[]>();
  readonly #namespaces = new Map<string, readonly string[]>();

  constructor(cluster: ClusterSnapshot, residents: readonly Resident[]) {
    super(
      cluster,
      residents.map(({ pod }) => pod),
    );
    this.#cluster = cluster;
    for (const { id, namespace } of this.looks) {
      const list = this.#byNamespace.get(namespace);
      if (list === undefined) this.#byNamespace.set(namespace, [id]);
      else list.push(id);
    }
  }

  override select(selector: Pick<PodSelector, 'namespaces' | 'pods'>): readonly LookId[] {
    const key = podSelectorKey(selector);
    let chosen = this.#chosen.get(key);
    if (chosen === undefined) {
      chosen = this.#namespacesOf(selector.namespaces)
        .flatMap((name) => this.#byNamespace.get(name) ?? [])
        .filter((id) => {
          const look = this.looks[id];
          return look !== undefined && selectorMatches(selector.pods, look.labels);
        })
        .sort((a, b) => a - b);
      this.#chosen.set(key, chosen);
    }
    return chosen;
  }

  #namespacesOf(selector: LabelSelector): readonly string[] {
    const key = selectorKey(selector);
    let names = this.#namespaces.get(key);
    if (names === undefined) {
      names = [...this.#cluster.namespaces.values()]
        .filter(({ labels }) => selectorMatches(selector, labels))
        .map(({ name }) => name);
      this.#namespaces.set(key, names);
    }
    return names;
  }
}

function placeAll(
  family: Family,
  common: Omit<Universe, 'addresses' | 'pods'>,
  kinds: Kinds,
  residents: readonly Resident[],
  hasOwnNodes: boolean,
  looks: LookIndex,
  atoms: AtomTable,
): FamilyUniverse {
  const { space, cells, atomsOf } = cutSpace(family, atoms);
  const count = residents.length * cells.length;
  if (count > MAX_PLACED) {
    const args = { pods: residents.length, cells: cells.length, family, limit: MAX_PLACED };
    throw new InputError([diagnostic('diff/too-many-places', args)]);
  }
  const classes: AddressClass[] = [];
  const placeOfClass = new Map<AddressClass, Place>();
  const atomsIn = (cell: Cell, own: readonly number[]): readonly number[] =>
    [...new Set([...(atomsOf.get(cell) ?? []), ...own])].sort((a, b) => a - b);
  const addClass = (one: Omit<AddressClass, 'id'>): AddressClass => {
    const added = { ...one, id: classes.length };
    classes.push(added);
    return added;
  };
  const add = (
    flavour: Flavour,
    place: Place,
    own: readonly number[],
    nodes: readonly string[] = [],
  ): void => {
    placeOfClass.set(addClass({ flavour, atoms: atomsIn(place.cell, own), nodes }), place);
  };
  const pods: PlacedPod[] = [];
  const placeOfPod = new Map<PlacedPod, Extract<Place, { kind: 'pod' }>>();
  // An address is behind none of the Services, or behind one.
  const endpoints = [
    [{}, []] as const,
    ...kinds.services.map((serves, i) => [{ serves }, atoms.ofAddress(addressBehind(i))] as const),
  ];
  for (const cell of cells) {
    add('unbound', { kind: 'unbound', cell }, []);
    for (const [serves, behind] of endpoints) {
      add('outside', { kind: 'outside', cell, ...serves }, behind);
      for (const node of kinds.nodes) {
        for (const own of hasOwnNodes ? [false, true] : [false]) {
          const name = nodeName(node, own);
          const all = [...atoms.ofNode(name), ...behind];
          add('node', { kind: 'node', cell, node, own, ...serves }, all, [name]);
        }
      }
    }
  }
  // Pods whom no rule tells apart as peers are of one class, whatever their own policies.
  const podClasses = new Map<string, AddressClass>();
  for (const { pod, kind, node } of residents) {
    const [address] = pod.addresses;
    const own = [
      ...atoms.ofLook(looks.lookOf(pod)),
      ...(address === undefined ? [] : atoms.ofAddress(address)),
    ];
    for (const cell of cells) {
      const all = atomsIn(cell, own);
      const key = all.join();
      const one = podClasses.get(key) ?? addClass({ flavour: 'pod', atoms: all, nodes: [] });
      podClasses.set(key, one);
      const placed = { pod, classes: new Map([[family, one]]) };
      pods.push(placed);
      placeOfPod.set(placed, { kind: 'pod', cell, pod: kind, node });
    }
  }
  const addresses: AddressClasses = {
    classes,
    entries: [],
    classOf: () => bug('kinds have no addresses'),
  };
  const universe = { ...common, addresses, pods };
  return { family, universe, space, cells, placeOfPod, placeOfClass };
}

/** Addresses that the same prefix lists hold; at least one address each. */
function cutSpace(
  family: Family,
  table: AtomTable,
): {
  readonly space: AddressSpace;
  readonly cells: readonly Cell[];
  readonly atomsOf: ReadonlyMap<Cell, readonly number[]>;
} {
  const drafts = cutCells(table.prefixAtoms, []).filter(({ prefix }) => prefix.family === family);
  const classes: AddressClass[] = [{ id: 0, flavour: 'outside', atoms: [], nodes: [] }];
  const ids = new Map<string, number>([['', 0]]);
  const entries = drafts.map(({ prefix, atoms }) => {
    const key = atoms.join();
    let classId = ids.get(key);
    if (classId === undefined) {
      classId = classes.length;
      ids.set(key, classId);
      classes.push({ id: classId, flavour: 'outside', atoms, nodes: [] });
    }
    return { prefix, classId };
  });
  const space = new AddressSpace({ classes, entries, classOf: () => bug('not asked for') });
  const atomsOf = new Map<Cell, readonly number[]>();
  const cells: Cell[] = [];
  for (const { id: classId, atoms } of classes) {
    const intervals = space.of(classId).filter((one) => one.family === family);
    const [first, ...others] = intervals;
    if (first === undefined) continue;
    const isSingle = others.length === 0 && first.first === first.last;
    const cell = { id: cells.length, classId, isSingle };
    cells.push(cell);
    atomsOf.set(cell, atoms);
  }
  return { space, cells, atomsOf };
}
