/** Makes the syntax tree of a policy file from chevrotain's tree, which must be free of errors. */
import type { CstNode } from 'chevrotain';
import { bug } from '../../diagnostics.js';
import type * as ast from '../ast.js';
import { readAssert, readTestBlock } from './cst-checks.js';
import {
  readDirection,
  readDirections,
  readPeerList,
  readPortClause,
  readPortItems,
  readSetOperand,
} from './cst-peers.js';
import {
  type CstReader,
  nodeOf,
  nodesOf,
  requireNode,
  requireToken,
  tokenOf,
  tokensOf,
} from './cst.js';

export function readTopItem(reader: CstReader, item: CstNode): ast.TopStatement {
  const found = onlyChild(requireNode(item, 'topStatement'));
  switch (found.name) {
    case 'useStatement':
      return readUse(reader, found);
    case 'namespaceBlock':
      return readNamespace(reader, found);
    case 'tierStatement':
      return readTier(reader, found);
    case 'policyBlock':
      return readPolicy(reader, found);
    case 'exceptionBlock':
      return readException(reader, found);
    case 'testBlock':
      return readTestBlock(reader, found);
    default:
      return readShared(reader, found);
  }
}

/** Statements that stand both in namespace blocks and outside. */
function readShared(
  reader: CstReader,
  node: CstNode,
):
  | ast.SetStatement
  | ast.PortsStatement
  | ast.GroupStatement
  | ast.AssertStatement
  | ast.UnbuiltStatement {
  const at = reader.spanOf(node);
  switch (node.name) {
    case 'setStatement':
      return readSet(reader, node);
    case 'portsStatement': {
      const items = readPortItems(reader, requireNode(node, 'portList'));
      return { kind: 'ports', name: reader.name(node, 'name'), items, span: at };
    }
    case 'groupStatement': {
      const peers = readPeerList(reader, requireNode(node, 'peerList'));
      return { kind: 'group', name: reader.name(node, 'name'), peers, span: at };
    }
    case 'assertStatement':
      return readAssert(reader, node);
    case 'unbuiltStatement':
      return { kind: 'unbuilt', what: readUnbuiltKind(node), span: at };
    default:
      return bug(`no statement ${node.name}`);
  }
}

function onlyChild(node: CstNode): CstNode {
  const name = Object.keys(node.children)[0] ?? bug(`${node.name} is empty`);
  return requireNode(node, name);
}

function readUnbuiltKind(node: CstNode): ast.UnbuiltKind {
  const word = requireToken(node, 'word').image;
  switch (word) {
    case 'limit':
    case 'route':
    case 'observe':
    case 'rule':
    case 'trace':
      return word;
    default:
      return bug(`no kind ${word}`);
  }
}

function readUse(reader: CstReader, node: CstNode): ast.UseStatement {
  const path = reader.text(requireToken(node, 'StringLiteral'));
  return { kind: 'use', path, span: reader.spanOf(node) };
}

function readSet(reader: CstReader, node: CstNode): ast.SetStatement {
  const expression = nodeOf(node, 'setExpression');
  const except = expression === undefined ? undefined : nodeOf(expression, 'except');
  return {
    kind: 'set',
    name: reader.name(node, 'name'),
    type: reader.text(requireToken(node, 'type')),
    ...(expression === undefined
      ? {}
      : { include: readSetOperand(reader, requireNode(expression, 'setOperand')) }),
    ...(except === undefined ? {} : { except: readSetOperand(reader, except) }),
    span: reader.spanOf(node),
  };
}

function readNote(reader: CstReader, node: CstNode): ast.NoteStatement {
  const word = requireToken(node, 'word').image === 'owner' ? 'owner' : 'contact';
  const text = reader.text(requireToken(node, 'StringLiteral'));
  return { kind: 'note', word, text, span: reader.spanOf(node) };
}

function readNamespace(reader: CstReader, node: CstNode): ast.NamespaceBlock {
  const statements = nodesOf(node, 'namespaceItem').map((item) =>
    readNamespaceStatement(reader, onlyChild(requireNode(item, 'namespaceStatement'))),
  );
  const name = reader.name(node, 'anyName');
  return { kind: 'namespace', name, statements, span: reader.spanOf(node) };
}

function readNamespaceStatement(reader: CstReader, node: CstNode): ast.NamespaceStatement {
  const at = reader.spanOf(node);
  switch (node.name) {
    case 'noteStatement':
      return readNote(reader, node);
    case 'isolateStatement': {
      const subject = nodeOf(node, 'peerList');
      return {
        kind: 'isolate',
        directions: readDirections(reader, requireNode(node, 'directionList')),
        ...(subject === undefined ? {} : { subject: readPeerList(reader, subject) }),
        clauses: readClauses(reader, requireNode(node, 'clauses')),
        span: at,
      };
    }
    case 'allowStatement': {
      const direction = readDirection(requireNode(node, 'direction'));
      return { kind: 'allow', direction, tail: readTail(reader, node), span: at };
    }
    case 'flowStatement': {
      const ports = readPortClause(reader, node);
      return {
        kind: 'flow',
        from: readPeerList(reader, requireNode(node, 'fromPeers')),
        to: readPeerList(reader, requireNode(node, 'toPeers')),
        ...(ports === undefined ? {} : { ports }),
        clauses: readClauses(reader, requireNode(node, 'clauses')),
        span: at,
      };
    }
    default:
      return readShared(reader, node);
  }
}

