/**
 * Each implementation three times: a naive evaluator that reads Kubernetes objects, the interpreter with
 * the edited policies, and the analysis by classes, over every flow of random worlds.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findConnections, type Findings } from '../../src/analysis/findings.js';
import { createUniverse } from '../../src/analysis/universe.js';
import type { ClusterSnapshot } from '../../src/ir/cluster.js';
import { judgeFlow } from '../../src/ir/flows.js';
import { resolveFlows } from '../../src/ir/flows/read.js';
import { applyDifferences, readEdition, type Edition } from '../../src/ir/implementations.js';
import type { PolicyModel } from '../../src/ir/model.js';
import { createInterpreter } from '../../src/ir/interpret.js';
import { createAddressBook } from '../../src/ir/interpret/addresses.js';
import type { NormalModel } from '../../src/ir/normal-model.js';
import { normalize } from '../../src/ir/normalize.js';
import { addressFrom, findingsOf } from '../analysis/expand.js';
import type { BruteFlow } from '../analysis/flow-space.js';
import type { ClusterPolicyObject, World } from '../oracle/objects.js';
import { readCluster, readPolicies, valueOf } from '../oracle/world-model.js';
import { clusterText, policyText } from '../oracle/world-text.js';
import { Naive, type Traits } from './naive.js';
import { flowsIn, selectedWorlds } from './worlds.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 15);
const SEED = Number(process.env['POLICYC_SEED'] ?? 20260704);

const ALL: readonly ClusterPolicyObject['kind'][] = [
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
  'ClusterNetworkPolicy',
];
const USUAL = {
  kinds: ALL,
  blocksSkip: 'nobody',
  sctp: true,
  endPort: true,
  globalNames: false,
} as const;

const EDITIONS: Readonly<Record<string, Traits>> = {
  policyc: { ...USUAL, name: 'policyc' },
  upstream: { ...USUAL, name: 'upstream' },
  cilium: { ...USUAL, name: 'cilium', kinds: [], blocksSkip: 'pods and nodes', sctp: false },
  'cilium@1.15+cidr-match-nodes': {
    ...USUAL,
    name: 'cilium',
    kinds: [],
    blocksSkip: 'pods',
    sctp: false,
    endPort: false,
    globalNames: true,
  },
  'cilium@1.20+cluster-network-policy+sctp': {
    ...USUAL,
    name: 'cilium',
    kinds: ['ClusterNetworkPolicy'],
    blocksSkip: 'pods and nodes',
  },
  calico: { ...USUAL, name: 'calico', kinds: ['ClusterNetworkPolicy'] },
  'calico@3.29.1': {
    ...USUAL,
    name: 'calico',
    kinds: ['AdminNetworkPolicy', 'BaselineAdminNetworkPolicy'],
  },
  'calico@3.28': { ...USUAL, name: 'calico', kinds: [] },
  aws: { ...USUAL, name: 'aws', kinds: [] },
  k3s: { ...USUAL, name: 'k3s', kinds: [] },
};

function editionOf(text: string): Edition {
  const edition = readEdition(text);
  if ('kind' in edition) throw new Error(`no edition ${text}`);
  return edition;
}

function modelAs(text: string, world: World, cluster: ClusterSnapshot): NormalModel {
  const model = readPolicies(policyText(world));
  return normalize(applyDifferences(editionOf(text).differences, { model, cluster }));
}

function find(cluster: ClusterSnapshot, models: readonly [NormalModel, NormalModel]): Findings {
  const mode = models[0] === models[1] ? 'allowed' : 'changes';
  return findConnections(createUniverse(cluster, models, 0), mode);
}

/** Neither is listed: a pod with itself, and its own node's packets. */
function isExempt(cluster: ClusterSnapshot, { from, to }: BruteFlow): boolean {
  const { holderOf } = createAddressBook(cluster);
  const source = holderOf(addressFrom(from));
  const destination = holderOf(addressFrom(to))?.pod;
  if (destination === undefined || source === undefined) return false;
  if (source.pod !== undefined) return source.pod === destination;
  return destination.node !== undefined && source.nodes.has(destination.node);
}

/** What is not modelled for k3s is not asked. */
function isAsked(text: string, world: World, traits: Traits): boolean {
  return text !== 'k3s' || !new Naive(world, traits).hasPartialBlock();
}

