/** Connections: whose replies pass, and what leaves no state. */
import { ACK, FIN, frame, icmp, PROTO, RST, sctp, SYN, tcp, udp } from '../support/frames.js';
import { age, connections, from, packetCase, rebind, to, type PacketCase } from './case.js';
import {
  CLIENT,
  CLIENT_OF_ALL,
  CLOSED,
  ISOLATED,
  NOTHING_SELECTED,
  SERVER,
  SERVER_OF_ALL,
} from './policies.js';
import { clusterText, policies } from './world.js';
import { type Pair, PAIRS, segment, out, back, called, answer, ALLOWED, REPLY } from './pairs.js';

const replies = (pair: Pair): readonly PacketCase[] => [
  packetCase(
    `replies of TCP pass to who opened, ${pair.family}`,
    CLIENT,
    to('x', back(pair, SYN | ACK), ISOLATED),
    from('x', out(pair, SYN), ALLOWED),
    connections(1, 0, 0),
    to('x', back(pair, SYN | ACK), REPLY),
    from('x', out(pair, ACK), ALLOWED),
    to('x', back(pair, ACK), REPLY),
    connections(1, 0, 1),
  ),
  packetCase(
    `replies of TCP pass from who was called, ${pair.family}`,
    SERVER,
    from('x', answer(pair, SYN | ACK), ISOLATED),
    to('x', called(pair, SYN), ALLOWED),
    connections(0, 1, 0),
    from('x', answer(pair, SYN | ACK), REPLY),
    to('x', called(pair, ACK), ALLOWED),
    from('x', answer(pair, ACK), REPLY),
    connections(0, 1, 1),
  ),
  packetCase(
    `the first reply of TCP has SYN, ${pair.family}`,
    CLIENT,
    from('x', out(pair, SYN), ALLOWED),
    to('x', back(pair, ACK), ISOLATED),
    to('x', back(pair, SYN | ACK), REPLY),
  ),
  packetCase(
    `both ends may open with the same ports, ${pair.family}`,
    policies({
      pod: 'x',
      ingress: [{ peers: ['y'], ports: ['5000/TCP'] }],
      egress: [{ peers: ['y'], ports: ['443/TCP'] }],
    }),
    from('x', frame(pair.x, pair.y, PROTO.tcp, tcp(5_000, 443, SYN)), ALLOWED),
    connections(1, 0),
    to('x', frame(pair.y, pair.x, PROTO.tcp, tcp(443, 5_000, SYN)), ALLOWED),
    connections(1, 1),
  ),
  packetCase(
    `the other end may have opened first, ${pair.family}`,
    policies({
      pod: 'x',
      ingress: [{ peers: ['y'], ports: ['5000/TCP'] }],
      egress: [{ peers: ['y'], ports: ['443/TCP'] }],
    }),
    to('x', frame(pair.y, pair.x, PROTO.tcp, tcp(443, 5_000, SYN)), ALLOWED),
    connections(0, 1),
    from('x', frame(pair.x, pair.y, PROTO.tcp, tcp(5_000, 443, SYN)), ALLOWED),
    connections(1, 1),
  ),
  packetCase(
    `a FIN before the first reply counts after it, ${pair.family}`,
    CLIENT,
    from('x', out(pair, SYN), ALLOWED),
    from('x', out(pair, FIN | ACK), ALLOWED),
    to('x', back(pair, SYN | ACK), REPLY),
    age(300),
    to('x', back(pair, ACK), ISOLATED),
  ),
  ...(
    [
      ['UDP', PROTO.udp, udp, 53, 81],
      ['SCTP', PROTO.sctp, sctp, 99, 82],
    ] as const
  ).flatMap(([name, protocol, build, port, own]) => [
    packetCase(
      `replies of ${name} pass to who opened, ${pair.family}`,
      CLIENT,
      to('x', frame(pair.y, pair.x, protocol, build(port, 5_000)), ISOLATED),
      from('x', frame(pair.x, pair.y, protocol, build(5_000, port)), ALLOWED),
      to('x', frame(pair.y, pair.x, protocol, build(port, 5_000)), REPLY),
      to('x', frame(pair.y, pair.x, protocol, build(port, 5_001)), ISOLATED),
      to('x', frame(pair.y, pair.x, protocol, build(port + 1, 5_000)), ISOLATED),
      to('x', frame(pair.z, pair.x, protocol, build(port, 5_000)), ISOLATED),
      connections(1, 0, 1),
    ),
    packetCase(
      `replies of ${name} pass from who was called, ${pair.family}`,
      SERVER,
      from('x', frame(pair.x, pair.y, protocol, build(own, 5_000)), ISOLATED),
      to('x', frame(pair.y, pair.x, protocol, build(5_000, own)), ALLOWED),
      from('x', frame(pair.x, pair.y, protocol, build(own, 5_000)), REPLY),
      from('x', frame(pair.x, pair.y, protocol, build(own, 5_001)), ISOLATED),
      connections(0, 1, 1),
    ),
  ]),
  packetCase(
    `the entry is asked for, not the table alone, ${pair.family}`,
    CLIENT,
    to('x', segment(pair.y, 443, pair.x, 22, SYN), ISOLATED),
    to('x', segment(pair.y, 443, pair.x, 22, ACK), ISOLATED),
    from('x', out(pair, SYN), ALLOWED),
    to('x', segment(pair.y, 443, pair.x, 22, SYN), ISOLATED),
    to('x', segment(pair.y, 443, pair.x, 22, SYN | ACK), ISOLATED),
    to('x', segment(pair.y, 443, pair.x, 22, ACK), ISOLATED),
    to('x', segment(pair.y, 444, pair.x, 40_000, ACK), ISOLATED),
    to('x', segment(pair.z, 443, pair.x, 40_000, ACK), ISOLATED),
    to('x', frame(pair.y, pair.x, PROTO.udp, udp(443, 40_000)), ISOLATED),
  ),
];

