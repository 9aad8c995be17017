/** The cluster snapshot → Kubernetes objects: what policies can see, and nothing else. */
import { formatAddress, formatPrefix, type Address, type Family } from '../address.js';
import type { JsonObject } from '../parser/yaml/value.js';
import type {
  ClusterNode,
  ClusterSnapshot,
  Labels,
  Namespace,
  Pod,
  Service,
  ServiceEndpoint,
} from './cluster.js';
import { NAMESPACE_NAME_LABEL } from './model.js';

/**
 * Objects that are lowered to the same snapshot again, in an order that does not depend on that of the
 * input. Made-up addresses are written as if they were real.
 */
export function writeCluster({
  namespaces,
  nodes,
  services,
  pods,
}: ClusterSnapshot): readonly JsonObject[] {
  return [
    ...[...namespaces.values()].map(writeNamespace),
    ...nodes.map(writeNode),
    ...services.flatMap(writeService),
    ...pods.map(writePod),
  ];
}

function writeNamespace({ name, labels }: Namespace): JsonObject {
  // The API server gives every namespace its name as a label, and so does the reader.
  const own = new Map([...labels].filter(([key]) => key !== NAMESPACE_NAME_LABEL));
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...writeLabels(own) } };
}

function writeNode({ name, labels, addresses, podRanges }: ClusterNode): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, ...writeLabels(labels) },
    spec: { podCIDRs: podRanges.map(formatPrefix) },
    status: {
      addresses: addresses.map((one) => ({ type: 'InternalIP', address: formatAddress(one) })),
    },
  };
}

function writePod(pod: Pod): JsonObject {
  const { namespace, name, labels, node, hostNetwork, ports, workload } = pod;
  const owner =
    workload === undefined
      ? {}
      : { ownerReferences: [{ kind: workload.kind, name: workload.name, controller: true }] };
  const named = ports.map(({ name: portName, protocol, port }) => ({
    name: portName,
    protocol,
    containerPort: port,
  }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, ...writeLabels(labels), ...owner },
    spec: {
      ...(node === undefined ? {} : { nodeName: node }),
      ...(hostNetwork ? { hostNetwork } : {}),
      ...(named.length === 0 ? {} : { containers: [{ name: 'ports', ports: named }] }),
    },
    status: writeStatus(pod),
  };
}

function writeStatus({ completed, addresses }: Pod): JsonObject {
  if (completed) return { phase: 'Succeeded' };
  if (addresses.length === 0) return { phase: 'Pending' };
  return { phase: 'Running', podIPs: addresses.map((one) => ({ ip: formatAddress(one) })) };
}

/** With slices even where there are no endpoints, so that the selector makes none. */
function writeService(service: Service): readonly JsonObject[] {
  const { namespace, name, addresses, ports, selector, outside } = service;
  const clusterIPs = addresses.length === 0 ? ['None'] : addresses.map(formatAddress);
  const written: JsonObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name },
    spec: {
      ...(outside === undefined ? {} : { type: outside.type }),
      ...(selector === undefined ? {} : { selector: sortedLabels(selector) }),
      ...(outside?.keepsClient === true ? { externalTrafficPolicy: 'Local' } : {}),
      clusterIP: clusterIPs[0] ?? 'None',
      clusterIPs,
      ports: ports.map(({ name: portName, protocol, port }, position) => {
        const nodePort = outside?.nodePorts.get(position);
        return {
          ...(portName === '' ? {} : { name: portName }),
          protocol,
          port,
          ...(nodePort === undefined ? {} : { nodePort }),
        };
      }),
    },
  };
  return [written, ...writeSlices(service)];
}

/** One slice for each family and list of target ports. */
function writeSlices(service: Service): readonly JsonObject[] {
  const { namespace, name, ports, endpoints, selector } = service;
  const groups = new Map<string, ServiceEndpoint[]>();
  if (endpoints.length === 0 && selector !== undefined) groups.set('', []);
  for (const endpoint of endpoints) {
    const targets = [...endpoint.targetPorts].sort(([a], [b]) => a - b);
    const key = `${endpoint.address.family} ${targets.join(' ')}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [endpoint]);
    else group.push(endpoint);
  }
  return [...groups.values()].map((group, i): JsonObject => {
    const [first] = group;
    const targets = ports.flatMap(({ name: portName, protocol }, position) => {
      const port = first?.targetPorts.get(position);
      if (port === undefined) return [];
      return [{ ...(portName === '' ? {} : { name: portName }), protocol, port }];
    });
    return {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        namespace,
        name: `${name}-${i}`,
        labels: { 'kubernetes.io/service-name': name },
      },
      addressType: first === undefined ? ADDRESS_TYPES[4] : addressType(first.address),
      ports: targets,
      endpoints: group.map(({ address }) => ({ addresses: [formatAddress(address)] })),
    };
  });
}

const ADDRESS_TYPES: Readonly<Record<Family, string>> = { 4: 'IPv4', 6: 'IPv6' };

function addressType({ family }: Address): string {
  return ADDRESS_TYPES[family];
}

function writeLabels(labels: Labels): { readonly labels?: JsonObject } {
  if (labels.size === 0) return {};
  return { labels: sortedLabels(labels) };
}

function sortedLabels(labels: Labels): JsonObject {
  return Object.fromEntries([...labels].sort(([a], [b]) => (a < b ? -1 : 1)));
}
