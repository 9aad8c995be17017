/** Explain: why the policies allow or deny what goes from one end to another, and what would change that. */
import type { Family } from '../address.js';
import type { PacketPath, PathTracer } from '../codegen/packet-path.js';
import type { ClusterSnapshot, Pod } from '../ir/cluster.js';
import { judgeFlow, type Flow, type FlowJudgement } from '../ir/flows.js';
import { createEndDirectory, type KnownEnd } from '../ir/flows/ends.js';
import { createInterpreter, type Interpreter } from '../ir/interpret.js';
import type { Verdict } from '../ir/model.js';
import type { NormalModel } from '../ir/normal-model.js';
import { searchChanges, type Changes } from './explain/changes.js';
import { findEnd, flowAt, segmentsOf, type Segment } from './explain/ends.js';
import { otherMembers, type OtherMembers } from './explain/members.js';
import { answerKey, pathOf, sidesOf, type Side } from './explain/sides.js';
import { nearestSubject, type NearSubject } from './explain/subjects.js';
import { unitePorts, type PortSet } from './port-set.js';

export interface Question {
  /** A pod, a workload, an address, or `outside`. */
  readonly from: string;
  /** Also a Service. */
  readonly to: string;
  readonly ports: PortSet;
}

/** The policies, and the programs that were compiled from them. */
export interface Artefact {
  readonly model: NormalModel;
  /** Binds the programs of these pods to the cluster. @throws InputError if something does not fit */
  readonly bind: (subjects: readonly Pod[]) => PathTracer;
}

export interface ExplainedSide extends Side {
  /** What the bytecode did with the packet; it says what the model says. */
  readonly path: PacketPath;
  /** Where no policy selects the subject: the one that comes nearest. */
  readonly nearSubject: NearSubject | undefined;
}

/** All the ports with one answer by the same deciders, explained by one of them. */
export interface Answer {
  readonly ports: PortSet;
  readonly flow: Flow;
  readonly judged: FlowJudgement;
  readonly sides: readonly ExplainedSide[];
  /** Only where one port was asked about. */
  readonly changes: Changes | undefined;
}

export interface Explanation {
  readonly from: KnownEnd;
  readonly to: KnownEnd;
  readonly answers: readonly Answer[];
  /** Pods of the workloads that are asked about and get another answer than those explained. */
  readonly others: OtherMembers;
  /** The verdict in the family that was not explained, where both ends have both and it differs. */
  readonly otherFamily: { readonly family: Family; readonly verdict: Verdict } | undefined;
}

/**
 * @param at the instant at which rules with `until` are judged, in milliseconds since the epoch
 * @throws InputError where an end is not in the cluster
 */
export function explain(
  { from: fromText, to: toText, ports }: Question,
  { model, bind }: Artefact,
  cluster: ClusterSnapshot,
  at: number,
): Explanation {
  const directory = createEndDirectory(cluster);
  const { book } = directory;
  const named = fromText === 'outside' ? findEnd(toText, '--to', directory, undefined) : undefined;
  const from = findEnd(fromText, '--from', directory, named);
  const to = findEnd(toText, '--to', directory, from);
  const interpreter = createInterpreter(model, cluster, at);
  const sample = flowAt(book, from, to, ports[0]?.[0] ?? 0);
  const segments = segmentsOf(ports, sample, interpreter, book);
  const groups = groupSegments(segments, (index) => flowAt(book, from, to, index), interpreter);
  const drafts = groups.map((group) => ({
    ...group,
    sides: sidesOf(group.flow, interpreter, book),
  }));
  const subjects = new Set(drafts.flatMap(({ sides }) => sides.map(({ subject }) => subject)));
  const tracer = bind([...subjects]);
  const single = isSingle(ports);
  const answers = drafts.map(({ sides, ...group }): Answer => {
    const explained = sides.map((side): ExplainedSide => ({
      ...side,
      path: pathOf(side, group.flow, tracer),
      nearSubject: nearestSubject(side, model, cluster),
    }));
    const asked = { from, to, index: ports[0]?.[0] ?? 0, at };
    const changes = single
      ? searchChanges(asked, group.flow, group.judged.verdict, explained, { model, cluster })
      : undefined;
    return { ...group, sides: explained, changes };
  });
  return {
    from,
    to,
    answers,
    others: otherMembers(from, to, segments, book, interpreter),
    otherFamily: otherFamilyOf(from, to, sample, segments, interpreter, directory),
  };
}

function isSingle(ports: PortSet): boolean {
  const [only, ...others] = ports;
  return only !== undefined && others.length === 0 && only[0] === only[1];
}

type Group = Pick<Answer, 'ports' | 'flow' | 'judged'>;

/** Stretches that are answered alike at every side, and at every endpoint behind a Service. */
function groupSegments(
  segments: readonly Segment[],
  flowOf: (index: number) => Flow,
  interpreter: Interpreter,
): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const { ports, sample } of segments) {
    const flow = flowOf(sample);
    const judged = judgeFlow(flow, interpreter.judge);
    const key = keyOf(flow, judged, interpreter);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { ports: [ports], flow, judged });
    else groups.set(key, { ...known, ports: unitePorts([known.ports, [ports]]) });
  }
  return [...groups.values()];
}

function keyOf(flow: Flow, judged: FlowJudgement, interpreter: Interpreter): string {
  const { from, to, protocol, port, targets } = flow;
  const sides = [judged.egress, judged.ingress].map((one) => (one ? answerKey(one) : '-'));
  const endpoints =
    from.pod === undefined
      ? []
      : interpreter
          .judgeEndpoints(from.pod, to.address, protocol, port)
          .map(({ judgement }) => answerKey(judgement));
  // Behind a Service each port leads elsewhere.
  const ports = targets.map((one) => (one.address === to.address ? '' : one.port));
  return [judged.verdict, ...sides, ...endpoints, ...ports].join('\n');
}

function otherFamilyOf(
  from: KnownEnd,
  to: KnownEnd,
  { family }: Flow,
  segments: readonly Segment[],
  interpreter: Interpreter,
  { book }: ReturnType<typeof createEndDirectory>,
): Explanation['otherFamily'] {
  const other: Family = family === 4 ? 6 : 4;
  const inFamily = (end: KnownEnd): KnownEnd => ({
    ...end,
    addresses: end.addresses.filter((one) => one.family === other),
  });
  const ends = [inFamily(from), inFamily(to)] as const;
  if (ends.some(({ addresses }) => addresses.length === 0)) return undefined;
  for (const { sample } of segments) {
    const verdictOf = (ends: readonly [KnownEnd, KnownEnd]): Verdict =>
      judgeFlow(flowAt(book, ...ends, sample), interpreter.judge).verdict;
    const verdict = verdictOf(ends);
    if (verdict !== verdictOf([from, to])) return { family: other, verdict };
  }
  return undefined;
}
