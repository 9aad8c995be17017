/** The verifier takes every program, also at the code layout's limits and with constants blinded. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeElf } from '../../src/codegen/object/elf.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { link } from '../../src/codegen/assembly/link.js';
import { rulesOf } from '../../src/ir/plan.js';
import { closeShared, closePod, createSharedMaps, loadPod } from '../../src/loader/pod-programs.js';
import { testSkb } from '../../src/loader/test-skb.js';
import { frame, PROTO, tcp } from '../support/frames.js';
import { lacks } from '../support/requires.js';
import { CLUSTER } from './case.js';
import { LAYOUTS, prepare, type Layout } from './engines.js';
import { policiesAtTheLimits, POLICIES, RULES } from './limits.js';
import { BY_ADDRESS, CLIENT, CLOSED, NOTHING_SELECTED, SERVER } from './policies.js';
import { X, Y } from './world.js';

const HARDEN = '/proc/sys/net/core/bpf_jit_harden';

/** What the verifier walks at most; the program's limit is a million (BPF_COMPLEXITY_LIMIT_INSNS). */
const AFFORDABLE = 100_000;

const LIMITS = policiesAtTheLimits();

it('the limits are reached', () => {
  const { plan } = prepare(LIMITS, CLUSTER, 'code');
  for (const direction of ['ingress', 'egress'] as const) {
    const layout = plan.verdict[direction];
    if (layout.kind !== 'code') throw new Error(`not code: ${layout.why}`);
    const rules = layout.policies.flatMap((policy) => rulesOf(policy, direction));
    const ports = rules.flatMap((rule) => (rule.ports === 'every' ? [] : rule.ports));
    const counts = [layout.policies.length, rules.length, ports.length, layout.predicates.length];
    expect(counts).toEqual([POLICIES, RULES, 64, 31]);
  }
});

/** Those of programs alone: r6 holds the context in them. */
it.each(LAYOUTS)('nothing stores an immediate into the context, as 6.1 refuses: %s', (layout) => {
  const { functions } = link(emitDatapath(prepare(LIMITS, CLUSTER, layout).plan));
  const programs = functions.filter(({ role }) => role === 'program');
  expect(programs.length).toBeGreaterThan(0);
  const found = programs.flatMap(({ instructions }) =>
    instructions.filter(
      ({ instruction: one }) => one.kind === 'store' && 'imm' in one.src && one.base === 6,
    ),
  );
  expect(found).toEqual([]);
});

const missing = lacks('root');

describe.skipIf(missing !== undefined).each(['0', '2'])('with bpf_jit_harden=%s', (harden) => {
  let before = '';
  beforeAll(() => {
    before = readFileSync(HARDEN, 'utf8');
    writeFileSync(HARDEN, harden);
  });
  afterAll(() => writeFileSync(HARDEN, before));

  it.each(
    LAYOUTS.flatMap((layout) =>
      Object.entries({ LIMITS, CLIENT, SERVER, CLOSED, BY_ADDRESS, NOTHING_SELECTED }).map(
        ([name, policies]) => [name, layout, policies] as const,
      ),
    ),
  )('%s with %s', (_, layout, policies) => {
    const walked = loadAll(policies, layout);
    expect(Math.max(...walked)).toBeLessThan(AFFORDABLE);
    expect(Math.min(...walked)).toBeGreaterThan(0);
  });
});

/** Loads the programs of x and lets them judge a packet; what the verifier walked for each. */
function loadAll(policies: string, layout: Layout): readonly number[] {
  const { plan, contents } = prepare(policies, CLUSTER, layout);
  const shared = createSharedMaps(contents);
  try {
    const subject = contents.subjects.find(({ name }) => name === 'x');
    if (subject === undefined) throw new Error('no pod x');
    const pod = loadPod(writeElf(link(emitDatapath(plan))), contents, shared, subject);
    try {
      const programs = Object.values(pod.programs);
      const segment = tcp(1, 1_005);
      const { to_pod: toPod, from_pod: fromPod } = pod.programs;
      expect(testSkb(toPod, frame(Y, X, PROTO.tcp, segment)).cb[1]).toBe(1);
      expect(testSkb(fromPod, frame(X, Y, PROTO.tcp, segment)).cb[1]).toBe(1);
      const walked = programs.map((program) => program.facts().verifiedInstructions);
      if (process.env['POLICYC_SAY'] === '1') {
        const sizes = programs.map((program) => program.facts().jitedBytes);
        console.log(layout, `walked ${walked.join(' and ')}`, `jited ${sizes.join(' and ')}`);
      }
      return walked;
    } finally {
      closePod(pod);
    }
  } finally {
    closeShared(shared);
  }
}
