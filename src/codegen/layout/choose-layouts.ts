/** Chooses the layout of each logical table: the cheapest for packets within the memory budget. */
import type { Family } from '../../address.js';
import { diagnostic, InputError } from '../../diagnostics.js';
import { formatBytes } from '../../byte-sizes.js';
import type { MemoryBudget } from '../../ir/plan.js';
import type { MapDeclaration } from '../assembly/listing.js';
import { FAST_PATH_NS, hashNs, loadNs, WHOLE_WAY_NS } from './lookup-costs.js';
import { mapBytes, USUAL_SIZES } from './memory.js';

export type LogicalTable = 'addresses IPv4' | 'addresses IPv6' | 'ports' | 'rows' | 'cells';

/** One way to lay out a logical table, and what it takes. */
export interface Candidate<Layout extends string = string> {
  readonly layout: Layout;
  readonly bytes: number;
  /** Loads from it that depend on each other. */
  readonly loads: number;
  /** Of its bytes, those that packets from all its entries touch. */
  readonly touched: number;
  /** Nanoseconds in calls of the kernel's own maps. */
  readonly calls: number;
  /** Whether packets may be judged in registers. */
  readonly fast: boolean;
  /** Whether it is a map of the kernel, and no array of ours. */
  readonly inMaps: boolean;
  /** Why it cannot be taken at all. */
  readonly obstacle?: string;
}

/** Bytes that a load brings near. */
export const CACHE_LINE = 64;

/** @param beside bytes of the array that holds what the hash does not */
export function hashCandidate(map: MapDeclaration, count: number, beside: number): Candidate {
  const bytes = beside + mapBytes({ ...map, maxEntries: Math.max(1, count) }, count, SIZES);
  return {
    layout: 'hash',
    bytes,
    loads: 1,
    touched: beside,
    calls: hashNs(count),
    fast: false,
    inMaps: true,
  };
}

/** Spare entries of each CPU are left out: a choice should be the same on any machine. */
const SIZES = { ...USUAL_SIZES, possibleCpus: 0 };

/** One load at an index. */
export function arrayCandidate(bytes: number, touched = bytes): Candidate {
  return { layout: 'array', bytes, loads: 1, touched, calls: 0, fast: true, inMaps: false };
}

export function withinTable(candidate: Candidate, maxTableBytes: number): Candidate {
  if (candidate.bytes <= maxTableBytes) return candidate;
  const obstacle = `${formatBytes(candidate.bytes)}, and one array of this kernel holds ${formatBytes(maxTableBytes)}`;
  return { ...candidate, obstacle };
}

export interface TableCandidates {
  readonly table: LogicalTable;
  /** Packets of this family alone look into it. */
  readonly family?: Family;
  /** At least one without an obstacle. */
  readonly candidates: readonly Candidate[];
}

export interface Limits {
  /** For all tables and maps of a generation together. */
  readonly budget: MemoryBudget;
  /** Maps of the kernel wherever they are a choice, whatever they cost: so that those are tried too. */
  readonly inMaps?: boolean;
}

export interface EstimatedLayout {
  readonly layout: string;
  readonly bytes: number;
  /** Nanoseconds of its lookups in a packet. */
  readonly ns: number;
}

export interface LayoutChoice extends EstimatedLayout {
  readonly table: LogicalTable;
  readonly lost: readonly (EstimatedLayout & { readonly why: string })[];
}

export interface LayoutPlan {
  readonly tables: readonly LayoutChoice[];
  readonly budget: MemoryBudget;
  /** Of the budget. */
  readonly bytes: number;
  /** By family: a packet that is allowed and needs no state, over a program that does nothing. */
  readonly packetNs: Readonly<Record<Family, number>>;
}

type Combination = readonly Candidate[];

/**
 * Tries all combinations: tables share the budget, and registers serve only where all of them can.
 *
 * @throws InputError if not even the smallest layouts fit into a strict budget
 */
