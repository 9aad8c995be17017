/** What can be proved apart without a cluster: selectors, peers and ports that share no packet. */
import { prefixLast, type Family, type Prefix } from '../../address.js';
import type {
  LabelRequirement,
  LabelSelector,
  Peer,
  PodSelector,
  PortMatch,
  Rule,
} from '../model.js';

/** Why no object can meet all requirements; undefined if one might. */
export function contradiction({ requirements }: LabelSelector): string | undefined {
  const keys = new Set(requirements.map(({ key }) => key));
  const empty = requirements.some(
    ({ operator, values }) => operator === 'In' && values.length === 0,
  );
  if (keys.size === requirements.length && !empty) return undefined;
  const byKey = new Map<string, LabelRequirement[]>();
  for (const one of requirements) {
    const same = byKey.get(one.key);
    if (same === undefined) byKey.set(one.key, [one]);
    else same.push(one);
  }
  for (const [key, all] of byKey) {
    const absent = all.some(({ operator }) => operator === 'DoesNotExist');
    const present = all.some(({ operator }) => operator === 'In' || operator === 'Exists');
    if (absent && present) return `\`${key}\` must be there and must not`;
    const values = possibleValues(all);
    if (values?.length === 0) return `\`${key}\` has no value that is allowed`;
  }
  return undefined;
}

/** The values that In and NotIn leave; undefined where any may do. */
function possibleValues(all: readonly LabelRequirement[]): readonly string[] | undefined {
  const lists = all
    .filter(({ operator }) => operator === 'In')
    .map(({ values }) => new Set(values));
  const [first, ...others] = lists;
  if (first === undefined) return undefined;
  const forbidden = new Set(
    all.filter(({ operator }) => operator === 'NotIn').flatMap(({ values }) => values),
  );
  return [...first].filter(
    (value) => !forbidden.has(value) && others.every((other) => other.has(value)),
  );
}

export function labelsMayMeet(a: LabelSelector, b: LabelSelector): boolean {
  return contradiction({ requirements: [...a.requirements, ...b.requirements] }) === undefined;
}

export function podsMayMeet(
  a: Pick<PodSelector, 'namespaces' | 'pods'>,
  b: Pick<PodSelector, 'namespaces' | 'pods'>,
): boolean {
  return labelsMayMeet(a.namespaces, b.namespaces) && labelsMayMeet(a.pods, b.pods);
}

export function portsMayMeet(a: Rule['ports'], b: Rule['ports']): boolean {
  if (a === 'every') return b === 'every' || b.some(isPossiblePort);
  if (b === 'every') return a.some(isPossiblePort);
  return a.some((one) => b.some((other) => portMatchesMayMeet(one, other)));
}

export function isPossiblePort(match: PortMatch): boolean {
  return match.kind === 'named' || match.first <= match.last;
}

/** Any two names may be given to one number. */
function portMatchesMayMeet(a: PortMatch, b: PortMatch): boolean {
  if (!isPossiblePort(a) || !isPossiblePort(b)) return false;
  if (a.protocol !== undefined && b.protocol !== undefined && a.protocol !== b.protocol)
    return false;
  if (a.kind === 'named' || b.kind === 'named') return true;
  return a.first <= b.last && b.first <= a.last;
}

/** What of the cluster a peer can ever stand for. */
const REALMS = {
  pods: ['pod'],
  nodes: ['node'],
  'own-node': ['node'],
  outside: ['outside'],
  service: ['pod', 'node', 'outside'],
  addresses: ['pod', 'node', 'outside'],
  any: ['pod', 'node', 'outside'],
  nothing: [],
} as const satisfies Readonly<Record<Peer['kind'], readonly string[]>>;

/** For many peers by address see {@link addressesMayMeet}, which does not compare all with all. */
export function peersMayMeet(a: Peer, b: Peer): boolean {
  const realms: readonly string[] = REALMS[b.kind];
  if (!REALMS[a.kind].some((realm) => realms.includes(realm))) return false;
  if (a.kind === 'pods' && b.kind === 'pods') return podsMayMeet(a, b);
  if (a.kind === 'nodes' && b.kind === 'nodes') return labelsMayMeet(a.selector, b.selector);
  if (a.kind === 'addresses' && b.kind === 'addresses') {
    return addressesMayMeet(rangesOf([[a, a]]), rangesOf([[b, b]])) !== undefined;
  }
  return true;
}

