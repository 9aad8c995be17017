/** The universe of an analysis: a cluster cut into classes by the policies of two models together. */
import { addressKey, type Address, type Family } from '../address.js';
import { AtomTable, type AtomId } from '../codegen/bind/atoms.js';
import {
  classifyAddresses,
  type AddressClass,
  type AddressClasses,
} from '../codegen/bind/classes.js';
import { LookIndex } from '../codegen/bind/looks.js';
import { createSubjectViews, type SubjectView } from '../codegen/bind/views.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../ir/cluster.js';
import type { Direction, Peer } from '../ir/model.js';
import type { NormalModel } from '../ir/normal-model.js';

/** The policies before and after a change; twice the same where there is no change. */
export type Models = readonly [was: NormalModel, is: NormalModel];

/** One model's policies at each pod, over atoms that both models share. */
export type ViewOf = (pod: Pod, direction: Direction) => SubjectView;

/** A pod that takes part in policies, and the classes of its addresses. */
export interface PlacedPod {
  readonly pod: Pod;
  readonly classes: ReadonlyMap<Family, AddressClass>;
}

export interface Universe {
  readonly cluster: ClusterSnapshot;
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
  readonly models: Models;
  readonly views: readonly [was: ViewOf, is: ViewOf];
  readonly addresses: AddressClasses;
  /** In the snapshot's order. */
  readonly pods: readonly PlacedPod[];
  /** The atom of a peer of rules, or of one that was asked about; none where flavours tell it. */
  readonly atomOf: (peer: Peer) => AtomId | undefined;
}

/**
 * Binds both models with one table of atoms, so that an address class holds addresses that neither
 * of them tells apart.
 *
 * @param asked peers that are asked about besides those of rules: no class straddles one
 * @throws InputError if there are more classes than bytecode can hold
 */
export function createUniverse(
  cluster: ClusterSnapshot,
  models: Models,
  at: number,
  asked: readonly Peer[] = [],
): Universe {
  const pods = cluster.pods.filter(isPolicyPod);
  const looks = new LookIndex(cluster, pods);
  const atoms = new AtomTable(cluster, looks);
  const [was, is] = models;
  const viewsOfWas = createSubjectViews(was, at, looks, atoms);
  const viewsOfIs = was === is ? viewsOfWas : createSubjectViews(is, at, looks, atoms);
  for (const pod of pods) {
    for (const views of [viewsOfWas, viewsOfIs]) {
      views.viewOf(pod, 'ingress');
      views.viewOf(pod, 'egress');
    }
  }
  for (const peer of asked) atomOfPeer(peer, atoms);
  // INVARIANT: every atom is known before addresses are put into classes.
  const addresses = classifyAddresses(cluster, atoms, looks);
  return {
    cluster,
    at,
    models,
    views: [viewsOfWas.viewOf, viewsOfIs.viewOf],
    addresses,
    pods: placePods(pods, addresses),
    atomOf: (peer) => atomOfPeer(peer, atoms),
  };
}

export function atomOfPeer(peer: Peer, atoms: AtomTable): AtomId | undefined {
  switch (peer.kind) {
    case 'pods':
    case 'addresses':
    case 'nodes':
      return atoms.peer(peer);
    case 'service': {
      const service = atoms.service(peer.namespace, peer.name);
      if (service === undefined) return undefined;
      const addresses = service.endpoints.map(({ address }) => address);
      return atoms.addresses(`${peer.namespace}/${peer.name}`, addresses);
    }
    default:
      return undefined;
  }
}

/** An address that two pods claim belongs to the first, as everywhere. */
function placePods(pods: readonly Pod[], addresses: AddressClasses): readonly PlacedPod[] {
  const taken = new Set<string>();
  return pods.flatMap((pod) => {
    const classes = new Map<Family, AddressClass>();
    for (const address of pod.addresses) {
      const key = addressKey(address);
      if (taken.has(key) || classes.has(address.family)) continue;
      taken.add(key);
      classes.set(address.family, addresses.classOf(address));
    }
    return classes.size === 0 ? [] : [{ pod, classes }];
  });
}

/**
 * Whether packets from an address of the class are exempt at the pod: they come from its own node
 * (SEMANTICS row 41). An address of several nodes counts as the first one's.
 */
export function isOwnNode({ nodes }: AddressClass, pod: Pod): boolean {
  return pod.node !== undefined && nodes[0] === pod.node;
}

/** The pod's address of the family. */
export function addressOf(pod: Pod, family: Family): Address | undefined {
  return pod.addresses.find((one) => one.family === family);
}
