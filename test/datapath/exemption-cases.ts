/** What passes besides policies, and what never does: own node, own address, foreign sources. */
import { ACK, frame, icmp, PROTO, SYN, tcp, udp } from '../support/frames.js';
import { connections, from, nodeTo, packetCase, rebind, to, type PacketCase } from './case.js';
import { PAIRS } from './pairs.js';
import { BY_ADDRESS, CLIENT, CLOSED, ISOLATED, NOTHING_SELECTED, SERVER } from './policies.js';
import {
  clusterText,
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
const SPOOFED = 'drop spoofed';

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
  packetCase(
    `nobody else is the pod itself, ${x}`,
    CLOSED,
    nodeTo('x', segment(x, 40_000, x, 80), SPOOFED),
    nodeTo('x', frame(x, x, PROTO.udp, udp(40_000, 80)), SPOOFED),
    from('x', segment(y, 40_000, x, 80), SPOOFED),
    from('x', frame(y, x, PROTO.udp, udp(40_000, 80)), SPOOFED),
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

/** A gateway: what it hands on has others' addresses. */
const routing = PAIRS.map((pair): PacketCase => {
  const foreign = (port: number, flags = SYN): Uint8Array =>
    segment(pair.z, 40_000, pair.y, port, flags);
  return packetCase(
    `a pod that says that it routes is judged by its policies, ${pair.family}`,
    CLIENT,
    from('x', foreign(443), SPOOFED),
    rebind({ cluster: clusterText({}, ['x']) }),
    from('x', foreign(443), 'pass judged rule'),
    connections(1, 0),
    from('x', foreign(444), ISOLATED),
    from('x', foreign(443, ACK), 'pass judged rule'),
    to('x', segment(pair.y, 443, pair.z, 40_000, SYN | ACK), 'pass reply rule t/x'),
    from('x', segment(pair.x, 40_001, pair.y, 443, SYN), 'pass judged rule'),
    rebind({ cluster: clusterText({}, ['y']) }),
    from('x', foreign(443), SPOOFED),
  );
});

export const EXEMPTION_CASES: readonly PacketCase[] = [
  ...routing,
  ...nodes,
  ...own,
  ...everybody,
  everybodyTwice,
  answersAllowed,
  ...places,
  ...sources,
  packetCase(
    'a client keeps to its rules where no connection is meant',
    CLIENT,
    from('x', segment(X, 40_000, Y, 443), ALLOWED),
    from('x', segment(X, 40_000, OWN_NODE, 443), ISOLATED),
    from('x', frame(X, Y, 47, new Uint8Array(8)), ISOLATED),
  ),
];
