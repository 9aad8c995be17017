import { describe, expect, it } from 'vitest';
import { attemptsOf } from '../../src/demo/attempts.js';
import { isMismatch, renderMatrix, type Judged } from '../../src/demo/matrix.js';
import { readScenario } from '../../src/demo/scenario.js';
import { loadCluster } from '../../src/front-end.js';
import { plain } from '../../src/render/paint.js';

async function judgedAsExpected(): Promise<readonly Judged[]> {
  const scenario = readScenario('policies/shop/scenario.yaml');
  const cluster = (await loadCluster([scenario.cluster])).value;
  if (cluster === undefined) throw new Error('no cluster');
  return attemptsOf(scenario, cluster).map((attempt): Judged => {
    const passes = scenario.expected[attempt.row]?.[attempt.column] === 'passes';
    const outcome = passes ? 'passes' : 'denied';
    return { attempt, enforced: outcome, model: outcome };
  });
}

function rowOf(judged: readonly Judged[], name: string): string | undefined {
  const scenario = readScenario('policies/shop/scenario.yaml');
  return renderMatrix(scenario, judged, plain)
    .split('\n')
    .find((line) => line.startsWith(name));
}

describe('renderMatrix', () => {
  it('shows what was enforced beside what the model says', async () => {
    const judged = await judgedAsExpected();
    expect(judged.some(isMismatch)).toBe(false);
    expect(rowOf(judged, 'shop/cart-0')?.replace(/ +/g, ' ')).toBe(
      'shop/cart-0 . . . . . . = = + + . . + + . . . . . . . . . . . .',
    );
  });

  it.each([
    ['one family differs', [4], '% .!'],
    ['both differ', [4, 6], '+ .!'],
  ])('marks a cell where %s', async (_, families, mark) => {
    const judged = (await judgedAsExpected()).map((one): Judged => {
      const { source, target, family } = one.attempt;
      const forged = source.name === 'shop/cart-0' && target.title === 'gate';
      return forged && families.includes(family) ? { ...one, enforced: 'passes' } : one;
    });
    expect(judged.filter(isMismatch)).toHaveLength(families.length);
    expect(rowOf(judged, 'shop/cart-0')).toContain(`shop/cart-0             ${mark} `);
    expect(rowOf(judged, 'shop/redis-0')).not.toContain('!');
  });
});
