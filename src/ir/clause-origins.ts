/** Where the clauses of rules stand: label requirements, prefixes and ports, each in its own source line. */
import type { Span } from '../source.js';

/**
 * Kept beside the model and not in it, since clauses that say the same are equal values wherever they
 * stand. Finding a place parses an object a second time, so that it waits until somebody asks.
 */
const origins = new WeakMap<object, Span | (() => Span)>();

/** @returns the clause itself */
export function noteOrigin<Clause extends object>(
  clause: Clause,
  origin: Span | (() => Span),
): Clause {
  origins.set(clause, origin);
  return clause;
}

/** Undefined where nobody wrote the clause itself: it is implied, or came out of a bundle. */
export function originOfClause(clause: object): Span | undefined {
  const origin = origins.get(clause);
  if (typeof origin !== 'function') return origin;
  const found = origin();
  origins.set(clause, found);
  return found;
}
