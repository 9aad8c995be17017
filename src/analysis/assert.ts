/** Proves `assert` statements over all connections of a cluster, or of all clusters; or finds one against it. */
import { bug, diagnostic, type RelatedSpan } from '../diagnostics.js';
import type { ClusterSnapshot, Pod } from '../ir/cluster.js';
import { describeFlow } from '../ir/flows/describe.js';
import type { Judge } from '../ir/interpret.js';
import type { Assertion, Direction, PeerGroup, Verdict } from '../ir/model.js';
import { deciderOrigin, NO_DECIDER, type NormalModel } from '../ir/normal-model.js';
import { clusterArena, symbolicArena, type Arena } from './assert/arena.js';
import { membershipBut, membershipOf, type Membership } from './assert/membership.js';
import { askedPorts, commonPorts, portsWithout } from './assert/ports.js';
import type { AssertionResult, Counterexample, Outcome } from './assert/results.js';
import { serviceFlows, servicesOf, withoutServices } from './assert/services.js';
import type { FoundPair } from './assert/search.js';
import type { PortSet } from './port-set.js';

export interface AssertionContext {
  readonly model: NormalModel;
  /** None: all that there can be. */
  readonly cluster?: ClusterSnapshot;
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
  /** The engine's judge; every counterexample is judged by it as well. */
  readonly judgeIn: (cluster: ClusterSnapshot) => Judge;
  /** What the bound tables take; with a cluster. */
  readonly mapBytes?: () => number;
}

/** @throws InputError where the policies do not fit the cluster, or tell too much apart without one */
export function evaluateAssertions(
  assertions: readonly Assertion[],
  context: AssertionContext,
): readonly AssertionResult[] {
  if (assertions.length === 0) return [];
  const { model, cluster, at, judgeIn } = context;
  const arena =
    cluster === undefined
      ? symbolicArena(assertions, model, at, judgeIn)
      : clusterArena(assertions, model, cluster, at, judgeIn(cluster));
  return assertions.map((assertion) =>
    resultOf(assertion, prove(assertion, arena, context), arena, model),
  );
}

/** What holds where names of ports mean numbers of their own may not hold where they mean one that is asked about. */
function prove(assertion: Assertion, arena: Arena, context: AssertionContext): Outcome {
  const usual = new Prover(arena, context).prove(assertion);
  if (assertion.kind === 'isolated' || assertion.kind === 'maps') return usual;
  const wantsOne = assertion.kind === 'reach' && assertion.quantifier === 'some';
  if (usual.passed === wantsOne) return usual;
  for (const one of arena.coincidences()) {
    const outcome = new Prover(one, context).prove(assertion);
    if (outcome.passed !== usual.passed) return outcome;
  }
  return usual;
}

function resultOf(
  assertion: Assertion,
  outcome: Outcome,
  { assumptions }: Arena,
  model: NormalModel,
): AssertionResult {
  if (outcome.passed) return { assertion, ...outcome, assumptions };
  const cast = outcome.counterexample?.madeUp?.cast ?? [];
  const message = [outcome.message, ...(cast.length === 0 ? [] : [`with ${cast.join(', ')}`])].join(
    ', ',
  );
  const related = relatedTo(outcome.counterexample, model);
  const failed = diagnostic('assert/failed', { message }, assertion.origin, related);
  return { assertion, ...outcome, assumptions: [], diagnostic: failed };
}

/** The rules that decide the counterexample, as the sides that have its verdict name them. */
function relatedTo(
  counterexample: Counterexample | undefined,
  model: NormalModel,
): readonly RelatedSpan[] {
  if (counterexample === undefined) return [];
  const { judged } = counterexample;
  return (['egress', 'ingress'] as const).flatMap((side) => {
    const judgement = judged[side];
    if (judgement?.verdict !== judged.verdict) return [];
    const decider = model.deciders[judgement.decider];
    const span = decider === undefined ? undefined : deciderOrigin(decider);
    if (span === undefined) return [];
    return [{ span, message: `${side} is ${wordOf(judged.verdict)} here` }];
  });
}

