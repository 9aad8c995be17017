/** Row images: for each subject's pair of views, the row of every address class, as bytes. */
import type { Direction } from '../ir/model.js';
import type { AddressClass, AddressClasses } from './bind-classes.js';
import { pairMap, table, type Triple } from './bind-images.js';
import { allowedGroups } from './bind-ports.js';
import type { RowTable, ViewRows } from './bind-rows.js';
import type { SubjectView } from './bind-views.js';
import type { BoundMap, BoundTable } from './contents.js';
import { FLAVOUR_STRIDE, FLAVOURS, MAPS, ROW_ASPECT_BITS, TABLES } from './layout.js';

/** Pairs of views; subjects with the same pair share their rows. */
export class RowSets {
  readonly sets: { readonly ingress: ViewRows; readonly egress: ViewRows }[] = [];
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

export interface RowImages {
  readonly dense: boolean;
  readonly rows: BoundTable;
  readonly defaults: BoundTable;
  readonly map: BoundMap;
}

/** Rows by (row set, direction, class): all of them, or defaults by flavour and the exceptions. */
export function rowImages(
  rowSets: RowSets,
  rowTable: RowTable,
  addresses: AddressClasses,
  denseBudget: number,
): RowImages {
  const { classes } = addresses;
  const count = rowSets.sets.length * 2 * classes.length;
  const allowed = rowTable.rows.map(allowedGroups);
  const word = (row: number, opposite: number): number =>
    ((row << ROW_ASPECT_BITS) | (~(allowed[opposite] ?? 0) & 0xf)) >>> 0;
  const directions = ['ingress', 'egress'] as const;
  const dense = count * 4 <= denseBudget;
  const rows = new Uint32Array(dense ? Math.max(1, count) : 1);
  const defaults = new Uint32Array(
    dense ? 1 : rowSets.sets.length * directions.length * FLAVOUR_STRIDE,
  );
  const exceptions: Triple[] = [];
  for (const [id, set] of rowSets.sets.entries()) {
    for (const [d, direction] of directions.entries()) {
      const own = set[direction];
      const other = set[direction === 'ingress' ? 'egress' : 'ingress'];
      const number = 2 * id + d;
      const usual = FLAVOURS.map((flavour) =>
        word(own.defaults.get(flavour) ?? 0, other.defaults.get(flavour) ?? 0),
      );
      const special = new Set([...own.exceptions.keys(), ...other.exceptions.keys()]);
      const specialWord = ({ id: classId, flavour }: AddressClass): number =>
        word(
          own.exceptions.get(classId) ?? own.defaults.get(flavour) ?? 0,
          other.exceptions.get(classId) ?? other.defaults.get(flavour) ?? 0,
        );
      if (!dense) {
        defaults.set(usual, number * FLAVOUR_STRIDE);
        for (const classId of special) {
          const one = classes[classId];
          if (one !== undefined) exceptions.push([number, classId, specialWord(one)]);
        }
        continue;
      }
      for (const one of classes) {
        rows[number * classes.length + one.id] = special.has(one.id)
          ? specialWord(one)
          : (usual[FLAVOURS.indexOf(one.flavour)] ?? 0);
      }
    }
  }
  return {
    dense,
    rows: table(TABLES.rows, rows),
    defaults: table(TABLES.defaults, defaults),
    map: pairMap(MAPS.rowsHash, exceptions),
  };
}
