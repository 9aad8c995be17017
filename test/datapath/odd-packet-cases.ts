/** Odd packets: fragments, tags, options, extension headers, wrong headers, ICMP errors. */
import {
  ACK,
  authentication,
  concat,
  ETHER,
  ethernet,
  fragmentHeader,
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
  type Extension,
} from '../support/frames.js';
import { connections, from, packetCase, to, type PacketCase } from './case.js';
import {
  BY_ADDRESS,
  CLIENT,
  CLIENT_OF_ALL,
  CLOSED,
  ISOLATED,
  NOTHING_SELECTED,
  SERVER,
  SERVER_ALIKE,
  SERVER_OF_ALL,
} from './policies.js';
import { mirrored } from './mirror.js';
import { OUTSIDE, OUTSIDE6, policies, SIX, FOUR, X, X6, Y, Y6, Z, Z6 } from './world.js';

const ALLOWED = 'pass judged rule';
const MALFORMED = 'drop malformed';
const RELATED = 'pass related';

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
    'replies in fragments are not known',
    CLIENT,
    from('x', frame(X, Y, PROTO.udp, udp(5_000, 53)), ALLOWED),
    to('x', frame(Y, X, PROTO.udp, udp(53, 5_000), { offset: 2 }), ISOLATED),
    to('x', frame(Y, X, PROTO.udp, udp(53, 5_000), { more: true }), 'pass reply'),
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

const TAGS = [
  [ETHER.vlan],
  [ETHER.qinq],
  [ETHER.qinq, ETHER.vlan],
  [ETHER.vlan, ETHER.vlan],
  [ETHER.vlan, ETHER.qinq],
  [ETHER.qinq, ETHER.qinq],
];

const tags = [
  ...TAGS.map((list) =>
    packetCase(
      `tags ${list.map((tag) => tag.toString(16)).join(' ')}`,
      CLIENT,
      from('x', frame(X, Y, PROTO.tcp, https, {}, list), ALLOWED),
      from('x', frame(X, Y, PROTO.tcp, other, {}, list), ISOLATED),
      from('x', frame(X6, Y6, PROTO.tcp, https, {}, list), ALLOWED),
      from('x', frame(X6, Y6, PROTO.tcp, other, {}, list), ISOLATED),
      from('x', frame(X6, Y6, PROTO.tcp, https, { extensions: [option(60)] }, list), ALLOWED),
      from('x', frame(X6, Y6, PROTO.tcp, other, { extensions: [option(60)] }, list), ISOLATED),
      from('x', frame(Y, Y, PROTO.tcp, https, {}, list), 'drop spoofed'),
      from('x', ethernet(ETHER.arp, new Uint8Array(28), list), 'pass neighbour'),
      from('x', ethernet(0x88cc, new Uint8Array(60), list), 'drop not-ip'),
      from(
        'x',
        ethernet(ETHER.ipv4, new Uint8Array(), list).slice(0, 12 + 4 * list.length),
        'drop',
      ),
    ),
  ),
  ...[
    [ETHER.vlan, ETHER.vlan, ETHER.vlan],
    [ETHER.qinq, ETHER.vlan, ETHER.qinq],
    [0x9100, ETHER.vlan],
  ].map((list) =>
    packetCase(
      `tags ${list.map((tag) => tag.toString(16)).join(' ')} are too many or too strange`,
      NOTHING_SELECTED,
      from('x', frame(X, Y, PROTO.tcp, https, {}, list), 'drop not-ip'),
      to('x', frame(Y6, X6, PROTO.tcp, https, {}, list), 'drop not-ip'),
    ),
  ),
];

