/** A case: policies, and packets in order with what has to become of each; run by any engine. */
import { decodeCell, DROP, OUTCOMES, PASS } from '../../src/codegen/layout.js';
import type { PacketContext } from '../../src/codegen/vm/context.js';
import { deciderName } from '../../src/ir/normal-model.js';
import { prepare, type Engine, type Layout, type PacketEnd, type Prepared } from './engines.js';
import { clusterText } from './world.js';

export interface SendStep {
  readonly kind: 'send';
  readonly pod: string;
  readonly way: 'from' | 'to';
  readonly packet: Uint8Array;
  readonly context: PacketContext;
  /** The words that the end's description begins with: verdict, outcome, reason, decider. */
  readonly expected: string;
}

export type Step =
  | SendStep
  | { readonly kind: 'age'; readonly seconds: number }
  /** Binds other policies, or another cluster, and keeps the connections. */
  | { readonly kind: 'bind'; readonly policies?: string; readonly cluster?: string }
  | {
      readonly kind: 'connections';
      readonly out: number;
      readonly in: number;
      /** How many of them have been answered; not looked at unless given. */
      readonly live?: number;
    };

export interface PacketCase {
  readonly name: string;
  readonly policies: string;
  readonly steps: readonly Step[];
}

/** What came in by an interface, as BPF_PROG_TEST_RUN can say it: loopback. */
const CAME_IN: PacketContext = { ingressIfindex: 1 };

export function from(pod: string, packet: Uint8Array, expected: string): SendStep {
  return { kind: 'send', pod, way: 'from', packet, context: CAME_IN, expected };
}

export function to(pod: string, packet: Uint8Array, expected: string): SendStep {
  return { kind: 'send', pod, way: 'to', packet, context: CAME_IN, expected };
}

/** A packet that the node itself made. */
export function nodeTo(pod: string, packet: Uint8Array, expected: string): SendStep {
  return { kind: 'send', pod, way: 'to', packet, context: { ingressIfindex: 0 }, expected };
}

export function age(seconds: number): Step {
  return { kind: 'age', seconds };
}

export function rebind(change: { readonly policies?: string; readonly cluster?: string }): Step {
  return { kind: 'bind', ...change };
}

export function connections(out: number, inward: number, live?: number): Step {
  return { kind: 'connections', out, in: inward, ...(live === undefined ? {} : { live }) };
}

export function packetCase(name: string, policies: string, ...steps: readonly Step[]): PacketCase {
  return { name, policies, steps };
}

export const CLUSTER = clusterText();

/** The first step that goes otherwise than expected, in words; undefined if all go right. */
export function firstSurprise(
  engine: Engine,
  layout: Layout,
  { policies, steps }: PacketCase,
  bound: { now?: Prepared },
): string | undefined {
  const world = { policies, cluster: CLUSTER };
  const enter = (next: Prepared): void => {
    if (bound.now !== next) engine.bind(next);
    bound.now = next;
  };
  enter(prepare(world.policies, world.cluster, layout));
  engine.forget();
  for (const [i, step] of steps.entries()) {
    const found = perform(engine, layout, step, world, enter, bound);
    if (found !== undefined) return `step ${i + 1}: ${found}`;
  }
  return undefined;
}

function perform(
  engine: Engine,
  layout: Layout,
  step: Step,
  world: { policies: string; cluster: string },
  enter: (next: Prepared) => void,
  bound: { readonly now?: Prepared },
): string | undefined {
  switch (step.kind) {
    case 'age':
      engine.age(step.seconds);
      return undefined;
    case 'bind':
      world.policies = step.policies ?? world.policies;
      world.cluster = step.cluster ?? world.cluster;
      enter(prepare(world.policies, world.cluster, layout));
      return undefined;
    case 'connections': {
      const found = engine.connections();
      const { out, in: inward, live = found.live } = step;
      if (found.out === out && found.in === inward && found.live === live) return undefined;
      return `${found.out} out, ${found.in} in, ${found.live} live; not ${out}, ${inward}, ${live}`;
    }
    case 'send': {
      const { now } = bound;
      if (now === undefined) throw new Error('nothing is bound');
      if (step.packet.length > engine.largest) return undefined;
      const found = send(engine, now, step);
      if (`${found} `.startsWith(`${step.expected} `)) return undefined;
      return `${step.way} ${step.pod}: \`${found}\`, not \`${step.expected}\``;
    }
  }
}

export function send(engine: Engine, { normal, contents }: Prepared, step: SendStep): string {
  const subject = contents.subjects.findIndex(({ name }) => name === step.pod);
  if (subject < 0) throw new Error(`no pod ${step.pod}`);
  const direction = step.way === 'from' ? 'egress' : 'ingress';
  const end = engine.run(subject, direction, step.packet, step.context);
  return describeEnd(end, (decider) => {
    const one = normal.deciders[decider];
    return (one === undefined ? undefined : deciderName(one)) ?? '-';
  });
}

/** Such as `drop judged isolation t/x`; outcomes without a cell are two words. */
function describeEnd({ result, cb }: PacketEnd, nameOf: (decider: number) => string): string {
  const verdict = result === PASS ? 'pass' : result === DROP ? 'drop' : `result ${result}`;
  const outcome = OUTCOMES[cb[1] ?? 0] ?? 'nothing';
  const word = cb[0] ?? 0;
  if (word === 0) return `${verdict} ${outcome}`;
  const { reason, decider } = decodeCell(word);
  return `${verdict} ${outcome} ${reason} ${nameOf(decider)}`;
}
