/** Images: port classes, cells and rows as the bytes that emitted programs look up. */
import { fragmentCell, type PortRow } from './ports.js';
import { MAPS, OTHER_GROUP, PORT_INDEX, PROTOCOL_GROUPS, TABLES } from '../layout.js';
import type { BoundMap, BoundTable } from '../contents.js';
import {
  arrayCandidate,
  CACHE_LINE,
  hashCandidate,
  withinTable,
  type TableCandidates,
} from '../layout/choose-layouts.js';
import type { MapDeclaration } from '../assembly/listing.js';

/** Port indexes that all rows treat alike share a class, numbered protocol by protocol. */
export interface PortClasses {
  /** The first port index of each class. */
  readonly starts: readonly number[];
  /** The first class of TCP, UDP, SCTP and of the special indexes. */
  readonly bases: readonly number[];
}

const GROUP_STARTS = [0, 1 << 16, 2 << 16, PORT_INDEX.other] as const;
const FRAGMENT_CLASSES = PROTOCOL_GROUPS.length;

export function classifyPorts(rows: readonly PortRow[]): PortClasses {
  const starts = new Set<number>(GROUP_STARTS);
  for (const row of rows) for (const start of row.starts) starts.add(start);
  const sorted = [...starts].sort((a, b) => a - b);
  const bases = GROUP_STARTS.map((start) => sorted.indexOf(start));
  return { starts: sorted, bases };
}

/** Classes of a row's cells: those of the port index, then one for fragments of each protocol. */
export function portStride(classes: PortClasses): number {
  return classes.starts.length + FRAGMENT_CLASSES;
}

/** u16 per port index: the class, counted from the first of its protocol. */
export function portImage(classes: PortClasses): BoundTable {
  const image = new Uint16Array(PORT_INDEX.count);
  for (const [id, start] of classes.starts.entries()) {
    const end = classes.starts[id + 1] ?? PORT_INDEX.other + 1;
    image.fill(id - (classes.bases[start >>> 16] ?? 0), start, end);
  }
  for (let group = 0; group < FRAGMENT_CLASSES; group += 1) {
    image[PORT_INDEX.fragment + group] = group + 1;
  }
  return table(TABLES.ports, image);
}

export interface CellImages {
  readonly dense: boolean;
  readonly cells: BoundTable;
  readonly rowCells: BoundTable;
  readonly map: BoundMap;
}

/** What the two layouts of cells take. */
export function cellCandidates(
  rows: readonly PortRow[],
  classes: PortClasses,
  maxTableBytes: number,
): TableCandidates {
  const bytes = 4 * rows.length * portStride(classes);
  const spansOf = cellSpansIn(classes);
  const count = rows.reduce((sum, row) => {
    const spans = spansOf(row);
    const common = commonCell(spans);
    const others = spans.filter(({ cell }) => cell !== common);
    return sum + others.reduce((cells, { first, end }) => cells + end - first, 0);
  }, 0);
  return {
    table: 'cells',
    candidates: [
      withinTable(arrayCandidate(bytes), maxTableBytes),
      hashCandidate(MAPS.cellsHash, count, 4 * rows.length),
    ],
  };
}

/** Of the table of ports, which every node has. */
export const PORT_TABLE_BYTES = 2 * PORT_INDEX.count;

/** The one layout of ports: classes by port index. */
export function portCandidates({ starts }: PortClasses): TableCandidates {
  const bytes = PORT_TABLE_BYTES;
  const touched = Math.min(bytes, CACHE_LINE * starts.length);
  return {
    table: 'ports',
    candidates: [arrayCandidate(bytes, touched)],
  };
}

/** Cells by (port row, port class): all of them, or each row's most common one and the exceptions. */
export function cellImages(
  rows: readonly PortRow[],
  classes: PortClasses,
  dense: boolean,
): CellImages {
  const stride = portStride(classes);
  const spansOf = cellSpansIn(classes);
  if (dense) {
    const cells = new Uint32Array(Math.max(1, rows.length * stride));
    for (const [id, row] of rows.entries()) {
      for (const { first, end, cell } of spansOf(row)) {
        cells.fill(cell, id * stride + first, id * stride + end);
      }
    }
    return {
      dense: true,
      cells: table(TABLES.cells, cells),
      rowCells: table(TABLES.rowCells, new Uint32Array(1)),
      map: pairMap(MAPS.cellsHash, []),
    };
  }
  const common = new Uint32Array(Math.max(1, rows.length));
  const exceptions: Triple[] = [];
  for (const [id, row] of rows.entries()) {
    const spans = spansOf(row);
    common[id] = commonCell(spans);
    for (const { first, end, cell } of spans) {
      if (cell === common[id]) continue;
      for (let at = first; at < end; at += 1) exceptions.push([id, at, cell]);
    }
  }
  return {
    dense: false,
    cells: table(TABLES.cells, new Uint32Array(1)),
    rowCells: table(TABLES.rowCells, common),
    map: pairMap(MAPS.cellsHash, exceptions),
  };
}

/** Two u32 of key, one of value. */
type Triple = readonly [number, number, number];

/** A hash whose keys are two u32 and whose values are one. */
function pairMap(declaration: MapDeclaration, triples: readonly Triple[]): BoundMap {
  const keys = new Uint32Array(2 * triples.length);
  const values = new Uint32Array(triples.length);
  for (const [i, [first, second, value]] of triples.entries()) {
    keys[2 * i] = first;
    keys[2 * i + 1] = second;
    values[i] = value;
  }
  return boundMap(declaration, triples.length, keys, values);
}

export function boundMap(
  declaration: MapDeclaration,
  count: number,
  keys: ArrayBufferView,
  values: ArrayBufferView,
): BoundMap {
  return {
    ...declaration,
    maxEntries: Math.max(1, count),
    count,
    keys: bytesOf(keys),
    values: bytesOf(values),
    lifetime: 'generation',
  };
}

export function table(name: string, image: ArrayBufferView, frozen = false): BoundTable {
  return { name, bytes: bytesOf(image), frozen };
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

export interface CellSpan {
  readonly first: number;
  readonly end: number;
  readonly cell: number;
}

/** Which of the classes each cell of a row holds for, those of fragments last. */
export function cellSpansIn(classes: PortClasses): (row: PortRow) => readonly CellSpan[] {
  const classAt = new Map(classes.starts.map((start, id) => [start, id]));
  return (row) => cellSpans(row, classes, classAt);
}

function cellSpans(
  row: PortRow,
  classes: PortClasses,
  classAt: ReadonlyMap<number, number>,
): readonly CellSpan[] {
  const count = classes.starts.length;
  const spans = row.cells.map((cell, i): CellSpan => {
    const next = row.starts[i + 1];
    return {
      first: classAt.get(row.starts[i] ?? 0) ?? 0,
      end: next === undefined ? count : (classAt.get(next) ?? count),
      cell,
    };
  });
  for (let group = 0; group < OTHER_GROUP; group += 1) {
    spans.push({ first: count + group, end: count + group + 1, cell: fragmentCell(row, group) });
  }
  return spans;
}

/** What most of a row's classes have. */
export function commonCell(spans: readonly CellSpan[]): number {
  const counts = new Map<number, number>();
  for (const { first, end, cell } of spans) counts.set(cell, (counts.get(cell) ?? 0) + end - first);
  let best = 0;
  let most = -1;
  for (const [cell, count] of counts) {
    if (count > most) {
      best = cell;
      most = count;
    }
  }
  return best;
}
