/** The difference that a change of policies makes in all clusters at once, with a made-up one as a witness. */
import { bug, hasErrors } from '../diagnostics.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import { judgeFlow, type Flow } from '../ir/flows.js';
import { resolveFlows } from '../ir/flows/read.js';
import { createInterpreter } from '../ir/interpret.js';
import { fingerprintOf } from './diff.js';
import { byRank, type Ranked } from './diff/ranking.js';
import { changedSides, reportVerdict } from './diff/verdicts.js';
import type { FoundCause } from './findings.js';
import type { CauseReport, Change, FlowEntry, Party } from './report.js';
import { assumptionsOf } from './symbolic/assumptions.js';
import { findSymbolic, type PlacePair, type SymbolicFinding } from './symbolic/findings.js';
import { findCoincidences, numbersToTry } from './symbolic/coincidences.js';
import { tellCalled, tellPorts, type FreshPort } from './symbolic/fresh-ports.js';
import { SymbolicNamer } from './symbolic/party.js';
import { createSymbolicUniverse, type SymbolicUniverse } from './symbolic/universe.js';
import { makeWitness } from './symbolic/witness.js';
import type { Models } from './universe.js';

export interface SymbolicReport {
  /** The most important first: widened before narrowed. */
  readonly changes: readonly Change[];
  /** Of pods, as the policies tell them apart. */
  readonly kinds: number;
  /** What it rests on besides the policies: sentences for people. */
  readonly assumptions: readonly string[];
}

/**
 * Compares two models in every cluster that there can be. Every witness is judged by the model
 * interpreter in its cluster.
 *
 * @param at the instant at which rules with `until` are judged, in milliseconds since the epoch
 * @throws InputError if policies tell more kinds of pods apart than can be compared
 */
export function diffSymbolically(models: Models, at: number): SymbolicReport {
  const universe = createSymbolicUniverse(models, at);
  const findings = findSymbolic(universe, 'changes');
  const tries = numbersToTry(models, universe);
  const coincidences = findCoincidences(models, at, universe, findings, tries ?? []);
  const changes = [
    ...describeAll(findings, universe, models, at),
    ...coincidences.flatMap((one) => describeAll(one.findings, one.universe, models, at, one.port)),
  ];
  return {
    changes: changes.sort(byRank).map(({ change }) => change),
    kinds: universe.kinds.pods.length,
    assumptions: assumptionsOf(universe, tries !== undefined),
  };
}

/** @param called the port that all of them are about, where a name and a number mean it */
function describeAll(
  findings: readonly SymbolicFinding[],
  universe: SymbolicUniverse,
  models: Models,
  at: number,
  called?: FreshPort,
): readonly Ranked[] {
  if (findings.length === 0) return [];
  const namer = new SymbolicNamer(universe);
  return findings.map((finding): Ranked => {
    const from = namer.describe(finding.from, finding.family);
    const to = namer.describe(finding.to, finding.family);
    return {
      change: describeChange(finding, from, to, universe, models, at, called),
      rank: rankOf(finding, from, to),
    };
  });
}

function describeChange(
  { tag, ports, family, causes: found }: SymbolicFinding,
  from: Party,
  to: Party,
  universe: SymbolicUniverse,
  models: Models,
  at: number,
  called: FreshPort | undefined,
): Change {
  if (tag === 'allowed') return bug('a difference has no tag `allowed`');
  const told = called === undefined ? tellPorts(ports, universe.freshPorts) : tellCalled(called);
  const connection = {
    tag,
    from,
    to,
    ports: told.text,
    ranges: told.ranges,
    ...(told.named.length === 0 ? {} : { named: told.named }),
    ...(told.except.length === 0 ? {} : { exceptNamed: told.except }),
    ...(family === undefined ? {} : { family }),
  };
  const causes = found.map((cause) => ({
    ...reportCause(cause, universe, models, at),
    ...(called === undefined ? {} : { ports: told.text }),
  }));
  return { ...connection, fingerprint: fingerprintOf(connection, causes), causes };
}

function reportCause(
  { pair, ports, pairPorts }: FoundCause<PlacePair>,
  universe: SymbolicUniverse,
  models: Models,
  at: number,
): CauseReport {
  const { flow: witness, cluster, objects, cast } = makeWitness(pair, pairPorts, universe);
  const flow = resolveOne(witness, cluster);
  const [was, is] = models.map((model) =>
    judgeFlow(flow, createInterpreter(model, cluster, at).judge),
  );
  if (was === undefined || is === undefined || was.verdict === is.verdict) {
    return bug(`the model sees no change in the witness ${JSON.stringify({ witness, objects })}`);
  }
  return {
    ports: tellPorts(ports, universe.freshPorts).text,
    witness,
    madeUp: { cast, objects },
    was: reportVerdict(models[0], was),
    is: reportVerdict(models[1], is),
    sides: changedSides(was, is),
  };
}

function resolveOne(entry: FlowEntry, cluster: ClusterSnapshot): Flow {
  const { value, diagnostics } = resolveFlows([entry], cluster, () => undefined);
  const [flow] = value ?? [];
  if (flow === undefined || hasErrors(diagnostics)) {
    return bug(`a witness is no flow: ${diagnostics[0]?.message ?? ''}`);
  }
  return flow;
}

/** Widened first; what everyone or outsiders may reach before what pods may; the widest first. */
function rankOf(
  { tag, from, to }: SymbolicFinding,
  source: Party,
  destination: Party,
): readonly number[] {
  const isOutside = (party: Party): boolean =>
    party.groups.some(({ kind }) => kind === 'outside' || kind === 'everyone');
  const isNobody = (party: Party): boolean => party.groups.every(({ kind }) => kind === 'unused');
  return [
    tag === 'widened' ? 0 : 1,
    isNobody(source) || isNobody(destination) ? 1 : 0,
    isOutside(source) ? 0 : isOutside(destination) ? 1 : 2,
    -from.length * to.length,
  ];
}
