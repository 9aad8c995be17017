/** The engines that judge flows: the model, the bytecode in user space, the bytecode in the kernel. */
import { bug } from '../diagnostics.js';
import type { ClusterSnapshot, Pod } from '../ir/cluster.js';
import type { Judge } from '../ir/interpret.js';
import type { PolicyModel } from '../ir/model.js';
import { normalize } from '../ir/normalize.js';
import type { NormalModel } from '../ir/normal-model.js';
import { DEFAULT_TARGET, targetNamed } from '../target.js';
import { policycVersion } from './version.js';

export const ENGINES = ['model', 'vm', 'kernel'] as const;
export type EngineName = (typeof ENGINES)[number];

export interface Engine {
  readonly model: NormalModel;
  readonly judge: Judge;
  /** Frees what the kernel holds. */
  readonly close: () => void;
}

export interface EngineQuestion {
  readonly policies: PolicyModel;
  readonly cluster: ClusterSnapshot;
  /** The pods that are asked about. */
  readonly subjects: readonly Pod[];
  /** Milliseconds since the epoch, for rules with `until`. */
  readonly at: number;
}

export function engineName(text: string): EngineName {
  return ENGINES.find((name) => name === text) ?? bug(`no engine ${text}`);
}

/** @throws InputError if the policies exceed what bytecode can hold, or the kernel refuses */
export async function startEngine(name: EngineName, question: EngineQuestion): Promise<Engine> {
  if (name === 'model') {
    const { createInterpreter } = await import('../ir/interpret.js');
    const model = normalize(question.policies);
    const { judge } = createInterpreter(model, question.cluster, question.at);
    return { model, judge, close: () => undefined };
  }
  return startBytecode(name, question);
}

async function startBytecode(
  name: 'vm' | 'kernel',
  { policies, cluster, subjects, at }: EngineQuestion,
): Promise<Engine> {
  const { compile } = await import('../compile.js');
  const { bind } = await import('../codegen/bind.js');
  const { createPacketJudge } = await import('../codegen/packet-judge.js');
  const target = targetNamed(DEFAULT_TARGET) ?? bug(`no target ${DEFAULT_TARGET}`);
  const { normal, plan, object } = compile(policies, target, policycVersion());
  const contents = bind(normal, plan, cluster, { at, subjects });
  if (name === 'vm') {
    const { createVmRunner } = await import('../codegen/vm-engine.js');
    const judge = createPacketJudge(contents, createVmRunner(object, contents));
    return { model: normal, judge, close: () => undefined };
  }
  const { createKernelRunner } = await import('../loader/kernel-engine.js');
  const runner = createKernelRunner(object, contents);
  const judge = createPacketJudge(contents, runner);
  return { model: normal, judge, close: () => runner.close() };
}
