/** Two policies and two flows for tests of swaps: both allow the one flow, and neither the other. */
import { formatAddress } from '../../src/address.js';
import type { Network } from '../../src/demo/network.js';
import type { Stream, StreamCount } from '../../src/demo/prober.js';
import { expect } from 'vitest';
import { cluster, pod } from '../support/netns.js';
import type { ClusterSnapshot } from '../../src/ir/cluster.js';

/** The port that both let the clients reach, and the one that neither does. */
const FLOWS = { allowed: 53, denied: 54 } as const;

/** Stops the denied flow where it leaves the client. */
export const FIRST = policies('{protocol: UDP, port: 53}', '{protocol: UDP}');
/** Stops it where it comes to the server. */
export const SECOND = policies('{protocol: UDP}', '{protocol: UDP, port: 53}');

function policies(mayLeave: string, mayCome: string): string {
  return `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: app, name: leaving}
spec:
  podSelector: {matchLabels: {role: client}}
  policyTypes: [Egress]
  egress: [{ports: [${mayLeave}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: app, name: coming}
spec:
  podSelector: {matchLabels: {role: server}}
  policyTypes: [Ingress]
  ingress: [{ports: [${mayCome}]}]
`;
}

const SERVER = 'app/server';
export const CLIENTS: readonly string[] = ['app/client-0', 'app/client-1', 'app/client-2'];
/** Microseconds between two packets of a sender. */
const EVERY = 100;

/** All on node `one`: a packet meets two hooks there. */
export const CLUSTER: ClusterSnapshot = cluster([
  ...CLIENTS.map((name, i) =>
    pod(name, 'one', [`10.244.1.${i + 10}`, `fd00:244:1::${i + 10}`], { role: 'client' }),
  ),
  pod(SERVER, 'one', ['10.244.1.6', 'fd00:244:1::6'], { role: 'server' }),
]);

/** Listens to both flows. */
export async function listen(network: Network): Promise<void> {
  for (const port of Object.values(FLOWS)) {
    await network.prober.listen(network.pod(SERVER).netns, 'udp', port);
  }
}

export interface Loads {
  readonly allowed: readonly StreamCount[];
  readonly denied: readonly StreamCount[];
}

/** Sends both flows, from every client and in both families, until what it gives is called. */
export async function startLoad(network: Network): Promise<() => Promise<Loads>> {
  const allowed = await send(network, FLOWS.allowed);
  const denied = await send(network, FLOWS.denied);
  await wait(20);
  const stop = (streams: readonly Stream[]): Promise<readonly StreamCount[]> =>
    Promise.all(streams.map((one) => one.stop()));
  return async () => {
    await wait(50);
    return { allowed: await stop(allowed), denied: await stop(denied) };
  };
}

function send(network: Network, port: number): Promise<readonly Stream[]> {
  const to = network.pod(SERVER).addresses;
  const flows = CLIENTS.flatMap((client) =>
    to.map((address) =>
      network.prober.stream(network.pod(client).netns, formatAddress(address), port, EVERY),
    ),
  );
  return Promise.all(flows);
}

/** Nothing of the allowed flow was lost, nothing of the denied one passed. */
export function expectWhole({ allowed, denied }: Loads): void {
  for (const { sent, received } of allowed) {
    expect(sent).toBeGreaterThan(1000);
    // The last one may be on its way.
    expect(sent - received).toBeLessThanOrEqual(1);
  }
  for (const { sent, received } of denied) {
    expect(sent).toBeGreaterThan(1000);
    expect(received).toBe(0);
  }
}

export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
