/** What passes besides policies, and what never does: own node, own address, neighbours, sources. */
import {
  ACK,
  concat,
  ETHER,
  ethernet,
  frame,
  icmp,
  option,
  PROTO,
  SYN,
  tcp,
  udp,
} from '../support/frames.js';
import { connections, from, nodeTo, packetCase, to, type PacketCase } from './case.js';
import { BY_ADDRESS, CLIENT, CLOSED, ISOLATED, NOTHING_SELECTED, SERVER } from './policies.js';
import {
  FOUR,
  OTHER_NODE,
  OTHER_NODE6,
  OUTSIDE,
  OUTSIDE6,
  OWN_NODE,
  OWN_NODE6,
  policies,
  SIX,
  UNBOUND,
  UNBOUND6,
  X,
  X6,
  Y,
  Y6,
  Z,
} from './world.js';

const FAMILIES = [
  { x: X, y: Y, own: OWN_NODE, other: OTHER_NODE, outside: OUTSIDE, unbound: UNBOUND },
  { x: X6, y: Y6, own: OWN_NODE6, other: OTHER_NODE6, outside: OUTSIDE6, unbound: UNBOUND6 },
] as const;

const segment = (
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
  flags = SYN,
): Uint8Array => frame(source, destination, PROTO.tcp, tcp(sourcePort, destinationPort, flags));

const DEFAULT = 'pass judged default -';
const ALLOWED = 'pass judged rule';
const OWN = 'pass judged own-node -';

const nodes = FAMILIES.flatMap(({ x, own, other, outside }) => [
  packetCase(
    `the own node reaches a closed pod and gets its replies, to ${x}`,
    CLOSED,
    to('x', segment(own, 40_000, x, 80), ISOLATED),
    connections(0, 0),
    from('x', segment(x, 80, own, 40_000, SYN | ACK), ISOLATED),
    nodeTo('x', segment(own, 40_000, x, 80), OWN),
    connections(0, 1),
    from('x', segment(x, 80, own, 40_000, SYN | ACK), 'pass reply'),
    nodeTo('x', segment(own, 40_000, x, 80, ACK), OWN),
    from('x', segment(x, 80, own, 40_000, ACK), 'pass reply'),
    from('x', segment(x, 81, own, 40_000, ACK), ISOLATED),
    from('x', segment(x, 80, own, 40_001, ACK), ISOLATED),
    from('x', segment(x, 80, own, 10_250), ISOLATED),
    from('x', segment(x, 80, other, 40_000, ACK), ISOLATED),
    to('x', segment(own, 40_000, x, 80, ACK), ISOLATED),
  ),
  packetCase(
    `the own node's datagrams and echoes, to ${x}`,
    CLOSED,
    nodeTo('x', frame(own, x, PROTO.udp, udp(5_000, 53)), OWN),
    from('x', frame(x, own, PROTO.udp, udp(53, 5_000)), 'pass reply'),
    from('x', frame(x, own, PROTO.udp, udp(53, 5_001)), ISOLATED),
    ...(x === X
      ? [
          nodeTo('x', frame(own, x, PROTO.icmp, icmp(8)), OWN),
          from('x', frame(x, own, PROTO.icmp, icmp(0)), 'pass reply'),
        ]
      : [
          nodeTo('x', frame(own, x, PROTO.icmpv6, icmp(128)), OWN),
          from('x', frame(x, own, PROTO.icmpv6, icmp(129)), 'pass reply'),
        ]),
  ),
  packetCase(
    `other nodes and addresses are not exempt, to ${x}`,
    CLOSED,
    nodeTo('x', segment(other, 40_000, x, 80), ISOLATED),
    nodeTo('x', segment(outside, 40_000, x, 80), ISOLATED),
    to('x', segment(other, 40_000, x, 80), ISOLATED),
    connections(0, 0),
    from('x', segment(x, 80, other, 40_000, SYN | ACK), ISOLATED),
  ),
  packetCase(
    `where nothing isolates the own node is exempt too, to ${x}`,
    NOTHING_SELECTED,
    nodeTo('x', segment(own, 40_000, x, 80), OWN),
    to('x', segment(own, 40_000, x, 80), DEFAULT),
    nodeTo('x', segment(other, 40_000, x, 80), DEFAULT),
    connections(0, 0),
  ),
]);

