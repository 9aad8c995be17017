/** What lies under a root: generations with their programs and tables, connection maps, and records. */
import { existsSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BoundMap, BoundSubject } from '../codegen/contents.js';
import { diagnostic, InputError } from '../diagnostics.js';
import {
  defaultBpffs,
  ensureBpffs,
  listPins,
  makePinFolder,
  pinName,
  removePins,
} from './bpffs.js';
import { podKey } from './endpoints.js';
import { createMap } from './native-calls.js';
import { nativeDoor, type MapHandle } from './native.js';
import {
  boundMapTypes,
  POD_DIRECTIONS,
  type LoadedContents,
  type PodDirection,
} from './pod-programs.js';
import { mapFlag, mapTypeNumber, updateFlag } from './uapi.js';

export const DEFAULT_ROOT = `${defaultBpffs}/policyc`;

/** What a generation says of itself. It is pinned with it, as the value of a frozen array. */
export interface GenerationRecord {
  readonly format: 1;
  /** Digest of the bundle. */
  readonly digest: string;
  readonly variant: string;
  readonly node: string;
  /** RFC 3339, in UTC. */
  readonly since: string;
  /** `namespace/name` → the interface, as its name was then. */
  readonly devices: Readonly<Record<string, string>>;
}

/** The folders of a root. */
export const layout = {
  generations: (root: string) => join(root, 'generations'),
  generation: (root: string, generation: number) => join(root, 'generations', String(generation)),
  links: (root: string) => join(root, 'links'),
  /** Records of filters, on kernels without links. */
  filters: (root: string) => join(root, 'filters'),
  /** Connection maps, which outlive generations. */
  state: (root: string) => join(root, 'state'),
};

/** Makes the root, and mounts the BPF file system where it is the usual one. @throws {InputError} */
export function ensureRoot(root: string): void {
  if (root.startsWith(`${defaultBpffs}/`)) ensureBpffs();
  makeFolder(root);
}

export function makeFolder(path: string): void {
  try {
    makePinFolder(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error) || error instanceof InputError) throw error;
    const reason = String(error.code);
    throw new InputError([diagnostic('deploy/bad-pin-path', { path, reason })]);
  }
}

/** Holds the root against other processes while `work` runs. @throws {InputError} `deploy/busy` */
export function withLock<Result>(root: string, work: () => Result): Result {
  const release = nativeDoor().lockFolder(root);
  if (release === undefined) throw new InputError([diagnostic('deploy/busy', { root })]);
  try {
    return work();
  } finally {
    release();
  }
}

/** Numbers of the generations that have a folder, lowest first. */
export function listGenerations(root: string): readonly number[] {
  return listPins(layout.generations(root))
    .filter(({ name }) => /^[1-9]\d{0,14}$/.test(name))
    .map(({ name }) => Number(name))
    .sort((a, b) => a - b);
}

/** The folder of a pod's own pins. */
export function podFolder(generationFolder: string, pod: string): string {
  return join(generationFolder, 'pods', pinName(pod));
}

/** Pins all of a generation into an empty folder. */
export function pinGeneration(
  folder: string,
  record: GenerationRecord,
  loaded: LoadedContents,
): void {
  makeFolder(join(folder, 'pods'));
  makeFolder(join(folder, 'tables'));
  makeFolder(join(folder, 'maps'));
  pinRecord(join(folder, 'record'), record);
  for (const [name, table] of loaded.shared.tables)
    table.pin(join(folder, 'tables', pinName(name)));
  for (const [name, map] of loaded.shared.maps) map.pin(join(folder, 'maps', pinName(name)));
  for (const pod of loaded.pods) {
    const own = podFolder(folder, podKey(pod.subject));
    makeFolder(own);
    pod.table.pin(join(own, 'subject'));
    for (const direction of POD_DIRECTIONS) {
      pod.programs[direction].pin(programPath(folder, pod.subject, direction));
    }
  }
}

export function programPath(
  folder: string,
  subject: Pick<BoundSubject, 'namespace' | 'name'>,
  direction: PodDirection,
): string {
  return join(podFolder(folder, podKey(subject)), direction);
}

