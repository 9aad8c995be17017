/** What a statement of a policy file does, in plain sentences. */
import type {
  AllowStatement,
  AssertStatement,
  FlowStatement,
  IsolateStatement,
  PeerList,
  PortClause,
  RuleStatement,
} from '../../parser/ast.js';
import type { Home } from '../../ir/lower-policy/context.js';
import { impliedPorts, type Names } from '../../ir/lower-policy/names.js';
import type { Rule } from '../../ir/model.js';
import type { TreeNode } from '../language/tree.js';
import { code, capital, listWords, peersWords, portsWords, ruleSentence } from './words.js';

/** @param path the nodes around the statement: a rule's subject stands in its policy */
export function statementSentences(
  node: TreeNode,
  path: readonly TreeNode[],
  home: Home,
  names: Names,
): readonly string[] {
  const say = new Sayer(home, names);
  const statement = node as Statement;
  switch (statement.kind) {
    case 'allow':
      return say.allow(statement);
    case 'flow':
      return say.flow(statement);
    case 'isolate':
      return say.isolate(statement);
    case 'assert':
      return say.assert(statement);
    case 'rule':
      return say.rule(statement, path);
    default:
      return [];
  }
}

/** What begins a statement, by its kind; other nodes have other kinds. */
type Statement =
  | AllowStatement
  | FlowStatement
  | IsolateStatement
  | AssertStatement
  | RuleStatement
  | { readonly kind: undefined };

class Sayer {
  constructor(
    private readonly home: Home,
    private readonly names: Names,
  ) {}

  allow(node: AllowStatement): readonly string[] {
    const { direction, tail } = node;
    const [peers, subject] = direction === 'ingress' ? [tail.from, tail.to] : [tail.to, tail.from];
    if (peers === undefined) return [];
    const ports = this.#ports(tail.ports, direction === 'egress' ? peers : undefined);
    return [
      ruleSentence({
        ...{ direction, action: 'allow', ports, reject: false },
        log: tail.clauses.log !== undefined,
        subject: this.#subject(subject),
        peers: this.#who(peers),
      }),
    ];
  }

  flow(node: FlowStatement): readonly string[] {
    const ports = portsWords(this.#ports(node.ports, node.to));
    return [
      `${capital(this.#who(node.from))} may connect to ${this.#who(node.to)} at ${ports}.`,
      'It allows egress at the first end and ingress at the second, as far as they lie in this namespace.',
    ];
  }

  isolate(node: IsolateStatement): readonly string[] {
    const directions = listWords(
      node.directions.map(({ direction }) => direction),
      'and',
    );
    const log = node.clauses.log === undefined ? '' : ', and that is logged';
    return [
      `${capital(this.#subject(node.subject))} are isolated for ${directions}: what no rule allows is denied${log}.`,
    ];
  }

  rule(node: RuleStatement, path: readonly TreeNode[]): readonly string[] {
    const { tail, direction, action } = node;
    const peers = direction === 'ingress' ? tail.from : tail.to;
    if (peers === undefined) return [];
    const policy = path.find((one) => 'subjects' in one && Array.isArray(one.subjects));
    const subjects =
      policy !== undefined && 'subjects' in policy ? (policy.subjects as PeerList[]) : [];
    const exception = path.find((one) => one.kind === 'exception');
    const until = exception !== undefined && 'until' in exception ? exception.until : undefined;
    const subject =
      subjects.length === 0
        ? 'the policy’s pods'
        : listWords(
            subjects.map((one) => this.#who(one)),
            'or',
          );
    return [
      ruleSentence({
        ...{ direction, action, subject },
        peers: this.#who(peers),
        ports: this.#ports(tail.ports, direction === 'egress' ? peers : undefined),
        log: tail.clauses.log !== undefined,
        reject: tail.clauses.reject !== undefined,
        ...(typeof until === 'object' && until !== null && 'text' in until
          ? { until: String(until.text) }
          : {}),
      }),
    ];
  }

  assert({ claim }: AssertStatement): readonly string[] {
    switch (claim.kind) {
      case 'maps':
        return [
          `The bound tables take at most ${claim.limit.value} ${claim.unit.text} on every node.`,
        ];
      case 'isolated': {
        const directions = claim.directions.map(({ direction }) => direction);
        const which = directions.length === 0 ? 'both directions' : listWords(directions, 'and');
        return [`Some policy isolates every pod among ${this.#who(claim.group)}, in ${which}.`];
      }
      default: {
        const from = this.#who(claim.from);
        const to = this.#who(claim.to);
        const ports = portsWords(this.#ports(claim.ports, claim.to));
        if (claim.kind === 'reach') {
          const all = claim.quantifier === 'all';
          return [
            `${all ? 'Each' : 'Some'} of ${from} can reach ${all ? 'each' : 'some'} of ${to} at ${ports}.`,
          ];
        }
        const who = claim.kind === 'only' ? `Nobody but ${from}` : `None of ${from}`;
        return [`${who} can reach ${to} at ${ports}.`];
      }
    }
  }

  /** A group by its name with what it stands for, since the reader knows the one or the other. */
  #who(list: PeerList): string {
    const words = list.peers.map((peer) => {
      const meaning = peersWords(this.names.peer(peer, this.home, 'claim'));
      if (peer.kind !== 'reference') return meaning;
      const name =
        peer.namespace === undefined ? peer.name.text : `${peer.namespace.text}/${peer.name.text}`;
      return `${code(name)} (${meaning})`;
    });
    return listWords(words, 'or');
  }

  #subject(list: PeerList | undefined): string {
    if (list !== undefined) return this.#who(list);
    const { namespace } = this.home;
    return namespace === undefined ? 'all pods' : `all pods in namespace ${code(namespace)}`;
  }

  #ports(clause: PortClause | undefined, receivers: PeerList | undefined): Rule['ports'] {
    if (clause !== undefined) {
      return clause.kind === 'every' ? 'every' : this.names.ports(clause.items, this.home);
    }
    return (receivers === undefined ? undefined : impliedPorts(receivers)) ?? 'every';
  }
}
