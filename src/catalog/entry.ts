/** What one entry of the diagnostic catalog holds. */

export type Severity = 'error' | 'warning';

/**
 * A kind of diagnostic. `message` is one sentence, lower case, without a final period, the user's
 * own text in backticks; `hint` says what to do; `explanation` is what `policyc help CODE` prints.
 */
export interface CatalogEntry<Args> {
  readonly severity: Severity;
  readonly message: (args: Args) => string;
  readonly hint?: (args: Args) => string | undefined;
  readonly explanation: string;
}

/** Types an entry's arguments from its message function. */
export function entry<Args>(definition: CatalogEntry<Args>): CatalogEntry<Args> {
  return definition;
}