const NO_PAIR: Outcome = { passed: false, message: 'no pair of the two groups can be tried' };

type WithPorts = Extract<Assertion, { ports: unknown }>;
/** Ports of a pair that are of interest, and of what verdict they are. */
type Wanted = (pair: FoundPair) => PortSet;

class Prover {
  constructor(
    private readonly arena: Arena,
    private readonly context: AssertionContext,
  ) {}

  prove(assertion: Assertion): Outcome {
    switch (assertion.kind) {
      case 'reach':
        return this.#reach(assertion);
      case 'never':
        return this.#never(assertion);
      case 'only':
        return this.#only(assertion);
      case 'isolated':
        return this.#isolated(assertion);
      case 'maps':
        return this.#maps(assertion.maxBytes);
    }
  }

  #reach(assertion: Extract<Assertion, { kind: 'reach' }>): Outcome {
    const { quantifier, from, to } = assertion;
    const empty = this.#emptyOf([from], to);
    if (empty !== undefined) return empty;
    const source = membershipOf(from, this.arena.universe);
    const pair = `${from.label} to ${to.label}`;
    const denied: Wanted = ({ asked, allowed }) => portsWithout(asked, allowed);
    if (quantifier === 'all') {
      const against = this.#find(source, assertion, denied, 'deny');
      if (against.found !== undefined) return failure(against.found);
      return against.tried ? { passed: true, message: `all of ${pair} is allowed` } : NO_PAIR;
    }
    const open = this.#find(source, assertion, allowedOf, 'allow');
    if (open.found !== undefined) {
      return { passed: true, message: `${describeFlow(open.found.flow)} is allowed` };
    }
    if (!open.tried) return NO_PAIR;
    const { found } = this.#find(source, assertion, denied, 'deny');
    return {
      passed: false,
      message: `nothing of ${pair} is allowed`,
      ...(found === undefined ? {} : { counterexample: found }),
    };
  }

  #never(assertion: Extract<Assertion, { kind: 'never' }>): Outcome {
    const { from, to } = assertion;
    const empty = this.#emptyOf([from], to);
    if (empty !== undefined) return empty;
    const isExplicit = from.peers.some(({ kind }) => kind === 'nodes' || kind === 'own-node');
    const wanted: Wanted = (pair) => (pair.ownNode && !isExplicit ? [] : allowedOf(pair));
    const source = membershipOf(from, this.arena.universe);
    const { found, tried } = this.#find(source, assertion, wanted, 'allow', isExplicit);
    if (found !== undefined) return failure(found);
    if (!tried) return NO_PAIR;
    return { passed: true, message: `nothing of ${from.label} to ${to.label} is allowed` };
  }

  /** A pod's own node always reaches it, and is not counted. */
  #only(assertion: Extract<Assertion, { kind: 'only' }>): Outcome {
    const { from, to } = assertion;
    const empty = this.#emptyOf(from, to);
    if (empty !== undefined) return empty;
    const wanted: Wanted = (pair) => (pair.ownNode ? [] : allowedOf(pair));
    const others = membershipBut(from, this.arena.universe);
    const { found } = this.#find(others, assertion, wanted, 'allow', false);
    if (found !== undefined) return failure(found);
    return { passed: true, message: `nobody else reaches ${to.label}` };
  }

  /** @param countsOwnNode whether what a pod's own node sends it goes against the assertion */
  #find(
    from: Membership,
    { to, ports }: WithPorts,
    wanted: Wanted,
    verdict: Verdict,
    countsOwnNode = true,
  ): { readonly found?: Counterexample; readonly tried: boolean } {
    const { arena } = this;
    const services = servicesOf(to, arena);
    const target = membershipOf(withoutServices(to, services), arena.universe);
    let tried = false;
    for (const search of arena.searches) {
      for (const pair of search.pairs(from, target, (named) => askedPorts(ports, named))) {
        tried = true;
        const found = wanted(pair);
        if (found.length > 0) return { found: checked(arena.tryPair(pair, found), verdict), tried };
      }
    }
    for (const { entry, allowed } of serviceFlows(from, services, ports, arena)) {
      tried = true;
      if (allowed !== (verdict === 'allow')) continue;
      const found = checked(arena.tryFlow(entry), verdict);
      if (countsOwnNode || found.judged.ingress?.reason !== 'own-node') return { found, tried };
    }
    return { tried };
  }

  #isolated({ group, directions }: Extract<Assertion, { kind: 'isolated' }>): Outcome {
    const holds = membershipOf(group, this.arena.universe);
    let isEmpty = true;
    const open = new Map<Direction, Set<Pod>>();
    for (const { field } of this.arena.searches) {
      const { pods, views } = field.universe;
      for (const { pod, classes } of pods) {
        if (![...classes.values()].some((one) => holds(one) === 'all')) continue;
        isEmpty = false;
        for (const direction of directions) {
          const { tiers } = views[1](pod, direction);
          if (tiers.some(({ isolation }) => isolation !== NO_DECIDER)) continue;
          open.set(direction, (open.get(direction) ?? new Set()).add(pod));
        }
      }
    }
    const faults = (['ingress', 'egress'] as const).flatMap((direction) => {
      const pods = [...(open.get(direction) ?? [])];
      return pods.length === 0 ? [] : [`${this.arena.nameOf(pods)} for ${direction}`];
    });
    if (faults.length > 0) {
      return { passed: false, message: `nothing isolates ${faults.join(', nor ')}` };
    }
    if (isEmpty) return { passed: false, message: this.arena.nobody(group) };
    return { passed: true, message: `all of ${group.label} is isolated` };
  }

  #maps(maxBytes: number): Outcome {
    const bytes = this.context.mapBytes?.();
    if (bytes === undefined) {
      const message = 'what tables take depends on the cluster, and none is given';
      return { passed: false, message };
    }
    return {
      passed: bytes <= maxBytes,
      message: `the tables take ${bytes} bytes of ${maxBytes}`,
    };
  }

  /** Vacuous truth hides typos: a group that is empty fails. */
  #emptyOf(from: readonly PeerGroup[], to: PeerGroup): Outcome | undefined {
    const holdsAny = (group: PeerGroup): boolean => {
      const holds = membershipOf(group, this.arena.universe);
      return this.arena.searches.some((search) => search.holdsAny(holds));
    };
    const empty =
      from.find((group) => !holdsAny(group)) ??
      (holdsAny(to) || servicesOf(to, this.arena).length > 0 ? undefined : to);
    return empty === undefined ? undefined : { passed: false, message: this.arena.nobody(empty) };
  }
}

function allowedOf({ asked, allowed }: FoundPair): PortSet {
  return commonPorts(asked, allowed);
}

/** The engine must say of the flow what the classes say. */
function checked(counterexample: Counterexample, verdict: Verdict): Counterexample {
  const { judged, entry } = counterexample;
  if (judged.verdict !== verdict) {
    bug(
      `the engine says ${judged.verdict} of ${JSON.stringify(entry)}, and the classes ${verdict}`,
    );
  }
  return counterexample;
}

function failure(counterexample: Counterexample): Outcome {
  const { flow, judged } = counterexample;
  const why = judged.ingress?.reason === 'own-node' ? ": its own node's packets always are" : '';
  const message = `${describeFlow(flow)} is ${wordOf(judged.verdict)}${why}`;
  return { passed: false, message, counterexample };
}

function wordOf(verdict: Verdict): string {
  return verdict === 'allow' ? 'allowed' : 'denied';
}
