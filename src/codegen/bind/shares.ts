/**
 * Shares: how much of each table and map which rule caused. An element of rows and cells belongs to
 * the rules that decide in it, an address entry to the rules whose address blocks cut it out; what a
 * pod, a node or a Service has by itself belongs to nobody.
 */
import { bug } from '../../diagnostics.js';
import type { Direction } from '../../ir/model.js';
import type { NormalModel } from '../../ir/normal-model.js';
import { predicateOf, rulesOf } from '../../ir/plan.js';
import type { BoundMap, BoundTable } from '../contents.js';
import { BITS_WORD } from '../emit/code-verdict.js';
import { CELL, isRuleCell, MAPS, ROW_BYTES, TABLES, TRIE } from '../layout.js';
import type { AtomId } from './atoms.js';
import { Causes, type CauseId } from './causes.js';
import type { AddressClass, AddressClasses } from './classes.js';
import { cellSpansIn, commonCell, type PortClasses } from './images.js';
import type { PlannedAtom } from './predicates.js';
import type { PortRowId, RowTable } from './rows.js';
import type { RowSets } from './row-images.js';
import type { SubjectView } from './views.js';

/** What one cause has of one table or map. */
export interface Share {
  readonly table: string;
  readonly cause: CauseId;
  readonly entries: number;
  readonly bytes: number;
}

export interface BoundShares {
  readonly causes: Causes;
  /** All elements of all tables and of the generation's maps: they add up to the whole. */
  readonly shares: readonly Share[];
}

/** What bind has made on its way to the images. */
export interface SharesInput {
  readonly model: NormalModel;
  readonly addresses: AddressClasses;
  readonly views: Iterable<SubjectView>;
  readonly predicates: Readonly<Record<Direction, readonly PlannedAtom[]>>;
  readonly rowSets: RowSets;
  readonly rowTable: RowTable;
  readonly ports: PortClasses;
  readonly tables: readonly BoundTable[];
  readonly maps: readonly BoundMap[];
}

const DIRECTIONS = ['ingress', 'egress'] as const;
const CELL_BYTES = 4;

export function shareTables(input: SharesInput): BoundShares {
  const causes = new Causes(input.model);
  const ledger = new Ledger(causes);
  const rows = rowCauses(input.rowTable, causes);
  const bytesOf = (name: string): number =>
    input.tables.find((one) => one.name === name)?.bytes.length ?? 0;
  const mapOf = (name: string): BoundMap =>
    input.maps.find((one) => one.name === name) ?? bug(`no map ${name}`);

  shareAddresses(input, ledger, bytesOf, mapOf);
  const used = shareRows(input, ledger, rows, bytesOf(TABLES.rows) > ROW_BYTES);
  shareCells(input, ledger, rows, used, bytesOf(TABLES.cells) > CELL_BYTES);
  for (const { name, bytes } of input.tables) ledger.settle(name, bytes.length);
  for (const { name, keys, values, lifetime } of input.maps) {
    if (lifetime === 'generation') ledger.settle(name, keys.length + values.length);
  }
  return { causes, shares: ledger.shares() };
}

/** Adds up what is put down to causes. */
class Ledger {
  readonly #sums = new Map<string, Map<CauseId, { entries: number; bytes: number }>>();

  constructor(readonly causes: Causes) {}

  add(table: string, cause: CauseId, entries: number, bytes: number): void {
    if (entries === 0 && bytes === 0) return;
    let byCause = this.#sums.get(table);
    if (byCause === undefined) {
      byCause = new Map();
      this.#sums.set(table, byCause);
    }
    const sum = byCause.get(cause);
    if (sum === undefined) byCause.set(cause, { entries, bytes });
    else {
      sum.entries += entries;
      sum.bytes += bytes;
    }
  }

