/** Explanations against the oracle: verdicts and deciders, every clause, and every change that is proposed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain, type Explanation } from '../../src/analysis/explain.js';
import { firstMiss, matchesWhole } from '../../src/ir/interpret/clauses.js';
import { portIndex, PORT_INDEX } from '../../src/codegen/layout.js';
import { bind } from '../../src/codegen/bind.js';
import { createPathTracer } from '../../src/codegen/packet-path.js';
import { compile } from '../../src/compile.js';
import { reportJudgement } from '../../src/ir/flows.js';
import { targetNamed } from '../../src/target.js';
import { KEYS, VALUES } from '../oracle/alphabets.js';
import { worlds } from '../oracle/generate.js';
import { addressesOf, answer, isSubject } from '../oracle/naive.js';
import type { World } from '../oracle/objects.js';
import { readCluster, readPolicies } from '../oracle/world-model.js';
import { clusterText, policyText } from '../oracle/world-text.js';
import { editWorld } from './explain-edits.js';
import { flowsOf, oracleAllows, type BruteFlow } from './flow-space.js';
import { clauseHolds } from './naive-clause.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 30);
const SEED = Number(process.env['POLICYC_SEED'] ?? 20260104);
const FLOWS = 12;

/** The explainer of a world: compiled once. */
function explainerOf(
  world: World,
): (flow: BruteFlow) => Explanation & { readonly model: ReturnType<typeof compile>['normal'] } {
  const cluster = readCluster(clusterText(world));
  const target = targetNamed('5.10');
  if (target === undefined) throw new Error('no target');
  const { normal, plan, object } = compile(readPolicies(policyText(world)), target, 'test');
  return ({ from, to, protocol, port }) => {
    const index = protocol.startsWith('ICMP')
      ? PORT_INDEX.other
      : portIndex(protocol as 'TCP', port);
    const question = { from, to, ports: [[index, index] as const] };
    const artefact = {
      model: normal,
      bind: (subjects: Parameters<typeof bind>[3]['subjects']) =>
        createPathTracer(
          object,
          bind(normal, plan, cluster, { at: 0, ...(subjects && { subjects }) }),
        ),
    };
    return { ...explain(question, artefact, cluster, 0), model: normal };
  };
}

/** An even part of the flows, another one for each seed; half of them between pods, where labels matter. */
function someFlows(world: World, seed: number): readonly BruteFlow[] {
  const all = [...flowsOf(world)];
  const held = new Set(world.pods.filter(isSubject).flatMap(addressesOf));
  const between = all.filter(({ from, to }) => from !== to && held.has(from) && held.has(to));
  const picked: BruteFlow[] = [];
  for (let i = 0; i < FLOWS; i += 1) {
    const source = i % 2 === 0 || between.length === 0 ? all : between;
    const flow = source[(seed * 7919 + i * 104_729) % Math.max(1, source.length)];
    if (flow !== undefined) picked.push(flow);
  }
  return picked;
}

const worldsAndSeeds = fc.tuple(worlds, fc.nat());

/** Worlds of one namespace in which labels alone decide. */
const labelWorlds = worlds.map((world): World => {
  const here = <One extends { metadata: object }>(one: One): One => ({
    ...one,
    metadata: { ...one.metadata, namespace: 'shop' },
  });
  return {
    ...world,
    clusterPolicies: [],
    pods: world.pods.map(here),
    networkPolicies: KEYS.map((key, i) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `only-${key}`, namespace: 'shop' },
      spec: {
        podSelector: { matchExpressions: [{ key, operator: i === 0 ? 'Exists' : 'DoesNotExist' }] },
        ingress: [{ from: [{ podSelector: { matchLabels: { [key]: VALUES[i] ?? '' } } }] }],
      },
    })),
  };
});

