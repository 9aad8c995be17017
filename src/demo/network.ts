/** A cluster of network namespaces and veths: nodes, pods, outside hosts, and Services behind DNAT. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { type Address, addressKey, formatAddress } from '../address.js';
import { bug } from '../diagnostics.js';
import type { ClusterSnapshot, Pod, Service } from '../ir/cluster.js';
import { Prober } from './prober.js';
import { serviceRules } from './service-rules.js';

/** A machine that is no part of the cluster. */
export interface OutsideHost {
  readonly name: string;
  readonly addresses: readonly Address[];
}

/** The wire format of names: `pc-RUN-…` for namespaces, `pcRUNhN` for the node's ends of veths. */
const PREFIX = 'pc-';
/** Where a link's leaf sends everything: a router's address that exists on such links alone. */
interface Gateway {
  readonly ipv4: string;
  readonly ipv6: string;
}
const POD_GATEWAY: Gateway = { ipv4: '169.254.1.1', ipv6: 'fe80::1' };
const FABRIC_GATEWAY: Gateway = { ipv4: '169.254.1.2', ipv6: 'fe80::2' };
/** A router asks for its neighbours from an address of the link, for packets that are not its own. */
const LEAF_LINK_LOCAL = 'fe80::a';

/** Debian keeps administrators' commands out of other users' PATH. */
const ENVIRONMENT = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

let networks = 0;

export interface NetworkPlace {
  readonly netns: string;
  readonly addresses: readonly Address[];
}

export interface PodPlace extends NetworkPlace {
  /** The node's end of the pod's veth. */
  readonly device: string;
  readonly node: string;
}

/**
 * Each pod is a namespace with one veth into its node's namespace, routed by address without a
 * bridge; nodes and outside hosts meet in one more namespace that only routes.
 */
export class Network {
  readonly prober = new Prober();
  readonly #run: string;
  readonly #namespaces: string[] = [];
  readonly #places = new Map<string, NetworkPlace>();
  readonly #pods = new Map<string, PodPlace>();

  private constructor() {
    networks += 1;
    this.#run = `${process.pid.toString(36)}${(networks % 36).toString(36)}`;
  }

  static async create(
    snapshot: ClusterSnapshot,
    hosts: readonly OutsideHost[] = [],
  ): Promise<Network> {
    removeLeftovers();
    const network = new Network();
    try {
      await network.#build(snapshot, hosts);
    } catch (error) {
      network.close();
      throw error;
    }
    return network;
  }

  /** Pods by `namespace/name`, in the snapshot's order. */
  get pods(): ReadonlyMap<string, PodPlace> {
    return this.#pods;
  }

  pod(name: string): PodPlace {
    return this.#pods.get(name) ?? bug(`no pod ${name} in the network`);
  }

  /** A node or an outside host by its name. */
  host(name: string): NetworkPlace {
    return this.#places.get(name) ?? bug(`no host ${name} in the network`);
  }

  /** Runs a program in a namespace; unlike `ip netns exec`, /sys stays as it is, and bpffs with it. */
  command(netns: string, argv: readonly string[]): readonly string[] {
    return ['nsenter', `--net=/run/netns/${netns}`, '--', ...argv];
  }

  /** Takes everything down. Idempotent. */
  close(): void {
    this.prober.kill();
    const names = this.#namespaces.splice(0);
    if (names.length > 0) removeNamespaces(names);
  }

