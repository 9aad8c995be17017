/** Emits the classification: spoofed sources, the pod itself, and the remote address's entry. */
import type { Direction } from '../../ir/model.js';
import { r0, r1, r2, r3, r8, r10, type Assembler } from '../assembly/assembler.js';
import { emitLoadField } from './fields.js';
import { emitBareExit, FRAME, PACKET } from './frame.js';
import { emitCallFindAddress } from './trie.js';
import { emitCallFindAddress6 } from './trie6.js';
import {
  CLASS_BITS,
  FLAVOUR_STRIDE,
  FLAVOURS,
  LINK_LOCAL,
  MAPS,
  SHAPE,
  SHAPE_FLAG,
  SUBJECT,
  SUBJECT_FLAG,
  TABLES,
} from '../layout.js';

/**
 * DHCP clients speak before they have an address: UDP 68 → 67 from 0.0.0.0 (RFC 2131), and for IPv6
 * 546 → 547 from a link-local address (RFC 8415).
 */
const DHCP = {
  4: { source: (1 << 16) | 68, destination: (1 << 16) | 67 },
  6: { source: (1 << 16) | 546, destination: (1 << 16) | 547 },
} as const;

/**
 * After parsing: leaves for a packet of the pod to itself, or from an address that is not the
 * pod's own. Afterwards the connection key is complete.
 */
export function emitSelfAndSource(asm: Assembler, direction: Direction): void {
  emitLoadField(asm, r1, 'subject', SUBJECT.incarnation);
  asm.store(4, r10, FRAME.keyIncarnation, r1);
  asm.store(2, r10, FRAME.keyZero, 0);
  asm.load(1, r1, r10, FRAME.keyFamily);
  asm.branch('eq', r1, 6, 'own6');
  emitOwn4(asm, direction);
  asm.label('own6');
  emitOwn6(asm, direction);
  asm.label('classify');
}

function emitOwn4(asm: Assembler, direction: Direction): void {
  emitLoadField(asm, r1, 'subject', SUBJECT.flags);
  asm.and(r1, SUBJECT_FLAG.has4);
  asm.branch('eq', r1, 0, 'foreign4');
  emitLoadField(asm, r1, 'subject', SUBJECT.own4);
  if (direction === 'egress') {
    asm.load(4, r2, r10, FRAME.local);
    asm.branch('ne', r1, r2, 'foreign4');
  }
  asm.load(4, r2, r10, FRAME.keyRemote);
  asm.branch('eq', r1, r2, 'self');
  asm.jump('classify');
  asm.label('foreign4');
  emitForeignSource(asm, direction, 4);
}

function emitOwn6(asm: Assembler, direction: Direction): void {
  emitLoadField(asm, r1, 'subject', SUBJECT.flags);
  asm.and(r1, SUBJECT_FLAG.has6);
  asm.branch('eq', r1, 0, 'foreign6');
  asm.loadTable(r1, TABLES.subject);
  if (direction === 'egress') emitCompare6(asm, FRAME.local, 'foreign6');
  emitCompare6(asm, FRAME.keyRemote, 'classify');
  asm.jump('self');
  asm.label('foreign6');
  emitForeignSource(asm, direction, 6);
}

/** r1 points to the subject; goes to `otherwise` unless its IPv6 address is the one on the stack. */
function emitCompare6(asm: Assembler, slot: number, otherwise: string): void {
  for (const half of [0, 8]) {
    asm.load(8, r2, r1, SUBJECT.own6 + half);
    asm.load(8, r3, r10, slot + half);
    asm.branch('ne', r2, r3, otherwise);
  }
}

/** A pod speaks from its own address alone; without that any rule by address could be forged. */
function emitForeignSource(asm: Assembler, direction: Direction, family: 4 | 6): void {
  if (direction === 'ingress') {
    asm.jump('classify');
    return;
  }
  const dhcp = DHCP[family];
  emitLoadField(asm, r1, 'subject', SUBJECT.flags);
  asm.and(r1, SUBJECT_FLAG.routes);
  asm.branch('ne', r1, 0, 'classify');
  asm.load(4, r1, r10, FRAME.source);
  asm.branch('ne', r1, dhcp.source, 'spoofed');
  asm.load(4, r1, r10, FRAME.destination);
  asm.branch('ne', r1, dhcp.destination, 'spoofed');
  if (family === 4) {
    asm.load(4, r1, r10, FRAME.local);
    asm.branch('ne', r1, 0, 'spoofed');
  } else {
    asm.load(2, r1, r10, FRAME.local);
    asm.and(r1, LINK_LOCAL.mask);
    asm.branch('ne', r1, LINK_LOCAL.prefix, 'spoofed');
  }
  asm.jump('classify');
}

