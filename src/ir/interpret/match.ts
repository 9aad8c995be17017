/** Whether a rule matches a packet: peers and ports, as SEMANTICS.md has them. */
import type { Address } from '../../address.js';
import { selectorMatches, type ClusterSnapshot, type Pod, type Service } from '../cluster.js';
import { bug } from '../../diagnostics.js';
import { passesOver, type AddressHolder } from './addresses.js';
import type { Alternative } from './clauses.js';
import { isBarred, peerClauses, portClauses } from './clause-facts.js';
import { someContains } from './prefixes.js';
import type { PodSelection } from './selectors.js';
import type { Direction, Peer, PortMatch, PortProtocol } from '../model.js';
import type { NormalRule } from '../normal-model.js';

export type Protocol = PortProtocol | 'ICMP' | 'ICMPv6';

/** A packet as one direction of one subject sees it. */
export interface PacketView {
  readonly subject: Pod;
  readonly direction: Direction;
  readonly remote: Address;
  /** Who holds the remote address. */
  readonly holder: AddressHolder | undefined;
  /** The remote is in a pod range, and nothing holds it. */
  readonly unbound: boolean;
  readonly protocol: Protocol;
  /** The destination port; meaningless for protocols without ports. */
  readonly port: number;
}

export interface RuleMatcher {
  readonly matches: (rule: NormalRule, packet: PacketView) => boolean;
  /** Whether some peer of the rule holds the remote, whatever the port. */
  readonly concerns: (rule: NormalRule, packet: PacketView) => boolean;
  /** The same as `matches`, peer by peer and clause by clause. */
  readonly alternativesOf: (rule: NormalRule, packet: PacketView) => readonly Alternative[];
}

export function createRuleMatcher(cluster: ClusterSnapshot, selection: PodSelection): RuleMatcher {
  const nodes = new Map(cluster.nodes.map((node) => [node.name, node]));
  const services = new Map(cluster.services.map((one) => [`${one.namespace}/${one.name}`, one]));

  const peerHoldsRemote = (peer: Peer, rule: NormalRule, packet: PacketView): boolean => {
    const { holder, remote, unbound } = packet;
    switch (peer.kind) {
      case 'any':
        return !(unbound && isBarred(rule));
      case 'addresses':
        return (
          someContains(peer.include, remote) &&
          !someContains(peer.exclude, remote) &&
          !passesOver(peer.skips, holder) &&
          !(unbound && isBarred(rule))
        );
      case 'outside':
        return holder === undefined && !unbound;
      case 'pods':
        return holder?.pod !== undefined && selection.selects(peer, holder.pod);
      case 'nodes':
        return [...(holder?.nodes ?? [])].some((name) => {
          const node = nodes.get(name);
          return node !== undefined && selectorMatches(peer.selector, node.labels);
        });
      case 'own-node':
        return packet.subject.node !== undefined && holder?.nodes.has(packet.subject.node) === true;
      case 'service': {
        const service = services.get(`${peer.namespace}/${peer.name}`);
        return service?.endpoints.some(({ address }) => sameAddress(address, remote)) === true;
      }
      case 'nothing':
        return false;
    }
  };

  const portHolds = (match: PortMatch, peer: Peer, packet: PacketView): boolean => {
    if (peer.kind === 'service' && packet.direction === 'egress') {
      const service = services.get(`${peer.namespace}/${peer.name}`);
      return service !== undefined && servicePortMatches(service, match, packet);
    }
    return portMatches(match, peer, packet);
  };

  const alternativeOf = (peer: Peer, rule: NormalRule, packet: PacketView): Alternative => {
    const clauses = peerClauses(peer, rule, packet, nodes, cluster);
    const asked = clauses.every(({ holds }) => holds);
    if (asked !== peerHoldsRemote(peer, rule, packet)) {
      bug(`the clauses of ${rule.name} do not say what its peer says`);
    }
    return { peer, clauses: [...clauses, ...portClauses(rule, peer, packet, portHolds)] };
  };

  return {
    matches: (rule, packet) =>
      rule.peers.some(
        (peer) =>
          peerHoldsRemote(peer, rule, packet) &&
          (rule.ports === 'every' || rule.ports.some((match) => portHolds(match, peer, packet))),
      ),
    concerns: (rule, packet) => rule.peers.some((peer) => peerHoldsRemote(peer, rule, packet)),
    alternativesOf: (rule, packet) => rule.peers.map((peer) => alternativeOf(peer, rule, packet)),
  };
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

/** Ports of an egress rule to a Service are the Service's, and mean the target ports behind it. */
function servicePortMatches(
  service: Service,
  match: PortMatch,
  { remote, protocol, port }: PacketView,
): boolean {
  return service.endpoints
    .filter(({ address }) => sameAddress(address, remote))
    .some(({ targetPorts }) =>
      service.ports.some(
        (servicePort, index) =>
          servicePort.protocol === protocol &&
          targetPorts.get(index) === port &&
          (match.kind === 'range'
            ? inRange(match, servicePort.protocol, servicePort.port)
            : match.name === servicePort.name &&
              (match.protocol === undefined || match.protocol === servicePort.protocol)),
      ),
    );
}

function portMatches(match: PortMatch, peer: Peer, packet: PacketView): boolean {
  if (match.kind === 'range') return inRange(match, packet.protocol, packet.port);
  if (packet.direction === 'ingress') return podHasNamedPort(packet.subject, match, packet);
  // A name has no meaning at an address, whoever holds it (SEMANTICS row 34 and section 5).
  if (peer.kind === 'addresses') return false;
  const destination = packet.holder?.pod;
  return destination !== undefined && podHasNamedPort(destination, match, packet);
}

function podHasNamedPort(
  destination: Pod,
  match: Extract<PortMatch, { kind: 'named' }>,
  { protocol, port }: PacketView,
): boolean {
  return destination.ports.some(
    (one) =>
      one.name === match.name &&
      one.port === port &&
      one.protocol === protocol &&
      (match.protocol === undefined || match.protocol === protocol),
  );
}

function inRange(
  range: Extract<PortMatch, { kind: 'range' }>,
  protocol: Protocol,
  port: number,
): boolean {
  return range.protocol === protocol && range.first <= port && port <= range.last;
}
