/** Search: the connections between two groups, by classes of ends and never by pairs of pods. */
import type { Family } from '../../address.js';
import type { AddressClass } from '../../codegen/bind/classes.js';
import { PORT_INDEX } from '../../codegen/layout.js';
import type { ContainerPort } from '../../ir/cluster.js';
import { Composer, whatIsAllowed } from '../compose.js';
import { findEnds, type Ends, type PeerId, type ViewId } from '../ends.js';
import type { PortSet } from '../port-set.js';
import { EffectSpread } from '../spread.js';
import type { PlacedPod, Universe } from '../universe.js';
import type { Holding, Membership } from './membership.js';

/** An end, as the search was given it. */
export type Member =
  | { readonly kind: 'pod'; readonly pod: PlacedPod }
  | { readonly kind: 'address'; readonly one: AddressClass; readonly holding: Holding };

/** Whether policies judge what the first sends to the second, or it is the second one's own node. */
export type Meeting = 'judged' | 'own-node' | 'none';

/** Where ends are looked for: one cluster, or all that there can be. */
export interface Field {
  readonly universe: Universe;
  readonly families: readonly Family[];
  /** Whether the class has addresses of the family. */
  readonly hasFamily: (one: AddressClass, family: Family) => boolean;
  readonly meet: (from: Member, to: Member) => Meeting;
}

/** Two ends, and the ports that are allowed between them, of those that are asked about. */
export interface FoundPair {
  readonly family: Family;
  readonly from: Member;
  readonly to: Member;
  readonly asked: PortSet;
  readonly allowed: PortSet;
  readonly ownNode: boolean;
}

const EVERY_PORT: PortSet = [[0, PORT_INDEX.other]];

interface Side {
  /** The view of the side's own direction; none for addresses. */
  readonly view: ViewId | undefined;
  readonly peer: PeerId;
  readonly members: readonly Member[];
}

export class Search {
  readonly #ends: Ends;
  readonly #composer: Composer;
  readonly #spread: EffectSpread;

  constructor(readonly field: Field) {
    this.#ends = findEnds(field.universe);
    this.#composer = new Composer(this.#ends.effects, whatIsAllowed);
    this.#spread = new EffectSpread(this.#ends);
  }

  get ends(): Ends {
    return this.#ends;
  }

  get spread(): EffectSpread {
    return this.#spread;
  }

  get composer(): Composer {
    return this.#composer;
  }

  /** Whether the group holds anybody. */
  holdsAny(membership: Membership): boolean {
    return this.field.families.some(
      (family) => this.#sides(membership, family, 'egress').length > 0,
    );
  }

  /**
   * Pairs of members, one for each two classes of ends.
   *
   * @param askedAt the ports that are asked about, at a destination with such named ports
   */
  *pairs(
    from: Membership,
    to: Membership,
    askedAt: (ports: readonly ContainerPort[]) => PortSet,
  ): Generator<FoundPair> {
    for (const family of this.field.families) {
      const sources = this.#sides(from, family, 'egress');
      const targets = this.#sides(to, family, 'ingress').flatMap((side) =>
        splitByPorts(side, askedAt),
      );
      for (const source of sources) {
        if (source.view !== undefined) this.#spread.spreadEgress(source.view);
        this.#spread.spreadIngress(family, source.peer);
        for (const { side: target, asked } of targets) {
          if (source.view === undefined && target.view === undefined) continue;
          const base = { family, asked };
          const judged = this.#findPair(source, target, 'judged');
          if (judged !== undefined) {
            const allowed = this.#allowed(source, target, family);
            yield { ...base, ...judged, allowed, ownNode: false };
          }
          if (source.view !== undefined) continue;
          const own = this.#findPair(source, target, 'own-node');
          if (own !== undefined) yield { ...base, ...own, allowed: EVERY_PORT, ownNode: true };
        }
      }
    }
  }

  #allowed(source: Side, target: Side, family: Family): PortSet {
    const { allowAll } = this.#ends.effects;
    const egress =
      source.view === undefined ? allowAll : (this.#spread.egress[target.peer] ?? allowAll);
    const ingress =
      target.view === undefined
        ? allowAll
        : (this.#spread.ingress[family][target.view] ?? allowAll);
    const [facet] = this.#composer.lists[this.#composer.compose(egress, ingress)] ?? [];
    return facet?.ports ?? [];
  }

  #findPair(
    source: Side,
    target: Side,
    wanted: Meeting,
  ): { readonly from: Member; readonly to: Member } | undefined {
    for (const from of source.members) {
      const to = target.members.find((one) => this.field.meet(from, one) === wanted);
      if (to !== undefined) return { from, to };
    }
    return undefined;
  }

  #sides(membership: Membership, family: Family, direction: 'egress' | 'ingress'): readonly Side[] {
    const pods = this.#ends.pods.flatMap((group): readonly Side[] => {
      const peer = group.peers.get(family);
      if (peer === undefined) return [];
      const members = group.pods
        .filter(({ classes }) => {
          const one = classes.get(family);
          return one !== undefined && membership(one) === 'all';
        })
        .map((pod): Member => ({ kind: 'pod', pod }));
      return members.length === 0 ? [] : [{ view: group[direction], peer, members }];
    });
    const addresses = this.#ends.peers.flatMap(({ id, flavour, classes }): readonly Side[] => {
      if (flavour === 'pod') return [];
      const members = classes.flatMap((one): readonly Member[] => {
        const holding = membership(one);
        if (holding === 'none' || !this.field.hasFamily(one, family)) return [];
        return [{ kind: 'address', one, holding }];
      });
      return members.length === 0 ? [] : [{ view: undefined, peer: id, members }];
    });
    return [...pods, ...addresses];
  }
}

/** Pods give names to ports of their own, whether rules speak of them or not. */
function splitByPorts(
  side: Side,
  askedAt: (ports: readonly ContainerPort[]) => PortSet,
): readonly { readonly side: Side; readonly asked: PortSet }[] {
  const parts = new Map<string, { readonly asked: PortSet; readonly members: Member[] }>();
  for (const member of side.members) {
    const asked = askedAt(member.kind === 'pod' ? member.pod.pod.ports : []);
    if (asked.length === 0) continue;
    const key = asked.join(';');
    const part = parts.get(key);
    if (part === undefined) parts.set(key, { asked, members: [member] });
    else part.members.push(member);
  }
  return [...parts.values()].map(({ asked, members }) => ({ side: { ...side, members }, asked }));
}
