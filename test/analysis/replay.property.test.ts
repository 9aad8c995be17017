/** Replayed logs: the numbers and the idle rules are those of a separate evaluator, flow by flow. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Replay } from '../../src/analysis/replay.js';
import type { ReplayReport } from '../../src/analysis/replay/report.js';
import { normalize } from '../../src/ir/normalize.js';
import { readFlowLogLine } from '../../src/parser/flow-log.js';
import { clusterPolicies, networkPolicies } from '../oracle/generate-policies.js';
import { REMOTES, worlds } from '../oracle/generate.js';
import { addressesOf, answer, endpointsOf, inCidr, isSubject } from '../oracle/naive.js';
import type { PodObject, World } from '../oracle/objects.js';
import { readCluster, readPolicies } from '../oracle/world-model.js';
import { clusterText, policyText } from '../oracle/world-text.js';
import { flowsOf, oracleAllows, type BruteFlow } from './flow-space.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 60);
const SEED = Number(process.env['POLICYC_SEED'] ?? 20261123);

interface Seen {
  readonly flow: BruteFlow;
  readonly verdict: 'allow' | 'deny';
  readonly count: number;
}

const picks = fc.array(
  fc.record({ at: fc.nat(), denied: fc.boolean(), count: fc.integer({ min: 1, max: 3 }) }),
  { minLength: 1, maxLength: 60 },
);

function choose(
  world: World,
  chosen: readonly { at: number; denied: boolean; count: number }[],
): Seen[] {
  const all = [...flowsOf(world)];
  const seen = new Map<string, Seen>();
  for (const { at, denied, count } of chosen) {
    const flow = all[at % all.length];
    if (flow === undefined) continue;
    const key = JSON.stringify(flow);
    if (!seen.has(key)) seen.set(key, { flow, verdict: denied ? 'deny' : 'allow', count });
  }
  return [...seen.values()];
}

/** Pods of one workload, as different as they may be: they share entries only where policies cannot tell them apart. */
function withWorkloads(world: World): World {
  const ownerReferences = [{ kind: 'StatefulSet', name: 'set', controller: true }];
  const pods = world.pods.map((pod, i) =>
    i % 3 === 0 ? pod : { ...pod, metadata: { ...pod.metadata, ownerReferences } },
  );
  return { ...world, pods };
}

function podAt(world: World, address: string): PodObject | undefined {
  return world.pods.find((pod) => isSubject(pod) && addressesOf(pod).includes(address));
}

/** As Hubble would write it: pods by name, the rest by address. */
function lineOf(world: World, { flow, verdict }: Seen): string {
  const end = (address: string): object => {
    const pod = podAt(world, address);
    if (pod === undefined) return {};
    return { namespace: pod.metadata.namespace ?? 'default', pod_name: pod.metadata.name };
  };
  const isIcmp = flow.protocol.startsWith('ICMP');
  const l4 = isIcmp
    ? {
        [flow.protocol === 'ICMP' ? 'ICMPv4' : 'ICMPv6']: {
          type: flow.protocol === 'ICMP' ? 8 : 128,
        },
      }
    : { [flow.protocol]: { source_port: 40000, destination_port: flow.port } };
  return JSON.stringify({
    flow: {
      verdict: verdict === 'allow' ? 'FORWARDED' : 'DROPPED',
      ...(verdict === 'deny' ? { drop_reason_desc: 'POLICY_DENIED' } : {}),
      ...{ IP: { source: flow.from, destination: flow.to }, l4, is_reply: false },
      ...{ source: end(flow.from), destination: end(flow.to), traffic_direction: 'INGRESS' },
    },
  });
}

function isUnused(world: World, address: string): boolean {
  const held =
    world.pods.some((pod) => addressesOf(pod).includes(address)) ||
    world.nodes.some(({ status }) => status.addresses.some((one) => one.address === address)) ||
    world.services.some(({ spec }) => spec.clusterIPs.includes(address));
  const ranges = world.nodes.flatMap(({ spec }) => spec.podCIDRs ?? []);
  return !held && ranges.some((cidr) => inCidr(cidr, address));
}