describe.each(Object.entries(EDITIONS))('%s', (text, traits) => {
  it('judges and lists as the naive evaluator of its sources does', () => {
    let asked = 0;
    const alike = fc.property(selectedWorlds, (world) => {
      if (!isAsked(text, world, traits)) return;
      asked += 1;
      const cluster = readCluster(clusterText(world));
      const model = modelAs(text, world, cluster);
      const naive = new Naive(world, traits);
      const flows = [...flowsIn(world)];
      const entries = flows.map(({ port, ...flow }) =>
        flow.protocol.startsWith('ICMP') ? flow : { ...flow, port },
      );
      const resolved = valueOf(resolveFlows(entries, cluster, () => undefined));
      const { judge, trace } = createInterpreter(model, cluster, 0);
      const found = find(cluster, [model, model]);
      for (const [i, flow] of flows.entries()) {
        const expected = naive.allows(flow);
        const one = resolved[i];
        if (one === undefined) throw new Error('a flow is lost');
        const judged = judgeFlow(one, judge).verdict === 'allow';
        if (judged !== expected) expect({ flow, judged }).toEqual({ flow, judged: expected });
        // Tracing is a fault of ours where its clauses do not say what the rule says.
        if (i % 29 === 0 && one.from.pod !== undefined) {
          trace(one.from.pod, 'egress', one.to.address, one.protocol, one.port);
        }
        const listed = findingsOf(found, flow).length;
        const count = expected && !isExempt(cluster, flow) ? 1 : 0;
        if (listed !== count) expect({ flow, listed }).toEqual({ flow, listed: count });
      }
    });
    fc.assert(alike, { numRuns: RUNS, seed: SEED });
    expect(asked).toBeGreaterThan(RUNS / 3);
  }, 1_800_000);
});

/** All that a model says, without places. */
function textOf(model: PolicyModel): string {
  return JSON.stringify(model, (key, value: unknown) => {
    if (key === 'origin') return undefined;
    return typeof value === 'bigint' ? String(value) : value;
  });
}

/** Those that no flow of any world shows are not what their rows say. */
describe('every difference that is modelled', () => {
  const ofEditions = Object.keys(EDITIONS).flatMap((text) =>
    editionOf(text)
      .differences.filter(({ apply }) => apply !== undefined)
      .map(({ id }) => ({ id, text })),
  );
  // The first edition that has it: the later ones lack what it would act on.
  const each = [...new Map(ofEditions.reverse().map((one) => [one.id, one])).values()];
  it.each(each)(
    '$id changes what some flow meets, and says whom it touches',
    ({ id, text }) => {
      const { differences } = editionOf(text);
      const others = differences.filter((one) => one.id !== id);
      const tried = differences.find((one) => one.id === id);
      const shows = (world: World): boolean => {
        const cluster = readCluster(clusterText(world));
        const model = readPolicies(policyText(world));
        const [edited, lacking] = [differences, others].map((list) =>
          textOf(applyDifferences(list, { model, cluster })),
        );
        if (edited === lacking) return false;
        const judgeOf = (list: typeof differences): ReturnType<typeof createInterpreter> =>
          createInterpreter(normalize(applyDifferences(list, { model, cluster })), cluster, 0);
        const [all, without] = [judgeOf(differences), judgeOf(others)];
        const entries = [...flowsIn(world)].map(({ port, ...flow }) =>
          flow.protocol.startsWith('ICMP') ? flow : { ...flow, port },
        );
        const flows = valueOf(resolveFlows(entries, cluster, () => undefined));
        const differs = flows.some(
          (flow) => judgeFlow(flow, all.judge).verdict !== judgeFlow(flow, without.judge).verdict,
        );
        // Cilium drops SCTP also where nobody wrote anything.
        if (differs && id !== 'cilium-4')
          expect(tried?.touches({ model, cluster })).not.toEqual([]);
        return differs;
      };
      const samples = fc.sample(selectedWorlds, { numRuns: 3000, seed: SEED });
      expect(samples.some(shows)).toBe(true);
    },
    1_800_000,
  );
});

describe('the difference of two implementations', () => {
  const names = Object.keys(EDITIONS);
  it('names exactly the flows that they judge differently', () => {
    let different = 0;
    const pair = fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names));
    const exact = fc.property(selectedWorlds, pair, (world, [a, b]) => {
      const [was, is] = [EDITIONS[a], EDITIONS[b]];
      if (was === undefined || is === undefined || a === b) return;
      if (!isAsked(a, world, was) || !isAsked(b, world, is)) return;
      const cluster = readCluster(clusterText(world));
      const found = find(cluster, [modelAs(a, world, cluster), modelAs(b, world, cluster)]);
      const before = new Naive(world, was);
      const after = new Naive(world, is);
      for (const flow of flowsIn(world)) {
        const [old, next] = [before.allows(flow), after.allows(flow)];
        const expected = old === next ? '' : next ? 'widened' : 'narrowed';
        const said = findingsOf(found, flow)
          .map(({ tag }) => tag)
          .join();
        if (said !== expected) expect({ a, b, flow, said }).toEqual({ a, b, flow, said: expected });
        if (expected !== '') different += 1;
      }
    });
    fc.assert(exact, { numRuns: 4 * RUNS, seed: SEED });
    expect(different).toBeGreaterThan(100);
  }, 1_800_000);
});
