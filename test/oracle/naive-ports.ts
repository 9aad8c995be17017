/** The oracle's reading of ports, in the three ways in which policies write them. */
import type { ClusterRule, NetworkPolicyPort, PodObject } from './objects.js';

export interface PortTest {
  /** Undefined: a range of numbers. */
  readonly name?: string;
  /** Undefined: that of the container port. */
  readonly protocol?: string;
  readonly first: number;
  readonly last: number;
}

/** Rows 18 and 30 to 33. */
export function portsOfNetworkPolicy(
  ports: readonly NetworkPolicyPort[],
): readonly PortTest[] | 'every' {
  if (ports.length === 0) return 'every';
  return ports.map(({ protocol, port, endPort }): PortTest => {
    const known = { protocol: protocol ?? 'TCP' };
    if (typeof port === 'string') return { ...known, name: port, first: 0, last: 0 };
    if (port == null) return { ...known, first: 0, last: 65535 };
    return { ...known, first: port, last: endPort ?? port };
  });
}

/** Rows 59, 60 and 66. */
export function portsOfClusterRule(rule: ClusterRule): readonly PortTest[] | 'every' {
  const tests: PortTest[] = [];
  for (const { portNumber, portRange, namedPort } of rule.ports ?? []) {
    if (portNumber !== undefined) {
      const { protocol = 'TCP', port } = portNumber;
      tests.push({ protocol, first: port, last: port });
    }
    if (portRange !== undefined) {
      const { protocol = 'TCP', start, end } = portRange;
      tests.push({ protocol, first: start, last: end });
    }
    if (namedPort !== undefined) tests.push({ name: namedPort, first: 0, last: 0 });
  }
  for (const entry of rule.protocols ?? []) {
    for (const [protocol, destination] of [
      ['TCP', entry.tcp],
      ['UDP', entry.udp],
      ['SCTP', entry.sctp],
    ] as const) {
      const port = destination?.destinationPort;
      if (port?.number !== undefined)
        tests.push({ protocol, first: port.number, last: port.number });
      if (port?.range !== undefined) {
        tests.push({ protocol, first: port.range.start, last: port.range.end });
      }
    }
    if (entry.destinationNamedPort !== undefined) {
      tests.push({ name: entry.destinationNamedPort, first: 0, last: 0 });
    }
  }
  return tests.length === 0 ? 'every' : tests;
}

/** Rows 33, 45 and 60: the numbers that the pod gives the name, for that protocol. */
export function namedPortOf(pod: PodObject, test: PortTest, protocol: string): readonly number[] {
  if (test.protocol !== undefined && test.protocol !== protocol) return [];
  const sidecars = (pod.spec.initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === 'Always',
  );
  return [...pod.spec.containers, ...sidecars]
    .flatMap(({ ports }) => ports ?? [])
    .filter((port) => port.name === test.name && (port.protocol ?? 'TCP') === protocol)
    .map(({ containerPort }) => containerPort);
}
