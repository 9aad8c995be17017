/** Gates: what is attached to a pod's interface once, and the slots of programs behind it. */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAMS } from '../../codegen/contents.js';
import { GATE_PROGRAMS, gateObject, SHUT_PROGRAM } from '../../codegen/gate.js';
import { GATE, gateSlot, type Half } from '../../codegen/layout.js';
import { listPins, removePins, unpinName } from '../bpffs.js';
import { layout, makeFolder } from './pins.js';
import { createMap } from '../native-calls.js';
import { nativeDoor, type MapHandle, type ProgramHandle } from '../native.js';
import { POD_DIRECTIONS, type PodDirection } from '../pod-programs.js';

export interface Gate {
  /** `namespace/name`. */
  readonly pod: string;
  /** Whether it was made by this call, and nothing is behind it yet. */
  readonly fresh: boolean;
  /**
   * The programs behind both gates. The kernel empties it when its last pin and handle go, whatever
   * programs still refer to it, so that a gate whose pins are removed lets nothing pass.
   */
  readonly halves: MapHandle;
  readonly programs: Readonly<Record<PodDirection, ProgramHandle>>;
}

const HALVES = 'halves';
const NEXT = '_next';

/** The pod's gate, made and pinned where there is none that is whole. */
export function openGate(root: string, pod: string, control: MapHandle): Gate {
  const folder = layout.gate(root, pod);
  const whole = [HALVES, ...POD_DIRECTIONS].every((name) => existsSync(join(folder, name)));
  if (whole) {
    const door = nativeDoor();
    return {
      pod,
      fresh: false,
      halves: door.openPinnedMap(join(folder, HALVES)),
      programs: {
        to_pod: door.openPinnedProgram(join(folder, PROGRAMS.ingress)),
        from_pod: door.openPinnedProgram(join(folder, PROGRAMS.egress)),
      },
    };
  }
  removePins(folder);
  makeFolder(folder);
  const gate = loadGate(pod, control);
  try {
    gate.halves.pin(join(folder, HALVES));
    for (const direction of POD_DIRECTIONS) {
      gate.programs[direction].pin(join(folder, direction));
    }
    return gate;
  } catch (error) {
    closeGate(gate);
    throw error;
  }
}

/** Two gates over an empty array of programs. */
export function loadGate(pod: string, control: MapHandle): Gate {
  const { name, keySize, valueSize, maxEntries } = GATE.halves;
  const halves = createMap({ type: 'prog-array', name, keySize, valueSize, maxEntries });
  try {
    return { pod, fresh: true, halves, programs: loadGatePrograms(halves, control) };
  } catch (error) {
    halves.close();
    throw error;
  }
}

/**
 * The same gate by other programs: the kernel attaches none twice to a hook (EEXIST), and a gate that is
 * to be first again must be there before it goes from its old place. `repinGate` makes them the pod's.
 */
export function renewGate({ programs, ...gate }: Gate, control: MapHandle): Gate {
  for (const direction of POD_DIRECTIONS) programs[direction].close();
  return { ...gate, programs: loadGatePrograms(gate.halves, control) };
}

export function repinGate(root: string, { pod, programs }: Gate): void {
  for (const direction of POD_DIRECTIONS) {
    const path = join(layout.gate(root, pod), direction);
    removePins(path + NEXT);
    programs[direction].pin(path + NEXT);
    renameSync(path + NEXT, path);
  }
}

function loadGatePrograms(halves: MapHandle, control: MapHandle): Gate['programs'] {
  const object = nativeDoor().openObject(gateObject(), 'gate');
  try {
    object.reuseMap(GATE.halves.name, halves);
    object.reuseMap(`.data.${GATE.controlTable}`, control);
    object.setAutoload(SHUT_PROGRAM, false);
    object.load(0);
    return {
      to_pod: object.program(GATE_PROGRAMS.ingress),
      from_pod: object.program(GATE_PROGRAMS.egress),
    };
  } finally {
    object.close();
  }
}

/** The program that lets nothing pass, pinned where it is not yet. */
export function openShut(root: string): ProgramHandle {
  const path = layout.shut(root);
  if (existsSync(path)) return nativeDoor().openPinnedProgram(path);
  const shut = loadShut();
  try {
    shut.pin(path);
    return shut;
  } catch (error) {
    shut.close();
    throw error;
  }
}

export function loadShut(): ProgramHandle {
  const object = nativeDoor().openObject(gateObject(), 'shut');
  try {
    for (const name of Object.values(GATE_PROGRAMS)) object.setAutoload(name, false);
    object.load(0);
    return object.program(SHUT_PROGRAM);
  } finally {
    object.close();
  }
}

export function closeGate({ halves, programs }: Gate): void {
  halves.close();
  for (const direction of POD_DIRECTIONS) programs[direction].close();
}

/** Pods, as `listedName` gives them, that have a folder of gates. */
export function listGates(root: string): readonly string[] {
  return listPins(layout.gates(root)).map(({ name }) => unpinName(name) ?? name);
}

export function removeGate(root: string, pod: string): void {
  removePins(layout.gate(root, pod));
}

/** The array of programs behind a pod's gate; undefined if someone has removed it. */
export function openHalves(root: string, pod: string): MapHandle | undefined {
  const path = join(layout.gate(root, pod), HALVES);
  return existsSync(path) ? nativeDoor().openPinnedMap(path) : undefined;
}

/** From the next jump on, packets of the half are judged by the program. */
export function fillSlot(
  halves: MapHandle,
  direction: PodDirection,
  half: Half,
  program: ProgramHandle,
): void {
  halves.setProgram(slotKey(direction, half), program);
}

/** Shuts both directions of a half, which no packet may be in. */
export function shutHalf(root: string, pod: string, half: Half, shut: ProgramHandle): void {
  const halves = openHalves(root, pod);
  if (halves === undefined) return;
  try {
    for (const direction of POD_DIRECTIONS) fillSlot(halves, direction, half, shut);
  } finally {
    halves.close();
  }
}

/** Identities of the programs behind a pod's gate, by half; undefined for an empty slot. */
export function readSlots(
  root: string,
  pod: string,
  direction: PodDirection,
): readonly (number | undefined)[] {
  const halves = openHalves(root, pod);
  if (halves === undefined) return [undefined, undefined];
  try {
    return ([0, 1] as const).map((half) =>
      halves.lookup(slotKey(direction, half))?.readUInt32LE(0),
    );
  } finally {
    halves.close();
  }
}

function slotKey(direction: PodDirection, half: Half): Uint8Array {
  const key = Buffer.alloc(GATE.halves.keySize);
  key.writeUInt32LE(gateSlot(direction === PROGRAMS.ingress ? 'ingress' : 'egress', half));
  return key;
}
