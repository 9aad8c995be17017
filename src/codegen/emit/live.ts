/** Emits how an answered connection gets a place among the live ones, of which nobody can push it out. */
import type { Direction } from '../../ir/model.js';
import { Assembler, r0, r1, r2, r3, r4, r6, r7, r8, r9, r10 } from '../assembly/assembler.js';
import { emitIdleLimit, emitKeyedCall, openedBy, type ConnectionMaps } from './connections.js';
import { emitLoadField } from './fields.js';
import { emitExit, FRAME } from './frame.js';
import { SHAPE } from '../layout.js';
import {
  CONNECTION,
  CONNECTION_CAPACITY,
  CONNECTION_FLAG,
  CONNECTION_KEY_SIZE,
  CONNECTION_MAPS,
  LIVE_SLOT,
} from '../layout/state.js';
import type { FunctionListing } from '../assembly/listing.js';

/**
 * Places that are looked at for one that is free. With three quarters alive, one search in 32 fails. Places
 * side by side would be taken side by side: then one in five does.
 */
const PLACES_TRIED = 12;
const PLACE_BITS = Math.log2(CONNECTION_CAPACITY.live);
const NO_EXIST = 1;
const EEXIST = -17;
/** Offsets in a connection's key. */
const KEY = {
  incarnation: FRAME.keyIncarnation - FRAME.key,
  protocol: FRAME.keyProtocol - FRAME.key,
  family: FRAME.keyFamily - FRAME.key,
} as const;
/** 2^32 over the golden ratio: spreads numbers, and steps through all 32-bit ones. */
const SPREAD = 0x9e37_79b1;

/** The subprogram that frees a place of a kind if nothing lives there. */
function collectName(direction: Direction): string {
  return direction === 'egress' ? 'collect_out' : 'collect_in';
}

/**
 * collect_out or collect_in: (place) → 1 if it is free, 0 if a connection lives there. One that has been
 * idle for too long is taken out and no longer counted. A place that was given is not given to another CPU
 * for a second, by when its connection is entered or has turned out to be one too many.
 */
export function emitCollect(direction: Direction): FunctionListing {
  const { live, slots, kind } = openedBy(direction);
  const asm = new Assembler(collectName(direction), 'subprogram', ['number']);
  const [PLACE, OWNER] = [-4, -16];
  asm.mov32(r6, r1);
  asm.store(4, r10, PLACE, r6);
  asm.loadMap(r1, slots.name);
  asm.mov(r2, r10);
  asm.add(r2, PLACE);
  asm.call('map_lookup_elem');
  asm.branch('eq', r0, 0, 'taken');
  asm.mov(r8, r0).comment('r8: the key of who has the place');
  asm.call('jiffies64');
  asm.mov(r7, r0);
  asm.load(1, r1, r8, KEY.family);
  asm.branch('eq', r1, 0, 'free');
  emitCallAt(asm, live.name, 'map_lookup_elem');
  asm.branch('eq', r0, 0, 'left');
  asm.load(4, r1, r0, CONNECTION.slot);
  asm.branch('ne', r1, r6, 'left');
  asm.mov(r1, r7);
  asm.load(8, r2, r0, CONNECTION.lastSeen);
  asm.sub(r1, r2);
  asm.load(4, r2, r0, CONNECTION.flags);
  asm.load(1, r3, r8, KEY.protocol);
  emitIdleLimit(asm);
  asm.branch('sle', r1, r4, 'taken');
  emitCallAt(asm, live.name, 'map_delete_elem');
  asm.comment('of several CPUs one has taken it out');
  asm.branch('ne', r0, 0, 'taken');
  asm.load(4, r1, r8, KEY.incarnation);
  asm.store(4, r10, OWNER, r1);
  asm.store(4, r10, OWNER + 4, kind);
  asm.loadMap(r1, CONNECTION_MAPS.liveCounts.name);
  asm.mov(r2, r10);
  asm.add(r2, OWNER);
  asm.call('map_lookup_elem');
  asm.branch('eq', r0, 0, 'free');
  asm.mov(r1, -1);
  asm.atomicAdd(8, r0, 0, r1);
  asm.jump('free');
  asm.label('left');
  asm.mov32(r1, r7);
  asm.load(4, r2, r8, LIVE_SLOT.given);
  asm.sub32(r1, r2);
  emitLoadField(asm, r2, 'shape', SHAPE.jiffiesPerSecond);
  asm.branch('lt', r1, r2, 'taken');
  asm.label('free');
  asm.store(4, r8, LIVE_SLOT.given, r7);
  asm.mov(r0, 1);
  asm.exit();
  asm.label('taken');
  asm.mov(r0, 0);
  asm.exit();
  return asm.finish();
}

/** With the key that r8 points to. */
function emitCallAt(
  asm: Assembler,
  map: string,
  helper: 'map_lookup_elem' | 'map_delete_elem',
): void {
  asm.loadMap(r1, map);
  asm.mov(r2, r8);
  asm.call(helper);
}

