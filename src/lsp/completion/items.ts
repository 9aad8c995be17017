/** Completion items of one kind each; the place decides which are offered. */
import { CompletionItemKind, InsertTextFormat, type CompletionItem } from 'vscode-languageserver';
import { KEYWORDS } from '../../../grammar/tokens.js';
import { Identifier, Name } from '../../../grammar/tokens.js';
import { isPolicyPod, type ClusterSnapshot } from '../../ir/cluster.js';
import { quoteString } from '../../parser/policy/strings.js';
import { plural } from '../../render/terminal.js';
import type { LabelCounts } from './labels.js';

/** An item before it is known what it replaces. */
export interface Offer {
  readonly label: string;
  readonly kind: CompletionItemKind;
  /** What is inserted, where it is not the label. */
  readonly insert?: string;
  /** With places to fill in; for editors that know them. */
  readonly snippet?: string;
  readonly detail?: string;
  readonly doc?: string;
  /** Offers with a lower rank stand higher. */
  readonly rank: number;
}

export const RANK = { name: 1, known: 2, keyword: 3, unlikely: 5 } as const;

const IDENTIFIER = new RegExp(
  `^(?:${Identifier.PATTERN instanceof RegExp ? Identifier.PATTERN.source : ''})$`,
);

/** A name as it is written where a declaration's name can stand. */
export function writtenName(name: string): string {
  const keyword = KEYWORDS.get(name);
  const isFree = keyword === undefined || keyword.CATEGORIES?.includes(Name) === true;
  return IDENTIFIER.test(name) && isFree ? name : quoteString(name);
}

/** A name where no word of the language could stand: label keys, namespaces. */
export function writtenWord(word: string): string {
  const parts = word.split('/');
  const plain = parts.length <= 2 && parts.every((one) => IDENTIFIER.test(one)) && word !== 'not';
  return plain ? word : quoteString(word);
}

export function namespaceOffers(cluster: ClusterSnapshot | undefined): readonly Offer[] {
  const counts = new Map<string, number>();
  for (const name of cluster?.namespaces.keys() ?? []) counts.set(name, 0);
  for (const pod of cluster?.pods.filter(isPolicyPod) ?? []) {
    counts.set(pod.namespace, (counts.get(pod.namespace) ?? 0) + 1);
  }
  return [...counts].map(([name, pods]) => ({
    label: name,
    insert: IDENTIFIER.test(name) ? name : quoteString(name),
    kind: CompletionItemKind.Module,
    detail: `namespace, ${plural(pods, 'pod')}`,
    rank: RANK.name,
  }));
}

export function keyOffers(labels: LabelCounts, write = writtenWord): readonly Offer[] {
  return [...labels].map(([key, values]) => ({
    label: key,
    insert: write(key),
    kind: CompletionItemKind.Field,
    detail: `label, ${plural(values.size, 'value')}`,
    rank: RANK.name,
  }));
}

export function valueOffers(
  labels: LabelCounts,
  key: string,
  what: string,
  write = quoteString,
): readonly Offer[] {
  return [...(labels.get(key) ?? [])].map(([value, count]) => ({
    label: value,
    insert: write(value),
    kind: CompletionItemKind.Value,
    ...(count === 0 ? {} : { detail: plural(count, what) }),
    rank: RANK.name,
  }));
}

export function serviceNamespaceOffers(cluster: ClusterSnapshot | undefined): readonly Offer[] {
  const names = new Map<string, number>();
  for (const { namespace } of cluster?.services ?? []) {
    names.set(namespace, (names.get(namespace) ?? 0) + 1);
  }
  return [...names].map(([name, count]) => ({
    label: name,
    insert: IDENTIFIER.test(name) ? name : quoteString(name),
    kind: CompletionItemKind.Module,
    detail: plural(count, 'Service'),
    rank: RANK.name,
  }));
}

export function serviceOffers(
  cluster: ClusterSnapshot | undefined,
  namespace: string,
): readonly Offer[] {
  return (cluster?.services ?? [])
    .filter((one) => one.namespace === namespace)
    .map(({ name, ports }) => ({
      label: name,
      insert: IDENTIFIER.test(name) ? name : quoteString(name),
      kind: CompletionItemKind.Reference,
      detail: `Service, ${ports.map((one) => `${one.port}/${one.protocol.toLowerCase()}`).join(', ')}`,
      rank: RANK.name,
    }));
}

/** The ports of one Service, as a rule to it writes them. */
export function servicePortOffers(
  cluster: ClusterSnapshot | undefined,
  namespace: string,
  name: string,
): readonly Offer[] {
  const found = cluster?.services.find((one) => one.namespace === namespace && one.name === name);
  return (found?.ports ?? []).map((one) => ({
    label: `${one.port}/${one.protocol.toLowerCase()}`,
    kind: CompletionItemKind.Value,
    detail: `port ${one.name === '' ? '' : `${one.name} `}of Service ${namespace}/${name}`,
    rank: 0,
  }));
}

/** Container ports of the cluster's pods, by the name that they are given. */
export function namedPortOffers(
  cluster: ClusterSnapshot | undefined,
  write: (name: string, protocol: string) => string,
): readonly Offer[] {
  const counts = new Map<string, { name: string; protocol: string; count: number }>();
  for (const { ports } of cluster?.pods.filter(isPolicyPod) ?? []) {
    for (const { name, protocol } of ports) {
      const lower = protocol.toLowerCase();
      const known = counts.get(`${name}/${lower}`) ?? { name, protocol: lower, count: 0 };
      known.count += 1;
      counts.set(`${name}/${lower}`, known);
    }
  }
  return [...counts.values()].map(({ name, protocol, count }) => ({
    label: write(name, protocol),
    kind: CompletionItemKind.Value,
    detail: `container port of ${plural(count, 'pod')}`,
    rank: RANK.known,
  }));
}

export function toItem(
  offer: Offer,
  range: CompletionItem['textEdit'] extends infer Edit
    ? Edit extends { range: infer R }
      ? R
      : never
    : never,
  snippets: boolean,
): CompletionItem {
  const { label, kind, insert = label, snippet, detail, doc, rank } = offer;
  const asSnippet = snippets && snippet !== undefined;
  return {
    label,
    kind,
    ...(detail === undefined ? {} : { detail }),
    ...(doc === undefined ? {} : { documentation: { kind: 'markdown', value: doc } }),
    sortText: `${rank} ${label}`,
    filterText: insert,
    ...(asSnippet ? { insertTextFormat: InsertTextFormat.Snippet } : {}),
    textEdit: { range, newText: asSnippet ? snippet : insert },
  };
}
