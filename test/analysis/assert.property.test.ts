/** Assertions against the oracle: what it sees broken is not proved, and what is said to break them does. */
import fc from 'fast-check';
import { isIPv6 } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parsePrefix } from '../../src/address.js';
import { evaluateAssertions } from '../../src/analysis/assert.js';
import type { AssertionResult } from '../../src/analysis/assert/results.js';
import type { ClusterSnapshot } from '../../src/ir/cluster.js';
import { createInterpreter, type Judge } from '../../src/ir/interpret.js';
import {
  NAMESPACE_NAME_LABEL,
  type Assertion,
  type LabelSelector,
  type Peer,
  type PeerGroup,
} from '../../src/ir/model.js';
import { normalize } from '../../src/ir/normalize.js';
import { SourceFile, span } from '../../src/source.js';
import { CIDRS, KEYS, NAMESPACES, PROTOCOLS, VALUES } from '../oracle/alphabets.js';
import { REMOTES, worlds } from '../oracle/generate.js';
import { addressesOf, inCidr, isSubject } from '../oracle/naive.js';
import type { PodObject, World } from '../oracle/objects.js';
import { readCluster, readPolicies } from '../oracle/world-model.js';
import { clusterText, policyText } from '../oracle/world-text.js';
import { oracleAllows, type BruteFlow } from './flow-space.js';
import { endAt, isOwnNode, NUMBERED, withFreshPorts, worldOf } from './concrete-ends.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 40);
const SEED = Number(process.env['POLICYC_SEED'] ?? 20261124);

const origin = span(new SourceFile('assert.pol', 'assert'), 0, 6);

const selector = (
  keys: readonly string[],
  values: readonly string[],
): fc.Arbitrary<LabelSelector> =>
  fc
    .array(
      fc.record({
        key: fc.constantFrom(...keys),
        operator: fc.constantFrom('In' as const, 'NotIn' as const),
        values: fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 }),
      }),
      { maxLength: 1 },
    )
    .map((requirements) => ({ requirements }));

const peer: fc.Arbitrary<Peer> = fc.oneof(
  fc
    .record({
      namespaces: fc.oneof(selector(KEYS, VALUES), selector([NAMESPACE_NAME_LABEL], NAMESPACES)),
      pods: selector(KEYS, VALUES),
    })
    .map((one): Peer => ({ kind: 'pods', ...one, origin })),
  fc.constantFrom(...CIDRS).map((cidr): Peer => {
    const prefix = parsePrefix(cidr);
    return {
      kind: 'addresses',
      include: prefix === undefined ? [] : [prefix],
      exclude: [],
      origin,
    };
  }),
  fc.constantFrom('any' as const, 'outside' as const).map((kind): Peer => ({ kind, origin })),
);
const group: fc.Arbitrary<PeerGroup> = fc
  .array(peer, { minLength: 1, maxLength: 2 })
  .map((peers) => ({ label: 'group', peers, origin }));
const ports = fc.constantFrom('every' as const, [
  { kind: 'range', protocol: 'TCP', first: 80, last: 81 } as const,
]);
type Judged = Extract<Assertion, { ports: unknown }>;
const assertions: fc.Arbitrary<Judged> = fc.oneof(
  fc
    .record({
      from: group,
      to: group,
      ports,
      quantifier: fc.constantFrom('some' as const, 'all' as const),
    })
    .map((one): Judged => ({ kind: 'reach', ...one, origin })),
  fc
    .record({ from: group, to: group, ports })
    .map((one): Judged => ({ kind: 'never', ...one, origin })),
  fc
    .record({ from: fc.array(group, { minLength: 1, maxLength: 2 }), to: group, ports })
    .map((one): Judged => ({ kind: 'only', ...one, origin })),
);

function matches(
  { requirements }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return requirements.every(({ key, operator, values }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    return (value !== undefined && values.includes(value)) === (operator === 'In');
  });
}

function holds({ peers }: PeerGroup, world: World, address: string): boolean {
  const end = endAt(world, address);
  if (end.kind === 'unused') return false;
  return peers.some((one) => {
    switch (one.kind) {
      case 'any':
        return true;
      case 'outside':
        return end.kind === 'outside';
      case 'addresses':
        return CIDRS.some(
          (cidr) =>
            inCidr(cidr, address) &&
            one.include.some(
              (prefix) => JSON.stringify(prefix, big) === JSON.stringify(parsePrefix(cidr), big),
            ),
        );
      case 'pods':
        return (
          end.kind === 'pod' &&
          matches(one.pods, end.labels) &&
          matches(one.namespaces, end.namespace)
        );
      default:
        return false;
    }
  });
}

