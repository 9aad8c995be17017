/** Emits the passage of replies' later fragments: they have no ports, but share a number with the first one. */
import type { Direction } from '../../ir/model.js';
import { r0, r1, r2, r3, r4, r8, r10, type Assembler } from '../assembly/assembler.js';
import { emitKeyedCall } from './connections.js';
import { emitLoadField } from './fields.js';
import { EXIT, FRAME, PACKET } from './frame.js';
import { SHAPE } from '../layout.js';
import { CONNECTION_MAPS } from '../layout/state.js';

/** Seconds after which Linux gives up putting a datagram together (IP_FRAG_TIME, IPV6_FRAG_TIMEOUT). */
const REASSEMBLY = { 4: 30, 6: 60 } as const;

/**
 * What tells a datagram's fragments from all others: a connection's key with the fragments' number in
 * place of the ports, and the way that they go in place of the zero.
 */
function emitFragmentKey(asm: Assembler, direction: Direction): void {
  asm.load(4, r1, r10, FRAME.fragmentId);
  asm.store(4, r10, FRAME.keyLocalPort, r1);
  asm.store(2, r10, FRAME.keyZero, direction === 'ingress' ? 1 : 2);
}

/** After a first fragment that passed as a reply: those behind it may follow. Keeps r6 to r9. */
export function emitNoteFragment(asm: Assembler, direction: Direction): void {
  asm.load(4, r1, r10, FRAME.packet);
  asm.branch('set', r1, PACKET.firstFragment, 'note_fragment');
  asm.jump('reply');
  asm.label('note_fragment');
  emitFragmentKey(asm, direction);
  asm.call('jiffies64');
  asm.store(8, r10, FRAME.connectionValue, r0);
  asm.mov(r3, r10);
  asm.add(r3, FRAME.connectionValue);
  asm.mov(r4, 0);
  emitKeyedCall(asm, CONNECTION_MAPS.fragments, 'map_update_elem');
}

/**
 * A later fragment, of a protocol that the tables of now allow forward on some port: it passes if
 * the first one of its datagram did, a short time ago.
 */
export function emitReplyFragment(asm: Assembler, direction: Direction): void {
  asm.label('reply_fragment');
  emitFragmentKey(asm, direction);
  emitKeyedCall(asm, CONNECTION_MAPS.fragments, 'map_lookup_elem');
  asm.comment('what is logged of it has no ports');
  asm.store(4, r10, FRAME.keyLocalPort, 0);
  asm.store(2, r10, FRAME.keyZero, 0);
  asm.branch('eq', r0, 0, EXIT.drop);
  asm.mov(r8, r0);
  asm.call('jiffies64');
  asm.load(8, r1, r8, 0);
  asm.sub(r0, r1);
  emitLoadField(asm, r2, 'shape', SHAPE.jiffiesPerSecond);
  asm.mov(r3, r2);
  asm.mul(r3, REASSEMBLY[6]);
  asm.load(1, r1, r10, FRAME.keyFamily);
  asm.branch('eq', r1, 6, 'fragment_limit');
  asm.mov(r3, r2);
  asm.mul(r3, REASSEMBLY[4]);
  asm.label('fragment_limit');
  asm.branch('sle', r0, r3, 'reply');
  asm.jump(EXIT.drop);
}
