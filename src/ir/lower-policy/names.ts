/** Lowers peers and ports to those of the model, through all the names that they are written with. */
import { parsePrefix, type Prefix } from '../../address.js';
import { nearestName } from '../../did-you-mean.js';
import { bug } from '../../diagnostics.js';
import type {
  PeerList,
  PeerNode,
  PodScope,
  PortItem,
  SetOperand,
  SetStatement,
  Text,
} from '../../parser/ast.js';
import { faultOfDnsLabel, faultOfPortName } from '../../parser/k8s/names.js';
import type { Span } from '../../source.js';
import { noteOrigin } from '../clause-origins.js';
import { checkName, type Declaration, type Home, type Reporter } from './context.js';
import { findName, type Wanted } from './find.js';
import { PrefixIndex, readPrefix, subtractSet, type SetPart } from './sets.js';
import { lowerCondition } from './where.js';
import {
  NAMESPACE_NAME_LABEL,
  type LabelRequirement,
  type LabelSelector,
  type Peer,
  type PortMatch,
  type PortProtocol,
} from '../model.js';

/** Declarations may lead to each other this deep. */
const MAX_CHAIN = 500;

const PROTOCOLS: ReadonlyMap<string, PortProtocol> = new Map([
  ['tcp', 'TCP'],
  ['udp', 'UDP'],
  ['sctp', 'SCTP'],
]);

const EVERYTHING: LabelSelector = { requirements: [] };

/** The metadata services of clouds: link-local in all of them, and the IPv6 address of AWS. */
const METADATA_PREFIXES = ['169.254.169.254/32', 'fd00:ec2::254/128'];
/** The address at which NodeLocal DNSCache listens on every node. */
const NODE_LOCAL_DNS = '169.254.20.10/32';

const DNS_PORTS: readonly PortMatch[] = [
  { kind: 'range', protocol: 'UDP', first: 53, last: 53 },
  { kind: 'range', protocol: 'TCP', first: 53, last: 53 },
];

/** The ports of traffic to the peers where they are `dns` alone, so that none need be written. */
export function impliedPorts({ peers }: PeerList): readonly PortMatch[] | undefined {
  const isDns = peers.every((peer) => peer.kind === 'known' && peer.which === 'dns');
  return isDns ? DNS_PORTS : undefined;
}

/** @param origin of the name, where somebody wrote it */
export function namespaceNamed(name: string, origin?: Span): LabelSelector {
  const requirement: LabelRequirement = {
    key: NAMESPACE_NAME_LABEL,
    operator: 'In',
    values: [name],
  };
  if (origin !== undefined) noteOrigin(requirement, origin);
  return { requirements: [requirement] };
}

/** The values of declarations, each found once. */
class Values<Value> {
  readonly #values = new Map<Declaration['statement'], Value | 'pending'>();
  #depth = 0;

  constructor(
    readonly reporter: Reporter,
    readonly empty: Value,
  ) {}

  get({ statement }: Declaration, at: Span, make: () => Value): Value {
    const known = this.#values.get(statement);
    if (known === 'pending') {
      this.reporter.report('policy/cyclic', { name: statement.name.text }, at);
      return this.empty;
    }
    if (known !== undefined) return known;
    if (this.#depth >= MAX_CHAIN) {
      this.reporter.report('policy/nested-names', { limit: MAX_CHAIN }, at);
      return this.empty;
    }
    this.#values.set(statement, 'pending');
    this.#depth += 1;
    const value = make();
    this.#depth -= 1;
    this.#values.set(statement, value);
    return value;
  }
}

export class Names {
  readonly #sets: Values<readonly SetPart[]>;
  readonly #setPeers: Values<readonly Peer[]>;
  readonly #groups: Values<readonly Peer[]>;
  readonly #ports: Values<readonly PortMatch[]>;

  constructor(readonly reporter: Reporter) {
    this.#sets = new Values<readonly SetPart[]>(reporter, []);
    this.#setPeers = new Values<readonly Peer[]>(reporter, []);
    this.#groups = new Values<readonly Peer[]>(reporter, []);
    this.#ports = new Values<readonly PortMatch[]>(reporter, []);
  }

