/** Emits the look at who was here a moment ago: a flow of many packets refreshes its state once a second. */
import { r0, r1, r2, r3, r10, type Assembler } from '../assembly/assembler.js';
import { emitLoadField } from './fields.js';
import { FRAME } from './frame.js';
import { SHAPE } from '../layout.js';
import {
  CONNECTION_KEY_SIZE,
  CONNECTION_MAPS,
  RECENT_CAPACITY,
  RECENT_SEEN,
} from '../layout/state.js';

/** 2^32 over the golden ratio. */
const SPREAD = 0x9e37_79b1;
const INDEX_BITS = Math.log2(RECENT_CAPACITY);
const NOW = FRAME.scratch + 4;

/**
 * Goes to `known` if the connection of the key was here within the last second: then its state need not
 * be touched. Otherwise it was now, and its state has to be made or refreshed. Keeps r6 to r9.
 *
 * Whole keys are compared, so that no flow is taken for another; the last of two that share a place has it.
 */
export function emitRecent(asm: Assembler, known: string): void {
  asm.call('jiffies64');
  asm.store(4, r10, NOW, r0);
  emitIndex(asm);
  asm.loadMap(r1, CONNECTION_MAPS.recent.name);
  asm.mov(r2, r10);
  asm.add(r2, FRAME.scratch);
  asm.call('map_lookup_elem');
  asm.branch('eq', r0, 0, 'noted');
  for (let at = 0; at < CONNECTION_KEY_SIZE; at += 4) {
    asm.load(4, r1, r0, at);
    asm.load(4, r2, r10, FRAME.key + at);
    asm.branch('ne', r1, r2, 'another');
  }
  asm.load(4, r1, r10, NOW);
  asm.load(4, r2, r0, RECENT_SEEN);
  asm.sub32(r1, r2);
  emitLoadField(asm, r3, 'shape', SHAPE.jiffiesPerSecond);
  asm.branch('lt', r1, r3, known);
  asm.jump('note');
  asm.label('another');
  for (let at = 0; at < CONNECTION_KEY_SIZE; at += 4) {
    asm.load(4, r1, r10, FRAME.key + at);
    asm.store(4, r0, at, r1);
  }
  asm.label('note');
  asm.load(4, r1, r10, NOW);
  asm.store(4, r0, RECENT_SEEN, r1);
  asm.label('noted');
}

/** The key's place, as the key of the array. */
function emitIndex(asm: Assembler): void {
  asm.load(4, r3, r10, FRAME.keyRemote);
  for (const [size, slot] of [
    [4, FRAME.keyRemote + 12],
    [4, FRAME.keyIncarnation],
    [2, FRAME.keyLocalPort],
    [2, FRAME.keyRemotePort],
  ] as const) {
    asm.mul32(r3, SPREAD);
    asm.load(size, r1, r10, slot);
    asm.xor32(r3, r1);
  }
  asm.mul32(r3, SPREAD);
  asm.rsh32(r3, 32 - INDEX_BITS);
  asm.add32(r3, 1);
  asm.store(4, r10, FRAME.scratch, r3);
}
