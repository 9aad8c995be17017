/** Ranking: changes in the order in which people should look at them. */
import { compareText } from '../../ir/normalize.js';
import type { Change } from '../report.js';

export interface Ranked {
  readonly change: Change;
  /** Numbers that are compared one after the other, lower first. */
  readonly rank: readonly number[];
}

export function byRank(a: Ranked, b: Ranked): number {
  for (const [i, rank] of a.rank.entries()) {
    const difference = rank - (b.rank[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return (
    compareText(a.change.from.text, b.change.from.text) ||
    compareText(a.change.to.text, b.change.to.text) ||
    compareText(a.change.ports, b.change.ports)
  );
}