  /** Checks a declaration, whether or not anything names it. */
  declare(declaration: Declaration): void {
    const at = declaration.statement.name.span;
    if (declaration.statement.kind === 'ports') this.#portsOf(declaration, at);
    else this.#peersOf(declaration, at);
  }

  /** The peers of a list; any of them matches. Each of the model's peers is there once. */
  peers(list: PeerList, home: Home, wanted: Wanted = 'peers'): readonly Peer[] {
    return [...new Set(list.peers.flatMap((peer) => this.peer(peer, home, wanted)))];
  }

  peer(node: PeerNode, home: Home, wanted: Wanted = 'peers'): readonly Peer[] {
    const origin = node.span;
    switch (node.kind) {
      case 'known':
        return lowerKnownPeer(node, origin);
      case 'nodes':
        return lowerCondition(node.where, this.reporter).map((selector) => ({
          kind: 'nodes',
          selector,
          origin,
        }));
      case 'pods': {
        const namespaces = this.#namespaces(node.scope, home);
        const pods = lowerCondition(node.where, this.reporter);
        return namespaces.flatMap((one) =>
          pods.map((two) => ({ kind: 'pods', namespaces: one, pods: two, origin })),
        );
      }
      case 'service': {
        const { namespace, name } = node;
        checkName(this.reporter, namespace, faultOfDnsLabel);
        checkName(this.reporter, name, faultOfDnsLabel);
        return [{ kind: 'service', namespace: namespace.text, name: name.text, origin }];
      }
      case 'address': {
        const prefix = readPrefix(node, this.reporter);
        if (prefix === undefined) return [];
        return [{ kind: 'addresses', include: [prefix], exclude: [], origin }];
      }
      case 'reference': {
        const found = findName(node, home, wanted, this.reporter);
        return found === undefined ? [] : this.#peersOf(found, origin);
      }
    }
  }

  ports(items: readonly PortItem[], home: Home): readonly PortMatch[] {
    const ports = items.flatMap((item) => {
      const matches = this.#port(item, home);
      // Those of a declaration stand there.
      if (item.kind !== 'reference') for (const one of matches) noteOrigin(one, item.span);
      return matches;
    });
    return [...new Set(ports)];
  }

