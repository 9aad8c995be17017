import { describe, expect, it } from 'vitest';
import { attemptsOf } from '../../src/demo/attempts.js';
import { readScenario } from '../../src/demo/scenario.js';
import { loadCluster, loadPolicies } from '../../src/front-end.js';
import { judgeFlow } from '../../src/ir/flows.js';
import { createInterpreter } from '../../src/ir/interpret.js';
import { normalize } from '../../src/ir/normalize.js';

const AT = Date.parse('2026-11-23T10:00:00Z');

describe('the shop scenario', () => {
  it('means what its authors expect, in every cell', async () => {
    const scenario = readScenario('policies/shop/scenario.yaml');
    const policies = await loadPolicies([scenario.policies]);
    const cluster = await loadCluster([scenario.cluster]);
    expect(policies.diagnostics).toEqual([]);
    expect(cluster.diagnostics).toEqual([]);
    if (policies.value === undefined || cluster.value === undefined) throw new Error('no model');
    const { judge } = createInterpreter(normalize(policies.value), cluster.value, AT);
    const attempts = attemptsOf(scenario, cluster.value);
    const selves = scenario.expected.flat().filter((mark) => mark === 'self').length;
    expect(attempts).toHaveLength(2 * (16 * 14 - selves));
    const wrong = attempts.flatMap(({ row, column, source, target, family, flow }) => {
      const passes = judgeFlow(flow, judge).verdict === 'allow';
      const expected = scenario.expected[row]?.[column] === 'passes';
      if (passes === expected) return [];
      return [`IPv${family} ${source.name} -> ${target.title} ${target.port}: ${String(passes)}`];
    });
    expect(wrong).toEqual([]);
  });
});
