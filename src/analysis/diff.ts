/** The difference that a change of policies makes in a cluster: which connections, why, and who decides. */
import { createHash } from 'node:crypto';
import { bug, hasErrors } from '../diagnostics.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import { judgeFlow, type Flow } from '../ir/flows.js';
import { resolveFlows } from '../ir/flows/read.js';
import { createInterpreter, type Interpreter } from '../ir/interpret.js';
import { compareText } from '../ir/normalize.js';
import type { AddressSpace } from './address-space.js';
import { findConnections, type EndSet, type Finding } from './findings.js';
import { Namer } from './party.js';
import { portRanges, portText } from './port-set.js';
import type { CauseReport, Change, FlowEntry, Party, PartyGroup, VerdictReport } from './report.js';
import { byRank, type Ranked } from './diff/ranking.js';
import { countStatefulPods, type StatefulPods } from './diff/state.js';
import { createUniverse, type Models, type Universe } from './universe.js';
import { changedSides, reportVerdict } from './diff/verdicts.js';
import { witnessFlow } from './diff/witness.js';

export interface DiffReport {
  /** The most important first: widened before narrowed. */
  readonly changes: readonly Change[];
  /** Pods of which any connection changes. */
  readonly podsTouched: number;
  readonly pods: number;
  readonly statefulPods: StatefulPods;
}

/**
 * Compares two models in a cluster. Every witness is judged by the model interpreter as well.
 *
 * @param at the instant at which rules with `until` are judged, in milliseconds since the epoch
 * @throws InputError if there are more address classes than bytecode can hold
 */
export function diffModels(models: Models, cluster: ClusterSnapshot, at: number): DiffReport {
  const { changes, podsTouched, pods, statefulPods } = diffAndShow(models, cluster, at);
  return { changes, podsTouched, pods, statefulPods };
}

/** What a change was told of. */
export interface FoundChanges extends DiffReport {
  readonly found: ReadonlyMap<Change, { readonly finding: Finding; readonly space: AddressSpace }>;
}

/** As {@link diffModels}, with the ends that each change is of. */
export function diffAndShow(models: Models, cluster: ClusterSnapshot, at: number): FoundChanges {
  const universe = createUniverse(cluster, models, at);
  const { findings, space, ends } = findConnections(universe, 'changes');
  const namer = new Namer(universe, space);
  const witnesses = findings.flatMap(({ causes }) =>
    causes.map(({ pair, pairPorts }) => witnessFlow(pair, pairPorts, space)),
  );
  const reporter = new CauseReporter(universe, witnesses);
  const found = new Map<Change, { readonly finding: Finding; readonly space: AddressSpace }>();
  const changes = findings.map((finding): Ranked => {
    const from = namer.describe(finding.from, finding.family);
    const to = namer.describe(finding.to, finding.family);
    const causes = finding.causes.map(({ ports }) => reporter.next(portText(ports)));
    const change = describeChange(finding, from, to, causes);
    found.set(change, { finding, space });
    return { change, rank: rankOf(finding, from, to) };
  });
  const touched = new Set(findings.flatMap(({ from, to }) => [...from.pods, ...podsBehind(to)]));
  return {
    changes: changes.sort(byRank).map(({ change }) => change),
    podsTouched: touched.size,
    pods: universe.pods.length,
    statefulPods: countStatefulPods(universe, ends),
    found,
  };
}

function podsBehind({ pods, services }: EndSet): readonly EndSet['pods'][number][] {
  const endpoints = services.flatMap(({ families }) =>
    [...families.values()].flatMap((one) => one.pods),
  );
  return [...pods, ...endpoints];
}

function describeChange(
  finding: Finding,
  from: Party,
  to: Party,
  causes: readonly CauseReport[],
): Change {
  const { tag, ports, family } = finding;
  if (tag === 'allowed') return bug('a difference has no tag `allowed`');
  const connection = {
    tag,
    from,
    to,
    ports: portText(ports),
    ranges: portRanges(ports),
    ...(family === undefined ? {} : { family }),
  };
  return { ...connection, fingerprint: fingerprintOf(connection, causes), causes };
}

/** Judges witnesses in their order, and checks that both models say of them what the tables say. */
class CauseReporter {
  readonly #flows: readonly Flow[];
  readonly #was: Interpreter;
  readonly #is: Interpreter;
  readonly #models: Models;
  #next = 0;

  constructor(
    { cluster, models, at }: Universe,
    private readonly entries: readonly FlowEntry[],
  ) {
    const resolved = resolveFlows(entries, cluster, () => undefined);
    if (resolved.value === undefined || hasErrors(resolved.diagnostics)) {
      const [first] = resolved.diagnostics;
      bug(`a witness is no flow: ${first?.message ?? ''}`);
    }
    this.#flows = resolved.value;
    this.#models = models;
    this.#was = createInterpreter(models[0], cluster, at);
    this.#is = createInterpreter(models[1], cluster, at);
  }

  next(ports: string): CauseReport {
    const flow = this.#flows[this.#next] ?? bug('more causes than witnesses');
    const witness = this.entries[this.#next] ?? bug('more causes than witnesses');
    this.#next += 1;
    const was = judgeFlow(flow, this.#was.judge);
    const is = judgeFlow(flow, this.#is.judge);
    if (was.verdict === is.verdict) {
      bug(`the model sees no change in the witness ${JSON.stringify(witness)}`);
    }
    return {
      ports,
      witness,
      was: reportVerdict(this.#models[0], was),
      is: reportVerdict(this.#models[1], is),
      sides: changedSides(was, is),
    };
  }
}

/** Numbers of pods come and go; who may talk to whom by which rule is what is accepted. */
export function fingerprintOf(
  { tag, from, to, ranges, family, named, exceptNamed }: Omit<Change, 'causes' | 'fingerprint'>,
  causes: readonly CauseReport[],
): string {
  const rules = causes
    .map(({ ports, was, is, sides }) => {
      const named = (one: VerdictReport): readonly unknown[] =>
        sides.map((side) => [side, one[side]?.rule, one[side]?.reason]);
      return JSON.stringify([ports, named(was), named(is)]);
    })
    .sort(compareText);
  const whole = [
    tag,
    from.groups.map(stable),
    to.groups.map(stable),
    ranges,
    family ?? 0,
    rules,
    ...(named === undefined ? [] : [named]),
    ...(exceptNamed === undefined ? [] : [exceptNamed]),
  ];
  return createHash('sha256').update(JSON.stringify(whole)).digest('hex').slice(0, 16);
}

function stable(group: PartyGroup): object {
  return 'pods' in group ? { ...group, pods: 0 } : group;
}

/** Widened first; what outsiders may reach before what pods may; Services last, as they follow from pods. */
function rankOf({ tag, from, to }: Finding, source: Party, destination: Party): readonly number[] {
  const isOutside = (party: Party): boolean => party.groups.some(({ kind }) => kind === 'outside');
  const isNobody = to.pods.length + to.services.length === 0 && !isOutside(destination);
  const size = (set: EndSet): number => set.pods.length + set.classes.length + set.services.length;
  return [
    tag === 'widened' ? 0 : 1,
    isNobody ? 1 : 0,
    to.services.length > 0 ? 1 : 0,
    isOutside(source) ? 0 : isOutside(destination) ? 1 : 2,
    -size(from) * size(to),
  ];
}
