/** Gathers what flows need into rules: few of them, in an order that does not depend on that of the log. */
import { addressKey, formatAddress, type Address, type Prefix } from '../../address.js';
import type { ClusterSnapshot } from '../../ir/cluster.js';
import { createAddressBook, type AddressBook } from '../../ir/interpret/addresses.js';
import type { Direction, PortProtocol } from '../../ir/model.js';
import type { NormalModel } from '../../ir/normal-model.js';
import { compareText } from '../../ir/normalize.js';
import { rangesOf, timesOf } from '../replay/rows.js';
import { uniteSightings, type Sightings } from '../replay/tally.js';
import { coverAddresses, widenAddresses, type Widening } from './cidrs.js';
import type { DraftNote, DraftPeer, DraftPolicy, DraftPort, DraftRule, Unit } from './draft.js';
import type { Need } from './needs.js';
import { unitKey, type Units } from './units.js';

/** What one peer may do, by `TCP 80`. */
interface PeerPorts {
  readonly remote:
    | { readonly kind: 'unit'; readonly unit: Unit }
    | { readonly kind: 'address'; readonly address: Address; readonly isNode: boolean }
    | { readonly kind: 'outside' }
    | { readonly kind: 'apiserver'; readonly address: Address };
  readonly ports: Map<string, { readonly protocol: PortProtocol; readonly port: number }>;
  /** Of the Service, for the API server. */
  readonly servicePorts: Map<string, { readonly protocol: PortProtocol; readonly port: number }>;
  seen: Sightings | undefined;
}

interface UnitRules {
  readonly unit: Unit;
  readonly directions: Set<Direction>;
  readonly peers: Readonly<Record<Direction, Map<string, PeerPorts>>>;
}

export interface GatherOptions {
  readonly widening?: Widening;
}

const DIRECTIONS = ['ingress', 'egress'] as const;

/** So many blocks are hard to read, and likely to be a part of those who come. */
const MANY_ADDRESSES = 20;

export class RuleGatherer {
  readonly #book: AddressBook;
  readonly #byUnit = new Map<string, UnitRules>();
  readonly #apiserver: ClusterSnapshot['services'][number] | undefined;
  readonly #notes: DraftNote[] = [];

