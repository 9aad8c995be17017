/** Row images: for each subject's pair of views, the row of every address class, as bytes. */
import type { Direction } from '../../ir/model.js';
import type { AddressClass, AddressClasses, ClassId } from './classes.js';
import { boundMap, table } from './images.js';
import { allowedGroups, type AllowedGroups } from './ports.js';
import type { RowTable, ViewRows } from './rows.js';
import type { ShapedRow } from './shapes.js';
import type { SubjectView } from './views.js';
import {
  arrayCandidate,
  hashCandidate,
  withinTable,
  type TableCandidates,
} from '../layout/choose-layouts.js';
import type { BoundMap, BoundTable } from '../contents.js';
import {
  CLOSED_ASPECT,
  FLAVOUR_STRIDE,
  FLAVOURS,
  MAPS,
  ROW_ASPECT_SHIFT,
  ROW_BYTES,
  TABLES,
} from '../layout.js';

export type ViewPair = Readonly<Record<Direction, ViewRows>>;

/** Pairs of views; subjects with the same pair share their rows. */
export class RowSets {
  readonly sets: ViewPair[] = [];
  readonly #ids = new Map<string, number>();

  constructor(private readonly rows: RowTable) {}

  idOf({ ingress, egress }: Readonly<Record<Direction, SubjectView>>): number {
    const key = `${ingress.key} ${egress.key}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.sets.length;
      this.#ids.set(key, id);
      this.sets.push({ ingress: this.rows.rowsOf(ingress), egress: this.rows.rowsOf(egress) });
    }
    return id;
  }
}

const NO_ROW: ShapedRow = { shape: 0, decider: 0 };
const UNKNOWN: AllowedGroups = { all: 0, none: 0 };

/** A row of a hash: port rows of one class, by the number of (row set, direction). */
interface Exception {
  readonly number: number;
  readonly classId: number;
  readonly row: number;
  readonly opposite: number;
}

export function rowOf({ exceptions, defaults }: ViewRows, { id, flavour }: AddressClass): number {
  return exceptions.get(id) ?? defaults.get(flavour) ?? 0;
}

export interface RowImages {
  readonly dense: boolean;
  readonly rows: BoundTable;
  readonly defaults: BoundTable;
  readonly map: BoundMap;
}

/** What the two layouts of rows take. */
export function rowCandidates(
  { sets }: RowSets,
  { classes }: AddressClasses,
  maxTableBytes: number,
): TableCandidates {
  const bytes = ROW_BYTES * 2 * sets.length * classes.length;
  const count = sets.reduce((sum, set) => sum + 2 * countExceptions(set), 0);
  const defaults = ROW_BYTES * 2 * sets.length * FLAVOUR_STRIDE;
  return {
    table: 'rows',
    candidates: [
      withinTable(arrayCandidate(bytes), maxTableBytes),
      hashCandidate(MAPS.rowsHash, count, defaults),
    ],
  };
}

/** Classes whose row is not the flavour's, in either direction. */
function exceptionsOf({ ingress, egress }: ViewPair): ReadonlySet<ClassId> {
  return new Set([...ingress.exceptions.keys(), ...egress.exceptions.keys()]);
}

function countExceptions({ ingress, egress }: ViewPair): number {
  let count = ingress.exceptions.size;
  for (const id of egress.exceptions.keys()) if (!ingress.exceptions.has(id)) count += 1;
  return count;
}

/** The port row of every class. */
function rowOfEach(
  { defaults, exceptions }: ViewRows,
  classes: readonly AddressClass[],
): Uint32Array {
  const rows = Uint32Array.from(classes, ({ flavour }) => defaults.get(flavour) ?? 0);
  for (const [id, row] of exceptions) rows[id] = row;
  return rows;
}

/** Rows by (row set, direction, class): all of them, or defaults by flavour and the exceptions. */
export function rowImages(
  rowSets: RowSets,
  { rows: portRows, shapes }: RowTable,
  cellStride: number,
  { classes }: AddressClasses,
  dense: boolean,
): RowImages {
  const count = rowSets.sets.length * 2 * classes.length;
  const allowed = shapes.map(allowedGroups);
  /** @param opposite the port row of the other direction */
  const put = (words: Uint32Array, at: number, row: number, opposite: number): void => {
    const { shape, decider } = portRows[row] ?? NO_ROW;
    const back = allowed[(portRows[opposite] ?? NO_ROW).shape] ?? UNKNOWN;
    const aspects = (~back.all & ((1 << CLOSED_ASPECT) - 1)) | (back.none << CLOSED_ASPECT);
    words[2 * at] = decider | (aspects << ROW_ASPECT_SHIFT);
    words[2 * at + 1] = shape * cellStride;
  };
  const directions = ['ingress', 'egress'] as const;
  const rows = new Uint32Array(2 * (dense ? Math.max(1, count) : 1));
  const defaults = new Uint32Array(
    2 * (dense ? 1 : Math.max(1, rowSets.sets.length * directions.length * FLAVOUR_STRIDE)),
  );
  const exceptions: Exception[] = [];
  for (const [id, set] of rowSets.sets.entries()) {
    const each = dense
      ? { ingress: rowOfEach(set.ingress, classes), egress: rowOfEach(set.egress, classes) }
      : undefined;
    for (const [d, direction] of directions.entries()) {
      const opposite = direction === 'ingress' ? 'egress' : 'ingress';
      const number = 2 * id + d;
      if (each !== undefined) {
        const there = each[opposite];
        for (const [i, row] of each[direction].entries()) {
          put(rows, number * classes.length + i, row, there[i] ?? 0);
        }
        continue;
      }
      const own = set[direction];
      const other = set[opposite];
      for (const [i, flavour] of FLAVOURS.entries()) {
        const usual = own.defaults.get(flavour) ?? 0;
        put(defaults, number * FLAVOUR_STRIDE + i, usual, other.defaults.get(flavour) ?? 0);
      }
      for (const classId of exceptionsOf(set)) {
        const one = classes[classId];
        if (one === undefined) continue;
        exceptions.push({ number, classId, row: rowOf(own, one), opposite: rowOf(other, one) });
      }
    }
  }
  const keys = Uint32Array.from(exceptions.flatMap(({ number, classId }) => [number, classId]));
  const values = new Uint32Array(2 * exceptions.length);
  for (const [i, { row, opposite }] of exceptions.entries()) put(values, i, row, opposite);
  return {
    dense,
    rows: table(TABLES.rows, rows),
    defaults: table(TABLES.defaults, defaults),
    map: boundMap(MAPS.rowsHash, exceptions.length, keys, values),
  };
}
