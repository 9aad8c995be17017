/** Packets cut short at every length, and packets whose headers lie in pieces at every place. */
import { afterAll, describe, expect, it } from 'vitest';
import { ETHER, frame, PROTO, tcp } from '../support/frames.js';
import { lacks } from '../support/requires.js';
import { CLUSTER, from, send } from './case.js';
import { kernelEngine, LAYOUTS, prepare, vmEngine } from './engines.js';
import { CLIENT } from './policies.js';
import { cutSurprise, pieceSurprise, SAMPLES } from './samples.js';
import { X, Y } from './world.js';

/** BPF_PROG_TEST_RUN takes no packet that ends before its fixed IP header (net/bpf/test_run.c). */
function smallestForKernel(packet: Uint8Array): number {
  const type = ((packet[12] ?? 0) << 8) | (packet[13] ?? 0);
  if (type === ETHER.ipv4) return 34;
  return type === ETHER.ipv6 ? 54 : 14;
}

describe.each([
  { name: 'VM', start: () => vmEngine(), smallest: () => 14, missing: undefined },
  {
    name: 'kernel',
    start: kernelEngine,
    smallest: smallestForKernel,
    missing: lacks('root'),
  },
])('cut short, in the $name', ({ start, smallest, missing }) => {
  describe.skipIf(missing !== undefined).each(LAYOUTS)('with %s', (layout) => {
    const engine = start();
    afterAll(() => engine.close());
    it.each(SAMPLES.map((one) => [one.name, one] as const))('%s', (_, one) => {
      expect(cutSurprise(engine, layout, one, smallest(one.step.packet))).toBeUndefined();
    });
  });
});

describe('in pieces, in the VM', () => {
  it.each(SAMPLES.map((one) => [one.name, one] as const))('%s', (_, one) => {
    expect(pieceSurprise(vmEngine(), 'tables', one)).toBeUndefined();
  });

  it('segments that the card will cut', () => {
    const prepared = prepare(CLIENT, CLUSTER, 'tables');
    const engine = vmEngine();
    engine.bind(prepared);
    const packet = frame(X, Y, PROTO.tcp, tcp(40_000, 443, 0x10, new Uint8Array(60_000)));
    const context = { ingressIfindex: 1, gsoSegments: 42, gsoSize: 1_448, linearBytes: 20 };
    expect(send(engine, prepared, { ...from('x', packet, ''), context })).toMatch(
      /^pass judged rule/,
    );
    const refused = frame(X, Y, PROTO.tcp, tcp(40_000, 444, 0x10, new Uint8Array(60_000)));
    expect(send(engine, prepared, { ...from('x', refused, ''), context })).toMatch(/^drop judged/);
  });
});