/** Identities of all programs that a generation has pinned. */
export function generationPrograms(root: string, generation: number): ReadonlySet<number> {
  const pods = join(layout.generation(root, generation), 'pods');
  const ids = new Set<number>();
  for (const { name: pod } of listPins(pods)) {
    for (const direction of POD_DIRECTIONS) {
      const path = join(pods, pod, direction);
      if (existsSync(path)) ids.add(programIdAt(path));
    }
  }
  return ids;
}

export function programIdAt(path: string): number {
  const program = nativeDoor().openPinnedProgram(path);
  try {
    return program.facts().id;
  } finally {
    program.close();
  }
}

function pinRecord(path: string, record: GenerationRecord): void {
  const bytes = Buffer.from(JSON.stringify(record), 'utf8');
  const map = createMap({
    type: 'array',
    name: 'record',
    keySize: 4,
    valueSize: bytes.length,
    maxEntries: 1,
    flags: mapFlag.readOnlyForPrograms,
  });
  try {
    map.update(new Uint8Array(4), bytes, updateFlag.any);
    map.freeze();
    map.pin(path);
  } finally {
    map.close();
  }
}

/** Undefined for a generation that was killed before it was whole. @throws {InputError} */
export function readRecord(root: string, generation: number): GenerationRecord | undefined {
  const path = join(layout.generation(root, generation), 'record');
  if (!existsSync(path)) return undefined;
  const map = nativeDoor().openPinnedMap(path);
  try {
    const text = map.lookup(new Uint8Array(4))?.toString('utf8') ?? '';
    return checkRecord(JSON.parse(text) as unknown, path);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return damaged(path, 'it holds no JSON');
  } finally {
    map.close();
  }
}

function checkRecord(value: unknown, path: string): GenerationRecord {
  const fields = value as Partial<Record<keyof GenerationRecord, unknown>> | null;
  const texts = [fields?.digest, fields?.variant, fields?.node, fields?.since];
  const { devices } = fields ?? {};
  if (
    fields?.format !== 1 ||
    !texts.every((one) => typeof one === 'string') ||
    typeof devices !== 'object' ||
    devices === null ||
    !Object.values(devices).every((one) => typeof one === 'string')
  ) {
    damaged(path, 'its record has another form');
  }
  return value as GenerationRecord;
}

function damaged(path: string, reason: string): never {
  throw new InputError([diagnostic('deploy/damaged', { path, reason })]);
}

/** A name that maps of one shape share, and no others. */
export function stateName(map: BoundMap): string {
  const { name, type, keySize, valueSize, maxEntries, flags } = map;
  return pinName([name, type, keySize, valueSize, maxEntries, flags].join('-'));
}

/** The connection map of this shape that earlier generations left. */
export function openState(root: string, map: BoundMap): MapHandle | undefined {
  const path = join(layout.state(root), stateName(map));
  if (map.lifetime !== 'node' || !existsSync(path)) return undefined;
  const handle = nativeDoor().openPinnedMap(path);
  const shape = handle.shape();
  if (
    shape.type === mapTypeNumber[boundMapTypes[map.type]] &&
    shape.keySize === map.keySize &&
    shape.valueSize === map.valueSize &&
    shape.maxEntries === map.maxEntries
  ) {
    return handle;
  }
  handle.close();
  return damaged(path, 'the map has another shape than its name says');
}

/** Pins the connection maps that are new. Returns the paths of these. */
export function pinState(
  root: string,
  maps: readonly BoundMap[],
  loaded: LoadedContents,
): readonly string[] {
  const folder = layout.state(root);
  makeFolder(folder);
  return maps.flatMap((map) => {
    const path = join(folder, stateName(map));
    if (map.lifetime !== 'node' || existsSync(path)) return [];
    loaded.shared.maps.get(map.name)?.pin(path);
    return [path];
  });
}

/** Lets go of connection maps of shapes that no generation uses any more. */
export function removeOtherState(root: string, maps: readonly BoundMap[]): void {
  const kept = new Set(maps.map(stateName));
  for (const { name } of listPins(layout.state(root))) {
    if (!kept.has(name)) removePins(join(layout.state(root), name));
  }
}

/** A folder that is still in use stays. */
export function removeIfEmpty(path: string): void {
  if (existsSync(path) && listPins(path).length === 0) rmdirSync(path);
}
