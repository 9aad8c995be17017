/** Makes the syntax tree of sets, ports, peers and label conditions. */
import type { CstNode } from 'chevrotain';
import { bug } from '../../diagnostics.js';
import { span } from '../../source.js';
import type {
  Condition,
  Direction,
  DirectionNode,
  KnownPeer,
  PeerList,
  PeerNode,
  PodScope,
  PortClause,
  PortItem,
  SetItem,
  SetOperand,
  Text,
} from '../ast.js';
import {
  type CstReader,
  hasToken,
  nodeOf,
  nodesOf,
  requireNode,
  requireToken,
  tokenOf,
  tokensOf,
} from './cst.js';

const KNOWN_PEERS: Readonly<Record<string, KnownPeer>> = {
  any: 'any',
  outside: 'outside',
  'own-node': 'own-node',
  dns: 'dns',
  apiserver: 'apiserver',
  'metadata-api': 'metadata-api',
};

export function readSetOperand(reader: CstReader, node: CstNode): SetOperand {
  const name = nodeOf(node, 'name');
  const items =
    name === undefined
      ? nodesOf(node, 'setItem').map((item) => readSetItem(reader, item))
      : [reference(reader.name(node, 'name'))];
  return { items, span: reader.spanOf(node) };
}

function readSetItem(reader: CstReader, node: CstNode): SetItem {
  const address = tokenOf(node, 'Address');
  if (address === undefined) return reference(reader.name(node, 'name'));
  return { kind: 'address', ...reader.text(address) };
}

function reference(name: Text): SetItem {
  return { kind: 'reference', ...name };
}

export function readPortItems(reader: CstReader, node: CstNode): readonly PortItem[] {
  return nodesOf(node, 'portItem').map((item) => readPortItem(reader, item));
}

export function readPortItem(reader: CstReader, node: CstNode): PortItem {
  const at = reader.spanOf(node);
  const first = tokenOf(node, 'first');
  const protocolNode = nodeOf(node, 'protocol');
  if (protocolNode === undefined) {
    const name = tokenOf(node, 'Name') ?? requireToken(node, 'StringLiteral');
    return { kind: 'reference', name: reader.text(name), span: at };
  }
  const protocol = reader.text(requireToken(protocolNode, 'Word'));
  if (first !== undefined) {
    const last = tokenOf(node, 'last') ?? first;
    return {
      kind: 'range',
      first: reader.number(first),
      last: reader.number(last),
      protocol,
      span: at,
    };
  }
  if (hasToken(node, 'Word_any')) return { kind: 'whole', protocol, span: at };
  const name = reader.text(requireToken(node, 'StringLiteral'));
  return { kind: 'named', name, protocol, span: at };
}

/** The `port …` or `any port` of a statement. */
export function readPortClause(reader: CstReader, owner: CstNode): PortClause | undefined {
  const node = nodeOf(owner, 'portClause');
  if (node === undefined) return undefined;
  const at = reader.spanOf(node);
  if (hasToken(node, 'Word_any')) return { kind: 'every', span: at };
  return { kind: 'list', items: readPortItems(reader, requireNode(node, 'portList')), span: at };
}

export function readPeerList(reader: CstReader, node: CstNode): PeerList {
  const peers = nodesOf(node, 'peer').map((peer) => readPeer(reader, peer));
  return { peers, span: reader.spanOf(node) };
}

function readPeer(reader: CstReader, node: CstNode): PeerNode {
  const at = reader.spanOf(node);
  const known = tokenOf(node, 'known');
  if (known !== undefined) {
    const which = KNOWN_PEERS[known.image] ?? bug(`no well-known peer ${known.image}`);
    return { kind: 'known', which, span: at };
  }
  const address = tokenOf(node, 'Address');
  if (address !== undefined) return { kind: 'address', ...reader.text(address) };
  const nodes = nodeOf(node, 'nodesPeer');
  if (nodes !== undefined) return { kind: 'nodes', ...readWhere(reader, nodes), span: at };
  const pods = nodeOf(node, 'podsPeer');
  if (pods !== undefined) return readPodsPeer(reader, pods);
  const service = nodeOf(node, 'servicePeer');
  if (service !== undefined) return { kind: 'service', ...readPath(reader, service), span: at };
  const name = requireNode(node, 'reference');
  const first = reader.name(name, 'name');
  if (nodeOf(name, 'anyName') === undefined) return { kind: 'reference', name: first, span: at };
  return { kind: 'reference', namespace: first, name: reader.name(name, 'anyName'), span: at };
}

