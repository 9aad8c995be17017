/** The difference names exactly the flows whose verdict changes, as the oracle enumerates them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findConnections, type Findings } from '../../src/analysis/findings.js';
import { diffModels } from '../../src/analysis/diff.js';
import { createUniverse, type Models } from '../../src/analysis/universe.js';
import type { ClusterSnapshot } from '../../src/ir/cluster.js';
import { createAddressBook } from '../../src/ir/interpret/addresses.js';
import type { NormalModel } from '../../src/ir/normal-model.js';
import { normalize } from '../../src/ir/normalize.js';
import { worlds } from '../oracle/generate.js';
import { clusterPolicies, networkPolicies } from '../oracle/generate-policies.js';
import type { World } from '../oracle/objects.js';
import { readCluster, readPolicies } from '../oracle/world-model.js';
import { clusterText, policyText } from '../oracle/world-text.js';
import { addressFrom, findingsOf } from './expand.js';
import { inOtherWords, mutate, type Policies } from './rewrite.js';
import { flowsOf, oracleAllows, type BruteFlow } from './flow-space.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 40);
const SEED = Number(process.env['POLICYC_SEED'] ?? 20260103);

function modelsOf(world: World, after: Policies): Models {
  const normal = (one: World): NormalModel => normalize(readPolicies(policyText(one)));
  return [normal(world), normal({ ...world, ...after })];
}

function clusterOf(world: World): ClusterSnapshot {
  return readCluster(clusterText(world));
}

function diff(world: World, after: Policies, mode: 'changes' | 'allowed'): Findings {
  return findConnections(createUniverse(clusterOf(world), modelsOf(world, after), 0), mode);
}

/** The first flow of which the difference says something else than the oracle. */
function firstMismatch(before: World, after: Policies): string | undefined {
  const found = diff(before, after, 'changes');
  for (const flow of flowsOf(before)) {
    const was = oracleAllows(before, flow);
    const is = oracleAllows({ ...before, ...after }, flow);
    const expected = was === is ? '' : is ? 'widened' : 'narrowed';
    const said = findingsOf(found, flow).map(({ tag }) => tag);
    if (said.join() !== expected) {
      return `${JSON.stringify(flow)}: the difference says [${said.join()}], the oracle [${expected}]`;
    }
  }
  return undefined;
}

describe('the difference', () => {
  it('names exactly the changed flows', () => {
    const exact = fc.property(
      worlds,
      fc.record({ networkPolicies, clusterPolicies }),
      (world, after) => {
        expect(firstMismatch(world, after)).toBeUndefined();
      },
    );
    fc.assert(exact, { numRuns: RUNS, seed: SEED });
  }, 1_800_000);

  it('names exactly what one small change of a policy changes', () => {
    let changed = 0;
    const exact = fc.property(worlds, fc.nat(), (world, seed) => {
      const after = mutate(world, seed);
      expect(firstMismatch(world, after)).toBeUndefined();
      if (diff(world, after, 'changes').findings.length > 0) changed += 1;
    });
    fc.assert(exact, { numRuns: RUNS, seed: SEED });
    expect(changed).toBeGreaterThan(RUNS / 20);
  }, 1_800_000);

  it('is empty where the same is said in other words', () => {
    const empty = fc.property(worlds, (world) => {
      const { findings } = diff(world, inOtherWords(world), 'changes');
      expect(findings.map(({ causes }) => causes.map(({ key }) => key))).toEqual([]);
    });
    fc.assert(empty, { numRuns: 4 * RUNS, seed: SEED });
  }, 1_800_000);

  it('bears witness that the model confirms, and names rules that both models know', () => {
    const confirmed = fc.property(
      worlds,
      fc.record({ networkPolicies, clusterPolicies }),
      (world, after) => {
        const { changes } = diffModels(modelsOf(world, after), clusterOf(world), 0);
        for (const { tag, causes } of changes) {
          for (const { was, is, sides } of causes) {
            const expected = tag === 'widened' ? ['deny', 'allow'] : ['allow', 'deny'];
            expect([was.verdict, is.verdict]).toEqual(expected);
            expect(sides.length).toBeGreaterThan(0);
          }
        }
      },
    );
    fc.assert(confirmed, { numRuns: 2 * RUNS, seed: SEED });
  }, 1_800_000);

  it('lists exactly the allowed flows', () => {
    const exact = fc.property(worlds, (world) => {
      const found = diff(world, world, 'allowed');
      for (const flow of flowsOf(world)) {
        const said = findingsOf(found, flow).length;
        const allowed = oracleAllows(world, flow) && !isExempt(found.universe.cluster, flow);
        const expected = allowed ? 1 : 0;
        if (said !== expected) expect({ flow, said }).toEqual({ flow, said: expected });
      }
    });
    fc.assert(exact, { numRuns: RUNS, seed: SEED });
  }, 1_800_000);
});

/** What needs no policy to be allowed is not listed: a pod with itself, and its own node's packets. */
function isExempt(cluster: ClusterSnapshot, { from, to }: BruteFlow): boolean {
  const { holderOf } = createAddressBook(cluster);
  const source = holderOf(addressFrom(from));
  const destination = holderOf(addressFrom(to))?.pod;
  if (destination === undefined || source === undefined) return false;
  if (source.pod !== undefined) return source.pod === destination;
  return destination.node !== undefined && source.nodes.has(destination.node);
}
