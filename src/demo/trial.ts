/** Tries all connections of a scenario, on the wire. */
import { formatAddress } from '../address.js';
import type { Attempt } from './attempts.js';
import type { Network } from './network.js';
import type { ProbeResult } from './prober.js';
import type { Party } from './scenario.js';

/** Enough for a SYN that is lost once, on a machine that is busy. */
const PATIENCE_MS = 1500;

/** Opens every port that a target of the scenario has; a Service's targets are pods'. */
export async function serveTargets(network: Network, attempts: readonly Attempt[]): Promise<void> {
  const wanted = new Map<string, () => Promise<void>>();
  for (const { target, flow } of attempts) {
    const places =
      target.kind === 'service'
        ? flow.targets.flatMap(({ pod, port }) =>
            pod === undefined ? [] : [{ netns: network.pod(podName(pod)).netns, port }],
          )
        : [{ netns: netnsOf(target, network), port: target.port }];
    for (const { netns, port } of places) {
      const listen = (): Promise<void> => network.prober.listen(netns, target.protocol, port);
      wanted.set(`${netns} ${target.protocol} ${port}`, listen);
    }
  }
  await Promise.all([...wanted.values()].map((listen) => listen()));
}

/** What became of each attempt, in order; all are tried at once. */
export function tryAll(
  network: Network,
  attempts: readonly Attempt[],
): Promise<readonly ProbeResult[]> {
  return Promise.all(
    attempts.map(({ source, target, flow }) =>
      network.prober.probe({
        netns: netnsOf(source, network),
        protocol: target.protocol,
        address: formatAddress(flow.to.address),
        port: target.port,
        milliseconds: PATIENCE_MS,
      }),
    ),
  );
}

function netnsOf(party: Party, network: Network): string {
  return party.kind === 'pod' ? network.pod(party.name).netns : network.host(party.name).netns;
}

function podName({
  namespace,
  name,
}: {
  readonly namespace: string;
  readonly name: string;
}): string {
  return `${namespace}/${name}`;
}
