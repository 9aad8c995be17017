/** Row shapes: the cells of port rows, relative to one decider, so that rows of other rules share them. */
import { cellAt, rowKey, type PortRow } from './ports.js';
import { CELL, isRuleCell } from '../layout.js';

export type ShapeId = number;

/** A port row: the cells of a shape that rules decide count from its decider. */
export interface ShapedRow {
  readonly shape: ShapeId;
  readonly decider: number;
}

const DECIDER_MASK = (1 << CELL.deciderBits) - 1;

/** Hands out shapes, each distinct one once. */
export class ShapeTable {
  readonly shapes: PortRow[] = [];
  readonly #ids = new Map<string, ShapeId>();

  /** Cells that rules decide count from the lowest of the row's rules; all others stay as they are. */
  shapeOf({ starts, cells }: PortRow): ShapedRow {
    const ruled = cells.filter(isRuleCell).map((cell) => cell & DECIDER_MASK);
    const decider = ruled.length === 0 ? 0 : ruled.reduce((a, b) => Math.min(a, b));
    const relative = cells.map((cell) =>
      isRuleCell(cell) ? ((cell - decider) | (1 << CELL.relativeBit)) >>> 0 : cell,
    );
    const shape = { starts, cells: relative };
    const key = rowKey(shape);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.shapes.length;
      this.#ids.set(key, id);
      this.shapes.push(shape);
    }
    return { shape: id, decider };
  }

  /** Whether any cell of it counts from a row's decider. */
  isRuled(shape: ShapeId): boolean {
    return this.shapes[shape]?.cells.some(isRuleCell) ?? false;
  }

  /** The cell at a port index below those of fragments, as the row has it. */
  cellAt({ shape, decider }: ShapedRow, index: number): number {
    const row = this.shapes[shape];
    const cell = row === undefined ? 0 : cellAt(row, index);
    if ((cell & (1 << CELL.relativeBit)) === 0) return cell;
    return ((cell ^ (1 << CELL.relativeBit)) + decider) >>> 0;
  }
}
