/** Replay: runs probes through bound bytecode and finds the first that ends otherwise than the model says. */
import { addressKey, type Address } from '../address.js';
import { PROGRAMS } from '../codegen/contents.js';
import { PASS } from '../codegen/layout.js';
import type { PacketRunner, PacketVerdict } from '../codegen/packet-judge.js';
import { bug } from '../diagnostics.js';
import type { Pod } from '../ir/cluster.js';
import type { Interpreter } from '../ir/interpret.js';
import type { Direction } from '../ir/model.js';
import type { Judgement } from '../ir/normal-model.js';
import { ICMP, type PortPoint } from './boundaries.js';
import { endFor, FORMS, formFault } from './packet-forms.js';
import { firstPacketFault, type Answer, type Expected } from './expected.js';
import {
  bytesOf,
  CLIENT_PORT,
  portOf,
  ProbeFrames,
  protocolOf,
  type Way,
} from './probe-packets.js';
import type { Probe } from './probes.js';

/** A packet on which the model and the bytecode differ. */
export interface Mismatch {
  readonly pod: Pod;
  readonly program: (typeof PROGRAMS)[Direction];
  readonly direction: Direction;
  /** `first packet`, `reply`, `reply of nothing`, or a form of the first packet. */
  readonly what: string;
  readonly own: Address;
  readonly remote: Address;
  readonly protocol: string;
  readonly port: number;
  readonly localOrigin: boolean;
  readonly packet: Uint8Array;
  readonly expected: Judgement;
  readonly found: Answer;
}

export interface Trial {
  readonly subjects: readonly Pod[];
  readonly probes: readonly Probe[];
  readonly interpreter: Interpreter;
  readonly expect: (judgement: Judgement) => Expected;
  readonly runner: PacketRunner;
  /** Of every so many addresses one is asked for replies too. */
  readonly replyStride: number;
  /** The ports at which an answer at the pod may change. */
  readonly everyPoint: (pod: Pod, direction: Direction) => Iterable<PortPoint>;
  readonly isService: (address: Address) => boolean;
}

export interface TrialResult {
  readonly packets: number;
  readonly mismatch?: Mismatch;
}

const OPPOSITE = { ingress: 'egress', egress: 'ingress' } as const;
/** Any interface but none: packets that the node did not make came in somewhere. */
const SOME_INTERFACE = 1;

/** Stops at the first mismatch. */
export function replay(trial: Trial): TrialResult {
  const { subjects, probes } = trial;
  const state = { frames: new ProbeFrames(), packets: 0, forms: new Map<string, number>() };
  const replies = trial.replyStride;
  for (const [i, probe] of probes.entries()) {
    const pod = subjects[probe.subject] ?? bug(`no subject ${probe.subject}`);
    const own = pod.addresses.find(({ family }) => family === probe.remote.family);
    if (own === undefined) continue;
    const mismatch = tryAddress(trial, state, { probe, pod, own, replies: i % replies === 0 });
    if (mismatch !== undefined) return { packets: state.packets, mismatch };
  }
  return { packets: state.packets };
}

interface ReplayState {
  readonly frames: ProbeFrames;
  packets: number;
  /** How often each kind of packet was tried in all forms. */
  readonly forms: Map<string, number>;
}

interface Visit {
  readonly probe: Probe;
  readonly pod: Pod;
  readonly own: Address;
  readonly replies: boolean;
}

function tryAddress(trial: Trial, state: ReplayState, visit: Visit): Mismatch | undefined {
  const { probe, pod } = visit;
  const { direction, remote, points } = probe;
  const repliedGroups = new Set<number>();
  for (const point of points) {
    const judged = judgeFirst(trial, visit, point, false);
    const run = runOne(trial, state, visit, 'forward', point, false);
    const found = firstPacketFault(trial.expect(judged), run);
    if (found !== undefined) return describe('first packet', visit, state, point, judged, found);
    const odd = tryForms(trial, state, visit, point, judged);
    if (odd !== undefined) return odd;
    if (judged.verdict === 'deny') continue;
    const group = point < ICMP ? point >>> 16 : point;
    if (visit.replies && !repliedGroups.has(group)) {
      repliedGroups.add(group);
      const mismatch = tryReply(trial, state, visit, point, judged);
      if (mismatch !== undefined) return mismatch;
    } else trial.runner.forget();
  }
  const [point] = points;
  if (point === undefined || direction === 'egress' || pod.node === undefined) return undefined;
  // What the node makes in the pod's own name is forged, and no flow of anybody's.
  const remoteKey = addressKey(remote);
  if (pod.addresses.some((own) => addressKey(own) === remoteKey)) return undefined;
  const judged = judgeFirst(trial, visit, point, true);
  const run = runOne(trial, state, visit, 'forward', point, true);
  trial.runner.forget();
  const found = firstPacketFault(trial.expect(judged), run);
  if (found === undefined) return undefined;
  return {
    ...describe('first packet', visit, state, point, judged, found),
    localOrigin: true,
    remote,
  };
}

/** Pods that are tried with packets of every form. */
const FORM_SUBJECTS = 4;
/** How often each kind of packet is. */
const TIMES_PER_FORM = 2;

