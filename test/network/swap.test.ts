import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatAddress, type Family } from '../../src/address.js';
import type { NetworkPlace } from '../../src/demo/network.js';
import type { Prober, StreamCount } from '../../src/demo/prober.js';
import { cluster, isRoot, pod } from '../support/netns.js';
import { Wire } from '../support/wire.js';

/**
 * Both let the client reach the server at port 53 (flow A). Neither lets it reach port 54 (flow B): the
 * first stops it where it leaves the client, the second where it comes to the server.
 */
const FIRST = policies('{protocol: UDP, port: 53}', '{protocol: UDP}');
const SECOND = policies('{protocol: UDP}', '{protocol: UDP, port: 53}');

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

const SWAPS = process.env['POLICYC_TEST_ALL'] === '1' ? 1000 : 100;
const A = 53;
const B = 54;
/** Microseconds between two packets of a sender. */
const EVERY = 100;

describe.runIf(isRoot)('swaps under load', () => {
  let wire: Wire;
  let prober: Prober;

  const place = (name: string): NetworkPlace => wire.network.pod(name);
  const clients = ['app/client-0', 'app/client-1', 'app/client-2'];

  beforeAll(async () => {
    const role = (name: string): { role: string } => ({ role: name });
    wire = await Wire.create(
      cluster([
        ...clients.map((name, i) =>
          pod(name, 'one', [`10.244.1.${i + 10}`, `fd00:244:1::${i + 10}`], role('client')),
        ),
        pod('app/server', 'one', ['10.244.1.6', 'fd00:244:1::6'], role('server')),
      ]),
    );
    ({ prober } = wire.network);
    for (const port of [A, B]) await prober.listen(place('app/server').netns, 'udp', port);
    wire.apply(FIRST);
  }, 60_000);

  afterAll(() => {
    (wire as Wire | undefined)?.close();
  });

  function addressOf(name: string, family: Family): string {
    const found = place(name).addresses.find((one) => one.family === family);
    if (found === undefined) throw new Error(`no IPv${family} address`);
    return formatAddress(found);
  }

  function send(port: number): Promise<readonly (() => Promise<StreamCount>)[]> {
    const flows = clients.flatMap((client) =>
      ([4, 6] as const).map(async (family) => {
        const to = addressOf('app/server', family);
        const stream = await prober.stream(place(client).netns, to, port, EVERY);
        return () => stream.stop();
      }),
    );
    return Promise.all(flows);
  }

  const stop = (
    streams: readonly (() => Promise<StreamCount>)[],
  ): Promise<readonly StreamCount[]> => Promise.all(streams.map((one) => one()));
  const wait = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));

  it(`loses nothing that both allow, and passes nothing that both deny, in ${SWAPS} swaps`, async () => {
    const [allowed, denied] = [await send(A), await send(B)];
    const first = wire.prepare(FIRST);
    const second = wire.prepare(SECOND);
    for (let i = 0; i < SWAPS; i += 1) (i % 2 === 0 ? second : first)();
    await wait(50);
    const passed = await stop(allowed);
    const refused = await stop(denied);
    for (const { sent, received } of passed) {
      expect(sent).toBeGreaterThan(1000);
      // The last one may be on its way.
      expect(sent - received).toBeLessThanOrEqual(1);
    }
    for (const { sent, received } of refused) {
      expect(sent).toBeGreaterThan(1000);
      expect(received).toBe(0);
    }
  }, 1_200_000);
});
