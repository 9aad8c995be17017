/** Hover in policy files: what the name, the peer, the rule or the word at the place means. */
import type { IToken } from 'chevrotain';
import { KEYWORDS } from '../../../grammar/tokens.js';
import type { ClusterSnapshot } from '../../ir/cluster.js';
import type { Home } from '../../ir/lower-policy/context.js';
import type { Peer } from '../../ir/model.js';
import type { Condition, PeerNode, PortItem } from '../../parser/ast.js';
import { endOf, lexPolicy } from '../../parser/policy/tokens.js';
import { span, type SourceFile, type Span } from '../../source.js';
import { holds } from '../workspace/positions.js';
import { occurrenceAt, type Cursor } from '../language/navigate.js';
import type { Thing } from '../language/occurrences.js';
import { namespaceAt, nodesAt, type TreeNode } from '../language/tree.js';
import { KEYWORD_DOCS } from './keyword-docs.js';
import { labelText, ownerAt } from './label-text.js';
import { membersText } from './members.js';
import { namespaceText, serviceText } from './objects.js';
import { statementSentences } from './statements.js';
import { capital, code, peersWords, portsWords } from './words.js';

/** Markdown, and the text that it speaks of. */
export interface HoverText {
  readonly text: string;
  readonly at: Span;
}

export function hoverPolicy(cursor: Cursor, source: SourceFile): HoverText | undefined {
  const token = tokenAt(source, cursor.offset);
  if (token === undefined) return undefined;
  const at = span(source, token.startOffset, endOf(token));
  const here = occurrenceAt(cursor);
  if (here !== undefined && here.at.start <= at.start && at.end <= here.at.end) {
    return { text: thingText(here.thing, cursor), at: here.at };
  }
  const file = cursor.view.fileAt(cursor.path)?.file;
  const path = file === undefined ? [] : nodesAt(file, cursor.offset);
  const home = cursor.view.homeOf(
    cursor.path,
    file === undefined ? undefined : namespaceAt(file, cursor.offset),
  );
  return (
    statementHover(path, at, home, cursor) ??
    nodeHover(path, home, cursor) ??
    wordHover(token.image, at)
  );
}

function tokenAt(source: SourceFile, offset: number): IToken | undefined {
  const touching = lexPolicy(source).filter(
    (token) => token.startOffset <= offset && offset <= endOf(token),
  );
  const found = touching.find((token) => offset < endOf(token)) ?? touching[0];
  return found?.tokenType.name.endsWith('Comment') === true ? undefined : found;
}

/** At the first word of a statement: what it does; behind that, what the word means. */
function statementHover(
  path: readonly TreeNode[],
  at: Span,
  home: Home,
  { view }: Cursor,
): HoverText | undefined {
  const statement = path.findLast(({ span: around }) => around.start === at.start);
  if (statement === undefined) return undefined;
  const sentences = statementSentences(statement, path, home, view.names);
  if (sentences.length === 0) return undefined;
  const word = at.file.text.slice(at.start, at.end);
  const doc = KEYWORD_DOCS[word];
  return {
    text: joined([...sentences, ...(doc === undefined ? [] : [`---\n\n${code(word)}: ${doc}`])]),
    at,
  };
}

function nodeHover(
  path: readonly TreeNode[],
  home: Home,
  { view, offset }: Cursor,
): HoverText | undefined {
  for (const node of [...path].reverse()) {
    if (isPeer(node)) return peerHover(node, home, { view, offset });
    if (isPort(node)) {
      return { text: capital(portsWords(view.names.ports([node], home))), at: node.span };
    }
    if (isTest(node)) return labelHover(node, path, home, { view, offset });
  }
  return undefined;
}

function labelHover(
  node: Extract<Condition, { readonly kind: 'test' }>,
  path: readonly TreeNode[],
  home: Home,
  { view, offset }: Pick<Cursor, 'view' | 'offset'>,
): HoverText | undefined {
  const peer = path.findLast(isPeer);
  // At an operator the word itself is asked about.
  const at = [node.key, ...node.values].find(({ span: one }) => holds(one, offset))?.span;
  if (peer === undefined || at === undefined) return undefined;
  return { text: labelText(node, ownerAt(peer, offset, home.namespace), view), at };
}

