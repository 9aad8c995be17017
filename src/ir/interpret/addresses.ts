/** Who holds an address of the cluster: a pod, a node, a Service, or nobody. */
import { addressKey, type Address } from '../../address.js';
import { isPolicyPod, type ClusterSnapshot, type Pod, type Service } from '../cluster.js';
import type { Skipped } from '../model.js';
import { PrefixBuckets } from './prefixes.js';

export interface AddressHolder {
  /** The policy pod that holds it. */
  readonly pod?: Pod;
  /** Names of the nodes whose address it is, as their own or as that of a hostNetwork pod there. */
  readonly nodes: ReadonlySet<string>;
  /** The Service whose cluster address it is. */
  readonly service?: Service;
}

export interface AddressBook {
  /** Undefined where nothing in the cluster holds the address. */
  readonly holderOf: (address: Address) => AddressHolder | undefined;
  /** In some node's pod ranges, and held by nothing. */
  readonly isUnbound: (address: Address) => boolean;
}

/** Whether a peer by address passes over the address, as whoever holds it is known by other means. */
export function passesOver(skips: Skipped | undefined, holder: AddressHolder | undefined): boolean {
  if (skips === undefined || holder === undefined) return false;
  if (holder.pod !== undefined) return skips !== 'nodes';
  return skips !== 'pods' && holder.nodes.size > 0 && holder.service === undefined;
}

interface HolderDraft {
  pod?: Pod;
  nodes: Set<string>;
  service?: Service;
}

/** Where a snapshot gives one address to two pods or two Services, the first has it. */
export function createAddressBook(cluster: ClusterSnapshot): AddressBook {
  const holders = new Map<string, HolderDraft>();
  const draftFor = (address: Address): HolderDraft => {
    const key = addressKey(address);
    let draft = holders.get(key);
    if (draft === undefined) {
      draft = { nodes: new Set() };
      holders.set(key, draft);
    }
    return draft;
  };
  const podRanges = new PrefixBuckets<true>();
  for (const node of cluster.nodes) {
    for (const address of node.addresses) draftFor(address).nodes.add(node.name);
    for (const range of node.podRanges) podRanges.add(range, true);
  }
  for (const pod of cluster.pods) {
    if (pod.completed) continue;
    for (const address of pod.addresses) {
      const draft = draftFor(address);
      if (isPolicyPod(pod)) draft.pod ??= pod;
      else if (pod.node !== undefined) draft.nodes.add(pod.node);
    }
  }
  for (const service of cluster.services) {
    for (const address of service.addresses) draftFor(address).service ??= service;
  }
  const holderOf = (address: Address): AddressHolder | undefined =>
    holders.get(addressKey(address));
  return {
    holderOf,
    isUnbound: (address) => holderOf(address) === undefined && podRanges.has(address),
  };
}
