/** Fragments: what passes without its ports, and what hides a header. */
import {
  concat,
  ETHER,
  fragmentHeader,
  frame,
  icmp,
  option,
  PROTO,
  sctp,
  tcp,
  udp,
} from '../support/frames.js';
import { connections, from, packetCase, to, type PacketCase } from './case.js';
import { CLIENT, CLIENT_OF_ALL, ISOLATED, SERVER } from './policies.js';
import { policies, X, X6, Y, Y6, Z, Z6 } from './world.js';
import { withMirrors, mirrored } from './mirror.js';

const ALLOWED = 'pass judged rule';
const MALFORMED = 'drop malformed';

const https = tcp(40_000, 443);
const other = tcp(40_000, 444);

const fragments4 = (
  destination: string,
  protocol: number,
  payload: Uint8Array,
  offset: number,
  more = true,
): Uint8Array => frame(X, destination, protocol, payload, { offset, more });

const fragments6 = (
  destination: string,
  protocol: number,
  payload: Uint8Array,
  offset: number,
  more = true,
): Uint8Array =>
  frame(X6, destination, protocol, payload, { extensions: [fragmentHeader(offset, more)] });

const fragments = [
  { name: 'IPv4', build: fragments4, y: Y, z: Z, echo: PROTO.icmp, echoType: 8 },
  { name: 'IPv6', build: fragments6, y: Y6, z: Z6, echo: PROTO.icmpv6, echoType: 128 },
].flatMap(({ name, build, y, z, echo, echoType }) => [
  packetCase(
    `fragments of ${name}`,
    CLIENT,
    from('x', build(y, PROTO.tcp, https, 0), ALLOWED),
    from('x', build(y, PROTO.tcp, other, 0), ISOLATED),
    from('x', build(y, PROTO.tcp, https, 2), ALLOWED),
    from('x', build(y, PROTO.tcp, https, 185, false), ALLOWED),
    from('x', build(y, PROTO.tcp, other, 8_000, false), ALLOWED),
    from('x', build(z, PROTO.tcp, https, 185), ISOLATED),
    from('x', build(y, PROTO.udp, udp(1, 53), 0), ALLOWED),
    from('x', build(y, PROTO.udp, udp(1, 54), 0), ISOLATED),
    from('x', build(y, PROTO.udp, udp(1, 54), 1), ALLOWED),
    from('x', build(y, PROTO.sctp, sctp(1, 99), 0), ALLOWED),
    from('x', build(y, PROTO.sctp, sctp(1, 98), 2), ALLOWED),
    from('x', build(y, echo, icmp(echoType), 0), ISOLATED),
    from('x', build(y, echo, icmp(echoType), 2), ISOLATED),
    from('x', build(y, 47, new Uint8Array(16), 2), ISOLATED),
  ),
  packetCase(
    `fragments that hide a header, ${name}`,
    CLIENT,
    from('x', build(y, PROTO.tcp, https, 1), MALFORMED),
    from('x', build(y, PROTO.tcp, https, 1, false), MALFORMED),
    from('x', build(y, PROTO.tcp, https.slice(0, 8), 0), MALFORMED),
    from('x', build(y, PROTO.tcp, https.slice(0, 16), 0), MALFORMED),
    from('x', build(y, PROTO.tcp, https.slice(0, 19), 0), MALFORMED),
    from('x', build(y, PROTO.tcp, new Uint8Array(), 0), MALFORMED),
    from('x', build(y, PROTO.udp, udp(1, 53).slice(0, 7), 0), MALFORMED),
    from('x', build(y, PROTO.udp, udp(1, 53).slice(0, 8), 0), ALLOWED),
    from('x', build(y, PROTO.sctp, sctp(1, 99).slice(0, 8), 0), MALFORMED),
    from('x', build(y, PROTO.sctp, sctp(1, 99).slice(0, 12), 0), ALLOWED),
    connections(2, 0),
  ),
  packetCase(
    `fragments that hide a header of ICMP, ${name}`,
    CLIENT_OF_ALL,
    from('x', build(y, echo, icmp(echoType), 0), ALLOWED),
    from('x', build(y, echo, icmp(echoType).slice(0, 7), 0), MALFORMED),
    from('x', concat(build(y, echo, icmp(echoType).slice(0, 7), 0), new Uint8Array(9)), MALFORMED),
    from('x', concat(build(y, PROTO.udp, udp(1, 53).slice(0, 7), 0), new Uint8Array(9)), MALFORMED),
    from(
      'x',
      concat(build(y, PROTO.sctp, sctp(1, 99).slice(0, 11), 0), new Uint8Array(9)),
      MALFORMED,
    ),
    from('x', build(y, echo, icmp(echoType), 3), ALLOWED),
  ),
  packetCase(
    `later fragments open nothing, ${name}`,
    CLIENT,
    from('x', build(y, PROTO.udp, udp(1, 53), 2), ALLOWED),
    from('x', build(y, PROTO.tcp, https, 2), ALLOWED),
    connections(0, 0),
  ),
]);

