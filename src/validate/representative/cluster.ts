/** The representative cluster: what policies can tell apart, made up for policies that no cluster has seen. */
import { ADDRESS_BITS, addressKey, prefixLast, type Address, type Prefix } from '../../address.js';
import type {
  ClusterNode,
  ClusterSnapshot,
  Labels,
  Pod,
  Service,
  ServicePort,
} from '../../ir/cluster.js';
import { inventAddresses } from '../../ir/made-up-addresses.js';
import { NAMESPACE_NAME_LABEL, type Peer, type PortMatch } from '../../ir/model.js';
import type { NormalPolicy } from '../../ir/normal-model.js';
import { selectorKey } from '../../ir/peer-key.js';
import { labelsKey, labelsThatMatch, labelsThatMiss } from './labels.js';
import {
  sketchNamespaces,
  sketchPods,
  sketchPorts,
  type PodSketch,
  type SelectedPods,
} from './pods.js';

/** Pods that stand inside of the policies' own CIDR blocks. */
const MAX_PODS_IN_BLOCKS = 4;
const MAX_DOUBLED = 32;
const MAX_NODES = 16;
const MAX_SERVICES = 32;

/** Of the made-up pod addresses (made-up-addresses.ts): what the nodes say is theirs. */
const POD_RANGES: readonly (readonly Prefix[])[] = [
  [
    { family: 4, value: 0xf000_0000n, length: 7 },
    { family: 6, value: 0xfd70_6f6c_6963_7963n << 64n, length: 64 },
  ],
  [{ family: 4, value: 0xf200_0000n, length: 8 }],
];
const FIRST_NODE = { 4: 0xf400_0001n, 6: (0xfd70_6f6c_6963_7965n << 64n) | 1n } as const;

export function representativeCluster(policies: readonly NormalPolicy[]): ClusterSnapshot {
  const peers = policies.flatMap(({ rules }) => rules.flatMap((rule) => rule.peers));
  const selectors = [
    ...policies.flatMap(({ subjects }) => subjects),
    ...peers.filter((peer) => peer.kind === 'pods'),
  ];
  const services = servicesNamed(peers);
  const namespaces = sketchNamespaces(policies, [
    ...selectors,
    ...[...services.values()].map(({ namespace }) => inNamespace(namespace)),
  ]);
  const ports = policies
    .flatMap(({ rules }) => rules.flatMap((rule) => (rule.ports === 'every' ? [] : rule.ports)))
    .filter((match) => match.kind === 'named');
  const sketches = sketchPods(namespaces, selectors);
  const prefixes = blocksOf(peers);
  const pods = [
    ...placePods(sketches, ports, prefixes),
    ...podsInBlocks(prefixes, sketches[0]),
    ...hostPod(sketches[0]),
  ];
  return {
    namespaces,
    pods,
    nodes: sketchNodes(peers, prefixes),
    services: sketchServices(services, policies, pods),
  };
}

/** Both families, but for two twins of the first pod that have one alone. */
function placePods(
  sketches: readonly PodSketch[],
  ports: readonly Extract<PortMatch, { kind: 'named' }>[],
  prefixes: readonly Prefix[],
): readonly Pod[] {
  const taken = new Set(prefixes.map((prefix) => addressKey(prefix)));
  const addresses = inventAddresses('pods', (address) => taken.has(addressKey(address)));
  const [first] = sketches;
  const twins = first === undefined ? [] : ([4, 6] as const);
  const dual = sketches.map((sketch, i) =>
    makePod(sketch, `pod-${i}`, addresses.next().value, i % 2, sketchPorts(ports, i)),
  );
  // A pod is not its own peer: whoever selects pods like itself needs a second one.
  const doubled = sketches.length <= MAX_DOUBLED ? sketches : [];
  const second = doubled.map((sketch, i) =>
    makePod(sketch, `second-${i}`, addresses.next().value, i % 2, sketchPorts(ports, i)),
  );
  const single = twins.flatMap((family) => {
    const own = addresses.next().value.filter((address) => address.family === family);
    return first === undefined ? [] : [makePod(first, `only-ipv${family}`, own, 0)];
  });
  return [...dual, ...second, ...single];
}

function makePod(
  { namespace, labels }: PodSketch,
  name: string,
  addresses: readonly Address[],
  node: number,
  ports: Pod['ports'] = [],
): Pod {
  return {
    namespace,
    name,
    labels,
    addresses,
    node: nodeName(node),
    hostNetwork: false,
    completed: false,
    ports,
    representative: true,
  };
}

/** A pod's address decides too (SEMANTICS row 28): some stand in the blocks that rules name. */
function podsInBlocks(prefixes: readonly Prefix[], sketch: PodSketch | undefined): readonly Pod[] {
  if (sketch === undefined) return [];
  return prefixes
    .filter(({ family, length }) => length > 0 && length < ADDRESS_BITS[family] - 2)
    .slice(0, MAX_PODS_IN_BLOCKS)
    .map((prefix, i) => {
      const address = { family: prefix.family, value: prefixLast(prefix) - 1n };
      return makePod(sketch, `in-block-${i}`, [address], 1);
    });
}

