/** The normal model: policies in the order of decision, each decider numbered. */
import type { Span } from '../source.js';
import type { Direction, Policy, Rule, ServiceHandling, Tier, Verdict } from './model.js';

/** Index into {@link NormalModel.deciders}; 0 is "no rule": a default or a built-in reason. */
export type DeciderId = number & { readonly brand: 'DeciderId' };
export const NO_DECIDER = 0 as DeciderId;

/** What can decide a packet: a rule, or a policy by the isolation that it brings. */
export type Decider =
  | { readonly kind: 'none' }
  | { readonly kind: 'rule'; readonly policy: NormalPolicy; readonly rule: NormalRule }
  | {
      readonly kind: 'isolation';
      readonly policy: NormalPolicy;
      readonly direction: Direction;
    };

export interface NormalRule extends Rule {
  readonly id: DeciderId;
}

export interface NormalPolicy extends Omit<Policy, 'rules'> {
  /** Position in {@link NormalModel.policies}. */
  readonly index: number;
  /** In the order of decision, exceptions first. */
  readonly rules: readonly NormalRule[];
  /** The decider of packets that its isolation denies. */
  readonly isolation: Readonly<Record<Direction, DeciderId>>;
}

export interface NormalTier extends Tier {
  /**
   * Ordered tiers: by priority, then name. The additive tier: by namespace, name and position, so
   * that the first that allows or isolates is the one that is said to decide (SEMANTICS section 6).
   */
  readonly policies: readonly NormalPolicy[];
}

export interface NormalModel {
  readonly tiers: readonly NormalTier[];
  readonly policies: readonly NormalPolicy[];
  readonly deciders: readonly Decider[];
  /** Ours unless told. */
  readonly services?: ServiceHandling;
}

/** Why a direction of a packet got its verdict. */
export type Reason =
  /** A rule matched. */
  | 'rule'
  /** The subject is isolated and nothing allowed the packet. */
  | 'isolation'
  /** No policy had a say. */
  | 'default'
  /** The subject's node talks to its own pod. */
  | 'own-node'
  /** A pod talks to itself by its own address. */
  | 'self'
  /** The endpoints of the Service do not agree. */
  | 'service-mixed'
  /** The Service has no ready endpoint at that port. */
  | 'no-endpoint';

/** One direction's answer. `decider` is NO_DECIDER unless a rule or an isolation decided. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly decider: DeciderId;
}

/** The name of a decider for people and machines: `shop/allow-web ingress[0]`, `shop/deny-all`. */
export function deciderName(decider: Decider): string | undefined {
  switch (decider.kind) {
    case 'none':
      return undefined;
    case 'rule':
      return `${policyName(decider.policy)} ${decider.rule.name}`;
    case 'isolation':
      return policyName(decider.policy);
  }
}

export function deciderOrigin(decider: Decider): Span | undefined {
  switch (decider.kind) {
    case 'none':
      return undefined;
    case 'rule':
      return decider.policy.kind === 'implementation' ? undefined : decider.rule.origin;
    case 'isolation':
      return decider.policy.origin;
  }
}

export function policyName(policy: Pick<Policy, 'namespace' | 'name'>): string {
  return policy.namespace === undefined ? policy.name : `${policy.namespace}/${policy.name}`;
}