  async #build(snapshot: ClusterSnapshot, hosts: readonly OutsideHost[]): Promise<void> {
    const pods = snapshot.pods.filter(isPlaced);
    const fabric = this.#newNamespace('fabric');
    snapshot.nodes.forEach(({ name, addresses }) => {
      this.#places.set(name, { netns: this.#newNamespace(name), addresses });
    });
    hosts.forEach(({ name, addresses }) => {
      this.#places.set(name, { netns: this.#newNamespace(name), addresses });
    });
    pods.forEach((pod, index) => {
      const netns = this.#newNamespace(`${index}-${pod.namespace}-${pod.name}`);
      const device = `pc${this.#run}h${index}`;
      const { addresses, node } = pod;
      this.#pods.set(`${pod.namespace}/${pod.name}`, { netns, addresses, device, node });
    });
    runIp(this.#namespaces.map((name) => `netns add ${name}`));
    const routers = [fabric, ...snapshot.nodes.map(({ name }) => this.host(name).netns)];
    await Promise.all(routers.map((netns) => this.#makeRouter(netns)));
    this.#link(fabric, snapshot.services);
    for (const netns of routers.slice(1)) {
      const rules = serviceRules(snapshot.services);
      if (rules !== '') runIn(netns, ['nft', '-f', '-'], rules);
    }
  }

  #newNamespace(name: string): string {
    const full = `${PREFIX}${this.#run}-${name}`;
    this.#namespaces.push(full);
    return full;
  }

  async #makeRouter(netns: string): Promise<void> {
    const settings: readonly (readonly [string, string])[] = [
      ['ipv4/ip_forward', '1'],
      ['ipv6/conf/all/forwarding', '1'],
      ['ipv4/conf/all/rp_filter', '0'],
      ['ipv4/conf/default/rp_filter', '0'],
    ];
    for (const [path, value] of settings) await this.prober.writeSysctl(netns, path, value);
  }

