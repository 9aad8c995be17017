/** Ends: pods, and other addresses, that no policy of either side can tell apart as ends of a connection. */
import type { Family } from '../address.js';
import type { AddressClass, ClassId } from '../codegen/bind-classes.js';
import type { ViewRows } from '../codegen/bind-rows.js';
import type { SubjectView } from '../codegen/bind-views.js';
import { FLAVOURS, type Flavour } from '../codegen/layout.js';
import type { Pod } from '../ir/cluster.js';
import type { Direction } from '../ir/model.js';
import { EffectTable, type EffectId } from './effects.js';
import type { PlacedPod, Universe } from './universe.js';

export type ViewId = number;
/** Number of a set of address classes that all views treat alike. */
export type PeerId = number;

/** What one direction's policies of some pods do to each class of peers. */
export interface ViewEffects {
  /** Of classes that are no exception. */
  readonly defaults: ReadonlyMap<Flavour, EffectId>;
  readonly exceptions: ReadonlyMap<PeerId, EffectId>;
  /** Whether any verdict differs before and after. */
  readonly changes: boolean;
}

/** Address classes that all views treat alike, of one flavour. */
export interface PeerGroup {
  readonly id: PeerId;
  readonly flavour: Flavour;
  readonly classes: readonly AddressClass[];
}

/** Pods that are alike as sources and as destinations. */
export interface PodGroup {
  readonly egress: ViewId;
  readonly ingress: ViewId;
  readonly peers: ReadonlyMap<Family, PeerId>;
  readonly pods: readonly PlacedPod[];
}

export interface Ends {
  readonly effects: EffectTable;
  readonly views: Readonly<Record<Direction, readonly ViewEffects[]>>;
  readonly peers: readonly PeerGroup[];
  readonly peerOfClass: ReadonlyMap<ClassId, PeerId>;
  readonly pods: readonly PodGroup[];
  /** Rows as they are deployed, for what is behind Services. */
  readonly rowsOf: (view: ViewId, one: AddressClass) => EffectId;
}

/** A view before classes are put together. */
interface RawView {
  readonly rows: readonly [was: ViewRows, is: ViewRows];
  readonly defaults: ReadonlyMap<Flavour, EffectId>;
  readonly exceptions: ReadonlyMap<ClassId, EffectId>;
}

export function findEnds(universe: Universe): Ends {
  const [was, is] = universe.sides;
  const effects = new EffectTable([was.rows, is.rows]);
  const egress = new DirectionReader(universe, 'egress', effects);
  const ingress = new DirectionReader(universe, 'ingress', effects);
  const { peers, peerOfClass } = groupClasses(universe, egress.views, ingress.views);
  const viewEffects = (raw: RawView): ViewEffects => groupView(raw, peerOfClass, effects);
  const exact = (view: ViewId, one: AddressClass): EffectId => {
    const raw = egress.views[view];
    return raw === undefined ? effects.allowAll : rowEffect(raw.rows, one, effects);
  };
  return {
    effects,
    views: { egress: egress.views.map(viewEffects), ingress: ingress.views.map(viewEffects) },
    peers,
    peerOfClass,
    pods: groupPods(universe, egress, ingress, peerOfClass),
    rowsOf: exact,
  };
}

/** The views of one direction, each distinct one once. */
class DirectionReader {
  readonly views: RawView[] = [];
  readonly #byViews = new Map<string, ViewId>();
  readonly #byContent = new Map<string, ViewId>();

  constructor(
    private readonly universe: Universe,
    private readonly direction: Direction,
    private readonly effects: EffectTable,
  ) {
    for (const { pod } of universe.pods) this.viewOf(pod);
  }

  viewOf(pod: Pod): ViewId {
    const [was, is] = this.universe.sides;
    const before = was.viewOf(pod, this.direction);
    const after = is.viewOf(pod, this.direction);
    const key = `${before.key} ${after.key}`;
    let id = this.#byViews.get(key);
    if (id === undefined) {
      id = this.#add(before, after);
      this.#byViews.set(key, id);
    }
    return id;
  }

