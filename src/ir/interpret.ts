/** The model interpreter: what the policies mean, written straight from the semantics. */
import type { Address } from '../address.js';
import { bug } from '../diagnostics.js';
import { isPolicyPod, type ClusterSnapshot, type Pod, type Service } from './cluster.js';
import { createAddressBook } from './interpret/addresses.js';
import {
  createRuleMatcher,
  sameAddress,
  type PacketView,
  type Protocol,
} from './interpret/match.js';
import { createPodSelection } from './interpret/selectors.js';
import { createTierViews } from './interpret/tier-views.js';
import { createTracer, type SideTrace } from './interpret/trace.js';
import { SERVICE_HANDLING, type Direction, type PortProtocol } from './model.js';
import {
  NO_DECIDER,
  type DeciderId,
  type Judgement,
  type NormalModel,
  type NormalRule,
  type Reason,
} from './normal-model.js';

export type { Protocol } from './interpret/match.js';

export interface JudgeOptions {
  /** The packet was made by the subject's own node, not forwarded by it. */
  readonly localOrigin: boolean;
  /** It was sent to a Service's address, and has been led on to the subject. */
  readonly throughService?: boolean;
  /** More of the packet, for engines that run on packets. Policies do not look at it. */
  readonly sourcePort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/**
 * Judges one direction of a packet at a policy pod. The port is the destination's: the remote's for
 * egress, the subject's for ingress; 0 for protocols without ports.
 */
export type Judge = (
  subject: Pod,
  direction: Direction,
  remote: Address,
  protocol: Protocol,
  port: number,
  options: JudgeOptions,
) => Judgement;

export interface EndpointJudgement {
  readonly address: Address;
  readonly judgement: Judgement;
}

export interface Interpreter {
  readonly judge: Judge;
  /** What a packet to a Service's address meets at each endpoint, by address. */
  readonly judgeEndpoints: (
    subject: Pod,
    vip: Address,
    protocol: Protocol,
    port: number,
  ) => readonly EndpointJudgement[];
  /** What the policies alone say of a packet, clause by clause. */
  readonly trace: (
    subject: Pod,
    direction: Direction,
    remote: Address,
    protocol: Protocol,
    port: number,
  ) => SideTrace;
  /** Rules that may have a say on packets of this remote: their peers hold it, at whatever port. */
  readonly rulesAbout: (
    subject: Pod,
    direction: Direction,
    remote: Address,
  ) => readonly NormalRule[];
  /** The ports at which the address serves as an endpoint of the Service. */
  readonly targetPortsOf: (
    service: { readonly namespace: string; readonly name: string },
    address: Address,
  ) => readonly { readonly protocol: PortProtocol; readonly targetPort: number }[];
  /** Every rule that may have a say, in the order of decision. */
  readonly rulesOf: (subject: Pod, direction: Direction) => readonly NormalRule[];
  /** The first policy by which the pod is isolated in the direction; NO_DECIDER if none does. */
  readonly isolationOf: (subject: Pod, direction: Direction) => DeciderId;
}

/** @param at the instant at which rules with `until` are judged, in milliseconds since the epoch */
export function createInterpreter(
  model: NormalModel,
  cluster: ClusterSnapshot,
  at: number,
): Interpreter {
  const book = createAddressBook(cluster);
  const selection = createPodSelection(cluster);
  const { matches, concerns, alternativesOf } = createRuleMatcher(cluster, selection);
  const viewsOf = createTierViews(model, selection, at);
  const traceTiers = createTracer(viewsOf, alternativesOf, at);
  const services = model.services ?? SERVICE_HANDLING;

  /** The tiers alone: neither the pod itself, nor its node, nor Services are special here. */
  const judgeByPolicies = (packet: PacketView): Judgement => {
    for (const view of viewsOf(packet.subject, packet.direction)) {
      const first = view.rules
        .candidates(packet.remote, packet.holder?.pod)
        .find((rule) => matches(rule, packet));
      if (view.tier.kind === 'additive') {
        if (view.isolation === NO_DECIDER) continue;
        if (first === undefined) return judgement('deny', 'isolation', view.isolation);
        return judgement('allow', 'rule', first.id);
      }
      if (first === undefined || first.action === 'pass') continue;
      return judgement(first.action, 'rule', first.id);
    }
    return judgement('allow', 'default');
  };

  const packetAt = (
    subject: Pod,
    direction: Direction,
    remote: Address,
    protocol: Protocol,
    port: number,
  ): PacketView => {
    const holder = book.holderOf(remote);
    const unbound = book.isUnbound(remote);
    return { subject, direction, remote, holder, unbound, protocol, port };
  };
  const judgeAt = (...packet: Parameters<typeof packetAt>): Judgement =>
    judgeByPolicies(packetAt(...packet));

  // A Service that leads back to the pod itself is judged by the policies too (SEMANTICS row 40).
  const judgeEndpoints: Interpreter['judgeEndpoints'] = (subject, vip, protocol, port) => {
    const service = book.holderOf(vip)?.service;
    if (service === undefined) return [];
    return endpointsBehind(service, vip, protocol, port).map(({ address, targetPort }) => ({
      address,
      judgement:
        services.hairpin === 'exempt' && holdsAddress(subject, address)
          ? judgement('allow', 'self')
          : judgeAt(subject, 'egress', address, protocol, targetPort),
    }));
  };

  const judgeService = (
    subject: Pod,
    vip: Address,
    protocol: Protocol,
    port: number,
  ): Judgement => {
    const endpoints = judgeEndpoints(subject, vip, protocol, port);
    if (endpoints.length === 0 || services.judgedAt === 'endpoints') return agree(endpoints);
    return judgeAt(subject, 'egress', vip, protocol, port);
  };

  const judge: Judge = (subject, direction, remote, protocol, port, options) => {
    if (!isPolicyPod(subject)) bug(`${subject.namespace}/${subject.name} is no policy pod`);
    const isHairpin = options.throughService === true && direction === 'ingress';
    if (holdsAddress(subject, remote) && !(isHairpin && services.hairpin === 'both')) {
      return judgement('allow', 'self');
    }
    const holder = book.holderOf(remote);
    if (direction === 'ingress') {
      const ownNode = subject.node !== undefined && holder?.nodes.has(subject.node) === true;
      if (ownNode && options.localOrigin) return judgement('allow', 'own-node');
    } else if (holder?.service !== undefined && hasPorts(protocol)) {
      return judgeService(subject, remote, protocol, port);
    }
    return judgeAt(subject, direction, remote, protocol, port);
  };

  return {
    judge,
    judgeEndpoints,
    trace: (...asked) => {
      const packet = packetAt(...asked);
      return traceTiers(packet, judgeByPolicies(packet));
    },
    rulesAbout: (subject, direction, remote) => {
      const packet = packetAt(subject, direction, remote, 'TCP', 0);
      return viewsOf(subject, direction).flatMap(({ rules }) =>
        rules.candidates(remote, packet.holder?.pod).filter((rule) => concerns(rule, packet)),
      );
    },
    targetPortsOf: ({ namespace, name }, address) => {
      const service = cluster.services.find(
        (one) => one.namespace === namespace && one.name === name,
      );
      return (service?.endpoints ?? [])
        .filter((one) => sameAddress(one.address, address))
        .flatMap(({ targetPorts }) =>
          [...targetPorts].flatMap(([index, targetPort]) => {
            const protocol = service?.ports[index]?.protocol;
            return protocol === undefined ? [] : [{ protocol, targetPort }];
          }),
        );
    },
    rulesOf: (subject, direction) =>
      viewsOf(subject, direction).flatMap(({ rules }) => rules.rules),
    isolationOf: (subject, direction) =>
      viewsOf(subject, direction).find(({ isolation }) => isolation !== NO_DECIDER)?.isolation ??
      NO_DECIDER,
  };
}

function holdsAddress({ addresses }: Pod, address: Address): boolean {
  return addresses.some((own) => sameAddress(own, address));
}

export function hasPorts(protocol: Protocol): protocol is 'TCP' | 'UDP' | 'SCTP' {
  return protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP';
}

export interface EndpointTarget {
  readonly address: Address;
  readonly targetPort: number;
}

/** Where a packet to a Service's address may end up, by address: ready endpoints of its family. */
export function endpointsBehind(
  service: Service,
  vip: Address,
  protocol: Protocol,
  port: number,
): readonly EndpointTarget[] {
  const index = service.ports.findIndex((one) => one.protocol === protocol && one.port === port);
  return service.endpoints
    .filter(({ address }) => address.family === vip.family)
    .flatMap(({ address, targetPorts }) => {
      const targetPort = targetPorts.get(index);
      return targetPort === undefined ? [] : [{ address, targetPort }];
    })
    .sort((a, b) => (a.address.value < b.address.value ? -1 : 1));
}

/** The verdict on a packet to a Service, from the verdicts on its endpoints. */
function agree(endpoints: readonly EndpointJudgement[]): Judgement {
  const judgements = endpoints.map((endpoint) => endpoint.judgement);
  const [first] = judgements;
  if (first === undefined) return judgement('deny', 'no-endpoint');
  if (judgements.every(({ verdict }) => verdict === first.verdict)) return first;
  const denied = judgements.find(({ verdict }) => verdict === 'deny') ?? first;
  return judgement('deny', 'service-mixed', denied.decider);
}

function judgement(
  verdict: Judgement['verdict'],
  reason: Reason,
  decider: DeciderId = NO_DECIDER,
): Judgement {
  return { verdict, reason, decider };
}
