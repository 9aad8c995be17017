/** Arms: rules taken apart into one address atom and a list of port intervals each. */
import type { Address } from '../../address.js';
import type { Direction, Peer, PortMatch, Skipped } from '../../ir/model.js';
import type { NormalPolicy, NormalRule } from '../../ir/normal-model.js';
import { portMatchKey } from '../../ir/peer-key.js';
import type { AtomId, AtomTable } from './atoms.js';
import type { Flavour } from '../layout.js';
import { PORT_INDEX, portIndex } from '../layout.js';

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
  readonly named: readonly NamedPort[];
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
const SKIPPED: Readonly<Record<Skipped, readonly Flavour[]>> = {
  pods: ['pod'],
  nodes: ['node'],
  'pods-and-nodes': ['pod', 'node'],
};
const OUTSIDE: ReadonlySet<Flavour> = new Set(['outside']);

/** The arms of a policy's rules in the direction, in decision order. Rules past `at` have none. */
export function armPolicy(
  policy: NormalPolicy,
  direction: Direction,
  at: number,
  atoms: AtomTable,
): readonly Arm[] {
  const arms: Arm[] = [];
  const portsOf = new PortsIndex();
  for (const rule of policy.rules) {
    if (rule.direction !== direction || (rule.until !== undefined && at >= rule.until)) continue;
    for (const peer of rule.peers) {
      if (peer.kind === 'nothing') continue;
      if (peer.kind === 'service') {
        for (const part of armService(rule, peer, direction, atoms)) {
          arms.push({ rule, policy, ...part });
        }
        continue;
      }
      const { intervals, named } = portsOf.read(rule.ports);
      armPeer({ rule, policy, direction, intervals, named }, peer, atoms, arms);
    }
  }
  return arms;
}

interface RulePorts {
  readonly intervals: readonly PortInterval[];
  readonly named: readonly NamedPort[];
}

type NamedPort = Extract<PortMatch, { kind: 'named' }>;

const NO_NAMES: readonly NamedPort[] = [];

/** Port lists as intervals, each list once: rules share them, and arms are told apart by them. */
class PortsIndex {
  readonly #known = new Map<readonly PortMatch[], RulePorts>();

  read(ports: NormalRule['ports']): RulePorts {
    if (ports === 'every') return { intervals: EVERY_PORT, named: NO_NAMES };
    let known = this.#known.get(ports);
    if (known === undefined) {
      known = {
        intervals: ports.filter((one) => one.kind === 'range').map(rangeInterval),
        named: ports.filter((one) => one.kind === 'named'),
      };
      this.#known.set(ports, known);
    }
    return known;
  }
}

type ArmPart = Omit<Arm, 'rule' | 'policy'>;

interface ArmedRule extends RulePorts {
  readonly rule: NormalRule;
  readonly policy: NormalPolicy;
  readonly direction: Direction;
}

function armPeer(
  { rule, policy, direction, intervals, named }: ArmedRule,
  peer: Exclude<Peer, { kind: 'nothing' | 'service' }>,
  table: AtomTable,
  arms: Arm[],
): void {
  const atoms = peerAtoms(peer, table);
  const flavours = peerFlavours(rule, peer);
  const ownNode = peer.kind === 'own-node';
  // A name has no meaning at an address, whoever holds it (SEMANTICS row 34).
  const byName = direction === 'egress' && peer.kind !== 'addresses' ? named : NO_NAMES;
  const later = direction === 'ingress' ? named : NO_NAMES;
  if (direction === 'ingress' || intervals.length > 0) {
    arms.push({ rule, policy, atoms, flavours, intervals, named: later, ownNode });
  }
  for (const match of byName) {
    for (const { protocol, port, atom } of table.namedPorts(match)) {
      const index = portIndex(protocol, port);
      arms.push({
        rule,
        policy,
        atoms: [...atoms, atom],
        flavours,
        intervals: [[index, index]],
        named: NO_NAMES,
        ownNode,
      });
    }
  }
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
  const barred = byAddress && rule.action === 'allow' && rule.coversUnheld !== true;
  const flavours = barred ? BOUND : EVERY_FLAVOUR;
  if (peer.kind !== 'addresses' || peer.skips === undefined) return flavours;
  const skipped = SKIPPED[peer.skips];
  return new Set([...flavours].filter((flavour) => !skipped.includes(flavour)));
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