  /** What nobody was named for belongs to nobody. */
  settle(table: string, bytes: number): void {
    const named = [...(this.#sums.get(table)?.values() ?? [])];
    const rest = bytes - named.reduce((sum, one) => sum + one.bytes, 0);
    if (rest < 0) bug(`${table} holds fewer bytes than its shares`);
    this.add(table, this.causes.nobody, 0, rest);
  }

  shares(): readonly Share[] {
    return [...this.#sums].flatMap(([table, byCause]) =>
      [...byCause].map(([cause, sum]) => ({ table, cause, ...sum })),
    );
  }
}

/** The rules that decide in each port row. */
function rowCauses({ rows, shapes }: RowTable, causes: Causes): readonly CauseId[] {
  const known = shapes.map(({ cells }) => ({
    relative: [...new Set(cells.filter(isRuleCell).map(deciderBits))],
    fixed: causes.joinAll(
      cells.filter((cell) => !isRuleCell(cell)).map((cell) => causes.of(deciderBits(cell))),
    ),
  }));
  return rows.map(({ shape, decider }) => {
    const { relative, fixed } = known[shape] ?? bug(`no shape ${shape}`);
    return relative.reduce((all, one) => causes.join(all, causes.of(decider + one)), fixed);
  });
}

function deciderBits(cell: number): number {
  return cell & ((1 << CELL.deciderBits) - 1);
}

/** Who named each atom that some pod's rules have. */
function atomCauses(input: SharesInput, causes: Causes): ReadonlyMap<AtomId, CauseId> {
  const found = new Map<AtomId, CauseId>();
  const add = (atom: AtomId | undefined, decider: number): void => {
    if (atom === undefined) return;
    found.set(atom, causes.join(found.get(atom) ?? causes.nobody, causes.of(decider)));
  };
  for (const { byAtom } of input.views) {
    for (const arms of byAtom.values()) {
      for (const { arm, atoms } of arms) for (const atom of atoms) add(atom, arm.rule.id);
    }
  }
  // Predicates are there for all rules, also of policies that select no pod of the node.
  for (const direction of DIRECTIONS) {
    const atoms = new Map(input.predicates[direction].map((one) => [one.predicate.key, one.atom]));
    if (atoms.size === 0) continue;
    for (const rule of input.model.policies.flatMap((policy) => rulesOf(policy, direction))) {
      for (const peer of rule.peers) add(atoms.get(predicateOf(rule, peer)?.key ?? ''), rule.id);
    }
  }
  return found;
}

function shareAddresses(
  input: SharesInput,
  ledger: Ledger,
  bytesOf: (table: string) => number,
  mapOf: (name: string) => BoundMap,
): void {
  const { causes } = ledger;
  const { classes, entries } = input.addresses;
  const atoms = atomCauses(input, causes);
  const ofClass = classes.map(({ flavour, atoms: own }: AddressClass) => {
    const isHeld = flavour !== 'outside' && flavour !== 'unbound';
    return isHeld
      ? causes.nobody
      : causes.joinAll(own.map((atom) => atoms.get(atom) ?? causes.nobody));
  });
  for (const family of [4, 6] as const) {
    const own = entries.filter(({ prefix }) => prefix.family === family);
    const trie = family === 4 ? TABLES.trie4 : TABLES.trie6;
    const [hash, lpm] =
      family === 4
        ? [mapOf(MAPS.addr4Hash.name), mapOf(MAPS.addr4Lpm.name)]
        : [mapOf(MAPS.addr6Hash.name), mapOf(MAPS.addr6Lpm.name)];
    const inMaps = hash.count + lpm.count > 0;
    // A node of a trie holds several prefixes, so that each of them has an even part.
    const root = family === 4 ? CELL_BYTES * TRIE.rootSize : 0;
    const spread = Math.floor(Math.max(0, bytesOf(trie) - root) / Math.max(1, own.length));
    for (const { prefix, classId } of own) {
      const cause = ofClass[classId] ?? causes.nobody;
      if (!inMaps) ledger.add(trie, cause, 1, spread);
      else {
        const map = prefix.length === 8 * hash.keySize ? hash : lpm;
        ledger.add(map.name, cause, 1, map.keySize + map.valueSize);
      }
    }
  }
  const hasBits = input.predicates.ingress.length + input.predicates.egress.length > 0;
  for (const [id] of classes.entries()) {
    ledger.add(TABLES.bits, ofClass[id] ?? causes.nobody, hasBits ? 1 : 0, BITS_WORD.size);
  }
}

/** @returns the port rows that some row or default of the tables is */
function shareRows(
  { rowSets, addresses: { classes } }: SharesInput,
  ledger: Ledger,
  causes: readonly CauseId[],
  dense: boolean,
): ReadonlySet<PortRowId> {
  const nobody = ledger.causes.nobody;
  const used = new Set<PortRowId>();
  const causeOf = (row: PortRowId | undefined): CauseId => causes[row ?? 0] ?? nobody;
  const held = new Map<string, number>();
  for (const { flavour } of classes) held.set(flavour, (held.get(flavour) ?? 0) + 1);
  for (const set of rowSets.sets) {
    const named = new Set([...set.ingress.exceptions.keys(), ...set.egress.exceptions.keys()]);
    for (const direction of DIRECTIONS) {
      const { defaults, exceptions } = set[direction];
      const left = new Map(held);
      for (const id of named) {
        const { flavour } = classes[id] ?? bug(`no class ${id}`);
        const row = exceptions.get(id) ?? defaults.get(flavour) ?? 0;
        const cause = causeOf(row);
        used.add(row);
        left.set(flavour, (left.get(flavour) ?? 0) - 1);
        if (dense) ledger.add(TABLES.rows, cause, 1, ROW_BYTES);
        else ledger.add(MAPS.rowsHash.name, cause, 1, MAPS.rowsHash.keySize + ROW_BYTES);
      }
      for (const [flavour, row] of defaults) {
        const count = left.get(flavour) ?? 0;
        if (!dense || count > 0) used.add(row);
        if (dense) ledger.add(TABLES.rows, causeOf(row), count, count * ROW_BYTES);
        else ledger.add(TABLES.defaults, causeOf(row), 1, ROW_BYTES);
      }
    }
  }
  return used;
}

function shareCells(
  { rowTable: { rows, shapes }, ports }: SharesInput,
  ledger: Ledger,
  rowCause: readonly CauseId[],
  used: ReadonlySet<PortRowId>,
  dense: boolean,
): void {
  const { causes } = ledger;
  const deciders = shapes.map((): number[] => []);
  const wholes = shapes.map(() => causes.nobody);
  for (const [id, { shape, decider }] of rows.entries()) {
    if (!used.has(id)) continue;
    deciders[shape]?.push(decider);
    wholes[shape] = causes.join(wholes[shape] ?? causes.nobody, rowCause[id] ?? causes.nobody);
  }
  const spansOf = cellSpansIn(ports);
  for (const [id, shape] of shapes.entries()) {
    const causeOf = (cell: number): CauseId =>
      isRuleCell(cell)
        ? causes.joinAll((deciders[id] ?? []).map((from) => causes.of(from + deciderBits(cell))))
        : // A shape of no row that can be met is nobody's.
          causes.of(deciders[id]?.length === 0 ? 0 : deciderBits(cell));
    const spans = spansOf(shape);
    const common = dense ? undefined : commonCell(spans);
    for (const { first, end, cell } of spans) {
      const count = end - first;
      if (dense) ledger.add(TABLES.cells, causeOf(cell), count, count * CELL_BYTES);
      else if (cell !== common) {
        const { name, keySize, valueSize } = MAPS.cellsHash;
        ledger.add(name, causeOf(cell), count, count * (keySize + valueSize));
      }
    }
    if (!dense) ledger.add(TABLES.rowCells, wholes[id] ?? causes.nobody, 1, CELL_BYTES);
  }
}