  constructor(
    cluster: ClusterSnapshot,
    private readonly units: Units,
    private readonly options: GatherOptions,
    private readonly held: readonly Prefix[],
  ) {
    this.#book = createAddressBook(cluster);
    this.#apiserver = cluster.services.find(
      ({ namespace, name }) => namespace === 'default' && name === 'kubernetes',
    );
  }

  /** @param side the key of a unit, and a direction behind a space */
  isolate(side: string): void {
    const key = side.slice(0, side.lastIndexOf(' '));
    const direction: Direction = side.endsWith(' ingress') ? 'ingress' : 'egress';
    this.#rulesOf(key).directions.add(direction);
  }

  add(need: Need, seen: Sightings): void {
    const rules = this.#rulesOf(unitKey(need.subject));
    const { direction, protocol, port } = need;
    const remote = this.#remoteOf(need);
    const key = remoteKey(remote);
    let peer = rules.peers[direction].get(key);
    if (peer === undefined) {
      peer = { remote, ports: new Map(), servicePorts: new Map(), seen: undefined };
      rules.peers[direction].set(key, peer);
    }
    peer.ports.set(`${protocol} ${port}`, { protocol, port });
    if (remote.kind === 'apiserver') {
      const servicePort = need.service?.port ?? this.#servicePortOf(need);
      peer.servicePorts.set(`${protocol} ${servicePort}`, { protocol, port: servicePort });
    }
    peer.seen = uniteSightings([peer.seen, seen]);
  }

  finish(existing: NormalModel | undefined): {
    readonly policies: readonly DraftPolicy[];
    readonly notes: readonly DraftNote[];
  } {
    const taken = new Set(
      existing?.policies.map(({ namespace, name }) => `${namespace ?? ''}/${name}`) ?? [],
    );
    const policies = [...this.#byUnit.values()]
      .sort(
        (a, b) =>
          compareText(a.unit.namespace, b.unit.namespace) || compareText(a.unit.name, b.unit.name),
      )
      .map((rules): DraftPolicy => ({
        unit: rules.unit,
        name: freeName(rules.unit, taken),
        directions: DIRECTIONS.filter((one) => rules.directions.has(one)),
        rules: DIRECTIONS.flatMap((direction) => this.#draftRules(rules, direction)),
      }));
    return { policies, notes: [...this.#inexact(policies), ...this.#notes] };
  }

  #rulesOf(key: string): UnitRules {
    const known = this.#byUnit.get(key);
    if (known !== undefined) return known;
    const unit = this.units.of(key);
    const peers = { ingress: new Map<string, PeerPorts>(), egress: new Map<string, PeerPorts>() };
    const rules = { unit, directions: new Set<Direction>(), peers };
    this.#byUnit.set(key, rules);
    return rules;
  }

  #remoteOf({ remote, direction, port, protocol }: Need): PeerPorts['remote'] {
    const holder = this.#book.holderOf(remote);
    const unit = holder?.pod === undefined ? undefined : this.units.of(unitKey(holder.pod));
    if (unit !== undefined) return { kind: 'unit', unit };
    if (direction === 'egress' && this.#isApiserver(remote, protocol, port)) {
      return { kind: 'apiserver', address: remote };
    }
    if (holder === undefined && this.options.widening === 'any') return { kind: 'outside' };
    return { kind: 'address', address: remote, isNode: (holder?.nodes.size ?? 0) > 0 };
  }

  #isApiserver(remote: Address, protocol: PortProtocol, port: number): boolean {
    return this.#apiserverPorts(remote).some(
      (one) => one.protocol === protocol && one.target === port,
    );
  }

  #servicePortOf({ remote, protocol, port }: Need): number {
    const found = this.#apiserverPorts(remote).find(
      (one) => one.protocol === protocol && one.target === port,
    );
    return found?.port ?? port;
  }

  #apiserverPorts(remote: Address): readonly {
    readonly protocol: PortProtocol;
    readonly port: number;
    readonly target: number;
  }[] {
    const service = this.#apiserver;
    const endpoint = service?.endpoints.find(
      ({ address }) => addressKey(address) === addressKey(remote),
    );
    return [...(endpoint?.targetPorts ?? [])].flatMap(([index, target]) => {
      const port = service?.ports[index];
      return port === undefined ? [] : [{ protocol: port.protocol, port: port.port, target }];
    });
  }

  /** Peers that may do the same share a rule: workloads one, addresses one. */
  #draftRules({ unit, peers }: UnitRules, direction: Direction): readonly DraftRule[] {
    const groups = new Map<string, PeerPorts[]>();
    for (const peer of peers[direction].values()) {
      this.#completeDns(unit, direction, peer);
      const key = `${peer.remote.kind} ${[...peer.ports.keys()].sort(compareText).join()}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [peer]);
      else group.push(peer);
    }
    return [...groups]
      .sort(([a], [b]) => compareText(orderOf(a), orderOf(b)))
      .flatMap(([, group]): readonly DraftRule[] => {
        const seen = uniteSightings(group.map((one) => one.seen));
        const [first] = group;
        if (seen === undefined || first === undefined) return [];
        const ports = portRangesOf([...first.ports.values()]);
        const draftPeers = this.#draftPeers(unit, direction, group);
        return [{ direction, peers: draftPeers, ports, seen: timesOf(seen) }];
      });
  }

  /** Answers that are too long for a datagram come over TCP: asked for, and let in. */
  #completeDns(unit: Unit, direction: Direction, { remote, ports }: PeerPorts): void {
    const server =
      direction === 'ingress' ? unit : remote.kind === 'unit' ? remote.unit : undefined;
    if (server?.isDns !== true || !ports.has('UDP 53') || ports.has('TCP 53')) return;
    ports.set('TCP 53', { protocol: 'TCP', port: 53 });
    const known = this.#notes.some((one) => one.kind === 'dns-tcp' && one.unit === unitName(unit));
    if (!known) this.#notes.push({ kind: 'dns-tcp', unit: unitName(unit) });
  }

  #draftPeers(unit: Unit, direction: Direction, group: readonly PeerPorts[]): readonly DraftPeer[] {
    const units = group.flatMap(({ remote }) => (remote.kind === 'unit' ? [remote.unit] : []));
    const plain = group.flatMap(({ remote }) => (remote.kind === 'address' ? [remote] : []));
    const nodes = plain.filter(({ isNode }) => isNode);
    const outside = plain.filter(({ isNode }) => !isNode).map(({ address }) => address);
    const servers = group.filter(({ remote }) => remote.kind === 'apiserver');
    if (nodes.length > 0) {
      this.#notes.push({ kind: 'node-addresses', unit: unitName(unit), count: nodes.length });
    }
    if (outside.length > MANY_ADDRESSES && this.options.widening === undefined) {
      const count = outside.length;
      this.#notes.push({ kind: 'many-addresses', unit: unitName(unit), direction, count });
    }
    const prefixes = [
      ...coverAddresses(nodes.map(({ address }) => address)),
      ...this.#blocks(outside),
    ];
    const addresses = servers.flatMap(({ remote }) =>
      remote.kind === 'apiserver' ? [remote.address] : [],
    );
    return [
      ...units
        .sort((a, b) => compareText(unitName(a), unitName(b)))
        .map((one): DraftPeer => ({ kind: 'unit', unit: one })),
      ...(prefixes.length === 0 ? [] : [{ kind: 'addresses', prefixes } as const]),
      ...(group.some(({ remote }) => remote.kind === 'outside')
        ? [{ kind: 'outside' } as const]
        : []),
      ...(addresses.length === 0
        ? []
        : [
            {
              kind: 'apiserver',
              addresses: addresses.sort((a, b) => compareText(formatAddress(a), formatAddress(b))),
              servicePorts: portRangesOf(servers.flatMap((one) => [...one.servicePorts.values()])),
            } as const,
          ]),
    ];
  }

  #blocks(addresses: readonly Address[]): readonly Prefix[] {
    const { widening } = this.options;
    if (widening === undefined || widening === 'any') return coverAddresses(addresses);
    return widenAddresses(addresses, widening, this.held);
  }

  /** Units that policies of the draft speak of, and whose selectors select others as well. */
  #inexact(policies: readonly DraftPolicy[]): readonly DraftNote[] {
    const used = new Map<string, Unit>();
    for (const { unit, rules } of policies) {
      used.set(unit.key, unit);
      for (const peer of rules.flatMap((rule) => rule.peers)) {
        if (peer.kind === 'unit') used.set(peer.unit.key, peer.unit);
      }
    }
    return [...used.values()].flatMap((unit): readonly DraftNote[] => {
      const others = this.units.othersOf(unit.key);
      if (others.length === 0) return [];
      const names = others.map((key) => this.units.nameOf(key));
      return [{ kind: 'inexact', unit: unitName(unit), others: names }];
    });
  }
}

function unitName({ namespace, name }: Unit): string {
  return `${namespace}/${name}`;
}

function remoteKey(remote: PeerPorts['remote']): string {
  switch (remote.kind) {
    case 'unit':
      return `unit ${remote.unit.key}`;
    case 'address':
    case 'apiserver':
      return `${remote.kind} ${addressKey(remote.address)}`;
    case 'outside':
      return 'outside';
  }
}

/** Workloads first, then the API server, then addresses. */
function orderOf(key: string): string {
  const rank = ['unit', 'apiserver', 'address', 'outside'].findIndex((one) => key.startsWith(one));
  return `${rank} ${key}`;
}

function portRangesOf(
  ports: readonly { readonly protocol: PortProtocol; readonly port: number }[],
): readonly DraftPort[] {
  return (['TCP', 'UDP', 'SCTP'] as const).flatMap((protocol) =>
    rangesOf(ports.filter((one) => one.protocol === protocol).map(({ port }) => port)).map(
      ([first, last]): DraftPort => ({ protocol, first, last }),
    ),
  );
}

/** A name that no policy of the namespace has. */
function freeName({ namespace, name }: Unit, taken: Set<string>): string {
  const candidates = [name, `${name}-seen`];
  for (let i = 2; ; i += 1) {
    const free = candidates.find((one) => !taken.has(`${namespace}/${one}`));
    if (free !== undefined) {
      taken.add(`${namespace}/${free}`);
      return free;
    }
    candidates.push(`${name}-seen-${i}`);
  }
}
