/** The ports that an assertion has to try: one on each side of every boundary that a rule draws. */
import type { ClusterSnapshot } from '../cluster.js';
import type { MemberEnd } from './members.js';
import type { Protocol } from '../interpret.js';
import type { PortMatch, PortProtocol } from '../model.js';
import type { NormalModel } from '../normal-model.js';

export interface Arrival {
  readonly protocol: Protocol;
  readonly port: number;
}

const PORT_PROTOCOLS: readonly PortProtocol[] = ['TCP', 'UDP', 'SCTP'];

/** Ports at a Service are its own; `every` there means those that it has. */
export function arrivalsOf(
  model: NormalModel,
  cluster: ClusterSnapshot,
  ports: 'every' | readonly PortMatch[],
  to: MemberEnd,
): readonly Arrival[] {
  const service = cluster.services.find(
    ({ namespace, name }) => to.text === `service ${namespace}/${name}`,
  );
  if (service !== undefined) {
    return service.ports
      .filter((one) => ports === 'every' || ports.some((match) => matchesService(match, one)))
      .map(({ protocol, port }) => ({ protocol, port }));
  }
  const bounds = boundariesOf(model, cluster);
  if (ports === 'every') {
    const all = PORT_PROTOCOLS.flatMap((protocol) =>
      bounds[protocol].map((port): Arrival => ({ protocol, port })),
    );
    return [...all, { protocol: 'ICMP', port: 0 }, { protocol: 'ICMPv6', port: 0 }];
  }
  return ports.flatMap((match): readonly Arrival[] => {
    if (match.kind === 'named') {
      return (to.pod?.ports ?? [])
        .filter(
          ({ name, protocol }) => name === match.name && protocol === (match.protocol ?? protocol),
        )
        .map(({ protocol, port }) => ({ protocol, port }));
    }
    const { protocol, first, last } = match;
    const inside = bounds[protocol].filter((port) => first < port && port <= last);
    return [first, ...inside].map((port) => ({ protocol, port }));
  });
}

function matchesService(
  match: PortMatch,
  port: { name: string; protocol: PortProtocol; port: number },
): boolean {
  if (match.protocol !== undefined && match.protocol !== port.protocol) return false;
  return match.kind === 'named'
    ? match.name === port.name
    : match.first <= port.port && port.port <= match.last;
}

type Boundaries = Readonly<Record<PortProtocol, readonly number[]>>;
const known = new WeakMap<NormalModel, WeakMap<ClusterSnapshot, Boundaries>>();

/** The first port of every stretch that all rules treat alike. */
function boundariesOf(model: NormalModel, cluster: ClusterSnapshot): Boundaries {
  const remembered = known.get(model)?.get(cluster);
  if (remembered !== undefined) return remembered;
  const found = { TCP: new Set([0]), UDP: new Set([0]), SCTP: new Set([0]) };
  const add = (protocol: PortProtocol, first: number, last: number): void => {
    found[protocol].add(first);
    if (last < 65535) found[protocol].add(last + 1);
  };
  for (const { rules } of model.policies) {
    for (const match of rules.flatMap(({ ports }) => (ports === 'every' ? [] : ports))) {
      if (match.kind === 'range') add(match.protocol, match.first, match.last);
    }
  }
  for (const pod of cluster.pods) {
    for (const { protocol, port } of pod.ports) add(protocol, port, port);
  }
  for (const { ports, endpoints } of cluster.services) {
    for (const { targetPorts } of endpoints) {
      for (const [index, port] of targetPorts) add(ports[index]?.protocol ?? 'TCP', port, port);
    }
  }
  const sorted = (set: ReadonlySet<number>): readonly number[] => [...set].sort((a, b) => a - b);
  const boundaries = { TCP: sorted(found.TCP), UDP: sorted(found.UDP), SCTP: sorted(found.SCTP) };
  const byCluster = known.get(model) ?? new WeakMap<ClusterSnapshot, Boundaries>();
  byCluster.set(cluster, boundaries);
  known.set(model, byCluster);
  return boundaries;
}
