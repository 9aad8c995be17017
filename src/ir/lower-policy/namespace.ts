/** Lowers `namespace` blocks: what a team says about the pods of its own namespace. */
import type {
  AllowStatement,
  Clauses,
  FlowStatement,
  IsolateStatement,
  NamespaceBlock,
  PeerList,
  PeerNode,
  Text,
} from '../../parser/ast.js';
import { diagnostic } from '../../diagnostics.js';
import { faultOfDnsLabel } from '../../parser/k8s/names.js';
import type { Span } from '../../source.js';
import { checkName, faultOfFreeName, type Home } from './context.js';
import { namespaceNamed, type Names } from './names.js';
import { lowerRule, podSubjects, selectorsOf } from './rules.js';
import {
  NAMESPACE_NAME_LABEL,
  NETWORKPOLICY_TIER,
  type Direction,
  type PodSelector,
  type Policy,
  type Rule,
} from '../model.js';

/** A policy of a statement, before all statements of its namespace have their names. */
export interface NamespaceDraft {
  readonly namespace: string;
  /** The name that the author gave. */
  readonly given?: Text;
  /** The name that is made from what the statement says. */
  readonly derived: string;
  /** Behind the name: the half of a flow. */
  readonly suffix: '' | '.ingress' | '.egress';
  /** Drafts of one statement share their name. */
  readonly statement: Span;
  readonly policy: Omit<Policy, 'name'>;
}

interface Block {
  readonly home: Home;
  readonly namespace: string;
  readonly notes: { readonly owner?: string; readonly contact?: string };
  readonly names: Names;
}

export function lowerNamespaceBlock(
  node: NamespaceBlock,
  loaded: Home['loaded'],
  names: Names,
): readonly NamespaceDraft[] {
  checkName(names.reporter, node.name, faultOfDnsLabel);
  const namespace = node.name.text;
  const notes = readNotes(node.statements, names);
  const block: Block = { home: { loaded, namespace }, namespace, notes, names };
  return node.statements.flatMap((statement) => {
    switch (statement.kind) {
      case 'isolate':
        return [lowerIsolate(statement, block)];
      case 'allow':
        return lowerAllow(statement, block);
      case 'flow':
        return lowerFlow(statement, block);
      case 'unbuilt':
        names.reporter.report('policy/not-built', { what: statement.what }, statement.span);
        return [];
      default:
        return [];
    }
  });
}

/** Owner and contact, each at most once. */
export function readNotes(
  statements: readonly { readonly kind: string; readonly span: Span }[],
  names: Names,
): { readonly owner?: string; readonly contact?: string } {
  const notes: { owner?: string; contact?: string } = {};
  for (const statement of statements) {
    if (!isNote(statement)) continue;
    const { word, text } = statement;
    if (notes[word] !== undefined) {
      names.reporter.diagnostics.push(diagnostic('syntax/repeated', { word }, statement.span));
    } else notes[word] = text.text;
  }
  return notes;
}

function isNote(statement: {
  readonly kind: string;
}): statement is { kind: 'note'; word: 'owner' | 'contact'; text: Text; span: Span } {
  return statement.kind === 'note';
}

function lowerIsolate(node: IsolateStatement, block: Block): NamespaceDraft {
  const { clauses } = node;
  refuseClause('reject', clauses.reject, block);
  refuseClause('reason', clauses.reason?.span, block);
  refuseClause('ticket', clauses.ticket?.span, block);
  const directions = node.directions.map((one) => one.direction);
  const words = directions.length === 2 ? [] : directions;
  return draft(node, block, {
    derived: ['isolate', ...words, ...wordsOf(node.subject)],
    clauses,
    subjects: subjectsOf(node.subject, node.span, block),
    isolates: { ingress: directions.includes('ingress'), egress: directions.includes('egress') },
    logsIsolation: clauses.log !== undefined,
  });
}

function refuseClause(word: string, at: Span | undefined, block: Block): void {
  if (at === undefined) return;
  const args = { word, place: 'with `isolate`' };
  block.names.reporter.report('policy/misplaced-clause', args, at);
}

function lowerAllow(node: AllowStatement, block: Block): readonly NamespaceDraft[] {
  const { direction, tail } = node;
  const peers = direction === 'ingress' ? tail.from : tail.to;
  const subject = direction === 'ingress' ? tail.to : tail.from;
  if (peers === undefined) {
    const word = direction === 'ingress' ? 'from' : 'to';
    block.names.reporter.report('policy/missing-peers', { direction, word }, node.span);
    return [];
  }
  const subjects = subjectsOf(subject, node.span, block);
  const rule = ruleOf(node.span, direction, peers, tail.ports, tail.clauses, block);
  const derived = ['allow', direction, ...wordsOf(peers), ...wordsOf(subject)];
  return [draft(node, block, { derived, clauses: tail.clauses, subjects, rules: [rule] })];
}

