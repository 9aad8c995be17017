/** Evaluates `assert` statements over the pods of a cluster, with a counterexample where one fails. */
import { diagnostic, type Diagnostic } from '../diagnostics.js';
import { createMemberDirectory, type Member, type MemberDirectory } from './assert/members.js';
import { arrivalsOf, type Arrival } from './assert/ports.js';
import { isPolicyPod, type ClusterSnapshot } from './cluster.js';
import { judgeFlow, type Flow, type FlowJudgement } from './flows.js';
import { connectEnds, isDiagnostic } from './flows/ends.js';
import type { Interpreter, Judge } from './interpret.js';
import { createAddressBook, type AddressBook } from './interpret/addresses.js';
import type { Assertion, PeerGroup, Rule } from './model.js';
import { NO_DECIDER, type NormalModel } from './normal-model.js';

export interface AssertionResult {
  readonly assertion: Assertion;
  readonly passed: boolean;
  /** One sentence: what was shown, or what goes against it. */
  readonly message: string;
  readonly counterexample?: { readonly flow: Flow; readonly judged: FlowJudgement };
  /** Present where the assertion failed. */
  readonly diagnostic?: Diagnostic;
}

export interface AssertionContext {
  readonly model: NormalModel;
  readonly cluster: ClusterSnapshot;
  readonly judge: Judge;
  readonly isolationOf: Interpreter['isolationOf'];
  /** What the bound tables take. */
  readonly mapBytes: () => number;
}

export function evaluateAssertions(
  assertions: readonly Assertion[],
  context: AssertionContext,
): readonly AssertionResult[] {
  const evaluator = new Evaluator(context);
  return assertions.map((assertion) => {
    const { passed, message, counterexample } = evaluator.evaluate(assertion);
    return {
      assertion,
      passed,
      message,
      ...(counterexample === undefined ? {} : { counterexample }),
      ...(passed ? {} : { diagnostic: diagnostic('assert/failed', { message }, assertion.origin) }),
    };
  });
}

type Finding = Pick<AssertionResult, 'passed' | 'message' | 'counterexample'>;

const NO_PAIR: Finding = { passed: false, message: 'no pair of the two groups can be tried' };

interface Trial {
  readonly flow: Flow;
  readonly judged: FlowJudgement;
}

class Evaluator {
  readonly #members: MemberDirectory;
  readonly #book: AddressBook;

  constructor(readonly context: AssertionContext) {
    this.#members = createMemberDirectory(context.model, context.cluster);
    this.#book = createAddressBook(context.cluster);
  }

  evaluate(assertion: Assertion): Finding {
    switch (assertion.kind) {
      case 'reach':
        return this.#reach(assertion);
      case 'never':
        return this.#never(assertion);
      case 'only':
        return this.#only(assertion);
      case 'isolated':
        return this.#isolated(assertion);
      case 'maps': {
        const bytes = this.context.mapBytes();
        const message = `the tables take ${bytes} bytes of ${assertion.maxBytes}`;
        return { passed: bytes <= assertion.maxBytes, message };
      }
    }
  }

