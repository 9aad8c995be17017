/** Runs in the guest: loads every object, judges every table, and sends packets; says what came of it. */
import { writeFileSync, writeSync } from 'node:fs';
import { release } from 'node:os';
import { writeElf } from '../../src/codegen/object/elf.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { link } from '../../src/codegen/assembly/link.js';
import { attemptsOf, type Attempt } from '../../src/demo/attempts.js';
import type { Network } from '../../src/demo/network.js';
import type { ProbeResult } from '../../src/demo/prober.js';
import { readScenario } from '../../src/demo/scenario.js';
import { serveTargets, tryAll } from '../../src/demo/trial.js';
import { loadCluster, loadPolicies } from '../../src/front-end.js';
import { InputError } from '../../src/diagnostics.js';
import { loadContents } from '../../src/loader/pod-programs.js';
import { CLUSTER, firstSurprise } from '../datapath/case.js';
import { CASES } from '../datapath/cases.js';
import { kernelEngine, LAYOUTS, prepare, type Engine, type Layout } from '../datapath/engines.js';
import { policiesAtTheLimits } from '../datapath/limits.js';
import { Wire } from '../support/wire.js';
import { writeLine, type GuestLine, type Harden } from './report-lines.js';
import { judgeTable, tableNames } from './tables.js';

const SHOP = 'policies/shop/scenario.yaml';
const started = Date.now();

function say(line: GuestLine): void {
  writeSync(1, writeLine(line));
}

/** The end of what went wrong: a verifier's log says at its end what it refuses. */
const WHY_LENGTH = 3_000;

async function attempt(what: string, work: () => GuestLine | Promise<GuestLine>): Promise<void> {
  try {
    say(await work());
  } catch (error) {
    const why = error instanceof InputError ? JSON.stringify(error.diagnostics) : reasonOf(error);
    say({ kind: 'failed', what, why: why.slice(-WHY_LENGTH) });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const log = 'log' in error ? String(error.log) : '';
  return `${error.stack ?? error.message}\n${log}`;
}

function loadLimits(layout: Layout): GuestLine {
  const { plan, contents } = prepare(policiesAtTheLimits(), CLUSTER, layout);
  const loaded = loadContents(writeElf(link(emitDatapath(plan))), contents);
  const pods = loaded.pods.length;
  loaded.close();
  return { kind: 'object', name: `the limits with ${layout}`, pods };
}

function runCases(layout: Layout): GuestLine {
  let packets = 0;
  let objects = 0;
  const engine = kernelEngine();
  const counting: Engine = {
    ...engine,
    bind: (prepared) => {
      engine.bind(prepared);
      objects += 1;
    },
    run: (...packet) => {
      packets += 1;
      return engine.run(...packet);
    },
  };
  const bound = {};
  try {
    const surprises = CASES.flatMap((one) => {
      const surprise = firstSurprise(counting, layout, one, bound);
      return surprise === undefined ? [] : [`${one.name}: ${surprise}`];
    });
    return { kind: 'cases', layout, cases: CASES.length, packets, objects, surprises };
  } finally {
    engine.close();
  }
}

const BATCH = 48;

async function tryInBatches(
  network: Network,
  attempts: readonly Attempt[],
): Promise<readonly ProbeResult[]> {
  const results: ProbeResult[] = [];
  for (let i = 0; i < attempts.length; i += BATCH) {
    results.push(...(await tryAll(network, attempts.slice(i, i + BATCH))));
  }
  return results;
}

/** The shop on veths: everything is open before, then as its authors expect, then open again. */
async function runShop(): Promise<GuestLine> {
  const scenario = readScenario(SHOP);
  const policies = (await loadPolicies([scenario.policies])).value;
  const cluster = (await loadCluster([scenario.cluster])).value;
  if (policies === undefined || cluster === undefined) throw new Error('the shop cannot be read');
  const attempts = attemptsOf(scenario, cluster);
  const wire = await Wire.create(cluster, scenario.hosts);
  try {
    await serveTargets(wire.network, attempts);
    const surprises: string[] = [];
    const compare = async (when: string, applied: boolean): Promise<void> => {
      const wanted = ({ row, column }: Attempt): ProbeResult =>
        !applied || scenario.expected[row]?.[column] === 'passes' ? 'ok' : 'timeout';
      const all = await tryInBatches(wire.network, attempts);
      // What is dropped wrongly times out again; what an emulated processor was too slow for does not.
      const slow = attempts.filter((one, i) => all[i] === 'timeout' && wanted(one) === 'ok');
      const again = await tryInBatches(wire.network, slow);
      attempts.forEach((one, i) => {
        const retried = slow.indexOf(one);
        const result = (retried < 0 ? all[i] : again[retried]) ?? 'nothing';
        if (result === wanted(one)) return;
        const { source, target, family } = one;
        surprises.push(
          `${when}, IPv${family} ${source.name} -> ${target.title} ${target.port}: ${result}`,
        );
      });
    };
    await compare('before', false);
    wire.apply(policies);
    await compare('applied', true);
    wire.unload();
    await compare('after', false);
    return { kind: 'wire', tried: 3 * attempts.length, surprises };
  } finally {
    wire.close();
  }
}

function setHarden(harden: Harden): void {
  writeFileSync('/proc/sys/net/core/bpf_jit_harden', harden);
  say({ kind: 'harden', harden });
}

async function runRound(harden: Harden): Promise<void> {
  setHarden(harden);
  for (const layout of LAYOUTS)
    await attempt(`the limits with ${layout}`, () => loadLimits(layout));
  for (const name of tableNames()) {
    await attempt(name, async () => ({
      kind: 'table',
      name,
      flows: await judgeTable(name, 'kernel'),
    }));
  }
  await attempt('the shop on the wire', runShop);
}

await runRound('0');
await runRound('2');
// The longest part; with hardening it would take as long again.
setHarden('0');
for (const layout of LAYOUTS) await attempt(`the cases with ${layout}`, () => runCases(layout));
say({ kind: 'end', release: release(), seconds: (Date.now() - started) / 1000 });
