/** The engines that the verdict tables are put to: a line for each. */
import type { ClusterSnapshot } from '../../src/ir/cluster.js';
import { createInterpreter, type Judge } from '../../src/ir/interpret.js';
import type { NormalModel } from '../../src/ir/normal-model.js';

export interface Engine {
  readonly name: string;
  readonly createJudge: (model: NormalModel, cluster: ClusterSnapshot, at: number) => Judge;
}

export const ENGINES: readonly Engine[] = [
  {
    name: 'model',
    createJudge: (model, cluster, at) => createInterpreter(model, cluster, at).judge,
  },
];
