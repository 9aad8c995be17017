/** Replies in fragments: the later ones follow the first, by the number that they share. */
import { fragmentHeader, frame, icmp, option, PROTO, sctp, udp } from '../support/frames.js';
import { age, from, nodeTo, packetCase, rebind, to, type PacketCase } from './case.js';
import { mirrored } from './mirror.js';
import {
  CLIENT,
  CLIENT_OF_ALL,
  CLOSED,
  ISOLATED,
  SERVER_ALIKE,
  SERVER_OF_ALL,
} from './policies.js';
import { clusterText, OWN_NODE, OWN_NODE6, policies, X, X6, Y, Y6, Z, Z6 } from './world.js';

const ALLOWED = 'pass judged rule t/x';
const REPLY = 'pass reply rule t/x';

/** Seconds, as Linux puts datagrams together. */
const LIMITS = { IPv4: 30, IPv6: 60 } as const;

interface Piece {
  /** In units of 8 bytes; the first piece unless told. */
  readonly offset?: number;
  readonly id?: number;
  readonly protocol?: number;
  readonly payload?: Uint8Array;
}

/** A piece of a packet of many. */
function piece(source: string, destination: string, options: Piece): Uint8Array {
  const { offset = 0, id = 9, protocol = PROTO.udp, payload = udp(53, 5_000) } = options;
  return frame(
    source,
    destination,
    protocol,
    payload,
    source.includes(':')
      ? { extensions: [fragmentHeader(offset, true, id)] }
      : { offset, more: true, id },
  );
}

const later = { offset: 185 };