const options = [
  ...[1, 2, 5, 9, 10].map((words) =>
    packetCase(
      `IPv4 with ${words} words of options`,
      CLIENT,
      from(
        'x',
        frame(X, Y, PROTO.tcp, https, { options: new Uint8Array(4 * words).fill(1) }),
        ALLOWED,
      ),
      from('x', frame(X, Y, PROTO.tcp, other, { options: https.slice(0, 4) }), ISOLATED),
      from(
        'x',
        frame(X, Y, PROTO.tcp, https, { options: new Uint8Array(4 * words).fill(1) }, [ETHER.vlan]),
        ALLOWED,
      ),
      from(
        'x',
        frame(X, Y, PROTO.tcp, other, { options: new Uint8Array(4 * words).fill(1) }),
        ISOLATED,
      ),
      from(
        'x',
        frame(X, Y, PROTO.tcp, https, { options: new Uint8Array(4 * words).fill(1), more: true }),
        ALLOWED,
      ),
      from(
        'x',
        frame(X, Y, PROTO.tcp, https.slice(0, 16), {
          options: new Uint8Array(4 * words).fill(1),
          more: true,
        }),
        MALFORMED,
      ),
    ),
  ),
  packetCase(
    'wrong IPv4 headers',
    NOTHING_SELECTED,
    ...[0, 1, 4].map((ihl) => from('x', frame(X, Y, PROTO.tcp, https, { ihl }), MALFORMED)),
    ...[0, 3, 5, 6, 15].map((version) =>
      from('x', frame(X, Y, PROTO.tcp, https, { version }), MALFORMED),
    ),
    from('x', frame(X, Y, PROTO.tcp, https, { ihl: 15 }), MALFORMED),
    from('x', frame(X, Y, 47, new Uint8Array(39), { ihl: 15 }), MALFORMED),
    from('x', frame(X, Y, 47, new Uint8Array(40), { ihl: 15 }), 'pass judged'),
    from('x', frame(X, Y, PROTO.tcp, new Uint8Array(39), { ihl: 15, offset: 9 }), MALFORMED),
    from('x', frame(X, Y, PROTO.tcp, https, { totalLength: 20, more: true }), MALFORMED),
    from('x', frame(X, Y, PROTO.tcp, https, { totalLength: 19, more: true }), MALFORMED),
    from('x', frame(X, Y, PROTO.tcp, https, { totalLength: 39, more: true }), MALFORMED),
  ),
  packetCase(
    'wrong IPv6 headers',
    NOTHING_SELECTED,
    ...[0, 4, 5, 7, 14].map((version) =>
      from('x', frame(X6, Y6, PROTO.tcp, https, { version }), MALFORMED),
    ),
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, https, { payloadLength: 0, extensions: [fragmentHeader(0, true)] }),
      MALFORMED,
    ),
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, https, { payloadLength: 8, extensions: [fragmentHeader(0, true)] }),
      MALFORMED,
    ),
    from('x', frame(X6, Y6, 59, new Uint8Array(), { extensions: [option(60)] }), 'pass judged'),
    from(
      'x',
      frame(X6, Y6, 59, new Uint8Array(), { extensions: [option(60, 3)] }).slice(0, -1),
      MALFORMED,
    ),
  ),
  packetCase(
    'lengths of segments that the card will cut',
    CLIENT,
    from('x', frame(X, Y, PROTO.tcp, https, { totalLength: 0 }), ALLOWED),
    from('x', frame(X, Y, PROTO.tcp, https, { totalLength: 65_535 }), ALLOWED),
    from('x', frame(X6, Y6, PROTO.tcp, https, { payloadLength: 0 }), ALLOWED),
    from('x', frame(X6, Y6, PROTO.tcp, https, { payloadLength: 65_535 }), ALLOWED),
    from('x', frame(X, Y, PROTO.tcp, tcp(40_000, 443, ACK, new Uint8Array(3_000))), ALLOWED),
    from('x', frame(X, Y, PROTO.tcp, tcp(40_000, 444, ACK, new Uint8Array(3_000))), ISOLATED),
  ),
];

/** Past 4,095, which an offset of layer 4 cannot be. */
const LARGE = 4_200;

const CHAINS: readonly (readonly Extension[])[] = [
  [option(0)],
  [option(43)],
  [option(60)],
  [authentication()],
  [authentication(1)],
  [option(0, 2)],
  [option(43, 5), option(60, 1)],
  [option(0), option(60), option(43), authentication(), option(60)],
  [option(0), option(60), option(43), fragmentHeader(0, false), authentication(), option(60)],
  [option(0), option(0), option(0), option(0), option(0), option(0)],
  [option(43, 120), option(60, 120)],
];