export function chooseLayouts(tables: readonly TableCandidates[], limits: Limits): LayoutPlan {
  const possible = tables.map(({ candidates }) => {
    const free = candidates.filter(({ obstacle }) => obstacle === undefined);
    const maps = free.filter(({ inMaps }) => inMaps);
    return limits.inMaps === true && maps.length > 0 ? maps : free;
  });
  const all = combine(possible);
  const fitting = all.filter((one) => bytesOf(one) <= limits.budget.bytes);
  const costOf = (one: Combination, family: Family): number => packetNs(tables, one, family);
  const cost = (one: Combination): number => costOf(one, 4) + costOf(one, 6);
  const smallest = least(all, bytesOf) ?? [];
  if (fitting.length === 0 && limits.budget.strict) {
    throw new InputError([
      diagnostic('bind/over-budget', {
        budget: limits.budget.bytes,
        needed: bytesOf(smallest),
        tables: tables.map(({ table }, i) => ({ table, bytes: smallest[i]?.bytes ?? 0 })),
      }),
    ]);
  }
  const chosen = least(fitting, cost) ?? smallest;
  const choices = tables.map(({ table, candidates }, i): LayoutChoice => {
    const taken = chosen[i];
    const lost = candidates
      .filter((one) => one !== taken)
      .map((one) => ({
        ...estimate(one),
        why: one.obstacle ?? whyLost(chosen.with(i, one), chosen, costOf, limits),
      }));
    return { table, ...estimate(taken ?? NOTHING), lost };
  });
  return {
    tables: choices,
    budget: limits.budget,
    bytes: bytesOf(chosen),
    packetNs: { 4: costOf(chosen, 4), 6: costOf(chosen, 6) },
  };
}

const NOTHING: Candidate = {
  layout: '',
  bytes: 0,
  loads: 0,
  touched: 0,
  calls: 0,
  fast: true,
  inMaps: false,
};

function combine(tables: readonly (readonly Candidate[])[]): readonly Combination[] {
  return tables.reduce<readonly Combination[]>(
    (combinations, candidates) =>
      combinations.flatMap((before) => candidates.map((one) => [...before, one])),
    [[]],
  );
}

function least(
  combinations: readonly Combination[],
  by: (one: Combination) => number,
): Combination | undefined {
  let best: Combination | undefined;
  for (const one of combinations) if (best === undefined || by(one) < by(best)) best = one;
  return best;
}

function bytesOf(combination: Combination): number {
  return combination.reduce((sum, { bytes }) => sum + bytes, 0);
}

function packetNs(
  tables: readonly TableCandidates[],
  combination: Combination,
  family: Family,
): number {
  const own = combination.filter((_, i) => {
    const ofFamily = tables[i]?.family;
    return ofFamily === undefined || ofFamily === family;
  });
  const lookups = own.reduce((sum, one) => sum + estimate(one).ns, 0);
  const whole = own.every(({ fast }) => fast) ? 0 : WHOLE_WAY_NS;
  return FAST_PATH_NS + whole + lookups;
}

function estimate({ layout, bytes, loads, touched, calls }: Candidate): EstimatedLayout {
  return { layout, bytes, ns: loads * loadNs(touched) + calls };
}

/** @param other as chosen, but for the candidate that lost */
function whyLost(
  other: Combination,
  chosen: Combination,
  costOf: (one: Combination, family: Family) => number,
  limits: Limits,
): string {
  const more = bytesOf(other) - bytesOf(chosen);
  if (limits.inMaps === true) return 'maps of the kernel were asked for';
  const over = bytesOf(other) - limits.budget.bytes;
  if (over > 0) return `${formatBytes(over)} over the budget`;
  const slowerBy = (family: Family): number => costOf(other, family) - costOf(chosen, family);
  const slower = Math.max(slowerBy(4), slowerBy(6));
  if (slower > 0) return `a packet would cost ${slower.toFixed(0)} ns more`;
  return `costs as much, and takes ${formatBytes(more)} more`;
}
