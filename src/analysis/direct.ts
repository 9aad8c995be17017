/** Direct connections: between pods, and between pods and addresses, as a grid of labels. */
import type { Family } from '../address.js';
import { FLAVOURS, type Flavour } from '../codegen/layout.js';
import { bug } from '../diagnostics.js';
import type { AddressSpace } from './address-space.js';
import type { Composer, FacetsId } from './compose.js';
import { NOTHING } from './compose.js';
import type { EffectId } from './effects.js';
import type { Ends, PeerGroup, PeerId, PodGroup, ViewEffects } from './ends.js';
import type { Grid, LabelTable } from './rectangles.js';

/** An end of a direct connection: pods alike, or addresses alike that no pod holds. */
export type DirectEnd =
  | { readonly kind: 'pods'; readonly group: PodGroup }
  | {
      readonly kind: 'addresses';
      readonly peer: PeerGroup;
      readonly families: ReadonlySet<Family>;
    };

export interface DirectEnds {
  /** Pod groups first. Sources and destinations are the same. */
  readonly ends: readonly DirectEnd[];
  readonly grid: Grid;
}

const FAMILIES = [4, 6] as const;

/** @param everything whether connections whose sides do not change are of interest */
export function directConnections(
  found: Ends,
  space: AddressSpace,
  composer: Composer,
  labels: LabelTable,
  everything: boolean,
): DirectEnds {
  const addresses = found.peers.flatMap((peer): DirectEnd[] => {
    if (peer.flavour === 'pod') return [];
    const families = space.families(peer.classes);
    return families.size === 0 ? [] : [{ kind: 'addresses', peer, families }];
  });
  const pods = found.pods.map((group): DirectEnd => ({ kind: 'pods', group }));
  const ends = [...pods, ...addresses];
  const filler = new RowFiller(found, ends, composer, labels, everything);
  return {
    ends,
    grid: {
      sources: ends.length,
      destinations: ends.length,
      fill: (source, row) => filler.fill(source, row),
    },
  };
}

class RowFiller {
  readonly #flavours: readonly Flavour[];
  /** For each peer, the ingress views that except it. */
  readonly #ingressExceptions = new Map<PeerId, (readonly [view: number, effect: EffectId])[]>();
  /** For each flavour, what the ingress views do to it. */
  readonly #ingressDefaults: ReadonlyMap<Flavour, Int32Array>;
  /** Peers from which some ingress view's verdicts change. */
  readonly #changing: readonly boolean[];
  readonly #egress: Int32Array;
  readonly #ingress: Readonly<Record<Family, Int32Array>>;

  constructor(
    private readonly found: Ends,
    private readonly ends: readonly DirectEnd[],
    private readonly composer: Composer,
    private readonly labels: LabelTable,
    private readonly everything: boolean,
  ) {
    const { views, peers } = found;
    this.#flavours = peers.map(({ flavour }) => flavour);
    this.#ingressDefaults = new Map(
      FLAVOURS.map((flavour) => [
        flavour,
        Int32Array.from(views.ingress, ({ defaults }) => defaults.get(flavour) ?? 0),
      ]),
    );
    for (const [view, { exceptions }] of views.ingress.entries()) {
      for (const [peer, effect] of exceptions) {
        const list = this.#ingressExceptions.get(peer);
        if (list === undefined) this.#ingressExceptions.set(peer, [[view, effect]]);
        else list.push([view, effect]);
      }
    }
    this.#changing = peers.map(({ id, flavour }) => {
      const usual = this.#ingressDefaults.get(flavour) ?? [];
      const special = (this.#ingressExceptions.get(id) ?? []).map(([, effect]) => effect);
      return [...usual, ...special].some((effect) => found.effects.effect(effect).changes);
    });
    this.#egress = new Int32Array(peers.length);
    this.#ingress = {
      4: new Int32Array(views.ingress.length),
      6: new Int32Array(views.ingress.length),
    };
  }

  fill(source: number, row: Int32Array): boolean {
    const from = this.ends[source] ?? bug(`no end ${source}`);
    return from.kind === 'pods' ? this.#fromPods(from.group, row) : this.#fromPeer(from, row);
  }

  #fromPods(group: PodGroup, row: Int32Array): boolean {
    const view = this.found.views.egress[group.egress] ?? bug(`no view ${group.egress}`);
    const mayChange =
      view.changes || [...group.peers.values()].some((peer) => this.#changing[peer] === true);
    if (!this.everything && !mayChange) return false;
    this.#spreadEgress(view);
    for (const [family, peer] of group.peers) this.#spreadIngress(family, peer);
    let any = 0;
    for (const [i, to] of this.ends.entries()) {
      const label =
        to.kind === 'pods'
          ? this.labels.idOf(this.#meet(group, to.group, 4), this.#meet(group, to.group, 6))
          : this.#leave(group, to);
      row[i] = label;
      any |= label;
    }
    return any !== NOTHING;
  }

  /** What holds between pods of both groups; undefined where one of them lacks the family. */
  #meet(from: PodGroup, to: PodGroup, family: Family): FacetsId | undefined {
    const remote = to.peers.get(family);
    if (remote === undefined || !from.peers.has(family)) return undefined;
    return this.composer.compose(this.#egress[remote] ?? 0, this.#ingress[family][to.ingress] ?? 0);
  }

  #leave(from: PodGroup, { peer, families }: Extract<DirectEnd, { kind: 'addresses' }>): number {
    if (!FAMILIES.some((family) => families.has(family) && from.peers.has(family))) return NOTHING;
    const facets = this.composer.compose(this.#egress[peer.id] ?? 0, this.found.effects.allowAll);
    return this.labels.idOf(facets, facets);
  }

  #fromPeer(
    { peer, families }: Extract<DirectEnd, { kind: 'addresses' }>,
    row: Int32Array,
  ): boolean {
    if (!this.everything && this.#changing[peer.id] !== true) return false;
    this.#spreadIngress(4, peer.id);
    let any = 0;
    for (const [i, to] of this.ends.entries()) {
      let label = NOTHING;
      if (to.kind === 'pods' && [...to.group.peers.keys()].some((one) => families.has(one))) {
        const facets = this.composer.compose(
          this.found.effects.allowAll,
          this.#ingress[4][to.group.ingress] ?? 0,
        );
        label = this.labels.idOf(facets, facets);
      }
      row[i] = label;
      any |= label;
    }
    return any !== NOTHING;
  }

  #spreadEgress({ defaults, exceptions }: ViewEffects): void {
    for (const [peer, flavour] of this.#flavours.entries()) {
      this.#egress[peer] = defaults.get(flavour) ?? 0;
    }
    for (const [peer, effect] of exceptions) this.#egress[peer] = effect;
  }

  #spreadIngress(family: Family, peer: PeerId): void {
    const effects = this.#ingress[family];
    const usual = this.#ingressDefaults.get(this.#flavours[peer] ?? 'outside');
    if (usual !== undefined) effects.set(usual);
    for (const [view, effect] of this.#ingressExceptions.get(peer) ?? []) effects[view] = effect;
  }
}