export type AddressesPeer = Extract<Peer, { kind: 'addresses' }>;

/** A run of addresses that a peer includes, tagged with whom it stands for. */
export interface TaggedRange<Tag> extends AddressRange {
  readonly tag: Tag;
}

/** All that the peers include and do not except, sorted. */
export function rangesOf<Tag>(
  peers: readonly (readonly [AddressesPeer, Tag])[],
): readonly TaggedRange<Tag>[] {
  return peers
    .flatMap(([peer, tag]) => remainingRanges(peer).map((range) => ({ ...range, tag })))
    .sort(byStart);
}

/** Two tags whose ranges share an address. Linear after sorting. */
export function addressesMayMeet<Tag>(
  left: readonly TaggedRange<Tag>[],
  right: readonly TaggedRange<Tag>[],
): readonly [Tag, Tag] | undefined {
  const widest: { left?: TaggedRange<Tag>; right?: TaggedRange<Tag> } = {};
  let i = 0;
  let j = 0;
  for (;;) {
    const a = left[i];
    const b = right[j];
    if (a === undefined && b === undefined) return undefined;
    const takeLeft = b === undefined || (a !== undefined && byStart(a, b) <= 0);
    const next = takeLeft ? a : b;
    if (next === undefined) return undefined;
    const facing = takeLeft ? widest.right : widest.left;
    if (facing !== undefined && facing.family === next.family && facing.last >= next.first) {
      return takeLeft ? [next.tag, facing.tag] : [facing.tag, next.tag];
    }
    const side = takeLeft ? 'left' : 'right';
    const known = widest[side];
    if (known === undefined || known.family !== next.family || known.last < next.last) {
      widest[side] = next;
    }
    if (takeLeft) i += 1;
    else j += 1;
  }
}

/** What is left of the included prefixes once the excepted ones are taken out. */
export function remainingRanges(
  peer: Pick<AddressesPeer, 'include' | 'exclude'>,
): readonly AddressRange[] {
  if (peer.exclude.length === 0) return peer.include.map(toRange);
  const holes = mergeRanges(peer.exclude.map(toRange));
  return peer.include.flatMap((prefix) => {
    const left: AddressRange[] = [];
    const { family, first, last } = toRange(prefix);
    let from = first;
    for (let i = firstEndingAt(holes, family, first); ; i += 1) {
      const hole = holes[i];
      if (hole === undefined || hole.family !== family || hole.first > last) break;
      if (hole.first > from) left.push({ family, first: from, last: hole.first - 1n });
      from = hole.last + 1n;
    }
    if (from <= last) left.push({ family, first: from, last });
    return left;
  });
}

interface AddressRange {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

function toRange(prefix: Prefix): AddressRange {
  return { family: prefix.family, first: prefix.value, last: prefixLast(prefix) };
}

/** Sorted and disjoint. */
function mergeRanges(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const merged: AddressRange[] = [];
  for (const range of [...ranges].sort(byStart)) {
    const previous = merged.at(-1);
    if (previous?.family !== range.family || previous.last < range.first) merged.push(range);
    else if (previous.last < range.last) merged.splice(-1, 1, { ...previous, last: range.last });
  }
  return merged;
}

/** Position of the first of the disjoint ranges that ends at the address or past it. */
function firstEndingAt(ranges: readonly AddressRange[], family: Family, address: bigint): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const one = ranges[middle];
    const before =
      one !== undefined && (one.family < family || (one.family === family && one.last < address));
    if (before) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** By family and start, the wider first. */
function byStart(a: AddressRange, b: AddressRange): number {
  if (a.family !== b.family) return a.family - b.family;
  if (a.first !== b.first) return a.first < b.first ? -1 : 1;
  if (a.last === b.last) return 0;
  return a.last > b.last ? -1 : 1;
}
