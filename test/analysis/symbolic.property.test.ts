/** The symbolic difference names exactly the flows that change in any concrete cluster, as the oracle says. */
import fc from 'fast-check';
import { isIPv6 } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Change, CauseReport } from '../../src/analysis/report.js';
import { diffSymbolically } from '../../src/analysis/symbolic.js';
import type { Models } from '../../src/analysis/universe.js';
import { normalize } from '../../src/ir/normalize.js';
import { worlds, REMOTES } from '../oracle/generate.js';
import { clusterPolicies, networkPolicies } from '../oracle/generate-policies.js';
import { PROTOCOLS } from '../oracle/alphabets.js';
import { addressesOf, isSubject } from '../oracle/naive.js';
import type { PodObject, World } from '../oracle/objects.js';
import { readPolicies } from '../oracle/world-model.js';
import { policyText } from '../oracle/world-text.js';
import { oracleAllows, type BruteFlow } from './flow-space.js';
import { endAt, isOwnNode, NUMBERED, withFreshPorts, worldOf } from './concrete-ends.js';
import { holdsEnd } from './read-condition.js';
import { inOtherWords, mutate, type Policies } from './rewrite.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 25);
const SEED = Number(process.env['POLICYC_SEED'] ?? 20261123);

function changesOf(before: World, after: Policies): readonly Change[] {
  const normal = (one: World): Models[0] => normalize(readPolicies(policyText(one)));
  return diffSymbolically([normal(before), normal({ ...before, ...after })], 0).changes;
}

/** All flows between pods, nodes and addresses that are not exempt and go through no Service. */
function* directFlows(world: World): Generator<BruteFlow> {
  const podAt = (address: string): PodObject | undefined =>
    world.pods.find((pod) => isSubject(pod) && addressesOf(pod).includes(address));
  const ends = REMOTES.filter(
    (address) => !world.services.some(({ spec }) => spec.clusterIPs.includes(address)),
  );
  for (const from of ends) {
    for (const to of ends) {
      const [source, destination] = [podAt(from), podAt(to)];
      if (isIPv6(from) !== isIPv6(to) || (source ?? destination) === undefined) continue;
      if (source === destination) continue;
      for (const protocol of PROTOCOLS) {
        for (const port of NUMBERED) yield { from, to, protocol, port };
      }
      yield { from, to, protocol: isIPv6(to) ? 'ICMPv6' : 'ICMP', port: 0 };
    }
  }
}

/** What the pod there calls the port. */
function namesAt(
  world: World,
  { to, protocol, port }: Pick<BruteFlow, 'to' | 'protocol' | 'port'>,
): readonly string[] {
  const pod = world.pods.find((one) => isSubject(one) && addressesOf(one).includes(to));
  const containers = [
    ...(pod?.spec.containers ?? []),
    ...(pod?.spec.initContainers ?? []).filter((one) => one.restartPolicy === 'Always'),
  ];
  return containers
    .flatMap(({ ports }) => ports ?? [])
    .filter((one) => one.containerPort === port && (one.protocol ?? 'TCP') === protocol)
    .flatMap(({ name }) => name ?? []);
}

function holdsPort(change: Change, world: World, { to, protocol, port }: BruteFlow): boolean {
  const names = namesAt(world, { to, protocol, port }).flatMap((name) => [
    `port "${name}"`,
    `port "${name}"/${protocol.toLowerCase()}`,
  ]);
  if (names.some((name) => change.exceptNamed?.includes(name))) return false;
  if (names.some((name) => change.named?.includes(name))) return true;
  return change.ranges.some((range) =>
    range.protocol === 'other'
      ? protocol.startsWith('ICMP')
      : range.protocol === protocol && range.first <= port && port <= range.last,
  );
}

/** The first flow of which the difference says something else than the oracle. */
function firstMismatch(world: World, after: Policies): string | undefined {
  const before = withFreshPorts(world);
  const changes = changesOf(before, after);
  const ends = new Map(REMOTES.map((address) => [address, endAt(before, address)]));
  const sides = changes.map(({ from, to }) => ({
    from: new Set(
      REMOTES.filter((one) => holdsEnd(from.groups, ends.get(one) ?? endAt(before, one))),
    ),
    to: new Set(REMOTES.filter((one) => holdsEnd(to.groups, ends.get(one) ?? endAt(before, one)))),
  }));
  for (const flow of directFlows(before)) {
    const was = oracleAllows(before, flow);
    const is = oracleAllows({ ...before, ...after }, flow);
    const expected = was === is ? '' : is ? 'widened' : 'narrowed';
    const family = isIPv6(flow.from) ? 6 : 4;
    const said = changes.filter(
      (change, i) =>
        (change.family ?? family) === family &&
        sides[i]?.from.has(flow.from) === true &&
        sides[i].to.has(flow.to) &&
        holdsPort(change, before, flow),
    );
    if (isOwnNode(before, flow)) continue;
    if (said.map(({ tag }) => tag).join() !== expected) {
      return `${JSON.stringify(flow)}: the difference says ${JSON.stringify(said.map(({ tag, from, to, ports }) => [tag, from.text, to.text, ports]))}, the oracle [${expected}]`;
    }
  }
  return undefined;
}