/** `NAMESPACE/NAME` of a Service. */
export function readPath(reader: CstReader, node: CstNode): { namespace: Text; name: Text } {
  const [namespace, name] = nodesOf(node, 'anyName');
  if (namespace === undefined || name === undefined) return bug('a path without its two names');
  return {
    namespace: reader.text(requireToken(namespace, 'word')),
    name: reader.text(requireToken(name, 'word')),
  };
}

function readPodsPeer(reader: CstReader, node: CstNode): PeerNode {
  const at = reader.spanOf(node);
  const scopeNode = nodeOf(node, 'podScope');
  if (scopeNode === undefined) {
    return { kind: 'pods', scope: { kind: 'here' }, ...readWhere(reader, node), span: at };
  }
  const scope = readScope(reader, scopeNode);
  return { kind: 'pods', scope, ...readWhere(reader, scopeNode), span: at };
}

function readScope(reader: CstReader, node: CstNode): PodScope {
  const where = nodeOf(node, 'namespacesWhere');
  if (where !== undefined) {
    return { kind: 'matching', where: readOr(reader, requireNode(where, 'orExpression')) };
  }
  if (hasToken(node, 'Word_any')) return { kind: 'every' };
  return { kind: 'named', namespace: reader.name(node, 'anyName') };
}

function readWhere(reader: CstReader, node: CstNode): { readonly where?: Condition } {
  const clause = nodeOf(node, 'whereClause');
  if (clause === undefined) return {};
  return { where: readOr(reader, requireNode(clause, 'orExpression')) };
}

function readOr(reader: CstReader, node: CstNode): Condition {
  const operands = nodesOf(node, 'andExpression').map((operand) => readAnd(reader, operand));
  return joined(reader, node, 'or', operands);
}

function readAnd(reader: CstReader, node: CstNode): Condition {
  const operands = nodesOf(node, 'notExpression').map((operand) => readNot(reader, operand));
  return joined(reader, node, 'and', operands);
}

function joined(
  reader: CstReader,
  node: CstNode,
  kind: 'and' | 'or',
  operands: readonly Condition[],
): Condition {
  const [only] = operands;
  if (only !== undefined && operands.length === 1) return only;
  return { kind, operands, span: reader.spanOf(node) };
}

function readNot(reader: CstReader, node: CstNode): Condition {
  const inner = nodeOf(node, 'orExpression');
  const operand =
    inner === undefined ? readTest(reader, requireNode(node, 'labelTest')) : readOr(reader, inner);
  const negations = tokensOf(node, 'Word_not').length;
  return negations % 2 === 0 ? operand : { kind: 'not', operand, span: reader.spanOf(node) };
}

function readTest(reader: CstReader, node: CstNode): Condition {
  const key = readLabelKey(reader, requireNode(node, 'labelKey'));
  const at = reader.spanOf(node);
  if (hasToken(node, 'Word_exists')) {
    return { kind: 'test', key, operator: 'Exists', values: [], span: at };
  }
  const list = nodeOf(node, 'textList');
  const values = tokensOf(list ?? node, 'StringLiteral').map((token) => reader.text(token));
  const negative = hasToken(node, 'NotEqual') || hasToken(node, 'Word_not');
  return { kind: 'test', key, operator: negative ? 'NotIn' : 'In', values, span: at };
}

export function readLabelKey(reader: CstReader, node: CstNode): Text {
  const literal = tokenOf(node, 'StringLiteral');
  if (literal !== undefined) return reader.text(literal);
  const words = tokensOf(node, 'Word');
  const at = reader.spanOf(node);
  return { text: words.map((word) => word.image).join('/'), span: span(at.file, at.start, at.end) };
}

export function readDirection(node: CstNode): Direction {
  return hasToken(node, 'Word_ingress') ? 'ingress' : 'egress';
}

export function readDirections(reader: CstReader, node: CstNode): readonly DirectionNode[] {
  const seen = new Set<Direction>();
  return nodesOf(node, 'direction').flatMap((one) => {
    const direction = readDirection(one);
    const at = reader.spanOf(one);
    if (!reader.once(direction, seen.has(direction), at)) return [];
    seen.add(direction);
    return [{ direction, span: at }];
  });
}
