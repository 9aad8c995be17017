/** Emits the lookup of an IPv4 address in the trie: a group of blocks, a leaf, and for crowded blocks nodes. */
import { Assembler, r0, r1, r2, r3, r4, r5, r8, type Register } from '../assembly/assembler.js';
import { emitBitCount, emitLoadField } from './fields.js';
import { EXIT } from './frame.js';
import { PACKED, SHAPE, TABLES, TRIE } from '../layout.js';
import type { FunctionListing } from '../assembly/listing.js';

const FIND_ADDRESS = 'find_address4';
/** No entry has this bit. */
const CORRUPT_ENTRY = 1 << 28;

const NODE_INDEX_BITS = TRIE.packedBit;
/** A number in all lanes: what a multiplication by this makes. */
const ALL_LANES = lanes(1n);
/** The bit above a lane's start: it stays set where the subtraction does not borrow. */
const GUARDS = lanes(1n << BigInt(PACKED.laneBits - 1));

/** find_address4: address in host order → entry. */
export function emitFindAddress(): FunctionListing {
  const asm = new Assembler(FIND_ADDRESS, 'subprogram', ['number']);
  asm.mov32(r2, r1);
  emitTrieLookup(asm);
  asm.mov32(r0, r8);
  asm.exit();
  asm.label(EXIT.corrupt);
  asm.mov(r0, CORRUPT_ENTRY);
  asm.exit();
  return asm.finish();
}

/** r1 = address in host order → r8 = entry, out of line. Clobbers r0 to r5. */
export function emitCallFindAddress(asm: Assembler): void {
  asm.callFunction(FIND_ADDRESS);
  asm.mov32(r8, r0);
  asm.branch('set', r8, CORRUPT_ENTRY, EXIT.corrupt);
}

/** r2 = address in host order → r8 = word. Clobbers r0 to r5. */
export function emitTrieLookup(asm: Assembler): void {
  const label = (name: string): string => asm.freshLabel(`trie_${name}`);
  const [done, full, group] = [label('done'), label('full'), label('group')];
  const [last, packed] = [label('last'), label('packed')];
  asm.mov32(r1, r2);
  asm.rsh32(r1, 32 - TRIE.groupBits);
  asm.lsh32(r1, 2);
  emitGroup(asm, TRIE.blockBits, done);
  emitLeaf(asm, TRIE.blockBits, done);
  asm.branch('set', r8, 1 << TRIE.fullBit, full);
  asm.branch('set', r8, 1 << TRIE.packedBit, packed);
  asm.jump(done);

  asm.label(full);
  asm.branch('set', r8, 1 << TRIE.packedBit, group);
  asm.mov32(r1, r2);
  asm.rsh32(r1, TRIE.lastBits);
  asm.and32(r2, (1 << TRIE.lastBits) - 1);
  emitNodeWord(asm);
  asm.branch('set', r8, 1 << TRIE.fullBit, last);
  asm.branch('set', r8, 1 << TRIE.packedBit, packed);
  asm.jump(done);

  asm.label(group);
  asm.mov32(r1, r2);
  asm.rsh32(r1, TRIE.partBits + 6);
  asm.lsh32(r1, 2);
  asm.and32(r8, (1 << NODE_INDEX_BITS) - 1);
  asm.add32(r1, r8);
  emitGroup(asm, TRIE.partBits, done);
  emitLeaf(asm, TRIE.partBits, done);
  asm.branch('set', r8, 1 << TRIE.fullBit, last);
  asm.jump(done);

  asm.label(last);
  asm.mov32(r1, r2);
  emitNodeWord(asm);
  asm.jump(done);
  asm.label(packed);
  emitPackedNode(asm);
  asm.label(done);
}

/** r8 = word of a node, r1 = which of its words → r8 = that. */
function emitNodeWord(asm: Assembler): void {
  asm.and32(r8, (1 << NODE_INDEX_BITS) - 1);
  asm.add32(r1, r8);
  emitPointer(asm, 1);
  asm.load(4, r8, r3, 0);
}