const extensions = [
  ...CHAINS.map((chain, i) =>
    packetCase(
      `IPv6 extension headers ${chain.map(({ header }) => header).join(' ')} (${i})`,
      CLIENT,
      from('x', frame(X6, Y6, PROTO.tcp, https, { extensions: chain }), ALLOWED),
      from('x', frame(X6, Y6, PROTO.tcp, other, { extensions: chain }), ISOLATED),
      connections(1, 0),
      from('x', frame(X6, Y6, PROTO.udp, udp(1, 53), { extensions: chain }), ALLOWED),
      from('x', frame(X6, Y6, PROTO.udp, udp(1, 443), { extensions: chain }), ISOLATED),
      from('x', frame(Y6, Y6, PROTO.tcp, https, { extensions: chain }), 'drop spoofed'),
      from('x', frame(X6, Y6, PROTO.tcp, https.slice(0, 19), { extensions: chain }), MALFORMED),
    ),
  ),
  packetCase(
    'too many extension headers, or too long ones',
    NOTHING_SELECTED,
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, https, { extensions: new Array<Extension>(7).fill(option(60)) }),
      MALFORMED,
    ),
    from(
      'x',
      frame(X6, Y6, 59, https, { extensions: new Array<Extension>(20).fill(option(0)) }),
      MALFORMED,
    ),
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, https, { extensions: [option(60, 254), option(60, 254)] }).slice(
        0,
        3_000,
      ),
      MALFORMED,
    ),
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, https, { extensions: [option(60)] }).slice(0, 58),
      MALFORMED,
    ),
    ...[option(0), option(43), option(60), authentication(), fragmentHeader(0, true)].map((one) =>
      from(
        'x',
        frame(X6, Y6, PROTO.tcp, https, {
          extensions: [...new Array<Extension>(6).fill(option(60)), one],
        }),
        MALFORMED,
      ),
    ),
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, tcp(1, 443, SYN, new Uint8Array(LARGE)), {
        extensions: new Array<Extension>(7).fill(option(60)),
      }),
      MALFORMED,
    ),
  ),
  packetCase(
    'what is no extension header has no ports',
    CLIENT,
    ...[50, 59, 135, 139, 140, 4, 41, 1, 2, 255].map((protocol) =>
      from('x', frame(X6, Y6, protocol, https), ISOLATED),
    ),
    ...[58, 50, 51, 0, 43, 44, 60, 4, 41, 255].map((protocol) =>
      from('x', frame(X, Y, protocol, https), ISOLATED),
    ),
  ),
  packetCase(
    'other protocols are connections of addresses',
    CLIENT_OF_ALL,
    to('x', frame(Y, X, 47, new Uint8Array(8)), ISOLATED),
    from('x', frame(X, Y, 47, new Uint8Array(8)), ALLOWED),
    connections(1, 0),
    to('x', frame(Y, X, 47, new Uint8Array(8)), 'pass reply'),
    to('x', frame(Y, X, 50, new Uint8Array(8)), ISOLATED),
    to('x', frame(Z, X, 47, new Uint8Array(8)), ISOLATED),
  ),
  packetCase(
    'fragment headers in a row',
    CLIENT,
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, https, {
        extensions: [fragmentHeader(0, true), fragmentHeader(0, true)],
      }),
      ALLOWED,
    ),
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, other, {
        extensions: [fragmentHeader(0, true), fragmentHeader(2, true)],
      }),
      ALLOWED,
    ),
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, other, {
        extensions: [fragmentHeader(0, true), fragmentHeader(1, true)],
      }),
      MALFORMED,
    ),
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, other, { extensions: [fragmentHeader(2, true), option(60)] }),
      ISOLATED,
    ),
  ),
];

/** Every kind of header at every place of a chain. */
const places = [0, 1, 2, 3, 4, 5].map((before) => {
  const behind = (
    ...chain: readonly Extension[]
  ): { readonly extensions: readonly Extension[] } => ({
    extensions: [...new Array<Extension>(before).fill(option(60)), ...chain],
  });
  const padding = new Uint8Array(9);
  return packetCase(
    `IPv6 extension headers behind ${before} others`,
    CLIENT,
    ...[
      option(0, 1),
      option(43, 2),
      option(60, 3),
      authentication(3),
      fragmentHeader(0, false),
    ].flatMap((one) => [
      from('x', frame(X6, Y6, PROTO.tcp, https, behind(one)), ALLOWED),
      from('x', frame(X6, Y6, PROTO.tcp, other, behind(one)), ISOLATED),
    ]),
    from('x', frame(X6, Y6, PROTO.tcp, https, behind(fragmentHeader(0, true))), ALLOWED),
    from(
      'x',
      concat(
        frame(X6, Y6, PROTO.tcp, https.slice(0, 19), behind(fragmentHeader(0, true))),
        padding,
      ),
      MALFORMED,
    ),
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, https, { ...behind(fragmentHeader(0, false)), payloadLength: 0 }),
      ALLOWED,
    ),
    from('x', frame(X6, Y6, PROTO.tcp, other, behind(fragmentHeader(3, true))), ALLOWED),
    from('x', frame(X6, Y6, PROTO.tcp, other, behind(fragmentHeader(0x100, false))), ALLOWED),
    from('x', frame(X6, Y6, PROTO.tcp, https, behind(fragmentHeader(1, true))), MALFORMED),
    from(
      'x',
      frame(X6, Y6, PROTO.tcp, https, behind(option(0))).slice(0, 14 + 40 + 8 * before + 4),
      MALFORMED,
    ),
  );
});

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

const FROM_THE_POD: readonly PacketCase[] = [
  ...fragments,
  ...padded,
  ...tags,
  ...options,
  ...extensions,
  ...places,
];

const MIRRORS = new Map([
  [CLIENT, SERVER_ALIKE],
  [CLIENT_OF_ALL, SERVER_OF_ALL],
  [NOTHING_SELECTED, NOTHING_SELECTED],
]);

const TO_THE_POD = FROM_THE_POD.flatMap((one) => {
  const policies = MIRRORS.get(one.policies);
  return policies === undefined ? [] : [mirrored(one, policies)];
});

export const ODD_PACKET_CASES: readonly PacketCase[] = [
  ...FROM_THE_POD,
  ...TO_THE_POD,
  ...laterFragments,
  ...errors,
  ...quotes,
];
