/** Samples of packets, with how many bytes of each the verdict needs; and cuts of them at every place. */
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
import { CLUSTER, from, send, to, type SendStep } from './case.js';
import { prepare, type Engine, type Layout } from './engines.js';
import { mirrorSend } from './mirror.js';
import { CLIENT, SERVER_ALIKE } from './policies.js';
import { X, X6, Y, Y6 } from './world.js';

const https = tcp(40_000, 443);
const many = new Uint8Array(300);

export interface Sample {
  readonly policies: string;
  readonly name: string;
  readonly step: SendStep;
  /** The bytes that the verdict needs, from the Ethernet header on. */
  readonly needed: number;
  /** What becomes of it when it is shorter; nothing else may. */
  readonly short: RegExp;
}

const MALFORMED = /^drop malformed$/;

function sample(name: string, step: SendStep, needed: number, short = MALFORMED): Sample {
  return { policies: CLIENT, name, step, needed, short };
}

const options = { options: new Uint8Array(40).fill(1) };
const chain = { extensions: [option(0), authentication(), option(60, 3)] };
const whole = { extensions: [option(0), fragmentHeader(0, false)] };
const first = { extensions: [fragmentHeader(0, true)] };
const tagged = [ETHER.qinq, ETHER.vlan];
const ALLOWED = 'pass judged rule';
const REFUSED = 'drop judged isolation';
const error = (head: number, x: string, y: string, proto: number, payload: Uint8Array): Sample =>
  sample(
    `an error that quotes over ${head} bytes`,
    to('x', frame(y, x, proto, icmp(3, 0, payload)), 'pass related'),
    14 + (x === X ? 20 : 40) + 8 + head + 8,
    /^drop (malformed|judged isolation t\/x)$/,
  );

const FROM_THE_POD: readonly Sample[] = [
  sample('an echo', from('x', frame(X, Y, PROTO.icmp, icmp(8)), REFUSED), 42),
  sample('an echo over IPv6', from('x', frame(X6, Y6, PROTO.icmpv6, icmp(128)), REFUSED), 62),
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
];

const ERRORS = [
  error(20, X, Y, PROTO.icmp, quote(frame(X, Y, PROTO.tcp, https))),
  error(60, X, Y, PROTO.icmp, quote(frame(X, Y, PROTO.tcp, https, options))),
  error(40, X6, Y6, PROTO.icmpv6, quote(frame(X6, Y6, PROTO.tcp, https))),
];

/** The same that the pod sends, about what came to it. */
const ERRORS_FROM_THE_POD: readonly Sample[] = [
  [X, Y, PROTO.icmp, 70] as const,
  [X6, Y6, PROTO.icmpv6, 110] as const,
].map(([x, y, protocol, needed]) => {
  const quoted = quote(frame(y, x, PROTO.tcp, https));
  const step = from('x', frame(x, y, protocol, icmp(3, 0, quoted)), 'pass related');
  const short = /^drop (malformed|judged isolation t\/x)$/;
  return { policies: SERVER_ALIKE, name: `an error from ${x}`, step, needed, short };
});

export const SAMPLES: readonly Sample[] = [
  ...FROM_THE_POD,
  ...FROM_THE_POD.map((one) => ({
    ...one,
    name: `${one.name}, to the pod`,
    policies: SERVER_ALIKE,
    step: mirrorSend(one.step),
  })),
  ...ERRORS,
  ...ERRORS_FROM_THE_POD,
];

/** The first length at which a sample's packet ends otherwise than it has to. */
export function cutSurprise(
  engine: Engine,
  layout: Layout,
  { policies, step, needed, short }: Sample,
  smallest: number,
): string | undefined {
  const prepared = prepare(policies, CLUSTER, layout);
  engine.bind(prepared);
  for (let length = smallest; length <= step.packet.length; length += 1) {
    const found = send(engine, prepared, { ...step, packet: step.packet.slice(0, length) });
    const right = length < needed ? short.test(found) : found.startsWith(step.expected);
    if (!right) return `${length} bytes: \`${found}\``;
  }
  return undefined;
}

/** The same for packets of which the first bytes alone can be read directly. */
export function pieceSurprise(
  engine: Engine,
  layout: Layout,
  { policies, step }: Sample,
): string | undefined {
  const prepared = prepare(policies, CLUSTER, layout);
  engine.bind(prepared);
  for (let linearBytes = 0; linearBytes <= step.packet.length; linearBytes += 1) {
    const context = { ...step.context, linearBytes };
    const found = send(engine, prepared, { ...step, context });
    if (!found.startsWith(step.expected)) return `${linearBytes} bytes: \`${found}\``;
  }
  return undefined;
}
