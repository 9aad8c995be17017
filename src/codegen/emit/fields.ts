/** Emits what several lookups are made of: loads of words of the fixed tables, and the count of set bits. */
import type { Assembler, Register } from '../assembly/assembler.js';
import { TABLES } from '../layout.js';

/** Loads a word of a frozen table: a constant to the verifier. */
export function emitLoadField(
  asm: Assembler,
  dst: Register,
  table: 'shape' | 'subject',
  offset: number,
): void {
  asm.loadTable(dst, TABLES[table]);
  asm.load(4, dst, dst, offset);
}

/** How many bits of `register` are set. Clobbers the other two. */
export function emitBitCount(
  asm: Assembler,
  register: Register,
  scratch: Register,
  mask: Register,
): void {
  asm.loadImm64(mask, 0x5555_5555_5555_5555n);
  asm.mov(scratch, register);
  asm.rsh(scratch, 1);
  asm.and(scratch, mask);
  asm.sub(register, scratch);
  asm.loadImm64(mask, 0x3333_3333_3333_3333n);
  asm.mov(scratch, register);
  asm.rsh(register, 2);
  asm.and(scratch, mask);
  asm.and(register, mask);
  asm.add(register, scratch);
  asm.loadImm64(mask, 0x0f0f_0f0f_0f0f_0f0fn);
  asm.mov(scratch, register);
  asm.rsh(scratch, 4);
  asm.add(register, scratch);
  asm.and(register, mask);
  asm.loadImm64(mask, 0x0101_0101_0101_0101n);
  asm.mul(register, mask);
  asm.rsh(register, 56);
}
