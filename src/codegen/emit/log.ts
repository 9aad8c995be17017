/** Emits what writes an event into the ring buffer, for packets whose cell asks for it. */
import type { Direction } from '../../ir/model.js';
import { r0, r1, r2, r3, r4, r6, r7, r10, type Assembler } from '../assembly/assembler.js';
import { emitLoadField } from './fields.js';
import { FRAME, PACKET, SKB } from './frame.js';
import { PROTOCOL } from './headers.js';
import { EVENT, EVENT_DIRECTIONS, EVENT_VERSION } from '../event.js';
import { CELL, EVENT_MAPS, OUTCOMES, SHAPE } from '../layout.js';

/** Of the connection's key: all but its zero, whose place the packet bits take. */
const KEY_BYTES = EVENT.packet - EVENT.remote;
const LOCAL_BYTES = 16;

/**
 * r7 = the cell that decided. Keeps r6 to r9. A full buffer loses the event and counts it; the
 * verdict does not depend on it.
 */
export function emitLogIfAsked(asm: Assembler, direction: Direction): void {
  const asked = asm.freshLabel('log');
  const done = asm.freshLabel('logged');
  asm.branch('set', r7, 1 << CELL.logBit, asked);
  asm.jump(done);
  asm.label(asked);
  emitRecord(asm, direction);
  asm.loadMap(r1, EVENT_MAPS.events.name);
  asm.mov(r2, r10);
  asm.add(r2, FRAME.event);
  asm.mov(r3, EVENT.size);
  asm.mov(r4, 0);
  asm.call('ringbuf_output');
  asm.branch('eq', r0, 0, done);
  emitLost(asm, done);
  asm.label(done);
}

function emitRecord(asm: Assembler, direction: Direction): void {
  const put = (size: 1 | 2 | 4 | 8, field: number, source: typeof r1 | number): void => {
    asm.store(size, r10, FRAME.event + field, source);
  };
  asm.call('ktime_get_ns');
  put(8, EVENT.nanoseconds, r0);
  put(1, EVENT.version, EVENT_VERSION);
  put(1, EVENT.outcome, OUTCOMES.indexOf('judged'));
  put(1, EVENT.direction, EVENT_DIRECTIONS.indexOf(direction));
  put(4, EVENT.cell, r7);
  emitLoadField(asm, r1, 'shape', SHAPE.fingerprint);
  put(4, EVENT.fingerprint, r1);
  asm.load(4, r1, r6, SKB.len);
  put(4, EVENT.length, r1);
  copy(asm, FRAME.key, EVENT.remote, KEY_BYTES);
  copy(asm, FRAME.local, EVENT.local, LOCAL_BYTES);
  asm.load(4, r1, r10, FRAME.packet);
  put(2, EVENT.packet, r1);
  put(4, EVENT.padding, 0);
  emitIcmpType(asm);
}

/** Frame slots are filled in pieces of 4, 2 and 1 bytes; none is read wider than in 2 here. */
function copy(asm: Assembler, slot: number, field: number, bytes: number): void {
  for (let at = 0; at < bytes;) {
    const size = bytes - at >= 4 ? 4 : 2;
    asm.load(size, r1, r10, slot + at);
    asm.store(size, r10, FRAME.event + field + at, r1);
    at += size;
  }
}

/** The first byte of the layer 4 header, wherever the packet's pages are. */
function emitIcmpType(asm: Assembler): void {
  const icmp = asm.freshLabel('log_icmp');
  const done = asm.freshLabel('log_icmp_done');
  asm.store(1, r10, FRAME.event + EVENT.icmpType, 0);
  asm.load(4, r1, r10, FRAME.packet);
  asm.branch('set', r1, PACKET.laterFragment, done);
  asm.load(1, r1, r10, FRAME.keyProtocol);
  asm.branch('eq', r1, PROTOCOL.icmp, icmp);
  asm.branch('ne', r1, PROTOCOL.icmpv6, done);
  asm.label(icmp);
  asm.load(8, r2, r10, FRAME.transport);
  asm.load(4, r1, r6, SKB.data);
  asm.sub(r2, r1);
  asm.mov(r1, r6);
  asm.mov(r3, r10);
  asm.add(r3, FRAME.event + EVENT.icmpType);
  asm.mov(r4, 1);
  asm.comment('a packet too short leaves zero');
  asm.call('skb_load_bytes');
  asm.label(done);
}

function emitLost(asm: Assembler, done: string): void {
  asm.store(4, r10, FRAME.scratch, 0);
  asm.loadMap(r1, EVENT_MAPS.lost.name);
  asm.mov(r2, r10);
  asm.add(r2, FRAME.scratch);
  asm.call('map_lookup_elem');
  asm.branch('eq', r0, 0, done);
  asm.mov(r1, 1);
  asm.atomicAdd(8, r0, 0, r1);
}
