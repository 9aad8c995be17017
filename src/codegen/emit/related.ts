/** Emits the check of ICMP errors: they pass if the packet that they quote belongs to an allowed flow. */
import type { Direction } from '../../ir/model.js';
import type { Effects } from '../../ir/plan.js';
import {
  r0,
  r1,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  r9,
  r10,
  type Assembler,
} from '../assembly/assembler.js';
import { emitAddressEntry } from './classify.js';
import { judgeName, OPPOSITE } from './connections.js';
import { emitLoadField } from './fields.js';
import { emitExit, EXIT, FRAME, SKB } from './frame.js';
import { emitEnsure } from './parse.js';
import { PORT_INDEX, SUBJECT, SUBJECT_FLAG, TABLES } from '../layout.js';

/** Errors quote the IP header and at least 8 bytes behind it (RFC 792, RFC 4443). */
const QUOTED_TRANSPORT_BYTES = 8;
const ICMP_HEADER_BYTES = 8;

/**
 * r7 = the cell that denied the error itself. An error that comes to the pod quotes a packet that
 * the pod sent, one that the pod sends quotes a packet that came to it; either may have gone forward
 * or have been a reply.
 */
export function emitRelated(asm: Assembler, direction: Direction, effects: Effects): void {
  asm.label('related');
  if (effects.logsDenied) copyRemote(asm, FRAME.keyRemote, FRAME.errorRemote);
  asm.mov(r9, r7);
  asm.load(8, r7, r10, FRAME.transport);
  asm.load(4, r8, r6, SKB.dataEnd);
  emitEnsure(asm, ICMP_HEADER_BYTES, 'unrelated');
  asm.add(r7, ICMP_HEADER_BYTES);
  asm.load(1, r1, r10, FRAME.keyFamily);
  asm.branch('eq', r1, 6, 'quoted6');
  emitQuoted4(asm, direction);
  asm.label('quoted6');
  emitQuoted6(asm, direction);
  emitQuotedPorts(asm);

  emitAddressEntry(asm);
  for (const [judged, port] of [
    [OPPOSITE[direction], FRAME.quotedDestination],
    [direction, FRAME.quotedSource],
  ] as const) {
    const denied = asm.freshLabel('quoted_denied');
    asm.mov(r1, r8);
    asm.load(4, r2, r10, port);
    asm.callFunction(judgeName(judged));
    asm.branch('sge', r0, 0, denied, { width: 32 });
    asm.mov(r7, r0);
    emitExit(asm, 'allow', 'related');
    asm.label(denied);
  }
  asm.label('unrelated');
  if (effects.logsDenied) copyRemote(asm, FRAME.errorRemote, FRAME.keyRemote);
  asm.mov(r7, r9);
  asm.jump(EXIT.drop);
}

/** The event of an error names who sent it, and not whom the quoted packet was for. */
function copyRemote(asm: Assembler, from: number, to: number): void {
  for (const half of [0, 8]) {
    asm.load(8, r1, r10, from + half);
    asm.store(8, r10, to + half, r1);
  }
}

function emitQuoted4(asm: Assembler, direction: Direction): void {
  emitEnsure(asm, 20, 'unrelated');
  asm.load(1, r1, r7, 0);
  asm.mov(r2, r1);
  asm.rsh(r2, 4);
  asm.branch('ne', r2, 4, 'unrelated');
  asm.and(r1, 0xf);
  asm.branch('lt', r1, 5, 'unrelated');
  asm.lsh(r1, 2);
  asm.load(2, r2, r7, 6);
  asm.toBigEndian(r2, 16);
  asm.and(r2, 0x1fff);
  asm.branch('ne', r2, 0, 'unrelated');
  emitFamilyTest(asm, SUBJECT_FLAG.has4);
  const [own, remote] = direction === 'ingress' ? [12, 16] : [16, 12];
  asm.load(4, r2, r7, own);
  emitLoadField(asm, r3, 'subject', SUBJECT.own4);
  asm.branch('ne', r2, r3, 'unrelated');
  asm.load(4, r2, r7, remote);
  asm.store(4, r10, FRAME.keyRemote, r2);
  asm.load(1, r4, r7, 9);
  asm.add(r7, r1);
  asm.jump('quoted_transport');
}

function emitQuoted6(asm: Assembler, direction: Direction): void {
  emitEnsure(asm, 40, 'unrelated');
  asm.load(1, r1, r7, 0);
  asm.rsh(r1, 4);
  asm.branch('ne', r1, 6, 'unrelated');
  emitFamilyTest(asm, SUBJECT_FLAG.has6);
  const [own, remote] = direction === 'ingress' ? [8, 24] : [24, 8];
  asm.loadTable(r3, TABLES.subject);
  for (const offset of [0, 4, 8, 12]) {
    asm.load(4, r1, r7, own + offset);
    asm.load(4, r2, r3, SUBJECT.own6 + offset);
    asm.branch('ne', r1, r2, 'unrelated');
  }
  for (const offset of [0, 4, 8, 12]) {
    asm.load(4, r1, r7, remote + offset);
    asm.store(4, r10, FRAME.keyRemote + offset, r1);
  }
  asm.load(1, r4, r7, 6);
  asm.add(r7, 40);
}

/** A subject without an address of the family has zeros there, which a quote could match. */
function emitFamilyTest(asm: Assembler, flag: number): void {
  emitLoadField(asm, r2, 'subject', SUBJECT.flags);
  asm.and(r2, flag);
  asm.branch('eq', r2, 0, 'unrelated');
}

/** r4 = the quoted protocol, r7 = its header. */
function emitQuotedPorts(asm: Assembler): void {
  asm.label('quoted_transport');
  asm.mov(r2, PORT_INDEX.other);
  asm.mov(r3, PORT_INDEX.other);
  for (const [group, protocol] of [6, 17, 132].entries()) {
    const next = asm.freshLabel('quoted_next');
    asm.branch('ne', r4, protocol, next);
    asm.mov(r5, group << 16);
    asm.jump('quoted_ports');
    asm.label(next);
  }
  asm.jump('quoted_indexes');
  asm.label('quoted_ports');
  emitEnsure(asm, QUOTED_TRANSPORT_BYTES, 'unrelated');
  asm.load(2, r2, r7, 0);
  asm.toBigEndian(r2, 16);
  asm.or(r2, r5);
  asm.load(2, r3, r7, 2);
  asm.toBigEndian(r3, 16);
  asm.or(r3, r5);
  asm.label('quoted_indexes');
  asm.store(4, r10, FRAME.quotedSource, r2);
  asm.store(4, r10, FRAME.quotedDestination, r3);
}