const own = FAMILIES.flatMap(({ x, y }) => [
  packetCase(
    `a pod reaches itself, ${x}`,
    CLOSED,
    from('x', segment(x, 40_000, x, 80), 'pass judged self -'),
    to('x', segment(x, 40_000, x, 80), 'pass judged self -'),
    from('x', segment(x, 40_000, y, 80), ISOLATED),
    connections(0, 0),
  ),
]);

const FOR_EVERYBODY = policies({
  pod: 'y',
  ingress: [{ ports: ['80/TCP'] }],
  egress: [{ ports: ['443/TCP'] }],
});

/** Rules without peers, of a pod that is not the first. */
const everybody = FAMILIES.map(({ x, y, outside, unbound, other }) =>
  packetCase(
    `rules without peers, ${y}`,
    FOR_EVERYBODY,
    ...[x, outside, other].flatMap((one) => [
      to('y', segment(one, 1, y, 80), ALLOWED),
      to('y', segment(one, 1, y, 81), 'drop judged isolation t/y'),
      from('y', segment(y, 1, one, 443), ALLOWED),
      from('y', segment(y, 1, one, 444), 'drop judged isolation t/y'),
    ]),
    to('y', segment(unbound, 1, y, 80), 'drop judged isolation t/y'),
    from('y', segment(y, 1, unbound, 443), 'drop judged isolation t/y'),
    from('x', segment(x, 1, y, 9), DEFAULT),
    to('x', segment(unbound, 1, x, 9), DEFAULT),
  ),
);

const FOR_EVERYBODY_TWICE = policies(
  { pod: 'y', ingress: [{ ports: ['80/TCP'] }], egress: [{ ports: ['443/TCP'] }] },
  { pod: 'z', ingress: [{ ports: ['81/TCP'] }], egress: [{ ports: ['444/TCP'] }] },
);

const everybodyTwice = packetCase(
  'rules without peers, of a third pod',
  FOR_EVERYBODY_TWICE,
  to('z', segment(OUTSIDE, 1, Z, 81), ALLOWED),
  connections(0, 1),
  from('z', segment(Z, 81, OUTSIDE, 1, SYN | ACK), 'pass reply'),
  from('z', segment(Z, 1, OUTSIDE, 444), ALLOWED),
  connections(1, 1),
  to('z', segment(OUTSIDE, 444, Z, 1, SYN | ACK), 'pass reply'),
  to('z', segment(UNBOUND, 1, Z, 81), 'drop judged isolation t/z'),
);

const answersAllowed = packetCase(
  'no state for a third pod whose answers are allowed',
  policies(
    { pod: 'y', ingress: [{ ports: ['80/TCP'] }], egress: [{ ports: ['443/TCP'] }] },
    { pod: 'z', ingress: [{ ports: ['81/TCP'] }], egress: [{}] },
  ),
  to('z', segment(OUTSIDE, 1, Z, 81), ALLOWED),
  connections(0, 0),
  from('z', segment(Z, 81, OUTSIDE, 1, SYN | ACK), ALLOWED),
);

