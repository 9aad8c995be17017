/** Lookups: addresses in every kind of trie node, at the edges of prefixes, and rows that share cells. */
import { ADDRESS_BITS, formatAddress, parsePrefix, prefixLast } from '../../src/address.js';
import { ACK, ETHER, frame, PROTO, tcp } from '../support/frames.js';
import { from, packetCase, to, type PacketCase, type SendStep } from './case.js';
import { ISOLATED } from './policies.js';
import { policies, X, X6, type RuleText } from './world.js';

/** What these make of the IPv4 trie: see TRIE in layout.ts. Blocks are /20, groups /14. */
const CIDRS4: readonly string[] = [
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
  ...Array.from({ length: 40 }, (_, i) => `31.2.15.${6 * i + 1}/32`),
  '31.2.15.254/31',
  // Groups of small parts: single addresses all over a block, and last nodes.
  ...Array.from({ length: 16 }, (_, i) => `32.3.${64 + i}.${10 * i + 5}/32`),
  '32.3.64.64/30',
  '32.3.64.80/32',
  ...Array.from({ length: 7 }, (_, i) => `32.3.79.${3 * i + 2}/32`),
  // The ends of all addresses.
  '223.255.255.255/32',
];

/** The same of IPv6: see TRIE6. Nodes are as wide as their prefixes are many. */
const CIDRS6: readonly string[] = [
  // Above all halves, in the first half, and where the halves meet.
  '2600::/12',
  '2a00:1:2::/48',
  '2001:db8:0:1::/64',
  '2001:db8:0:2::/63',
  // The lower half: one prefix of an upper half, and crowds with and without a word around them.
  '2001:db8:5::1/128',
  '2001:db8:6::/65',
  '2001:db8:7:0:ffff:ffff:ffff:ffff/128',
  '2001:db8:0:1:8000::/66',
  '2001:db8:0:1::1/128',
  '2001:db8:0:1::2/127',
  '2001:db8:0:1:0:ffff::/96',
  ...Array.from({ length: 20 }, (_, i) => `2001:db8:8::${(3 * i + 1).toString(16)}/128`),
  // Within another prefix, close to its end and far from it.
  '2600:8000::/17',
  '260f:ffff:ffff:ffff:ffff:ffff:ffff:fff0/124',
  // Many in a row, so that a node has many groups.
  ...Array.from({ length: 40 }, (_, i) => `2a01:${(256 * i).toString(16)}::/24`),
  // The ends of all addresses that are nothing else.
  '::/128',
  'efff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128',
];

const PORT = 1000;
/** One in so many bits of each prefix is tried the other way round. */
const STRAY_STEP = 5;

interface Lists {
  readonly cidrs: readonly string[];
  readonly own: string;
  readonly policies: string;
}

/** Rules of another pod come first, so that those of x do not count from 0. */
function listsOf(cidrs: readonly string[], own: string): Lists {
  const rules = cidrs.map((cidr, i): RuleText => ({ peers: [cidr], ports: [`${PORT + i}/TCP`] }));
  const text = policies(
    { pod: 'four', ingress: [{ ports: ['1/TCP'] }, { ports: ['2/TCP'] }], egress: [] },
    { pod: 'x', ingress: rules, egress: rules },
  );
  return { cidrs, own, policies: text };
}

const LISTS = { IPv4: listsOf(CIDRS4, X), IPv6: listsOf(CIDRS6, X6) } as const;

/** A tag takes the packet off the fast path. */
interface Course {
  readonly lists: Lists;
  readonly way: 'from' | 'to';
  readonly tags: readonly number[];
}

function probe(
  { lists, way, tags }: Course,
  far: string,
  port: number,
  expected: string,
): SendStep {
  const segment = tcp(40_000, port, ACK);
  return way === 'from'
    ? from('x', frame(lists.own, far, PROTO.tcp, segment, {}, tags), expected)
    : to('x', frame(far, lists.own, PROTO.tcp, segment, {}, tags), expected);
}

/** Each prefix has a port of its own, so that what lies around it is denied there. */
function edges(course: Course, cidr: string, index: number): readonly SendStep[] {
  const prefix = parsePrefix(cidr);
  if (prefix === undefined) throw new Error(`no prefix: ${cidr}`);
  const { family, value } = prefix;
  const top = 2n ** BigInt(ADDRESS_BITS[family]) - 1n;
  const rule = `pass judged rule t/x ${course.way === 'from' ? 'egress' : 'ingress'}[${index}]`;
  const last = prefixLast(prefix);
  const { length } = course.lists.cidrs;
  const strays = Array.from({ length: Math.ceil(prefix.length / STRAY_STEP) }, (_, i) => {
    const flipped = 1n << BigInt(ADDRESS_BITS[family] - 1 - i * STRAY_STEP);
    return [value ^ flipped, PORT + index, ISOLATED] as const;
  });
  return [
    ...strays,
    [value, PORT + index, rule] as const,
    [last, PORT + index, rule] as const,
    [value - 1n, PORT + index, ISOLATED] as const,
    [last + 1n, PORT + index, ISOLATED] as const,
    [value, PORT + index - 1, ISOLATED] as const,
    [last, PORT + length, ISOLATED] as const,
  ]
    .filter(([address]) => address >= 0n && address <= top)
    .map(([address, port, expected]) =>
      probe(course, formatAddress({ family, value: address }), port, expected),
    );
}

export const LOOKUP_CASES: readonly PacketCase[] = Object.entries(LISTS).flatMap(([name, lists]) =>
  (['from', 'to'] as const).flatMap((way) =>
    [[], [ETHER.vlan]].map((tags) =>
      packetCase(
        `edges of ${name} prefixes, ${way} the pod${tags.length > 0 ? ', with a tag' : ''}`,
        lists.policies,
        ...lists.cidrs.flatMap((cidr, i) => edges({ lists, way, tags }, cidr, i)),
      ),
    ),
  ),
);