/** r8 = entry. Goes to `neighbour` where neighbour discovery is meant for a pod or a node. */
export function emitSolicitation(asm: Assembler): void {
  asm.load(4, r1, r10, FRAME.packet);
  asm.branch('set', r1, PACKET.neighbour, 'global_neighbour');
  asm.label('no_neighbour');
}

function emitGlobalNeighbour(asm: Assembler): void {
  asm.label('global_neighbour');
  asm.mov(r1, r8);
  asm.rsh32(r1, CLASS_BITS);
  asm.and32(r1, FLAVOUR_STRIDE - 1);
  asm.branch('eq', r1, FLAVOURS.indexOf('pod'), 'neighbour');
  asm.branch('eq', r1, FLAVOURS.indexOf('node'), 'neighbour');
  asm.jump('no_neighbour');
}

/** r8 = the entry of the remote address in the key; 0 if no table has it. Clobbers r0 to r5. */
export function emitAddressEntry(asm: Assembler): void {
  const family6 = asm.freshLabel('address6');
  const done = asm.freshLabel('address_done');
  asm.load(1, r1, r10, FRAME.keyFamily);
  asm.branch('eq', r1, 6, family6);
  emitFamilyLookup(asm, 4, done);
  asm.label(family6);
  emitFamilyLookup(asm, 6, done);
  asm.label(done);
}

function emitFamilyLookup(asm: Assembler, family: 4 | 6, done: string): void {
  const maps = asm.freshLabel('address_maps');
  emitLoadField(asm, r1, 'shape', SHAPE.flags);
  asm.and(r1, family === 4 ? SHAPE_FLAG.trie4 : SHAPE_FLAG.trie6);
  asm.branch('eq', r1, 0, maps);
  if (family === 4) {
    asm.load(4, r1, r10, FRAME.keyRemote);
    asm.toBigEndian(r1, 32);
    emitCallFindAddress(asm);
  } else {
    asm.load(8, r1, r10, FRAME.keyRemote);
    asm.toBigEndian(r1, 64);
    asm.load(8, r2, r10, FRAME.keyRemote + 8);
    asm.toBigEndian(r2, 64);
    emitCallFindAddress6(asm);
  }
  asm.jump(done);
  asm.label(maps);
  const [hash, lpm] =
    family === 4 ? [MAPS.addr4Hash, MAPS.addr4Lpm] : [MAPS.addr6Hash, MAPS.addr6Lpm];
  const [hashFlag, lpmFlag] =
    family === 4 ? [SHAPE_FLAG.hash4, SHAPE_FLAG.lpm4] : [SHAPE_FLAG.hash6, SHAPE_FLAG.lpm6];
  const tryLpm = asm.freshLabel('address_lpm');
  const miss = asm.freshLabel('address_miss');
  emitLoadField(asm, r1, 'shape', SHAPE.flags);
  asm.and(r1, hashFlag);
  asm.branch('eq', r1, 0, tryLpm);
  asm.loadMap(r1, hash.name);
  asm.mov(r2, r10);
  asm.add(r2, FRAME.keyRemote);
  asm.call('map_lookup_elem');
  asm.branch('eq', r0, 0, tryLpm);
  asm.load(4, r8, r0, 0);
  asm.jump(done);
  asm.label(tryLpm);
  emitLoadField(asm, r1, 'shape', SHAPE.flags);
  asm.and(r1, lpmFlag);
  asm.branch('eq', r1, 0, miss);
  asm.store(4, r10, FRAME.scratch, family === 4 ? 32 : 128);
  for (let offset = 0; offset < (family === 4 ? 4 : 16); offset += 4) {
    asm.load(4, r1, r10, FRAME.keyRemote + offset);
    asm.store(4, r10, FRAME.scratch + 4 + offset, r1);
  }
  asm.loadMap(r1, lpm.name);
  asm.mov(r2, r10);
  asm.add(r2, FRAME.scratch);
  asm.call('map_lookup_elem');
  asm.branch('eq', r0, 0, miss);
  asm.load(4, r8, r0, 0);
  asm.jump(done);
  asm.label(miss);
  asm.mov(r8, 0);
  asm.jump(done);
}

/** The exits of this stage. */
export function emitClassifyExits(asm: Assembler, direction: Direction): void {
  emitBareExit(asm, 'neighbour', 'allow', 'neighbour');
  emitBareExit(asm, 'not_ip', 'deny', 'not-ip');
  emitBareExit(asm, 'spoofed', 'deny', 'spoofed');
  if (direction === 'egress') emitGlobalNeighbour(asm);
}
