/** ICMP errors: which belong to an allowed flow, by the packet that they quote. */
import {
  frame,
  icmp,
  ipv4,
  ipv6,
  option,
  PROTO,
  quote,
  sctp,
  SYN,
  tcp,
  udp,
} from '../support/frames.js';
import { connections, from, packetCase, to, type PacketCase } from './case.js';
import {
  BY_ADDRESS,
  CLIENT,
  CLIENT_OF_ALL,
  CLOSED,
  ISOLATED,
  SERVER,
  SERVER_ALIKE,
  SERVER_OF_ALL,
} from './policies.js';
import { OUTSIDE, OUTSIDE6, policies, SIX, FOUR, X, X6, Y, Y6, Z, Z6 } from './world.js';

const ALLOWED = 'pass judged rule';
const MALFORMED = 'drop malformed';
const RELATED = 'pass related';

const https = tcp(40_000, 443);
const other = tcp(40_000, 444);

const error4 = (type: number, quoted: Uint8Array, source = OUTSIDE, bytes = 1_000): Uint8Array =>
  frame(source, X, PROTO.icmp, icmp(type, 0, quote(quoted, bytes)));
const error6 = (type: number, quoted: Uint8Array, source = OUTSIDE6, bytes = 1_000): Uint8Array =>
  frame(source, X6, PROTO.icmpv6, icmp(type, 0, quote(quoted, bytes)));

const errors = [
  {
    name: 'ICMP',
    error: error4,
    kinds: [3, 11, 12],
    others: [4, 5, 9, 10, 40],
    proto: PROTO.icmp,
    head: 20,
    x: X,
    y: Y,
    z: Z,
    echo: 8,
  },
  {
    name: 'ICMPv6',
    error: error6,
    kinds: [1, 2, 3, 4],
    others: [5, 100, 137, 141],
    proto: PROTO.icmpv6,
    head: 40,
    x: X6,
    y: Y6,
    z: Z6,
    echo: 128,
  },
].flatMap(({ name, error, kinds, others, proto, head, x, y, z, echo }) => {
  const sent = frame(x, y, PROTO.tcp, https);
  const unsent = frame(x, y, PROTO.tcp, other);
  const arrived = frame(y, x, PROTO.tcp, tcp(5_000, 80));
  const answered = frame(x, y, PROTO.tcp, tcp(80, 5_000));
  const sends = (type: number, quoted: Uint8Array): Uint8Array =>
    frame(x, y, proto, icmp(type, 0, quote(quoted)));
  return [
    packetCase(
      `${name} errors about what a pod sent`,
      CLIENT,
      ...kinds.map((type) => to('x', error(type, sent), `${RELATED} rule t/x`)),
      ...kinds.map((type) => to('x', error(type, unsent), ISOLATED)),
      ...others.map((type) => to('x', error(type, sent), ISOLATED)),
      to('x', error(3, frame(x, y, PROTO.udp, udp(1, 53))), RELATED),
      to('x', error(3, frame(x, y, PROTO.udp, udp(1, 54))), ISOLATED),
      to('x', error(3, frame(x, y, PROTO.sctp, sctp(1, 99))), RELATED),
      to('x', error(3, frame(x, y, PROTO.sctp, sctp(1, 443))), ISOLATED),
      to('x', error(3, frame(x, z, PROTO.tcp, https)), ISOLATED),
      to('x', error(3, frame(z, y, PROTO.tcp, https)), ISOLATED),
      to('x', error(3, frame(y, x, PROTO.tcp, https)), ISOLATED),
      to('x', error(3, frame(x, y, 47, https)), ISOLATED),
      to('x', error(3, frame(x, y, proto, icmp(echo))), ISOLATED),
      connections(0, 0),
    ),
    packetCase(
      `${name} errors about what a pod answered`,
      SERVER,
      to('x', error(3, answered), RELATED),
      to('x', error(3, frame(x, y, PROTO.tcp, tcp(81, 5_000))), ISOLATED),
      to('x', error(3, frame(x, y, PROTO.tcp, tcp(5_000, 80))), ISOLATED),
      to('x', error(3, frame(x, z, PROTO.tcp, tcp(80, 5_000))), ISOLATED),
    ),
    packetCase(
      `${name} errors that a server sends`,
      SERVER,
      ...kinds.map((type) => from('x', sends(type, arrived), RELATED)),
      ...others.map((type) => from('x', sends(type, arrived), ISOLATED)),
      from('x', sends(3, frame(y, x, PROTO.tcp, tcp(5_000, 81))), ISOLATED),
      from('x', sends(3, frame(y, x, PROTO.udp, udp(5_000, 81))), RELATED),
      from('x', sends(3, frame(z, x, PROTO.tcp, tcp(5_000, 80))), ISOLATED),
      from('x', sends(3, frame(y, z, PROTO.tcp, tcp(5_000, 80))), ISOLATED),
      from('x', sends(3, frame(x, y, PROTO.tcp, tcp(5_000, 80))), ISOLATED),
      from('x', frame(y, z, proto, icmp(3, 0, quote(arrived))), 'drop spoofed'),
    ),
    packetCase(
      `${name} errors that a client sends about replies`,
      CLIENT,
      from('x', sends(3, frame(y, x, PROTO.tcp, tcp(443, 40_000))), RELATED),
      from('x', sends(3, frame(y, x, PROTO.tcp, tcp(444, 40_000))), ISOLATED),
      from('x', sends(3, frame(y, x, PROTO.udp, udp(53, 1))), RELATED),
    ),
    packetCase(
      `${name} errors about packets without ports`,
      CLIENT_OF_ALL,
      to('x', error(3, frame(x, y, proto, icmp(echo))), RELATED),
      to('x', error(3, frame(x, y, 47, new Uint8Array())), RELATED),
      to('x', error(3, frame(x, z, proto, icmp(echo))), ISOLATED),
    ),
    packetCase(
      `${name} errors with too short a quote`,
      CLIENT,
      to('x', error(3, sent, y, head + 8), RELATED),
      ...[head + 7, head + 4, head, head - 1, 8, 1, 0].map((bytes) =>
        to('x', error(3, sent, y, bytes), ISOLATED),
      ),
      to('x', frame(y, x, proto, new Uint8Array([3, 0, 0, 0, 0, 0, 0])), MALFORMED),
    ),
    packetCase(
      `${name} errors where policies allow them`,
      x === X ? SERVER_OF_ALL : BY_ADDRESS,
      to('x', error(3, sent, y), x === X ? ALLOWED : 'pass'),
      to('x', error(5, sent, y), x === X ? ALLOWED : 'pass'),
    ),
  ];
});

