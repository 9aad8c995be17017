/** Findings: what holds between which ends, with a pair for each cause that bears witness to it. */
import type { Family } from '../address.js';
import type { AddressClass } from '../codegen/bind/classes.js';
import { AddressSpace } from './address-space.js';
import { Composer, whatChanges, whatIsAllowed, type Tag } from './compose.js';
import { directConnections, type DirectEnd } from './direct.js';
import { findEnds, type Ends } from './ends.js';
import { unitePorts, type PortSet } from './port-set.js';
import {
  findRectangles,
  LabelTable,
  type Grid,
  type PairOf,
  type Rectangle,
} from './rectangles.js';
import { serviceConnections, type ServiceSource, type ServiceTarget } from './services.js';
import { EffectSpread } from './spread.js';
import { addressOf, isOwnNode, type PlacedPod, type Universe } from './universe.js';

/** One side of a finding: every one of these. */
export interface EndSet {
  readonly pods: readonly PlacedPod[];
  /** Addresses that no pod holds. */
  readonly classes: readonly AddressClass[];
  /** Ports of Services; on the destination's side alone, and then there is nothing else. */
  readonly services: readonly ServiceTarget[];
}

/** A single end, to make a packet of. */
export type WitnessEnd =
  | { readonly kind: 'pod'; readonly pod: PlacedPod }
  | { readonly kind: 'address'; readonly one: AddressClass }
  | { readonly kind: 'service'; readonly target: ServiceTarget };

export interface WitnessPair {
  readonly from: WitnessEnd;
  readonly to: WitnessEnd;
  readonly family: Family;
}

export interface FoundCause<Pair = WitnessPair> {
  readonly key: string;
  readonly ports: PortSet;
  readonly pair: Pair;
  /** Those of the ports that hold for the pair. */
  readonly pairPorts: PortSet;
}

/**
 * Each of the sources with each of the destinations, in the family, or else in every family that both
 * have; but for a pod with itself, and a pod with its own node's packets, which are always allowed.
 */
export interface Finding {
  readonly tag: Tag;
  readonly ports: PortSet;
  readonly family?: Family;
  readonly from: EndSet;
  readonly to: EndSet;
  readonly causes: readonly FoundCause[];
}

export interface Findings {
  readonly universe: Universe;
  readonly space: AddressSpace;
  readonly ends: Ends;
  readonly findings: readonly Finding[];
}

/** @param mode what changes between the two models, or what the second one allows */
export function findConnections(universe: Universe, mode: 'changes' | 'allowed'): Findings {
  const ends = findEnds(universe);
  const space = new AddressSpace(universe.addresses);
  const everything = mode === 'allowed';
  const composer = new Composer(ends.effects, everything ? whatIsAllowed : whatChanges);
  const labels = new LabelTable(composer);
  const spread = new EffectSpread(ends);
  const direct = directConnections(ends, space, composer, labels, spread, everything);
  const services = serviceConnections(universe, ends, space, composer, labels, spread, mode);
  const directEnd = direct.ends.map(directSet);
  const sources = services.sources.map(sourceSet);
  const targets = services.targets.map(targetSet);
  const findings = [
    ...findIn(direct.grid, labels, directEnd, directEnd, space),
    ...findIn(services.grid, labels, sources, targets, space),
  ];
  return { universe, space, ends, findings };
}

const NOBODY: EndSet = { pods: [], classes: [], services: [] };

function directSet(end: DirectEnd | undefined): EndSet {
  if (end === undefined) return NOBODY;
  if (end.kind === 'pods') return { ...NOBODY, pods: end.group.pods };
  return { ...NOBODY, classes: end.peer.classes };
}

function sourceSet(source: ServiceSource | undefined): EndSet {
  if (source === undefined) return NOBODY;
  if (source.kind === 'pods') return { ...NOBODY, pods: source.pods };
  return { ...NOBODY, classes: source.classes };
}

function targetSet(target: ServiceTarget | undefined): EndSet {
  return target === undefined ? NOBODY : { ...NOBODY, services: [target] };
}

function unite(sets: readonly EndSet[]): EndSet {
  return {
    pods: sets.flatMap(({ pods }) => pods),
    classes: sets.flatMap(({ classes }) => classes),
    services: sets.flatMap(({ services }) => services),
  };
}

function findIn(
  grid: Grid,
  labels: LabelTable,
  sources: readonly EndSet[],
  destinations: readonly EndSet[],
  space: AddressSpace,
): readonly Finding[] {
  const pairOf: PairOf<WitnessPair> = (source, destination, family) =>
    findPair(sources[source] ?? NOBODY, destinations[destination] ?? NOBODY, family, space);
  return findRectangles(grid, labels, pairOf).flatMap((rectangle) => {
    const causes = gatherCauses(rectangle);
    // No packet at all is meant: a pod alone with itself.
    if (causes.length === 0) return [];
    const { tag, ports, family } = rectangle.facet;
    const from = unite(rectangle.sources.map((i) => sources[i] ?? NOBODY));
    const to = unite(rectangle.destinations.map((i) => destinations[i] ?? NOBODY));
    return [
      { tag, ports, ...(family === undefined ? {} : { family }), ...prune(from, to), causes },
    ];
  });
}