  #add(before: SubjectView, after: SubjectView): ViewId {
    const [was, is] = this.universe.sides;
    const rows = [was.rows.rowsOf(before), is.rows.rowsOf(after)] as const;
    const raw = this.#read(rows);
    const services = this.universe.addresses.classes.filter(({ service }) => service !== undefined);
    const behind =
      this.direction === 'ingress' ? [] : services.map((one) => rowEffect(rows, one, this.effects));
    const content = JSON.stringify([[...raw.defaults], [...raw.exceptions], behind]);
    let id = this.#byContent.get(content);
    if (id === undefined) {
      id = this.views.length;
      this.views.push(raw);
      this.#byContent.set(content, id);
    }
    return id;
  }

  #read(rows: RawView['rows']): RawView {
    const { effects } = this;
    const defaults = new Map<Flavour, EffectId>();
    for (const flavour of FLAVOURS) {
      const plain = effects.ofRows(
        rows[0].defaults.get(flavour) ?? 0,
        rows[1].defaults.get(flavour) ?? 0,
      );
      const masked = flavour === 'service' && this.direction === 'egress';
      defaults.set(flavour, masked ? effects.withoutPorts(plain) : plain);
    }
    const exceptions = new Map<ClassId, EffectId>();
    const named = [...new Set([...rows[0].exceptions.keys(), ...rows[1].exceptions.keys()])];
    for (const id of named.sort((a, b) => a - b)) {
      const one = this.universe.addresses.classes[id];
      if (one === undefined) continue;
      const exact = rowEffect(rows, one, effects);
      const masked = one.service !== undefined && this.direction === 'egress';
      const effect = masked ? effects.withoutPorts(exact) : exact;
      if (effect !== defaults.get(one.flavour)) exceptions.set(id, effect);
    }
    return { rows, defaults, exceptions };
  }
}

function rowEffect(
  [was, is]: RawView['rows'],
  { id, flavour }: AddressClass,
  effects: EffectTable,
): EffectId {
  return effects.ofRows(
    was.exceptions.get(id) ?? was.defaults.get(flavour) ?? 0,
    is.exceptions.get(id) ?? is.defaults.get(flavour) ?? 0,
  );
}

/** Classes of one flavour that no view of either direction excepts in another way. */
function groupClasses(
  universe: Universe,
  egress: readonly RawView[],
  ingress: readonly RawView[],
): { readonly peers: readonly PeerGroup[]; readonly peerOfClass: ReadonlyMap<ClassId, PeerId> } {
  const { classes } = universe.addresses;
  const signatures: string[] = classes.map(({ flavour }) => flavour);
  for (const [prefix, views] of [
    ['e', egress],
    ['i', ingress],
  ] as const) {
    for (const [view, { exceptions }] of views.entries()) {
      for (const [id, effect] of exceptions) {
        signatures[id] = `${signatures[id] ?? ''} ${prefix}${view}:${effect}`;
      }
    }
  }
  const bySignature = new Map<string, AddressClass[]>();
  for (const one of classes) {
    const signature = signatures[one.id] ?? '';
    const members = bySignature.get(signature);
    if (members === undefined) bySignature.set(signature, [one]);
    else members.push(one);
  }
  const peers = [...bySignature.values()].map((members, id): PeerGroup => {
    return { id, flavour: members[0]?.flavour ?? 'outside', classes: members };
  });
  const peerOfClass = new Map<ClassId, PeerId>();
  for (const peer of peers) for (const one of peer.classes) peerOfClass.set(one.id, peer.id);
  return { peers, peerOfClass };
}

function groupView(
  { defaults, exceptions }: RawView,
  peerOfClass: ReadonlyMap<ClassId, PeerId>,
  effects: EffectTable,
): ViewEffects {
  const byPeer = new Map<PeerId, EffectId>();
  for (const [id, effect] of exceptions) {
    const peer = peerOfClass.get(id);
    if (peer !== undefined) byPeer.set(peer, effect);
  }
  const all = new Set([...defaults.values(), ...byPeer.values()]);
  const changes = [...all].some((id) => effects.effect(id).changes);
  return { defaults, exceptions: byPeer, changes };
}

function groupPods(
  { pods }: Universe,
  egress: DirectionReader,
  ingress: DirectionReader,
  peerOfClass: ReadonlyMap<ClassId, PeerId>,
): readonly PodGroup[] {
  const groups = new Map<string, Omit<PodGroup, 'pods'> & { readonly pods: PlacedPod[] }>();
  for (const placed of pods) {
    const peers = new Map<Family, PeerId>();
    for (const [family, { id }] of placed.classes) peers.set(family, peerOfClass.get(id) ?? 0);
    const views = { egress: egress.viewOf(placed.pod), ingress: ingress.viewOf(placed.pod) };
    const key = [views.egress, views.ingress, peers.get(4), peers.get(6)].join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ...views, peers, pods: [placed] });
    else group.pods.push(placed);
  }
  return [...groups.values()];
}
