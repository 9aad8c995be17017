/** CIDR cells: the prefixes that policies and pod ranges name, each with the atoms that hold there. */
import { prefixContains, prefixCovers, type Address, type Prefix } from '../address.js';
import type { AtomId, PrefixAtom } from './bind-atoms.js';

/** The addresses of a prefix that no longer prefix in the list covers. */
export interface AddressCell {
  readonly prefix: Prefix;
  /** In ascending order. */
  readonly atoms: readonly AtomId[];
  /** Inside the pod ranges of some node. */
  readonly podRange: boolean;
}

interface CellDraft {
  readonly prefix: Prefix;
  readonly include: AtomId[];
  readonly exclude: AtomId[];
  podRange: boolean;
}

interface OpenCell extends AddressCell {
  /** Excluded here, and so in every prefix within. */
  readonly excluded: readonly AtomId[];
}

const NO_CELL = { atoms: [], excluded: [], podRange: false } as const;

/** Cells in the order of (family, address, length): a cell stands ahead of those within it. */
export function cutCells(
  atoms: readonly PrefixAtom[],
  podRanges: readonly Prefix[],
): readonly AddressCell[] {
  const drafts = draftCells(atoms, podRanges);
  const open: OpenCell[] = [];
  return drafts.map((draft) => {
    while (open.length > 0 && !covers(open.at(-1), draft.prefix)) open.pop();
    const outer = open.at(-1) ?? NO_CELL;
    const excluded =
      draft.exclude.length === 0 ? outer.excluded : [...outer.excluded, ...draft.exclude];
    const cell: OpenCell = {
      prefix: draft.prefix,
      atoms: atomsWithin(outer.atoms, draft.include, excluded),
      excluded,
      podRange: outer.podRange || draft.podRange,
    };
    open.push(cell);
    return cell;
  });
}

/** Finds the innermost cell of an address. */
export class CellFinder {
  readonly #cells: readonly AddressCell[];
  /** For each cell, the position of the next outer one, or -1. */
  readonly #outer: Int32Array;

  constructor(cells: readonly AddressCell[]) {
    this.#cells = cells;
    this.#outer = new Int32Array(cells.length).fill(-1);
    const open: number[] = [];
    for (const [i, { prefix }] of cells.entries()) {
      while (open.length > 0 && !covers(cells[open.at(-1) ?? -1], prefix)) open.pop();
      this.#outer[i] = open.at(-1) ?? -1;
      open.push(i);
    }
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
    for (let i = low - 1; i >= 0; i = this.#outer[i] ?? -1) {
      const cell = this.#cells[i];
      if (cell !== undefined && prefixContains(cell.prefix, address)) return cell;
    }
    return undefined;
  }
}

function draftCells(
  atoms: readonly PrefixAtom[],
  podRanges: readonly Prefix[],
): readonly CellDraft[] {
  const drafts = new Map<string, CellDraft>();
  const draftFor = (prefix: Prefix): CellDraft => {
    const key = `${prefix.family}:${prefix.value.toString(36)}/${prefix.length}`;
    let draft = drafts.get(key);
    if (draft === undefined) {
      draft = { prefix, include: [], exclude: [], podRange: false };
      drafts.set(key, draft);
    }
    return draft;
  };
  for (const { id, include, exclude } of atoms) {
    for (const prefix of include) draftFor(prefix).include.push(id);
    for (const prefix of exclude) draftFor(prefix).exclude.push(id);
  }
  for (const prefix of podRanges) draftFor(prefix).podRange = true;
  return [...drafts.values()].sort((a, b) => comparePrefixes(a.prefix, b.prefix));
}

function atomsWithin(
  outer: readonly AtomId[],
  include: readonly AtomId[],
  excluded: readonly AtomId[],
): readonly AtomId[] {
  if (include.length === 0 && excluded.length === 0) return outer;
  const gone = new Set(excluded);
  const all = new Set([...outer, ...include]);
  return [...all].filter((id) => !gone.has(id)).sort((a, b) => a - b);
}

function covers(outer: { readonly prefix: Prefix } | undefined, inner: Prefix): boolean {
  return outer !== undefined && prefixCovers(outer.prefix, inner);
}

function comparePrefixes(a: Prefix, b: Prefix): number {
  if (a.family !== b.family) return a.family - b.family;
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return a.length - b.length;
}

function isAtOrBefore(prefix: Prefix, address: Address): boolean {
  if (prefix.family !== address.family) return prefix.family < address.family;
  return prefix.value <= address.value;
}
