/** Ports that the pods in question do not have, and ports of Services where policies see target ports. */
import { addressKey } from '../../address.js';
import { portIndex } from '../../codegen/layout.js';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import { NameSearch } from '../../did-you-mean.js';
import type { Service } from '../../ir/cluster.js';
import type { PortMatch, PortProtocol } from '../../ir/model.js';
import type { NormalPolicy, NormalRule } from '../../ir/normal-model.js';
import type { PlacedPod } from '../universe.js';
import { numberText, ruleName } from './naming.js';
import type { Scene } from './scene.js';

export function lintPorts(scene: Scene): readonly Diagnostic[] {
  const search = new NameSearch();
  const services = new ServicePorts(scene);
  return scene.model.policies.flatMap((policy) =>
    policy.rules.flatMap((rule) => {
      if (rule.ports === 'every' || rule.peers.some(({ kind }) => kind === 'service')) return [];
      const named = rule.ports.filter((match) => match.kind === 'named');
      const single = rule.ports.filter(
        (match) => match.kind === 'range' && match.first === match.last,
      );
      const asksServices = single.length > 0 && !services.isEmpty;
      if (named.length === 0 && !asksServices) return [];
      const receivers = receiversOf(scene, policy, rule);
      if (receivers === undefined || receivers.length === 0) return [];
      return [
        ...named.flatMap((match) => lintName(policy, rule, match, receivers, search)),
        ...(asksServices
          ? single.flatMap((match) =>
              lintNumber(policy, rule, match, services.translated(match, receivers)),
            )
          : []),
      ];
    }),
  );
}

/** The pods whose ports the rule names; undefined where others than pods may receive. */
function receiversOf(
  scene: Scene,
  policy: NormalPolicy,
  rule: NormalRule,
): readonly PlacedPod[] | undefined {
  if (rule.direction === 'ingress') return scene.subjectsOf(policy);
  if (scene.subjectsOf(policy).length === 0) return [];
  const [only, ...others] = rule.peers;
  if (only?.kind === 'pods' && others.length === 0) return scene.podsOf(only);
  const lists = rule.peers.map((peer) => (peer.kind === 'pods' ? scene.podsOf(peer) : undefined));
  const known = lists.filter((list) => list !== undefined);
  return known.length < lists.length ? undefined : [...new Set(known.flat())];
}

function lintName(
  policy: NormalPolicy,
  rule: NormalRule,
  match: Extract<PortMatch, { kind: 'named' }>,
  receivers: readonly PlacedPod[],
  search: NameSearch,
): readonly Diagnostic[] {
  const has = receivers.some(({ pod }) =>
    pod.ports.some(
      ({ name, protocol }) => name === match.name && (match.protocol ?? protocol) === protocol,
    ),
  );
  if (has) return [];
  const all = receivers.flatMap(({ pod }) => pod.ports);
  const other = all.find(({ name }) => name === match.name);
  const near =
    other === undefined
      ? search.nearest(match.name, () => new Set(all.map(({ name }) => name)))
      : `${match.name}, protocol ${other.protocol}`;
  const whose = rule.direction === 'ingress' ? 'the policy selects' : 'its peers select';
  const args = { name: match.name, rule: ruleName(policy, rule), whose, near };
  return [diagnostic('lint/port-name-unknown', args, rule.origin)];
}

interface Backend {
  readonly service: Service;
  /** Position of the Service's port → target port at this pod. */
  readonly targets: ReadonlyMap<number, number>;
}

function servicesByPod({ cluster, pods }: Scene): ReadonlyMap<PlacedPod, readonly Backend[]> {
  const holders = new Map(
    pods.flatMap((placed) => placed.pod.addresses.map((one) => [addressKey(one), placed] as const)),
  );
  const found = new Map<PlacedPod, Backend[]>();
  for (const service of cluster.services) {
    for (const { address, targetPorts } of service.endpoints) {
      const placed = holders.get(addressKey(address));
      if (placed === undefined) continue;
      const list = found.get(placed);
      const backend = { service, targets: targetPorts };
      if (list === undefined) found.set(placed, [backend]);
      else list.push(backend);
    }
  }
  return found;
}

interface Translation {
  readonly service: Service;
  readonly targets: ReadonlySet<number>;
}

/** Ports of Services by the pods behind them; sets of pods are asked about again and again. */
class ServicePorts {
  readonly #byPod: ReadonlyMap<PlacedPod, readonly Backend[]>;
  readonly #known = new Map<readonly PlacedPod[], Map<number, Translation | undefined>>();

  constructor(scene: Scene) {
    this.#byPod = servicesByPod(scene);
  }

  get isEmpty(): boolean {
    return this.#byPod.size === 0;
  }

  /** The Service whose port the number is for these pods, if nothing else of them has it. */
  translated(match: PortMatch, receivers: readonly PlacedPod[]): Translation | undefined {
    if (match.kind === 'named') return undefined;
    const known = this.#known.get(receivers) ?? new Map<number, Translation | undefined>();
    this.#known.set(receivers, known);
    const index = portIndex(match.protocol, match.first);
    if (!known.has(index)) known.set(index, this.#find(match.protocol, match.first, receivers));
    return known.get(index);
  }

  #find(
    protocol: PortProtocol,
    port: number,
    receivers: readonly PlacedPod[],
  ): Translation | undefined {
    const found = new Map<Service, Set<number>>();
    for (const placed of receivers) {
      if (placed.pod.ports.some((one) => one.protocol === protocol && one.port === port)) {
        return undefined;
      }
      for (const { service, targets } of this.#byPod.get(placed) ?? []) {
        for (const [position, servicePort] of service.ports.entries()) {
          const target = targets.get(position);
          if (servicePort.protocol !== protocol || target === undefined) continue;
          if (target === port) return undefined;
          if (servicePort.port !== port) continue;
          const known = found.get(service) ?? new Set();
          found.set(service, known.add(target));
        }
      }
    }
    const [first] = found;
    return first === undefined ? undefined : { service: first[0], targets: first[1] };
  }
}

function lintNumber(
  policy: NormalPolicy,
  rule: NormalRule,
  match: PortMatch,
  translation: Translation | undefined,
): readonly Diagnostic[] {
  if (match.kind === 'named' || translation === undefined) return [];
  const { service, targets } = translation;
  const args = {
    rule: ruleName(policy, rule),
    port: numberText(match.first, match.protocol),
    service: `${service.namespace}/${service.name}`,
    targets: [...targets].map((target) => numberText(target, match.protocol)).join(', '),
  };
  return [diagnostic('lint/service-port', args, rule.origin)];
}
