/** Lookups: addresses in every kind of trie node, at the edges of prefixes, and rows that share cells. */
import { ACK, ETHER, frame, PROTO, tcp } from '../support/frames.js';
import { from, packetCase, to, type PacketCase, type SendStep } from './case.js';
import { ISOLATED } from './policies.js';
import { policies, X, type RuleText } from './world.js';

interface Block {
  readonly first: number;
  readonly length: number;
}

function block(cidr: string): Block {
  const [address = '', length = ''] = cidr.split('/');
  const first = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return { first, length: Number(length) };
}

function addressOf(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
}

/** What these make of the trie: see TRIE in layout.ts. Blocks are /20, groups /14. */
const CIDRS: readonly string[] = [
  // Groups without leaves, one with a leaf among them, and one of which half is usual. No prefix stands
  // right behind one that holds it: each is tried with the port before its own.
  '20.0.0.0/7',
  '34.0.0.0/15',
  '20.40.3.64/26',
  '34.1.16.32/27',
  '34.2.16.32/27',
  // Leaves of the first and last blocks of both halves of a group: an address, a whole block, and parts.
  '33.0.0.5/32',
  '33.1.240.0/20',
  '33.2.0.0/24',
  '33.3.255.128/25',
  // A packed node with all ten intervals in use.
  '30.1.16.0/24',
  '30.1.18.7/32',
  '30.1.22.0/23',
  '30.1.28.128/25',
  '30.1.31.253/32',
  // The first and the last address of a block.
  '30.1.32.0/32',
  '30.1.47.255/32',
  // A middle node, and in it entries, a packed node and a last one.
  ...Array.from({ length: 7 }, (_, i) => `31.2.${2 * i}.0/24`),
  '31.2.13.0/31',
  '31.2.13.17/32',
  '31.2.13.255/32',
  ...Array.from({ length: 12 }, (_, i) => `31.2.15.${20 * i + 1}/32`),
  '31.2.15.254/31',
  // The ends of all addresses.
  '223.255.255.255/32',
];

const PORT = 1000;
const rules: readonly RuleText[] = CIDRS.map((cidr, i) => ({
  peers: [cidr],
  ports: [`${PORT + i}/TCP`],
}));

/** Rules of another pod come first, so that those of x do not count from 0. */
const POLICIES = policies(
  { pod: 'four', ingress: [{ ports: ['1/TCP'] }, { ports: ['2/TCP'] }], egress: [] },
  { pod: 'x', ingress: rules, egress: rules },
);

/** A tag takes the packet off the fast path. */
interface Course {
  readonly way: 'from' | 'to';
  readonly tags: readonly number[];
}

const COURSES: readonly Course[] = (['from', 'to'] as const).flatMap((way) => [
  { way, tags: [] },
  { way, tags: [ETHER.vlan] },
]);

function probe({ way, tags }: Course, address: number, port: number, expected: string): SendStep {
  const segment = tcp(40_000, port, ACK);
  const far = addressOf(address);
  return way === 'from'
    ? from('x', frame(X, far, PROTO.tcp, segment, {}, tags), expected)
    : to('x', frame(far, X, PROTO.tcp, segment, {}, tags), expected);
}

function edges(course: Course, cidr: string, index: number): readonly SendStep[] {
  const { first, length } = block(cidr);
  const { way } = course;
  const last = first + 2 ** (32 - length) - 1;
  const rule = `pass judged rule t/x ${way === 'from' ? 'egress' : 'ingress'}[${index}]`;
  return [
    probe(course, first, PORT + index, rule),
    probe(course, last, PORT + index, rule),
    probe(course, first - 1, PORT + index, ISOLATED),
    probe(course, last + 1, PORT + index, ISOLATED),
    probe(course, first, PORT + index - 1, ISOLATED),
    probe(course, last, PORT + CIDRS.length, ISOLATED),
  ];
}

export const LOOKUP_CASES: readonly PacketCase[] = COURSES.map((course) =>
  packetCase(
    `edges of prefixes, ${course.way} the pod${course.tags.length > 0 ? ', with a tag' : ''}`,
    POLICIES,
    ...CIDRS.flatMap((cidr, i) => edges(course, cidr, i)),
  ),
);
