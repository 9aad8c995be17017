/** Names the policies that the statements of namespace blocks become. */
import type { Reporter } from './context.js';
import { UniqueNames } from './context.js';
import type { NamespaceDraft } from './namespace.js';
import type { Policy } from '../model.js';
import type { Span } from '../../source.js';

/** Longer names are cut; what is cut off is told apart by the number behind it. */
const MAX_NAME = 60;

/** Stands for a name that was reported; one report a statement is enough. */
const DOUBLE = '';

/**
 * A statement is named as its author says, or after what it says (`flow-fe-cart`), so that its name
 * stays when lines move; the second that says the same has `.2` behind it.
 */
export function nameDrafts(
  drafts: readonly NamespaceDraft[],
  reporter: Reporter,
): readonly Policy[] {
  const given = new UniqueNames(reporter, 'statement');
  const names = new Map<Span, string>();
  const taken = new Set<string>();
  for (const { namespace, given: name, statement, suffix } of drafts) {
    if (name === undefined || names.get(statement) === DOUBLE) continue;
    const isNew = given.add(name, `${namespace}/${name.text}${suffix}`);
    names.set(statement, isNew ? name.text : DOUBLE);
    taken.add(`${namespace}/${name.text}${suffix}`);
  }
  const counts = new Map<string, number>();
  return drafts.map(({ namespace, derived, suffix, statement, policy }) => {
    let name = names.get(statement);
    if (name === undefined) {
      name = freeName(`${namespace}/`, derived.slice(0, MAX_NAME), taken, counts);
      names.set(statement, name);
    }
    return { ...policy, name: `${name}${suffix}` };
  });
}

function freeName(
  prefix: string,
  name: string,
  taken: Set<string>,
  counts: Map<string, number>,
): string {
  let count = counts.get(prefix + name) ?? 0;
  let candidate: string;
  do {
    count += 1;
    candidate = count === 1 ? name : `${name}.${count}`;
  } while (taken.has(prefix + candidate));
  counts.set(prefix + name, count);
  taken.add(prefix + candidate);
  return candidate;
}
