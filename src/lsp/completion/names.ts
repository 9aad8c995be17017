/** Names in scope, as a reference at a place would write them; and whose labels a condition speaks of. */
import type { IToken } from 'chevrotain';
import { CompletionItemKind } from 'vscode-languageserver';
import * as t from '../../../grammar/tokens.js';
import type { Declaration, Home, Scope } from '../../ir/lower-policy/context.js';
import { peersWords, portsWords } from '../hover/words.js';
import type { View } from '../workspace/view.js';
import type { Proposal } from './context.js';
import { RANK, writtenName, writtenWord, type Offer } from './items.js';
import type { LabelOwner } from './labels.js';

type Kind = Declaration['statement']['kind'];

/**
 * @param anyNamespace claims outside of blocks may leave the namespace out
 * @param inside only the names of one namespace, without it
 */
export function nameOffers(
  view: View,
  home: Home,
  kinds: readonly Kind[],
  anyNamespace: boolean,
  inside?: { readonly scope: Scope; readonly namespace: string },
): readonly Offer[] {
  const scope = inside?.scope ?? home.loaded.scope;
  const offers = new Map<string, Offer>();
  for (const [namespace, names] of scope) {
    if (inside !== undefined && namespace !== inside.namespace) continue;
    const isNear = namespace === undefined || namespace === home.namespace || inside !== undefined;
    for (const [name, declaration] of names) {
      if (!kinds.includes(declaration.statement.kind)) continue;
      // The inner name hides the outer one.
      const hidden = namespace === undefined && hasOwn(scope, home.namespace, name);
      const plain = isNear || (anyNamespace && home.namespace === undefined);
      // Where only sets, or only ports, can stand, there is no way to write a namespace.
      if (hidden || (!plain && !kinds.includes('group'))) continue;
      const label = plain ? writtenName(name) : `${writtenName(namespace)}/${writtenWord(name)}`;
      offers.set(label, offerOf(label, declaration, view, isNear));
    }
  }
  return [...offers.values()];
}

function hasOwn(scope: Scope, namespace: string | undefined, name: string): boolean {
  return namespace !== undefined && scope.get(namespace)?.has(name) === true;
}

function offerOf(label: string, declaration: Declaration, view: View, isNear: boolean): Offer {
  const { statement, home } = declaration;
  const kind = {
    group: CompletionItemKind.Class,
    set: CompletionItemKind.Enum,
    ports: CompletionItemKind.Constant,
  };
  return {
    label,
    kind: kind[statement.kind],
    detail: `${statement.kind}${home.namespace === undefined ? '' : ` of ${home.namespace}`}`,
    doc: meaningOf(declaration, view),
    rank: isNear ? RANK.name : RANK.known,
  };
}

function meaningOf({ statement, home }: Declaration, { names }: View): string {
  if (statement.kind === 'ports') return portsWords(names.ports(statement.items, home));
  const reference = { kind: 'reference', name: statement.name, span: statement.name.span } as const;
  return peersWords(names.peer(reference, home));
}

/** Whose labels the condition at the end of a statement speaks of. */
export function placeOwner(
  { rules }: Proposal,
  statement: readonly IToken[],
  namespace: string | undefined,
): LabelOwner {
  if (rules.includes('labelPair')) return { kind: 'pods' };
  const where = statement.findLastIndex(({ tokenType }) => tokenType === t.Where);
  const head = statement.slice(0, where);
  const owner = head.findLast(({ tokenType }) => OWNERS.has(tokenType))?.tokenType;
  if (owner === t.Nodes) return { kind: 'nodes' };
  if (owner === t.Namespaces) return { kind: 'namespaces' };
  const [before, name] = head.slice(-2);
  if (before?.tokenType === t.Namespace && name !== undefined) {
    return { kind: 'pods', namespace: name.image.replace(/^"|"$/g, '') };
  }
  const isOwn =
    namespace !== undefined && name?.tokenType === t.Pods && before?.tokenType !== t.Slash;
  return isOwn ? { kind: 'pods', namespace } : { kind: 'pods' };
}

const OWNERS = new Set([t.Nodes, t.Namespaces, t.Pods]);
