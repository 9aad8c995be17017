/** Shadows: rules that decide nothing because another rule matches all that they match. */
import type { Prefix } from '../../address.js';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import { leavesUnbound, ruleCovers, subjectsCover } from './covers.js';
import { ruleName } from './priorities.js';
import { PrefixBuckets } from '../interpret/prefixes.js';
import type { LabelSelector, Peer, PodSelector, PortMatch } from '../model.js';
import type { NormalModel, NormalPolicy, NormalRule } from '../normal-model.js';
import { peerKey, podSelectorKey, portMatchKey } from '../peer-key.js';

export function checkShadows(model: NormalModel): readonly Diagnostic[] {
  return model.tiers.flatMap((tier) =>
    tier.kind === 'ordered' ? checkOrdered(tier.policies) : tier.policies.flatMap(checkAdditive),
  );
}

function checkOrdered(policies: readonly NormalPolicy[]): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const index = new CoverIndex();
  for (const policy of policies) {
    for (const rule of policy.rules) {
      const place = { policy, rule };
      const cover = index.find(
        place,
        (other) =>
          goesFirst(other.policy, policy) &&
          subjectsCover(other.policy, policy) &&
          ruleCovers(other.rule, rule),
      );
      index.add(place);
      if (cover === undefined) continue;
      const args = {
        rule: ruleName(policy, rule),
        by: ruleName(cover.policy, cover.rule),
        exceptUnbound: leavesUnbound(cover.rule, rule),
      };
      const related = [{ span: cover.rule.origin, message: 'this rule goes first' }];
      diagnostics.push(diagnostic('check/shadowed-rule', args, rule.origin, related));
    }
  }
  return diagnostics;
}

/** Between policies of equal priority the order is undefined, and a conflict has its own error. */
function goesFirst(other: NormalPolicy, policy: NormalPolicy): boolean {
  return other === policy || other.priority < policy.priority;
}

/** Only within one policy: that two teams allow the same is no mistake. */
function checkAdditive(policy: NormalPolicy): readonly Diagnostic[] {
  const rules = policy.rules.filter(({ action }) => action === 'allow');
  if (rules.length < 2) return [];
  const index = new CoverIndex();
  for (const rule of rules) index.add({ policy, rule });
  return rules.flatMap((rule) => {
    const cover = index.find(
      { policy, rule },
      ({ rule: other }) =>
        other !== rule &&
        ruleCovers(other, rule) &&
        (other.id < rule.id || !ruleCovers(rule, other)),
    );
    if (cover === undefined) return [];
    const args = { rule: ruleName(policy, rule), by: ruleName(policy, cover.rule) };
    const related = [{ span: cover.rule.origin, message: 'the wider rule is here' }];
    return [diagnostic('check/redundant-rule', args, rule.origin, related)];
  });
}

export interface Place {
  readonly policy: NormalPolicy;
  readonly rule: NormalRule;
}

/** Rules with the same subjects, direction and ports, by what their peers are. */
interface Shelf {
  readonly byPeer: Map<string, Place[]>;
  readonly byPrefix: PrefixBuckets<Place>;
}

/**
 * How many rules one lookup compares at most. This is a lint: among thousands of rules that share
 * their ports and some of their peers it may miss a shadow, but it never takes quadratic time.
 */
const MAX_COMPARED = 64;
const ALL: LabelSelector = { requirements: [] };

/** Finds rules that may cover another by the few forms in which wider ones are written. */
export class CoverIndex {
  readonly #shelves = new Map<string, Shelf>();
  readonly #keys = new Map<NormalPolicy, ReadonlySet<string>>();

