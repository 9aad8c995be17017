/** The VM's pointers: what may be done with them, and accesses to memory that is not plain bytes. */
import type { AluOperation, MemorySize, Test, Width } from '../assembly/listing.js';
import type { Machine } from './machine.js';
import {
  type Cell,
  copyCell,
  NUMBER,
  outside,
  type Region,
  setNumber,
  setPointer,
  Stack,
  UNSET,
  violate,
} from './memory.js';

/** BPF_MAX_VAR_OFF: the verifier lets no pointer go further. */
const MAX_OFFSET = 2 ** 29;

/** Arithmetic where one side at least is not a number: adding to pointers, and their difference. */
export function addTo(operation: AluOperation, width: Width, d: Cell, s: Cell): void {
  if (d.region === UNSET || s.region === UNSET) violate('a register that holds nothing is used');
  if (width === 32) violate(`32-bit arithmetic on a pointer to ${pointerOf(d, s).name}`);
  if (operation === 'add') {
    if (d.region !== NUMBER && s.region !== NUMBER) violate('two pointers are added');
    const region = pointerOf(d, s);
    const number = d.region === NUMBER ? d : s;
    const offset = d.region === NUMBER ? s.lo : d.lo;
    move(d, region, offset, numberOf(number));
  } else if (operation === 'sub' && d.region !== NUMBER) {
    if (s.region === NUMBER) move(d, d.region, d.lo, -numberOf(s));
    else if (s.region === d.region) setNumber(d, d.lo - s.lo);
    else violate('pointers into different memories are subtracted');
  } else violate(`${operation} on a pointer to ${pointerOf(d, s).name}`);
}

function pointerOf(d: Cell, s: Cell): Region {
  return d.region === NUMBER ? s.region : d.region;
}

function numberOf(cell: Cell): number {
  return cell.hi * 2 ** 32 + (cell.lo >>> 0);
}

function move(d: Cell, region: Region, from: number, by: number): void {
  if (!(region instanceof Stack) && region.kind !== 'memory') {
    violate(`arithmetic on a pointer to ${region.name}`);
  }
  const offset = from + by;
  if (Math.abs(offset) >= MAX_OFFSET) violate(`a pointer to ${region.name} moves by ${by} bytes`);
  setPointer(d, region, offset);
}

/** Tests where one side at least is a pointer: against zero, the same memory, or the packet's end. */
export function comparePointers(test: Test, width: Width, l: Cell, r: Cell): boolean {
  if (l.region === UNSET || r.region === UNSET) violate('a register that holds nothing is tested');
  if (width === 32) violate('a 32-bit test of a pointer');
  if (l.region === NUMBER || r.region === NUMBER) {
    const number = l.region === NUMBER ? l : r;
    if (number.lo !== 0 || number.hi !== 0) violate('a pointer is tested against a number');
    if (test === 'eq') return false;
    if (test === 'ne') return true;
    return violate('a pointer is tested for more than being null');
  }
  // The end of the packet shares the packet's bytes, and nothing else shares any.
  if (l.region.bytes !== r.region.bytes) violate('pointers into different memories are compared');
  const difference = positionOf(l) - positionOf(r);
  switch (test) {
    case 'eq':
      return difference === 0;
    case 'ne':
      return difference !== 0;
    case 'gt':
      return difference > 0;
    case 'ge':
      return difference >= 0;
    case 'lt':
      return difference < 0;
    case 'le':
      return difference <= 0;
    default:
      return violate(`pointers are compared by ${test}`);
  }
}

function positionOf(cell: Cell): number {
  return cell.region.kind === 'packet-end' ? cell.region.bytes.length : cell.lo;
}

export function loadFrom(
  machine: Machine,
  d: Cell,
  base: Cell,
  offset: number,
  size: MemorySize,
): void {
  const { region } = base;
  const at = base.lo + offset;
  if (region instanceof Stack) {
    const index = region.indexOf(at, size);
    region.checkAligned(at, size);
    const spilled = region.spilledAt(index, size);
    if (spilled !== undefined) {
      copyCell(d, spilled);
      return;
    }
    region.checkWritten(index, size);
    loadNumber(d, region.view, index, size);
  } else if (region.kind === 'context') machine.buffer.load(d, at, size);
  else if (region.kind === 'memory') {
    if (at < 0 || at + size > region.size) outside(region, at, size);
    loadNumber(d, region.view, at, size);
  } else violate(`a load through ${region.name}`);
}

function loadNumber(d: Cell, view: DataView, index: number, size: MemorySize): void {
  d.region = NUMBER;
  d.hi = 0;
  switch (size) {
    case 1:
      d.lo = view.getUint8(index);
      break;
    case 2:
      d.lo = view.getUint16(index, true);
      break;
    case 4:
      d.lo = view.getInt32(index, true);
      break;
    case 8:
      d.lo = view.getInt32(index, true);
      d.hi = view.getInt32(index + 4, true);
  }
}

/** Stores a number anywhere, or a pointer onto the stack. */
export function storeTo(
  machine: Machine,
  base: Cell,
  offset: number,
  size: MemorySize,
  s: Cell,
): void {
  if (s.region === NUMBER) storeNumber(machine, base, offset, size, s);
  else if (s.region === UNSET) violate('a register that holds nothing is stored');
  else if (base.region instanceof Stack && size === 8) {
    const at = base.lo + offset;
    base.region.checkAligned(at, size);
    base.region.spill(base.region.indexOf(at, size), s);
  } else violate(`a pointer to ${s.region.name} is stored outside of the stack or in part`);
}

export function storeNumber(
  machine: Machine,
  base: Cell,
  offset: number,
  size: MemorySize,
  s: Cell,
): void {
  const { region } = base;
  const at = base.lo + offset;
  if (region instanceof Stack) {
    const index = region.indexOf(at, size);
    region.checkAligned(at, size);
    region.markWritten(index, size);
    writeNumber(region.view, index, size, s);
  } else if (region.kind === 'context') machine.buffer.store(at, size, s.lo, s.hi);
  else if (region.kind === 'memory') {
    if (!region.writable) violate(`a store to ${region.name}, which is read-only`);
    if (at < 0 || at + size > region.size) outside(region, at, size);
    writeNumber(region.view, at, size, s);
  } else violate(`a store through ${region.name}`);
}

function writeNumber(view: DataView, index: number, size: MemorySize, s: Cell): void {
  switch (size) {
    case 1:
      view.setUint8(index, s.lo);
      break;
    case 2:
      view.setUint16(index, s.lo, true);
      break;
    case 4:
      view.setInt32(index, s.lo, true);
      break;
    case 8:
      view.setInt32(index, s.lo, true);
      view.setInt32(index + 4, s.hi, true);
  }
}
