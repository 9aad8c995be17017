/** Row shapes: the cells of port rows, relative to one decider, so that rows of other rules share them. */
import type { PortRow } from './bind-ports.js';
import { CELL, isRuleCell } from './layout.js';

/** For each port row: which shape it has, and the decider that the shape's cells count from. */
export interface RowShapes {
  readonly shapes: readonly PortRow[];
  readonly shapeOf: Uint32Array;
  readonly deciderOf: Uint32Array;
}

const DECIDER_MASK = (1 << CELL.deciderBits) - 1;

/** Cells that rules decide count from the lowest of the row's rules; all others stay as they are. */
export function shapeRows(rows: readonly PortRow[]): RowShapes {
  const shapes: PortRow[] = [];
  const known = new Map<string, number>();
  const shapeOf = new Uint32Array(rows.length);
  const deciderOf = new Uint32Array(rows.length);
  for (const [id, { starts, cells }] of rows.entries()) {
    const ruled = cells.filter(isRuleCell).map((cell) => cell & DECIDER_MASK);
    const lowest = ruled.length === 0 ? 0 : ruled.reduce((a, b) => Math.min(a, b));
    const relative = cells.map((cell) =>
      isRuleCell(cell) ? ((cell - lowest) | (1 << CELL.relativeBit)) >>> 0 : cell,
    );
    const key = `${starts.join()};${relative.join()}`;
    let shape = known.get(key);
    if (shape === undefined) {
      shape = shapes.length;
      known.set(key, shape);
      shapes.push({ starts, cells: relative });
    }
    shapeOf[id] = shape;
    deciderOf[id] = lowest;
  }
  return { shapes, shapeOf, deciderOf };
}

