/** Every connection that a scenario tries: each source to each target, over both families. */
import { formatAddress, type Family } from '../address.js';
import { throwIfErrors } from '../diagnostics.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import type { Flow } from '../ir/flows.js';
import { resolveFlows } from '../ir/flows/read.js';
import { addressesOf, type Party, type Scenario, type Target } from './scenario.js';

export interface Attempt {
  /** Positions in the scenario's lists. */
  readonly row: number;
  readonly column: number;
  readonly source: Party;
  readonly target: Target;
  readonly family: Family;
  readonly flow: Flow;
}

/** Without those of a pod, node or host to itself, which no interface ever sees. */
export function attemptsOf(scenario: Scenario, cluster: ClusterSnapshot): readonly Attempt[] {
  const wanted = scenario.sources.flatMap((source, row) =>
    scenario.targets.flatMap((target, column) => {
      if (scenario.expected[row]?.[column] === 'self') return [];
      const from = addressesOf(source, scenario, cluster);
      const to = addressesOf(target, scenario, cluster);
      return from.flatMap((sender) => {
        const receiver = to.find(({ family }) => family === sender.family);
        if (receiver === undefined) return [];
        const entry = {
          from: formatAddress(sender),
          to: formatAddress(receiver),
          protocol: target.protocol.toUpperCase(),
          port: target.port,
        };
        return [{ row, column, source, target, family: sender.family, entry }];
      });
    }),
  );
  const entries = wanted.map(({ entry }) => entry);
  const flows = resolveFlows(entries, cluster, () => undefined);
  throwIfErrors(flows.diagnostics);
  return (flows.value ?? []).flatMap((flow, index) => {
    const one = wanted[index];
    if (one === undefined) return [];
    const { row, column, source, target, family } = one;
    return [{ row, column, source, target, family, flow }];
  });
}
