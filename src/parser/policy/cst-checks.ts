/** Makes the syntax tree of `assert` statements and `test` blocks. */
import type { CstNode } from 'chevrotain';
import { bug } from '../../diagnostics.js';
import type * as ast from '../ast.js';
import {
  readDirections,
  readLabelKey,
  readPath,
  readPeerList,
  readPortClause,
  readPortItem,
} from './cst-peers.js';
import {
  type CstReader,
  hasToken,
  nodeOf,
  nodesOf,
  requireNode,
  requireToken,
  tokenOf,
} from './cst.js';

export function readAssert(reader: CstReader, node: CstNode): ast.AssertStatement {
  return { kind: 'assert', claim: readClaim(reader, node), span: reader.spanOf(node) };
}

function readClaim(reader: CstReader, node: CstNode): ast.Claim {
  const only = nodeOf(node, 'onlyClaim');
  if (only !== undefined) return { kind: 'only', ...readEnds(reader, only) };
  const edge = nodeOf(node, 'edgeClaim');
  if (edge !== undefined) {
    const ends = readEnds(reader, edge);
    if (hasToken(edge, 'Word_never')) return { kind: 'never', ...ends };
    return { kind: 'reach', quantifier: hasToken(edge, 'Word_some') ? 'some' : 'all', ...ends };
  }
  const isolated = nodeOf(node, 'isolatedClaim');
  if (isolated !== undefined) {
    const directions = nodeOf(isolated, 'directionList');
    return {
      kind: 'isolated',
      group: readPeerList(reader, requireNode(isolated, 'peerList')),
      directions: directions === undefined ? [] : readDirections(reader, directions),
    };
  }
  const maps = requireNode(node, 'mapsClaim');
  return {
    kind: 'maps',
    limit: reader.number(requireToken(maps, 'NumberLiteral')),
    unit: reader.text(requireToken(maps, 'unit')),
  };
}

function readEnds(
  reader: CstReader,
  node: CstNode,
): { from: ast.PeerList; to: ast.PeerList; ports?: ast.PortClause } {
  const ports = readPortClause(reader, node);
  return {
    from: readPeerList(reader, requireNode(node, 'fromPeers')),
    to: readPeerList(reader, requireNode(node, 'toPeers')),
    ...(ports === undefined ? {} : { ports }),
  };
}

export function readTestBlock(reader: CstReader, node: CstNode): ast.TestBlock {
  const statements = nodesOf(node, 'testItem').map((item) =>
    readTestStatement(reader, requireNode(item, 'testStatement')),
  );
  const name = reader.name(node, 'anyName');
  return { kind: 'test', name, statements, span: reader.spanOf(node) };
}

function readTestStatement(
  reader: CstReader,
  node: CstNode,
): ast.GivenStatement | ast.WhenStatement | ast.ExpectStatement {
  const at = reader.spanOf(node);
  const given = nodeOf(node, 'givenStatement');
  if (given !== undefined) {
    return {
      kind: 'given',
      pod: reader.name(given, 'pod'),
      namespace: reader.name(given, 'namespace'),
      labels: nodesOf(given, 'labelPair').map((pair) => ({
        key: readLabelKey(reader, requireNode(pair, 'labelKey')),
        value: reader.text(requireToken(pair, 'StringLiteral')),
        span: reader.spanOf(pair),
      })),
      span: at,
    };
  }
  const flow = nodeOf(node, 'testFlow');
  if (flow !== undefined) return { kind: 'when', flow: readTestFlow(reader, flow), span: at };
  return readExpect(reader, requireNode(node, 'expectStatement'));
}

function readExpect(reader: CstReader, node: CstNode): ast.ExpectStatement {
  const by = nodeOf(node, 'decider');
  const flows = nodesOf(node, 'testFlowItem').map((item) =>
    readTestFlow(reader, requireNode(item, 'testFlow')),
  );
  return {
    kind: 'expect',
    verdict: requireToken(node, 'verdict').image === 'allow' ? 'allow' : 'deny',
    ...(by === undefined ? {} : { by: readDecider(reader, by) }),
    ...(hasToken(node, 'OpenBlock') ? { flows } : {}),
    span: reader.spanOf(node),
  };
}

function readDecider(reader: CstReader, node: CstNode): ast.Text {
  const isolate = tokenOf(node, 'Word_isolate');
  return isolate === undefined
    ? readReference(reader, requireNode(node, 'reference'))
    : reader.text(isolate);
}

function readReference(reader: CstReader, node: CstNode): ast.Text {
  const first = reader.name(node, 'name').text;
  const qualified = nodeOf(node, 'anyName') !== undefined;
  const text = qualified ? `${first}/${reader.name(node, 'anyName').text}` : first;
  return { text, span: reader.spanOf(node) };
}

function readTestFlow(reader: CstReader, node: CstNode): ast.TestFlow {
  const [from, to] = nodesOf(node, 'testEnd');
  if (from === undefined || to === undefined) return bug('a flow without its ends');
  const port = nodeOf(node, 'portItem');
  const icmp = hasToken(node, 'Word_icmp') ? 'ICMP' : 'ICMPv6';
  return {
    from: readTestEnd(reader, from),
    to: readTestEnd(reader, to),
    service: port === undefined ? icmp : readPortItem(reader, port),
    span: reader.spanOf(node),
  };
}

function readTestEnd(reader: CstReader, node: CstNode): ast.Text {
  const address = tokenOf(node, 'Address');
  if (address !== undefined) return reader.text(address);
  const service = nodeOf(node, 'servicePeer');
  if (service === undefined) return readReference(reader, requireNode(node, 'reference'));
  const { namespace, name } = readPath(reader, service);
  return { text: `service ${namespace.text}/${name.text}`, span: reader.spanOf(node) };
}
