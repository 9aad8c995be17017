/** Arenas: one cluster, or all that there can be, as assertions are searched in them. */
import { bug, hasErrors } from '../../diagnostics.js';
import type { ClusterSnapshot, Pod } from '../../ir/cluster.js';
import { judgeFlow } from '../../ir/flows.js';
import { resolveFlows } from '../../ir/flows/read.js';
import type { Judge } from '../../ir/interpret.js';
import type { Assertion, Peer, PeerGroup, PortMatch } from '../../ir/model.js';
import type { NormalModel } from '../../ir/normal-model.js';
import { AddressSpace } from '../address-space.js';
import { witnessFlow } from '../diff/witness.js';
import type { WitnessEnd } from '../findings.js';
import type { PortSet } from '../port-set.js';
import type { FlowEntry } from '../report.js';
import { assumptionsOf } from '../symbolic/assumptions.js';
import { numbersToTry } from '../symbolic/coincidences.js';
import { canMeet } from '../symbolic/findings.js';
import { SymbolicNamer } from '../symbolic/party.js';
import {
  createSymbolicUniverse,
  type FamilyUniverse,
  type Place,
  type SymbolicUniverse,
} from '../symbolic/universe.js';
import { makeWitness } from '../symbolic/witness.js';
import { createUniverse, isOwnNode, type Universe } from '../universe.js';
import type { Counterexample } from './results.js';
import { Search, type FoundPair, type Meeting, type Member } from './search.js';

export interface Arena {
  /** Each over families of its own. */
  readonly searches: readonly Search[];
  readonly universe: Universe;
  readonly assumptions: readonly string[];
  /** Of all clusters: the same where a port's name means a number that rules or assertions name. */
  readonly coincidences: () => readonly Arena[];
  /** Of one cluster: what is needed for its Services. */
  readonly space?: AddressSpace;
  /** The pair at one of the ports, as the engine judges it. */
  readonly tryPair: (pair: FoundPair, ports: PortSet) => Counterexample;
  readonly tryFlow: (entry: FlowEntry) => Counterexample;
  readonly nobody: (group: PeerGroup) => string;
  /** Pods of the universe, in words. */
  readonly nameOf: (pods: readonly Pod[]) => string;
}

export function groupsOf(assertion: Assertion): readonly PeerGroup[] {
  switch (assertion.kind) {
    case 'reach':
    case 'never':
      return [assertion.from, assertion.to];
    case 'only':
      return [...assertion.from, assertion.to];
    case 'isolated':
      return [assertion.group];
    case 'maps':
      return [];
  }
}

function peersAsked(assertions: readonly Assertion[]): readonly Peer[] {
  return assertions.flatMap((one) => groupsOf(one).flatMap(({ peers }) => peers));
}

/** @throws InputError if there are more address classes than bytecode can hold */
export function clusterArena(
  assertions: readonly Assertion[],
  model: NormalModel,
  cluster: ClusterSnapshot,
  at: number,
  judge: Judge,
): Arena {
  const universe = createUniverse(cluster, [model, model], at, peersAsked(assertions));
  const space = new AddressSpace(universe.addresses);
  const search = new Search({
    universe,
    families: [4, 6],
    hasFamily: ({ id }, family) => space.of(id).some((one) => one.family === family),
    meet: meetInCluster,
  });
  const tryFlow = (entry: FlowEntry): Counterexample => judgeEntry(entry, cluster, judge);
  return {
    searches: [search],
    universe,
    space,
    coincidences: () => [],
    assumptions: [
      'the cluster is what was given; hostNetwork pods are their node, and have no policies',
    ],
    tryPair: ({ from, to, family }, ports) =>
      tryFlow(witnessFlow({ from: endOf(from), to: endOf(to), family }, ports, space)),
    tryFlow,
    nobody: ({ label }) => `${label} is empty in this cluster`,
    nameOf: ([first, ...others]) => {
      const name = `\`${first?.namespace ?? ''}/${first?.name ?? ''}\``;
      return others.length === 0 ? name : `${name} and ${others.length} more`;
    },
  };
}

function endOf(member: Member): WitnessEnd {
  return member.kind === 'pod'
    ? { kind: 'pod', pod: member.pod }
    : { kind: 'address', one: member.one };
}

function meetInCluster(from: Member, to: Member): Meeting {
  if (from.kind === 'pod' && to.kind === 'pod') return from.pod === to.pod ? 'none' : 'judged';
  if (from.kind === 'address' && to.kind === 'pod') {
    if (isOwnNode(from.one, to.pod.pod)) return 'own-node';
    return from.holding === 'own-node' ? 'none' : 'judged';
  }
  if (from.kind === 'pod' && to.kind === 'address') {
    return to.holding === 'own-node' && !isOwnNode(to.one, from.pod.pod) ? 'none' : 'judged';
  }
  return 'none';
}

