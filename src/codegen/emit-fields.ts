/** Emits loads of words of the fixed tables. */
import type { Assembler, Register } from './assembler.js';
import { TABLES } from './layout.js';

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