/**
 * A connection's first reply. r0 = now, r2 = the connection's flags; keeps r7 and r9. It goes on at
 * `replied`, or is dropped: if the pod has as many as it may, or no place was found.
 *
 * INVARIANT: a live connection has one place and is counted once, and is taken out by `collect` alone.
 */
export function emitPromote(asm: Assembler, forward: Direction): void {
  const { pending, live } = openedBy(forward);
  asm.label('promote');
  asm.store(8, r10, FRAME.connectionValue + CONNECTION.lastSeen, r0);
  asm.or(r2, CONNECTION_FLAG.live);
  asm.store(4, r10, FRAME.connectionValue + CONNECTION.flags, r2);
  asm.store(8, r10, FRAME.allowCell, r9);
  emitCount(asm, openedBy(forward));
  emitSeed(asm);
  for (let i = 0; i < PLACES_TRIED; i += 1) {
    const next = asm.freshLabel('next_place');
    asm.mul32(r8, SPREAD).comment('the next of a sequence that differs from search to search');
    asm.add32(r8, 1);
    asm.mov32(r1, r8);
    asm.rsh32(r1, 32 - PLACE_BITS);
    asm.store(4, r10, FRAME.connectionValue + CONNECTION.slot, r1);
    asm.callFunction(collectName(forward));
    asm.branch('eq', r0, 0, next);
    asm.load(8, r1, r9, 0).comment('less than none is left where a count was forgotten');
    asm.branch('slt', r1, CONNECTION_CAPACITY.livePerPod, 'enter');
    asm.label(next);
  }
  asm.label('crowded');
  emitExit(asm, 'deny', 'crowded');

  asm
    .label('enter')
    .comment('the place first: a connection that nobody finds again would stay for ever');
  emitTakePlace(asm, openedBy(forward));
  asm.mov(r3, r10);
  asm.add(r3, FRAME.connectionValue);
  asm.mov(r4, NO_EXIST);
  emitKeyedCall(asm, live, 'map_update_elem');
  asm.branch('eq', r0, EEXIST, 'entered', { width: 32 });
  asm.branch('ne', r0, 0, 'crowded', { width: 32 });
  asm.mov(r1, 1);
  asm.atomicAdd(8, r9, 0, r1);
  asm.label('entered');
  emitKeyedCall(asm, pending, 'map_delete_elem');
  asm.load(8, r9, r10, FRAME.allowCell);
  asm.jump('replied');
}

/** r9 = where the pod's live connections are counted. */
function emitCount(asm: Assembler, { kind }: ConnectionMaps): void {
  const counted = asm.freshLabel('counted');
  const lookup = (): void => {
    asm.loadMap(r1, CONNECTION_MAPS.liveCounts.name);
    asm.mov(r2, r10);
    asm.add(r2, FRAME.scratch);
  };
  asm.load(4, r1, r10, FRAME.keyIncarnation);
  asm.store(4, r10, FRAME.scratch, r1);
  asm.store(4, r10, FRAME.scratch + 4, kind);
  lookup();
  asm.call('map_lookup_elem');
  asm.branch('ne', r0, 0, counted);
  asm.store(4, r10, FRAME.scratch + 8, 0);
  asm.store(4, r10, FRAME.scratch + 12, 0);
  lookup();
  asm.mov(r3, r10);
  asm.add(r3, FRAME.scratch + 8);
  asm.mov(r4, NO_EXIST);
  asm.call('map_update_elem');
  lookup();
  asm.call('map_lookup_elem');
  asm.branch('eq', r0, 0, 'crowded');
  asm.label(counted);
  asm.mov(r9, r0);
}

/** r8 = a number that differs from connection to connection, and from search to search. */
function emitSeed(asm: Assembler): void {
  asm.load(4, r8, r10, FRAME.keyRemote);
  for (const [size, slot] of [
    [4, FRAME.keyRemote + 12],
    [4, FRAME.keyIncarnation],
    [2, FRAME.keyLocalPort],
    [2, FRAME.keyRemotePort],
    [4, FRAME.connectionValue + CONNECTION.lastSeen],
  ] as const) {
    asm.mul32(r8, SPREAD);
    asm.load(size, r1, r10, slot);
    asm.xor32(r8, r1);
  }
}

function emitTakePlace(asm: Assembler, { slots }: ConnectionMaps): void {
  asm.loadMap(r1, slots.name);
  asm.mov(r2, r10);
  asm.add(r2, FRAME.connectionValue + CONNECTION.slot);
  asm.call('map_lookup_elem');
  asm.branch('eq', r0, 0, 'crowded');
  for (let at = 0; at < CONNECTION_KEY_SIZE; at += 4) {
    asm.load(4, r1, r10, FRAME.key + at);
    asm.store(4, r0, at, r1);
  }
}