const padded = [
  packetCase(
    'bytes behind the packet are no header of a first fragment',
    CLIENT,
    from(
      'x',
      concat(fragments4(Y, PROTO.tcp, https.slice(0, 16), 0), https.slice(16), new Uint8Array(9)),
      MALFORMED,
    ),
    from(
      'x',
      concat(fragments6(Y6, PROTO.tcp, https.slice(0, 16), 0), https.slice(16), new Uint8Array(9)),
      MALFORMED,
    ),
    from(
      'x',
      concat(fragments6(Y6, PROTO.sctp, sctp(1, 99).slice(0, 8), 0), new Uint8Array(32)),
      MALFORMED,
    ),
    from(
      'x',
      frame(
        X6,
        Y6,
        PROTO.tcp,
        https,
        { extensions: [option(0), fragmentHeader(0, true), option(60, 1)] },
        [ETHER.qinq, ETHER.vlan],
      ),
      ALLOWED,
    ),
    from(
      'x',
      concat(
        frame(
          X6,
          Y6,
          PROTO.tcp,
          https.slice(0, 19),
          { extensions: [option(0), fragmentHeader(0, true), option(60, 1)] },
          [ETHER.qinq, ETHER.vlan],
        ),
        new Uint8Array(9),
      ),
      MALFORMED,
    ),
  ),
  packetCase(
    'fragments to a server',
    SERVER,
    to('x', frame(Y, X, PROTO.tcp, other, { offset: 2 }), ALLOWED),
    to('x', frame(Y, X, PROTO.tcp, other, { offset: 1 }), MALFORMED),
    to('x', frame(Z, X, PROTO.tcp, other, { offset: 2 }), ISOLATED),
  ),
  packetCase(
    'an IPv6 fragment that is whole',
    CLIENT,
    from('x', frame(X6, Y6, PROTO.tcp, https, { extensions: [fragmentHeader(0, false)] }), ALLOWED),
    connections(1, 0),
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, other, { extensions: [fragmentHeader(0, false)] }),
      ISOLATED,
    ),
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, https.slice(0, 19), { extensions: [fragmentHeader(0, false)] }),
      MALFORMED,
    ),
  ),
];

const PROTOCOLS = [
  ['443/TCP', PROTO.tcp],
  ['53/UDP', PROTO.udp],
  ['99/SCTP', PROTO.sctp],
] as const;

/** Which later fragments pass where one protocol's port alone is allowed. */
const laterFragments = PROTOCOLS.flatMap(([port, allowed]) => {
  const rules = [{ peers: ['y'], ports: [port] }];
  const closed = [47, PROTO.icmp, ...PROTOCOLS.map(([, one]) => one)].map((protocol) => {
    const packet = frame(X, Y, protocol, https, { offset: 3 });
    return from('x', packet, protocol === allowed ? ALLOWED : ISOLATED);
  });
  const one = packetCase(
    `later fragments where ${port} is allowed`,
    policies({ pod: 'x', ingress: [], egress: rules }),
    ...closed,
    connections(0, 0),
  );
  return [one, mirrored(one, policies({ pod: 'x', ingress: rules, egress: [] }))];
});

export const FRAGMENT_CASES: readonly PacketCase[] = [
  ...withMirrors([...fragments, ...padded]),
  ...laterFragments,
];