/** Cluster addresses that no pod holds, and destinations that are everybody's. */
const places = [
  ...FAMILIES.map(({ x, outside, unbound }) =>
    packetCase(
      `no allow by address lets in an address that no pod holds, ${unbound}`,
      BY_ADDRESS,
      to('x', segment(outside, 40_000, x, 80), ALLOWED),
      to('x', segment(unbound, 40_000, x, 80), ISOLATED),
      from('x', segment(x, 40_000, outside, 80), ALLOWED),
      from('x', segment(x, 40_000, unbound, 80), ISOLATED),
    ),
  ),
  packetCase(
    'broadcast and multicast destinations are outside',
    BY_ADDRESS,
    from('x', frame(X, '255.255.255.255', PROTO.udp, udp(5_000, 9)), ALLOWED),
    from('x', frame(X, '10.1.0.255', PROTO.udp, udp(5_000, 9)), ISOLATED),
    from('x', frame(X, '224.0.0.251', PROTO.udp, udp(5_353, 5_353)), ALLOWED),
    from('x', frame(X6, 'ff02::fb', PROTO.udp, udp(5_353, 5_353)), ALLOWED),
  ),
  packetCase(
    'a closed pod sends no broadcast or multicast',
    CLOSED,
    from('x', frame(X, '255.255.255.255', PROTO.udp, udp(5_000, 9)), ISOLATED),
    from('x', frame(X, '224.0.0.251', PROTO.udp, udp(5_353, 5_353)), ISOLATED),
    from('x', frame(X, '224.0.0.22', 2, new Uint8Array(8)), ISOLATED),
    from('x', frame(X6, 'ff02::fb', PROTO.udp, udp(5_353, 5_353)), ISOLATED),
  ),
  packetCase(
    'what comes by broadcast or multicast is judged by its source',
    SERVER,
    to('x', frame(Y, '255.255.255.255', PROTO.udp, udp(5_000, 81)), ALLOWED),
    to('x', frame(Y, '255.255.255.255', PROTO.udp, udp(5_000, 82)), ISOLATED),
    to('x', frame(OUTSIDE, '224.0.0.251', PROTO.udp, udp(5_000, 81)), ISOLATED),
    to('x', frame(Y6, 'ff02::1', PROTO.udp, udp(5_000, 81)), ALLOWED),
  ),
];

const SPOOFED = 'drop spoofed';

const sources = [
  ...FAMILIES.map(({ x, y, outside, own: node }) =>
    packetCase(
      `a pod speaks from its own address alone, ${x}`,
      NOTHING_SELECTED,
      from('x', segment(x, 40_000, outside, 80), DEFAULT),
      from('x', segment(y, 40_000, outside, 80), SPOOFED),
      from('x', segment(outside, 40_000, y, 80), SPOOFED),
      from('x', segment(node, 40_000, y, 80), SPOOFED),
      from('x', segment(y, 80, outside, 40_000, ACK), SPOOFED),
      from('y', segment(x, 40_000, outside, 80), SPOOFED),
      from('x', frame(y, outside, PROTO.udp, udp(68, 66)), SPOOFED),
      from('x', frame(y, outside, 47, new Uint8Array(8)), SPOOFED),
    ),
  ),
  packetCase(
    'a spoofed source is no way round a policy',
    policies({ pod: 'x', egress: [] }),
    from('x', segment(Y, 40_000, OUTSIDE, 80), SPOOFED),
    from('x', segment(X, 40_000, OUTSIDE, 80), ISOLATED),
  ),
  packetCase(
    'every half of an IPv6 source counts',
    NOTHING_SELECTED,
    from('x', segment('fd00:1::11', 1, OUTSIDE6, 80), SPOOFED),
    from('x', segment('fd00:2::10', 1, OUTSIDE6, 80), SPOOFED),
    from('x', segment('::10', 1, OUTSIDE6, 80), SPOOFED),
    from('x', segment(X6, 1, 'fd00:2::10', 80), DEFAULT),
    from('x', segment(X6, 1, 'fd00:1::11', 80), DEFAULT),
  ),
  packetCase(
    'a pod has no address of a family that it was not given',
    NOTHING_SELECTED,
    from('four', segment(X6, 1, OUTSIDE6, 80), SPOOFED),
    from('four', segment('::', 1, OUTSIDE6, 80), SPOOFED),
    from('four', segment(OUTSIDE6, 1, '::', 80), SPOOFED),
    from('four', segment(FOUR, 1, OUTSIDE, 80), DEFAULT),
    from('six', segment(X, 1, OUTSIDE, 80), SPOOFED),
    from('six', segment('0.0.0.0', 1, OUTSIDE, 80), SPOOFED),
    from('six', segment(OUTSIDE, 1, '0.0.0.0', 80), SPOOFED),
    from('six', segment(SIX, 1, OUTSIDE6, 80), DEFAULT),
    to('four', segment(OUTSIDE6, 1, X6, 80), DEFAULT),
    to('four', segment('::', 1, X6, 80), DEFAULT),
    to('six', segment('0.0.0.0', 1, X, 80), DEFAULT),
    to('x', segment('fd00:2::10', 1, X6, 80), DEFAULT),
    to('x', segment('fd00:1::11', 1, X6, 80), DEFAULT),
    to('x', segment('10.1.0.11', 1, X, 80), DEFAULT),
    to('six', segment(OUTSIDE, 1, X, 80), DEFAULT),
  ),
];

