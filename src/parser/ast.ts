/** The syntax tree of a policy file: what was written, name for name, with spans everywhere. */
import type { SourceFile, Span } from '../source.js';

interface Node {
  readonly span: Span;
}

/** A name or a text: its value, and where it stands, quotes included. */
export interface Text extends Node {
  readonly text: string;
}

export interface NumberNode extends Node {
  readonly value: number;
}

export type ConditionOperator = 'In' | 'NotIn' | 'Exists';

/** What follows `where`. */
export type Condition =
  | ({ readonly kind: 'and' | 'or'; readonly operands: readonly Condition[] } & Node)
  | ({ readonly kind: 'not'; readonly operand: Condition } & Node)
  | ({
      readonly kind: 'test';
      readonly key: Text;
      readonly operator: ConditionOperator;
      /** Empty for `exists`. */
      readonly values: readonly Text[];
    } & Node);

export type PodScope =
  /** No `in …`: the namespace of the block, or every namespace outside of namespace blocks. */
  | { readonly kind: 'here' }
  | { readonly kind: 'every' }
  | { readonly kind: 'named'; readonly namespace: Text }
  | { readonly kind: 'matching'; readonly where: Condition };

export type KnownPeer = 'any' | 'outside' | 'own-node' | 'dns' | 'apiserver' | 'metadata-api';

export type PeerNode =
  | ({ readonly kind: 'known'; readonly which: KnownPeer } & Node)
  | ({ readonly kind: 'nodes'; readonly where?: Condition } & Node)
  | ({ readonly kind: 'pods'; readonly scope: PodScope; readonly where?: Condition } & Node)
  | ({ readonly kind: 'service'; readonly namespace: Text; readonly name: Text } & Node)
  | ({ readonly kind: 'address' } & Text)
  | ({ readonly kind: 'reference'; readonly namespace?: Text; readonly name: Text } & Node);

export interface PeerList extends Node {
  readonly peers: readonly PeerNode[];
}

export type PortItem =
  | ({
      readonly kind: 'range';
      readonly first: NumberNode;
      readonly last: NumberNode;
      readonly protocol: Text;
    } & Node)
  | ({ readonly kind: 'whole'; readonly protocol: Text } & Node)
  | ({ readonly kind: 'named'; readonly name: Text; readonly protocol: Text } & Node)
  | ({ readonly kind: 'reference'; readonly name: Text } & Node);

export type PortClause =
  | ({ readonly kind: 'every' } & Node)
  | ({ readonly kind: 'list'; readonly items: readonly PortItem[] } & Node);

export type Direction = 'ingress' | 'egress';
export type Action = 'allow' | 'deny' | 'pass';

export interface DirectionNode extends Node {
  readonly direction: Direction;
}

/** The clauses behind a rule. */
export interface Clauses {
  readonly log?: Span;
  readonly reject?: Span;
  readonly reason?: Text;
  readonly ticket?: Text;
  readonly name?: Text;
}

/** What follows the action of a rule; at least one of `from` and `to` is there. */
export interface RuleTail {
  readonly from?: PeerList;
  readonly to?: PeerList;
  readonly ports?: PortClause;
  readonly clauses: Clauses;
}

export type SetItem =
  ({ readonly kind: 'address' } & Text) | ({ readonly kind: 'reference' } & Text);

export interface SetOperand extends Node {
  readonly items: readonly SetItem[];
}

export interface UseStatement extends Node {
  readonly kind: 'use';
  readonly path: Text;
}

export interface SetStatement extends Node {
  readonly kind: 'set';
  readonly name: Text;
  readonly type: Text;
  /** Absent for a feed. */
  readonly include?: SetOperand;
  readonly except?: SetOperand;
}

export interface PortsStatement extends Node {
  readonly kind: 'ports';
  readonly name: Text;
  readonly items: readonly PortItem[];
}

export interface GroupStatement extends Node {
  readonly kind: 'group';
  readonly name: Text;
  readonly peers: PeerList;
}

/** `owner "…"` or `contact "…"`. */
export interface NoteStatement extends Node {
  readonly kind: 'note';
  readonly word: 'owner' | 'contact';
  readonly text: Text;
}

