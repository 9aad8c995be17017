/** Direct connections: between pods, and between pods and addresses, as a grid of labels. */
import type { Family } from '../address.js';
import { bug } from '../diagnostics.js';
import type { AddressSpace } from './address-space.js';
import { NOTHING, type Composer, type FacetsId } from './compose.js';
import type { EffectId } from './effects.js';
import type { Ends, PeerGroup, PeerId, PodGroup } from './ends.js';
import type { Grid, GridRow, LabelId, LabelTable } from './rectangles.js';
import type { EffectSpread } from './spread.js';

/** An end of a direct connection: pods alike, or addresses alike that no pod holds. */
export type DirectEnd =
  | { readonly kind: 'pods'; readonly group: PodGroup }
  | {
      readonly kind: 'addresses';
      readonly peer: PeerGroup;
      readonly families: ReadonlySet<Family>;
    };

export interface DirectConnections {
  /** Pod groups first. Sources and destinations are the same. */
  readonly ends: readonly DirectEnd[];
  readonly grid: Grid;
}

/** @param everything whether connections whose sides do not change are of interest */
export function directConnections(
  found: Ends,
  space: Pick<AddressSpace, 'families'>,
  composer: Composer,
  labels: LabelTable,
  spread: EffectSpread,
  everything: boolean,
): DirectConnections {
  const addresses = found.peers.flatMap((peer): DirectEnd[] => {
    if (peer.flavour === 'pod') return [];
    const families = space.families(peer.classes);
    return families.size === 0 ? [] : [{ kind: 'addresses', peer, families }];
  });
  const pods = found.pods.map((group): DirectEnd => ({ kind: 'pods', group }));
  const ends = [...pods, ...addresses];
  const rows = new RowMaker(found, ends, composer, labels, spread, everything);
  const grid = {
    sources: ends.length,
    destinations: ends.length,
    rowOf: (source: number) => rows.rowOf(source),
  };
  return { ends, grid };
}

const NO_PEER = -1;

class RowMaker {
  readonly #spread: EffectSpread;
  /** By peer: the effect on packets that are meant for the address itself. */
  readonly #plain: (effect: EffectId, peer: PeerId) => EffectId;
  /** By end: the peer in each family, or NO_PEER. */
  readonly #peers: Readonly<Record<Family, Int32Array>>;
  /** By end: the ingress view; none for addresses. */
  readonly #ingress: Int32Array;
  readonly #podCount: number;
  #destinations: number[] = [];
  #labels: number[] = [];

  constructor(
    private readonly found: Ends,
    private readonly ends: readonly DirectEnd[],
    private readonly composer: Composer,
    private readonly labels: LabelTable,
    spread: EffectSpread,
    private readonly everything: boolean,
  ) {
    this.#spread = spread;
    const isService = found.peers.map((peer) => peer.isService);
    this.#plain = (effect, peer) =>
      isService[peer] === true ? found.effects.withoutPorts(effect) : effect;
    const peersIn = (family: Family): Int32Array =>
      Int32Array.from(ends, (end) => {
        if (end.kind === 'pods') return end.group.peers.get(family) ?? NO_PEER;
        return end.families.has(family) ? end.peer.id : NO_PEER;
      });
    this.#peers = { 4: peersIn(4), 6: peersIn(6) };
    this.#ingress = Int32Array.from(ends, (end) => (end.kind === 'pods' ? end.group.ingress : 0));
    this.#podCount = found.pods.length;
  }

  rowOf(source: number): GridRow | undefined {
    const from = this.ends[source] ?? bug(`no end ${source}`);
    const four = this.#peers[4][source] ?? NO_PEER;
    const six = this.#peers[6][source] ?? NO_PEER;
    const view = from.kind === 'pods' ? this.found.views.egress[from.group.egress] : undefined;
    const mayChange =
      view?.changes === true || [four, six].some((peer) => this.#spread.isChanging(peer));
    if (!this.everything && !mayChange) return undefined;
    if (four !== NO_PEER) this.#spread.spreadIngress(4, four);
    if (six !== NO_PEER) this.#spread.spreadIngress(6, six);
    this.#destinations = [];
    this.#labels = [];
    if (from.kind === 'pods') this.#fromPods(from.group, four, six, view?.changes === true);
    else this.#fromAddresses(four, six);
    if (this.#labels.length === 0) return undefined;
    return {
      destinations: Int32Array.from(this.#destinations),
      labels: Int32Array.from(this.#labels),
    };
  }

  #fromPods(group: PodGroup, four: PeerId, six: PeerId, egressChanges: boolean): void {
    this.#spread.spreadEgress(group.egress);
    for (let to = 0; to < this.#podCount; to += 1) {
      this.#put(to, this.labels.idOf(this.#meet(4, four, to), this.#meet(6, six, to)));
    }
    // Addresses have no policies of their own.
    if (!this.everything && !egressChanges) return;
    for (let to = this.#podCount; to < this.ends.length; to += 1) {
      this.#put(to, this.labels.idOf(this.#leave(4, four, to), this.#leave(6, six, to)));
    }
  }

  #fromAddresses(four: PeerId, six: PeerId): void {
    for (let to = 0; to < this.#podCount; to += 1) {
      this.#put(to, this.labels.idOf(this.#enter(4, four, to), this.#enter(6, six, to)));
    }
  }

  #put(to: number, label: LabelId): void {
    if (label === NOTHING) return;
    this.#destinations.push(to);
    this.#labels.push(label);
  }

  /** What holds between pods; undefined where one of them lacks the family. */
  #meet(family: Family, from: PeerId, to: number): FacetsId | undefined {
    const remote = this.#peers[family][to] ?? NO_PEER;
    if (from === NO_PEER || remote === NO_PEER) return undefined;
    const egress = this.#spread.egress[remote] ?? 0;
    const ingress = this.#spread.ingress[family][this.#ingress[to] ?? 0] ?? 0;
    if (!this.#matters(egress, ingress)) return NOTHING;
    return this.composer.compose(this.#plain(egress, remote), ingress);
  }

  #leave(family: Family, from: PeerId, to: number): FacetsId | undefined {
    const remote = this.#peers[family][to] ?? NO_PEER;
    if (from === NO_PEER || remote === NO_PEER) return undefined;
    const { allowAll } = this.found.effects;
    const egress = this.#spread.egress[remote] ?? 0;
    if (!this.#matters(egress, allowAll)) return NOTHING;
    return this.composer.compose(this.#plain(egress, remote), allowAll);
  }

  #enter(family: Family, from: PeerId, to: number): FacetsId | undefined {
    if (from === NO_PEER || (this.#peers[family][to] ?? NO_PEER) === NO_PEER) return undefined;
    const { allowAll } = this.found.effects;
    const ingress = this.#spread.ingress[family][this.#ingress[to] ?? 0] ?? 0;
    return this.#matters(allowAll, ingress) ? this.composer.compose(allowAll, ingress) : NOTHING;
  }

  #matters(egress: EffectId, ingress: EffectId): boolean {
    const { changes } = this.#spread;
    return this.everything || changes[egress] === 1 || changes[ingress] === 1;
  }
}
