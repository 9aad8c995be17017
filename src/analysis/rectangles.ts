/** Rectangles: a relation of sources and destinations, said as few products of sets. */
import { bug } from '../diagnostics.js';
import type { Family } from '../address.js';
import { portSetKey } from './port-set.js';
import { Distinct } from './distinct.js';
import type { Composer, Facet, FacetsId } from './compose.js';
import { NOTHING } from './compose.js';

export type LabelId = number;

/** What holds between two ends; a family is told where the two differ. */
export interface LabelledFacet extends Facet {
  readonly family?: Family;
}

/** Numbers what holds between two ends in both families. */
export class LabelTable {
  readonly labels: (readonly LabelledFacet[])[] = [[]];
  readonly #ids = new Map<number, LabelId>();

  constructor(private readonly composer: Composer) {}

  /** @param six undefined where the ends do not share the family */
  idOf(four: FacetsId | undefined, six: FacetsId | undefined): LabelId {
    if ((four ?? NOTHING) === NOTHING && (six ?? NOTHING) === NOTHING) return NOTHING;
    const key = ((four ?? -1) + 1) * 2 ** 26 + (six ?? -1) + 1;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.labels.length;
      this.labels.push(this.#label(four, six));
      this.#ids.set(key, id);
    }
    return id;
  }

  #label(four: FacetsId | undefined, six: FacetsId | undefined): readonly LabelledFacet[] {
    const facetsOf = (id: FacetsId): readonly Facet[] =>
      this.composer.lists[id] ?? bug(`no facets ${id}`);
    if (four === undefined || six === undefined || four === six) {
      return facetsOf(four ?? six ?? NOTHING);
    }
    return [
      ...facetsOf(four).map((facet) => ({ ...facet, family: 4 as const })),
      ...facetsOf(six).map((facet) => ({ ...facet, family: 6 as const })),
    ];
  }
}

/** The destinations of one source about which there is something to say, ascending. */
export interface GridRow {
  readonly destinations: Int32Array;
  readonly labels: Int32Array;
}

/** Ends by number. */
export interface Grid {
  readonly sources: number;
  readonly destinations: number;
  readonly rowOf: (source: number) => GridRow | undefined;
}

/** Every source of it with every destination of it. */
export interface Rectangle<Pair> {
  readonly facet: LabelledFacet;
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
  /** The facet as some pairs have it, with their own causes, and one of the pairs. */
  readonly blocks: readonly { readonly facet: LabelledFacet; readonly pair: Pair }[];
}

/** A pair of ends as a witness; undefined where no packet goes between them. */
export type PairOf<Pair> = (
  source: number,
  destination: number,
  family: Family | undefined,
) => Pair | undefined;

export function findRectangles<Pair>(
  grid: Grid,
  table: LabelTable,
  pairOf: PairOf<Pair>,
): readonly Rectangle<Pair>[] {
  const rows = new Map<number, GridRow>();
  const relations = new RelationTable(table);
  for (let source = 0; source < grid.sources; source += 1) {
    const row = grid.rowOf(source);
    if (row === undefined) continue;
    rows.set(source, row);
    relations.add(source, row);
  }
  return relations.all.flatMap((relation) =>
    coverRelation(relation, grid.destinations).map(({ sources, destinations }) => {
      const blocks = findBlocks(relation, sources, destinations, rows, pairOf);
      return { facet: relation.facet, sources, destinations, blocks };
    }),
  );
}

/** The pairs for which one tag holds on one set of ports. */
interface Relation {
  readonly facet: LabelledFacet;
  /** By label: the facet with its own causes. */
  readonly facets: ReadonlyMap<LabelId, LabelledFacet>;
  readonly distinct: Distinct;
  /** Sources with the same destinations. */
  readonly bands: { readonly sources: number[]; readonly destinations: Int32Array }[];
}

