/** The layout of what emitted programs read: fields of the fixed tables, cells, keys and map shapes. */
import type { Direction, PortProtocol, Verdict } from '../ir/model.js';
import type { DeciderId, Reason } from '../ir/normal-model.js';
import { bug } from '../diagnostics.js';
import type { MapDeclaration } from './assembly/listing.js';

/** Offsets in the frozen `shape` table: what bind chose for a node, constants to the verifier. */
export const SHAPE = {
  flags: 0,
  rowCount: 4,
  portCount: 8,
  cellCount: 12,
  defaultCount: 16,
  rowCellCount: 20,
  bitsCount: 24,
  jiffiesPerSecond: 28,
  /** Four words: the first port class of TCP, UDP, SCTP and of the special port indexes. */
  portBase: 32,
  /** Which deciders the cells' numbers mean; see event/deciders.ts. */
  fingerprint: 48,
  /** Words of the IPv4 trie. */
  trieCount: 52,
  /** Words of the IPv6 trie. */
  trie6Count: 56,
  size: 60,
} as const;

/** Bits of `shape.flags`: which variant of each logical table is filled. */
export const SHAPE_FLAG = {
  hash4: 1 << 0,
  lpm4: 1 << 1,
  hash6: 1 << 2,
  lpm6: 1 << 3,
  rowsHash: 1 << 4,
  cellsHash: 1 << 5,
  trie4: 1 << 6,
  trie6: 1 << 7,
} as const;

/** Offsets in the `subject` table, one for each pod. */
export const SUBJECT = {
  incarnation: 0,
  flags: 4,
  /** Own IPv4 address, network order. */
  own4: 8,
  own6: 16,
  /** Address classes of the own node, first to last; first > last where there is none. */
  ownNodeFirst: 32,
  ownNodeLast: 36,
  /** First row of the direction: index into `rows`, or the row's number for `rows_hash`. */
  rowBase: { ingress: 40, egress: 44 },
  /** Bit i: the i-th policy of the direction's plan selects the subject. */
  policies: { ingress: 48, egress: 52 },
  size: 56,
} as const;

export const SUBJECT_FLAG = {
  has4: 1 << 0,
  has6: 1 << 1,
  /** The pod routes: packets of other sources than its own address are judged, not dropped. */
  routes: 1 << 2,
} as const;

/** The first two bytes of fe80::/10 and ff02::/16 as a little-endian load sees them. */
export const LINK_LOCAL = { mask: 0xc0ff, prefix: 0x80fe } as const;
export const LINK_MULTICAST = 0x02ff;

/** An address entry: class in bits 0 to 23, flavour in 24 to 27. */
export const CLASS_BITS = 24;
export const MAX_CLASSES = 1 << CLASS_BITS;
/** What an address is, apart from the policies' predicates. Class 0 is outside with no predicate. */
export const FLAVOURS = ['outside', 'pod', 'node', 'service', 'unbound'] as const;
export type Flavour = (typeof FLAVOURS)[number];
/** Defaults are looked up by subject, direction and flavour in strides of this. */
export const FLAVOUR_STRIDE = 16;
/** Bit 31 of an entry: code layouts do not know the address's meaning; use the tables. */
export const ENTRY_NEEDS_TABLES_BIT = 31;

/**
 * The IPv4 trie: u32 words in one array. First come 2^14 groups of 64 blocks, a block being the 4,096
 * addresses of a /20. A group is four words: a bit for each block that differs from the group's usual
 * word (two words), where the leaves of those blocks begin, and the usual word. A leaf is two words: a
 * prefix within the block, and the word of the addresses in it; all others of the block have the usual
 * one. A word is what is said of an address, or a node's first word with bits that say of which kind it is.
 *
 * A block whose prefixes are many is a `mid` node, 16 words, or where they are scattered four groups of its own: of
 * 64 parts of 16 addresses, their leaves right behind them. Below those there may be a `last` node, a word for
 * each address.
 */
export const TRIE = {
  groupBits: 14,
  groupWords: 4,
  rootSize: 1 << 16,
  /** Of an address, within its block, and within a part of a block. */
  blockBits: 12,
  partBits: 4,
  partGroups: 4,
  /**
   * A leaf's prefix: the address's lower bits, times two, with the bit below the prefix set and all
   * further ones clear.
   */
  leafWords: 2,
  /** 16 words for bits 8 to 11 of the address, or below that one for each address. With `packedBit`: groups. */
  fullBit: 30,
  midSize: 16,
  lastBits: 8,
  /** 64 bytes: up to ten intervals of all the rest of the address; see {@link PACKED}. */
  packedBit: 29,
  /** Nodes begin at multiples of so many words: a cache line. */
  nodeUnit: 16,
} as const;

