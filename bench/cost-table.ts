/** Samples of programs as a table: nanoseconds over nothing, and units of one hash lookup. */
import type { Sample } from './measure.js';
import type { Cell, Column, Table } from './section.js';

export const COST_COLUMNS: readonly Column[] = [
  { name: 'what', heading: 'what' },
  { name: 'nsMin', heading: 'ns min', digits: 1 },
  { name: 'nsMedian', heading: 'median', digits: 1 },
  { name: 'nsMax', heading: 'max', digits: 1 },
  { name: 'unitsMin', heading: 'lookups min', digits: 2 },
  { name: 'unitsMedian', heading: 'median', digits: 2 },
  { name: 'unitsMax', heading: 'max', digits: 2 },
];

export const RULES_COLUMN: Column = { name: 'rules', heading: 'rules', digits: 0 };

/** A row for each sample, behind the cells that all of them share. */
export function costRows(
  shared: Readonly<Record<string, Cell>>,
  samples: readonly Sample[],
): Table['rows'] {
  return samples.map(({ name, ns, units }) => ({
    ...shared,
    what: name,
    nsMin: ns.min,
    nsMedian: ns.median,
    nsMax: ns.max,
    unitsMin: units.min,
    unitsMedian: units.median,
    unitsMax: units.max,
  }));
}