const about4 = (quoted: Uint8Array, bytes = 1_000): Uint8Array =>
  frame(X, Y, PROTO.icmp, icmp(3, 0, quote(quoted, bytes)));
const about6 = (quoted: Uint8Array, bytes = 1_000): Uint8Array =>
  frame(X6, Y6, PROTO.icmpv6, icmp(3, 0, quote(quoted, bytes)));

const quotes = [
  packetCase(
    'odd quotes that a server sends',
    SERVER_ALIKE,
    from('x', about4(frame(Y, X, PROTO.tcp, https)), RELATED),
    from('x', about4(frame(Y, X, PROTO.tcp, https, { version: 6 })), ISOLATED),
    from('x', about4(frame(Y, X, PROTO.tcp, https, { offset: 1 })), ISOLATED),
    from('x', about4(frame(Y, X, PROTO.tcp, https, { offset: 0x1000 })), ISOLATED),
    from('x', about4(frame(Y, X, PROTO.tcp, https, { more: true })), RELATED),
    from('x', about4(frame(Y, X, PROTO.tcp, https, { options: new Uint8Array(40) })), RELATED),
    from('x', about4(frame(Y, '10.1.0.11', PROTO.tcp, https)), ISOLATED),
    from('x', about4(frame(Y, X, 47, https)), ISOLATED),
    from('x', about4(frame(Y, X, 47, sctp(1, 99))), ISOLATED),
    from('x', about4(frame(OUTSIDE, X, PROTO.tcp, https)), ISOLATED),
    from('x', about6(frame(OUTSIDE6, X6, PROTO.tcp, https)), ISOLATED),
    from('x', about4(frame(Y, X, PROTO.udp, udp(1, 53))), RELATED),
    from('x', about4(frame(Y, X, PROTO.sctp, sctp(1, 99))), RELATED),
    from('x', about4(frame(Y, X, PROTO.udp, udp(1, 443))), ISOLATED),
    ...[27, 24, 20, 19, 8, 0].map((bytes) =>
      from('x', about4(frame(Y, X, PROTO.tcp, https), bytes), ISOLATED),
    ),
    from('x', about6(frame(Y6, X6, PROTO.tcp, https)), RELATED),
    from('x', about6(frame(Y6, X6, PROTO.tcp, https, { version: 4 })), ISOLATED),
    from('x', about6(frame(Y6, 'fd00:1::11', PROTO.tcp, https)), ISOLATED),
    from('x', about6(frame(Y6, 'fd00:2::10', PROTO.tcp, https)), ISOLATED),
    from('x', about6(frame(Y6, 'fd00:1:0:1::10', PROTO.tcp, https)), ISOLATED),
    from('x', about6(frame(Y6, 'fd00:1::1:0:10', PROTO.tcp, https)), ISOLATED),
    from('x', about6(frame('fd00:2::20', X6, PROTO.tcp, https)), ISOLATED),
    ...[47, 44, 40, 39, 8, 0].map((bytes) =>
      from('x', about6(frame(Y6, X6, PROTO.tcp, https), bytes), ISOLATED),
    ),
  ),
  packetCase(
    'a quoted address is no port',
    policies({
      pod: 'x',
      ingress: [],
      egress: [{ peers: ['192.0.1.187/32'], ports: ['443/TCP'] }],
    }),
    to('x', error4(3, frame(X, '192.0.1.187', PROTO.tcp, https)), RELATED),
    to('x', error4(3, frame(X, '192.0.1.187', PROTO.tcp, other)), ISOLATED),
    to('x', error4(3, frame(X, '192.0.1.187', PROTO.tcp, other, { ihl: 4 })), ISOLATED),
  ),
  packetCase(
    'a quoted address of a server is no port',
    policies({
      pod: 'x',
      ingress: [{ peers: [`${Y}/32`], ports: ['10/TCP'] }],
      egress: [],
    }),
    from(
      'x',
      frame(X, Y, PROTO.icmp, icmp(3, 0, quote(frame(Y, X, PROTO.tcp, tcp(1, 10))))),
      RELATED,
    ),
    from(
      'x',
      frame(X, Y, PROTO.icmp, icmp(3, 0, quote(frame(Y, X, PROTO.tcp, tcp(1, 11), { ihl: 4 })))),
      ISOLATED,
    ),
  ),
  packetCase(
    'quotes of IPv4 with odd headers',
    CLIENT,
    to('x', error4(3, frame(X, Y, PROTO.tcp, https, { options: new Uint8Array(40) })), RELATED),
    to('x', error4(3, frame(X, Y, PROTO.tcp, other, { options: https })), ISOLATED),
    to('x', error4(3, frame(X, Y, PROTO.tcp, https, { ihl: 4 })), ISOLATED),
    to('x', error4(3, frame(X, Y, PROTO.tcp, https, { version: 6 })), ISOLATED),
    to('x', error4(3, frame(X, Y, PROTO.tcp, https, { offset: 1 })), ISOLATED),
    to('x', error4(3, frame(X, Y, PROTO.tcp, https, { offset: 0x1000 })), ISOLATED),
    to('x', error4(3, frame(X, Y, PROTO.tcp, https, { more: true })), RELATED),
    to('x', error4(3, frame(X6, Y6, PROTO.tcp, https)), ISOLATED),
    to('x', error4(3, frame(X, OUTSIDE, PROTO.tcp, https)), ISOLATED),
    to('x', error6(3, frame(X6, OUTSIDE6, PROTO.tcp, https)), ISOLATED),
  ),
  packetCase(
    'quotes of IPv6 with odd headers',
    CLIENT,
    to('x', error6(3, frame(X6, Y6, PROTO.tcp, https, { version: 4 })), ISOLATED),
    to('x', error6(3, frame(X6, Y6, PROTO.tcp, https, { extensions: [option(60)] })), ISOLATED),
    to('x', error6(3, frame('fd00:2::10', Y6, PROTO.tcp, https)), ISOLATED),
    to('x', error6(3, frame('fd00:1::11', Y6, PROTO.tcp, https)), ISOLATED),
    to('x', error6(3, frame('fd00:1:0:1::10', Y6, PROTO.tcp, https)), ISOLATED),
    to('x', error6(3, frame('fd00:1::1:0:10', Y6, PROTO.tcp, https)), ISOLATED),
    to('x', error6(3, frame(X6, 'fd00:1::21', PROTO.tcp, https)), ISOLATED),
    to('x', error6(3, frame(X6, 'fd00:2::20', PROTO.tcp, https)), ISOLATED),
    to('x', error6(3, frame(X, Y, PROTO.tcp, https)), ISOLATED),
  ),
  packetCase(
    'a pod without the family has no errors to get',
    policies(
      { pod: 'six', ingress: [], egress: [{ peers: ['0.0.0.0/0'] }] },
      { pod: 'four', ingress: [], egress: [{ peers: ['::/0'] }] },
    ),
    to(
      'six',
      error4(3, frame('0.0.0.0', OUTSIDE, PROTO.tcp, https)),
      'drop judged isolation t/six',
    ),
    to('four', error6(3, frame('::', OUTSIDE6, PROTO.tcp, https)), 'drop judged isolation t/four'),
    to('four', frame(OUTSIDE, FOUR, PROTO.tcp, https), 'drop judged isolation t/four'),
    to('six', frame(OUTSIDE6, SIX, PROTO.tcp, https), 'drop judged isolation t/six'),
  ),
  packetCase(
    'errors reach a pod that nothing may open',
    CLOSED,
    to('x', error4(3, frame(X, Y, PROTO.tcp, https)), ISOLATED),
    from('x', frame(X, Y, PROTO.icmp, icmp(3, 0, ipv4(Y, X, PROTO.tcp, https))), ISOLATED),
    from('x', frame(X6, Y6, PROTO.icmpv6, icmp(1, 0, ipv6(Y6, X6, PROTO.tcp, https))), ISOLATED),
    to('x', frame(Y, X, PROTO.tcp, tcp(1, 2, SYN)), ISOLATED),
  ),
];

export const ERROR_CASES: readonly PacketCase[] = [...errors, ...quotes];