/** Rules that the oracle says decide a side of the flow. */
function decidersOf(world: World, { from, to, protocol, port }: BruteFlow): readonly string[] {
  const source = podAt(world, from);
  const found: (string | null)[] = [];
  if (source !== undefined) {
    const direction = 'egress' as const;
    const asked = { subject: source, direction, remote: to, protocol, port, localOrigin: false };
    found.push(answer(world, asked).rule);
  }
  const service = world.services.find(({ spec }) => spec.clusterIPs.includes(to));
  const targets =
    service === undefined || protocol.startsWith('ICMP')
      ? [{ address: to, port }]
      : endpointsOf(world, service, to, protocol, port);
  for (const target of targets) {
    const pod = podAt(world, target.address);
    if (pod === undefined) continue;
    const asked = { subject: pod, direction: 'ingress' as const, remote: from, localOrigin: true };
    found.push(answer(world, { ...asked, protocol, port: target.port }).rule);
  }
  return found.flatMap((rule) => rule ?? []);
}

describe('a replay', () => {
  it('agrees with an evaluator that reads the objects, for random worlds, changes and logs', () => {
    const property = fc.property(
      worlds,
      fc.record({ networkPolicies, clusterPolicies }),
      picks,
      fc.boolean(),
      (plain, change, chosen, withOld) => {
        const world = withWorkloads(plain);
        const after: World = { ...world, ...change };
        const seen = choose(world, chosen);
        const replay = new Replay({
          cluster: readCluster(clusterText(world)),
          new: normalize(readPolicies(policyText(after))),
          ...(withOld ? { old: normalize(readPolicies(policyText(world))) } : {}),
          at: 0,
        });
        for (const [i, one] of seen.entries()) {
          const line = readFlowLogLine(lineOf(world, one), 'hubble');
          if (line.kind !== 'flow') throw new Error(JSON.stringify(line));
          replay.add({ ...line.flow, count: one.count }, { path: 'log', line: i + 1 });
        }
        const report = replay.report();
        expect(report.flows).toEqual({ ...expectedFlows(world, after, seen, withOld), gone: 0 });
        expectRows(report);
        const idle = new Set(report.idle.map(({ rule }) => rule));
        const judged = seen.filter(
          ({ flow }) => !isUnused(world, flow.from) && !isUnused(world, flow.to),
        );
        for (const { flow } of judged) {
          for (const rule of decidersOf(after, flow)) expect(idle.has(rule)).toBe(false);
        }
      },
    );
    fc.assert(property, { numRuns: RUNS, seed: SEED });
  }, 120_000);

  it('asks about every kind of address', () => {
    expect(REMOTES.length).toBeGreaterThan(15);
  });
});

function expectedFlows(
  world: World,
  after: World,
  seen: readonly Seen[],
  withOld: boolean,
): Omit<ReplayReport['flows'], 'gone'> {
  const expected = { judged: 0, kept: 0, cut: 0, opened: 0, denied: 0, disagreeing: 0, unknown: 0 };
  for (const { flow, verdict, count } of seen) {
    if (isUnused(world, flow.from) || isUnused(world, flow.to)) {
      expected.unknown += count;
      continue;
    }
    expected.judged += count;
    const was = oracleAllows(world, flow) ? 'allow' : 'deny';
    const is = oracleAllows(after, flow) ? 'allow' : 'deny';
    if (withOld && was !== verdict) expected.disagreeing += count;
    else if (verdict === 'allow') expected[is === 'allow' ? 'kept' : 'cut'] += count;
    else expected[is === 'allow' ? 'opened' : 'denied'] += count;
  }
  return expected;
}

/** Rows hold each flow that is told once. */
function expectRows({ rows, flows }: ReplayReport): void {
  const count = (kind: string): number =>
    rows.filter((row) => row.kind === kind).reduce((sum, { seen }) => sum + seen.count, 0);
  expect([count('cut'), count('opened'), count('disagrees')]).toEqual([
    flows.cut,
    flows.opened,
    flows.disagreeing,
  ]);
}
