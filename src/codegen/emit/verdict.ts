/** Emits the verdict of one direction: address entry and port index in, cell out. */
import type { Direction } from '../../ir/model.js';
import type { VerdictLayout } from '../../ir/plan.js';
import { r0, r1, r2, r3, r4, r5, r7, r8, r9, r10, type Assembler } from '../assembly/assembler.js';
import { emitCodeVerdict } from './code-verdict.js';
import { emitLoadField } from './fields.js';
import { EXIT, FRAME } from './frame.js';
import {
  CELL,
  CLASS_BITS,
  ENTRY_NEEDS_TABLES_BIT,
  FLAVOUR_STRIDE,
  MAPS,
  PORT_INDEX,
  ROW_BYTES,
  SHAPE,
  SHAPE_FLAG,
  SUBJECT,
  TABLES,
} from '../layout.js';

/** r8 = entry, r9 = port index → r7 = cell. Clobbers r0 to r5. */
export function emitVerdict(asm: Assembler, direction: Direction, layout: VerdictLayout): void {
  const done = asm.freshLabel(`${direction}_decided`);
  if (layout.kind === 'code') {
    const tables = asm.freshLabel(`${direction}_tables`);
    asm.mov(r1, r8).comment('tables decide for Services and for fragments');
    asm.rsh32(r1, ENTRY_NEEDS_TABLES_BIT);
    asm.branch('ne', r1, 0, tables);
    asm.branch('ge', r9, PORT_INDEX.fragment, tables);
    emitCodeVerdict(asm, direction, layout, done);
    asm.label(tables);
  }
  emitTableVerdict(asm, direction);
  asm.label(done);
}

/** r8 = entry → r1 = row, its second word in the upper half. Clobbers r0 to r4. */
export function emitRow(asm: Assembler, direction: Direction): void {
  const dense = asm.freshLabel('row_dense');
  const miss = asm.freshLabel('row_default');
  const done = asm.freshLabel('row');
  emitLoadField(asm, r1, 'shape', SHAPE.flags);
  asm.and(r1, SHAPE_FLAG.rowsHash);
  asm.branch('eq', r1, 0, dense);
  emitLoadField(asm, r1, 'subject', SUBJECT.rowBase[direction]);
  asm.store(4, r10, FRAME.scratch, r1);
  asm.mov(r2, r8);
  emitClassOf(asm, r2);
  asm.store(4, r10, FRAME.scratch + 4, r2);
  asm.loadMap(r1, MAPS.rowsHash.name);
  asm.mov(r2, r10);
  asm.add(r2, FRAME.scratch);
  asm.call('map_lookup_elem');
  asm.branch('eq', r0, 0, miss);
  asm.load(8, r1, r0, 0);
  asm.jump(done);

  asm.label(miss);
  emitLoadField(asm, r1, 'subject', SUBJECT.rowBase[direction]);
  asm.mul32(r1, FLAVOUR_STRIDE);
  asm.mov(r2, r8);
  asm.rsh32(r2, CLASS_BITS);
  asm.and32(r2, FLAVOUR_STRIDE - 1);
  asm.add32(r1, r2);
  emitTableWord(asm, 'defaults', SHAPE.defaultCount, ROW_BYTES);
  asm.jump(done);

  asm.label(dense);
  emitDenseRow(asm, direction);
  asm.label(done);
}

function emitDenseRow(asm: Assembler, direction: Direction): void {
  emitLoadField(asm, r1, 'subject', SUBJECT.rowBase[direction]);
  asm.mov(r2, r8);
  emitClassOf(asm, r2);
  asm.add32(r1, r2);
  emitTableWord(asm, 'rows', SHAPE.rowCount, ROW_BYTES);
}

/** The address class of the entry in `register`. */
export function emitClassOf(asm: Assembler, register: typeof r2): void {
  asm.and32(register, (1 << CLASS_BITS) - 1);
}

/**
 * By arrays alone: r8 = entry, r9 = port index → r7 = cell, r5 = aspects from bit
 * {@link ROW_ASPECT_SHIFT} on. Clobbers r0 to r4.
 */