  add(place: Place): void {
    const { policy, rule } = place;
    for (const subject of this.#subjectKeys(policy)) {
      for (const port of portTokens(rule)) {
        const key = `${rule.direction} ${port} ${subject}`;
        const shelf = this.#shelves.get(key) ?? {
          byPeer: new Map(),
          byPrefix: new PrefixBuckets(),
        };
        this.#shelves.set(key, shelf);
        for (const peer of rule.peers) shelvePeer(shelf, peer, place);
      }
    }
  }

  #subjectKeys(policy: NormalPolicy): ReadonlySet<string> {
    let keys = this.#keys.get(policy);
    if (keys === undefined) {
      keys = new Set(policy.subjects.map(podSelectorKey));
      this.#keys.set(policy, keys);
    }
    return keys;
  }

  find(place: Place, covers: (other: Place) => boolean): Place | undefined {
    const { policy, rule } = place;
    const [subject] = policy.subjects;
    const peer = mostSpecific(rule.peers);
    if (subject === undefined || peer === undefined || peer.kind === 'nothing') return undefined;
    const compared = new Set<Place>();
    for (const subjectKey of wideningsOf(subject)) {
      for (const port of wideningPorts(rule)) {
        const shelf = this.#shelves.get(`${rule.direction} ${port} ${subjectKey}`);
        if (shelf === undefined) continue;
        for (const other of candidatesOn(shelf, peer)) {
          if (compared.has(other)) continue;
          if (covers(other)) return other;
          compared.add(other);
          if (compared.size >= MAX_COMPARED) return undefined;
        }
      }
    }
    return undefined;
  }
}

function shelvePeer({ byPeer, byPrefix }: Shelf, peer: Peer, place: Place): void {
  if (peer.kind === 'addresses' && peer.exclude.length === 0) {
    for (const prefix of peer.include) byPrefix.add(prefix, place);
    return;
  }
  const key = peerKey(peer);
  const same = byPeer.get(key);
  if (same === undefined) byPeer.set(key, [place]);
  else same.push(place);
}

function* candidatesOn({ byPeer, byPrefix }: Shelf, peer: Peer): Generator<Place> {
  yield* byPeer.get('any') ?? [];
  if (peer.kind === 'pods') {
    for (const key of wideningsOf(peer)) yield* byPeer.get(`pods ${key}`) ?? [];
  } else if (peer.kind !== 'addresses' || peer.exclude.length > 0) {
    yield* byPeer.get(peerKey(peer)) ?? [];
  }
  const prefix = peer.kind === 'addresses' ? longest(peer.include) : undefined;
  if (prefix !== undefined) yield* byPrefix.find(prefix);
}

const widenings = new WeakMap<object, ReadonlySet<string>>();

/** Itself, all pods of its namespaces, its labels anywhere, and all pods. */
function wideningsOf(selector: Pick<PodSelector, 'namespaces' | 'pods'>): ReadonlySet<string> {
  const known = widenings.get(selector);
  if (known !== undefined) return known;
  const { namespaces, pods } = selector;
  const keys = new Set([
    podSelectorKey(selector),
    podSelectorKey({ namespaces, pods: ALL }),
    podSelectorKey({ namespaces: ALL, pods }),
    podSelectorKey({ namespaces: ALL, pods: ALL }),
  ]);
  widenings.set(selector, keys);
  return keys;
}

function portTokens({ ports }: NormalRule): ReadonlySet<string> {
  if (ports === 'every') return new Set(['every']);
  return new Set(ports.map((match) => (isWide(match) ? wideToken(match) : portMatchKey(match))));
}

function wideningPorts({ ports }: NormalRule): ReadonlySet<string> {
  const [first] = ports === 'every' ? [] : ports;
  if (first === undefined) return new Set(['every']);
  const named = first.kind === 'named' ? [portMatchKey({ kind: 'named', name: first.name })] : [];
  return new Set(['every', portMatchKey(first), ...named, wideToken(first)]);
}

function isWide(match: PortMatch): boolean {
  return match.kind === 'range' && match.first < match.last;
}

function wideToken({ protocol }: PortMatch): string {
  return `${protocol ?? '*'} range`;
}

/** The peer that the fewest others can cover: the longest prefix, where there is one. */
function mostSpecific(peers: readonly Peer[]): Peer | undefined {
  const lengthOf = (peer: Peer): number =>
    peer.kind === 'addresses' ? (longest(peer.include)?.length ?? -1) : -1;
  return peers.reduce<Peer | undefined>(
    (best, peer) => (best === undefined || lengthOf(peer) > lengthOf(best) ? peer : best),
    undefined,
  );
}

function longest(prefixes: readonly Prefix[]): Prefix | undefined {
  return prefixes.reduce<Prefix | undefined>(
    (best, prefix) => (best === undefined || prefix.length > best.length ? prefix : best),
    undefined,
  );
}
