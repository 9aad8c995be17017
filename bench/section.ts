/** What the bench is made of: sections that run one after the other, and the tables that they give. */

/** How much to measure: a quick look, or all of it. */
export interface Effort {
  readonly full: boolean;
  /** Numbers of rules. */
  readonly counts: readonly number[];
  /** How often everything is measured in turn. */
  readonly rounds: number;
}

export const QUICK: Effort = { full: false, counts: [10, 1000, 10_000, 100_000], rounds: 5 };
export const FULL: Effort = { full: true, counts: [10, 100, 1000, 10_000, 100_000], rounds: 11 };

/** A number is shown with the digits of its column, nothing as an empty cell. */
export type Cell = string | number | undefined;

export interface Column {
  /** The key of the row, and of the JSON. */
  readonly name: string;
  readonly heading: string;
  /** Behind the point; the column is text without it. */
  readonly digits?: number;
}

export interface Table {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Readonly<Record<string, Cell>>[];
  /** What a reader must know of the figures, and what was left out and why. */
  readonly notes: readonly string[];
}

export interface Section {
  /** What `--only` calls it. */
  readonly name: string;
  /** Gives each table as soon as it is measured. */
  run(effort: Effort): Iterable<Table>;
}
