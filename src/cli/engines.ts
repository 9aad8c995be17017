/** The engines that judge flows: the model, the bytecode in user space, the bytecode in the kernel. */
import type { MapContents } from '../codegen/contents.js';
import { bug } from '../diagnostics.js';
import type { ClusterSnapshot, Pod } from '../ir/cluster.js';
import { createInterpreter, type Judge } from '../ir/interpret.js';
import type { PolicyModel } from '../ir/model.js';
import { normalize } from '../ir/normalize.js';
import type { NormalModel } from '../ir/normal-model.js';
import type { PacketRunner } from '../codegen/packet-judge.js';
import { DEFAULT_TARGET, targetNamed } from '../target.js';
import { policycVersion } from './version.js';

const ENGINES = ['model', 'vm', 'kernel'] as const;
export type EngineName = (typeof ENGINES)[number];

/** Policies, ready to judge flows in any cluster. */
export interface Engine {
  readonly model: NormalModel;
  /** @param subjects the pods that will be asked about @throws InputError if something does not fit */
  readonly judgeIn: (cluster: ClusterSnapshot, subjects?: readonly Pod[]) => Judge;
  /** Frees what the kernel holds; its judges must not be asked again. */
  readonly close: () => void;
}

export function engineName(text: string): EngineName {
  return ENGINES.find((name) => name === text) ?? bug(`no engine ${text}`);
}

/**
 * @param at the instant at which rules with `until` are judged, in milliseconds since the epoch
 * @throws InputError if the policies exceed what bytecode can hold
 */
export async function startEngine(
  name: EngineName,
  policies: PolicyModel,
  at: number,
): Promise<Engine> {
  if (name === 'model') {
    const model = normalize(policies);
    const judgeIn = (cluster: ClusterSnapshot): Judge =>
      createInterpreter(model, cluster, at).judge;
    return { model, judgeIn, close: () => undefined };
  }
  const { compile } = await import('../compile.js');
  const { bind } = await import('../codegen/bind.js');
  const { createPacketJudge } = await import('../codegen/packet-judge.js');
  const target = targetNamed(DEFAULT_TARGET) ?? bug(`no target ${DEFAULT_TARGET}`);
  const { normal, plan, object } = compile(policies, target, policycVersion());
  const runners = name === 'vm' ? await vmRunners(object) : await kernelRunners(object);
  return {
    model: normal,
    judgeIn: (cluster, subjects) => {
      const contents = bind(normal, plan, cluster, { at, ...(subjects && { subjects }) });
      return createPacketJudge(contents, runners.start(contents));
    },
    close: runners.close,
  };
}

interface Runners {
  readonly start: (contents: MapContents) => PacketRunner;
  readonly close: () => void;
}

async function vmRunners(object: Uint8Array): Promise<Runners> {
  const { createVmRunner } = await import('../codegen/vm-engine.js');
  return { start: (contents) => createVmRunner(object, contents), close: () => undefined };
}

async function kernelRunners(object: Uint8Array): Promise<Runners> {
  const { createKernelRunner } = await import('../loader/kernel-engine.js');
  const open: { readonly close: () => void }[] = [];
  return {
    start: (contents) => {
      const runner = createKernelRunner(object, contents);
      open.push(runner);
      return runner;
    },
    close: () => {
      for (const runner of open.splice(0)) runner.close();
    },
  };
}
