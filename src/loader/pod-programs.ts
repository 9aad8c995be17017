/** Bound contents in the kernel: the tables and maps that all pods share, and each pod's two programs. */
import {
  PROGRAMS,
  SUBJECT_TABLE,
  type BoundMap,
  type BoundSubject,
  type BoundTable,
  type MapContents,
} from '../codegen/contents.js';
import { GATE, SUBJECT, type Half } from '../codegen/layout.js';
import { bug, diagnostic, InputError } from '../diagnostics.js';
import { createMap } from './native-calls.js';
import { nativeDoor, type MapHandle, type ObjectHandle, type ProgramHandle } from './native.js';
import { mapFlag, updateFlag, type MapType } from './uapi.js';

/** `to_pod` judges what goes to the pod, `from_pod` what comes from it. */
export type PodDirection = 'to_pod' | 'from_pod';
export const POD_DIRECTIONS: readonly PodDirection[] = [PROGRAMS.ingress, PROGRAMS.egress];

/** The tables and maps of a generation, by name. */
export interface SharedMaps {
  readonly tables: ReadonlyMap<string, MapHandle>;
  readonly maps: ReadonlyMap<string, MapHandle>;
}

export interface PodPrograms {
  readonly subject: BoundSubject;
  /** Frozen: who the programs speak for. */
  readonly table: MapHandle;
  readonly programs: Readonly<Record<PodDirection, ProgramHandle>>;
}

export interface LoadedContents {
  readonly shared: SharedMaps;
  readonly pods: readonly PodPrograms[];
  /** Lets go of all handles; what is pinned or attached lives on. */
  close(): void;
}

/** Gives a map that earlier generations left, if it has the right shape. */
export type MapSource = (map: BoundMap) => MapHandle | undefined;

/** Where programs are to run behind gates. */
export interface Gating {
  /** The half that they will be in. */
  readonly half: Half;
  /** The array of programs behind the subject's gate. */
  halvesOf(subject: BoundSubject): MapHandle;
}

const FIRST_KEY = new Uint8Array(4);

/**
 * Loads the programs of all subjects. Either everything is loaded or nothing stays.
 *
 * @throws {KernelError}
 */
export function loadContents(
  object: Uint8Array,
  unbound: MapContents,
  source: MapSource = () => undefined,
  gating?: Gating,
): LoadedContents {
  const contents = gating === undefined ? unbound : withHalf(unbound, gating.half);
  const shared = createSharedMaps(contents, source);
  const pods: PodPrograms[] = [];
  const close = (): void => {
    pods.forEach(closePod);
    closeShared(shared);
  };
  try {
    for (const subject of contents.subjects) {
      pods.push(loadPod(object, contents, shared, subject, gating?.halvesOf(subject)));
    }
  } catch (error) {
    close();
    throw error;
  }
  return { shared, pods, close };
}

/** Tells the programs of a generation which half to ask while both must allow. */
function withHalf(contents: MapContents, half: Half): MapContents {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, 1 + (1 - half), true);
  return {
    ...contents,
    tables: [...contents.tables, { name: GATE.halfTable, bytes, frozen: true }],
  };
}

/** Creates and fills all tables and maps but the subjects' own. */
export function createSharedMaps(
  contents: MapContents,
  source: MapSource = () => undefined,
): SharedMaps {
  const tables = new Map<string, MapHandle>();
  const maps = new Map<string, MapHandle>();
  try {
    for (const table of contents.tables) tables.set(table.name, createTable(table));
    for (const map of contents.maps) maps.set(map.name, source(map) ?? createFilled(map));
  } catch (error) {
    closeShared({ tables, maps });
    throw error;
  }
  return { tables, maps };
}

export function closeShared({ tables, maps }: SharedMaps): void {
  for (const handle of [...tables.values(), ...maps.values()]) handle.close();
}

/** Loads one pod's programs over the shared maps. */
export function loadPod(
  object: Uint8Array,
  contents: MapContents,
  shared: SharedMaps,
  subject: BoundSubject,
  halves?: MapHandle,
): PodPrograms {
  const table = createTable({ name: SUBJECT_TABLE, bytes: subject.subject, frozen: true });
  return { subject, table, programs: loadPrograms(object, contents, shared, table, halves) };
}

/** Programs that speak for one pod after the other: the same bytes, verified once for all of them. */
export interface AnyPodPrograms {
  readonly programs: PodPrograms['programs'];
  become(subject: BoundSubject): void;
  close(): void;
}

/** Nothing may run the programs while they become another pod: this is for questions, not for hooks. */
export function loadAnyPod(
  object: Uint8Array,
  contents: MapContents,
  shared: SharedMaps,
): AnyPodPrograms {
  const bytes = new Uint8Array(SUBJECT.size);
  const table = createTable({ name: SUBJECT_TABLE, bytes, frozen: false });
  const programs = loadPrograms(object, contents, shared, table, undefined);
  return {
    programs,
    become: ({ subject }) => table.writeMapped(0, subject),
    close: () => {
      table.close();
      for (const direction of POD_DIRECTIONS) programs[direction].close();
    },
  };
}

