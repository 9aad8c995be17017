/** The packet path beyond first packets: one table of cases through the VM and the kernel, in every layout. */
import { afterAll, describe, expect, it } from 'vitest';
import { lacks } from '../support/requires.js';
import { CLUSTER, firstSurprise } from './case.js';
import { CASES } from './cases.js';
import { LOOKUP_CASES } from './lookup-cases.js';
import { kernelEngine, LAYOUTS, prepare, vmEngine, type Prepared } from './engines.js';

describe.each([
  { name: 'VM', start: () => vmEngine(), missing: undefined },
  { name: 'kernel', start: kernelEngine, missing: lacks('root') },
])('in the $name', ({ start, missing }) => {
  describe.skipIf(missing !== undefined).each(LAYOUTS)('with %s', (layout) => {
    const engine = start();
    const bound: { now?: Prepared } = {};
    afterAll(() => engine.close());
    it.each(CASES.map((one) => [one.name, one] as const))('%s', (_, one) => {
      expect(firstSurprise(engine, layout, one, bound)).toBeUndefined();
    });
  });
});

it('the code layout is in code', () => {
  for (const { policies } of CASES.filter((one) => !LOOKUP_CASES.includes(one))) {
    const { plan } = prepare(policies, CLUSTER, 'code');
    expect(plan.verdict.ingress.kind).toBe('code');
    expect(plan.verdict.egress.kind).toBe('code');
  }
});
