/** Ends: pods, and other addresses, that no policy of either side can tell apart as ends of a connection. */
import type { Family } from '../address.js';
import type { AddressClass } from '../codegen/bind/classes.js';
import type { Flavour } from '../codegen/layout.js';
import type { Pod } from '../ir/cluster.js';
import type { Direction } from '../ir/model.js';
import { Distinct } from './distinct.js';
import { EffectTable } from './effects.js';
import { exceptionsByClass, type Exceptions } from './diff/exceptions.js';
import type { PlacedPod, Universe } from './universe.js';
import { ViewEvaluator, type ViewEffects } from './view-effects.js';

export type ViewId = number;
/** Number of a set of address classes that all views treat alike. */
export type PeerId = number;

/** Address classes that all views treat alike, of one flavour. */
export interface PeerGroup {
  readonly id: PeerId;
  readonly flavour: Flavour;
  /** They are cluster addresses: packets to their ports go on to endpoints. */
  readonly isService: boolean;
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
  readonly peerOfClass: Int32Array;
  readonly pods: readonly PodGroup[];
  /** What ingress views except, by class. */
  readonly ingressExceptions: Exceptions;
}

export function findEnds(universe: Universe): Ends {
  const { classes } = universe.addresses;
  const effects = new EffectTable();
  const evaluator = new ViewEvaluator(classes, effects);
  const egress = readViews(universe, 'egress', evaluator);
  const ingress = readViews(universe, 'ingress', evaluator);
  const exceptions = [egress, ingress].map(({ views }) => exceptionsByClass(classes.length, views));
  const { peers, peerOfClass } = groupClasses(classes, exceptions);
  return {
    effects,
    views: { egress: egress.views, ingress: ingress.views },
    peers,
    peerOfClass,
    pods: groupPods(universe, egress.ofPod, ingress.ofPod, peerOfClass),
    ingressExceptions: exceptions[1] ?? exceptionsByClass(0, []),
  };
}

interface DirectedViews {
  /** Each distinct one once. */
  readonly views: readonly ViewEffects[];
  readonly ofPod: ReadonlyMap<Pod, ViewId>;
}

function readViews(
  { pods, views: [was, is] }: Universe,
  direction: Direction,
  evaluator: ViewEvaluator,
): DirectedViews {
  const byKey = new Map<string, ViewId>();
  const distinct = new Distinct();
  const views: ViewEffects[] = [];
  const ofPod = new Map<Pod, ViewId>();
  for (const { pod } of pods) {
    const pair = [was(pod, direction), is(pod, direction)] as const;
    const key = `${pair[0].key} ${pair[1].key}`;
    let id = byKey.get(key);
    if (id === undefined) {
      const view = evaluator.evaluate(pair);
      id = distinct.idOf([Int32Array.from(view.defaults), view.classes, view.effects]);
      if (id === views.length) views.push(view);
      byKey.set(key, id);
    }
    ofPod.set(pod, id);
  }
  return { views, ofPod };
}

/** Classes of one flavour that no view of either direction excepts in another way. */
function groupClasses(
  classes: readonly AddressClass[],
  exceptions: readonly Exceptions[],
): Pick<Ends, 'peers' | 'peerOfClass'> {
  const peerOfClass = new Int32Array(classes.length);
  const kinds = new Map<string, Distinct>();
  const members = new Map<string, AddressClass[]>();
  const peers: (Omit<PeerGroup, 'classes'> & { readonly classes: AddressClass[] })[] = [];
  for (const one of classes) {
    const isService = one.service !== undefined;
    const kind = isService ? `${one.flavour} service` : one.flavour;
    const distinct = kinds.get(kind) ?? new Distinct();
    kinds.set(kind, distinct);
    const signature = exceptions.flatMap(({ starts, views, effects }) => {
      const [from, to] = [starts[one.id] ?? 0, starts[one.id + 1] ?? 0];
      return [views.subarray(from, to), effects.subarray(from, to)];
    });
    const key = `${kind} ${distinct.idOf(signature)}`;
    let list = members.get(key);
    if (list === undefined) {
      list = [];
      members.set(key, list);
      peers.push({ id: peers.length, flavour: one.flavour, isService, classes: list });
    }
    list.push(one);
  }
  for (const peer of peers) for (const one of peer.classes) peerOfClass[one.id] = peer.id;
  return { peers, peerOfClass };
}

function groupPods(
  { pods }: Universe,
  egress: ReadonlyMap<Pod, ViewId>,
  ingress: ReadonlyMap<Pod, ViewId>,
  peerOfClass: Int32Array,
): readonly PodGroup[] {
  const groups = new Map<string, Omit<PodGroup, 'pods'> & { readonly pods: PlacedPod[] }>();
  for (const placed of pods) {
    const peers = new Map<Family, PeerId>();
    for (const [family, { id }] of placed.classes) peers.set(family, peerOfClass[id] ?? 0);
    const views = { egress: egress.get(placed.pod) ?? 0, ingress: ingress.get(placed.pod) ?? 0 };
    const key = [views.egress, views.ingress, peers.get(4), peers.get(6)].join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ...views, peers, pods: [placed] });
    else group.pods.push(placed);
  }
  return [...groups.values()];
}
