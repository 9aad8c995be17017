/** Packets cut short at every length, and packets whose headers lie in pieces at every place. */
import { afterAll, describe, expect, it } from 'vitest';
import {
  authentication,
  ETHER,
  fragmentHeader,
  frame,
  icmp,
  option,
  PROTO,
  quote,
  sctp,
  tcp,
  udp,
} from '../support/frames.js';
import { lacks } from '../support/requires.js';
import { CLUSTER, from, send, to, type SendStep } from './case.js';
import { kernelEngine, LAYOUTS, prepare, vmEngine } from './engines.js';
import { CLIENT } from './policies.js';
import { X, X6, Y, Y6 } from './world.js';

const https = tcp(40_000, 443);
const many = new Uint8Array(300);

interface Sample {
  readonly name: string;
  readonly step: SendStep;
  /** The bytes that the verdict needs, from the Ethernet header on. */
  readonly needed: number;
  /** What becomes of it when it is shorter; nothing else may. */
  readonly short: RegExp;
}

const MALFORMED = /^drop malformed$/;

function sample(name: string, step: SendStep, needed: number, short = MALFORMED): Sample {
  return { name, step, needed, short };
}

const options = { options: new Uint8Array(40).fill(1) };
const chain = { extensions: [option(0), authentication(), option(60, 3)] };
const whole = { extensions: [option(0), fragmentHeader(0, false)] };
const first = { extensions: [fragmentHeader(0, true)] };
const tagged = [ETHER.qinq, ETHER.vlan];
const ALLOWED = 'pass judged rule';
const error = (head: number, x: string, y: string, proto: number, payload: Uint8Array): Sample =>
  sample(
    `an error that quotes over ${head} bytes`,
    to('x', frame(y, x, proto, icmp(3, 0, payload)), 'pass related'),
    14 + (x === X ? 20 : 40) + 8 + head + 8,
    /^drop (malformed|judged isolation t\/x)$/,
  );

const SAMPLES: readonly Sample[] = [
  sample('TCP', from('x', frame(X, Y, PROTO.tcp, https), ALLOWED), 54),
  sample('TCP and bytes', from('x', frame(X, Y, PROTO.tcp, tcp(1, 443, 2, many)), ALLOWED), 54),
  sample('UDP', from('x', frame(X, Y, PROTO.udp, udp(1, 53)), ALLOWED), 42),
  sample('SCTP', from('x', frame(X, Y, PROTO.sctp, sctp(1, 99)), ALLOWED), 46),
  sample('options', from('x', frame(X, Y, PROTO.tcp, https, options), ALLOWED), 94),
  sample('a first fragment', from('x', frame(X, Y, PROTO.tcp, https, { more: true }), ALLOWED), 54),
  sample('a later fragment', from('x', frame(X, Y, PROTO.tcp, many, { offset: 9 }), ALLOWED), 34),
  sample('TCP over IPv6', from('x', frame(X6, Y6, PROTO.tcp, https), ALLOWED), 74),
  sample('UDP over IPv6', from('x', frame(X6, Y6, PROTO.udp, udp(1, 53)), ALLOWED), 62),
  sample('extensions', from('x', frame(X6, Y6, PROTO.tcp, https, chain), ALLOWED), 138),
  sample('a whole IPv6 fragment', from('x', frame(X6, Y6, PROTO.tcp, https, whole), ALLOWED), 90),
  sample('a first IPv6 fragment', from('x', frame(X6, Y6, PROTO.tcp, https, first), ALLOWED), 82),
  sample(
    'tags',
    from('x', frame(X, Y, PROTO.tcp, https, {}, tagged), ALLOWED),
    62,
    /^drop (malformed|not-ip)$/,
  ),
  sample(
    'tags and extensions',
    from('x', frame(X6, Y6, PROTO.tcp, https, chain, tagged), ALLOWED),
    146,
    /^drop (malformed|not-ip)$/,
  ),
  error(20, X, Y, PROTO.icmp, quote(frame(X, Y, PROTO.tcp, https))),
  error(60, X, Y, PROTO.icmp, quote(frame(X, Y, PROTO.tcp, https, options))),
  error(40, X6, Y6, PROTO.icmpv6, quote(frame(X6, Y6, PROTO.tcp, https))),
];

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
    it.each(SAMPLES.map((one) => [one.name, one] as const))('%s', (_, { step, needed, short }) => {
      const prepared = prepare(CLIENT, CLUSTER, layout);
      engine.bind(prepared);
      for (let length = smallest(step.packet); length <= step.packet.length; length += 1) {
        const found = send(engine, prepared, { ...step, packet: step.packet.slice(0, length) });
        if (length < needed) expect(found, `${length} bytes`).toMatch(short);
        else expect(`${found} `, `${length} bytes`).toContain(`${step.expected} `);
      }
    });
  });
});

describe('in pieces, in the VM', () => {
  it.each(SAMPLES.map((one) => [one.name, one] as const))('%s', (_, { step }) => {
    const prepared = prepare(CLIENT, CLUSTER, 'tables');
    const engine = vmEngine();
    engine.bind(prepared);
    for (let linearBytes = 0; linearBytes <= step.packet.length; linearBytes += 1) {
      const context = { ...step.context, linearBytes };
      const found = send(engine, prepared, { ...step, context });
      expect(`${found} `, `${linearBytes} bytes`).toContain(`${step.expected} `);
    }
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
