/** The native door's calls with names, options and defaults in place of positions and numbers. */
import {
  nativeDoor,
  type LinkHandle,
  type MapHandle,
  type ProgramHandle,
  type TcxChain,
} from './native.js';
import {
  attachTypeNumber,
  mapTypeNumber,
  programTypeNumber,
  type MapType,
  type ProgramType,
} from './uapi.js';

export interface MapOptions {
  readonly type: MapType;
  /** 1 to 15 bytes: letters, digits, `_` and `.`. */
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** Bits of `mapFlag`. */
  readonly flags?: number;
  /** What the maps inside a map of maps look like. */
  readonly inner?: MapHandle;
}

export function createMap(options: MapOptions): MapHandle {
  const { type, name, keySize, valueSize, maxEntries, flags = 0, inner } = options;
  return nativeDoor().createMap(
    mapTypeNumber[type],
    name,
    keySize,
    valueSize,
    maxEntries,
    flags,
    inner,
  );
}

export interface ProgramOptions {
  readonly type: ProgramType;
  readonly name: string;
  readonly license?: string;
  readonly expectedAttachType?: number;
  /** Slots of 8 bytes. A 64-bit load names its map by its place in `maps` (BPF_PSEUDO_MAP_IDX, _IDX_VALUE). */
  readonly instructions: Uint8Array;
  readonly maps?: readonly MapHandle[];
}

/** Loads bare instructions. @throws {KernelError} with the verifier's log */
export function loadProgram(options: ProgramOptions): ProgramHandle {
  const {
    type,
    name,
    license = 'Dual BSD/GPL',
    expectedAttachType = 0,
    instructions,
    maps = [],
  } = options;
  return nativeDoor().loadProgram(
    programTypeNumber[type],
    name,
    license,
    expectedAttachType,
    instructions,
    maps,
  );
}

/** As the interface sees it: ingress is what arrives at the host from it. */
export type TcDirection = 'ingress' | 'egress';

function tcxType(direction: TcDirection): number {
  return direction === 'ingress' ? attachTypeNumber.tcxIngress : attachTypeNumber.tcxEgress;
}

export interface TcxOptions {
  readonly program: ProgramHandle;
  readonly interfaceIndex: number;
  readonly direction: TcDirection;
  /** Where in the chain of programs; first unless said otherwise. */
  readonly position?: 'first' | 'last';
  /** Refuse with ESTALE if the chain is no longer the one that `queryTcx` gave with this revision. */
  readonly expectedRevision?: number;
}

export function attachTcx(options: TcxOptions): LinkHandle {
  const { program, interfaceIndex, direction, position = 'first', expectedRevision = 0 } = options;
  return nativeDoor().attachTcx(
    program,
    interfaceIndex,
    tcxType(direction),
    position === 'first',
    expectedRevision,
  );
}

export function queryTcx(interfaceIndex: number, direction: TcDirection): TcxChain {
  return nativeDoor().queryTcx(interfaceIndex, tcxType(direction));
}
