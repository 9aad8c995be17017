/** Bare BPF instructions for tests of the native door, below the project's own assembler. */
import type { MapHandle, ProgramHandle } from '../../src/loader/native.js';
import { createMap, loadProgram } from '../../src/loader/native-calls.js';

/** `registers` is source << 4 | destination, as in `struct bpf_insn`. */
export type RawSlot = readonly [code: number, registers: number, offset: number, immediate: number];

export function raw(...slots: readonly RawSlot[]): Buffer {
  const bytes = Buffer.alloc(8 * slots.length);
  slots.forEach(([code, registers, offset, immediate], index) => {
    bytes.writeUInt8(code, 8 * index);
    bytes.writeUInt8(registers, 8 * index + 1);
    bytes.writeInt16LE(offset, 8 * index + 2);
    bytes.writeInt32LE(immediate, 8 * index + 4);
  });
  return bytes;
}

export const EXIT: RawSlot = [0x95, 0, 0, 0];
export const mov = (register: number, immediate: number): RawSlot => [0xb7, register, 0, immediate];
/** The address of map 0's value at `offset` (BPF_PSEUDO_MAP_IDX_VALUE). */
export const valueAddress = (register: number, offset = 0): readonly RawSlot[] => [
  [0x18, 0x60 | register, 0, 0],
  [0, 0, 0, offset],
];
/** The address of map 0 itself (BPF_PSEUDO_MAP_IDX). */
export const mapAddress = (register: number): readonly RawSlot[] => [
  [0x18, 0x50 | register, 0, 0],
  [0, 0, 0, 0],
];
export const call = (helper: number): RawSlot => [0x85, 0, 0, helper];

/** A tc program that returns a constant. */
export function returning(value: number, name = 'constant'): ProgramHandle {
  return loadProgram({ type: 'sched-cls', name, instructions: raw(mov(0, value), EXIT) });
}

/** A tc program that returns the first word of the map's value. */
export function readingFirstWord(map: MapHandle): ProgramHandle {
  const instructions = raw(...valueAddress(1), [0x61, 0x10, 0, 0], EXIT);
  return loadProgram({ type: 'sched-cls', name: 'reading', instructions, maps: [map] });
}

export function u32(...words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * words.length);
  words.forEach((word, index) => bytes.writeUInt32LE(word, 4 * index));
  return bytes;
}

/** An array with one value, which programs can address directly. */
export function oneValue(valueSize: number, flags = 0): MapHandle {
  return createMap({ type: 'array', name: 'one', keySize: 4, valueSize, maxEntries: 1, flags });
}
