/** Live connections: a pod that opens all it can, with a friend outside that answers, pushes out nobody's. */
import { afterAll, describe, expect, it } from 'vitest';
import { CONNECTION_CAPACITY } from '../../src/codegen/layout/state.js';
import { ACK, FIN, frame, PROTO, RST, SYN, tcp } from '../support/frames.js';
import { lacks } from '../support/requires.js';
import { CLUSTER, from, send, to } from './case.js';
import { kernelEngine, prepare, vmEngine, type Engine } from './engines.js';
import { OUTSIDE, policies, X, Y } from './world.js';

const OPENERS = policies(
  { pod: 'x', ingress: [], egress: [{ peers: ['0.0.0.0/0'] }] },
  { pod: 'y', ingress: [], egress: [{ peers: ['0.0.0.0/0'] }] },
);
const QUIET = 500;
const { livePerPod } = CONNECTION_CAPACITY;
const PORTS = 60_000;

const OUT = {
  x: frame(X, OUTSIDE, PROTO.tcp, tcp(0, 0)),
  y: frame(Y, OUTSIDE, PROTO.tcp, tcp(0, 0)),
};
const BACK = {
  x: frame(OUTSIDE, X, PROTO.tcp, tcp(0, 0)),
  y: frame(OUTSIDE, Y, PROTO.tcp, tcp(0, 0)),
};

/** Source and destination of the pod's i-th connection. */
function ports(i: number): readonly [number, number] {
  return [1024 + (i % PORTS), 443 + Math.floor(i / PORTS)];
}

/** The same packet over and over: there are too many to build each. */
function segment(
  packet: Uint8Array,
  [source = 0, destination = 0]: readonly number[],
  flags: number,
): Uint8Array {
  const view = new DataView(packet.buffer, packet.byteOffset);
  view.setUint16(34, source);
  view.setUint16(36, destination);
  view.setUint8(47, flags);
  return packet;
}

/** Kernels' clocks tick every 10 ms at the least: the next search is another one. */
async function tick(engine: Engine): Promise<void> {
  engine.age(0.01);
  await new Promise((resolve) => setTimeout(resolve, 20));
}

const all = process.env['POLICYC_TEST_ALL'] === '1';

describe.each([
  { name: 'VM', start: () => vmEngine(), missing: all ? undefined : 'time' },
  { name: 'kernel', start: kernelEngine, missing: lacks('root') },
])('in the $name', ({ start, missing }) => {
  describe.skipIf(missing !== undefined)('a pod', () => {
    const engine = start();
    const prepared = prepare(OPENERS, CLUSTER, 'tables');
    engine.bind(prepared);
    afterAll(() => engine.close());

    const out = (pod: 'x' | 'y', i: number, flags: number): string =>
      send(engine, prepared, from(pod, segment(OUT[pod], ports(i), flags), ''));
    const back = (pod: 'x' | 'y', i: number, flags: number): string =>
      send(engine, prepared, to(pod, segment(BACK[pod], [...ports(i)].reverse(), flags), ''));
    const complete = (pod: 'x' | 'y', i: number): boolean => {
      out(pod, i, SYN);
      return back(pod, i, SYN | ACK).startsWith('pass reply');
    };
    const lives = (pod: 'x' | 'y', i: number): boolean =>
      back(pod, i, ACK).startsWith('pass reply');
    const first = Array.from({ length: QUIET }, (_, i) => i);

    it('gets three quarters of the places and no more', { timeout: 120_000 }, () => {
      expect(first.filter((i) => !complete('y', i))).toEqual([]);
      let entered = 0;
      for (let i = 0; entered < livePerPod && i < 2 * livePerPod; i += 1) {
        if (complete('x', i)) entered += 1;
      }
      expect(entered).toBe(livePerPod);
      for (let i = 0; i < 2_000; i += 1) {
        out('x', PORTS * 5 + i, SYN);
        expect(back('x', PORTS * 5 + i, SYN | ACK)).toBe('drop crowded isolation t/x');
      }
      expect(engine.connections().live).toBe(livePerPod + QUIET);
    });

    it('loses none that is alive, its own included', () => {
      expect(first.filter((i) => !lives('y', i))).toEqual([]);
      expect(first.filter((i) => !lives('x', i))).toEqual([]);
    });

    it('leaves room for others', async () => {
      let missed = first.filter((i) => !complete('y', PORTS + i));
      expect(missed.length).toBeLessThan(QUIET / 10);
      for (let tries = 0; missed.length > 0 && tries < 4; tries += 1) {
        await tick(engine);
        missed = missed.filter((i) => !complete('y', PORTS + i));
      }
      expect(missed).toEqual([]);
    });

    it('gets the places of its dead again', { timeout: 120_000 }, () => {
      engine.age(7_501);
      // What is dead is found by chance; one in four places is free besides.
      const entered = Array.from({ length: 2_000 }, (_, i) => complete('x', PORTS * 6 + i));
      expect(entered.filter((one) => !one)).toEqual([]);
      const { live } = engine.connections();
      expect(live).toBeLessThan(livePerPod + 2 * QUIET);
    });
  });
});

it('a connection that opens anew keeps its place', () => {
  const engine = vmEngine();
  const prepared = prepare(OPENERS, CLUSTER, 'tables');
  engine.bind(prepared);
  const out = (flags: number): string =>
    send(engine, prepared, from('x', frame(X, OUTSIDE, PROTO.tcp, tcp(5_000, 443, flags)), ''));
  const back = (flags: number): string =>
    send(engine, prepared, to('x', frame(OUTSIDE, X, PROTO.tcp, tcp(443, 5_000, flags)), ''));
  for (let i = 0; i < 3; i += 1) {
    expect(out(SYN)).toMatch(/^pass judged/);
    expect(back(SYN | ACK)).toMatch(/^pass reply/);
    expect(out(i === 1 ? RST : FIN | ACK)).toMatch(/^pass judged/);
    expect(engine.connections()).toEqual({ out: 1, in: 0, live: 1 });
  }
  engine.close();
});
