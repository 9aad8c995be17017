/** Spread: the effects on one source after the other, laid out so that looking one up costs nothing. */
import type { Family } from '../address.js';
import { FLAVOURS } from '../codegen/layout.js';
import { bug } from '../diagnostics.js';
import { flavourIndex } from './class-matches.js';
import type { Ends, PeerId, ViewId } from './ends.js';

/** What views do to peer groups, laid out for one source after the other. */
export class EffectSpread {
  /** By peer: what the source's egress policies do to it. */
  readonly egress: Int32Array;
  /** By ingress view: what it does to the source, in each family. */
  readonly ingress: Readonly<Record<Family, Int32Array>>;
  readonly #found: Ends;
  readonly #ingressDefaults: readonly Int32Array[];
  readonly #flavours: Uint8Array;
  /** By effect: whether a verdict differs before and after. */
  readonly changes: Uint8Array;
  readonly #changing: Uint8Array;

  constructor(found: Ends) {
    const { views, peers, effects } = found;
    this.#found = found;
    this.changes = Uint8Array.from(effects.effects, (one) => Number(one.changes));
    this.egress = new Int32Array(peers.length);
    this.ingress = {
      4: new Int32Array(views.ingress.length),
      6: new Int32Array(views.ingress.length),
    };
    this.#flavours = Uint8Array.from(peers, ({ flavour }) => flavourIndex(flavour));
    this.#ingressDefaults = FLAVOURS.map((_, flavour) =>
      Int32Array.from(views.ingress, ({ defaults }) => defaults[flavour] ?? 0),
    );
    this.#changing = this.#findChanging();
  }

  #findChanging(): Uint8Array {
    const { views, peers, peerOfClass } = this.#found;
    const changing = new Uint8Array(peers.length);
    const flavours = new Set<number>();
    for (const { defaults, classes, effects, changes } of views.ingress) {
      if (!changes) continue;
      for (const [flavour, effect] of defaults.entries()) {
        if (this.changes[effect] === 1) flavours.add(flavour);
      }
      for (let i = 0; i < classes.length; i += 1) {
        if (this.changes[effects[i] ?? 0] === 1) changing[peerOfClass[classes[i] ?? 0] ?? 0] = 1;
      }
    }
    for (const { id } of peers) if (flavours.has(this.#flavours[id] ?? 0)) changing[id] = 1;
    return changing;
  }

  /** Whether any pod's ingress policies may change towards the peer. */
  isChanging(peer: PeerId): boolean {
    return this.#changing[peer] === 1;
  }

  spreadEgress(view: ViewId): void {
    const effects = this.#found.views.egress[view] ?? bug(`no view ${view}`);
    for (let peer = 0; peer < this.egress.length; peer += 1) {
      this.egress[peer] = effects.defaults[this.#flavours[peer] ?? 0] ?? 0;
    }
    for (let i = 0; i < effects.classes.length; i += 1) {
      const peer = this.#found.peerOfClass[effects.classes[i] ?? 0] ?? 0;
      this.egress[peer] = effects.effects[i] ?? 0;
    }
  }

  spreadIngress(family: Family, peer: PeerId): void {
    const spread = this.ingress[family];
    spread.set(this.#ingressDefaults[this.#flavours[peer] ?? 0] ?? []);
    const [one] = this.#found.peers[peer]?.classes ?? [];
    if (one === undefined) return;
    const { starts, views, effects } = this.#found.ingressExceptions;
    for (let at = starts[one.id] ?? 0; at < (starts[one.id + 1] ?? 0); at += 1) {
      spread[views[at] ?? 0] = effects[at] ?? 0;
    }
  }
}