const icmpReplies = (pair: Pair, protocol: number, request: number, reply: number): PacketCase => {
  const at = (source: string, destination: string, type: number, id: number): Uint8Array =>
    frame(source, destination, protocol, icmp(type, (id << 16) | 1));
  return packetCase(
    `replies of ICMP type ${request} pass, ${pair.family}`,
    CLIENT_OF_ALL,
    to('x', at(pair.y, pair.x, reply, 7), ISOLATED),
    from('x', at(pair.x, pair.y, request, 7), ALLOWED),
    connections(1, 0),
    to('x', at(pair.y, pair.x, reply, 7), REPLY),
    to('x', at(pair.y, pair.x, reply, 8), ISOLATED),
    to('x', at(pair.z, pair.x, reply, 7), ISOLATED),
    to('x', at(pair.y, pair.x, request, 7), ISOLATED),
    from('x', at(pair.x, pair.y, reply, 9), ALLOWED),
    connections(1, 0),
    age(299),
    to('x', at(pair.y, pair.x, reply, 7), REPLY),
    age(301),
    to('x', at(pair.y, pair.x, reply, 7), ISOLATED),
    rebind({ policies: SERVER_OF_ALL }),
    to('x', at(pair.y, pair.x, request, 7), ALLOWED),
    from('x', at(pair.x, pair.y, reply, 7), REPLY),
    from('x', at(pair.x, pair.y, request, 7), ISOLATED),
  );
};

const NARROW = policies({
  pod: 'x',
  ingress: [{ peers: ['y'], ports: ['22/TCP'] }],
  egress: [{ peers: ['y'], ports: ['40000/TCP'] }],
});
const NARROW_OUT = policies({
  pod: 'x',
  ingress: [],
  egress: [{ peers: ['y'], ports: ['40000/TCP'] }],
});
const MIRROR = policies({
  pod: 'x',
  ingress: [{ peers: ['y'], ports: ['40000/TCP'] }],
  egress: [{ peers: ['y'], ports: ['443/TCP'] }],
});
const MIRROR_IN = policies({
  pod: 'x',
  ingress: [{ peers: ['y'], ports: ['40000/TCP'] }],
  egress: [],
});