/** Of each kind of packet and verdict some are tried in every form. */
function tryForms(
  trial: Trial,
  state: ReplayState,
  visit: Visit,
  point: PortPoint,
  judged: Judgement,
): Mismatch | undefined {
  const { probe } = visit;
  const { subject, direction, remote } = probe;
  if (subject >= FORM_SUBJECTS || judged.reason === 'self') return undefined;
  const kind = [subject, direction, remote.family, point < ICMP ? point >>> 16 : point];
  const key = [...kind, judged.verdict, judged.reason].join();
  const times = state.forms.get(key) ?? 0;
  if (times >= TIMES_PER_FORM) return undefined;
  state.forms.set(key, times + 1);
  trial.runner.forget();
  const passes = (): boolean => someFragmentPasses(trial, visit, point);
  for (const form of FORMS) {
    if (!form.applies(remote.family, point, direction === 'egress')) continue;
    // Whether a Service has some port that is allowed is another question than of its endpoints.
    if (form.end === 'fragment' && trial.isService(remote)) continue;
    const packet = form.write(frameOf(state, visit, 'forward', point), remote.family);
    state.packets += 1;
    const run = trial.runner.run(subject, direction, packet, { ingressIfindex: SOME_INTERFACE });
    const end = endFor(form, visit.pod.routes === true);
    const found = formFault(end, trial.expect(judged), passes, run);
    trial.runner.forget();
    if (found === undefined) continue;
    return { ...describe(form.name, visit, state, point, judged, found), packet };
  }
  // What the forms left is gone: the plain packet's own reply comes next.
  if (judged.verdict === 'allow') runOne(trial, state, visit, 'forward', point, false);
  return undefined;
}

/** Later fragments pass if some port of the protocol is allowed. */
function someFragmentPasses(trial: Trial, visit: Visit, point: PortPoint): boolean {
  const group = point >>> 16;
  const all = [...trial.everyPoint(visit.pod, visit.probe.direction)];
  return all
    .filter((one) => one < ICMP && one >>> 16 === group)
    .some((one) => judgeFirst(trial, visit, one, false).verdict === 'allow');
}

/** The answer passes; once the connection is forgotten it is judged like any packet. */
function tryReply(
  trial: Trial,
  state: ReplayState,
  visit: Visit,
  point: PortPoint,
  judged: Judgement,
): Mismatch | undefined {
  const known = runOne(trial, state, visit, 'reply', point, false);
  if (known.result !== PASS) {
    const found = { verdict: 'deny', reason: 'none', decider: 0, note: '' } as const;
    return describe('reply', visit, state, point, judged, found);
  }
  trial.runner.forget();
  const { probe, pod } = visit;
  const back = trial.interpreter.judge(
    pod,
    OPPOSITE[probe.direction],
    probe.remote,
    protocolOf(point, probe.remote.family),
    point < ICMP ? CLIENT_PORT : 0,
    { localOrigin: false },
  );
  const unknown = runOne(trial, state, visit, 'reply', point, false);
  trial.runner.forget();
  const found = firstPacketFault(trial.expect(back), unknown);
  return found && describe('reply of nothing', visit, state, point, back, found);
}

function judgeFirst(
  { interpreter }: Trial,
  { probe, pod }: Visit,
  point: PortPoint,
  localOrigin: boolean,
): Judgement {
  const { direction, remote } = probe;
  const protocol = protocolOf(point, remote.family);
  return interpreter.judge(pod, direction, remote, protocol, portOf(point), { localOrigin });
}

function runOne(
  { runner }: Trial,
  state: ReplayState,
  visit: Visit,
  way: Way,
  point: PortPoint,
  localOrigin: boolean,
): PacketVerdict {
  const { subject, direction } = visit.probe;
  state.packets += 1;
  const packet = frameOf(state, visit, way, point);
  const at = way === 'forward' ? direction : OPPOSITE[direction];
  return runner.run(subject, at, packet, { ingressIfindex: localOrigin ? 0 : SOME_INTERFACE });
}

/** Valid until the next packet of its kind. */
function frameOf(
  { frames }: ReplayState,
  { probe, own }: Visit,
  way: Way,
  point: PortPoint,
): Uint8Array {
  const { direction, remote } = probe;
  return frames.write(way, direction, remote.family, bytesOf(own), bytesOf(remote), point);
}

function describe(
  what: Mismatch['what'],
  visit: Visit,
  state: ReplayState,
  point: PortPoint,
  expected: Judgement,
  found: Answer,
): Mismatch {
  const { probe, pod, own } = visit;
  const { remote } = probe;
  const way = what.startsWith('reply') ? 'reply' : 'forward';
  const at = way === 'forward' ? probe.direction : OPPOSITE[probe.direction];
  return {
    pod,
    program: PROGRAMS[at],
    direction: at,
    what,
    own,
    remote,
    protocol: protocolOf(point, remote.family),
    port: way === 'forward' || point >= ICMP ? portOf(point) : CLIENT_PORT,
    localOrigin: false,
    packet: frameOf(state, visit, way, point).slice(),
    expected,
    found,
  };
}
