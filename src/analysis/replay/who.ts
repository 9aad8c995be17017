/** Who the ends of logged flows are: pods of the snapshot, pods that are gone, nodes, Services, outside. */
import {
  parseAddress,
  prefixContains,
  parsePrefix,
  type Address,
  type Prefix,
} from '../../address.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../../ir/cluster.js';
import { createEndDirectory, isDiagnostic, type EndDirectory } from '../../ir/flows/ends.js';
import type { NormalModel } from '../../ir/normal-model.js';
import type { SeenEnd } from '../../parser/flow-log/record.js';
import { AddressCells, selectedKeys } from './cells.js';
import { GonePods } from './gone-pods.js';

/** Who an end is for a reader of the report. */
export type Who =
  | {
      readonly kind: 'pods';
      readonly namespace: string;
      readonly workload: string;
      readonly workloadKind: string;
      readonly gone: boolean;
    }
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'outside' }
  /** In a pod range, and held by no pod of the snapshot. */
  | { readonly kind: 'unused' };

export interface KnownParty {
  readonly who: Who;
  /** At most one of each family; several of one where the log leaves the address out. */
  readonly addresses: readonly Address[];
  /** All that the address may be, and what tells this choice from others. */
  readonly candidates?: readonly Address[];
  readonly choice?: string;
  readonly pod?: Pod;
  readonly node?: string;
  /** A pod that is no longer in the snapshot. */
  readonly gone: boolean;
}

/** Why nobody can say how policies judge an end. */
export type UnknownEnd =
  | 'bad-address'
  | 'no-address'
  | 'gone-unlabelled'
  | 'unused-address'
  | 'unknown-node'
  | 'unknown-name'
  | 'address-reused';

export const UNKNOWN_ENDS: Readonly<Record<UnknownEnd | 'families' | 'depends', string>> = {
  'bad-address': 'an address that is none',
  'no-address': 'an end of which the log says nothing',
  'gone-unlabelled': 'a pod that is not in the snapshot, and of which the log has no labels',
  'unused-address': 'an address of the pod ranges that no pod of the snapshot has',
  'unknown-node': 'a node that is not in the snapshot',
  'unknown-name': 'a name that the snapshot does not have',
  'address-reused': 'a pod that is gone, and whose address somebody else has',
  families: 'ends without an address of the same family',
  depends: 'an end without an address, where the verdict depends on the address',
};

/** What Calico calls private (RFC 1918, RFC 4193). */
const PRIVATE: readonly Prefix[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
].flatMap((text) => parsePrefix(text) ?? []);

export class PartyDirectory {
  readonly cells: AddressCells;
  readonly #directory: EndDirectory;
  readonly #podsByName = new Map<string, Pod>();
  readonly #nodes = new Map<string, readonly Address[]>();
  readonly #gone: GonePods;
  readonly #outsideCells = new Map<string, readonly Address[]>();

  constructor(
    readonly cluster: ClusterSnapshot,
    models: readonly NormalModel[],
    /** Where labels matter by themselves, all are kept of pods that are gone. */
    keepsLabels: boolean,
  ) {
    this.cells = new AddressCells(models, cluster);
    this.#directory = createEndDirectory(cluster);
    for (const pod of cluster.pods) this.#podsByName.set(`${pod.namespace}/${pod.name}`, pod);
    for (const node of cluster.nodes) this.#nodes.set(node.name, node.addresses);
    const isFree = (address: Address): boolean =>
      this.#directory.book.holderOf(address) === undefined;
    const keys = keepsLabels ? undefined : selectedKeys(models);
    this.#gone = new GonePods(cluster, keys, this.cells, isFree);
  }

  get book(): EndDirectory['book'] {
    return this.#directory.book;
  }