const dhcp = (source: string, from4: number, to4: number): Uint8Array =>
  frame(source, '255.255.255.255', PROTO.udp, udp(from4, to4));
const dhcp6 = (source: string, from6: number, to6: number): Uint8Array =>
  frame(source, 'ff02::1:2', PROTO.udp, udp(from6, to6));

const configuration = [
  packetCase(
    'a DHCP client has no address yet',
    NOTHING_SELECTED,
    from('x', dhcp('0.0.0.0', 68, 67), DEFAULT),
    from('x', dhcp('0.0.0.0', 67, 68), SPOOFED),
    from('x', dhcp('0.0.0.0', 68, 68), SPOOFED),
    from('x', dhcp('0.0.0.0', 67, 67), SPOOFED),
    from('x', dhcp(OUTSIDE, 68, 67), SPOOFED),
    from('x', dhcp(Y, 68, 67), SPOOFED),
    from('x', segment('0.0.0.0', 68, OUTSIDE, 67), SPOOFED),
    from('x', dhcp6('fe80::1', 546, 547), DEFAULT),
    from('x', dhcp6('fe80::1', 547, 546), SPOOFED),
    from('x', dhcp6('fe80::1', 546, 546), SPOOFED),
    from('x', dhcp6('fe80::1', 547, 547), SPOOFED),
    from('x', dhcp6('fe80::1', 68, 67), SPOOFED),
    from('x', dhcp6(OUTSIDE6, 546, 547), SPOOFED),
    from('x', dhcp6(Y6, 546, 547), SPOOFED),
    from('x', dhcp('0.0.0.0', 546, 547), SPOOFED),
    from('six', dhcp('0.0.0.0', 68, 67), DEFAULT),
    from('four', dhcp6('fe80::1', 546, 547), DEFAULT),
  ),
  packetCase(
    'DHCP is judged by policies as anything else',
    CLOSED,
    from('x', dhcp('0.0.0.0', 68, 67), ISOLATED),
    from('x', dhcp6('fe80::1', 546, 547), ISOLATED),
    from('x', dhcp(X, 68, 67), ISOLATED),
  ),
];

const neighbourly = (
  source: string,
  destination: string,
  type: number,
  hopLimit = 255,
): Uint8Array =>
  frame(source, destination, PROTO.icmpv6, icmp(type, 0, new Uint8Array(16)), { hopLimit });
const listening = (source: string, destination: string, type: number, hopLimit = 1): Uint8Array =>
  frame(source, destination, PROTO.icmpv6, icmp(type), { hopLimit, extensions: [option(0)] });

const NEIGHBOUR = 'pass neighbour';