/** The first flow that changes, and of which the difference says nothing. */
function firstMissed(world: World, after: Policies): string | undefined {
  const changes = changesOf(world, after);
  for (const flow of directFlows(world)) {
    const { from, to, protocol, port } = flow;
    const was = oracleAllows(world, flow);
    if (was === oracleAllows({ ...world, ...after }, flow)) continue;
    const names = namesAt(world, flow);
    // One of the things that are taken for granted, and said to be.
    if (names.length > 1) continue;
    const called = names.map(
      (name) => `${port}/${protocol.toLowerCase()} where it is called "${name}"`,
    );
    const isTold = changes.some(
      (change) =>
        change.tag === (was ? 'narrowed' : 'widened') &&
        (change.family ?? 4) === (change.family === undefined ? 4 : isIPv6(from) ? 6 : 4) &&
        holdsEnd(change.from.groups, endAt(world, from)) &&
        holdsEnd(change.to.groups, endAt(world, to)) &&
        (holdsPort(change, world, flow) ||
          called.some((text) => change.named?.includes(text)) ||
          change.ranges.some(
            (range) => range.protocol === protocol && range.first <= port && port <= range.last,
          )),
    );
    if (!isTold) return JSON.stringify({ flow, was, changes: changes.map((one) => one.ports) });
  }
  return undefined;
}

/** What the oracle says of a witness in the cluster made up for it. */
function judgeWitness(world: World, { witness, madeUp }: CauseReport): boolean {
  const made = worldOf(world, madeUp?.objects ?? []);
  const addressOf = (text: string): string => {
    const pod = made.pods.find(
      ({ metadata }) => text === `${metadata.namespace ?? ''}/${metadata.name}`,
    );
    return pod?.status.podIPs?.[0]?.ip ?? text;
  };
  const { from, to, protocol, port = 0 } = witness;
  return oracleAllows(made, { from: addressOf(from), to: addressOf(to), protocol, port });
}

describe('the symbolic difference', () => {
  it('names exactly the flows that change in a concrete cluster', () => {
    let changed = 0;
    const exact = fc.property(
      worlds,
      fc.record({ networkPolicies, clusterPolicies }),
      (world, after) => {
        expect(firstMismatch(world, after)).toBeUndefined();
        if (changesOf(world, after).length > 0) changed += 1;
      },
    );
    fc.assert(exact, { numRuns: RUNS, seed: SEED });
    expect(changed).toBeGreaterThan(RUNS / 4);
  }, 1_800_000);

  it('names exactly what one small change of a policy changes', () => {
    const exact = fc.property(worlds, fc.nat(), (world, seed) => {
      expect(firstMismatch(world, mutate(world, seed))).toBeUndefined();
    });
    fc.assert(exact, { numRuns: RUNS, seed: SEED });
  }, 1_800_000);

  it('misses nothing where names of ports mean numbers that rules name', () => {
    const complete = fc.property(
      worlds,
      fc.record({ networkPolicies, clusterPolicies }),
      (world, after) => {
        expect(firstMissed(world, after)).toBeUndefined();
      },
    );
    fc.assert(complete, { numRuns: RUNS, seed: SEED });
  }, 1_800_000);

  it('bears witness for each cause in a cluster of its own, as the oracle confirms', () => {
    const confirmed = fc.property(
      worlds,
      fc.record({ networkPolicies, clusterPolicies }),
      (world, after) => {
        for (const { tag, causes } of changesOf(world, after)) {
          expect(causes.length).toBeGreaterThan(0);
          for (const cause of causes) {
            const told = [judgeWitness(world, cause), judgeWitness({ ...world, ...after }, cause)];
            expect({ cause, told }).toEqual({
              cause,
              told: [tag === 'narrowed', tag === 'widened'],
            });
          }
        }
      },
    );
    fc.assert(confirmed, { numRuns: 2 * RUNS, seed: SEED });
  }, 1_800_000);

  it('is empty where the same is said in other words', () => {
    const empty = fc.property(worlds, (world) => {
      expect(
        changesOf(world, inOtherWords(world)).map(({ from, to }) => [from.text, to.text]),
      ).toEqual([]);
    });
    fc.assert(empty, { numRuns: 4 * RUNS, seed: SEED });
  }, 1_800_000);
});
