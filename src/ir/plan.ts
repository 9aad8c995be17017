/** The lookup plan: by which layout each logical table of the packet path is looked up, and why. */
import type { Direction, Peer } from './model.js';
import type { NormalModel, NormalPolicy, NormalRule } from './normal-model.js';
import { peerKey } from './peer-key.js';

/** A set of remote addresses that a rule tests as one bit of the address class. */
export interface Predicate {
  readonly key: string;
  readonly peer: Peer;
  /** Leaves out addresses of the pod ranges that no pod holds: allow rules by address do not reach them. */
  readonly boundOnly: boolean;
}

/** How the verdict of one direction is found, once the address class is known. */
export type VerdictLayout =
  /** A compare and a jump per rule; policies and predicates are bits of words of 32. */
  | {
      readonly kind: 'code';
      readonly predicates: readonly Predicate[];
      /** The policies that have a say in the direction, in decision order: bit i is the i-th. */
      readonly policies: readonly NormalPolicy[];
      readonly why: string;
    }
  /** (subject, class) → port row, (port row, port class) → cell. */
  | { readonly kind: 'tables'; readonly why: string };

/** What a direction's deciders do beside judging. What none of them does costs no instruction. */
export interface Effects {
  readonly logsAllowed: boolean;
  readonly logsDenied: boolean;
  readonly rejects: boolean;
}

export interface LookupPlan {
  readonly verdict: Readonly<Record<Direction, VerdictLayout>>;
  readonly effects: Readonly<Record<Direction, Effects>>;
  readonly budget: MemoryBudget;
}

/** What all tables and maps of a node's policies may take, connections apart. */
export interface MemoryBudget {
  readonly bytes: number;
  /** The author's own: what does not fit is refused. Otherwise the smallest layouts are taken. */
  readonly strict: boolean;
}

/** What bundles are made for unless told. */
export const DEFAULT_BUDGET: MemoryBudget = { bytes: 64 * 2 ** 20, strict: false };

/** Bits in a word of policies or predicates: BPF_JSET takes a sign-extended 32-bit immediate. */
const WORD_BITS = 31;
/** Past this many rules a direction is cheaper, and its program shorter, with tables. */
const MAX_CODE_RULES = 24;
/** Each range costs two compares. */
const MAX_CODE_PORTS = 64;

export function planLookups(model: NormalModel, budget: MemoryBudget = DEFAULT_BUDGET): LookupPlan {
  return {
    verdict: {
      ingress: planVerdict(model, 'ingress'),
      egress: planVerdict(model, 'egress'),
    },
    effects: { ingress: planEffects(model, 'ingress'), egress: planEffects(model, 'egress') },
    budget,
  };
}

function planEffects({ policies }: NormalModel, direction: Direction): Effects {
  const effects = {
    logsAllowed: false,
    logsDenied: policies.some((one) => one.isolates[direction] && one.logsIsolation),
    rejects: false,
  };
  for (const { rules } of policies) {
    for (const rule of rules) {
      if (rule.direction !== direction) continue;
      effects.logsAllowed ||= rule.action === 'allow' && rule.log;
      effects.logsDenied ||= rule.action === 'deny' && rule.log;
      effects.rejects ||= rule.action === 'deny' && rule.reject;
    }
  }
  return effects;
}

/** Whether any packet at all may be answered. */
export function rejectsAnything({ effects }: LookupPlan): boolean {
  return Object.values(effects).some(({ rejects }) => rejects);
}

/** Whether any packet at all may be logged. */
export function logsAnything({ effects }: LookupPlan): boolean {
  return Object.values(effects).some(({ logsAllowed, logsDenied }) => logsAllowed || logsDenied);
}

/** The rules of the policy in that direction, in the order of decision. */
export function rulesOf(policy: NormalPolicy, direction: Direction): readonly NormalRule[] {
  return policy.rules.filter((rule) => rule.direction === direction);
}

/** Whether the policy can decide anything in the direction. */
export function hasSay(policy: NormalPolicy, direction: Direction): boolean {
  return policy.isolates[direction] || policy.rules.some((rule) => rule.direction === direction);
}

/** The bit that the rule tests for the peer, or undefined where it always or never holds. */
export function predicateOf(rule: NormalRule, peer: Peer): Predicate | undefined {
  if (peer.kind === 'nothing') return undefined;
  const boundOnly = rule.action === 'allow' && (peer.kind === 'any' || peer.kind === 'addresses');
  if (peer.kind === 'any' && !boundOnly) return undefined;
  return { key: predicateKey(peer, boundOnly), peer, boundOnly };
}

export function predicateKey(peer: Peer, boundOnly: boolean): string {
  return `${boundOnly ? 'bound ' : ''}${peerKey(peer)}`;
}

function planVerdict(model: NormalModel, direction: Direction): VerdictLayout {
  const policies = model.policies.filter((policy) => hasSay(policy, direction));
  const rules = policies.flatMap((policy) => rulesOf(policy, direction));
  const obstacle = codeObstacle(policies, rules);
  if (obstacle !== undefined) return { kind: 'tables', why: obstacle };
  const predicates = new Map<string, Predicate>();
  for (const rule of rules) {
    for (const peer of rule.peers) {
      const predicate = predicateOf(rule, peer);
      if (predicate !== undefined) predicates.set(predicate.key, predicate);
    }
  }
  if (predicates.size > WORD_BITS) {
    return {
      kind: 'tables',
      why: `${predicates.size} different peers; code holds ${WORD_BITS} at most`,
    };
  }
  const why = `${rules.length} rules of ${policies.length} policies and ${predicates.size} peers`;
  return {
    kind: 'code',
    predicates: [...predicates.values()],
    policies: [...policies].sort((a, b) => a.index - b.index),
    why,
  };
}

/** What keeps the direction's rules out of code; undefined if nothing does. */
function codeObstacle(
  policies: readonly NormalPolicy[],
  rules: readonly NormalRule[],
): string | undefined {
  if (rules.length > MAX_CODE_RULES) {
    return `${rules.length} rules; code holds ${MAX_CODE_RULES} at most`;
  }
  if (policies.length > WORD_BITS) {
    return `${policies.length} policies; code holds ${WORD_BITS} at most`;
  }
  const ports = rules.flatMap((rule) => (rule.ports === 'every' ? [] : rule.ports));
  if (ports.length > MAX_CODE_PORTS) {
    return `${ports.length} ports; code holds ${MAX_CODE_PORTS} at most`;
  }
  if (ports.some((port) => port.kind === 'named')) {
    return 'a named port means another number on each pod';
  }
  if (rules.some((rule) => rule.until !== undefined)) {
    return 'a rule ends at an instant, which bind decides';
  }
  const peers = rules.flatMap((rule) => rule.peers);
  if (peers.some((peer) => peer.kind === 'service')) {
    return 'a Service as a peer has its own ports on each endpoint';
  }
  if (peers.some((peer) => peer.kind === 'own-node')) {
    return 'the own node is another address for each subject';
  }
  return undefined;
}