/** The causes of all blocks of a rectangle, each with the first pair that shows it. */
export function gatherCauses<Pair>({ blocks }: Rectangle<Pair>): readonly FoundCause<Pair>[] {
  const causes = new Map<string, { ports: [PortSet, ...PortSet[]]; pair: Pair }>();
  for (const { facet, pair } of blocks) {
    for (const { key, ports } of facet.causes) {
      const known = causes.get(key);
      if (known === undefined) causes.set(key, { ports: [ports], pair });
      else known.ports.push(ports);
    }
  }
  return [...causes].map(([key, cause]) => ({
    key,
    ports: unitePorts(cause.ports),
    pair: cause.pair,
    pairPorts: cause.ports[0],
  }));
}

/** Takes out who would only be left with itself. */
function prune(from: EndSet, to: EndSet): { readonly from: EndSet; readonly to: EndSet } {
  const alone = (set: EndSet): PlacedPod | undefined =>
    set.pods.length === 1 && set.classes.length + set.services.length === 0
      ? set.pods[0]
      : undefined;
  const without = (set: EndSet, one: PlacedPod | undefined): EndSet =>
    one === undefined ? set : { ...set, pods: set.pods.filter((pod) => pod !== one) };
  const nodes = new Set(to.pods.map(({ pod }) => pod.node));
  const [node] = nodes;
  const others =
    nodes.size === 1 && node !== undefined && to.services.length === 0
      ? from.classes.filter((one) => one.nodes[0] !== node)
      : from.classes;
  const sources = without({ ...from, classes: others }, alone(to));
  return { from: sources, to: without(to, alone(sources)) };
}

/** One packet that is meant for each kind of source with each kind of destination, as far as there are any. */
export function pairsOfKinds(
  { from, to, family }: Pick<Finding, 'from' | 'to' | 'family'>,
  space: AddressSpace,
): readonly WitnessPair[] {
  const found = new Map<string, WitnessPair>();
  for (const source of endsOfKinds(from)) {
    for (const destination of endsOfKinds(to)) {
      const key = `${source.kind} ${destination.kind}`;
      if (found.has(key)) continue;
      const pair = findPair(source.ends, destination.ends, family, space);
      if (pair !== undefined) found.set(key, pair);
    }
  }
  return [...found.values()];
}

function endsOfKinds({ pods, classes, services }: EndSet): readonly {
  readonly kind: string;
  readonly ends: EndSet;
}[] {
  const flavours = new Set(classes.map(({ flavour }) => flavour));
  return [
    ...(pods.length === 0 ? [] : [{ kind: 'pod', ends: { ...NOBODY, pods } }]),
    ...[...flavours].map((flavour) => ({
      kind: flavour,
      ends: { ...NOBODY, classes: classes.filter((one) => one.flavour === flavour) },
    })),
    ...(services.length === 0 ? [] : [{ kind: 'a service', ends: { ...NOBODY, services } }]),
  ];
}

/** A packet that is meant, from one of the sources to one of the destinations. */
function findPair(
  from: EndSet,
  to: EndSet,
  family: Family | undefined,
  space: AddressSpace,
): WitnessPair | undefined {
  for (const source of witnessEnds(from)) {
    for (const destination of witnessEnds(to)) {
      const shared = ([4, 6] as const).find(
        (one) =>
          (family ?? one) === one &&
          hasFamily(source, one, space) &&
          hasFamily(destination, one, space),
      );
      if (shared === undefined || isExemptPair(source, destination)) continue;
      return { from: source, to: destination, family: shared };
    }
  }
  return undefined;
}

function* witnessEnds({ pods, classes, services }: EndSet): Generator<WitnessEnd> {
  for (const pod of pods) yield { kind: 'pod', pod };
  for (const one of classes) yield { kind: 'address', one };
  for (const target of services) yield { kind: 'service', target };
}

function hasFamily(end: WitnessEnd, family: Family, space: AddressSpace): boolean {
  switch (end.kind) {
    case 'pod':
      return end.pod.classes.has(family) && addressOf(end.pod.pod, family) !== undefined;
    case 'address':
      return space.of(end.one.id).some((one) => one.family === family);
    case 'service':
      return end.target.families.has(family);
  }
}

/** What no policy has a say in. */
function isExemptPair(from: WitnessEnd, to: WitnessEnd): boolean {
  if (from.kind === 'address' && to.kind === 'address') return true;
  if (to.kind !== 'pod') return false;
  if (from.kind === 'pod') return from.pod === to.pod;
  return from.kind === 'address' && isOwnNode(from.one, to.pod.pod);
}
