/** Compose: what both sides of a connection make of it together, before and after. */
import { PORT_INDEX } from '../codegen/layout.js';
import { isAllowed, type Effect, type EffectId, type EffectTable } from './effects.js';
import { portSetKey, unitePorts, type PortInterval, type PortSet } from './port-set.js';

/** What is said of a connection: its verdict changed, or it is allowed. */
export type Tag = 'widened' | 'narrowed' | 'allowed';

/** Cells that decided, of a side whose verdict differs before and after. */
export type CellChange = readonly [was: number, is: number];

/** One reason for a change: what changed at the source, at the destination, or at both. */
export interface Cause {
  readonly key: string;
  readonly ports: PortSet;
}

/** Ports of one tag, and who caused what of them. */
export interface Facet {
  readonly tag: Tag;
  readonly ports: PortSet;
  readonly causes: readonly Cause[];
}

/** What an analysis asks about a connection whose sides have these effects. */
export type Question = (egress: Effect, ingress: Effect) => readonly Facet[];

/** Which ports go from denied to allowed, and which from allowed to denied. */
export const whatChanges: Question = (egress, ingress) => {
  if (!egress.changes && !ingress.changes) return [];
  const drafts = new Map<Tag, Map<string, PortInterval[]>>();
  for (const [first, last, i, j] of segmentsOf(egress, ingress)) {
    const out = [egress.was[i] ?? 0, egress.is[i] ?? 0] as const;
    const into = [ingress.was[j] ?? 0, ingress.is[j] ?? 0] as const;
    const was = isAllowed(out[0]) && isAllowed(into[0]);
    const is = isAllowed(out[1]) && isAllowed(into[1]);
    if (was === is) continue;
    const tag = is ? 'widened' : 'narrowed';
    const causes = drafts.get(tag) ?? new Map<string, PortInterval[]>();
    drafts.set(tag, causes);
    const key = causeKey(out, into);
    const intervals = causes.get(key);
    if (intervals === undefined) causes.set(key, [[first, last]]);
    else intervals.push([first, last]);
  }
  return [...drafts].map(([tag, causes]) => facetOf(tag, causes));
};

/** Which ports are allowed. */
export const whatIsAllowed: Question = (egress, ingress) => {
  const open: PortInterval[] = [];
  for (const [first, last, i, j] of segmentsOf(egress, ingress)) {
    if (isAllowed(egress.is[i] ?? 0) && isAllowed(ingress.is[j] ?? 0)) open.push([first, last]);
  }
  return open.length === 0 ? [] : [facetOf('allowed', new Map([['', open]]))];
};

export function facetOf(tag: Tag, causes: ReadonlyMap<string, readonly PortInterval[]>): Facet {
  const united = [...causes].map(([key, intervals]) => ({ key, ports: unitePorts([intervals]) }));
  return { tag, ports: unitePorts(united.map(({ ports }) => ports)), causes: united };
}

/** Sides whose verdict stays the same are left out. */
export function causeKey(egress: CellChange | undefined, ingress: CellChange | undefined): string {
  return `${sideKey(egress)}|${sideKey(ingress)}`;
}

function sideKey(change: CellChange | undefined): string {
  if (change === undefined || isAllowed(change[0]) === isAllowed(change[1])) return '';
  return change.join('>');
}

/** The common segments of two effects: first and last port index, and the positions in both. */
function* segmentsOf(
  a: Effect,
  b: Effect,
): Generator<readonly [first: number, last: number, i: number, j: number]> {
  for (let i = 0, j = 0; ;) {
    const first = Math.max(a.starts[i] ?? 0, b.starts[j] ?? 0);
    const nextA = a.starts[i + 1] ?? Infinity;
    const nextB = b.starts[j + 1] ?? Infinity;
    const next = Math.min(nextA, nextB);
    if (next === Infinity) {
      yield [first, PORT_INDEX.other, i, j];
      return;
    }
    yield [first, next - 1, i, j];
    if (nextA === next) i += 1;
    if (nextB === next) j += 1;
  }
}

export type FacetsId = number;
/** No facet: there is nothing to say. */
export const NOTHING: FacetsId = 0;

/** Up to so many effects, what pairs of them make is remembered in a table. */
const DENSE_EFFECTS = 2048;

/** Numbers lists of facets, and remembers what pairs of effects make. */
export class Composer {
  readonly lists: (readonly Facet[])[] = [[]];
  readonly #ids = new Map<string, FacetsId>([['', NOTHING]]);
  readonly #dense: Int32Array;
  readonly #width: number;
  readonly #sparse = new Map<number, FacetsId>();

  constructor(
    private readonly effects: EffectTable,
    private readonly ask: Question,
  ) {
    this.#width = Math.min(effects.effects.length, DENSE_EFFECTS);
    this.#dense = new Int32Array(this.#width * this.#width).fill(-1);
  }

  compose(egress: EffectId, ingress: EffectId): FacetsId {
    if (egress < this.#width && ingress < this.#width) {
      const at = egress * this.#width + ingress;
      const known = this.#dense[at] ?? -1;
      if (known >= 0) return known;
      const id = this.#ask(egress, ingress);
      this.#dense[at] = id;
      return id;
    }
    const key = egress * 2 ** 26 + ingress;
    let id = this.#sparse.get(key);
    if (id === undefined) {
      id = this.#ask(egress, ingress);
      this.#sparse.set(key, id);
    }
    return id;
  }

  #ask(egress: EffectId, ingress: EffectId): FacetsId {
    return this.intern(this.ask(this.effects.effect(egress), this.effects.effect(ingress)));
  }

  intern(facets: readonly Facet[]): FacetsId {
    const key = facets
      .map(({ tag, causes }) =>
        [tag, ...causes.map((one) => `${one.key} ${portSetKey(one.ports)}`)].join('/'),
      )
      .join(';');
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.lists.length;
      this.lists.push(facets);
      this.#ids.set(key, id);
    }
    return id;
  }
}
