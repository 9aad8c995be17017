/** The control word: which half of a node's programs is in force, for all gates at once. */
import { existsSync } from 'node:fs';
import { GATE, type Half } from '../../codegen/layout.js';
import { layout } from './pins.js';
import { damaged } from './record.js';
import { createMap } from '../native-calls.js';
import { nativeDoor, type MapHandle } from '../native.js';
import { mapFlag, mapTypeNumber } from '../uapi.js';

export interface ControlWord {
  /** The half that gates jump to. */
  readonly half: Half;
  /** Whether the other half has to allow a packet as well. */
  readonly both: boolean;
}

const WORD_BYTES = 4;

/** The control word of a root; made where there is none. Half 0 is in force then, and empty. */
export function openControl(root: string): MapHandle {
  const path = layout.control(root);
  if (existsSync(path)) return openPinned(path);
  const map = createMap({
    type: 'array',
    name: GATE.controlTable,
    keySize: 4,
    valueSize: WORD_BYTES,
    maxEntries: 1,
    flags: mapFlag.mappable,
  });
  try {
    map.pin(path);
    return map;
  } catch (error) {
    map.close();
    throw error;
  }
}

/** Undefined where nothing was ever applied. */
export function readControlAt(root: string): ControlWord | undefined {
  const path = layout.control(root);
  if (!existsSync(path)) return undefined;
  const map = openPinned(path);
  try {
    return readControl(map);
  } finally {
    map.close();
  }
}

function openPinned(path: string): MapHandle {
  const map = nativeDoor().openPinnedMap(path);
  const { type, valueSize, flags } = map.shape();
  if (
    type === mapTypeNumber.array &&
    valueSize === WORD_BYTES &&
    (flags & mapFlag.mappable) !== 0 &&
    readWord(map) <= 3
  ) {
    return map;
  }
  map.close();
  return damaged(path, 'it is no control word');
}

function readWord(map: MapHandle): number {
  return map.readMapped(0, WORD_BYTES).readUInt32LE(0);
}

export function readControl(map: MapHandle): ControlWord {
  const word = readWord(map);
  return { half: (word & 1) === 0 ? 0 : 1, both: (word & 2) !== 0 };
}

/** One store: every packet that comes to a gate afterwards is judged by it. */
export function writeControl(map: MapHandle, { half, both }: ControlWord): void {
  map.storeMapped32(0, half | (both ? 2 : 0));
}

export function otherHalf(half: Half): Half {
  return half === 0 ? 1 : 0;
}
