/** Random worlds through the model, the VM and the kernel: verdict, reason and rule must be the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/address.js';
import { isPolicyPod } from '../../src/ir/cluster.js';
import type { Judge, Protocol } from '../../src/ir/interpret.js';
import { deciderName, type NormalModel } from '../../src/ir/normal-model.js';
import { startEngine, type EngineName } from '../../src/cli/engines.js';
import { ARRIVALS, REMOTES, worlds } from '../oracle/generate.js';
import type { World } from '../oracle/objects.js';
import { readCluster, readPolicies } from '../oracle/world-model.js';
import { clusterText, policyText } from '../oracle/world-text.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 40);
const SEED = Number(process.env['POLICYC_SEED'] ?? 20260102);

/** Every question about the world that packets can ask, with the engine's answer. */
async function answers(engine: EngineName, world: World): Promise<ReadonlyMap<string, string>> {
  const cluster = readCluster(clusterText(world));
  const policies = readPolicies(policyText(world));
  const subjects = cluster.pods.filter(isPolicyPod);
  const question = { policies, cluster, subjects, at: 0 };
  const { model, judge, close } = await startEngine(engine, question);
  const found = new Map<string, string>();
  try {
    for (const subject of subjects) {
      for (const text of REMOTES) {
        const remote = parseAddress(text);
        if (remote === undefined) throw new Error(`bad address ${text}`);
        if (!subject.addresses.some(({ family }) => family === remote.family)) continue;
        for (const { protocol: written, port } of ARRIVALS) {
          const protocol: Protocol = written === 'ICMP' && remote.family === 6 ? 'ICMPv6' : written;
          for (const [direction, localOrigin] of [
            ['egress', false],
            ['ingress', false],
            ['ingress', true],
          ] as const) {
            const question = `${subject.namespace}/${subject.name} ${direction} ${text} ${protocol} ${port} ${localOrigin ? 'local' : ''}`;
            const judged = judge(subject, direction, remote, protocol, port, { localOrigin });
            found.set(question, describeAnswer(model, judged));
          }
        }
      }
    }
  } finally {
    close();
  }
  return found;
}

function describeAnswer(normal: NormalModel, judged: ReturnType<Judge>): string {
  const decider = normal.deciders[judged.decider];
  const rule = decider === undefined ? undefined : deciderName(decider);
  return `${judged.verdict} by ${judged.reason} ${rule ?? '-'}`;
}

async function firstMismatch(engine: EngineName, world: World): Promise<string | undefined> {
  const expected = await answers('model', world);
  for (const [question, answer] of await answers(engine, world)) {
    const wanted = expected.get(question) ?? 'nothing';
    if (answer !== wanted) return `${question}: the ${engine} says ${answer}, the model ${wanted}`;
  }
  return undefined;
}

describe.each(['vm', 'kernel'] as const)('the %s', (engine) => {
  it('agrees with the model on random worlds', async () => {
    const agree = fc.asyncProperty(worlds, async (world) => {
      expect(await firstMismatch(engine, world)).toBeUndefined();
    });
    await fc.assert(agree, { numRuns: RUNS, seed: SEED });
  }, 1_800_000);
});
