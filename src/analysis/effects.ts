/** Effects: what a direction's policies do to each port, before and after; equal ones have one number. */
import { bug } from '../diagnostics.js';
import type { PortRow } from '../codegen/bind/ports.js';
import { CELL, PORT_INDEX } from '../codegen/layout.js';

export type EffectId = number;

/** Cells of port indexes from `starts[i]` to before `starts[i + 1]`, under the old and the new policies. */
export interface Effect {
  /** Ascending from 0. */
  readonly starts: readonly number[];
  /** Where the verdict stays the same, the cells hold nothing else. */
  readonly was: readonly number[];
  readonly is: readonly number[];
  /** Whether any verdict differs. */
  readonly changes: boolean;
}

/** The cell of a port that is allowed, whoever decides. */
export const ALLOW = (1 << CELL.allowBit) >>> 0;
/** Verdict, reason and decider; whether the packet is logged or answered is no question of who may talk. */
const JUDGEMENT_BITS =
  (ALLOW | (CELL.reasonMask << CELL.reasonShift) | ((1 << CELL.deciderBits) - 1)) >>> 0;

export function isAllowed(cell: number): boolean {
  return cell >>> CELL.allowBit === 1;
}

/** Hands out numbers for effects of pairs of port rows. */
export class EffectTable {
  readonly effects: Effect[] = [];
  /** Everything is allowed, before and after: what an end without policies does. */
  readonly allowAll: EffectId;
  readonly #ids = new Map<string, EffectId>();
  readonly #masked = new Map<EffectId, EffectId>();

  constructor() {
    this.allowAll = this.#intern([0], [ALLOW], [ALLOW]);
  }

  effect(id: EffectId): Effect {
    return this.effects[id] ?? bug(`no effect ${id}`);
  }

  /** The effect on packets without ports alone: for a Service's address, whose ports are judged behind it. */
  withoutPorts(id: EffectId): EffectId {
    let masked = this.#masked.get(id);
    if (masked === undefined) {
      const { was, is } = this.effect(id);
      const last = was.length - 1;
      masked = this.#intern([0, PORT_INDEX.other], [0, was[last] ?? 0], [0, is[last] ?? 0]);
      this.#masked.set(id, masked);
    }
    return masked;
  }

  ofRows(was: PortRow, is: PortRow): EffectId {
    const starts: number[] = [];
    const before: number[] = [];
    const after: number[] = [];
    for (let i = 0, j = 0; ;) {
      starts.push(Math.max(was.starts[i] ?? 0, is.starts[j] ?? 0));
      before.push(was.cells[i] ?? 0);
      after.push(is.cells[j] ?? 0);
      const nextWas = was.starts[i + 1] ?? Infinity;
      const nextIs = is.starts[j + 1] ?? Infinity;
      if (nextWas === Infinity && nextIs === Infinity) break;
      if (nextWas <= nextIs) i += 1;
      if (nextIs <= nextWas) j += 1;
    }
    return this.#intern(starts, before, after);
  }

  #intern(starts: readonly number[], was: readonly number[], is: readonly number[]): EffectId {
    const merged: { starts: number[]; was: number[]; is: number[] } = {
      starts: [],
      was: [],
      is: [],
    };
    let changes = false;
    for (const [i, start] of starts.entries()) {
      let before = ((was[i] ?? 0) & JUDGEMENT_BITS) >>> 0;
      let after = ((is[i] ?? 0) & JUDGEMENT_BITS) >>> 0;
      if (isAllowed(before) === isAllowed(after)) before = after = (before & ALLOW) >>> 0;
      else changes = true;
      if (merged.was.at(-1) === before && merged.is.at(-1) === after) continue;
      merged.starts.push(start);
      merged.was.push(before);
      merged.is.push(after);
    }
    const key = `${merged.starts.join()};${merged.was.join()};${merged.is.join()}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.effects.length;
      this.effects.push({ ...merged, changes });
      this.#ids.set(key, id);
    }
    return id;
  }
}

/** Position of the segment that holds the port index. */
export function segmentAt({ starts }: Effect, index: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}