class RelationTable {
  readonly all: (Relation & { readonly facets: Map<LabelId, LabelledFacet> })[] = [];
  readonly #byKey = new Map<string, number>();
  readonly #ofLabel = new Map<LabelId, readonly number[]>();

  constructor(private readonly table: LabelTable) {}

  add(source: number, { destinations, labels }: GridRow): void {
    const found = new Map<number, number[]>();
    for (let i = 0; i < labels.length; i += 1) {
      for (const relation of this.#relationsOf(labels[i] ?? NOTHING)) {
        const list = found.get(relation);
        if (list === undefined) found.set(relation, [destinations[i] ?? 0]);
        else list.push(destinations[i] ?? 0);
      }
    }
    for (const [relation, list] of found) {
      const { distinct, bands } = this.all[relation] ?? bug(`no relation ${relation}`);
      const places = Int32Array.from(list);
      const id = distinct.idOf([places]);
      const band = bands[id];
      if (band === undefined) bands.push({ sources: [source], destinations: places });
      else band.sources.push(source);
    }
  }

  #relationsOf(label: LabelId): readonly number[] {
    let ids = this.#ofLabel.get(label);
    if (ids === undefined) {
      ids = (this.table.labels[label] ?? []).map((facet) => {
        const key = `${facet.tag} ${facet.family ?? ''} ${portSetKey(facet.ports)}`;
        let id = this.#byKey.get(key);
        if (id === undefined) {
          id = this.all.length;
          this.#byKey.set(key, id);
          this.all.push({ facet, facets: new Map(), distinct: new Distinct(), bands: [] });
        }
        this.all[id]?.facets.set(label, facet);
        return id;
      });
      this.#ofLabel.set(label, ids);
    }
    return ids;
  }
}

interface Product {
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
}

/** Sources with the same destinations together, or destinations with the same sources: what is shorter. */
function coverRelation({ bands }: Relation, count: number): readonly Product[] {
  const columns = new Map<number, number[]>();
  for (const [i, { destinations }] of bands.entries()) {
    for (const destination of destinations) {
      const list = columns.get(destination);
      if (list === undefined) columns.set(destination, [i]);
      else list.push(i);
    }
  }
  const distinct = new Distinct();
  const byColumn: { readonly destinations: number[]; readonly bands: readonly number[] }[] = [];
  for (let destination = 0; destination < count; destination += 1) {
    const column = columns.get(destination);
    if (column === undefined) continue;
    const known = byColumn[distinct.idOf([Int32Array.from(column)])];
    if (known === undefined) byColumn.push({ destinations: [destination], bands: column });
    else known.destinations.push(destination);
  }
  if (bands.length <= byColumn.length) {
    return bands.map(({ sources, destinations }) => ({ sources, destinations: [...destinations] }));
  }
  return byColumn.map(({ destinations, bands: members }) => ({
    sources: members.flatMap((i) => bands[i]?.sources ?? []).sort((a, b) => a - b),
    destinations,
  }));
}

/** One pair for each label in the product; labels that no packet bears are left out. */
function findBlocks<Pair>(
  { facets }: Relation,
  sources: readonly number[],
  destinations: readonly number[],
  rows: ReadonlyMap<number, GridRow>,
  pairOf: PairOf<Pair>,
): Rectangle<Pair>['blocks'] {
  const found = new Map<LabelId, Pair>();
  for (const source of sources) {
    const row = rows.get(source) ?? bug(`no row ${source}`);
    let at = 0;
    for (const destination of destinations) {
      while ((row.destinations[at] ?? Infinity) < destination) at += 1;
      const label = row.labels[at] ?? NOTHING;
      if (found.has(label)) continue;
      const pair = pairOf(source, destination, facets.get(label)?.family);
      if (pair !== undefined) found.set(label, pair);
    }
  }
  return [...found].map(([label, pair]) => ({
    facet: facets.get(label) ?? bug(`no facet of label ${label}`),
    pair,
  }));
}
