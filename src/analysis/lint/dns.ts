/** Pods that are isolated for egress and may connect to others, but cannot look up names. */
import { parseAddress, prefixContains, type Address } from '../../address.js';
import { bug, diagnostic, type Diagnostic } from '../../diagnostics.js';
import { podsMayMeet } from '../../ir/check/overlap.js';
import { pinnedNamespaces } from '../../ir/interpret/selectors.js';
import { podSelectorKey } from '../../ir/peer-key.js';
import type { Pod } from '../../ir/cluster.js';
import type { Peer, PortProtocol, Rule } from '../../ir/model.js';
import { policyName, type NormalModel, type NormalPolicy } from '../../ir/normal-model.js';
import { portIndex } from '../../codegen/layout.js';
import type { PlacedPod } from '../universe.js';
import type { Scene } from './scene.js';

const NODE_LOCAL = parseAddress('169.254.20.10') ?? bug('no address');
const DNS_PORT = 53;
const PROTOCOLS = ['UDP', 'TCP'] as const;
const EVERY_PORT = [[0, portIndex('SCTP', 0xffff) + 1]] as const;
/** Namespaces of Services that are the cluster's DNS at port 53. */
const DNS_NAMESPACES: ReadonlySet<string> = new Set(['kube-system', 'openshift-dns']);

type Ask = Readonly<Record<'UDP' | 'TCP', boolean>>;

/** Without a cluster: policies that isolate egress, and to whose pods no policy can allow DNS. */
export function lintDnsOfPolicies(model: NormalModel): readonly Diagnostic[] {
  const allowing = (protocol: 'UDP' | 'TCP'): SelectedPods =>
    new SelectedPods(
      model.policies
        .filter(({ rules }) => rules.some((rule) => mayAllowDns(rule, protocol)))
        .flatMap(({ subjects }) => subjects),
    );
  const [byUdp, byTcp] = [allowing('UDP'), allowing('TCP')];
  const said = new Set<string>();
  return model.policies.flatMap((policy) => {
    // Only what a policy itself lets out is certain to need names.
    const talks = policy.rules.some(
      ({ direction, action }) => direction === 'egress' && action === 'allow',
    );
    if (!policy.isolates.egress || !talks) return [];
    const { subjects } = policy;
    const ask = { UDP: byUdp.mayMeet(subjects), TCP: byTcp.mayMeet(subjects) };
    const key = policyName(policy);
    if (said.has(key)) return [];
    said.add(key);
    return report(policy, 'its pods', ask, 'no policy allows them DNS');
  });
}

/** Pods that some policies select: each distinct selector once, by the namespace that it names. */
class SelectedPods {
  readonly #selectors: readonly Selector[];
  readonly #byNamespace = new Map<string, Selector[]>();
  readonly #anywhere: Selector[] = [];
  readonly #known = new Map<string, boolean>();

  constructor(selectors: readonly Selector[]) {
    this.#selectors = [...new Map(selectors.map((one) => [podSelectorKey(one), one])).values()];
    for (const one of this.#selectors) {
      const names = pinnedNamespaces(one.namespaces);
      if (names === undefined) this.#anywhere.push(one);
      for (const name of names ?? []) {
        const list = this.#byNamespace.get(name);
        if (list === undefined) this.#byNamespace.set(name, [one]);
        else list.push(one);
      }
    }
  }

  mayMeet(selectors: readonly Selector[]): boolean {
    return selectors.some((one) => {
      const key = podSelectorKey(one);
      const known =
        this.#known.get(key) ?? this.#near(one).some((other) => podsMayMeet(one, other));
      this.#known.set(key, known);
      return known;
    });
  }

  /** Those of other namespaces meet it in no cluster. */
  #near({ namespaces }: Selector): readonly Selector[] {
    const names = pinnedNamespaces(namespaces);
    if (names === undefined) return this.#selectors;
    return [...this.#anywhere, ...[...names].flatMap((name) => this.#byNamespace.get(name) ?? [])];
  }
}

type Selector = NormalPolicy['subjects'][number];