function hostPod(sketch: PodSketch | undefined): readonly Pod[] {
  if (sketch === undefined) return [];
  const address: Address = { family: 4, value: FIRST_NODE[4] + 0x100n };
  return [{ ...makePod(sketch, 'host', [address], 1), hostNetwork: true }];
}

function nodeName(i: number): string {
  return `policyc-node-${i}`;
}

/** Two nodes that hold the pods, and one for each way to select nodes. Part of a block is a pod range. */
function sketchNodes(peers: readonly Peer[], prefixes: readonly Prefix[]): readonly ClusterNode[] {
  const selectors = new Map(
    peers.flatMap((peer) =>
      peer.kind === 'nodes' ? [[selectorKey(peer.selector), peer.selector] as const] : [],
    ),
  );
  const sets = new Map<string, Labels>();
  for (const selector of selectors.values()) {
    for (const labels of [...labelsThatMatch(selector), ...labelsThatMiss(selector)]) {
      sets.set(labelsKey(labels), labels);
    }
  }
  const labels: readonly Labels[] = [...sets.values()].slice(0, MAX_NODES);
  const inBlock = prefixes
    .filter(({ family, length }) => length > 0 && length < ADDRESS_BITS[family] - 3)
    .slice(0, 1)
    .map(({ family, value, length }) => {
      const half = 1n << BigInt(ADDRESS_BITS[family] - length - 2);
      return { family, value: value + half, length: length + 2 };
    });
  return Array.from({ length: Math.max(2, labels.length) }, (_, i) => ({
    name: nodeName(i),
    labels: labels[i] ?? new Map<string, string>(),
    addresses: ([4, 6] as const).map((family) => ({
      family,
      value: FIRST_NODE[family] + BigInt(i),
    })),
    podRanges: [...(POD_RANGES[i] ?? []), ...(i === 1 ? inBlock : [])],
  }));
}

interface ServiceSketch {
  readonly namespace: string;
  readonly name: string;
}

function servicesNamed(peers: readonly Peer[]): ReadonlyMap<string, ServiceSketch> {
  const found = new Map<string, ServiceSketch>();
  for (const peer of peers) {
    if (peer.kind !== 'service' || found.size >= MAX_SERVICES) continue;
    found.set(`${peer.namespace}/${peer.name}`, { namespace: peer.namespace, name: peer.name });
  }
  return found;
}

/** So that the Service's namespace is there, with a pod in it. */
function inNamespace(namespace: string): SelectedPods {
  const name = { key: NAMESPACE_NAME_LABEL, operator: 'In', values: [namespace] } as const;
  return { namespaces: { requirements: [name] }, pods: { requirements: [] } };
}

/** Services that rules name, one whose endpoints are all kinds of pods, and one without any. */
function sketchServices(
  named: ReadonlyMap<string, ServiceSketch>,
  policies: readonly NormalPolicy[],
  pods: readonly Pod[],
): readonly Service[] {
  const ports = servicePorts(policies);
  const addresses = inventAddresses('services', () => false);
  const serve = ({ namespace, name }: ServiceSketch, behind: readonly Pod[]): Service => ({
    namespace,
    name,
    addresses: addresses.next().value,
    ports,
    endpoints: behind.flatMap((pod) =>
      pod.addresses.map((address) => ({
        address,
        // The last port has another number behind the Service.
        targetPorts: new Map(ports.map(({ port }, i) => [i, i + 1 < ports.length ? port : 8_080])),
      })),
    ),
  });
  const policyPods = pods.filter(({ hostNetwork }) => !hostNetwork);
  return [
    ...[...named.values()].map((one) =>
      serve(one, policyPods.filter(({ namespace }) => namespace === one.namespace).slice(0, 2)),
    ),
    serve({ namespace: 'policyc', name: 'some' }, policyPods.slice(0, 1)),
    serve({ namespace: 'policyc', name: 'mixed' }, policyPods.slice(0, 4)),
    serve({ namespace: 'policyc', name: 'none' }, []),
  ];
}

const MAX_SERVICE_PORTS = 6;

function servicePorts(policies: readonly NormalPolicy[]): readonly ServicePort[] {
  const ports = new Map<string, ServicePort>();
  for (const { rules } of policies) {
    for (const rule of rules) {
      for (const match of rule.ports === 'every' ? [] : rule.ports) {
        if (ports.size >= MAX_SERVICE_PORTS) break;
        const protocol = match.protocol ?? 'TCP';
        const port = match.kind === 'range' ? match.first : 8_000 + ports.size;
        const name = match.kind === 'named' ? match.name : `port-${ports.size}`;
        ports.set(`${protocol} ${port}`, { name, protocol, port });
      }
    }
  }
  return [...ports.values(), { name: 'policyc-moved', protocol: 'TCP', port: 7 }];
}

/** The blocks that rules name, first named first. */
function blocksOf(peers: readonly Peer[]): readonly Prefix[] {
  return peers.flatMap((peer) => (peer.kind === 'addresses' ? peer.include : []));
}
