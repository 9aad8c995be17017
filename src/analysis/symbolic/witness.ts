/** Witnesses: for two kinds of ends, the smallest cluster that has them, and a flow between them. */
import {
  formatAddress,
  hostPrefix,
  parseAddress,
  type Address,
  type Family,
} from '../../address.js';
import { portIndex } from '../../codegen/layout.js';
import { bug } from '../../diagnostics.js';
import type {
  ClusterNode,
  ClusterSnapshot,
  Labels,
  Namespace,
  Pod,
  Service,
} from '../../ir/cluster.js';
import { NAMESPACE_NAME_LABEL } from '../../ir/model.js';
import { writeCluster } from '../../ir/write-cluster.js';
import type { JsonObject } from '../../parser/yaml/value.js';
import { hasPort, protocolAt, type PortSet } from '../port-set.js';
import type { FlowEntry } from '../report.js';
import type { PlacePair } from './findings.js';
import type { NamedService, NamespaceKind, NodeKind } from './kinds.js';
import { servicePorts } from './services.js';
import type { Cell, Place, SymbolicUniverse } from './universe.js';

/** A cluster made up for one flow. */
export interface MadeUpWitness {
  readonly flow: FlowEntry;
  readonly cluster: ClusterSnapshot;
  /** Kubernetes objects that `--cluster` takes. */
  readonly objects: readonly JsonObject[];
  /** Who is in it, in one line each. */
  readonly cast: readonly string[];
}

/** Addresses that people know as pods', as outside ones (RFC 5737, RFC 3849), and as nodes'. */
const USUAL: Readonly<Record<'pod' | 'node' | 'outside', readonly string[]>> = {
  pod: [
    ...['10.244.0.7', '10.244.0.8', '172.20.0.7', '172.20.0.8', '192.168.0.7', '192.168.0.8'],
    ...['100.64.0.7', '100.64.0.8', 'fd00:10::7', 'fd00:10::8'],
  ],
  node: ['172.18.0.2', '172.18.0.3', '192.168.0.2', 'fd00:18::2', 'fd00:18::3'],
  outside: ['203.0.113.1', '198.51.100.1', '2001:db8::1'],
};
const FAMILIAR = [
  portIndex('TCP', 443),
  portIndex('TCP', 80),
  portIndex('UDP', 53),
  portIndex('TCP', 8080),
];

export function makeWitness(
  pair: PlacePair,
  ports: PortSet,
  universe: SymbolicUniverse,
): MadeUpWitness {
  return new Stage(pair, universe).play(choosePort(ports, universe));
}

/** A number that no rule calls by name, where there is one. */
function choosePort(ports: PortSet, { freshPorts }: SymbolicUniverse): number {
  const familiar = FAMILIAR.find((index) => hasPort(ports, index));
  if (familiar !== undefined) return familiar;
  const fresh = new Set(freshPorts.map(({ index }) => index));
  for (const [first, last] of ports) {
    for (let index = first; index <= last; index += 1) {
      const isPlain = (index & 0xffff) !== 0 || index === last;
      if (isPlain && !fresh.has(index)) return index;
    }
  }
  return ports[0]?.[0] ?? bug('a witness needs a port');
}

class Stage {
  readonly #namespaces = new Map<NamespaceKind, Namespace>();
  readonly #pods: Pod[] = [];
  readonly #nodes: ClusterNode[] = [];
  readonly #homes = new Map<NodeKind, ClusterNode>();
  readonly #taken = new Set<string>();
  readonly #cast: string[] = [];
  /** By Service: its endpoints. */
  readonly #behind = new Map<string, Address[]>();

  constructor(
    private readonly pair: PlacePair,
    private readonly universe: SymbolicUniverse,
  ) {}