function readTail(reader: CstReader, owner: CstNode): ast.RuleTail {
  const node = requireNode(owner, 'ruleTail');
  const ports = readPortClause(reader, node);
  const from = readOnce(reader, node, 'fromPeers', 'from');
  const to = readOnce(reader, node, 'toPeers', 'to');
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(ports === undefined ? {} : { ports }),
    clauses: readClauses(reader, requireNode(node, 'clauses')),
  };
}

function readOnce(
  reader: CstReader,
  node: CstNode,
  label: string,
  word: string,
): ast.PeerList | undefined {
  const [first, second] = nodesOf(node, label);
  if (second !== undefined) reader.once(word, true, reader.spanOf(second));
  return first === undefined ? undefined : readPeerList(reader, first);
}

function readClauses(reader: CstReader, node: CstNode): ast.Clauses {
  const clauses: { -readonly [Key in keyof ast.Clauses]: ast.Clauses[Key] } = {};
  for (const clause of nodesOf(node, 'clause')) {
    const word = requireToken(clause, 'word').image;
    const at = reader.spanOf(clause);
    const text = tokenOf(clause, 'StringLiteral');
    switch (word) {
      case 'log':
      case 'reject':
        if (reader.once(word, clauses[word] !== undefined, at)) clauses[word] = at;
        break;
      case 'reason':
      case 'ticket':
        if (text === undefined) bug(`${word} has no text`);
        if (reader.once(word, clauses[word] !== undefined, at)) clauses[word] = reader.text(text);
        break;
      case 'name':
        if (reader.once(word, clauses.name !== undefined, at)) {
          clauses.name = reader.name(clause, 'anyName');
        }
        break;
      default:
        bug(`no clause ${word}`);
    }
  }
  return clauses;
}

function readTier(reader: CstReader, node: CstNode): ast.TierStatement {
  const order = reader.number(requireToken(node, 'NumberLiteral'));
  return { kind: 'tier', name: reader.name(node, 'name'), order, span: reader.spanOf(node) };
}

function readPolicy(reader: CstReader, node: CstNode): ast.PolicyBlock {
  const notes: ast.NoteStatement[] = [];
  const subjects: ast.PeerList[] = [];
  const rules: ast.RuleStatement[] = [];
  let tier: ast.Text | undefined;
  let priority: ast.NumberNode | undefined;
  for (const header of nodesOf(node, 'policyHeader')) {
    const note = nodeOf(header, 'noteStatement');
    const number = tokenOf(header, 'NumberLiteral');
    const at = reader.spanOf(header);
    if (note !== undefined) notes.push(readNote(reader, note));
    else if (number !== undefined) {
      if (reader.once('priority', priority !== undefined, at)) priority = reader.number(number);
    } else if (reader.once('tier', tier !== undefined, at)) tier = reader.name(header, 'name');
  }
  for (const item of nodesOf(node, 'policyItem')) {
    const statement = requireNode(item, 'policyStatement');
    const note = nodeOf(statement, 'noteStatement');
    const subject = nodeOf(statement, 'peerList');
    const block = nodeOf(statement, 'ruleBlock');
    if (note !== undefined) notes.push(readNote(reader, note));
    if (subject !== undefined) subjects.push(readPeerList(reader, subject));
    if (block !== undefined) for (const one of readRuleBlock(reader, block)) rules.push(one);
  }
  return {
    kind: 'policy',
    name: reader.name(node, 'name'),
    ...(tier === undefined ? {} : { tier }),
    ...(priority === undefined ? {} : { priority }),
    notes,
    subjects,
    rules,
    span: reader.spanOf(node),
  };
}

function readRuleBlock(reader: CstReader, node: CstNode): readonly ast.RuleStatement[] {
  const direction = readDirection(requireNode(node, 'direction'));
  return nodesOf(node, 'ruleItem').map((item) =>
    readRule(reader, requireNode(item, 'ruleStatement'), direction),
  );
}

function readRule(reader: CstReader, node: CstNode, direction: ast.Direction): ast.RuleStatement {
  const word = requireToken(requireNode(node, 'action'), 'word').image;
  const action = word === 'allow' || word === 'deny' ? word : 'pass';
  return {
    kind: 'rule',
    action,
    direction,
    tail: readTail(reader, node),
    span: reader.spanOf(node),
  };
}

function readException(reader: CstReader, node: CstNode): ast.ExceptionBlock {
  const notes: { reason?: ast.Text; ticket?: ast.Text; until?: ast.Text } = {};
  const approved: ast.Text[] = [];
  const rules: ast.RuleStatement[] = [];
  for (const item of nodesOf(node, 'exceptionItem')) {
    const statement = requireNode(item, 'exceptionStatement');
    const word = tokenOf(statement, 'word')?.image;
    const at = reader.spanOf(statement);
    if (word === undefined) {
      const direction = readDirection(requireNode(statement, 'direction'));
      rules.push(readRule(reader, statement, direction));
    } else if (word === 'approved') {
      for (const one of tokensOf(statement, 'StringLiteral').map((token) => reader.text(token)))
        approved.push(one);
    } else if (word === 'until') {
      if (reader.once(word, notes.until !== undefined, at)) {
        notes.until = reader.text(requireToken(statement, 'Time'));
      }
    } else {
      const key = word === 'reason' ? 'reason' : 'ticket';
      if (reader.once(key, notes[key] !== undefined, at)) {
        notes[key] = reader.text(requireToken(statement, 'StringLiteral'));
      }
    }
  }
  return {
    kind: 'exception',
    name: reader.name(node, 'name'),
    to: reader.name(node, 'policy'),
    ...notes,
    approved,
    rules,
    span: reader.spanOf(node),
  };
}