/**
 * @param judgeIn the engine's judge for a cluster
 * @throws InputError if policies tell more kinds of pods apart than can be judged
 */
export function symbolicArena(
  assertions: readonly Assertion[],
  model: NormalModel,
  at: number,
  judgeIn: (cluster: ClusterSnapshot) => Judge,
): Arena {
  // Nodes that are named as sources are the own nodes of some pods.
  const nodes = assertions.flatMap((one): readonly Peer[] =>
    one.kind === 'never' && one.from.peers.some(({ kind }) => kind === 'nodes')
      ? [{ kind: 'own-node', origin: one.origin }]
      : [],
  );
  const peers = [...peersAsked(assertions), ...nodes];
  const ports = assertions.flatMap((one): readonly PortMatch[] =>
    'ports' in one && one.ports !== 'every' ? one.ports : [],
  );
  const asked = { peers, ports };
  const usual = createSymbolicUniverse([model, model], at, asked);
  const tries = numbersToTry([model, model], usual, ports);
  const assumptions = assumptionsOf(usual, tries !== undefined);
  let others: readonly Arena[] | undefined;
  const coincidences = (): readonly Arena[] =>
    (others ??= (tries ?? []).map((port) => {
      const universe = createSymbolicUniverse([model, model], at, asked, port);
      return arenaOf(universe, { assumptions, coincidences: () => [] }, judgeIn);
    }));
  return arenaOf(usual, { assumptions, coincidences }, judgeIn);
}

function arenaOf(
  symbolic: SymbolicUniverse,
  rest: Pick<Arena, 'assumptions' | 'coincidences'>,
  judgeIn: (cluster: ClusterSnapshot) => Judge,
): Arena {
  const searches = symbolic.families.map(
    (family) =>
      new Search({
        universe: family.universe,
        families: [family.family],
        hasFamily: () => true,
        meet: (from, to) => meetAnywhere(family, from, to),
      }),
  );
  const tryPair: Arena['tryPair'] = ({ from, to, family }, set) => {
    const here = symbolic.families.find((one) => one.family === family) ?? bug('no such family');
    const places = { from: placeOf(here, from), to: placeOf(here, to), family };
    const { flow, cluster, objects, cast } = makeWitness(places, set, symbolic);
    return { ...judgeEntry(flow, cluster, judgeIn(cluster)), madeUp: { cast, objects } };
  };
  const [first] = symbolic.families;
  return {
    searches,
    universe: first?.universe ?? bug('no families'),
    ...rest,
    tryPair,
    tryFlow: () => bug('Services of all clusters are told by what is behind them'),
    nobody: ({ label }) => `${label} is nobody in any cluster`,
    nameOf: (pods) => {
      const wanted = new Set(pods);
      const four = symbolic.families.find(({ family }) => family === 4);
      const places = [...(four?.placeOfPod ?? [])].flatMap(([{ pod }, place]) =>
        wanted.has(pod) ? [place] : [],
      );
      return new SymbolicNamer(symbolic).describe(places, undefined).text;
    },
  };
}

function placeOf({ placeOfPod, placeOfClass }: FamilyUniverse, member: Member): Place {
  const place = member.kind === 'pod' ? placeOfPod.get(member.pod) : placeOfClass.get(member.one);
  return place ?? bug('a member without a place');
}

function meetAnywhere(here: FamilyUniverse, from: Member, to: Member): Meeting {
  const [source, target] = [placeOf(here, from), placeOf(here, to)];
  if (source.kind === 'node' && source.own && target.kind === 'pod') {
    const isHome = target.node === source.node && !sharesSingle(source, target);
    return isHome ? 'own-node' : 'none';
  }
  const isOwnOnly = [from, to].some((one) => one.kind === 'address' && one.holding === 'own-node');
  const isOwn = [source, target].some((one) => one.kind === 'node' && one.own);
  if (isOwnOnly && !isOwn) return 'none';
  return canMeet(source, target) ? 'judged' : 'none';
}

function sharesSingle(a: Place, b: Place): boolean {
  return a.cell === b.cell && a.cell.isSingle;
}

function judgeEntry(entry: FlowEntry, cluster: ClusterSnapshot, judge: Judge): Counterexample {
  const { value, diagnostics } = resolveFlows([entry], cluster, () => undefined);
  const [flow] = value ?? [];
  if (flow === undefined || hasErrors(diagnostics)) {
    return bug(`a counterexample is no flow: ${diagnostics[0]?.message ?? ''}`);
  }
  return { entry, flow, judged: judgeFlow(flow, judge) };
}
