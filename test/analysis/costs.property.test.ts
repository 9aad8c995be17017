/**
 * Costs by cause: they add up to what the kernel gets, and rows, cells and instructions belong to whom
 * the bytes themselves name, read here once more and in another way.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { causedCosts, addAmounts, NOTHING, type Amount } from '../../src/analysis/costs.js';
import { boundCost } from '../../src/analysis/diff/cost.js';
import { bind } from '../../src/codegen/bind.js';
import { NOBODY } from '../../src/codegen/bind/causes.js';
import type { BoundContents } from '../../src/codegen/contents.js';
import { link, slotCount } from '../../src/codegen/assembly/link.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { readElf } from '../../src/codegen/object/elf-read.js';
import { isPolicyPod, type ClusterSnapshot } from '../../src/ir/cluster.js';
import { policyName, type NormalModel } from '../../src/ir/normal-model.js';
import { normalize } from '../../src/ir/normalize.js';
import { planLookups, type LookupPlan } from '../../src/ir/plan.js';
import { formatPlace } from '../../src/source.js';
import { worlds } from '../oracle/generate.js';
import type { World } from '../oracle/objects.js';
import { readCluster, readPolicies } from '../oracle/world-model.js';
import { clusterText, policyText } from '../oracle/world-text.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 30);
const SEED = Number(process.env['POLICYC_SEED'] ?? 20260104);

const LAYOUTS = ['as planned', 'tables', 'maps'] as const;

interface Made {
  readonly normal: NormalModel;
  readonly plan: LookupPlan;
  readonly cluster: ClusterSnapshot;
  readonly contents: BoundContents;
}

function make(world: World, layout: (typeof LAYOUTS)[number]): Made {
  const cluster = readCluster(clusterText(world));
  const normal = normalize(readPolicies(policyText(world)));
  const planned = planLookups(normal);
  const byTables = { kind: 'tables', why: 'the test says so' } as const;
  const verdict = { ingress: byTables, egress: byTables };
  const plan = layout === 'as planned' ? planned : { ...planned, verdict };
  const contents = bind(normal, plan, cluster, { at: 0, inMaps: layout === 'maps' });
  return { normal, plan, cluster, contents };
}

function costsOf({ normal, plan, contents }: Made): ReturnType<typeof causedCosts> {
  return causedCosts(normal, readElf(writeElf(link(emitDatapath(plan)))), contents);
}

function sum(amounts: readonly Amount[]): Amount {
  return amounts.reduce<Amount>(addAmounts, NOTHING);
}

function amount({ instructions, entries, bytes }: Amount): Amount {
  return { instructions, entries, bytes };
}

function assertAll(check: (made: Made) => void): void {
  const property = fc.property(worlds, fc.constantFrom(...LAYOUTS), (world, layout) => {
    check(make(world, layout));
  });
  fc.assert(property, { numRuns: RUNS, seed: SEED });
}

describe('costs', () => {
  it('add up at each level, to the bytes and instructions that the kernel gets', () => {
    assertAll((made) => {
      const { policies, namespaces, shared, fixed, total } = costsOf(made);
      expect(sum([...policies, shared, fixed])).toEqual(total);
      for (const policy of policies) {
        expect(sum([...policy.rules, policy.shared])).toEqual(amount(policy));
        expect(Math.min(...(Object.values(policy.shared) as number[]))).toBeGreaterThanOrEqual(0);
      }
      for (const one of namespaces) {
        const own = policies.filter(({ namespace }) => namespace === one.namespace);
        expect(own.length).toBe(one.policies);
        expect(sum([...own, one.shared])).toEqual(amount(one));
      }
      const { tables, maps } = made.contents;
      const bytes = [
        ...tables.map((table) => table.bytes.length),
        ...maps
          .filter(({ lifetime }) => lifetime === 'generation')
          .map(({ keys, values }) => keys.length + values.length),
      ].reduce((all, one) => all + one, 0);
      expect(total.bytes).toBe(bytes);
      const { functions } = link(emitDatapath(made.plan));
      expect(total.instructions).toBe(functions.reduce((all, one) => all + slotCount(one), 0));
    });
  });

  it('of the fullest node are those that `diff` tells', () => {
    assertAll(({ normal, plan, cluster }) => {
      const told = boundCost(normal, plan, cluster, 0);
      const subjects = cluster.pods.filter((pod) => isPolicyPod(pod) && pod.node === told.node);
      const contents = bind(normal, plan, cluster, { at: 0, subjects });
      expect(costsOf({ normal, plan, cluster, contents }).total.bytes).toBe(told.bytes);
    });
  });

  it('of rows and cells belong to whom the tables name', () => {
    let seen = 0;
    assertAll(({ contents }) => {
      const read = readDecided(contents);
      if (read === undefined) return;
      seen += 1;
      const shares = contents.shares();
      const told = new Map<string, number>();
      for (const { table, cause, entries } of shares.shares) {
        const found = shares.causes.causes[cause];
        if ((table === 'rows' || table === 'cells') && found !== undefined && entries > 0) {
          const decider: number = found.decider;
          const who = decider >= 0 ? String(decider) : decider === NOBODY ? 'nobody' : 'several';
          const key = `${table} ${who}`;
          told.set(key, (told.get(key) ?? 0) + entries);
        }
      }
      expect(Object.fromEntries([...told].sort())).toEqual(Object.fromEntries([...read].sort()));
    });
    expect(seen).toBeGreaterThan(RUNS / 3);
  });

  it('of instructions belong to the policies that the listing names', () => {
    let caused = 0;
    assertAll((made) => {
      const { policies } = costsOf(made);
      const names = new Map(
        made.normal.policies.flatMap((policy) =>
          [policy.origin, ...policy.rules.map(({ origin }) => origin)].map(
            (origin) => [formatPlace(origin), policyName(policy)] as const,
          ),
        ),
      );
      const expected = new Map<string, number>();
      const listing = emitDatapath(made.plan);
      const origins = new Map<string, number>();
      for (const { items } of listing.functions) {
        for (const item of items) {
          if (item.kind !== 'instruction' || item.origin === undefined) continue;
          const place = formatPlace(item.origin);
          origins.set(place, (origins.get(place) ?? 0) + 1);
        }
      }
      for (const [place, count] of origins) {
        const name = names.get(place) ?? 'nobody';
        expected.set(name, (expected.get(name) ?? 0) + count);
      }
      for (const { policy, instructions } of policies) {
        caused += instructions;
        // Link leaves out what cannot be reached, and no instruction of rules takes two slots.
        expect(instructions).toBeLessThanOrEqual(expected.get(policy) ?? 0);
        if (instructions === 0) expect(expected.get(policy) ?? 0).toBe(0);
      }
    });
    expect(caused).toBeGreaterThan(0);
  });
});

/** Layout.ts: a row is a decider and the index of its cells, a cell holds a decider, or how far from the row's. */
const DECIDER = 0xff_ffff;
const RELATIVE = 1 << 28;

