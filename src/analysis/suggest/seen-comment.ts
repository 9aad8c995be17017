/** How often something was seen, for a comment beside what is drafted from it. */
import type { SeenTimes } from '../replay/report.js';

/** `seen 1,204 times, 2026-11-01 to 2026-11-23`; a single sighting is told with its place. */
export function seenComment({ count, first, last, at }: SeenTimes): string {
  if (count === 1) return `seen once${first === null ? '' : `, ${first.slice(0, 10)}`}, at ${at}`;
  const times = `seen ${String(count).replace(/\B(?=(\d{3})+$)/g, ',')} times`;
  if (first === null || last === null) return times;
  const [a, b] = [first.slice(0, 10), last.slice(0, 10)];
  return a === b ? `${times}, ${a}` : `${times}, ${a} to ${b}`;
}
