/** Services that rules name: which ports they have, and how rules know what is behind them. */
import type { Address } from '../../address.js';
import type { ServicePort } from '../../ir/cluster.js';
import type { PortMatch } from '../../ir/model.js';
import type { NormalModel } from '../../ir/normal-model.js';
import type { FreshPort } from './fresh-ports.js';

/** By which rules know endpoints that are no pods; pods have addresses of the other family. */
export function addressBehind(position: number): Address {
  return { family: 6, value: BigInt(position) };
}

/** The ports that rules speak of; of a range its first. They are the same behind the Service. */
export function servicePorts(
  models: readonly NormalModel[],
  path: string,
  freshPorts: readonly FreshPort[],
): readonly ServicePort[] {
  const found = new Map<string, ServicePort>();
  for (const { policies } of models) {
    for (const { peers, ports } of policies.flatMap(({ rules }) => rules)) {
      if (ports === 'every') continue;
      if (!peers.some((one) => one.kind === 'service' && `${one.namespace}/${one.name}` === path)) {
        continue;
      }
      for (const match of ports) {
        for (const one of portsOfMatch(match, freshPorts)) {
          found.set(`${one.protocol} ${one.port}`, one);
        }
      }
    }
  }
  return [...found.values()];
}

function portsOfMatch(match: PortMatch, freshPorts: readonly FreshPort[]): readonly ServicePort[] {
  if (match.kind === 'range') {
    const { protocol, first } = match;
    return [{ name: `${protocol.toLowerCase()}-${first}`, protocol, port: first }];
  }
  return freshPorts
    .filter(
      ({ name, protocol }) =>
        name === match.name && (match.protocol === undefined || match.protocol === protocol),
    )
    .map(({ name, protocol, port }) => ({ name, protocol, port }));
}