/** What the verifier says of a subject's programs, which are let go of at once. */
export function verifierLogOf(object: Uint8Array, contents: MapContents): string {
  const [subject] = contents.subjects;
  if (subject === undefined) return bug('no subject whose programs could be loaded');
  const shared = createSharedMaps(contents);
  try {
    const table = createTable({ name: SUBJECT_TABLE, bytes: subject.subject, frozen: true });
    const opened = nativeDoor().openObject(object, contents.variant);
    try {
      reuseAll(opened, contents, shared, table, undefined);
      return opened.load(STATISTICS);
    } finally {
      table.close();
      opened.close();
    }
  } finally {
    closeShared(shared);
  }
}

/** BPF_LOG_STATS (include/linux/bpf_verifier.h). */
const STATISTICS = 4;

/** Closes the subject's table if the kernel refuses. */
function loadPrograms(
  object: Uint8Array,
  contents: MapContents,
  shared: SharedMaps,
  table: MapHandle,
  halves: MapHandle | undefined,
): PodPrograms['programs'] {
  const opened = nativeDoor().openObject(object, contents.variant);
  try {
    if (halves !== undefined) requireGatePart(opened);
    reuseAll(opened, contents, shared, table, halves);
    opened.load(0);
    return {
      to_pod: opened.program(PROGRAMS.ingress),
      from_pod: opened.program(PROGRAMS.egress),
    };
  } catch (error) {
    table.close();
    throw error;
  } finally {
    opened.close();
  }
}

/** @throws {InputError} `deploy/no-gate` */
function requireGatePart(opened: ObjectHandle): void {
  const { name } = GATE.halves;
  if (opened.maps().some((map) => map.name === name)) return;
  throw new InputError([diagnostic('deploy/no-gate', { name })]);
}

export function closePod(pod: PodPrograms): void {
  pod.table.close();
  for (const direction of POD_DIRECTIONS) pod.programs[direction].close();
}

/** The types of maps that objects have, as the native door names them. */
export const boundMapTypes: Readonly<Record<BoundMap['type'], MapType>> = {
  hash: 'hash',
  lru_hash: 'lru-hash',
  lpm_trie: 'lpm-trie',
  array: 'array',
  percpu_array: 'percpu-array',
  prog_array: 'prog-array',
  ringbuf: 'ringbuf',
};

/** Without gates the object's own empty ones are right: there is no other half. */
const OWN: readonly string[] = [GATE.halfTable, GATE.halves.name];

/**
 * A map of the object that was not given its contents would be an empty one of its own. Whether a
 * table is frozen is for bind to say: the object's section only tells how it loads by itself.
 */
function reuseAll(
  opened: ObjectHandle,
  contents: MapContents,
  shared: SharedMaps,
  subject: MapHandle,
  halves: MapHandle | undefined,
): void {
  const given = new Map<string, MapHandle>([[SUBJECT_TABLE, subject]]);
  if (halves !== undefined) given.set(GATE.halves.name, halves);
  for (const { name } of contents.tables) {
    given.set(name, shared.tables.get(name) ?? bug(`no table ${name}`));
  }
  for (const { name } of contents.maps) {
    given.set(name, shared.maps.get(name) ?? bug(`no map ${name}`));
  }
  for (const { name } of opened.maps()) {
    const table = name.replace(/^\.(ro)?data\./, '');
    const map = given.get(table);
    if (map !== undefined) opened.reuseMap(name, map);
    else if (!OWN.includes(table)) bug(`the contents have nothing for map ${name}`);
  }
}

function createTable({ name, bytes, frozen }: BoundTable): MapHandle {
  const map = createMap({
    type: 'array',
    name,
    keySize: 4,
    valueSize: bytes.length,
    maxEntries: 1,
    flags: frozen ? mapFlag.readOnlyForPrograms : mapFlag.mappable,
  });
  try {
    if (frozen) {
      map.update(FIRST_KEY, bytes, updateFlag.any);
      map.freeze();
    } else {
      map.writeMapped(0, bytes);
    }
  } catch (error) {
    map.close();
    throw error;
  }
  return map;
}

function createFilled(bound: BoundMap): MapHandle {
  const { name, keySize, valueSize, maxEntries, flags } = bound;
  const map = createMap({
    type: boundMapTypes[bound.type],
    name,
    keySize,
    valueSize,
    maxEntries,
    flags,
  });
  try {
    if (bound.count > 0) map.updateBatch(bound.keys, bound.values, updateFlag.any);
  } catch (error) {
    map.close();
    throw error;
  }
  return map;
}
