import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatAddress, type Family } from '../../src/address.js';
import type { NetworkPlace } from '../../src/demo/network.js';
import type { Prober, StreamCount } from '../../src/demo/prober.js';
import type { BoundSubject } from '../../src/codegen/contents.js';
import {
  openControl,
  otherHalf,
  readControl,
  writeControl,
} from '../../src/loader/deploy-control.js';
import { closeGate, fillSlot, openGate, type Gate } from '../../src/loader/deploy-gates.js';
import { openState } from '../../src/loader/deploy-state.js';
import { podKey } from '../../src/loader/endpoints.js';
import { nativeDoor, type MapHandle } from '../../src/loader/native.js';
import { loadContents, POD_DIRECTIONS } from '../../src/loader/pod-programs.js';
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

/** Full applies: each loads a whole generation. */
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

  /** Sends both flows while `work` runs. */
  async function underLoad(work: () => void): Promise<Loads> {
    const [allowed, denied] = [await send(A), await send(B)];
    await wait(20);
    work();
    await wait(50);
    return { allowed: await stop(allowed), denied: await stop(denied) };
  }

  function expectWhole({ allowed, denied }: Loads): void {
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

  it(`lose nothing that both allow, and pass nothing that both deny, in ${SWAPS} applies`, async () => {
    const [first, second] = [wire.prepare(FIRST), wire.prepare(SECOND)];
    expectWhole(
      await underLoad(() => {
        for (let i = 0; i < SWAPS; i += 1) (i % 2 === 0 ? second : first)();
      }),
    );
  }, 1_200_000);

  /** Puts a second generation into the half that is not in force, and gives what opens the gates. */
  function bothLoaded(): { readonly control: MapHandle; readonly close: () => void } {
    wire.apply(FIRST);
    const root = wire.root('one');
    const control = openControl(root);
    const half = otherHalf(readControl(control).half);
    const [bound] = wire.bind(SECOND);
    if (bound === undefined) throw new Error('no node');
    const gates = new Map(
      bound.contents.subjects.map((one) => [podKey(one), openGate(root, podKey(one), control)]),
    );
    const gateOf = (subject: BoundSubject): Gate => {
      const gate = gates.get(podKey(subject));
      if (gate?.fresh !== false) throw new Error('it must have a gate');
      return gate;
    };
    const halvesOf = (subject: BoundSubject): MapHandle => gateOf(subject).halves;
    const source = openState.bind(undefined, root);
    const loaded = loadContents(bound.object, bound.contents, source, { half, halvesOf });
    for (const { subject, programs } of loaded.pods) {
      for (const direction of POD_DIRECTIONS) {
        fillSlot(gateOf(subject).halves, direction, half, programs[direction]);
      }
    }
    const close = (): void => {
      loaded.close();
      gates.forEach(closeGate);
      control.close();
    };
    return { control, close };
  }

  it('lose and pass nothing in 200 changes of halves, with both in between', async () => {
    const { control, close } = bothLoaded();
    const door = nativeDoor();
    let { half } = readControl(control);
    expectWhole(
      await underLoad(() => {
        for (let i = 0; i < 200; i += 1) {
          writeControl(control, { half, both: true });
          door.waitForReaders();
          half = otherHalf(half);
          writeControl(control, { half, both: false });
          door.waitForReaders();
        }
      }),
    );
    close();
  }, 120_000);

  it('would pass what both deny if one half gave way to the other at once', async () => {
    const { control, close } = bothLoaded();
    let { half } = readControl(control);
    const { denied } = await underLoad(() => {
      const end = performance.now() + 5_000;
      while (performance.now() < end) {
        half = otherHalf(half);
        writeControl(control, { half, both: false });
      }
    });
    expect(denied.reduce((sum, { received }) => sum + received, 0)).toBeGreaterThan(0);
    close();
  }, 60_000);
});

interface Loads {
  readonly allowed: readonly StreamCount[];
  readonly denied: readonly StreamCount[];
}
