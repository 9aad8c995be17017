/** Port rows: for one subject and address class, the cell of every port index. */
import type { NormalTier } from '../../ir/normal-model.js';
import { NO_DECIDER, type DeciderId } from '../../ir/normal-model.js';
import type { Arm, PortInterval } from './arms.js';
import { CELL, encodeCell, OTHER_GROUP, PORT_INDEX } from '../layout.js';

/** Cells by port index: `cells[i]` holds from `starts[i]` to before `starts[i + 1]`. */
export interface PortRow {
  /** Ascending from 0. */
  readonly starts: readonly number[];
  readonly cells: readonly number[];
}

/** The arms of one tier that match the class, in decision order. */
export interface TierArms {
  readonly kind: NormalTier['kind'];
  /** Who denies what the additive tier does not allow; NO_DECIDER where nothing isolates. */
  readonly isolation: DeciderId;
  readonly logsIsolation: boolean;
  readonly arms: readonly { readonly arm: Arm; readonly intervals: readonly PortInterval[] }[];
}

const END = PORT_INDEX.other + 1;
const DEFAULT_ALLOW = encodeCell({
  verdict: 'allow',
  reason: 'default',
  decider: NO_DECIDER,
  log: false,
  reject: false,
});

/**
 * Walks the tiers once over all ports. Each elementary segment is claimed by the first arm that
 * covers it, so the cost is that of the intervals, not of arms times ports.
 */
export function evaluatePortRow(tiers: readonly TierArms[]): PortRow {
  const starts = elementaryStarts(tiers);
  const cells = new Array<number>(starts.length).fill(DEFAULT_ALLOW);
  const undecided = new OpenSegments(starts.length);
  for (const tier of tiers) {
    if (tier.kind === 'additive' && tier.isolation === NO_DECIDER) continue;
    const open = undecided.copy();
    for (const { arm, intervals } of tier.arms) {
      const { action, id, log, reject } = arm.rule;
      if (tier.kind === 'additive' && action !== 'allow') continue;
      for (const [first, last] of intervals) {
        open.claim(indexOf(starts, first), indexOf(starts, last + 1), (segment) => {
          if (action === 'pass') return;
          undecided.claim(segment, segment + 1, () => undefined);
          cells[segment] = encodeCell({
            verdict: action,
            reason: 'rule',
            decider: id,
            log,
            reject,
          });
        });
      }
    }
    if (tier.kind === 'additive') {
      const denied = encodeCell({
        verdict: 'deny',
        reason: 'isolation',
        decider: tier.isolation,
        log: tier.logsIsolation,
        reject: false,
      });
      undecided.claim(0, starts.length, (segment) => (cells[segment] = denied));
    }
  }
  return mergeRow(starts, cells);
}

/** The cell of a port index below those of fragments. */
export function cellAt(row: PortRow, index: number): number {
  let low = 0;
  let high = row.starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((row.starts[middle] ?? 0) <= index) low = middle;
    else high = middle - 1;
  }
  return row.cells[low] ?? 0;
}

/** A bit for each protocol group, whether the row allows all of its ports, and whether none. */
export interface AllowedGroups {
  readonly all: number;
  readonly none: number;
}

export function allowedGroups({ starts, cells }: PortRow): AllowedGroups {
  let allowed = 0;
  let denied = 0;
  for (const [i, cell] of cells.entries()) {
    const last = (starts[i + 1] ?? END) - 1;
    for (let group = (starts[i] ?? 0) >>> 16; group <= last >>> 16; group += 1) {
      if (isAllow(cell)) allowed |= 1 << group;
      else denied |= 1 << group;
    }
  }
  const groups = (1 << (OTHER_GROUP + 1)) - 1;
  return { all: groups & ~denied, none: groups & ~allowed };
}

/**
 * The cell for later fragments of a protocol: they pass if some port is allowed, since the port is
 * in another packet.
 */
export function fragmentCell(row: PortRow, group: number): number {
  const segments = segmentsOf(row, group);
  return segments.find(isAllow) ?? segments[0] ?? 0;
}

/** Builds a row from the cells of single port indexes over another row. */
export function overlayRow(row: PortRow, cells: ReadonlyMap<number, number>): PortRow {
  const starts = new Set(row.starts);
  for (const index of cells.keys()) starts.add(index).add(index + 1);
  const sorted = [...starts].filter((start) => start < END).sort((a, b) => a - b);
  return mergeRow(
    sorted,
    sorted.map((start) => cells.get(start) ?? cellAt(row, start)),
  );
}

export function rowKey(row: PortRow): string {
  return `${row.starts.join()};${row.cells.join()}`;
}

function isAllow(cell: number): boolean {
  return cell >>> CELL.allowBit === 1;
}

/** The cells of a protocol group's ports, each at least once. */
function segmentsOf(row: PortRow, group: number): readonly number[] {
  const first = group << 16;
  const last = group === OTHER_GROUP ? PORT_INDEX.other : first | 0xffff;
  const inside = row.cells.filter((_, i) => {
    const start = row.starts[i] ?? 0;
    return start > first && start <= last;
  });
  return [cellAt(row, first), ...inside];
}

function elementaryStarts(tiers: readonly TierArms[]): readonly number[] {
  const starts = new Set([0]);
  for (const { arms } of tiers) {
    for (const { intervals } of arms) {
      for (const [first, last] of intervals) {
        starts.add(first);
        if (last + 1 < END) starts.add(last + 1);
      }
    }
  }
  return [...starts].sort((a, b) => a - b);
}

/** Position of a start; past the last one for the end of all ports. */
function indexOf(starts: readonly number[], start: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

function mergeRow(starts: readonly number[], cells: readonly number[]): PortRow {
  const merged: { starts: number[]; cells: number[] } = { starts: [], cells: [] };
  for (const [i, start] of starts.entries()) {
    const cell = cells[i] ?? 0;
    if (merged.cells.at(-1) === cell) continue;
    merged.starts.push(start);
    merged.cells.push(cell);
  }
  return merged;
}

/** Segments that nothing has claimed yet; skipping claimed ones costs next to nothing. */
class OpenSegments {
  readonly #next: number[] = [];

  constructor(count: number) {
    for (let i = 0; i <= count; i += 1) this.#next.push(i);
  }

  copy(): OpenSegments {
    const copy = new OpenSegments(0);
    for (const [i, next] of this.#next.entries()) copy.#next[i] = next;
    return copy;
  }

  /** Claims what is open from `first` to before `end`. */
  claim(first: number, end: number, visit: (segment: number) => void): void {
    for (let at = this.#find(first); at < end; at = this.#find(at)) {
      this.#next[at] = at + 1;
      visit(at);
    }
  }

  #find(segment: number): number {
    const next = this.#next;
    let root = segment;
    while (next[root] !== root) root = next[root] ?? root + 1;
    let at = segment;
    while (at !== root) {
      const following = next[at] ?? root;
      next[at] = root;
      at = following;
    }
    return root;
  }
}
