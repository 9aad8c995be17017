/** Finds the near name for "did you mean" hints. */

/** Nobody mistypes a longer name by hand; comparing two of a megabyte would take days. */
const LONGEST_NAME = 256;

/** Letters of known names that the searches of one input go through: less than a second. */
const MOST_LETTERS = 10_000_000;

/**
 * The searches of one input: thousands of unknown names among thousands of known ones would take
 * minutes, and past the first ones a hint helps nobody. Then there is none.
 */
export class NameSearch {
  #left = MOST_LETTERS;

  nearest(name: string, candidates: () => Iterable<string>): string | undefined {
    if (this.#left <= 0) return undefined;
    const names = [...candidates()];
    this.#left -= names.length * (Math.min(name.length, LONGEST_NAME) + 1);
    return nearestName(name, names);
  }
}

/** The candidate nearest to `name`, or undefined where none is near enough to be a slip. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const limit = Math.max(1, Math.floor(name.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Optimal string alignment distance: insertions, deletions, substitutions and adjacent swaps. */
function editDistance(a: string, b: string): number {
  let previous: number[] = [];
  let current = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const beforePrevious = previous;
    previous = current;
    current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (previous[j] ?? 0) + 1,
        (current[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforePrevious[j - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
  }
  return current[b.length] ?? 0;
}
