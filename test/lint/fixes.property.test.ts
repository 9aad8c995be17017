/** Fixes keep the meaning in whatever style policies are written, and leave nothing to fix. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { dump, type DumpOptions } from 'js-yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findConnections } from '../../src/analysis/findings.js';
import { createUniverse } from '../../src/analysis/universe.js';
import { normalize } from '../../src/ir/normalize.js';
import type { NormalModel } from '../../src/ir/normal-model.js';
import { repairPaths } from '../../src/lint/repair.js';
import { SourceFile } from '../../src/source.js';
import { worlds } from '../oracle/generate.js';
import type { NetworkPolicyObject, World } from '../oracle/objects.js';
import { readCluster, readPolicies } from '../oracle/world-model.js';
import { clusterText } from '../oracle/world-text.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 60);
const SEED = Number(process.env['POLICYC_SEED'] ?? 20260811);

const documents = (objects: readonly object[], options: DumpOptions): string =>
  objects.map((one) => dump(one, { noRefs: true, ...options })).join('---\n');
const list = (items: readonly object[]): object => ({ apiVersion: 'v1', kind: 'List', items });

const STYLES = {
  'block.yaml': (all: readonly object[]) => documents(all, {}),
  'flat-lists.yaml': (all: readonly object[]) => documents(all, { noArrayIndent: true }),
  'flow-rules.yaml': (all: readonly object[]) => documents(all, { flowLevel: 3 }),
  'flow-crlf.yaml': (all: readonly object[]) =>
    documents(all, { flowLevel: 1 }).replace(/\n/g, '\r\n'),
  'crlf.yaml': (all: readonly object[]) => documents(all, {}).replace(/\n/g, '\r\n'),
  'anchors.yaml': (all: readonly object[]) => documents(all, { noRefs: false }),
  'list.yaml': (all: readonly object[]) => dump(list(all), { noRefs: true }),
  'list.json': (all: readonly object[]) => JSON.stringify(list(all), undefined, 2),
  'line.json': (all: readonly object[]) => JSON.stringify(list(all)),
} as const;
const NAMES = Object.keys(STYLES) as (keyof typeof STYLES)[];

/** Rules twice, policies twice, types left out: what fixes are for. */
function sloppy({ networkPolicies }: World): readonly NetworkPolicyObject[] {
  return networkPolicies.flatMap((one, i): readonly NetworkPolicyObject[] => {
    const { policyTypes, ingress, egress, ...rest } = one.spec;
    const twice = <Rule>(rules: readonly Rule[] | null | undefined): readonly Rule[] => [
      ...(rules ?? []),
      ...(rules ?? []),
    ];
    const spec = {
      ...rest,
      ...(i % 3 === 0 || policyTypes === undefined ? {} : { policyTypes }),
      ...(ingress === undefined ? {} : { ingress: i % 2 === 0 ? twice(ingress) : ingress }),
      ...(egress === undefined ? {} : { egress: i % 2 === 1 ? twice(egress) : egress }),
    };
    const own = { ...one, spec };
    if (i % 2 === 1) return [own];
    return [own, { ...own, metadata: { ...one.metadata, name: `${one.metadata.name}-copy` } }];
  });
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'policyc-lint-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

it.each(NAMES)(
  'fixes of %s keep the meaning',
  async (style) => {
    let fixes = 0;
    const harmless = fc.asyncProperty(worlds, async (world) => {
      const objects = [...sloppy(world), ...world.clusterPolicies];
      if (objects.length === 0) return;
      const path = join(folder, style);
      writeFileSync(path, STYLES[style](objects));
      const levels = new Map([['lint/policy-types-absent', 'warn' as const]]);
      const request = { policies: [path], cluster: [], levels, at: 0, now: 0 };
      const repaired = await repairPaths(request, false, 0);
      fixes += repaired.fixes;
      const [changed] = repaired.files;
      if (changed === undefined) return;
      const model = (text: string): NormalModel =>
        normalize(readPolicies(new SourceFile(path, text)));
      if (style.includes('crlf')) expect(changed.after).not.toMatch(/(?<!\r)\n/);
      const models = [model(changed.before), model(changed.after)] as const;
      const universe = createUniverse(readCluster(clusterText(world)), models, 0);
      expect(findConnections(universe, 'changes').findings).toEqual([]);
      writeFileSync(path, changed.after);
      expect((await repairPaths(request, false, 0)).fixes).toBe(0);
    });
    await fc.assert(harmless, { numRuns: RUNS, seed: SEED });
    expect(fixes).toBeGreaterThan(RUNS / 4);
  },
  600_000,
);