describe('an explanation', () => {
  it('gives the verdict and the deciders of the oracle, by the model and by the bytecode', () => {
    const agree = fc.property(worldsAndSeeds, ([world, seed]) => {
      const explainFlow = explainerOf(world);
      for (const flow of someFlows(world, seed)) {
        const { answers, model } = explainFlow(flow);
        expect(answers).toHaveLength(1);
        const [only] = answers;
        expect(only?.judged.verdict, JSON.stringify(flow)).toBe(
          oracleAllows(world, flow) ? 'allow' : 'deny',
        );
        for (const side of only?.sides ?? []) {
          const subject = world.pods.find(
            (pod) =>
              isSubject(pod) &&
              pod.metadata.name === side.subject.name &&
              (pod.metadata.namespace ?? 'default') === side.subject.namespace,
          );
          if (subject === undefined) throw new Error('a side without a pod');
          const egress = side.direction === 'egress';
          const expected = answer(world, {
            subject,
            direction: side.direction,
            remote: egress ? flow.to : flow.from,
            protocol: flow.protocol,
            port: side.port,
            localOrigin: !egress,
          });
          const { verdict, rule, reason } = reportJudgement(model, side.path.judgement);
          expect({ verdict, rule, reason }, JSON.stringify(flow)).toEqual(expected);
        }
      }
    });
    fc.assert(agree, { numRuns: RUNS, seed: SEED });
  }, 1_800_000);

  it('says of each clause whether the packet fulfils it', () => {
    let clauses = 0;
    let misses = 0;
    const true_ = fc.property(worldsAndSeeds, ([world, seed]) => {
      const explainFlow = explainerOf(world);
      for (const flow of someFlows(world, seed)) {
        for (const side of explainFlow(flow).answers.flatMap(({ sides }) => sides)) {
          for (const { trace } of side.cases) {
            if (trace === undefined) continue;
            const rules = trace.tiers.flatMap(({ policies }) =>
              policies.flatMap((one) => one.rules),
            );
            for (const rule of rules) {
              for (const alternative of rule.alternatives) {
                for (const clause of alternative.clauses) {
                  clauses += 1;
                  const where = `${JSON.stringify(flow)} ${rule.policy.name} ${rule.rule.name} ${clause.kind}`;
                  const holds = clauseHolds(world, clause, alternative.peer, rule, trace);
                  expect(clause.holds, where).toBe(holds);
                }
                const miss = firstMiss(alternative);
                if (miss === undefined) continue;
                misses += 1;
                const before = alternative.clauses.slice(0, alternative.clauses.indexOf(miss));
                expect(before.every(({ holds }) => holds)).toBe(true);
                expect(miss.holds).toBe(false);
              }
              expect(rule.matches).toBe(rule.alternatives.some(matchesWhole));
            }
          }
        }
      }
    });
    fc.assert(true_, { numRuns: RUNS, seed: SEED + 1 });
    expect(clauses).toBeGreaterThan(10 * RUNS);
    expect(misses).toBeGreaterThan(RUNS);
  }, 1_800_000);

  it('proposes changes that flip the verdict when they are made in the objects', () => {
    const kinds = new Map<string, number>();
    let without = 0;
    const check = ([world, seed]: readonly [World, number]): void => {
      const explainFlow = explainerOf(world);
      for (const flow of someFlows(world, seed)) {
        const was = oracleAllows(world, flow);
        for (const { changes } of explainFlow(flow).answers) {
          expect(changes?.to).toBe(was ? 'deny' : 'allow');
          if (changes?.changes.length === 0 && changes.never === undefined) without += 1;
          for (const { edits } of changes?.changes ?? []) {
            const after = editWorld(world, edits);
            const said = JSON.stringify({ flow, edits: edits.map(({ kind }) => kind) });
            expect(oracleAllows(after, flow), said).toBe(!was);
            // And through the product's own reader.
            const [again] = explainerOf(after)(flow).answers;
            expect(again?.judged.verdict, said).toBe(was ? 'deny' : 'allow');
            for (const { kind } of edits) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
          }
        }
      }
    };
    const [any, labels] = [worldsAndSeeds, fc.tuple(labelWorlds, fc.nat())];
    fc.assert(fc.property(any, check), { numRuns: RUNS, seed: SEED + 2 });
    fc.assert(fc.property(labels, check), { numRuns: Math.ceil(RUNS / 3), seed: SEED + 2 });
    for (const kind of [
      'label-pods',
      'add-port',
      'add-peer',
      'add-rule',
      'remove-rule',
      'isolate',
    ]) {
      expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(0);
    }
    expect(without).toBeLessThan(RUNS * FLOWS * 0.3);
  }, 1_800_000);

  it('cuts ranges exactly where the answer changes', () => {
    const exact = fc.property(worldsAndSeeds, ([world, seed]) => {
      const [flow] = someFlows(world, seed);
      if (flow === undefined) return;
      const cluster = readCluster(clusterText(world));
      const target = targetNamed('5.10');
      if (target === undefined) throw new Error('no target');
      const { normal, plan, object } = compile(readPolicies(policyText(world)), target, 'test');
      const ports = [[portIndex('TCP', 0), portIndex('SCTP', 65_535)] as const];
      const { answers } = explain(
        { from: flow.from, to: flow.to, ports },
        {
          model: normal,
          bind: (subjects) =>
            createPathTracer(object, bind(normal, plan, cluster, { at: 0, subjects })),
        },
        cluster,
        0,
      );
      for (const asked of flowsOf(world)) {
        if (asked.from !== flow.from || asked.to !== flow.to || asked.protocol.startsWith('ICMP'))
          continue;
        const index = portIndex(asked.protocol as 'TCP', asked.port);
        const mine = answers.filter((one) =>
          one.ports.some(([first, last]) => first <= index && index <= last),
        );
        expect(
          mine.map(({ judged }) => judged.verdict),
          JSON.stringify(asked),
        ).toEqual([oracleAllows(world, asked) ? 'allow' : 'deny']);
      }
    });
    fc.assert(exact, { numRuns: 2 * RUNS, seed: SEED + 3 });
  }, 1_800_000);
});