export interface IsolateStatement extends Node {
  readonly kind: 'isolate';
  readonly directions: readonly DirectionNode[];
  readonly subject?: PeerList;
  readonly clauses: Clauses;
}

export interface AllowStatement extends Node {
  readonly kind: 'allow';
  readonly direction: Direction;
  readonly tail: RuleTail;
}

export interface FlowStatement extends Node {
  readonly kind: 'flow';
  readonly from: PeerList;
  readonly to: PeerList;
  readonly ports?: PortClause;
  readonly clauses: Clauses;
}

export type UnbuiltKind = 'limit' | 'route' | 'observe' | 'rule' | 'trace';

/** A kind of policy that this version does not build; what it says is not read. */
export interface UnbuiltStatement extends Node {
  readonly kind: 'unbuilt';
  readonly what: UnbuiltKind;
}

export interface NamespaceBlock extends Node {
  readonly kind: 'namespace';
  readonly name: Text;
  readonly statements: readonly NamespaceStatement[];
}

export type NamespaceStatement =
  | SetStatement
  | PortsStatement
  | GroupStatement
  | NoteStatement
  | IsolateStatement
  | AllowStatement
  | FlowStatement
  | AssertStatement
  | UnbuiltStatement;

export interface TierStatement extends Node {
  readonly kind: 'tier';
  readonly name: Text;
  readonly order: NumberNode;
}

export interface RuleStatement extends Node {
  readonly kind: 'rule';
  readonly action: Action;
  readonly direction: Direction;
  readonly tail: RuleTail;
}

export interface PolicyBlock extends Node {
  readonly kind: 'policy';
  readonly name: Text;
  readonly tier?: Text;
  readonly priority?: NumberNode;
  readonly notes: readonly NoteStatement[];
  readonly subjects: readonly PeerList[];
  readonly rules: readonly RuleStatement[];
}

export interface ExceptionBlock extends Node {
  readonly kind: 'exception';
  readonly name: Text;
  readonly to: Text;
  readonly reason?: Text;
  readonly ticket?: Text;
  readonly until?: Text;
  readonly approved: readonly Text[];
  readonly rules: readonly RuleStatement[];
}

export type Claim =
  | {
      readonly kind: 'reach';
      readonly quantifier: 'some' | 'all';
      readonly from: PeerList;
      readonly to: PeerList;
      readonly ports?: PortClause;
    }
  | {
      readonly kind: 'never' | 'only';
      readonly from: PeerList;
      readonly to: PeerList;
      readonly ports?: PortClause;
    }
  | {
      readonly kind: 'isolated';
      readonly group: PeerList;
      readonly directions: readonly DirectionNode[];
    }
  | { readonly kind: 'maps'; readonly limit: NumberNode; readonly unit: Text };

export interface AssertStatement extends Node {
  readonly kind: 'assert';
  readonly claim: Claim;
}

export interface LabelPair extends Node {
  readonly key: Text;
  readonly value: Text;
}

export interface GivenStatement extends Node {
  readonly kind: 'given';
  readonly pod: Text;
  readonly namespace: Text;
  readonly labels: readonly LabelPair[];
}

export interface TestFlow extends Node {
  /** As written, without spaces; a Service begins with `service `. */
  readonly from: Text;
  readonly to: Text;
  readonly service: PortItem | 'ICMP' | 'ICMPv6';
}

export interface WhenStatement extends Node {
  readonly kind: 'when';
  readonly flow: TestFlow;
}

export interface ExpectStatement extends Node {
  readonly kind: 'expect';
  readonly verdict: 'allow' | 'deny';
  readonly by?: Text;
  /** The table behind it; absent if it speaks of the `when` statements before it. */
  readonly flows?: readonly TestFlow[];
}

export interface TestBlock extends Node {
  readonly kind: 'test';
  readonly name: Text;
  readonly statements: readonly (GivenStatement | WhenStatement | ExpectStatement)[];
}

export type TopStatement =
  | UseStatement
  | SetStatement
  | PortsStatement
  | GroupStatement
  | NamespaceBlock
  | TierStatement
  | PolicyBlock
  | ExceptionBlock
  | AssertStatement
  | TestBlock
  | UnbuiltStatement;

/** A whole `.pol` file. */
export interface PolicyFile {
  readonly source: SourceFile;
  readonly statements: readonly TopStatement[];
}