/**
 * The IPv6 trie: records of four u32 words in one array. An address is read as two halves of 64 bits.
 *
 * A header, the first record of the array, is where a half begins: bits that all prefixes share (two words,
 * lower first), the word of addresses that lack them, and info. Its node follows it. A node is 2^n groups, as
 * in {@link TRIE}, each of 64 slots: n bits of the address choose the group, 6 the slot. A leaf is a prefix
 * (two words), the word of the addresses in it, and info. A word is an address entry, or with `nodeBit` the
 * first record of a node, with both bits a header for the lower half, with `lowBit` alone a single prefix of
 * the lower half: the half (two words) and its word.
 *
 * Bits are compared from bit 62 down, with the half shifted right by one. Info has in bits 0 to 5 by how much
 * to shift right what differs, from `skipShift` on how many of the half's bits to leave out before the
 * next node (for a single prefix: by how much to shift right), from `groupShift` on the next node's n.
 */
export const TRIE6 = {
  recordWords: 4,
  nodeBit: 30,
  lowBit: 29,
  skipShift: 8,
  groupShift: 16,
  /** Nodes that a lookup meets at most: each takes 6 bits of a half. */
  mostNodes: 22,
} as const;

/**
 * A packed node: three u64 with three starts each, and a word for each interval. The first interval
 * starts at 0, and its start is left out. Starts lie in lanes of 21 bits, so that one subtraction
 * compares an address with three of them.
 */
export const PACKED = {
  laneBits: 21,
  lanes: 3,
  startWords: 3,
  /** Where the intervals' words begin, in bytes. */
  words: 24,
  intervals: 10,
  size: 16,
  /** In a lane without a start: more than any rest of an address. */
  noStart: 0xf_ffff,
} as const;

/**
 * A row, two words: in the first the decider that relative cells count from (bits 0 to 23) and the
 * aspects (24 to 31), in the second the index of its cells: the first of them in the array, or the
 * number of their port row in the hash.
 */
export const ROW_BYTES = 8;
export const ROW_ASPECT_SHIFT = 24;
/**
 * Aspect bit 0 to 3: replies of TCP, UDP, SCTP and other protocols need state, because the row of
 * the opposite direction does not allow the class all local ports.
 */
/** Aspect bit 4 to 7: that row allows none of them, so that no denied packet of the protocol is a reply. */
export const CLOSED_ASPECT = 4;
export const PROTOCOL_GROUPS = ['TCP', 'UDP', 'SCTP'] as const satisfies readonly PortProtocol[];
export const OTHER_GROUP = 3;

/**
 * The port index: one number for protocol and port. TCP ports are 0 to 0xffff, UDP's and SCTP's
 * follow, and after them stand the packets that have no port to judge by.
 */
export const PORT_INDEX = {
  other: 0x30000,
  /** Later fragments of TCP, UDP and SCTP packets. */
  fragment: 0x30001,
  count: 0x30004,
} as const;

export function portGroup(protocol: PortProtocol): number {
  return PROTOCOL_GROUPS.indexOf(protocol);
}

export function portIndex(protocol: PortProtocol, port: number): number {
  return (portGroup(protocol) << 16) | port;
}

/** A cell: decider in bits 0 to 23, reason in 24 to 27, flags above. */
export const CELL = {
  deciderBits: 24,
  reasonShift: 24,
  reasonMask: 0xf,
  /** In the tables alone: the decider counts from the row's, so that rows that differ by it share cells. */
  relativeBit: 28,
  logBit: 29,
  rejectBit: 30,
  allowBit: 31,
} as const;

const REASONS: readonly Reason[] = [
  'default',
  'rule',
  'isolation',
  'own-node',
  'self',
  'service-mixed',
  'no-endpoint',
];

const RULE_REASON = REASONS.indexOf('rule');

export interface Cell {
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly decider: DeciderId;
  readonly log: boolean;
  readonly reject: boolean;
}

/** The cell as an unsigned 32-bit number. */
export function encodeCell(cell: Cell): number {
  if (cell.decider >= 1 << CELL.deciderBits)
    bug(`decider ${cell.decider} does not fit into a cell`);
  const reason = REASONS.indexOf(cell.reason);
  let word = cell.decider | (reason << CELL.reasonShift);
  if (cell.log) word |= 1 << CELL.logBit;
  if (cell.reject) word |= 1 << CELL.rejectBit;
  if (cell.verdict === 'allow') word |= 1 << CELL.allowBit;
  return word >>> 0;
}

/** Whether a rule decided: what `decodeCell` says of the reason, for bulk work. */
export function isRuleCell(word: number): boolean {
  return ((word >>> CELL.reasonShift) & CELL.reasonMask) === RULE_REASON;
}