const both = [
  {
    name: 'IPv4',
    x: X,
    y: Y,
    z: Z,
    limit: LIMITS.IPv4,
    ids: [0x1234, 0x3412, 0x1235],
    node: OWN_NODE,
  },
  {
    name: 'IPv6',
    x: X6,
    y: Y6,
    z: Z6,
    limit: LIMITS.IPv6,
    ids: [0x1234_5678, 0x1234_5679, 0x1235_5678],
    node: OWN_NODE6,
  },
].flatMap(({ name, x, y, z, limit, ids: [id = 0, ...others], node }) => {
  const opened = from('x', frame(x, y, PROTO.udp, udp(5_000, 53)), ALLOWED);
  const first = to('x', piece(y, x, { id }), REPLY);
  const [echo, request, reply] = name === 'IPv4' ? [PROTO.icmp, 8, 0] : [PROTO.icmpv6, 128, 129];
  const cases = [
    packetCase(
      `later fragments of a reply follow the first, ${name}`,
      CLIENT,
      opened,
      to('x', piece(y, x, { ...later, id }), ISOLATED),
      first,
      to('x', piece(y, x, { ...later, id }), 'pass reply'),
      to('x', piece(y, x, { offset: 370, id }), 'pass reply'),
      ...others.map((other) => to('x', piece(y, x, { ...later, id: other }), ISOLATED)),
      to('x', piece(z, x, { ...later, id }), ISOLATED),
      to('x', piece(y, x, { ...later, id, protocol: PROTO.tcp }), ISOLATED),
      to('x', piece(y, x, { ...later, id, protocol: PROTO.sctp }), ISOLATED),
      to('x', piece(y, x, { ...later, id, protocol: 47 }), ISOLATED),
    ),
    packetCase(
      `a first fragment that is no reply leaves nothing, ${name}`,
      CLIENT,
      opened,
      to('x', piece(y, x, { id, payload: udp(53, 5_001) }), ISOLATED),
      to('x', piece(y, x, { ...later, id }), ISOLATED),
      to('x', frame(y, x, PROTO.udp, udp(53, 5_000), { id }), REPLY),
      to('x', piece(y, x, { ...later, id }), ISOLATED),
    ),
    packetCase(
      `fragments of a reply are waited for as long as Linux does, ${name}`,
      CLIENT,
      opened,
      first,
      age(limit - 0.5),
      to('x', piece(y, x, { ...later, id }), 'pass reply'),
      age(1),
      to('x', piece(y, x, { ...later, id }), ISOLATED),
      first,
      to('x', piece(y, x, { ...later, id }), 'pass reply'),
    ),
    packetCase(
      `later fragments of ICMP and SCTP replies, ${name}`,
      CLIENT_OF_ALL,
      from('x', frame(x, y, echo, icmp(request)), ALLOWED),
      to('x', piece(y, x, { id, protocol: echo, payload: icmp(reply) }), REPLY),
      to('x', piece(y, x, { ...later, id, protocol: echo }), 'pass reply'),
      to('x', piece(y, x, { ...later, id, protocol: PROTO.sctp }), ISOLATED),
      from('x', frame(x, y, PROTO.sctp, sctp(5_000, 99)), ALLOWED),
      to('x', piece(y, x, { id, protocol: PROTO.sctp, payload: sctp(99, 5_000) }), REPLY),
      to('x', piece(y, x, { ...later, id, protocol: PROTO.sctp }), 'pass reply'),
    ),
  ];
  const counterparts = new Map([
    [CLIENT, SERVER_ALIKE],
    [CLIENT_OF_ALL, SERVER_OF_ALL],
  ]);
  return [
    ...cases,
    ...cases.map((one) => mirrored(one, counterparts.get(one.policies) ?? one.policies)),
    packetCase(
      `fragments of a reply end with its rule and with its pod, ${name}`,
      CLIENT,
      opened,
      first,
      rebind({ policies: CLOSED }),
      to('x', piece(y, x, { ...later, id }), ISOLATED),
      rebind({ policies: CLIENT, cluster: clusterText({ x: 'successor' }) }),
      to('successor', piece(y, x, { ...later, id }), ISOLATED),
      rebind({ cluster: clusterText() }),
      to('x', piece(y, x, { ...later, id }), 'pass reply'),
    ),
    packetCase(
      `a number is good for one way alone, ${name}`,
      policies({
        pod: 'x',
        ingress: [{ peers: ['y'], ports: ['53/UDP'] }],
        egress: [{ peers: ['z'], ports: ['53/UDP'] }],
      }),
      to('x', frame(y, x, PROTO.udp, udp(5_000, 53)), ALLOWED),
      from('x', piece(x, y, { id }), REPLY),
      from('x', piece(x, y, { ...later, id }), 'pass reply'),
      rebind({
        policies: policies({
          pod: 'x',
          ingress: [],
          egress: [{ peers: ['y'], ports: ['53/UDP'] }],
        }),
      }),
      to('x', piece(y, x, { ...later, id }), ISOLATED),
    ),
    packetCase(
      `fragments of a reply to the own node, ${name}`,
      CLOSED,
      nodeTo('x', frame(node, x, PROTO.udp, udp(5_000, 53)), 'pass judged own-node'),
      from('x', piece(x, node, { ...later, id }), ISOLATED),
      from('x', piece(x, node, { id }), 'pass reply'),
      from('x', piece(x, node, { ...later, id }), 'pass reply'),
    ),
  ];
});

const headers = packetCase(
  'the number stands in the fragment header, wherever that is',
  CLIENT,
  from('x', frame(X6, Y6, PROTO.udp, udp(5_000, 53)), ALLOWED),
  to(
    'x',
    frame(Y6, X6, PROTO.udp, udp(53, 5_000), {
      extensions: [option(0), fragmentHeader(0, true, 77), option(60, 1)],
    }),
    REPLY,
  ),
  to('x', piece(Y6, X6, { ...later, id: 78 }), ISOLATED),
  to(
    'x',
    frame(Y6, X6, PROTO.udp, udp(53, 5_000), {
      extensions: [option(0), option(43), fragmentHeader(185, false, 77)],
    }),
    'pass reply',
  ),
);

export const REPLY_FRAGMENT_CASES: readonly PacketCase[] = [...both, headers];
