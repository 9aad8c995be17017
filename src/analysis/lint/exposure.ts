/** Services for clients outside: through whose address they come, and whether policies let them. */
import { addressKey, formatPrefix, type Prefix } from '../../address.js';
import { portIndex } from '../../codegen/layout.js';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import type { OutsideAccess, Service } from '../../ir/cluster.js';
import type { DeciderId, NormalPolicy, NormalRule } from '../../ir/normal-model.js';
import { HeldAddresses } from './held-addresses.js';
import { isOwnNode, type PlacedPod } from '../universe.js';
import { numberText, ruleName } from './naming.js';
import type { Scene } from './scene.js';

interface Endpoint {
  readonly placed: PlacedPod;
  readonly index: number;
}

interface ExposedPort {
  readonly service: Service;
  readonly outside: OutsideAccess;
  readonly name: string;
  /** The port that clients use. */
  readonly port: string;
  readonly endpoints: readonly Endpoint[];
}

/** @param gone rules that are reported as superfluous */
export function lintExposure(scene: Scene, gone: ReadonlySet<DeciderId>): readonly Diagnostic[] {
  const exposed = exposedPorts(scene);
  return [...exposed.flatMap((one) => lintPort(scene, one)), ...lintClients(scene, exposed, gone)];
}

function exposedPorts({ cluster, pods }: Scene): readonly ExposedPort[] {
  if (cluster.services.every(({ outside }) => outside === undefined)) return [];
  const holders = new Map(
    pods.flatMap((placed) => placed.pod.addresses.map((one) => [addressKey(one), placed] as const)),
  );
  return cluster.services.flatMap((service) => {
    const { outside, namespace, name } = service;
    if (outside === undefined) return [];
    return service.ports.flatMap(({ protocol, port }, position): readonly ExposedPort[] => {
      const endpoints = service.endpoints.flatMap(({ address, targetPorts }) => {
        const placed = holders.get(addressKey(address));
        const target = targetPorts.get(position);
        if (placed === undefined || target === undefined) return [];
        return [{ placed, index: portIndex(protocol, target) }];
      });
      if (endpoints.length === 0) return [];
      const number = outside.type === 'NodePort' ? outside.nodePorts.get(position) : port;
      const text =
        number === undefined ? `its node port for ${port}` : numberText(number, protocol);
      return [{ service, outside, name: `${namespace}/${name}`, port: text, endpoints }];
    });
  });
}

function lintPort(
  scene: Scene,
  { service, outside, name, port, endpoints }: ExposedPort,
): readonly Diagnostic[] {
  const { type, keepsClient } = outside;
  const nodes = scene.classesOf('node');
  const strangers = scene.classesOf('outside');
  const fromOutside = ({ placed, index }: Endpoint): boolean =>
    strangers.some((one) => scene.allows(placed, 'ingress', one, [[index, index]]));
  const fromNodes = ({ placed, index }: Endpoint): boolean =>
    nodes.some(
      (one) =>
        !isOwnNode(one, placed.pod) && scene.allows(placed, 'ingress', one, [[index, index]]),
    );
  const isSeen = keepsClient ? fromOutside : fromNodes;
  // Without nodes in the snapshot nobody knows their addresses.
  const judgeable =
    keepsClient ||
    nodes.some((one) => !endpoints.every(({ placed }) => isOwnNode(one, placed.pod)));
  if (!judgeable) return [];
  const origin = endpoints[0] && shuttingPolicy(scene, endpoints[0].placed)?.origin;
  if (!endpoints.some(isSeen)) {
    const seen = keepsClient ? 'the clients’ own addresses' : 'the addresses of nodes';
    const args = { service: name, type, port, seen };
    return [diagnostic('lint/outside-shut-out', args, origin)];
  }
  if (keepsClient || endpoints.some(fromOutside) || !endpoints.every(fromNodes)) return [];
  const pods = scene.describe([...new Set(endpoints.map(({ placed }) => placed))]);
  const args = { service: `${service.namespace}/${service.name}`, type, port, pods };
  return [diagnostic('lint/open-through-nodes', args, origin)];
}

function shuttingPolicy(scene: Scene, placed: PlacedPod): NormalPolicy | undefined {
  return scene.isolatorOf(placed, 'ingress');
}

/** Rules by the addresses of clients, at pods that never see these. */
function lintClients(
  scene: Scene,
  exposed: readonly ExposedPort[],
  gone: ReadonlySet<DeciderId>,
): readonly Diagnostic[] {
  const behind = new Map<PlacedPod, ExposedPort[]>();
  for (const one of exposed) {
    if (one.outside.keepsClient) continue;
    for (const { placed } of one.endpoints) {
      const list = behind.get(placed);
      if (list === undefined) behind.set(placed, [one]);
      else list.push(one);
    }
  }
  if (behind.size === 0) return [];
  const { nodes, pods } = scene.cluster;
  const own = new HeldAddresses([...nodes, ...pods].flatMap(({ addresses }) => addresses));
  return scene.model.policies.flatMap((policy) => {
    const here = scene.subjectsOf(policy).flatMap((placed) => behind.get(placed) ?? []);
    const [first] = here;
    if (first === undefined) return [];
    return policy.rules
      .filter(({ direction, action }) => direction === 'ingress' && action === 'allow')
      .filter(({ id }) => !gone.has(id))
      .flatMap((rule) => lintRule(own, policy, rule, first));
  });
}

function lintRule(
  own: HeldAddresses,
  policy: NormalPolicy,
  rule: NormalRule,
  { name, outside }: ExposedPort,
): readonly Diagnostic[] {
  // Blocks of private networks may be there for other clients than those of the Service.
  const isClients = (block: Prefix): boolean =>
    block.length > 0 && own.countIn(block) === 0 && !isPrivate(block);
  return rule.peers.flatMap((peer) => {
    const block = peer.kind === 'addresses' ? peer.include.find(isClients) : undefined;
    if (block === undefined) return [];
    const args = {
      rule: ruleName(policy, rule),
      block: formatPrefix(block),
      service: name,
      type: outside.type,
    };
    return [diagnostic('lint/client-address-lost', args, peer.origin)];
  });
}

/** RFC 1918, RFC 6598, RFC 4193, and what is local to a link. */
function isPrivate({ family, value }: Prefix): boolean {
  if (family === 6) return value >> 121n === 0x7en || value >> 118n === 0x3fan;
  const number = Number(value);
  const [first, second] = [number >>> 24, (number >>> 16) & 0xff];
  return (
    first === 10 ||
    (first === 172 && second >= 16 && second < 32) ||
    (first === 192 && second === 168) ||
    (first === 100 && second >= 64 && second < 128) ||
    (first === 169 && second === 254)
  );
}