export function decodeCell(word: number): Cell {
  const reason = REASONS[(word >>> CELL.reasonShift) & CELL.reasonMask];
  if (reason === undefined) bug(`cell 0x${word.toString(16)} has an unknown reason`);
  return {
    verdict: (word & (1 << CELL.allowBit)) === 0 ? 'deny' : 'allow',
    reason,
    decider: (word & ((1 << CELL.deciderBits) - 1)) as DeciderId,
    log: (word & (1 << CELL.logBit)) !== 0,
    reject: (word & (1 << CELL.rejectBit)) !== 0,
  };
}

/** What happened to a packet, in skb->cb[1]; cb[0] holds the cell that decided. */
export const OUTCOMES = [
  'none',
  /** Judged by the policies, or exempt from them as the cell's reason says. */
  'judged',
  /** A reply of a connection that is allowed and known. */
  'reply',
  /** An ICMP error that quotes a packet of an allowed flow. */
  'related',
  /** ARP, neighbour discovery and multicast listener reports. */
  'neighbour',
  /** The source is not the pod's own address. */
  'spoofed',
  'malformed',
  /** Neither IP nor ARP. */
  'not-ip',
  /** A table contradicts its shape: a bug of policyc. */
  'corrupt',
  /** Our own answer to a packet that was rejected at the other hook of the same interface. */
  'answer',
  /** The first reply of a connection for which there is no room among the live ones. */
  'crowded',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** TCX_NEXT and TC_ACT_UNSPEC: the next program of the chain decides. */
export const PASS = -1;
/** TCX_DROP and TC_ACT_SHOT. */
export const DROP = 2;
/** TCX_REDIRECT and TC_ACT_REDIRECT: the packet was turned into the answer that a rule rejects with. */
export const REDIRECT = 7;

/**
 * skb->mark of an answer on its way from one of an interface's hooks to the other. Whoever puts marks
 * on packets uses few bits of their own (kube-proxy 0x4000 and 0x8000, Cilium 0x0f00, Calico some of
 * the upper half); this one has half of all bits, and is only ever compared as a whole.
 */
export const ANSWER_MARK = 0x5a96_c35a;

/** BPF_F_NO_PREALLOC, which LPM tries demand (include/uapi/linux/bpf.h). */
const NO_PREALLOC = 1;

/** A map that is made in one piece, unless it is a trie. */
export const declareMap = (
  name: string,
  type: MapDeclaration['type'],
  keySize: number,
  valueSize: number,
  maxEntries = 1,
): MapDeclaration => ({
  name,
  type,
  keySize,
  valueSize,
  maxEntries,
  flags: type === 'lpm_trie' ? NO_PREALLOC : 0,
});

/** All maps of the object, at their smallest; bind sizes them. */
export const MAPS = {
  addr4Hash: declareMap('addr4_hash', 'hash', 4, 4),
  addr4Lpm: declareMap('addr4_lpm', 'lpm_trie', 8, 4),
  addr6Hash: declareMap('addr6_hash', 'hash', 16, 4),
  addr6Lpm: declareMap('addr6_lpm', 'lpm_trie', 20, 4),
  rowsHash: declareMap('rows_hash', 'hash', 8, ROW_BYTES),
  cellsHash: declareMap('cells_hash', 'hash', 8, 4),
} as const;

/** Bytes of the ring buffer: a power of two of whole pages. It holds some 3,200 events. */
export const EVENT_BUFFER_BYTES = 256 * 1024;

/** The maps of objects that log; all others do without. */
export const EVENT_MAPS = {
  events: declareMap('events', 'ringbuf', 0, 0, EVENT_BUFFER_BYTES),
  /** u64: events that found the ring buffer full. */
  lost: declareMap('events_lost', 'array', 4, 8),
} as const;

export const TABLES = {
  shape: 'shape',
  subject: 'subject',
  rows: 'rows',
  cells: 'cells',
  ports: 'ports',
  bits: 'bits',
  defaults: 'defaults',
  rowCells: 'row_cells',
  trie4: 'trie4',
  trie6: 'trie6',
} as const;

/** One of the two places of a node's programs: one is in force, the next generation is put into the other. */
export type Half = 0 | 1;

/** What gates and the programs behind them share; emit/gate.ts says how. */
export const GATE = {
  /** The programs of one pod, by {@link gateSlot}: its two directions of each half. */
  halves: declareMap('halves', 'prog_array', 4, 4, 4),
  /** u32, the same for a whole generation: 1 + the other half, or 0 where there are no gates. */
  halfTable: 'half',
  /** u32, the same for all gates of a node: bit 0 is the half in force, bit 1 says that both must allow. */
  controlTable: 'control',
} as const;

export function gateSlot(direction: Direction, half: Half): number {
  return (direction === 'ingress' ? 0 : 2) + half;
}
