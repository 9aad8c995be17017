/** Writes the short form of a cluster that verdict tables use as Kubernetes objects. */
import { isIPv6 } from 'node:net';
import { SourceFile } from '../../src/source.js';

export interface ShortPod {
  readonly labels: Readonly<Record<string, string>>;
  readonly ips: readonly string[];
  readonly node?: string;
  /** Name → `port/protocol`. */
  readonly ports?: Readonly<Record<string, string>>;
  readonly hostNetwork?: boolean;
  readonly phase?: string;
  /** More of the pod's `spec`. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

export interface ShortService {
  readonly ips: readonly string[];
  readonly port: string;
  readonly target: number;
  readonly pods: readonly string[];
}

export interface ShortCluster {
  readonly namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly pods: Readonly<Record<string, ShortPod>>;
  readonly nodes: Readonly<
    Record<
      string,
      {
        readonly labels: Readonly<Record<string, string>>;
        readonly ips: readonly string[];
        readonly ranges: readonly string[];
      }
    >
  >;
  readonly services: Readonly<Record<string, ShortService>>;
}

export function clusterFile(cluster: ShortCluster): SourceFile {
  const items = [
    ...Object.entries(cluster.namespaces).map(([name, labels]) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    })),
    ...Object.entries(cluster.nodes).map(([name, { labels, ips, ranges }]) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels },
      spec: { podCIDRs: ranges },
      status: { addresses: ips.map((address) => ({ type: 'InternalIP', address })) },
    })),
    ...Object.entries(cluster.pods).map(([path, pod]) => podObject(path, pod)),
    ...Object.entries(cluster.services).flatMap(([path, service]) =>
      serviceObjects(path, service, cluster),
    ),
  ];
  return new SourceFile('cluster.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

function podObject(path: string, pod: ShortPod): object {
  const [namespace, name] = path.split('/');
  const ports = Object.entries(pod.ports ?? {}).map(([portName, text]) => {
    const { port, protocol } = splitPort(text);
    return { name: portName, containerPort: port, protocol };
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: pod.labels },
    spec: {
      ...(pod.node === undefined ? {} : { nodeName: pod.node }),
      ...(pod.hostNetwork === true ? { hostNetwork: true } : {}),
      containers: [{ name: 'main', image: 'main', ports }],
      ...pod.spec,
    },
    status: { phase: pod.phase ?? 'Running', podIPs: pod.ips.map((ip) => ({ ip })) },
  };
}

function serviceObjects(
  path: string,
  service: ShortService,
  { pods }: ShortCluster,
): readonly object[] {
  const [namespace, name] = path.split('/');
  const { port, protocol } = splitPort(service.port);
  const slices = (['IPv4', 'IPv6'] as const).map((addressType) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name ?? ''}-${addressType.toLowerCase()}`,
      namespace,
      labels: { 'kubernetes.io/service-name': name },
    },
    addressType,
    ports: [{ name: 'main', protocol, port: service.target }],
    endpoints: service.pods
      .flatMap((pod) => pods[pod]?.ips ?? [])
      .filter((ip) => isIPv6(ip) === (addressType === 'IPv6'))
      .map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
  }));
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: {
        clusterIP: service.ips[0] ?? 'None',
        clusterIPs: service.ips.length === 0 ? ['None'] : service.ips,
        ipFamilies: ['IPv4', 'IPv6'],
        ports: [{ name: 'main', protocol, port }],
      },
    },
    ...slices,
  ];
}

function splitPort(text: string): { readonly port: number; readonly protocol: string } {
  const [port, protocol] = text.split('/');
  if (protocol === undefined) throw new Error(`\`${text}\` is no port/protocol`);
  return { port: Number(port), protocol };
}
