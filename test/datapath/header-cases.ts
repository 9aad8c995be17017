/** Headers: VLAN tags, options, extension headers, wrong lengths and versions. */
import {
  ACK,
  authentication,
  concat,
  ETHER,
  ethernet,
  fragmentHeader,
  frame,
  option,
  PROTO,
  SYN,
  tcp,
  udp,
  type Extension,
} from '../support/frames.js';
import { connections, from, packetCase, to, type PacketCase } from './case.js';
import { CLIENT, CLIENT_OF_ALL, ISOLATED, NOTHING_SELECTED } from './policies.js';
import { X, X6, Y, Y6, Z } from './world.js';
import { withMirrors } from './mirror.js';

const ALLOWED = 'pass judged rule';
const MALFORMED = 'drop malformed';

const https = tcp(40_000, 443);
const other = tcp(40_000, 444);

const TAGS = [
  [ETHER.vlan],
  [ETHER.qinq],
  [ETHER.qinq, ETHER.vlan],
  [ETHER.vlan, ETHER.vlan],
  [ETHER.vlan, ETHER.qinq],
  [ETHER.qinq, ETHER.qinq],
];

/** What would be an IPv4 packet, were it not for the type of the frame. */
const disguised = packetCase(
  'IPv4 under another EtherType',
  CLIENT,
  from('x', ethernet(0x88cc, frame(X, Y, PROTO.tcp, https).slice(14)), 'drop not-ip'),
  to('x', ethernet(0x88cc, frame(Y, X, PROTO.tcp, https).slice(14)), 'drop not-ip'),
);

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

export const HEADER_CASES: readonly PacketCase[] = withMirrors([
  ...tags,
  disguised,
  ...options,
  ...extensions,
  ...places,
]);
