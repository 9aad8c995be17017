/** Rectangles: a relation of sources and destinations, said as few products of sets. */
import { bug } from '../diagnostics.js';
import type { Family } from '../address.js';
import { portSetKey } from './port-set.js';
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
  readonly #ids = new Map<string, LabelId>();

  constructor(private readonly composer: Composer) {}

  /** @param six undefined where the ends do not share the family */
  idOf(four: FacetsId | undefined, six: FacetsId | undefined): LabelId {
    if ((four ?? NOTHING) === NOTHING && (six ?? NOTHING) === NOTHING) return NOTHING;
    const key = `${four ?? '-'} ${six ?? '-'}`;
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

/** Ends by number. `fill` writes the label of every pair of the source into the row. */
export interface Grid {
  readonly sources: number;
  readonly destinations: number;
  /** @returns whether there is anything in the row */
  readonly fill: (source: number, row: Int32Array) => boolean;
}

/** Every source of it with every destination of it. */
export interface Rectangle {
  readonly facet: LabelledFacet;
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
  /** For each label in it, pairs that bear it: some of the sources with some of the destinations. */
  readonly blocks: readonly Block[];
}

export interface Block {
  /** The facet as these pairs have it, with their own causes. */
  readonly facet: LabelledFacet;
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
}

/** Rows that are equal, or columns. */
interface Band {
  readonly members: number[];
  readonly labels: Int32Array;
}

export function findRectangles(grid: Grid, table: LabelTable): readonly Rectangle[] {
  const rows = distinctRows(grid);
  const columns = distinctColumns(grid.destinations, rows);
  const relations = new Map<string, Relation>();
  for (const [r, row] of rows.entries()) {
    for (const [c, column] of columns.entries()) {
      const label = row.labels[column.members[0] ?? 0] ?? NOTHING;
      for (const facet of table.labels[label] ?? []) {
        const key = `${facet.tag} ${facet.family ?? ''} ${portSetKey(facet.ports)}`;
        let relation = relations.get(key);
        if (relation === undefined) {
          relation = { facet, cells: new Map() };
          relations.set(key, relation);
        }
        relation.cells.set(r * columns.length + c, facet);
      }
    }
  }
  return [...relations.values()].flatMap((relation) => coverRelation(relation, rows, columns));
}

/** The pairs of bands for which one tag and one set of ports hold. */
interface Relation {
  readonly facet: LabelledFacet;
  readonly cells: Map<number, LabelledFacet>;
}

function distinctRows(grid: Grid): readonly Band[] {
  const bands = new BandSet();
  const row = new Int32Array(grid.destinations);
  for (let source = 0; source < grid.sources; source += 1) {
    if (grid.fill(source, row)) bands.add(source, row);
  }
  return bands.bands;
}

function distinctColumns(count: number, rows: readonly Band[]): readonly Band[] {
  const bands = new BandSet();
  const column = new Int32Array(rows.length);
  for (let destination = 0; destination < count; destination += 1) {
    let any = 0;
    for (const [r, { labels }] of rows.entries()) {
      const label = labels[destination] ?? NOTHING;
      column[r] = label;
      any |= label;
    }
    if (any !== NOTHING) bands.add(destination, column);
  }
  return bands.bands;
}

/** Equal arrays once; compared whole where their hashes are equal. */
class BandSet {
  readonly bands: Band[] = [];
  readonly #byHash = new Map<number, Band[]>();

  add(member: number, labels: Int32Array): void {
    const hash = hashOf(labels);
    const candidates = this.#byHash.get(hash) ?? [];
    const known = candidates.find((band) => sameLabels(band.labels, labels));
    if (known !== undefined) {
      known.members.push(member);
      return;
    }
    const band: Band = { members: [member], labels: labels.slice() };
    this.bands.push(band);
    candidates.push(band);
    this.#byHash.set(hash, candidates);
  }
}

/** FNV-1a over whole numbers. */
function hashOf(labels: Int32Array): number {
  let hash = 0x811c9dc5;
  for (const label of labels) hash = Math.imul(hash ^ label, 0x01000193);
  return hash;
}

function sameLabels(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** Rows with the same columns together, or columns with the same rows: whichever says it shorter. */
function coverRelation(
  { facet, cells }: Relation,
  rows: readonly Band[],
  columns: readonly Band[],
): readonly Rectangle[] {
  const width = columns.length;
  const byRow = groupLines(cells.keys(), (cell) => [Math.floor(cell / width), cell % width]);
  const byColumn = groupLines(cells.keys(), (cell) => [cell % width, Math.floor(cell / width)]);
  const products =
    byRow.length <= byColumn.length
      ? byRow.map(({ lines, across }) => ({ rows: lines, columns: across }))
      : byColumn.map(({ lines, across }) => ({ rows: across, columns: lines }));
  return products.map((product) => ({
    facet,
    sources: product.rows.flatMap((r) => rows[r]?.members ?? []),
    destinations: product.columns.flatMap((c) => columns[c]?.members ?? []),
    blocks: product.rows.flatMap((r) =>
      product.columns.map((c): Block => {
        return {
          facet: cells.get(r * width + c) ?? bug('a rectangle reaches beyond its relation'),
          sources: rows[r]?.members ?? [],
          destinations: columns[c]?.members ?? [],
        };
      }),
    ),
  }));
}

interface Product {
  readonly lines: readonly number[];
  readonly across: readonly number[];
}

function groupLines(
  cells: Iterable<number>,
  placeOf: (cell: number) => readonly [line: number, across: number],
): readonly Product[] {
  const lines = new Map<number, number[]>();
  for (const cell of cells) {
    const [line, across] = placeOf(cell);
    const list = lines.get(line);
    if (list === undefined) lines.set(line, [across]);
    else list.push(across);
  }
  const products = new Map<string, { lines: number[]; across: readonly number[] }>();
  for (const [line, across] of lines) {
    const sorted = across.sort((a, b) => a - b);
    const key = sorted.join();
    const product = products.get(key);
    if (product === undefined) products.set(key, { lines: [line], across: sorted });
    else product.lines.push(line);
  }
  return [...products.values()];
}