  /** The snapshot with the pods that the logs speak of and that are gone. */
  clusterWithGone(): ClusterSnapshot {
    return {
      ...this.cluster,
      namespaces: new Map([...this.cluster.namespaces, ...this.#gone.namespaces]),
      pods: [...this.cluster.pods, ...this.#gone.pods],
    };
  }

  find(end: SeenEnd): KnownParty | UnknownEnd {
    if (end.name !== undefined) return this.#byName(end.name);
    const address = end.address === undefined ? undefined : parseAddress(end.address);
    if (end.address !== undefined && address === undefined) return 'bad-address';
    if (end.namespace !== undefined) return this.#pod(end, end.namespace, address);
    if (end.kind === 'own-node' || end.kind === 'other-node') return this.#node(end, address);
    if (address !== undefined) return this.#at(address, end);
    if (end.kind === 'outside' || end.kind === 'public' || end.kind === 'private') {
      return this.#somewhereOutside(end.kind);
    }
    return 'no-address';
  }

  #byName(text: string): KnownParty | UnknownEnd {
    const found = this.#directory.find(text, { where: text, span: undefined });
    if (isDiagnostic(found)) return 'unknown-name';
    const [first] = found.addresses;
    if (first === undefined) return 'unknown-name';
    const party = this.#at(first, {});
    return typeof party === 'string' ? party : { ...party, addresses: found.addresses };
  }

  #pod(end: SeenEnd, namespace: string, address: Address | undefined): KnownParty | UnknownEnd {
    const named =
      end.pod === undefined ? undefined : this.#podsByName.get(`${namespace}/${end.pod}`);
    if (named?.hostNetwork === true) {
      return this.#node({ ...end, kind: 'other-node', ...nodeOf(named.node) }, address);
    }
    if (named !== undefined && isPolicyPod(named)) return podParty(named, address, false);
    const holder = address === undefined ? undefined : this.book.holderOf(address);
    if (holder?.pod?.namespace === namespace && end.pod === undefined) {
      return podParty(holder.pod, address, false);
    }
    // Pods in the host's network have a name in the log, and their node's address.
    if (address !== undefined && holder !== undefined && holder.nodes.size > 0) {
      return this.#at(address, end);
    }
    const alike = this.#gone.alike(end, namespace);
    if (alike !== undefined) return podParty(alike, address, false);
    const gone = this.#gone.find(end, namespace, address);
    return typeof gone === 'string' ? gone : podParty(gone, undefined, true);
  }

  #node(end: SeenEnd, address: Address | undefined): KnownParty | UnknownEnd {
    const holder = address === undefined ? undefined : this.book.holderOf(address);
    if (address !== undefined && holder !== undefined && holder.nodes.size > 0) {
      return this.#at(address, end);
    }
    const name = end.node?.replace(/-auto-hep$/, '');
    const known = name === undefined ? undefined : this.#nodes.get(name);
    if (name !== undefined && known !== undefined && known.length > 0) {
      return {
        who: { kind: 'node', name },
        addresses: onePerFamily(known),
        node: name,
        gone: false,
      };
    }
    const all = [...this.#nodes.values()].flat();
    if (name !== undefined || all.length === 0) return 'unknown-node';
    // Another node, by an address of its pod range: any of them.
    const family = address?.family ?? 4;
    const candidates = all.filter((one) => one.family === family);
    if (candidates.length === 0) return 'unknown-node';
    const who = { kind: 'node', name: 'another node' } as const;
    return { who, addresses: candidates.slice(0, 1), candidates, choice: 'node', gone: false };
  }

  #at(address: Address, end: SeenEnd): KnownParty | UnknownEnd {
    const holder = this.book.holderOf(address);
    const said = end.kind === 'outside' || end.kind === 'public' || end.kind === 'private';
    if (holder?.service !== undefined) {
      const { namespace, name } = holder.service;
      return { who: { kind: 'service', namespace, name }, addresses: [address], gone: false };
    }
    if (holder?.pod !== undefined) {
      return said ? 'address-reused' : podParty(holder.pod, address, false);
    }
    const [node] = [...(holder?.nodes ?? [])].sort();
    if (node !== undefined) {
      return { who: { kind: 'node', name: node }, addresses: [address], node, gone: false };
    }
    if (this.book.isUnbound(address)) return 'unused-address';
    return { who: { kind: 'outside' }, addresses: [address], gone: false };
  }

  /** One address of each cell outside, since the log tells none. */
  #somewhereOutside(kind: 'outside' | 'public' | 'private'): KnownParty {
    let candidates = this.#outsideCells.get(kind);
    if (candidates === undefined) {
      const bySignature = new Map<string, Address>();
      for (const address of [4, 6].flatMap((family) => this.cells.edges(family === 4 ? 4 : 6))) {
        const isPrivate = PRIVATE.some((prefix) => prefixContains(prefix, address));
        if (kind !== 'outside' && isPrivate !== (kind === 'private')) continue;
        if (this.book.holderOf(address) !== undefined || this.book.isUnbound(address)) continue;
        const key = `${address.family} ${this.cells.signatureOf(address)}`;
        if (!bySignature.has(key)) bySignature.set(key, address);
      }
      candidates = [...bySignature.values(), ...EXAMPLES[kind]];
      this.#outsideCells.set(kind, candidates);
    }
    const addresses = onePerFamily(candidates);
    return { who: { kind: 'outside' }, addresses, candidates, choice: kind, gone: false };
  }
}

/** Where no edge of a prefix is an address of that kind (RFC 5737, RFC 3849). */
const EXAMPLES: Readonly<Record<'outside' | 'public' | 'private', readonly Address[]>> = {
  outside: ['203.0.113.1', '2001:db8::1'].flatMap((text) => parseAddress(text) ?? []),
  public: ['203.0.113.1', '2001:db8::1'].flatMap((text) => parseAddress(text) ?? []),
  private: ['192.168.255.254', 'fdff:ffff::1'].flatMap((text) => parseAddress(text) ?? []),
};

function nodeOf(node: string | undefined): { readonly node?: string } {
  return node === undefined ? {} : { node };
}

function onePerFamily(addresses: readonly Address[]): readonly Address[] {
  return ([4, 6] as const).flatMap(
    (family) => addresses.find((one) => one.family === family) ?? [],
  );
}

/** By the address that the pod has now, of the family that was seen. */
function podParty(pod: Pod, seen: Address | undefined, gone: boolean): KnownParty {
  const same = pod.addresses.filter((one) => seen === undefined || one.family === seen.family);
  const who: Who = {
    kind: 'pods',
    namespace: pod.namespace,
    workload: pod.workload?.name ?? pod.name,
    workloadKind: pod.workload?.kind ?? 'Pod',
    gone,
  };
  return {
    who,
    addresses: same.length === 0 ? pod.addresses : same,
    pod,
    gone,
    ...nodeOf(pod.node),
  };
}

export function partyKey(who: Who): string {
  switch (who.kind) {
    case 'pods':
      return `pods ${who.namespace}/${who.workloadKind}/${who.workload}${who.gone ? ' gone' : ''}`;
    case 'node':
      return `node ${who.name}`;
    case 'service':
      return `service ${who.namespace}/${who.name}`;
    case 'outside':
    case 'unused':
      return who.kind;
  }
}