const neighbours = [
  packetCase(
    'neighbour discovery of a closed pod',
    CLOSED,
    from('x', neighbourly('::', 'ff02::1:ff00:10', 135), NEIGHBOUR),
    from('x', neighbourly('fe80::1', 'ff02::2', 133), NEIGHBOUR),
    from('x', neighbourly('fe80::1', 'fe80::2', 135), NEIGHBOUR),
    from('x', neighbourly(X6, 'ff02::1', 136), NEIGHBOUR),
    from('x', neighbourly('::', 'ff02::1:ff00:10', 135, 254), SPOOFED),
    from('x', neighbourly(X6, 'ff02::1', 136, 64), ISOLATED),
    from('x', neighbourly(X6, 'ff02::1', 137), ISOLATED),
    from('x', neighbourly(X6, 'ff02::1', 138), ISOLATED),
    from('x', neighbourly(X6, 'ff02::1', 132), ISOLATED),
    to('x', neighbourly('fe80::1', 'ff02::1', 133), NEIGHBOUR),
    to('x', neighbourly('fe80::1', 'ff02::1', 134), NEIGHBOUR),
    to('x', neighbourly('fe80::1', X6, 135), NEIGHBOUR),
    to('x', neighbourly('fe80::1', X6, 136), NEIGHBOUR),
    to('x', neighbourly('fe80::1', X6, 134, 254), ISOLATED),
    to('x', neighbourly('fe80::1', X6, 137), ISOLATED),
  ),
  packetCase(
    'no pod is a router',
    NOTHING_SELECTED,
    from('x', neighbourly('fe80::1', 'ff02::1', 134), SPOOFED),
    from('x', neighbourly('fe80::1', 'ff02::1', 137), SPOOFED),
  ),
  packetCase(
    'neighbour discovery beyond the link is no neighbour discovery',
    CLOSED,
    from('x', neighbourly(X6, OUTSIDE6, 135), ISOLATED),
    from('x', neighbourly(X6, OUTSIDE6, 136), ISOLATED),
    from('x', neighbourly(X6, OUTSIDE6, 133), ISOLATED),
    from('x', neighbourly(X6, UNBOUND6, 136), ISOLATED),
    from('x', neighbourly(X6, 'ff0e::1', 136), ISOLATED),
    from('x', neighbourly(X6, 'ff05::2', 133), ISOLATED),
    from('x', neighbourly(OUTSIDE6, OUTSIDE6, 136), SPOOFED),
    from('x', neighbourly(X6, OWN_NODE6, 135), NEIGHBOUR),
    from('x', neighbourly(X6, OWN_NODE6, 136), NEIGHBOUR),
    from('x', neighbourly(X6, Y6, 136), NEIGHBOUR),
    from('x', neighbourly(X6, 'fec0::1', 136), ISOLATED),
  ),
  packetCase(
    'multicast listeners of a closed pod',
    CLOSED,
    from('x', listening('::', 'ff02::16', 143), NEIGHBOUR),
    from('x', listening('fe80::1', 'ff02::1:3', 131), NEIGHBOUR),
    from('x', listening('fe80::1', 'ff02::2', 132), NEIGHBOUR),
    from('x', listening('fe80::1', 'ff02::1', 130), SPOOFED),
    from('x', listening(X6, 'ff02::1', 130), ISOLATED),
    from('x', listening('fe80::1', 'ff02::16', 143, 2), SPOOFED),
    from('x', listening(X6, 'ff02::16', 143, 2), ISOLATED),
    from('x', listening(X6, OUTSIDE6, 143), ISOLATED),
    from('x', neighbourly(X6, 'ff02::1', 135, 1), ISOLATED),
    to('x', listening('fe80::1', 'ff02::1', 130), NEIGHBOUR),
    to('x', listening('fe80::1', 'ff02::16', 143), NEIGHBOUR),
    to('x', listening('fe80::1', 'ff02::16', 131), NEIGHBOUR),
    to('x', listening('fe80::1', 'ff02::2', 132), NEIGHBOUR),
    to('x', listening('fe80::1', 'ff02::2', 133), ISOLATED),
    to('x', listening('fe80::1', 'ff02::1', 130, 2), ISOLATED),
  ),
  packetCase(
    'ARP passes, whatever else is not IP does not',
    CLOSED,
    from('x', ethernet(ETHER.arp, new Uint8Array(28)), NEIGHBOUR),
    to('x', ethernet(ETHER.arp, new Uint8Array(28)), NEIGHBOUR),
    ...[
      0x8035, 0x88cc, 0x8847, 0x8863, 0x9100, 0x88e5, 0x0026, 0x0000, 0xffff, 0x0608, 0x0008,
    ].flatMap((type) => [
      from('x', ethernet(type, new Uint8Array(60)), 'drop not-ip'),
      to('x', ethernet(type, new Uint8Array(60)), 'drop not-ip'),
    ]),
  ),
  packetCase(
    'where nothing isolates, what is not IP is dropped all the same',
    NOTHING_SELECTED,
    from('x', ethernet(0x88cc, concat(new Uint8Array(60))), 'drop not-ip'),
  ),
];

export const EXEMPTION_CASES: readonly PacketCase[] = [
  ...nodes,
  ...own,
  ...everybody,
  everybodyTwice,
  answersAllowed,
  ...places,
  ...sources,
  ...configuration,
  ...neighbours,
  packetCase(
    'a client keeps to its rules where no connection is meant',
    CLIENT,
    from('x', segment(X, 40_000, Y, 443), ALLOWED),
    from('x', segment(X, 40_000, OWN_NODE, 443), ISOLATED),
    from('x', frame(X, Y, 47, new Uint8Array(8)), ISOLATED),
  ),
];