function isTest(node: TreeNode): node is Extract<Condition, { readonly kind: 'test' }> {
  return node.kind === 'test' && 'key' in node;
}

function peerHover(
  node: PeerNode,
  home: Home,
  { view, offset }: Pick<Cursor, 'view' | 'offset'>,
): HoverText | undefined {
  const { cluster } = view;
  if (node.kind === 'service') {
    return { text: serviceText(node.namespace.text, node.name.text, cluster), at: node.span };
  }
  if (node.kind === 'pods' && node.scope.kind === 'named') {
    const { namespace } = node.scope;
    if (holds(namespace.span, offset)) {
      return { text: namespaceText(namespace.text, cluster), at: namespace.span };
    }
  }
  const peers = view.names.peer(node, home);
  if (peers.length === 0) return undefined;
  const doc = node.kind === 'known' ? KEYWORD_DOCS[node.which] : undefined;
  return { text: joined([doc ?? '', peersText(peers, cluster)]), at: node.span };
}

/** Who the peers are, in words and in the cluster. */
export function peersText(peers: readonly Peer[], cluster: ClusterSnapshot | undefined): string {
  const members = cluster === undefined ? undefined : membersText(peers, cluster);
  return joined([`${capital(peersWords(peers))}.`, members ?? '']);
}

function thingText(thing: Thing, { view }: Cursor): string {
  const { declaration, statement } = thing;
  const title = `**${thing.kind}** ${code(thing.name)}${thing.namespace === undefined ? '' : ` of namespace ${code(thing.namespace)}`}`;
  if (thing.kind === 'namespace') return joined([title, namespaceText(thing.name, view.cluster)]);
  if (declaration !== undefined) {
    const node = declaration.statement;
    if (node.kind === 'ports') {
      return joined([
        title,
        `${capital(portsWords(view.names.ports(node.items, declaration.home)))}.`,
      ]);
    }
    const reference = { kind: 'reference', name: node.name, span: node.name.span } as const;
    return joined([title, peersText(view.names.peer(reference, declaration.home), view.cluster)]);
  }
  switch (statement?.kind) {
    case 'tier':
      return joined([title, `Order ${statement.order.value}.`, KEYWORD_DOCS['tier'] ?? '']);
    case 'policy': {
      const notes = statement.notes.map(({ word, text }) => `${word} ${text.text}`);
      const place = `Tier ${code(statement.tier?.text ?? '?')}, priority ${statement.priority?.value ?? '?'}, rules: ${statement.rules.length}.`;
      const home = view.homeOf(statement.span.file.path);
      const subjects = statement.subjects.flatMap((one) => view.names.peers(one, home));
      return joined([title, place, notes.join(', '), `For: ${peersText(subjects, view.cluster)}`]);
    }
    case 'exception':
      return joined([
        title,
        `Goes ahead of policy ${code(statement.to.text)} until ${statement.until?.text ?? '?'}.`,
        statement.approved.length === 0
          ? ''
          : `Approved by ${statement.approved.map(({ text }) => text).join(', ')}.`,
      ]);
    default:
      return title;
  }
}

function wordHover(word: string, at: Span): HoverText | undefined {
  const doc = KEYWORDS.has(word) ? KEYWORD_DOCS[word] : undefined;
  return doc === undefined ? undefined : { text: `${code(word)}: ${doc}`, at };
}

function isPeer(node: TreeNode): node is PeerNode {
  switch (node.kind) {
    case 'known':
    case 'nodes':
    case 'pods':
    case 'service':
      return true;
    case 'address':
      return 'text' in node;
    default:
      return false;
  }
}

function isPort(node: TreeNode): node is PortItem {
  return (
    (node.kind === 'range' || node.kind === 'whole' || node.kind === 'named') && 'protocol' in node
  );
}

export function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}