/** With a cluster: what each pod may ask, by the classes of DNS's own addresses. */
export function lintDns(scene: Scene): readonly Diagnostic[] {
  const servers = findServers(scene);
  if (servers.length === 0) return lintDnsOfPolicies(scene.model);
  const serving = new Set(servers.map(({ address }) => `${address.family} ${address.value}`));
  const runsLocal = scene.cluster.pods.some(
    ({ labels, completed }) => !completed && labels.get('k8s-app') === 'node-local-dns',
  );
  const groups = new Map<string, { policy: NormalPolicy; verdict: Verdict; pods: PlacedPod[] }>();
  for (const placed of scene.pods) {
    const policy = scene.isolatorOf(placed, 'egress');
    if (policy === undefined || isServer(placed.pod, serving)) continue;
    const verdict = judge(scene, placed, servers, runsLocal);
    if (verdict === undefined) continue;
    const key = `${policy.index} ${verdict.kind} ${JSON.stringify(verdict.ask)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { policy, verdict, pods: [placed] });
    else group.pods.push(placed);
  }
  return [...groups.values()].flatMap(({ policy, verdict, pods }) => {
    const whom = scene.describe(pods);
    if (verdict.kind === 'local') {
      const args = { policy: policyName(policy), pods: whom };
      return [diagnostic('lint/dns-without-node-local', args, policy.origin)];
    }
    return report(policy, whom, verdict.ask, 'not to DNS');
  });
}

interface Verdict {
  readonly kind: 'service' | 'local';
  readonly ask: Ask;
}

/** What is wrong at a pod; undefined where nothing is. */
function judge(
  scene: Scene,
  placed: PlacedPod,
  servers: readonly Server[],
  runsLocal: boolean,
): Verdict | undefined {
  const effects = scene.effectsOf(placed, 'egress');
  const talks = [...effects.defaults, ...effects.effects].some((id) =>
    scene.allowsSome(id, EVERY_PORT),
  );
  if (!talks) return undefined;
  const mine = servers.filter(({ address }) => placed.classes.has(address.family));
  const each = (protocol: 'UDP' | 'TCP'): boolean => {
    const here = mine.filter((one) => one.protocol === protocol);
    return here.every(({ address, port }) =>
      scene.allowsAt(placed, 'egress', address, protocol, port),
    );
  };
  const local = (protocol: 'UDP' | 'TCP'): boolean =>
    scene.allowsAt(placed, 'egress', NODE_LOCAL, protocol, DNS_PORT);
  const service: Ask = { UDP: each('UDP'), TCP: each('TCP') };
  const byLocal: Ask = { UDP: local('UDP'), TCP: local('TCP') };
  const isFine = ({ UDP, TCP }: Ask): boolean => UDP && TCP;
  if (runsLocal) {
    if (isFine(byLocal)) return undefined;
    if (byLocal.UDP || byLocal.TCP) return { kind: 'service', ask: byLocal };
    return { kind: isFine(service) ? 'local' : 'service', ask: service };
  }
  return isFine(service) || isFine(byLocal) ? undefined : { kind: 'service', ask: service };
}

function report(
  policy: NormalPolicy,
  pods: string,
  ask: Ask,
  lacking: string,
): readonly Diagnostic[] {
  const name = policyName(policy);
  const [has] = PROTOCOLS.filter((one) => ask[one]);
  const [lacks] = PROTOCOLS.filter((one) => !ask[one]);
  if (lacks === undefined) return [];
  if (has === undefined) {
    return [diagnostic('lint/dns-missing', { policy: name, pods, lacking }, policy.origin)];
  }
  const args = { policy: name, pods, has, lacks };
  return [diagnostic('lint/dns-by-one-protocol', args, policy.origin)];
}

interface Server {
  readonly address: Address;
  readonly protocol: PortProtocol;
  readonly port: number;
}

/** Where the cluster's DNS listens: behind its Services, else at its pods. */
function findServers({ cluster, pods }: Scene): readonly Server[] {
  const found = cluster.services
    .filter(({ namespace }) => DNS_NAMESPACES.has(namespace))
    .flatMap((service) =>
      service.ports.flatMap(({ protocol, port }, position) =>
        port !== DNS_PORT
          ? []
          : service.endpoints.flatMap(({ address, targetPorts }) => {
              const target = targetPorts.get(position);
              return target === undefined ? [] : [{ address, protocol, port: target }];
            }),
      ),
    );
  if (found.length > 0) return found;
  return pods
    .filter(
      ({ pod }) => pod.namespace === 'kube-system' && pod.labels.get('k8s-app') === 'kube-dns',
    )
    .flatMap(({ pod }) =>
      pod.addresses.flatMap((address) =>
        PROTOCOLS.map((protocol) => ({ address, protocol, port: DNS_PORT })),
      ),
    );
}

function isServer({ addresses }: Pod, serving: ReadonlySet<string>): boolean {
  return addresses.some(({ family, value }) => serving.has(`${family} ${value}`));
}

/** Whether an egress rule may be there for DNS: generous, since without a cluster nothing is certain. */
function mayAllowDns({ direction, action, ports, peers }: Rule, protocol: 'UDP' | 'TCP'): boolean {
  if (direction !== 'egress' || action !== 'allow' || !peers.some(mayBeDns)) return false;
  return (
    ports === 'every' ||
    ports.some((match) =>
      match.kind === 'named'
        ? /dns/i.test(match.name) && (match.protocol ?? protocol) === protocol
        : match.protocol === protocol &&
          // CoreDNS of OpenShift listens at 5353.
          [DNS_PORT, 5353].some((port) => match.first <= port && port <= match.last),
    ) ||
    peers.some(({ kind }) => kind === 'service')
  );
}

function mayBeDns(peer: Peer): boolean {
  switch (peer.kind) {
    case 'any':
    case 'outside':
    case 'nodes':
    case 'own-node':
    case 'service':
      return true;
    case 'pods':
      return true;
    case 'addresses':
      return peer.include.some(
        (one) => one.length < 32 || prefixContains(one, NODE_LOCAL) || one.family === 6,
      );
    case 'nothing':
      return false;
  }
}
