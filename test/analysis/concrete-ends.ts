/** Ends of flows in concrete worlds, as people would describe them; and worlds that witnesses make up. */
import { NUMBERS } from '../oracle/alphabets.js';
import { addressesOf, inCidr, isSubject, namespaceOf } from '../oracle/naive.js';
import type { ContainerObject, PodObject, World } from '../oracle/objects.js';
import type { BruteFlow } from './flow-space.js';
import type { ConcreteEnd } from './read-condition.js';

const FRESH = 7001;

/** Names of ports mean numbers of their own, as the answer assumes. */
export function withFreshPorts(world: World): World {
  const numbers = new Map<string, number>();
  const fresh = (list: readonly ContainerObject[]): readonly ContainerObject[] =>
    list.map(({ ports, ...container }) => ({
      ...container,
      ports: (ports ?? []).map((port) => {
        const key = `${port.name ?? ''} ${port.protocol ?? 'TCP'}`;
        const containerPort = numbers.get(key) ?? FRESH + 2 * numbers.size;
        numbers.set(key, containerPort);
        return { ...port, containerPort };
      }),
    }));
  const pods = world.pods.map(({ spec, ...pod }): PodObject => {
    const { containers, initContainers, ...rest } = spec;
    const init = initContainers == null ? {} : { initContainers: fresh(initContainers) };
    return { ...pod, spec: { ...rest, containers: fresh(containers), ...init } };
  });
  return { ...world, pods };
}

export const NUMBERED = [
  ...new Set([0, 82, 65535, ...NUMBERS.flatMap((one) => [one - 1, one, one + 1])]),
  ...[0, 1, 2, 4, 6, 8].map((step) => FRESH + step),
];

export function endAt(world: World, address: string): ConcreteEnd {
  const pod = world.pods.find((one) => isSubject(one) && addressesOf(one).includes(address));
  if (pod !== undefined) {
    const name = namespaceOf(pod);
    const found = world.namespaces.find(({ metadata }) => metadata.name === name);
    const namespace = { ...found?.metadata.labels, 'kubernetes.io/metadata.name': name };
    return { kind: 'pod', address, labels: pod.metadata.labels ?? {}, namespace };
  }
  const host = world.pods.find(
    (one) => one.spec.hostNetwork === true && addressesOf(one).includes(address),
  );
  const node = world.nodes.find(
    ({ metadata, status }) =>
      metadata.name === host?.spec.nodeName ||
      status.addresses.some((one) => one.address === address),
  );
  if (node !== undefined) {
    return { kind: 'node', address, labels: node.metadata.labels ?? {}, own: false };
  }
  const ranges = world.nodes.flatMap(({ spec }) => spec.podCIDRs ?? []);
  const isUnused = ranges.some((cidr) => inCidr(cidr, address));
  return { kind: isUnused ? 'unused' : 'outside', address };
}

/** Always allowed, before and after. */
export function isOwnNode(world: World, { from, to }: BruteFlow): boolean {
  const pod = world.pods.find((one) => isSubject(one) && addressesOf(one).includes(to));
  const own = world.nodes.find(({ metadata }) => metadata.name === pod?.spec.nodeName);
  const guests = world.pods.filter(
    ({ spec }) => spec.hostNetwork === true && spec.nodeName === pod?.spec.nodeName,
  );
  return (
    own?.status.addresses.some(({ address }) => address === from) === true ||
    guests.some((guest) => addressesOf(guest).includes(from))
  );
}

/** The world's policies in a cluster of these objects. */
export function worldOf(
  world: World,
  objects: readonly Readonly<Record<string, unknown>>[],
): World {
  const of = <One>(kind: string): One[] =>
    objects.filter((one) => one['kind'] === kind) as unknown as One[];
  return {
    ...world,
    namespaces: of('Namespace'),
    // The oracle wants containers, which a snapshot leaves out where they have no ports.
    pods: of<PodObject>('Pod').map(({ spec, ...pod }) => ({
      ...pod,
      spec: { ...spec, containers: (spec as Partial<typeof spec>).containers ?? [] },
    })),
    nodes: of('Node'),
    services: of('Service'),
    endpointSlices: of('EndpointSlice'),
  };
}
