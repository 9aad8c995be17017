/** Atoms: the sets of addresses that rules name, each with a number, evaluated over a cluster. */
import { addressKey, prefixOrder4, type Address, type Prefix } from '../../address.js';
import { selectorMatches, type ClusterSnapshot, type Service } from '../../ir/cluster.js';
import type { Peer, PortMatch, PortProtocol } from '../../ir/model.js';
import { peerKey, portMatchKey } from '../../ir/peer-key.js';
import type { LookId, LookIndex } from './looks.js';
import { append } from '../../multimap.js';

export type AtomId = number;

/** A prefix list's atom: in some prefix of `include` and in none of `exclude`. */
export interface PrefixAtom {
  readonly id: AtomId;
  readonly include: readonly Prefix[];
  readonly exclude: readonly Prefix[];
}

const NO_PREFIXES: readonly Prefix[] = [];

type NamedPort = Extract<PortMatch, { kind: 'named' }>;

/** What a port's name means on some pods. */
export interface ResolvedPort {
  readonly protocol: PortProtocol;
  readonly port: number;
  readonly atom: AtomId;
}

/** Hands out atoms, each distinct set once, and keeps what satisfies them. */
export class AtomTable {
  readonly #ids = new Map<string, AtomId>();
  readonly #ofPrefix4 = new Map<number, AtomId>();
  readonly prefixAtoms: PrefixAtom[] = [];
  /** Atoms by pod look, node name and address, each in ascending order. */
  readonly #ofLook = new Map<LookId, AtomId[]>();
  readonly #ofNode = new Map<string, AtomId[]>();
  readonly #ofAddress = new Map<string, AtomId[]>();
  readonly #addresses = new Map<string, Address>();
  readonly #namedPorts = new Map<string, readonly ResolvedPort[]>();
  readonly #services: ReadonlyMap<string, Service>;
  #count = 0;

  constructor(
    private readonly cluster: ClusterSnapshot,
    private readonly looks: LookIndex,
  ) {
    this.#services = new Map(
      cluster.services.map((one) => [`${one.namespace}/${one.name}`, one] as const),
    );
  }

  ofLook(look: LookId): readonly AtomId[] {
    return this.#ofLook.get(look) ?? [];
  }

  ofNode(name: string): readonly AtomId[] {
    return this.#ofNode.get(name) ?? [];
  }

  ofAddress(address: Address): readonly AtomId[] {
    return this.#ofAddress.get(addressKey(address)) ?? [];
  }

  /** The addresses that atoms name one by one. */
  get namedAddresses(): Iterable<Address> {
    return this.#addresses.values();
  }

  /** The atom of a peer that is a set of addresses the same for all subjects. */
  peer(peer: Extract<Peer, { kind: 'pods' | 'addresses' | 'nodes' }>): AtomId {
    if (peer.kind === 'addresses' && peer.exclude.length === 0 && peer.include.length === 1) {
      const [prefix] = peer.include;
      if (prefix?.family === 4) return this.#prefix4(prefix);
    }
    return this.#define(peerKey(peer), (id) => {
      switch (peer.kind) {
        case 'pods':
          for (const look of this.looks.select(peer)) append(this.#ofLook, look, id);
          return;
        case 'addresses':
          this.prefixAtoms.push({ id, include: peer.include, exclude: peer.exclude });
          return;
        case 'nodes':
          for (const node of this.cluster.nodes) {
            if (selectorMatches(peer.selector, node.labels)) append(this.#ofNode, node.name, id);
          }
          return;
      }
    });
  }

  /** Of these there may be a hundred thousand: a number is found sooner than a text. */
  #prefix4(prefix: Prefix): AtomId {
    const key = prefixOrder4(prefix);
    let id = this.#ofPrefix4.get(key);
    if (id === undefined) {
      id = this.#count;
      this.#count += 1;
      this.#ofPrefix4.set(key, id);
      this.prefixAtoms.push({ id, include: [prefix], exclude: NO_PREFIXES });
    }
    return id;
  }

  /** The addresses of one node. */
  node(name: string): AtomId {
    return this.#define(`node ${name}`, (id) => append(this.#ofNode, name, id));
  }

  /** The addresses given, under a name that is theirs alone. */
  addresses(name: string, addresses: readonly Address[]): AtomId {
    return this.#define(`list ${name}`, (id) => {
      for (const address of addresses) {
        this.#addresses.set(addressKey(address), address);
        append(this.#ofAddress, addressKey(address), id);
      }
    });
  }

  /** Each port that some pod gives the name to, with the atom of those pods. */
  namedPorts(match: NamedPort): readonly ResolvedPort[] {
    const key = portMatchKey(match);
    let resolved = this.#namedPorts.get(key);
    if (resolved === undefined) {
      resolved = this.#resolveNamedPort(match);
      this.#namedPorts.set(key, resolved);
    }
    return resolved;
  }

  service(namespace: string, name: string): Service | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  #resolveNamedPort(match: NamedPort): readonly ResolvedPort[] {
    const found = new Map<string, { protocol: PortProtocol; port: number; looks: LookId[] }>();
    for (const look of this.looks.looks) {
      for (const { name, protocol, port } of look.ports) {
        if (name !== match.name) continue;
        if (match.protocol !== undefined && match.protocol !== protocol) continue;
        const key = `${protocol}/${port}`;
        const known = found.get(key);
        if (known === undefined) found.set(key, { protocol, port, looks: [look.id] });
        else if (known.looks.at(-1) !== look.id) known.looks.push(look.id);
      }
    }
    return [...found].map(([key, { protocol, port, looks }]) => ({
      protocol,
      port,
      atom: this.#define(`port "${match.name}" ${key}`, (id) => {
        for (const look of looks) append(this.#ofLook, look, id);
      }),
    }));
  }

  #define(key: string, evaluate: (id: AtomId) => void): AtomId {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#count;
    this.#count += 1;
    this.#ids.set(key, id);
    evaluate(id);
    return id;
  }
}
