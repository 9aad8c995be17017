/** Arms: rules taken apart into one address atom and a list of port intervals each. */
import type { Address } from '../address.js';
import type { Direction, Peer, PortMatch } from '../ir/model.js';
import type { NormalPolicy, NormalRule } from '../ir/normal-model.js';
import { portMatchKey } from '../ir/peer-key.js';
import type { AtomId, AtomTable } from './bind-atoms.js';
import type { Flavour } from './layout.js';
import { PORT_INDEX, portIndex } from './layout.js';

/** First and last port index, both included. */
export type PortInterval = readonly [number, number];

/** Every port index but those of fragments, which follow from the others. */
export const EVERY_PORT: readonly PortInterval[] = [[0, PORT_INDEX.other]];

/** One way for a packet to match a rule. */
export interface Arm {
  /** Its id grows in the order of decision. */
  readonly rule: NormalRule;
  readonly policy: NormalPolicy;
  /** The remote address must satisfy these; none for peers of a whole flavour. */
  readonly atoms: readonly AtomId[];
  /** Flavours of remote addresses that can match at all. */
  readonly flavours: ReadonlySet<Flavour>;
  readonly intervals: readonly PortInterval[];
  /** Named ports of an ingress rule, which each subject resolves itself. */
  readonly named: readonly Extract<PortMatch, { kind: 'named' }>[];
  /** The peer is the subject's own node: its atom depends on the subject. */
  readonly ownNode: boolean;
}

const EVERY_FLAVOUR: ReadonlySet<Flavour> = new Set([
  'outside',
  'pod',
  'node',
  'service',
  'unbound',
]);
const BOUND: ReadonlySet<Flavour> = new Set(['outside', 'pod', 'node', 'service']);
const OUTSIDE: ReadonlySet<Flavour> = new Set(['outside']);

/** The arms of a policy's rules in the direction, in decision order. Rules past `at` have none. */
export function armPolicy(
  policy: NormalPolicy,
  direction: Direction,
  at: number,
  atoms: AtomTable,
): readonly Arm[] {
  return policy.rules.flatMap((rule) => {
    if (rule.direction !== direction || (rule.until !== undefined && at >= rule.until)) return [];
    return rule.peers.flatMap((peer) =>
      armPeer(rule, peer, direction, atoms).map((part): Arm => ({ rule, policy, ...part })),
    );
  });
}

type ArmPart = Omit<Arm, 'rule' | 'policy'>;

function armPeer(
  rule: NormalRule,
  peer: Peer,
  direction: Direction,
  atoms: AtomTable,
): readonly ArmPart[] {
  if (peer.kind === 'nothing') return [];
  if (peer.kind === 'service') return armService(rule, peer, direction, atoms);
  const whom = {
    atoms: peerAtoms(peer, atoms),
    flavours: peerFlavours(rule, peer),
    ownNode: peer.kind === 'own-node',
  };
  if (rule.ports === 'every') return [{ ...whom, intervals: EVERY_PORT, named: [] }];
  const intervals = rule.ports.filter((one) => one.kind === 'range').map(rangeInterval);
  const named = rule.ports.filter((one) => one.kind === 'named');
  if (direction === 'ingress') return [{ ...whom, intervals, named }];
  const parts: ArmPart[] = intervals.length === 0 ? [] : [{ ...whom, intervals, named: [] }];
  // A name has no meaning at an address, whoever holds it (SEMANTICS row 34).
  if (peer.kind === 'addresses') return parts;
  for (const match of named) {
    for (const { protocol, port, atom } of atoms.namedPorts(match)) {
      const index = portIndex(protocol, port);
      parts.push({
        ...whom,
        atoms: [...whom.atoms, atom],
        intervals: [[index, index]],
        named: [],
      });
    }
  }
  return parts;
}

function peerAtoms(
  peer: Exclude<Peer, { kind: 'nothing' | 'service' }>,
  atoms: AtomTable,
): readonly AtomId[] {
  switch (peer.kind) {
    case 'any':
    case 'outside':
    case 'own-node':
      return [];
    case 'pods':
    case 'addresses':
    case 'nodes':
      return [atoms.peer(peer)];
  }
}

/** Addresses of the pod ranges that no pod holds are not let in by address (SEMANTICS section 6). */
function peerFlavours(rule: NormalRule, peer: Peer): ReadonlySet<Flavour> {
  if (peer.kind === 'outside') return OUTSIDE;
  const byAddress = peer.kind === 'any' || peer.kind === 'addresses';
  return byAddress && rule.action === 'allow' ? BOUND : EVERY_FLAVOUR;
}

/** A Service's ports mean their target ports at each of its endpoints. */
function armService(
  rule: NormalRule,
  peer: Extract<Peer, { kind: 'service' }>,
  direction: Direction,
  atoms: AtomTable,
): readonly ArmPart[] {
  const service = atoms.service(peer.namespace, peer.name);
  if (service === undefined) return [];
  const name = `${service.namespace}/${service.name}`;
  const whom = { flavours: EVERY_FLAVOUR, ownNode: false };
  const everywhere = (): readonly AtomId[] => [
    atoms.addresses(
      name,
      service.endpoints.map(({ address }) => address),
    ),
  ];
  if (rule.ports === 'every') {
    return [{ ...whom, atoms: everywhere(), intervals: EVERY_PORT, named: [] }];
  }
  if (direction === 'ingress') {
    const intervals = rule.ports.filter((one) => one.kind === 'range').map(rangeInterval);
    const named = rule.ports.filter((one) => one.kind === 'named');
    return [{ ...whom, atoms: everywhere(), intervals, named }];
  }
  const targets = new Map<number, Address[]>();
  for (const [position, { protocol, port, name: portName }] of service.ports.entries()) {
    const meant = rule.ports.some((match) =>
      match.kind === 'range'
        ? match.protocol === protocol && match.first <= port && port <= match.last
        : match.name === portName && (match.protocol ?? protocol) === protocol,
    );
    if (!meant) continue;
    for (const { address, targetPorts } of service.endpoints) {
      const target = targetPorts.get(position);
      if (target === undefined) continue;
      const index = portIndex(protocol, target);
      targets.set(index, [...(targets.get(index) ?? []), address]);
    }
  }
  return [...targets].map(([index, addresses]) => ({
    ...whom,
    atoms: [atoms.addresses(`${name} at ${index} by ${portsKey(rule.ports)}`, addresses)],
    intervals: [[index, index]],
    named: [],
  }));
}

function portsKey(ports: NormalRule['ports']): string {
  return ports === 'every' ? ports : ports.map(portMatchKey).join();
}

export function rangeInterval(range: Extract<PortMatch, { kind: 'range' }>): PortInterval {
  return [portIndex(range.protocol, range.first), portIndex(range.protocol, range.last)];
}