function lowerFlow(node: FlowStatement, block: Block): readonly NamespaceDraft[] {
  const { from, to, ports, clauses } = node;
  const sources = ownPods(from, block);
  const targets = ownPods(to, block);
  if (sources.length + targets.length === 0) {
    const args = { namespace: block.namespace };
    block.names.reporter.report('policy/no-own-end', args, node.span);
  }
  const derived = ['flow', ...wordsOf(from), ...wordsOf(to)];
  const half = (
    direction: Direction,
    subjects: readonly PodSelector[],
  ): readonly NamespaceDraft[] => {
    if (subjects.length === 0) return [];
    const peers = direction === 'egress' ? to : from;
    const rule = ruleOf(node.span, direction, peers, ports, clauses, block, to);
    const suffix = direction === 'egress' ? '.egress' : '.ingress';
    return [draft(node, block, { derived, clauses, subjects, rules: [rule], suffix })];
  };
  return [...half('egress', sources), ...half('ingress', targets)];
}

function ruleOf(
  origin: Span,
  direction: Direction,
  peers: PeerList,
  ports: AllowStatement['tail']['ports'],
  clauses: Clauses,
  block: Block,
  implying?: PeerList,
): Rule {
  const name = `${direction}[0]`;
  const parts = {
    direction,
    action: 'allow' as const,
    peers,
    ...(implying === undefined ? {} : { implying }),
    ports,
    clauses,
    name,
    origin,
  };
  return lowerRule(parts, block.home, block.names);
}

/** The pods that the statement speaks for: those named, or all of the namespace. */
function subjectsOf(
  list: PeerList | undefined,
  origin: Span,
  block: Block,
): readonly PodSelector[] {
  const namespaces = namespaceNamed(block.namespace);
  if (list === undefined) return [{ namespaces, pods: { requirements: [] }, origin }];
  const { reporter } = block.names;
  return list.peers.flatMap((peer) => {
    const pods = podSubjects(block.names.peer(peer, block.home), peer.span, reporter);
    if (pods.some((one) => !isIn(block.namespace, one))) {
      reporter.report('policy/subject-elsewhere', { namespace: block.namespace }, peer.span);
    }
    return pods;
  });
}

/** The peers of the list that are pods of the block's namespace for certain. */
function ownPods(list: PeerList, block: Block): readonly PodSelector[] {
  const pods = block.names.peers(list, block.home).filter((peer) => peer.kind === 'pods');
  return selectorsOf(pods).filter((one) => isIn(block.namespace, one));
}

function isIn(namespace: string, { namespaces }: PodSelector): boolean {
  return namespaces.requirements.some(
    ({ key, operator, values }) =>
      key === NAMESPACE_NAME_LABEL &&
      operator === 'In' &&
      values.length === 1 &&
      values[0] === namespace,
  );
}

interface DraftParts {
  readonly derived: readonly string[];
  readonly clauses: Clauses;
  readonly subjects: readonly PodSelector[];
  readonly isolates?: Policy['isolates'];
  readonly logsIsolation?: boolean;
  readonly rules?: readonly Rule[];
  readonly suffix?: NamespaceDraft['suffix'];
}

function draft(node: { readonly span: Span }, block: Block, parts: DraftParts): NamespaceDraft {
  const given = parts.clauses.name;
  if (given !== undefined) checkName(block.names.reporter, given, faultOfFreeName);
  const { owner, contact } = block.notes;
  return {
    namespace: block.namespace,
    ...(given === undefined ? {} : { given }),
    derived: parts.derived.join('-'),
    suffix: parts.suffix ?? '',
    statement: node.span,
    policy: {
      kind: 'namespace',
      tier: NETWORKPOLICY_TIER.name,
      priority: 0,
      namespace: block.namespace,
      subjects: parts.subjects,
      isolates: parts.isolates ?? { ingress: false, egress: false },
      logsIsolation: parts.logsIsolation ?? false,
      rules: parts.rules ?? [],
      ...(owner === undefined ? {} : { owner }),
      ...(contact === undefined ? {} : { contact }),
      origin: node.span,
    },
  };
}

function wordsOf(list: PeerList | undefined): readonly string[] {
  return (list?.peers ?? []).map(wordOf);
}

function wordOf(peer: PeerNode): string {
  switch (peer.kind) {
    case 'known':
      return peer.which;
    case 'reference':
      return peer.name.text;
    case 'service':
      return peer.name.text;
    case 'address':
      return 'cidr';
    case 'pods':
    case 'nodes':
      return peer.kind;
  }
}