export function emitDenseVerdict(asm: Assembler, direction: Direction): void {
  emitDenseRow(asm, direction);
  asm.mov32(r5, r1);
  asm.rsh(r1, 32).comment('where the cells are');
  emitPortClass(asm);
  emitDenseCell(asm);
  emitDecider(asm);
}

function emitTableVerdict(asm: Assembler, direction: Direction): void {
  emitRow(asm, direction);
  asm.mov32(r5, r1);
  asm.rsh(r1, 32).comment('where the cells are');
  emitPortClass(asm);
  const dense = asm.freshLabel('cell_dense');
  const miss = asm.freshLabel('cell_default');
  const done = asm.freshLabel('cell');
  emitLoadField(asm, r3, 'shape', SHAPE.flags);
  asm.and(r3, SHAPE_FLAG.cellsHash);
  asm.branch('eq', r3, 0, dense);
  asm.store(4, r10, FRAME.scratch, r1);
  asm.store(4, r10, FRAME.scratch + 4, r2);
  asm.store(4, r10, FRAME.scratch + 8, r5);
  asm.loadMap(r1, MAPS.cellsHash.name);
  asm.mov(r2, r10);
  asm.add(r2, FRAME.scratch);
  asm.call('map_lookup_elem');
  asm.load(4, r5, r10, FRAME.scratch + 8);
  asm.branch('eq', r0, 0, miss);
  asm.load(4, r1, r0, 0);
  asm.jump(done);

  asm.label(miss);
  asm.load(4, r1, r10, FRAME.scratch);
  emitTableWord(asm, 'rowCells', SHAPE.rowCellCount, 4);
  asm.jump(done);

  asm.label(dense);
  emitDenseCell(asm);
  asm.label(done);
  emitDecider(asm);
}

/** r1 = first cell, r2 = port class → r1 = cell. */
function emitDenseCell(asm: Assembler): void {
  asm.add32(r1, r2);
  emitTableWord(asm, 'cells', SHAPE.cellCount, 4);
}

/** r1 = the table's cell, r5 = first word of the row → r7 = cell. */
function emitDecider(asm: Assembler): void {
  const absolute = asm.freshLabel('absolute');
  asm.mov(r7, r1);
  asm.and(r1, 1 << CELL.relativeBit);
  asm.branch('eq', r1, 0, absolute);
  asm.xor(r7, r1);
  asm.mov32(r1, r5);
  asm.and32(r1, (1 << CELL.deciderBits) - 1);
  asm.add(r7, r1).comment('the decider counts from that of the row');
  asm.label(absolute);
}

/** r9 = port index → r2 = port class. Keeps r1. */
function emitPortClass(asm: Assembler): void {
  emitLoadField(asm, r3, 'shape', SHAPE.portCount);
  asm.mov32(r2, r9);
  asm.branch('ge', r2, r3, EXIT.corrupt);
  asm.lsh(r2, 1);
  asm.loadTable(r3, TABLES.ports);
  asm.add(r3, r2);
  asm.load(2, r2, r3, 0);
  asm.mov32(r3, r9).comment('classes count from the first of the protocol');
  asm.rsh32(r3, 16);
  asm.and32(r3, 3);
  asm.lsh(r3, 2);
  asm.loadTable(r4, TABLES.shape, SHAPE.portBase);
  asm.add(r4, r3);
  asm.load(4, r4, r4, 0);
  asm.add32(r2, r4);
}

/** r1 = index → r1 = the table's word there. Clobbers r2, r3. */
function emitTableWord(
  asm: Assembler,
  table: 'rows' | 'cells' | 'defaults' | 'rowCells',
  countField: number,
  bytes: 4 | 8,
): void {
  emitLoadField(asm, r3, 'shape', countField);
  asm.branch('ge', r1, r3, EXIT.corrupt);
  asm.lsh(r1, bytes === 4 ? 2 : 3);
  asm.loadTable(r3, TABLES[table]);
  asm.add(r3, r1);
  asm.load(bytes, r1, r3, 0);
}
