/** The layout of connection state: keys, values and the maps that hold what packets left. */
import { declareMap } from '../layout.js';
import type { MapDeclaration } from '../assembly/listing.js';

/** Bytes of a key of the connection maps; emit/frame.ts has the fields. */
export const CONNECTION_KEY_SIZE = 28;
/** Offsets in a connection's value: u64 last seen, in jiffies; u32 flags; u32 its place among the live. */
export const CONNECTION = { lastSeen: 0, flags: 8, slot: 12, size: 16 } as const;
export const CONNECTION_FLAG = {
  replied: 1 << 0,
  closing: 1 << 1,
  /** It is among the live ones. */
  live: 1 << 2,
} as const;
/**
 * Connections that a node remembers of each kind: those that nobody has answered yet, and those that
 * were answered. They are apart so that a flood of new ones pushes out none that is alive. Of the live
 * ones a pod gets three quarters at most.
 */
export const CONNECTION_CAPACITY = { pending: 65_536, live: 131_072, livePerPod: 98_304 } as const;
/** A connection key, who has the place, and behind it when it was given: the lower half of jiffies. */
export const LIVE_SLOT = { given: 28, size: 32 } as const;
/** Pods, twice each, whose live connections are counted. */
const LIVE_COUNT_CAPACITY = 4096;
/** Datagrams that are on their way in fragments. */
const FRAGMENT_CAPACITY = 8192;
/** Flows without a handshake that are noted as seen within a second; a power of two. Place 0 is nobody's. */
export const RECENT_CAPACITY = 8192;
/** Where, behind a connection key, the lower half of the jiffies stands at which a flow was seen. */
export const RECENT_SEEN = 28;

export const CONNECTION_MAPS = {
  /** Connections that the pod opened: made at from_pod, read at to_pod. */
  pendingOut: declareMap('pending_out', 'lru_hash', CONNECTION_KEY_SIZE, CONNECTION.size),
  /** Nothing is pushed out of it: emit/live.ts finds room, or refuses. */
  liveOut: declareMap('live_out', 'hash', CONNECTION_KEY_SIZE, CONNECTION.size),
  liveSlotsOut: declareMap('live_slots_out', 'array', 4, LIVE_SLOT.size),
  /** Connections that others opened to the pod: made at to_pod, read at from_pod. */
  pendingIn: declareMap('pending_in', 'lru_hash', CONNECTION_KEY_SIZE, CONNECTION.size),
  liveIn: declareMap('live_in', 'hash', CONNECTION_KEY_SIZE, CONNECTION.size),
  liveSlotsIn: declareMap('live_slots_in', 'array', 4, LIVE_SLOT.size),
  /** u32 incarnation, u32 kind → u64, how many live connections the pod has. */
  liveCounts: declareMap('live_counts', 'lru_hash', 8, 8),
  /** Fragmented replies on their way: the key of emit/fragments.ts → u64, when the first fragment passed. */
  fragments: declareMap('fragments', 'lru_hash', CONNECTION_KEY_SIZE, 8),
  /** Who refreshed its state a moment ago. It spares work and decides nothing; a generation has its own. */
  recent: declareMap('recent', 'array', 4, 32, 1 + RECENT_CAPACITY),
} as const;

/** The maps that hold what packets left, at the sizes that a node has. They outlive generations. */
export const STATE_MAPS: readonly MapDeclaration[] = (
  [
    [CONNECTION_MAPS.pendingOut, CONNECTION_CAPACITY.pending],
    [CONNECTION_MAPS.liveOut, CONNECTION_CAPACITY.live],
    [CONNECTION_MAPS.liveSlotsOut, CONNECTION_CAPACITY.live],
    [CONNECTION_MAPS.pendingIn, CONNECTION_CAPACITY.pending],
    [CONNECTION_MAPS.liveIn, CONNECTION_CAPACITY.live],
    [CONNECTION_MAPS.liveSlotsIn, CONNECTION_CAPACITY.live],
    [CONNECTION_MAPS.liveCounts, LIVE_COUNT_CAPACITY],
    [CONNECTION_MAPS.fragments, FRAGMENT_CAPACITY],
  ] as const
).map(([declaration, maxEntries]) => ({ ...declaration, maxEntries }));

/** Of them, those whose entries have to go so that nothing is remembered. */
export const MEMORY_MAPS: readonly string[] = STATE_MAPS.filter(({ type }) => type !== 'array').map(
  ({ name }) => name,
);
