/** Emits the lookup of an IPv6 address in the trie: nodes of groups of slots, and leaves with prefixes. */
import {
  Assembler,
  r0,
  r1,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  type Register,
} from '../assembly/assembler.js';
import { emitBitCount, emitLoadField } from './fields.js';
import { EXIT } from './frame.js';
import { SHAPE, TABLES, TRIE6 } from '../layout.js';
import type { FunctionListing } from '../assembly/listing.js';

const FIND_ADDRESS6 = 'find_address6';
/** No entry has this bit. */
const CORRUPT_ENTRY = 1 << 28;
const INDEX_BITS = TRIE6.lowBit;

/** r1, r2 = upper and lower half of the address in host order → r8 = entry. Clobbers r0 to r5. */
export function emitCallFindAddress6(asm: Assembler): void {
  asm.callFunction(FIND_ADDRESS6);
  asm.mov32(r8, r0);
  asm.branch('set', r8, CORRUPT_ENTRY, EXIT.corrupt);
}

/**
 * find_address6: upper and lower half of an address in host order → entry.
 * r2 = the half from the next bit on, r5 = bits that choose the group, r6 = the lower half, r7 = nodes
 * that may follow, r8 = the entry unless a leaf says otherwise.
 */
export function emitFindAddress6(): FunctionListing {
  const asm = new Assembler(FIND_ADDRESS6, 'subprogram', ['number', 'number']);
  asm.mov(r6, r2);
  asm.mov(r2, r1);
  asm.mov(r7, TRIE6.mostNodes);
  asm.mov(r1, 0);
  asm.label('header');
  emitHeader(asm);
  asm.label('node');
  emitGroup(asm);
  emitLeaf(asm);
  asm.branch('set', r0, 1 << TRIE6.nodeBit, 'next');
  asm.branch('set', r0, 1 << TRIE6.lowBit, 'single');
  asm.mov(r8, r0);
  asm.label('found');
  asm.mov32(r0, r8);
  asm.exit();
  emitNext(asm);
  emitSingle(asm);
  asm.label(EXIT.corrupt);
  asm.mov(r0, CORRUPT_ENTRY);
  asm.exit();
  return asm.finish();
}

/** r1 = index, which is clobbered → r3 points to the record there. */
function emitRecord(asm: Assembler): void {
  emitLoadField(asm, r3, 'shape', SHAPE.trie6Count);
  asm.branch('lt', r3, TRIE6.recordWords, EXIT.corrupt);
  asm.sub(r3, TRIE6.recordWords);
  asm.branch('gt', r1, r3, EXIT.corrupt);
  asm.lsh(r1, 2);
  asm.loadTable(r3, TABLES.trie6);
  asm.add(r3, r1);
}

/** Goes to `found` unless the half begins with the bits in r4, as far as the info in r5 says. Clobbers r1. */
function emitCompare(asm: Assembler): void {
  asm.mov(r1, r2);
  asm.rsh(r1, 1);
  asm.xor(r1, r4);
  asm.mov(r4, r5);
  asm.and(r4, 63);
  asm.rsh(r1, r4);
  asm.branch('ne', r1, 0, 'found');
}

/** r1 = index of a header, r2 = the half → r1 = its node. */
function emitHeader(asm: Assembler): void {
  asm.mov(r0, r1);
  emitRecord(asm);
  asm.load(8, r4, r3, 0);
  asm.load(4, r8, r3, 8);
  asm.load(4, r5, r3, 12);
  emitCompare(asm);
  asm.mov(r1, r0);
  asm.add(r1, TRIE6.recordWords);
  emitSkip(asm);
}

/** r5 = info → the bits that choose the group; r2 without the bits that the next node need not see. */
function emitSkip(asm: Assembler): void {
  asm.mov(r4, r5);
  asm.rsh(r4, TRIE6.skipShift);
  asm.and(r4, 63);
  asm.lsh(r2, r4);
  asm.rsh(r5, TRIE6.groupShift);
  asm.and(r5, 63);
}

/** r1 = first group → r8 = the usual word, r1 = index of the slot's leaf, r2 behind the slot's bits. */
function emitGroup(asm: Assembler): void {
  asm.mov(r4, r2);
  asm.rsh(r4, 1);
  asm.mov(r3, 63);
  asm.sub(r3, r5);
  asm.rsh(r4, r3).comment('in two steps: there may be no bit that chooses the group');
  asm.lsh(r4, 2);
  asm.add(r1, r4);
  asm.lsh(r2, r5);
  emitRecord(asm);
  asm.load(8, r4, r3, 0);
  asm.load(4, r8, r3, 12);
  asm.load(4, r1, r3, 8);
  asm.mov(r5, r2);
  asm.rsh(r5, 58);
  asm.xor(r5, 63).comment('to shift the bit of the slot to the top');
  asm.lsh(r4, r5);
  asm.branch('sge', r4, 0, 'found');
  emitBitCount(asm, r4, r0, r5);
  asm.lsh(r4, 2);
  asm.add(r1, r4);
  asm.sub(r1, TRIE6.recordWords);
  asm.lsh(r2, 6);
}

/** r1 = index of a leaf → r0 = its word, r5 = its info. */
function emitLeaf(asm: Assembler): void {
  emitRecord(asm);
  asm.load(8, r4, r3, 0);
  asm.load(4, r0, r3, 8);
  asm.load(4, r5, r3, 12);
  emitCompare(asm);
}

/** r0 = word of a node, r5 = info of the leaf that has it. */
function emitNext(asm: Assembler): void {
  asm.label('next');
  asm.sub(r7, 1);
  asm.branch('eq', r7, 0, EXIT.corrupt);
  emitIndex(asm, r1);
  asm.branch('set', r0, 1 << TRIE6.lowBit, 'lower');
  emitSkip(asm);
  asm.jump('node');
  asm.label('lower');
  asm.mov(r2, r6);
  asm.jump('header');
}

/** A single prefix of the lower half. */
function emitSingle(asm: Assembler): void {
  asm.label('single');
  emitIndex(asm, r1);
  emitRecord(asm);
  asm.load(8, r4, r3, 0);
  asm.load(4, r0, r3, 8);
  asm.xor(r6, r4);
  asm.rsh(r5, TRIE6.skipShift);
  asm.and(r5, 63);
  asm.rsh(r6, r5);
  asm.branch('ne', r6, 0, 'found');
  asm.mov(r8, r0);
  asm.jump('found');
}

/** r0 = word → the index in it. */
function emitIndex(asm: Assembler, index: Register): void {
  asm.mov32(index, r0);
  asm.and32(index, (1 << INDEX_BITS) - 1);
}
