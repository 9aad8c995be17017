import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attemptsOf, type Attempt } from '../../src/demo/attempts.js';
import { readScenario, type Scenario } from '../../src/demo/scenario.js';
import { serveTargets, tryAll } from '../../src/demo/trial.js';
import { loadCluster, loadPolicies } from '../../src/front-end.js';
import type { PolicyModel } from '../../src/ir/model.js';
import { isRoot } from '../support/netns.js';
import { Wire } from '../support/wire.js';

describe.runIf(isRoot)('the shop on the wire', () => {
  let scenario: Scenario;
  let attempts: readonly Attempt[];
  let policies: PolicyModel;
  let wire: Wire;

  beforeAll(async () => {
    scenario = readScenario('policies/shop/scenario.yaml');
    const model = (await loadPolicies([scenario.policies])).value;
    const cluster = (await loadCluster([scenario.cluster])).value;
    if (model === undefined || cluster === undefined) throw new Error('it cannot be read');
    policies = model;
    attempts = attemptsOf(scenario, cluster);
    wire = await Wire.create(cluster, scenario.hosts);
    await serveTargets(wire.network, attempts);
  }, 60_000);

  afterAll(() => {
    (wire as Wire | undefined)?.close();
  });

  /** Attempts whose outcome is not what the scenario expects. */
  async function surprises(): Promise<readonly string[]> {
    const results = await tryAll(wire.network, attempts);
    return attempts.flatMap(({ row, column, source, target, family }, index) => {
      const expected = scenario.expected[row]?.[column] === 'passes' ? 'ok' : 'timeout';
      const result = results[index] ?? 'nothing';
      if (result === expected) return [];
      return [`IPv${family} ${source.name} -> ${target.title} ${target.port}: ${result}`];
    });
  }

  it('passes whole before, as its authors expect while applied, and whole again', async () => {
    const notOpen = async (): Promise<readonly string[]> =>
      (await tryAll(wire.network, attempts)).filter((one) => one !== 'ok');
    expect(await notOpen()).toEqual([]);
    wire.apply(policies);
    expect(await surprises()).toEqual([]);
    wire.apply(policies);
    expect(await surprises()).toEqual([]);
    wire.unload();
    expect(await notOpen()).toEqual([]);
  });
});