  #namespaces(scope: PodScope, home: Home): readonly LabelSelector[] {
    switch (scope.kind) {
      case 'here':
        return home.namespace === undefined ? [EVERYTHING] : [namespaceNamed(home.namespace)];
      case 'every':
        return [EVERYTHING];
      case 'named':
        checkName(this.reporter, scope.namespace, faultOfDnsLabel);
        return [namespaceNamed(scope.namespace.text, scope.namespace.span)];
      case 'matching':
        return lowerCondition(scope.where, this.reporter);
    }
  }

  #peersOf(declaration: Declaration, at: Span): readonly Peer[] {
    const { statement, home } = declaration;
    if (statement.kind === 'group') {
      return this.#groups.get(declaration, at, () => this.peers(statement.peers, home));
    }
    if (statement.kind === 'ports') return bug('ports are no peers');
    return this.#setPeers.get(declaration, at, () =>
      this.#partsOf(declaration, at).map((part) => ({
        kind: 'addresses',
        ...part,
        origin: statement.span,
      })),
    );
  }

  #partsOf(declaration: Declaration, at: Span): readonly SetPart[] {
    const { statement, home } = declaration;
    if (statement.kind !== 'set') return bug('only sets have parts');
    return this.#sets.get(declaration, at, () => {
      if (!this.#checkType(statement) || statement.include === undefined) return [];
      const parts = this.#operand(statement.include, home);
      if (statement.except === undefined) return parts;
      const taken = this.#operand(statement.except, home);
      this.#warnOutside(statement.except, parts);
      return subtractSet(parts, taken);
    });
  }

  #checkType({ type, include, span }: SetStatement): boolean {
    if (type.text === 'comm') {
      this.reporter.report('policy/not-built', { what: 'comm' }, type.span);
      return false;
    }
    if (type.text !== 'cidr') {
      const near = nearestName(type.text, ['cidr', 'comm']);
      this.reporter.report('policy/unknown-type', { type: type.text, near }, type.span);
      return false;
    }
    if (include !== undefined) return true;
    this.reporter.report('policy/not-built', { what: 'feed' }, span);
    return false;
  }

  #operand(operand: SetOperand, home: Home): readonly SetPart[] {
    const include: Prefix[] = [];
    const parts: SetPart[] = [];
    for (const item of operand.items) {
      if (item.kind === 'address') {
        const prefix = readPrefix(item, this.reporter);
        if (prefix !== undefined) include.push(prefix);
        continue;
      }
      const found = findName({ name: item, span: item.span }, home, 'set', this.reporter);
      if (found !== undefined) for (const one of this.#partsOf(found, item.span)) parts.push(one);
    }
    return include.length === 0 ? parts : [{ include, exclude: [] }, ...parts];
  }

  #warnOutside(except: SetOperand, parts: readonly SetPart[]): void {
    const index = new PrefixIndex(parts.flatMap((part) => part.include));
    for (const item of except.items) {
      if (item.kind !== 'address') continue;
      const prefix = parsePrefix(item.text);
      if (prefix === undefined || index.touches(prefix)) continue;
      this.reporter.report('policy/except-outside', { text: item.text }, item.span);
    }
  }

  #portsOf(declaration: Declaration, at: Span): readonly PortMatch[] {
    const { statement, home } = declaration;
    if (statement.kind !== 'ports') return bug('only ports have ports');
    return this.#ports.get(declaration, at, () => this.ports(statement.items, home));
  }

  #port(item: PortItem, home: Home): readonly PortMatch[] {
    switch (item.kind) {
      case 'reference': {
        const found = findName(item, home, 'ports', this.reporter);
        return found === undefined ? [] : this.#portsOf(found, item.span);
      }
      case 'whole': {
        const protocol = this.#protocol(item.protocol);
        return protocol === undefined ? [] : [{ kind: 'range', protocol, first: 0, last: 65535 }];
      }
      case 'named': {
        const protocol = this.#protocol(item.protocol);
        const fault = faultOfPortName(item.name.text);
        if (fault !== undefined) {
          const args = { name: item.name.text, fault };
          this.reporter.report('policy/bad-port-name', args, item.name.span);
        }
        return protocol === undefined ? [] : [{ kind: 'named', name: item.name.text, protocol }];
      }
      case 'range': {
        const protocol = this.#protocol(item.protocol);
        const first = item.first.value;
        const last = item.last.value;
        for (const end of new Set([item.first, item.last])) {
          if (end.value >= 1 && end.value <= 65535) continue;
          this.reporter.report('policy/bad-port', { port: end.value }, end.span);
          return [];
        }
        if (first > last) {
          this.reporter.report('policy/inverted-range', { first, last }, item.span);
        }
        return protocol === undefined ? [] : [{ kind: 'range', protocol, first, last }];
      }
    }
  }

  #protocol({ text, span: at }: Text): PortProtocol | undefined {
    const protocol = PROTOCOLS.get(text);
    if (protocol !== undefined) return protocol;
    const near = nearestName(text, PROTOCOLS.keys());
    this.reporter.report('policy/unknown-protocol', { protocol: text, near }, at);
    return undefined;
  }
}

function lowerKnownPeer(
  { which }: Extract<PeerNode, { kind: 'known' }>,
  origin: Span,
): readonly Peer[] {
  switch (which) {
    case 'any':
    case 'outside':
    case 'own-node':
      return [{ kind: which, origin }];
    case 'apiserver':
      return [{ kind: 'service', namespace: 'default', name: 'kubernetes', origin }];
    case 'metadata-api':
      return [addresses(METADATA_PREFIXES, origin)];
    case 'dns': {
      const pods: LabelSelector = {
        requirements: [{ key: 'k8s-app', operator: 'In', values: ['kube-dns'] }],
      };
      return [
        { kind: 'pods', namespaces: namespaceNamed('kube-system'), pods, origin },
        addresses([NODE_LOCAL_DNS], origin),
      ];
    }
  }
}

function addresses(texts: readonly string[], origin: Span): Peer {
  const include = texts.map((text) => parsePrefix(text) ?? bug(`${text} is no CIDR block`));
  return { kind: 'addresses', include, exclude: [], origin };
}
