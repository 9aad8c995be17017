/**
 * The cost model: what a lookup costs, by how much memory it touches. Fitted to what `make bench`
 * measures with 65,536 different packets; docs/datapath.md compares the two.
 */

/** A point of a curve: at `x`, nanoseconds. */
type Point = readonly [x: number, ns: number];

/** A load at random places of so many bytes, as far as the loads of other packets do not hide it. */
const LOAD: readonly Point[] = [
  [2 ** 15, 1],
  [2 ** 18, 1.3],
  [2 ** 20, 5],
  [2 ** 22, 12],
  [2 ** 23, 25],
  [2 ** 24, 60],
  [2 ** 28, 150],
];

/** A hash of small keys, by entries. */
const HASH: readonly Point[] = [
  [10, 36],
  [1_000, 44],
  [10_000, 110],
  [100_000, 385],
];

/** An LPM trie, by prefixes. */
const LPM: readonly Point[] = [
  [10, 25],
  [1_000, 67],
  [10_000, 320],
  [100_000, 800],
];

/** A lookup in a warm hash of 16-byte keys: the unit in which lookups are compared. */
export const HASH_LOOKUP_NS = 37;

/** Parsing and judging in registers, and writing down what decided, without the lookups. */
export const FAST_PATH_NS = 3;

/** What the lookup of an IPv6 address takes more: a call, bits to count twice, and prefixes to compare. */
export const FIND_ADDRESS6_NS = 14;

/** What a packet costs more that has to take the whole way, through the frame and the subprograms. */
export const WHOLE_WAY_NS = 35;

export function loadNs(touchedBytes: number): number {
  return interpolate(LOAD, touchedBytes);
}

/** 0 for an empty map: the programs leave its lookup out. */
export function hashNs(entries: number): number {
  return entries === 0 ? 0 : interpolate(HASH, entries);
}

/** 0 for an empty map. */
export function lpmNs(prefixes: number): number {
  return prefixes === 0 ? 0 : interpolate(LPM, prefixes);
}

/** Straight lines between the points, over the logarithm of x; flat before the first and after the last. */
function interpolate(points: readonly Point[], x: number): number {
  let before: Point | undefined;
  for (const point of points) {
    if (x <= point[0]) {
      if (before === undefined) return point[1];
      const part = Math.log(x / before[0]) / Math.log(point[0] / before[0]);
      return before[1] + part * (point[1] - before[1]);
    }
    before = point;
  }
  return before?.[1] ?? 0;
}