const separation = (pair: Pair): readonly PacketCase[] => [
  packetCase(
    `what others opened does not answer for what the pod opened, ${pair.family}`,
    NARROW,
    to('x', segment(pair.y, 40_000, pair.x, 22, SYN), ALLOWED),
    connections(0, 1),
    rebind({ policies: NARROW_OUT }),
    to('x', segment(pair.y, 40_000, pair.x, 22, ACK), ISOLATED),
    to('x', segment(pair.y, 40_000, pair.x, 22, SYN), ISOLATED),
  ),
  packetCase(
    `what the pod opened does not answer for what others opened, ${pair.family}`,
    MIRROR,
    from('x', out(pair, SYN), ALLOWED),
    connections(1, 0),
    rebind({ policies: MIRROR_IN }),
    from('x', out(pair, ACK), ISOLATED),
    from('x', out(pair, SYN), ISOLATED),
  ),
  packetCase(
    `a denied SYN leaves nothing, ${pair.family}`,
    CLIENT,
    from('x', segment(pair.x, 40_000, pair.y, 444, SYN), ISOLATED),
    from('x', segment(pair.x, 40_000, pair.z, 443, SYN), ISOLATED),
    to('x', segment(pair.y, 40_000, pair.x, 443, SYN), ISOLATED),
    connections(0, 0),
    to('x', segment(pair.y, 444, pair.x, 40_000, SYN | ACK), ISOLATED),
  ),
  packetCase(
    `only a SYN without ACK opens, ${pair.family}`,
    CLIENT,
    from('x', out(pair, ACK), ALLOWED),
    from('x', out(pair, SYN | ACK), ALLOWED),
    from('x', out(pair, RST), ALLOWED),
    from('x', out(pair, FIN | ACK), ALLOWED),
    from('x', out(pair, 0), ALLOWED),
    connections(0, 0),
    to('x', back(pair, ACK), ISOLATED),
  ),
  packetCase(
    `replies end with their rule, ${pair.family}`,
    CLIENT,
    from('x', out(pair, SYN), ALLOWED),
    to('x', back(pair, SYN | ACK), REPLY),
    rebind({ policies: CLOSED }),
    to('x', back(pair, ACK), ISOLATED),
    from('x', out(pair, ACK), ISOLATED),
    rebind({ policies: CLIENT }),
    to('x', back(pair, ACK), REPLY),
  ),
  packetCase(
    `answers end with their rule, ${pair.family}`,
    SERVER,
    to('x', called(pair, SYN), ALLOWED),
    from('x', answer(pair, SYN | ACK), REPLY),
    rebind({ policies: CLOSED }),
    from('x', answer(pair, ACK), ISOLATED),
    to('x', called(pair, ACK), ISOLATED),
  ),
  packetCase(
    `an address that another pod has now gets no replies, ${pair.family}`,
    CLIENT,
    from('x', out(pair, SYN), ALLOWED),
    to('x', back(pair, SYN | ACK), REPLY),
    rebind({ cluster: clusterText({ x: 'successor' }) }),
    to('successor', back(pair, ACK), ISOLATED),
    from('successor', out(pair, SYN), ALLOWED),
    connections(2, 0),
    to('successor', back(pair, SYN | ACK), REPLY),
  ),
];

const ALL_TCP_IN = policies({
  pod: 'x',
  ingress: [{ peers: ['y'], ports: ['/TCP'] }],
  egress: [{ peers: ['y'] }],
});
const EGRESS_ALONE = policies({ pod: 'x', egress: [{ peers: ['y'], ports: ['443/TCP'] }] });
const INGRESS_ALONE = policies({ pod: 'x', ingress: [{ peers: ['y'], ports: ['80/TCP'] }] });
const BOTH_WAYS = policies({ pod: 'x', ingress: [{ peers: ['y'] }], egress: [{ peers: ['y'] }] });