function big(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function isAsked(assertion: Judged, { protocol, port }: BruteFlow): boolean {
  return assertion.ports === 'every' || (protocol === 'TCP' && port >= 80 && port <= 81);
}

/** Whether the flow is one that the assertion speaks of. */
function isMeant(assertion: Judged, world: World, flow: BruteFlow): boolean {
  const isFrom =
    assertion.kind === 'only'
      ? endAt(world, flow.from).kind !== 'unused' &&
        !assertion.from.some((one) => holds(one, world, flow.from))
      : holds(assertion.from, world, flow.from);
  return isFrom && holds(assertion.to, world, flow.to) && isAsked(assertion, flow);
}

function* flowsOf(world: World): Generator<BruteFlow> {
  const podAt = (address: string): PodObject | undefined =>
    world.pods.find((pod) => isSubject(pod) && addressesOf(pod).includes(address));
  const ends = REMOTES.filter(
    (address) => !world.services.some(({ spec }) => spec.clusterIPs.includes(address)),
  );
  for (const from of ends) {
    for (const to of ends) {
      const [source, destination] = [podAt(from), podAt(to)];
      if (isIPv6(from) !== isIPv6(to) || source === destination) continue;
      for (const protocol of PROTOCOLS) {
        for (const port of NUMBERED) yield { from, to, protocol, port };
      }
      yield { from, to, protocol: isIPv6(to) ? 'ICMPv6' : 'ICMP', port: 0 };
    }
  }
}

/** Flows that break the assertion, and that it speaks of at all. */
function bruteForce(assertion: Judged, world: World): { broken: boolean; open: boolean } {
  let [broken, open] = [false, false];
  for (const flow of flowsOf(world)) {
    if (!isMeant(assertion, world, flow)) continue;
    const allowed = oracleAllows(world, flow);
    if (allowed) open = true;
    if (assertion.kind === 'reach') broken ||= !allowed;
    else broken ||= allowed && !isOwnNode(world, flow);
  }
  return { broken, open };
}

function evaluate(
  assertion: Assertion,
  world: World,
  isAnyCluster: boolean,
): AssertionResult | undefined {
  const model = normalize(readPolicies(policyText(world)));
  const judgeIn = (one: ClusterSnapshot): Judge => createInterpreter(model, one, 0).judge;
  const context = { model, at: 0, judgeIn };
  const cluster = readCluster(clusterText(world));
  return evaluateAssertions([assertion], isAnyCluster ? context : { ...context, cluster })[0];
}

/** The flow that is told, as the oracle sees it in the cluster that it is told for. */
function checkCounterexample(assertion: Judged, world: World, result: AssertionResult): void {
  const { counterexample } = result;
  if (counterexample === undefined) return;
  const { entry, madeUp } = counterexample;
  const here = madeUp === undefined ? world : worldOf(world, madeUp.objects);
  const family =
    entry.protocol === 'ICMPv6' || entry.from.includes(':') || entry.to.includes(':') ? 6 : 4;
  const addressOf = (text: string, wanted: 4 | 6): string | undefined => {
    const pod = here.pods.find(
      ({ metadata }) => text === `${metadata.namespace ?? ''}/${metadata.name}`,
    );
    if (pod === undefined) return text;
    return addressesOf(pod).find((one) => isIPv6(one) === (wanted === 6));
  };
  const shared = ([family, 6, 4] as const).find(
    (one) => addressOf(entry.from, one) !== undefined && addressOf(entry.to, one) !== undefined,
  );
  const flow = {
    from: addressOf(entry.from, shared ?? 4) ?? '',
    to: addressOf(entry.to, shared ?? 4) ?? '',
    protocol: entry.protocol,
    port: entry.port ?? 0,
  };
  expect({ flow, meant: isMeant(assertion, here, flow) }).toEqual({ flow, meant: true });
  const wanted = assertion.kind !== 'reach';
  expect({ flow, allowed: oracleAllows(here, flow) }).toEqual({ flow, allowed: wanted });
}

describe.each([
  ['in a cluster', false],
  ['in all clusters', true],
])('assertions %s', (_, isAnyCluster) => {
  it('are proved only where the oracle sees nothing against them', () => {
    const seen = { passed: 0, failed: 0 };
    const exact = fc.property(worlds, assertions, (random, assertion) => {
      const world = isAnyCluster ? withFreshPorts(random) : random;
      const result = evaluate(assertion, world, isAnyCluster);
      if (result === undefined) throw new Error('no result');
      seen[result.passed ? 'passed' : 'failed'] += 1;
      const { broken, open } = bruteForce(assertion, world);
      const isSome = assertion.kind === 'reach' && assertion.quantifier === 'some';
      const contradicted = isSome ? open && !result.passed : broken && result.passed;
      expect({ result: result.message, contradicted }).toEqual({
        result: result.message,
        contradicted: false,
      });
      if (!result.passed) checkCounterexample(assertion, world, result);
    });
    fc.assert(exact, { numRuns: RUNS, seed: SEED });
    expect(Math.min(seen.passed, seen.failed)).toBeGreaterThan(RUNS / 20);
  }, 1_800_000);
});
