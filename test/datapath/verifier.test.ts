/** The verifier takes every program, also at the code layout's limits and with constants blinded. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeElf } from '../../src/codegen/elf.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { link } from '../../src/codegen/link.js';
import { rulesOf } from '../../src/ir/plan.js';
import { closeShared, closePod, createSharedMaps, loadPod } from '../../src/loader/pod-programs.js';
import { testSkb } from '../../src/loader/test-skb.js';
import { frame, PROTO, tcp } from '../support/frames.js';
import { lacks } from '../support/requires.js';
import { CLUSTER } from './case.js';
import { LAYOUTS, prepare, type Layout } from './engines.js';
import { BY_ADDRESS, CLIENT, CLOSED, NOTHING_SELECTED, SERVER } from './policies.js';
import { X, Y } from './world.js';

const HARDEN = '/proc/sys/net/core/bpf_jit_harden';

/** What the verifier walks at most; the program's limit is a million (BPF_COMPLEXITY_LIMIT_INSNS). */
const AFFORDABLE = 100_000;

const RULES = 24;
const POLICIES = 31;

const ranges = (first: number, count: number): readonly object[] =>
  Array.from({ length: count }, (_, i) => ({
    [i % 2 === 0 ? 'tcp' : 'udp']: {
      destinationPort: { range: { start: first + 20 * i, end: first + 20 * i + 9 } },
    },
  }));

/** 8 admin policies, 8 of the baseline and 15 NetworkPolicies: 24 rules, 64 ranges, 31 predicates. */
function policiesAtTheLimits(): string {
  const pods = (app: string): object => ({ matchLabels: { app } });
  const sides = { ingress: 'from', egress: 'to' } as const;
  const cluster = Array.from({ length: 16 }, (_, i) => {
    const action = (['Pass', 'Deny', 'Accept'] as const)[i % 3];
    const rule = (side: 'ingress' | 'egress'): object => ({
      name: `rule-${i}`,
      action,
      [sides[side]]: [
        { pods: { namespaceSelector: {}, podSelector: pods(`peer-${i}`) } },
        { pods: { namespaceSelector: {}, podSelector: pods(i === 0 ? 'y' : `other-${i}`) } },
      ].slice(0, i < 7 ? 2 : 1),
      protocols: ranges(1_000 * (i + 1), i < 8 ? 3 : 2),
    });
    return {
      apiVersion: 'policy.networking.k8s.io/v1alpha2',
      kind: 'ClusterNetworkPolicy',
      metadata: { name: `cluster-${i}` },
      spec: {
        tier: i < 8 ? 'Admin' : 'Baseline',
        priority: i,
        subject: { pods: { namespaceSelector: {}, podSelector: pods('x') } },
        ingress: [rule('ingress')],
        egress: [rule('egress')],
      },
    };
  });
  const own = Array.from({ length: POLICIES - cluster.length }, (_, i) => {
    const rule = (side: 'from' | 'to'): readonly object[] =>
      i < RULES - cluster.length
        ? [
            {
              [side]: [{ ipBlock: { cidr: `172.16.${i}.0/24` } }],
              ports: [0, 1, 2].map((n) => {
                const port = 30_000 + 100 * i + 20 * n;
                return { protocol: 'SCTP', port, endPort: port + 9 };
              }),
            },
          ]
        : [];
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `own-${i}`, namespace: 't' },
      spec: {
        podSelector: i % 2 === 0 ? pods('x') : {},
        policyTypes: ['Ingress', 'Egress'],
        ingress: rule('from'),
        egress: rule('to'),
      },
    };
  });
  return [...cluster, ...own].map((one) => dump(one)).join('---\n');
}

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
      for (const program of programs) {
        const { cb } = testSkb(program, frame(X, Y, PROTO.tcp, tcp(1, 1_005)));
        expect(cb[1]).toBe(1);
      }
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
