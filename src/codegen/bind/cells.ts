/** CIDR cells: the prefixes that policies and pod ranges name, each with the atoms that hold there. */
import {
  prefixContains,
  prefixCovers,
  prefixOrder4,
  type Address,
  type Prefix,
} from '../../address.js';
import type { AtomId, PrefixAtom } from './atoms.js';

/** The addresses of a prefix that no longer prefix in the list covers. */
export interface AddressCell {
  readonly prefix: Prefix;
  /** In ascending order. */
  readonly atoms: readonly AtomId[];
  /** Inside the pod ranges of some node. */
  readonly podRange: boolean;
  /** Position of the next wider cell around it, or -1. */
  readonly outer: number;
}

interface CellDraft {
  readonly prefix: Prefix;
  /** Most cells have one atom: the arrays are made to measure. */
  include: readonly AtomId[];
  exclude: readonly AtomId[];
  podRange: boolean;
}

interface OpenCell extends AddressCell {
  readonly position: number;
  /** Excluded here, and so in every prefix within. */
  readonly excluded: readonly AtomId[];
}

const NO_CELL = { atoms: [], excluded: [], podRange: false, position: -1 } as const;

/** Cells in the order of (family, address, length): a cell stands ahead of those within it. */
export function cutCells(
  atoms: readonly PrefixAtom[],
  podRanges: readonly Prefix[],
): readonly AddressCell[] {
  const drafts = draftCells(atoms, podRanges);
  const open: OpenCell[] = [];
  return drafts.map((draft, position) => {
    let outer = open.at(-1);
    while (outer !== undefined && !prefixCovers(outer.prefix, draft.prefix)) {
      open.pop();
      outer = open.at(-1);
    }
    const around = outer ?? NO_CELL;
    const excluded =
      draft.exclude.length === 0 ? around.excluded : [...around.excluded, ...draft.exclude];
    const cell: OpenCell = {
      prefix: draft.prefix,
      atoms: atomsWithin(around.atoms, draft.include, excluded),
      excluded,
      podRange: around.podRange || draft.podRange,
      outer: around.position,
      position,
    };
    open.push(cell);
    return cell;
  });
}

/** Finds the innermost cell of an address. */
export class CellFinder {
  readonly #cells: readonly AddressCell[];

  /** @param cells as {@link cutCells} gives them */
  constructor(cells: readonly AddressCell[]) {
    this.#cells = cells;
  }

  find(address: Address): AddressCell | undefined {
    let low = 0;
    let high = this.#cells.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const cell = this.#cells[middle];
      if (cell !== undefined && isAtOrBefore(cell.prefix, address)) low = middle + 1;
      else high = middle;
    }
    let cell = this.#cells[low - 1];
    while (cell !== undefined && !prefixContains(cell.prefix, address)) {
      cell = this.#cells[cell.outer];
    }
    return cell;
  }
}

function draftCells(
  atoms: readonly PrefixAtom[],
  podRanges: readonly Prefix[],
): readonly CellDraft[] {
  const drafts = { 4: new Map<number, CellDraft>(), 6: new Map<string, CellDraft>() };
  const draftFor = (prefix: Prefix): CellDraft => {
    const make = (): CellDraft => ({ prefix, include: NONE, exclude: NONE, podRange: false });
    return prefix.family === 4
      ? getOrMake(drafts[4], prefixOrder4(prefix), make)
      : getOrMake(drafts[6], `${prefix.value.toString(36)}/${prefix.length}`, make);
  };
  for (const { id, include, exclude } of atoms) {
    for (const prefix of include) {
      const draft = draftFor(prefix);
      draft.include = withAtom(draft.include, id);
    }
    for (const prefix of exclude) {
      const draft = draftFor(prefix);
      draft.exclude = withAtom(draft.exclude, id);
    }
  }
  for (const prefix of podRanges) draftFor(prefix).podRange = true;
  const ofIpv6 = [...drafts[6].values()].sort((a, b) => comparePrefixes6(a.prefix, b.prefix));
  return [...inOrder(drafts[4]), ...ofIpv6];
}

const NONE: readonly AtomId[] = [];

function withAtom(atoms: readonly AtomId[], id: AtomId): readonly AtomId[] {
  return atoms.length === 0 ? [id] : [...atoms, id];
}

function atomsWithin(
  outer: readonly AtomId[],
  include: readonly AtomId[],
  excluded: readonly AtomId[],
): readonly AtomId[] {
  if (excluded.length === 0) {
    if (include.length === 0) return outer;
    if (outer.length === 0 && include.length === 1) return include;
  }
  const gone = new Set(excluded);
  const all = new Set([...outer, ...include]);
  return [...all].filter((id) => !gone.has(id)).sort((a, b) => a - b);
}

function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function inOrder(drafts: ReadonlyMap<number, CellDraft>): readonly CellDraft[] {
  const keys = Float64Array.from(drafts.keys()).sort();
  return Array.from(keys, (key) => drafts.get(key)).filter((draft) => draft !== undefined);
}

function comparePrefixes6(a: Prefix, b: Prefix): number {
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return a.length - b.length;
}

function isAtOrBefore(prefix: Prefix, address: Address): boolean {
  if (prefix.family !== address.family) return prefix.family < address.family;
  return prefix.value <= address.value;
}