const needs = (pair: Pair): readonly PacketCase[] => [
  packetCase(
    `no state where replies are allowed anyway, ${pair.family}`,
    EGRESS_ALONE,
    from('x', out(pair, SYN), ALLOWED),
    connections(0, 0),
    to('x', back(pair, SYN | ACK), 'pass judged default -'),
  ),
  packetCase(
    `a pod isolated for ingress alone needs state for what it opens, ${pair.family}`,
    INGRESS_ALONE,
    from('x', out(pair, SYN), 'pass judged default -'),
    connections(1, 0),
    to('x', back(pair, SYN | ACK), 'pass reply default -'),
    to('x', called(pair, SYN), ALLOWED),
    connections(1, 0),
    from('x', answer(pair, SYN | ACK), 'pass judged default -'),
  ),
  packetCase(
    `no state for a peer that is allowed both ways, ${pair.family}`,
    BOTH_WAYS,
    from('x', out(pair, SYN), ALLOWED),
    to('x', called(pair, SYN), ALLOWED),
    from('x', frame(pair.x, pair.y, PROTO.udp, udp(1, 2)), ALLOWED),
    connections(0, 0),
  ),
  packetCase(
    `a server that is isolated for ingress alone keeps no state of its clients, ${pair.family}`,
    policies({ pod: 'x', ingress: [{ peers: ['y'], ports: ['81/UDP', '82/SCTP'] }] }),
    ...(
      [
        [PROTO.udp, udp, 81],
        [PROTO.sctp, sctp, 82],
      ] as const
    ).flatMap(([protocol, build, port]) => [
      to('x', frame(pair.y, pair.x, protocol, build(5_000, port)), ALLOWED),
      from('x', frame(pair.x, pair.y, protocol, build(port, 5_000)), 'pass judged default -'),
      connections(0, 0),
    ]),
    from('x', frame(pair.x, pair.y, PROTO.udp, udp(80, 5_000)), 'pass judged default -'),
    connections(1, 0),
    to('x', frame(pair.y, pair.x, PROTO.udp, udp(5_000, 80)), 'pass reply default -'),
  ),
  packetCase(
    `a client that is isolated for egress alone keeps no state of its servers, ${pair.family}`,
    policies({ pod: 'x', egress: [{ peers: ['y'], ports: ['53/UDP', '99/SCTP'] }] }),
    ...(
      [
        [PROTO.udp, udp, 53],
        [PROTO.sctp, sctp, 99],
      ] as const
    ).flatMap(([protocol, build, port]) => [
      from('x', frame(pair.x, pair.y, protocol, build(5_000, port)), ALLOWED),
      to('x', frame(pair.y, pair.x, protocol, build(port, 5_000)), 'pass judged default -'),
      connections(0, 0),
    ]),
    to('x', frame(pair.y, pair.x, PROTO.udp, udp(54, 5_000)), 'pass judged default -'),
    connections(0, 1),
  ),
  packetCase(
    `peers that no rule names need state as well, ${pair.family}`,
    INGRESS_ALONE,
    from('x', segment(pair.x, 40_000, pair.z, 443, SYN), 'pass judged default -'),
    connections(1, 0),
    to('x', segment(pair.z, 443, pair.x, 40_000, SYN | ACK), 'pass reply default -'),
    rebind({ policies: EGRESS_ALONE }),
    to('x', segment(pair.z, 40_000, pair.x, 443, SYN), 'pass judged default -'),
    connections(1, 1),
    from('x', segment(pair.x, 443, pair.z, 40_000, SYN | ACK), 'pass reply default -'),
  ),
  packetCase(
    `no state where nothing isolates, ${pair.family}`,
    NOTHING_SELECTED,
    from('x', out(pair, SYN), 'pass judged default -'),
    to('x', called(pair, SYN), 'pass judged default -'),
    connections(0, 0),
  ),
  packetCase(
    `need is told apart by protocol, ${pair.family}`,
    ALL_TCP_IN,
    from('x', out(pair, SYN), ALLOWED),
    connections(0, 0),
    to('x', back(pair, SYN | ACK), ALLOWED),
    from('x', frame(pair.x, pair.y, PROTO.udp, udp(5_000, 53)), ALLOWED),
    connections(1, 0),
    from('x', frame(pair.x, pair.y, PROTO.sctp, sctp(5_000, 53)), ALLOWED),
    connections(2, 0),
    from(
      'x',
      frame(
        pair.x,
        pair.y,
        pair.family === 'IPv4' ? PROTO.icmp : PROTO.icmpv6,
        icmp(pair.family === 'IPv4' ? 8 : 128),
      ),
      ALLOWED,
    ),
    connections(3, 0),
  ),
];

export const CONNECTION_CASES: readonly PacketCase[] = [
  ...PAIRS.flatMap((pair) => [...replies(pair), ...separation(pair), ...needs(pair)]),
  ...PAIRS.slice(0, 1).flatMap((pair) =>
    (
      [
        [8, 0],
        [13, 14],
        [15, 16],
        [17, 18],
      ] as const
    ).map(([request, reply]) => icmpReplies(pair, PROTO.icmp, request, reply)),
  ),
  ...PAIRS.slice(1).map((pair) => icmpReplies(pair, PROTO.icmpv6, 128, 129)),
];
