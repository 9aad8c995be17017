/** One policy text that is refused or warned about, and what is said of it. */

export interface Refusal {
  readonly name: string;
  readonly text: string;
  readonly code: string;
  /** The text underlined. */
  readonly underlines: string;
  readonly at?: string;
  readonly hint?: RegExp | null;
  readonly severity?: 'warning';
}
