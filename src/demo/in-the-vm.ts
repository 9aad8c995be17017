/** A scenario in user space: the bundle's bytecode and tables, and the first packet of each connection. */
import { startEngine } from '../cli/engines.js';
import { judgeFlow } from '../ir/flows.js';
import type { Outcome } from './matrix.js';
import type { DemoRun } from './run.js';

export async function enforceInVm(run: DemoRun): Promise<readonly Outcome[]> {
  const { policies, cluster, attempts, at } = run;
  const engine = await startEngine('vm', policies, at);
  try {
    const judge = engine.judgeIn(cluster);
    return attempts.map(({ flow }) =>
      judgeFlow(flow, judge).verdict === 'allow' ? 'passes' : 'denied',
    );
  } finally {
    engine.close();
  }
}
