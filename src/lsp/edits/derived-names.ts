/** Names that are made of others: a test's `by flow-fe-cart` has to follow when `fe` is renamed. */
import { diagnostic } from '../../diagnostics.js';
import { lowerPolicyFiles } from '../../ir/lower-policy.js';
import type { Policy } from '../../ir/model.js';
import { policyName } from '../../ir/normal-model.js';
import type { PolicyFile, Text } from '../../parser/ast.js';
import type { Span } from '../../source.js';
import { writtenName, writtenWord } from '../completion/items.js';

export interface DerivedEdit {
  readonly at: Span;
  readonly text: string;
}

/**
 * What has to be written behind `by` once the names have changed.
 * @param before and after are the same files, with nothing but names changed
 */
export function derivedEdits(
  before: readonly PolicyFile[],
  after: readonly PolicyFile[],
): readonly DerivedEdit[] {
  const deciders = before.flatMap(decidersOf);
  if (deciders.length === 0) return [];
  const [old, now] = [policiesOf(before), policiesOf(after)];
  if (old?.length !== now?.length) return [];
  const renamed = new Map<string, Renamed | undefined>();
  old?.forEach((policy, index) => {
    const next = now?.[index];
    if (next === undefined) return;
    const pairs = [
      [policyName(policy), { name: policyName(next), written: fullName(next) }],
      [policy.name, { name: next.name, written: writtenName(next.name) }],
    ] as const;
    for (const [from, to] of pairs) {
      // One text for two policies means both, and may stay right for one of them.
      const isFirst = !renamed.has(from) || renamed.get(from)?.name === to.name;
      renamed.set(from, isFirst ? to : undefined);
    }
  });
  return deciders.flatMap(({ text, span: at }) => {
    const to = renamed.get(text);
    return to === undefined || to.name === text ? [] : [{ at, text: to.written }];
  });
}

interface Renamed {
  readonly name: string;
  /** With quotes where it needs them. */
  readonly written: string;
}

function fullName({ namespace, name }: Policy): string {
  return namespace === undefined
    ? writtenName(name)
    : `${writtenName(namespace)}/${writtenWord(name)}`;
}

/** Undefined where the files have errors: then there are no names to follow. */
function policiesOf(files: readonly PolicyFile[]): readonly Policy[] | undefined {
  const readNothing = (path: string) => diagnostic('source/not-found', { path });
  return lowerPolicyFiles(files, readNothing).value?.policies;
}

function decidersOf({ statements }: PolicyFile): readonly Text[] {
  return statements.flatMap((statement) =>
    statement.kind === 'test'
      ? statement.statements.flatMap((one) => (one.kind === 'expect' ? (one.by ?? []) : []))
      : [],
  );
}
