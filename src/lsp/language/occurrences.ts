/** Every place where something named is declared or meant: what definition, references and rename ask. */
import type {
  ExceptionBlock,
  PeerList,
  PeerNode,
  PolicyBlock,
  PortItem,
  SetOperand,
  Text,
  TierStatement,
  TopStatement,
} from '../../parser/ast.js';
import { Reporter, type Declaration, type Home } from '../../ir/lower-policy/context.js';
import { findName, type Reference, type Wanted } from '../../ir/lower-policy/find.js';
import type { Span } from '../../source.js';
import type { View } from '../workspace/view.js';
import { childrenOf, statementsOf, type TreeNode } from './tree.js';

export type ThingKind =
  'group' | 'set' | 'ports' | 'tier' | 'policy' | 'exception' | 'test' | 'namespace';

/** Something that policies give a name to. A namespace has a declaration for each of its blocks. */
export interface Thing {
  readonly kind: ThingKind;
  readonly name: string;
  /** The namespace block that a group, a set or ports stand in. */
  readonly namespace?: string;
  /** For groups, sets and ports. */
  readonly declaration?: Declaration;
  /** For tiers, policies and exceptions. */
  readonly statement?: TierStatement | PolicyBlock | ExceptionBlock;
}

export interface Occurrence {
  readonly thing: Thing;
  /** The name alone, quotes included. */
  readonly at: Span;
  readonly declares: boolean;
  /** The statement around it. */
  readonly statement: Span;
}

export function findOccurrences(view: View): readonly Occurrence[] {
  return new Finder(view).run();
}

class Finder {
  readonly #found: Occurrence[] = [];
  readonly #things = new Map<unknown, Thing>();
  readonly #silent = new Reporter();
  #statement: Span | undefined;

  constructor(private readonly view: View) {}

  run(): readonly Occurrence[] {
    // Blocks come first, so that what refers to them finds them whatever the order of files.
    for (const { file } of this.view.files) for (const top of file.statements) this.#block(top);
    for (const loaded of this.view.files) {
      for (const { statement, namespace } of statementsOf(loaded.file)) {
        this.#statement = statement.span;
        const home = namespace === undefined ? { loaded } : { loaded, namespace };
        this.#declared(statement, home);
        this.#walk(statement, home, statement.kind === 'assert' ? 'claim' : 'peers');
      }
    }
    return this.#found;
  }

  #block(top: TopStatement): void {
    this.#statement = top.span;
    switch (top.kind) {
      case 'tier':
      case 'policy':
      case 'exception':
        this.#named(top.kind, top.name, true, top);
        break;
      case 'namespace':
      case 'test':
        this.#named(top.kind, top.name, true);
        break;
      default:
        break;
    }
  }

  #add(thing: Thing, at: Span, declares: boolean): void {
    this.#found.push({ thing, at, declares, statement: this.#statement ?? at });
  }

  /** Things of which a name means one in all files. */
  #named(
    kind: ThingKind,
    { text, span: at }: Text,
    declares: boolean,
    statement?: Thing['statement'],
  ): void {
    const key = `${kind} ${text}`;
    const thing = this.#things.get(key) ?? {
      kind,
      name: text,
      ...(statement === undefined ? {} : { statement }),
    };
    this.#things.set(key, thing);
    this.#add(thing, at, declares);
  }

  #thingOf(declaration: Declaration): Thing {
    const known = this.#things.get(declaration.statement);
    if (known !== undefined) return known;
    const { kind, name } = declaration.statement;
    const { namespace } = declaration.home;
    const thing: Thing = {
      kind,
      name: name.text,
      declaration,
      ...(namespace === undefined ? {} : { namespace }),
    };
    this.#things.set(declaration.statement, thing);
    return thing;
  }

  #declared(statement: TreeNode, home: Home): void {
    if (isDeclaration(statement)) {
      this.#add(this.#thingOf({ statement, home }), statement.name.span, true);
    } else if (isPolicy(statement)) {
      if (statement.tier !== undefined) this.#named('tier', statement.tier, false);
    } else if (isException(statement)) this.#named('policy', statement.to, false);
  }

  #walk(node: TreeNode, home: Home, wanted: Wanted): void {
    if (isPeerList(node)) for (const peer of node.peers) this.#peer(peer, home, wanted);
    else if (isPortList(node)) for (const item of node.items) this.#port(item, home);
    else if (isSetOperand(node)) {
      for (const item of node.items) {
        if (item.kind === 'reference')
          this.#reference({ name: item, span: item.span }, home, 'set');
      }
    } else if (node.kind === undefined && 'service' in node && isPort(node.service)) {
      this.#port(node.service, home);
    } else if (node.kind === 'given' && 'namespace' in node) {
      this.#named('namespace', node.namespace as Text, false);
    } else if (node.kind === 'expect' && 'by' in node) this.#decider(node.by as Text);
    for (const child of childrenOf(node)) this.#walk(child, home, wanted);
  }

  #peer(peer: PeerNode, home: Home, wanted: Wanted): void {
    if (peer.kind === 'reference') {
      if (peer.namespace !== undefined) this.#named('namespace', peer.namespace, false);
      this.#reference(peer, home, wanted);
    } else if (peer.kind === 'pods' && peer.scope.kind === 'named') {
      this.#named('namespace', peer.scope.namespace, false);
    } else if (peer.kind === 'service') this.#named('namespace', peer.namespace, false);
  }

  #port(item: PortItem, home: Home): void {
    if (item.kind === 'reference') this.#reference(item, home, 'ports');
  }

  #reference(reference: Reference, home: Home, wanted: Wanted): void {
    const found = findName(reference, home, wanted, this.#silent);
    if (found !== undefined) this.#add(this.#thingOf(found), reference.name.span, false);
  }

  /** `by NAME` may mean a policy block; names of other policies are made, not written. */
  #decider(by: Text): void {
    if (this.#things.has(`policy ${by.text}`)) this.#named('policy', by, false);
  }
}

function isDeclaration(node: TreeNode): node is Declaration['statement'] {
  return (node.kind === 'group' || node.kind === 'set' || node.kind === 'ports') && 'name' in node;
}

function isPolicy(node: TreeNode): node is PolicyBlock {
  return node.kind === 'policy';
}

function isException(node: TreeNode): node is ExceptionBlock {
  return node.kind === 'exception';
}

export function isPeerList(node: TreeNode): node is PeerList {
  return 'peers' in node && Array.isArray(node.peers);
}

/** A port clause that lists ports, or a `ports` statement. */
function isPortList(node: TreeNode): node is TreeNode & { readonly items: readonly PortItem[] } {
  return (node.kind === 'list' || node.kind === 'ports') && 'items' in node;
}

function isSetOperand(node: TreeNode): node is SetOperand {
  return node.kind === undefined && 'items' in node;
}

function isPort(value: unknown): value is PortItem {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