/** r1 = index → r3 points to so many words of the trie there. */
function emitPointer(asm: Assembler, words: number): void {
  emitLoadField(asm, r3, 'shape', SHAPE.trieCount);
  asm.branch('lt', r3, words, EXIT.corrupt);
  asm.sub(r3, words);
  asm.branch('gt', r1, r3, EXIT.corrupt);
  asm.lsh(r1, 2);
  asm.loadTable(r3, TABLES.trie4);
  asm.add(r3, r1);
}

/**
 * r1 = index of the group → r8 = the usual word, r1 = index of the leaf of the block or part that the
 * address is in, whose own addresses have so many `bits`; to `usual` if it has none.
 */
function emitGroup(asm: Assembler, bits: number, usual: string): void {
  emitPointer(asm, TRIE.groupWords);
  asm.load(8, r4, r3, 0);
  asm.load(4, r8, r3, 12);
  asm.load(4, r1, r3, 8);
  asm.mov32(r5, r2);
  asm.rsh32(r5, bits);
  asm.xor32(r5, 63);
  asm.and32(r5, 63).comment('to shift the bit of the block to the top');
  asm.lsh(r4, r5);
  asm.branch('sge', r4, 0, usual);
  emitBitCount(asm, r4, r0, r5);
  asm.lsh32(r4, 1);
  asm.add32(r1, r4);
  asm.sub32(r1, TRIE.leafWords);
}

/** r1 = index of a leaf, r8 = the usual word → r8 = word, r2 = the address within its block or part. */
function emitLeaf(asm: Assembler, bits: number, usual: string): void {
  emitPointer(asm, TRIE.leafWords);
  asm.and32(r2, (1 << bits) - 1);
  asm.load(8, r1, r3, 0);
  asm.mov32(r4, r1);
  asm.mov(r5, r4);
  asm.sub(r5, 1);
  asm.xor(r5, r4).comment('r5: the bits that are not of the prefix');
  asm.mov32(r3, r2);
  asm.lsh32(r3, 1);
  asm.xor(r3, r4);
  asm.or(r3, r5);
  asm.branch('ne', r3, r5, usual);
  asm.rsh(r1, 32);
  asm.mov32(r8, r1);
}

/** r8 = word of a packed node, r2 = the rest of the address → r8 = word: how many starts are not above it. */
function emitPackedNode(asm: Assembler): void {
  asm.mov32(r1, r8);
  asm.and32(r1, (1 << NODE_INDEX_BITS) - 1);
  emitPointer(asm, PACKED.size);
  asm.loadImm64(r1, ALL_LANES);
  asm.mul(r2, r1);
  asm.loadImm64(r0, GUARDS);
  asm.or(r2, r0);
  const counts: readonly Register[] = [r8, r4, r5];
  for (const [word, count] of counts.entries()) {
    asm.load(8, r1, r3, 8 * word);
    asm.mov(count, r2);
    asm.sub(count, r1);
    asm.and(count, r0);
  }
  asm.rsh(r8, PACKED.laneBits - 1);
  asm.rsh(r4, PACKED.laneBits - 1);
  asm.rsh(r5, PACKED.laneBits - 1);
  asm.add(r8, r4);
  asm.add(r8, r5);
  asm.loadImm64(r1, ALL_LANES);
  asm.mul(r8, r1).comment('the upper lane: the sum of all lanes');
  asm.rsh(r8, PACKED.laneBits * (PACKED.lanes - 1));
  asm.and(r8, 0xf);
  asm.branch('ge', r8, PACKED.intervals, EXIT.corrupt);
  asm.lsh(r8, 2);
  asm.add(r3, r8);
  asm.load(4, r8, r3, PACKED.words);
}

function lanes(value: bigint): bigint {
  let all = 0n;
  for (let lane = 0; lane < PACKED.lanes; lane += 1) all |= value << BigInt(lane * PACKED.laneBits);
  return all;
}
