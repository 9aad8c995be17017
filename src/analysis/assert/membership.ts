/** Membership: which ends a group of an assertion holds, by the classes of their addresses. */
import type { AddressClass } from '../../codegen/bind/classes.js';
import type { PeerGroup } from '../../ir/model.js';
import type { Universe } from '../universe.js';

/** Who a group holds: the end itself, or a node for its own pods alone. */
export type Holding = 'none' | 'all' | 'own-node';
export type Membership = (one: AddressClass) => Holding;

/** Pods, nodes and addresses outside. Cluster addresses of Services are apart, and nobody sends from them. */
export function membershipOf({ peers }: PeerGroup, universe: Universe): Membership {
  const atoms = new Set(peers.flatMap((peer) => universe.atomOf(peer) ?? []));
  const has = (kind: PeerGroup['peers'][number]['kind']): boolean =>
    peers.some((peer) => peer.kind === kind);
  const [any, outside, ownNode] = [has('any'), has('outside'), has('own-node')];
  return ({ flavour, atoms: own }) => {
    if (flavour === 'unbound' || flavour === 'service') return 'none';
    if (any || own.some((atom) => atoms.has(atom))) return 'all';
    if (flavour === 'outside') return outside ? 'all' : 'none';
    return ownNode && flavour === 'node' ? 'own-node' : 'none';
  };
}

/** Everybody whom none of the groups holds. */
export function membershipBut(groups: readonly PeerGroup[], universe: Universe): Membership {
  const named = groups.map((group) => membershipOf(group, universe));
  return (one) => {
    if (one.flavour === 'unbound' || one.flavour === 'service') return 'none';
    return named.some((holds) => holds(one) === 'all') ? 'none' : 'all';
  };
}
