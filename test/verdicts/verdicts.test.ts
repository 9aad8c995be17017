/** The verdict tables, each through every engine: as written, turned around, and in a crowd. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startEngine, type EngineName } from '../../src/cli/engines.js';
import type { ClusterSnapshot } from '../../src/ir/cluster.js';
import { judgeFlow, reportFlow } from '../../src/ir/flows.js';
import { resolveFlows } from '../../src/ir/flows/read.js';
import type { Judge } from '../../src/ir/interpret.js';
import type { NormalModel } from '../../src/ir/normal-model.js';
import { readCluster, valueOf } from '../oracle/world-model.js';
import { clusterFile } from './cluster-text.js';
import { casesOf, clusterOf, modelOf, problemsOf, readTable, type Table } from './table.js';

const NAMES = readdirSync(import.meta.dirname)
  .filter((name) => /^\d\d.*\.yaml$/.test(name))
  .sort();

/** Policies that have nothing to do with any pod of the tables. */
const CROWD: readonly object[] = Array.from({ length: 40 }, (_, i) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: `crowd-${i}`, namespace: `crowd-${i % 7}` },
  spec: {
    podSelector: { matchLabels: { app: `crowd-${i}` } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      { from: [{ ipBlock: { cidr: `172.16.${i % 256}.0/24` } }], ports: [{ port: 1000 + i }] },
    ],
  },
}));

const ARRANGEMENTS: readonly (readonly [
  string,
  (policies: readonly object[]) => readonly object[],
])[] = [
  ['as written', (policies) => policies],
  ['in a crowd', (policies) => [...CROWD.slice(20), ...policies, ...CROWD.slice(0, 20)]],
  ['turned around', (policies) => [...policies].reverse()],
];

const ENGINES = ['model', 'vm', 'kernel'] as const satisfies readonly EngineName[];

/** Loading programs takes the kernel most of its time, and the order matters to the model alone. */
const ARRANGEMENTS_OF = { model: 3, vm: 2, kernel: 1 } as const;

async function expectVerdicts(
  table: Table,
  policies: readonly object[],
  engine: EngineName,
): Promise<void> {
  const cluster = readCluster(clusterFile(clusterOf(table)));
  const at = table.at === undefined ? 0 : Date.parse(table.at);
  const { model, judgeIn, close } = await startEngine(
    engine,
    modelOf(policies, table.language),
    at,
  );
  try {
    compare(table, cluster, model, judgeIn(cluster));
  } finally {
    close();
  }
}

function compare(table: Table, cluster: ClusterSnapshot, model: NormalModel, judge: Judge): void {
  const cases = casesOf(table);
  expect(cases.length).toBeGreaterThan(0);
  const flows = valueOf(
    resolveFlows(
      cases.map(({ entry }) => entry),
      cluster,
      () => undefined,
    ),
  );
  const found = flows.map((flow, i) => {
    const report = reportFlow(model, judgeFlow(flow, judge));
    const side = cases[i]?.side;
    const judged = side === undefined ? undefined : report[side];
    return {
      name: cases[i]?.name,
      verdict: report.verdict,
      reason: judged?.reason,
      rule: judged?.rule,
    };
  });
  const expected = cases.map(({ name, verdict, reason, rule }, i) => ({
    name,
    verdict,
    reason,
    // A line that names no rule does not care which it was.
    rule: rule ?? found[i]?.rule,
  }));
  expect(found).toEqual(expected);
}

describe.each(NAMES)('%s', (name) => {
  const table = readTable(name);
  const policies = table.policies ?? [];

  for (const engine of table.flows === undefined ? [] : ENGINES) {
    it.each(ARRANGEMENTS.slice(0, ARRANGEMENTS_OF[engine]))(`${engine}, %s`, async (_, arrange) => {
      await expectVerdicts(table, arrange(policies), engine);
    });
  }

  it('is refused or warned of as the table says', () => {
    const problems = problemsOf(table, readCluster(clusterFile(clusterOf(table))));
    const errors = problems.filter(({ severity }) => severity === 'error').map(({ code }) => code);
    expect([...new Set(errors)].sort()).toEqual([...(table.errors ?? [])].sort());
    expect(problems.map(({ code }) => code)).toEqual(
      expect.arrayContaining([...(table.warnings ?? [])]),
    );
  });
});

describe('the tables', () => {
  it('cover every row of the semantics', () => {
    const covered = new Set(NAMES.flatMap((name) => readTable(name).rows));
    const rows = [1, 3, 4, 6, ...range(10, 37), ...range(40, 46), ...range(50, 68)];
    expect(rows.filter((row) => !covered.has(row))).toEqual([]);
  });

  it.each(ENGINES)('would notice a policy that is lost: %s', async (engine) => {
    const table = readTable(NAMES.find((name) => name.startsWith('13')) ?? '');
    await expect(expectVerdicts(table, [], engine)).rejects.toThrow(/equal/);
  });
});

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
