/** Symbolic findings: what holds between kinds of ends, in both families together where they are alike. */
import type { Family } from '../../address.js';
import { Composer, whatChanges, whatIsAllowed, type Tag } from '../compose.js';
import { directConnections, type DirectEnd } from '../direct.js';
import { findEnds } from '../ends.js';
import { gatherCauses, type FoundCause } from '../findings.js';
import { portSetKey, type PortSet } from '../port-set.js';
import { findRectangles, LabelTable } from '../rectangles.js';
import { EffectSpread } from '../spread.js';
import type { NamedService } from './kinds.js';
import type { FamilyUniverse, Place, SymbolicUniverse } from './universe.js';

/** Two ends that one cluster can have, to make a packet of. */
export interface PlacePair {
  readonly from: Place;
  readonly to: Place;
  readonly family: Family;
}

/**
 * Each of the sources with each of the destinations, as far as one cluster can have both; but for a pod
 * with itself and with its own node's packets, which are always allowed.
 */
export interface SymbolicFinding {
  readonly tag: Tag;
  readonly ports: PortSet;
  /** Absent where it holds in both, at all addresses alike; then the places are those of IPv4. */
  readonly family?: Family;
  readonly from: readonly Place[];
  readonly to: readonly Place[];
  readonly causes: readonly FoundCause<PlacePair>[];
}

export function findSymbolic(
  { families }: SymbolicUniverse,
  mode: 'changes' | 'allowed',
): readonly SymbolicFinding[] {
  const [four = [], six = []] = families.map((one) => findInFamily(one, mode));
  return mergeFamilies(families, four, six);
}

function findInFamily(
  { family, universe, placeOfPod, placeOfClass }: FamilyUniverse,
  mode: 'changes' | 'allowed',
): readonly SymbolicFinding[] {
  const everything = mode === 'allowed';
  const ends = findEnds(universe);
  const composer = new Composer(ends.effects, everything ? whatIsAllowed : whatChanges);
  const labels = new LabelTable(composer);
  const spread = new EffectSpread(ends);
  const here = { families: (): ReadonlySet<Family> => new Set([family]) };
  const direct = directConnections(ends, here, composer, labels, spread, everything);
  const placesOf = (end: DirectEnd): readonly Place[] =>
    end.kind === 'pods'
      ? end.group.pods.flatMap((one) => placeOfPod.get(one) ?? [])
      : end.peer.classes.flatMap((one) => placeOfClass.get(one) ?? []);
  const places = direct.ends.map(placesOf);
  const at = (i: number): readonly Place[] => places[i] ?? [];
  const pairOf = (source: number, destination: number): PlacePair | undefined =>
    findPair(at(source), at(destination), family);
  return findRectangles(direct.grid, labels, pairOf).flatMap((rectangle) => {
    const causes = gatherCauses(rectangle);
    // No cluster has any two of these ends.
    if (causes.length === 0) return [];
    const { tag, ports } = rectangle.facet;
    const sources = rectangle.sources.flatMap(at);
    const destinations = rectangle.destinations.flatMap(at);
    const from = sources.filter((one) => destinations.some((other) => canMeet(one, other)));
    const to = destinations.filter((one) => sources.some((other) => canMeet(other, one)));
    return [{ tag, ports, family, from, to, causes }];
  });
}

function findPair(
  sources: readonly Place[],
  destinations: readonly Place[],
  family: Family,
): PlacePair | undefined {
  for (const from of sources) {
    const to = destinations.find((one) => canMeet(from, one));
    if (to !== undefined) return { from, to, family };
  }
  return undefined;
}

/** Whether some cluster has both ends, and policies have a say in what the first sends to the second. */
export function canMeet(from: Place, to: Place): boolean {
  if (from.kind !== 'pod' && to.kind !== 'pod') return false;
  if (from.cell === to.cell && from.cell.isSingle) return false;
  // What its own node sends to a pod is exempt, and to other pods that node is one like others.
  if (from.kind === 'node') return !from.own;
  if (from.kind === 'pod' && to.kind === 'node') return !to.own || from.node === to.node;
  if (from.kind !== 'pod' || to.kind !== 'pod') return true;
  const [a, b] = [from.pod.namespace, to.pod.namespace];
  // Two namespaces of one name do not exist.
  return a === b || a.name === undefined || a.name !== b.name;
}

/** What holds alike in both families, at all of their addresses, is one finding. */
function mergeFamilies(
  families: readonly FamilyUniverse[],
  four: readonly SymbolicFinding[],
  six: readonly SymbolicFinding[],
): readonly SymbolicFinding[] {
  const counts = new Map(families.map(({ family, cells }) => [family, cells.length]));
  const keyed = new Map<string, SymbolicFinding>();
  for (const finding of six) {
    const key = mergeKey(finding, counts);
    if (key !== undefined) keyed.set(key, finding);
  }
  const merged = new Set<SymbolicFinding>();
  const first = four.map((finding): SymbolicFinding => {
    const key = mergeKey(finding, counts);
    const other = key === undefined ? undefined : keyed.get(key);
    if (other === undefined) return finding;
    merged.add(other);
    const { tag, ports, from, to } = finding;
    return { tag, ports, from, to, causes: mergeCauses(finding.causes, other.causes) };
  });
  return [...first, ...six.filter((one) => !merged.has(one))];
}

/** Equal for what can be told in one; undefined where addresses have to be told. */
function mergeKey(
  { tag, ports, family, from, to }: SymbolicFinding,
  counts: ReadonlyMap<Family, number>,
): string | undefined {
  const all = counts.get(family ?? 4) ?? 0;
  const sides = [from, to].map((places) => {
    const cells = new Map<string, number>();
    for (const place of places) {
      const key = endKey(place);
      cells.set(key, (cells.get(key) ?? 0) + 1);
    }
    if ([...cells.values()].some((count) => count !== all)) return undefined;
    return [...cells.keys()].sort().join();
  });
  if (sides.includes(undefined)) return undefined;
  return [tag, portSetKey(ports), ...sides].join(';');
}

/** Of a place, whatever its address. */
function endKey(place: Place): string {
  switch (place.kind) {
    case 'pod':
      return `pod ${place.pod.id} ${place.node?.id ?? ''}`;
    case 'node':
      return `node ${place.node.id} ${place.own ? 'own' : ''} ${serviceText(place.serves)}`;
    case 'outside':
      return `outside ${serviceText(place.serves)}`;
    case 'unbound':
      return place.kind;
  }
}

/** Equal for the same end at the same addresses, in whatever universe of the same policies. */
export function placeKey(place: Place): string {
  return `${endKey(place)} at ${place.cell.id}`;
}

function serviceText(service: NamedService | undefined): string {
  return service === undefined ? '' : `${service.namespace}/${service.name}`;
}

function mergeCauses(
  four: readonly FoundCause<PlacePair>[],
  six: readonly FoundCause<PlacePair>[],
): readonly FoundCause<PlacePair>[] {
  const known = new Set(four.map(({ key }) => key));
  return [...four, ...six.filter(({ key }) => !known.has(key))];
}