  #reach({ quantifier, from, to, ports }: Extract<Assertion, { kind: 'reach' }>): Finding {
    const [sources, targets] = this.#endsOf(from, to);
    const empty = emptyGroup([from, sources], [to, targets]);
    if (empty !== undefined) return empty;
    let tried = 0;
    let last: Trial | undefined;
    for (const trial of this.#trials(sources, targets, ports)) {
      tried += 1;
      last = trial;
      if (quantifier === 'some' && trial.judged.verdict === 'allow') {
        return { passed: true, message: `${describe(trial.flow)} is allowed` };
      }
      if (quantifier === 'all' && trial.judged.verdict === 'deny') return failure(trial);
    }
    if (tried === 0) return NO_PAIR;
    const pair = `${from.label} to ${to.label}`;
    if (quantifier === 'all') return { passed: true, message: `all of ${pair} is allowed` };
    return {
      passed: false,
      message: `nothing of ${pair} is allowed`,
      ...(last === undefined ? {} : { counterexample: last }),
    };
  }

  #never({ from, to, ports }: Extract<Assertion, { kind: 'never' }>): Finding {
    const [sources, targets] = this.#endsOf(from, to);
    const empty = emptyGroup([from, sources], [to, targets]);
    if (empty !== undefined) return empty;
    const explicit = from.peers.some(({ kind }) => kind === 'nodes' || kind === 'own-node');
    let tried = 0;
    for (const trial of this.#trials(sources, targets, ports)) {
      tried += 1;
      if (trial.judged.verdict === 'allow' && (explicit || !byOwnNode(trial)))
        return failure(trial);
    }
    if (tried === 0) return NO_PAIR;
    return { passed: true, message: `nothing of ${from.label} to ${to.label} is allowed` };
  }

  /** A pod's own node always reaches it, and is not counted. */
  #only({ from, to, ports }: Extract<Assertion, { kind: 'only' }>): Finding {
    const targets = this.#members.membersOf(to, 'to');
    const named = from.map((group) => [group, this.#members.membersOf(group, 'from')] as const);
    const empty = emptyGroup(...named, [to, targets]);
    if (empty !== undefined) return empty;
    const others = this.#members.membersBut(from);
    for (const trial of this.#trials(others, targets, ports)) {
      if (trial.judged.verdict === 'allow' && !byOwnNode(trial)) return failure(trial);
    }
    return { passed: true, message: `nobody else reaches ${to.label}` };
  }

  #isolated({ group, directions }: Extract<Assertion, { kind: 'isolated' }>): Finding {
    const pods = this.#members.podsOf(group).filter(isPolicyPod);
    if (pods.length === 0) return { passed: false, message: `${group.label} is empty` };
    for (const pod of pods) {
      for (const direction of directions) {
        if (this.context.isolationOf(pod, direction) !== NO_DECIDER) continue;
        const message = `nothing isolates \`${pod.namespace}/${pod.name}\` for ${direction}`;
        return { passed: false, message };
      }
    }
    return { passed: true, message: `all of ${group.label} is isolated` };
  }

  #endsOf(from: PeerGroup, to: PeerGroup): readonly [readonly Member[], readonly Member[]] {
    return [this.#members.membersOf(from, 'from'), this.#members.membersOf(to, 'to')];
  }

  *#trials(
    sources: readonly Member[],
    targets: readonly Member[],
    ports: Rule['ports'],
  ): Generator<Trial> {
    for (const source of sources) {
      for (const target of targets) {
        for (const flow of this.#flows(source, target, ports)) {
          yield { flow, judged: judgeFlow(flow, this.context.judge) };
        }
      }
    }
  }

  /** Between two members of one class where it has two; a pod alone always reaches itself. */
  *#flows(source: Member, target: Member, ports: Rule['ports']): Generator<Flow> {
    const [from] = source.ends;
    const to = target.ends.find(({ pod }) => pod === undefined || pod !== from?.pod);
    if (from === undefined || to === undefined || isSameNode(source, target)) return;
    if (source.ownNodeOnly && from.node !== to.pod?.node) return;
    if (target.ownNodeOnly && to.node !== from.pod?.node) return;
    // Neither end is a pod: no policy has a say.
    if (from.pod === undefined && to.pod === undefined && target.kind !== 'service') return;
    const arrivals = arrivalsOf(this.context.model, this.context.cluster, ports, to);
    for (const family of [4, 6] as const) {
      const inFamily = ({ addresses }: typeof from): typeof addresses =>
        addresses.filter((address) => address.family === family);
      const [own, remote] = [inFamily(from), inFamily(to)];
      if (own.length === 0 || remote.length === 0) continue;
      for (const arrival of arrivals) {
        if (arrival.protocol === (family === 6 ? 'ICMP' : 'ICMPv6')) continue;
        const flow = connectEnds(
          this.#book,
          { index: 0, sourcePort: 49152, icmpCode: 0, ...arrival, icmpType: echoType(arrival) },
          { ...from, addresses: own },
          { ...to, addresses: remote },
          { where: 'the assertion', span: undefined },
        );
        if (!isDiagnostic(flow)) yield flow;
      }
    }
  }
}

function echoType({ protocol }: Arrival): number {
  if (protocol === 'ICMP') return 8;
  return protocol === 'ICMPv6' ? 128 : 0;
}

function isSameNode(source: Member, target: Member): boolean {
  return source.kind === 'node' && target.kind === 'node';
}

function byOwnNode({ judged }: Trial): boolean {
  return judged.ingress?.reason === 'own-node';
}

function failure(trial: Trial): Finding {
  const word = trial.judged.verdict === 'allow' ? 'allowed' : 'denied';
  return {
    passed: false,
    message: `${describe(trial.flow)} is ${word}`,
    counterexample: trial,
  };
}

/** `shop/web to shop/db at 5432/TCP (IPv4)`. */
export function describe({ from, to, protocol, port, family }: Flow): string {
  const at = protocol.startsWith('ICMP') ? `by ${protocol}` : `at ${port}/${protocol}`;
  return `\`${from.text}\` to \`${to.text}\` ${at} (IPv${family})`;
}

/** Vacuous truth hides typos: a group that is empty fails. */
function emptyGroup(
  ...groups: readonly (readonly [PeerGroup, readonly Member[]])[]
): Finding | undefined {
  const empty = groups.find(([, members]) => members.length === 0);
  return empty === undefined
    ? undefined
    : { passed: false, message: `${empty[0].label} is empty in this cluster` };
}