/** How many rows and cells each decider has alone; undefined where they are in maps. */
function readDecided({ tables }: BoundContents): ReadonlyMap<string, number> | undefined {
  const words = (name: string): Uint32Array => {
    const bytes = tables.find((one) => one.name === name)?.bytes ?? new Uint8Array();
    return new Uint32Array(bytes.slice().buffer);
  };
  const rows = words('rows');
  const cells = words('cells');
  if (rows.length <= 2 || cells.length <= 1) return undefined;
  const starts = new Set<number>();
  for (let i = 1; i < rows.length; i += 2) starts.add(rows[i] ?? 0);
  const stride = strideOf(words('ports'));
  const owners = Array.from(cells, () => new Set<number>());
  const found = new Map<string, number>();
  const count = (table: string, deciders: ReadonlySet<number>): void => {
    const [first = 'nobody', second] = deciders;
    const key = `${table} ${second === undefined ? first : 'several'}`;
    found.set(key, (found.get(key) ?? 0) + 1);
  };
  for (let i = 0; i < rows.length; i += 2) {
    const base = (rows[i] ?? 0) & DECIDER;
    const start = rows[i + 1] ?? 0;
    const deciders = new Set<number>();
    for (let at = start; at < start + stride; at += 1) {
      const cell = cells[at] ?? 0;
      const decider = (cell & DECIDER) + ((cell & RELATIVE) === 0 ? 0 : base);
      if (decider === 0) continue;
      deciders.add(decider);
      owners[at]?.add(decider);
    }
    count('rows', deciders);
  }
  for (const one of owners) count('cells', one);
  return found;
}

/** Port classes of TCP, UDP, SCTP and the rest, and three for fragments. */
function strideOf(ports: Uint32Array): number {
  const classes = new Uint16Array(ports.buffer);
  const last = (first: number, end: number): number =>
    classes.slice(first, end).reduce((most, one) => Math.max(most, one), 0) + 1;
  return last(0, 1 << 16) + last(1 << 16, 2 << 16) + last(2 << 16, 3 << 16) + 1 + 3;
}