  /** Addresses of Services are announced by a node that serves them, so that hosts reach them too. */
  #link(fabric: string, services: readonly Service[]): void {
    const pods = [...this.#pods.values()];
    const places = [...this.#places.values()];
    const nodeOf = ({ node }: PodPlace): NetworkPlace => this.host(node);
    const fabricDevice = (index: number): string => `pc${this.#run}f${index}`;
    const routeTo = (address: Address, pod: PodPlace): string => {
      const node = nodeOf(pod);
      const via = node.addresses.find(({ family }) => family === address.family);
      if (via === undefined) bug(`${pod.node} has no address of family ${address.family}`);
      const device = fabricDevice(places.indexOf(node));
      return `${family(address)} route add ${formatAddress(address)} via ${formatAddress(via)} dev ${device} onlink`;
    };
    runIp([
      ...places.map((place, i) => veth(fabricDevice(i), fabric, place.netns)),
      ...pods.map((pod) => veth(pod.device, nodeOf(pod).netns, pod.netns)),
    ]);
    runIp(
      [
        ...places.flatMap((place, i) =>
          gatewayEnd(FABRIC_GATEWAY, fabricDevice(i), place.addresses),
        ),
        ...pods.flatMap((pod) => pod.addresses.map((address) => routeTo(address, pod))),
        ...services.flatMap((service) => {
          const served = service.endpoints.map(({ address }) => addressKey(address));
          const pod = pods.find((one) => one.addresses.some((a) => served.includes(addressKey(a))));
          return pod === undefined ? [] : service.addresses.map((vip) => routeTo(vip, pod));
        }),
      ],
      fabric,
    );
    for (const place of places) {
      const local = pods.filter((pod) => nodeOf(pod) === place);
      const routes = local.flatMap((pod) =>
        gatewayEnd(POD_GATEWAY, pod.device, pod.addresses, place.addresses),
      );
      runIp([...leafEnd(FABRIC_GATEWAY, place.addresses), ...routes], place.netns);
    }
    for (const pod of pods) runIp(leafEnd(POD_GATEWAY, pod.addresses), pod.netns);
  }
}

type PlacedPod = Pod & { readonly node: string };

function isPlaced(pod: Pod): pod is PlacedPod {
  return !pod.hostNetwork && pod.addresses.length > 0 && pod.node !== undefined;
}

function veth(device: string, netns: string, leaf: string): string {
  return `link add ${device} netns ${netns} type veth peer name eth0 netns ${leaf}`;
}

/** The router's end of a link; packets of the router's own carry `source`. */
function gatewayEnd(
  gateway: Gateway,
  device: string,
  leaf: readonly Address[],
  source: readonly Address[] = [],
): string[] {
  return [
    `addr add ${gateway.ipv4}/32 dev ${device}`,
    `addr add ${gateway.ipv6}/64 dev ${device} nodad`,
    ...linkUp(device),
    ...leaf.map((address) => {
      const own = source.find((one) => one.family === address.family);
      const src = own === undefined ? '' : ` src ${formatAddress(own)}`;
      return `${family(address)} route add ${formatAddress(address)} dev ${device}${src}`;
    }),
  ];
}

/** The other end: its own addresses, and everything else by the gateway. */
function leafEnd(gateway: Gateway, addresses: readonly Address[]): string[] {
  return [
    'link set lo up',
    ...addresses.map((address) => {
      const flags = address.family === 6 ? ' nodad' : '';
      return `addr add ${formatAddress(address)}/${address.family === 4 ? 32 : 128} dev eth0${flags}`;
    }),
    `addr add ${LEAF_LINK_LOCAL}/64 dev eth0 nodad`,
    ...linkUp('eth0'),
    ...addresses.map((address) => {
      const via = address.family === 4 ? gateway.ipv4 : gateway.ipv6;
      return `${family(address)} route add default via ${via} dev eth0 onlink src ${formatAddress(address)}`;
    }),
  ];
}

/** Without made-up link-local addresses: duplicate detection would hold them back for seconds. */
function linkUp(device: string): string[] {
  return [`link set ${device} addrgenmode none`, `link set ${device} up`];
}

/** In a batch the family is an option of the line's command. */
function family(address: Address): string {
  return address.family === 4 ? '-4' : '-6';
}

/** Runs lines of `ip -batch`, in a namespace where one is given. */
function runIp(lines: readonly string[], netns?: string): void {
  // `ip -batch` takes no options within lines, so one run for each family.
  const groups = { 'ip ': [] as string[], 'ip -4': [] as string[], 'ip -6': [] as string[] };
  for (const line of lines) {
    if (line.startsWith('-4 ')) groups['ip -4'].push(line.slice(3));
    else if (line.startsWith('-6 ')) groups['ip -6'].push(line.slice(3));
    else groups['ip '].push(line);
  }
  const inside = netns === undefined ? [] : ['-n', netns];
  for (const [command, group] of Object.entries(groups)) {
    if (group.length === 0) continue;
    const options = command
      .split(' ')
      .slice(1)
      .filter((word) => word !== '');
    run(['ip', ...options, ...inside, '-batch', '-'], `${group.join('\n')}\n`);
  }
}

function runIn(netns: string, argv: readonly string[], input: string): void {
  run(['nsenter', `--net=/run/netns/${netns}`, '--', ...argv], input);
}

function run(argv: readonly string[], input: string): void {
  const [program = '', ...rest] = argv;
  const done = spawnSync(program, rest, { input, encoding: 'utf8', env: ENVIRONMENT });
  if (done.status === 0) return;
  throw new Error(`${argv.join(' ')}: ${done.error?.message ?? done.stderr.trim()}\n${input}`);
}

/** A run's name starts with its process id; what a dead process left behind is taken down. */
function removeLeftovers(): void {
  if (!existsSync('/run/netns')) return;
  const dead = readdirSync('/run/netns').filter((name) => {
    const match = /^pc-([0-9a-z]+)[0-9a-z]-/.exec(name);
    return match !== null && !existsSync(`/proc/${Number.parseInt(match[1] ?? '', 36)}`);
  });
  if (dead.length > 0) removeNamespaces(dead);
}

/** Goes on where one is gone already. */
function removeNamespaces(names: readonly string[]): void {
  spawnSync('ip', ['-force', '-batch', '-'], {
    input: names.map((name) => `netns delete ${name}\n`).join(''),
    env: ENVIRONMENT,
  });
}
