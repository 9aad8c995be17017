/** Random worlds through the model, the VM and the kernel: verdict, reason and rule must be the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress, type Address } from '../../src/address.js';
import { bind } from '../../src/codegen/bind.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { link } from '../../src/codegen/assembly/link.js';
import { createPacketJudge } from '../../src/codegen/packet-judge.js';
import { createVmRunner } from '../../src/codegen/vm-engine.js';
import { normalize } from '../../src/ir/normalize.js';
import { planLookups, type LookupPlan } from '../../src/ir/plan.js';
import { createKernelRunner } from '../../src/loader/kernel-engine.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../../src/ir/cluster.js';
import { createInterpreter, type Judge, type Protocol } from '../../src/ir/interpret.js';
import { deciderName, type NormalModel } from '../../src/ir/normal-model.js';

import { ARRIVALS, REMOTES, worlds } from '../oracle/generate.js';
import type { World } from '../oracle/objects.js';
import { readCluster, readPolicies } from '../oracle/world-model.js';
import { clusterText, policyText } from '../oracle/world-text.js';

interface Engine {
  readonly kind: 'model' | 'vm' | 'kernel';
  /** Tables even where the plan says code. */
  readonly tables?: boolean;
  readonly inMaps?: boolean;
}

function startEngine(
  { kind, tables, inMaps = false }: Engine,
  normal: NormalModel,
  cluster: ClusterSnapshot,
): { readonly judge: Judge; readonly close: () => void } {
  const nothing = (): void => undefined;
  if (kind === 'model')
    return { judge: createInterpreter(normal, cluster, 0).judge, close: nothing };
  const byTables = { kind: 'tables', why: 'the test says so' } as const;
  const planned = planLookups(normal);
  const plan: LookupPlan =
    tables === true ? { ...planned, verdict: { ingress: byTables, egress: byTables } } : planned;
  const object = writeElf(link(emitDatapath(plan)));
  const contents = bind(normal, plan, cluster, { at: 0, inMaps });
  if (kind === 'vm') {
    return { judge: createPacketJudge(contents, createVmRunner(object, contents)), close: nothing };
  }
  const runner = createKernelRunner(object, contents);
  return { judge: createPacketJudge(contents, runner), close: () => runner.close() };
}

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 25);
const SEED = Number(process.env['POLICYC_SEED'] ?? 20260102);

/** Every question about the world that packets can ask, with the engine's answer. */
function answers(engine: Engine, world: World): ReadonlyMap<string, string> {
  const cluster = readCluster(clusterText(world));
  const normal = normalize(readPolicies(policyText(world)));
  const subjects = cluster.pods.filter(isPolicyPod);
  const { judge, close } = startEngine(engine, normal, cluster);
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
            // What the node makes in the pod's own name is forged, and no flow of anybody's.
            if (localOrigin && isOwn(subject, remote)) continue;
            const question = `${subject.namespace}/${subject.name} ${direction} ${text} ${protocol} ${port} ${localOrigin ? 'local' : ''}`;
            const judged = judge(subject, direction, remote, protocol, port, { localOrigin });
            found.set(question, describeAnswer(normal, judged));
          }
        }
      }
    }
  } finally {
    close();
  }
  return found;
}

function isOwn({ addresses }: Pod, remote: Address): boolean {
  return addresses.some((own) => own.family === remote.family && own.value === remote.value);
}

function describeAnswer(normal: NormalModel, judged: ReturnType<Judge>): string {
  const decider = normal.deciders[judged.decider];
  const rule = decider === undefined ? undefined : deciderName(decider);
  return `${judged.verdict} by ${judged.reason} ${rule ?? '-'}`;
}

function firstMismatch(engine: Engine, world: World): string | undefined {
  const expected = answers({ kind: 'model' }, world);
  for (const [question, answer] of answers(engine, world)) {
    const wanted = expected.get(question) ?? 'nothing';
    if (answer !== wanted)
      return `${question}: the ${engine.kind} says ${answer}, the model ${wanted}`;
  }
  return undefined;
}

const LAYOUTS = [
  ['as planned', {}],
  ['with tables', { tables: true }],
  ['with hashes', { tables: true, inMaps: true }],
  ['with code and hashes', { inMaps: true }],
] as const;

describe.each(['vm', 'kernel'] as const)('the %s', (kind) => {
  it.each(LAYOUTS)(
    'agrees with the model on random worlds, %s',
    (_, layout) => {
      const agree = fc.property(worlds, (world) => {
        expect(firstMismatch({ kind, ...layout }, world)).toBeUndefined();
      });
      fc.assert(agree, { numRuns: RUNS, seed: SEED });
    },
    1_800_000,
  );
});