  play(index: number): MadeUpWitness {
    const { from, to, family } = this.pair;
    const known = protocolAt(index);
    const fresh = this.universe.freshPorts.filter((port) => port.index === index);
    const enterAs = {
      client: () => this.#enter(from, 'client', []),
      server: () => this.#enter(to, 'server', fresh),
    };
    // A single address is given away first: others have more to choose from.
    const first = from.cell.isSingle ? enterAs.client() : undefined;
    const server = enterAs.server();
    const ends = { from: first ?? enterAs.client(), to: server };
    const flow: FlowEntry =
      known === undefined
        ? { ...ends, protocol: family === 4 ? 'ICMP' : 'ICMPv6' }
        : { ...ends, ...known };
    const cluster: ClusterSnapshot = {
      namespaces: new Map([...this.#namespaces.values()].map((one) => [one.name, one])),
      pods: this.#pods,
      nodes: this.#nodes,
      services: this.#services(),
    };
    // The namespaces first, then who sends.
    const order = (line: string): number =>
      line.startsWith('namespace ') ? 0 : line.includes('/client') ? 1 : 2;
    const cast = [...this.#cast].sort((a, b) => order(a) - order(b));
    return { flow, cluster, objects: writeCluster(cluster), cast };
  }

  /** @returns the end as flows name it */
  #enter(place: Place, name: string, ports: Pod['ports']): string {
    switch (place.kind) {
      case 'pod':
        return this.#addPod(place, name, ports);
      case 'node': {
        const address = this.#choose(place.cell, 'node');
        const { name: node, labels } = this.#nodeOf(place.node, place.own, address);
        this.#cast.push(`node ${node}${labelsText(labels)}${this.#serving(place.serves, address)}`);
        return formatAddress(address);
      }
      case 'unbound': {
        const address = this.#choose(place.cell, 'pod');
        const range = hostPrefix(address);
        this.#nodes.push({ name: 'idle', labels: new Map(), addresses: [], podRanges: [range] });
        this.#cast.push(`${formatAddress(address)} is in a pod range, and no pod has it`);
        return formatAddress(address);
      }
      case 'outside': {
        const address = this.#choose(place.cell, 'outside');
        const serving = this.#serving(place.serves, address);
        if (serving !== '') this.#cast.push(`${formatAddress(address)}${serving}`);
        return formatAddress(address);
      }
    }
  }

  #serving(service: NamedService | undefined, address: Address): string {
    if (service === undefined) return '';
    const path = `${service.namespace}/${service.name}`;
    this.#serve(path, address);
    return ` behind service ${path}`;
  }

  #addPod(
    { pod: kind, cell, node }: Extract<Place, { kind: 'pod' }>,
    name: string,
    ports: Pod['ports'],
  ): string {
    const namespace = this.#namespaceOf(kind.namespace);
    const home = node === undefined ? undefined : this.#nodeOf(node, true);
    const address = this.#choose(cell, 'pod');
    for (const service of kind.serves) this.#serve(service, address);
    this.#pods.push({
      namespace: namespace.name,
      name,
      labels: kind.labels,
      addresses: [address],
      ...(home === undefined ? {} : { node: home.name }),
      hostNetwork: false,
      completed: false,
      ports,
      representative: false,
    });
    this.#cast.push(
      [
        `pod ${namespace.name}/${name}${labelsText(kind.labels)}`,
        ...kind.serves.map((service) => `behind service ${service}`),
        ...(home === undefined ? [] : [`on node ${home.name}${labelsText(home.labels)}`]),
        `at ${formatAddress(address)}`,
        ...ports.map((port) => `with port ${port.port}/${port.protocol} called "${port.name}"`),
      ].join(' '),
    );
    return `${namespace.name}/${name}`;
  }

  #namespaceOf(kind: NamespaceKind): Namespace {
    let namespace = this.#namespaces.get(kind);
    if (namespace === undefined) {
      const name = kind.name ?? this.#unusedName();
      const labels = new Map([...kind.labels, [NAMESPACE_NAME_LABEL, name]]);
      namespace = { name, labels };
      this.#namespaces.set(kind, namespace);
      const own = new Map([...labels].filter(([key]) => key !== NAMESPACE_NAME_LABEL));
      if (own.size > 0) this.#cast.push(`namespace ${name}${labelsText(own)}`);
    }
    return namespace;
  }

  /** No policy names it, and no other namespace here has it. */
  #unusedName(): string {
    const taken = new Set([
      ...this.universe.kinds.namespaces.map(({ name }) => name),
      ...[...this.#namespaces.values()].map(({ name }) => name),
    ]);
    for (let i = 1; ; i += 1) {
      const name = i === 1 ? 'some' : `some-${i}`;
      if (!taken.has(name)) return name;
    }
  }

  /** A pod's own node, or a node that is no pod's here. */
  #nodeOf(kind: NodeKind, own: boolean, address?: Address): ClusterNode {
    const home = own ? this.#homes.get(kind) : undefined;
    const node: ClusterNode = home ?? {
      name: `node-${this.#nodes.length + 1}`,
      labels: kind.labels,
      addresses: [],
      podRanges: [],
    };
    const whole =
      address === undefined ? node : { ...node, addresses: [...node.addresses, address] };
    if (own) this.#homes.set(kind, whole);
    const at = this.#nodes.findIndex(({ name }) => name === node.name);
    if (at === -1) this.#nodes.push(whole);
    else this.#nodes[at] = whole;
    return whole;
  }

  #services(): readonly Service[] {
    const { kinds, freshPorts } = this.universe;
    const models = [...new Set(this.universe.families[0]?.universe.models)];
    return kinds.services.flatMap(({ namespace, name }): readonly Service[] => {
      const addresses = this.#behind.get(`${namespace}/${name}`) ?? [];
      if (addresses.length === 0) return [];
      const ports = servicePorts(models, `${namespace}/${name}`, freshPorts);
      const targetPorts = new Map(ports.map(({ port }, i) => [i, port]));
      const endpoints = addresses.map((address) => ({ address, targetPorts }));
      return [{ namespace, name, addresses: [], ports, endpoints }];
    });
  }

  #serve(service: string, address: Address): void {
    this.#behind.set(service, [...(this.#behind.get(service) ?? []), address]);
  }

  /** An address of the cell that nobody here has: one that people know, else one of the widest part. */
  #choose(cell: Cell, use: keyof typeof USUAL): Address {
    const { family } = this.pair;
    const here = this.universe.families.find((one) => one.family === family);
    const intervals = (here?.space.of(cell.classId) ?? []).filter((one) => one.family === family);
    const isFree = (value: bigint): boolean => !this.#taken.has(String(value));
    const usual = USUAL[use].flatMap((text) => addressIn(text, family));
    const known = usual.find(
      (value) =>
        isFree(value) && intervals.some(({ first, last }) => first <= value && value <= last),
    );
    const widest = [...intervals].sort((a, b) =>
      b.last - b.first > a.last - a.first ? 1 : b.last - b.first < a.last - a.first ? -1 : 0,
    );
    const value = known ?? firstFree(widest, isFree) ?? bug('a kind of addresses is used up');
    this.#taken.add(String(value));
    return { family, value };
  }
}

function addressIn(text: string, family: Family): readonly bigint[] {
  const address = parseAddress(text);
  return address?.family === family ? [address.value] : [];
}

/** Not the first of its network, where there are others. */
function firstFree(
  intervals: readonly { readonly first: bigint; readonly last: bigint }[],
  isFree: (value: bigint) => boolean,
): bigint | undefined {
  for (const { first, last } of intervals) {
    const start = last - first > 2n ? first + 1n : first;
    for (let value = start; value <= last; value += 1n) if (isFree(value)) return value;
  }
  return undefined;
}

/** ` (app=web, tier=b)`. */
function labelsText(labels: Labels): string {
  if (labels.size === 0) return '';
  return ` (${[...labels].map(([key, value]) => `${key}=${value}`).join(', ')})`;
}
