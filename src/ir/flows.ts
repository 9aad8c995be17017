/** Flows: the connections that are asked about, and how the two sides' judgements become one verdict. */
import type { Address, Family } from '../address.js';
import { formatPlace } from '../source.js';
import type { Pod } from './cluster.js';
import type { Judge, JudgeOptions, Protocol } from './interpret.js';
import { sameAddress } from './interpret/match.js';
import type { Verdict } from './model.js';
import {
  NO_DECIDER,
  deciderName,
  deciderOrigin,
  type Judgement,
  type NormalModel,
  type Reason,
} from './normal-model.js';

export interface FlowEnd {
  /** As it was written. */
  readonly text: string;
  /** The address in the packet. */
  readonly address: Address;
  /** The policy pod that holds the address. */
  readonly pod?: Pod;
  /** The node whose address it is. */
  readonly node?: string;
}

/** Where a packet arrives: the destination itself, or an endpoint behind a Service's address. */
export interface FlowTarget {
  readonly address: Address;
  /** The destination port there. */
  readonly port: number;
  readonly pod?: Pod;
}

export interface Flow {
  /** Position in the list that it was read from. */
  readonly index: number;
  readonly from: FlowEnd;
  readonly to: FlowEnd;
  readonly family: Family;
  readonly protocol: Protocol;
  /** 0 for ICMP. */
  readonly sourcePort: number;
  /** The destination port as the sender writes it; 0 for ICMP. */
  readonly port: number;
  /** 0 for protocols with ports. */
  readonly icmpType: number;
  readonly icmpCode: number;
  /** None for a Service that has no ready endpoint at the port. */
  readonly targets: readonly FlowTarget[];
}

/** The first packet of a flow passes if every side that a policy pod has allows it. */
export interface FlowJudgement {
  readonly verdict: Verdict;
  /** Absent where the sender is no policy pod. */
  readonly egress?: Judgement;
  /** Absent where no receiver is a policy pod. */
  readonly ingress?: Judgement;
}

export function judgeFlow(flow: Flow, judge: Judge): FlowJudgement {
  const { from, to, protocol, port } = flow;
  const egress =
    from.pod === undefined
      ? undefined
      : judge(from.pod, 'egress', to.address, protocol, port, optionsOf(flow, false));
  const ingress = judgeTargets(flow, judge);
  const denied = egress?.verdict === 'deny' || ingress?.verdict === 'deny';
  return {
    verdict: denied ? 'deny' : 'allow',
    ...(egress === undefined ? {} : { egress }),
    ...(ingress === undefined ? {} : { ingress }),
  };
}

/** Every endpoint must allow, since any may be chosen; the first that denies speaks for all. */
function judgeTargets(flow: Flow, judge: Judge): Judgement | undefined {
  const { from, to, targets, protocol } = flow;
  if (targets.length === 0) {
    return { verdict: 'deny', reason: 'no-endpoint', decider: NO_DECIDER };
  }
  let first: Judgement | undefined;
  for (const { address, pod, port } of targets) {
    if (pod === undefined) continue;
    const localOrigin = from.node !== undefined && from.node === pod.node;
    const throughService = !sameAddress(address, to.address);
    const options = { ...optionsOf(flow, localOrigin), throughService };
    const judgement = judge(pod, 'ingress', from.address, protocol, port, options);
    if (judgement.verdict === 'deny') return judgement;
    first ??= judgement;
  }
  return first;
}

function optionsOf({ sourcePort, icmpType, icmpCode }: Flow, localOrigin: boolean): JudgeOptions {
  return { localOrigin, sourcePort, icmpType, icmpCode };
}

/** A judgement for people and machines. */
export interface JudgementReport {
  readonly verdict: Verdict;
  /** The rule, or the policy that isolates; null where neither decided. */
  readonly rule: string | null;
  readonly reason: Reason;
  /** `path:line:column` of the rule. */
  readonly at: string | null;
}

export interface FlowReport {
  readonly verdict: Verdict;
  readonly egress?: JudgementReport;
  readonly ingress?: JudgementReport;
}

export function reportFlow(model: NormalModel, judged: FlowJudgement): FlowReport {
  return {
    verdict: judged.verdict,
    ...(judged.egress === undefined ? {} : { egress: reportJudgement(model, judged.egress) }),
    ...(judged.ingress === undefined ? {} : { ingress: reportJudgement(model, judged.ingress) }),
  };
}

export function reportJudgement(model: NormalModel, judgement: Judgement): JudgementReport {
  const decider = model.deciders[judgement.decider] ?? { kind: 'none' };
  const origin = deciderOrigin(decider);
  return {
    verdict: judgement.verdict,
    rule: deciderName(decider) ?? null,
    reason: judgement.reason,
    at: origin === undefined ? null : formatPlace(origin),
  };
}
