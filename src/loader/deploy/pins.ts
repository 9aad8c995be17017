/** What lies under a root: generations with their programs and tables, connection maps, and records. */
import { existsSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BoundSubject } from '../../codegen/contents.js';
import { diagnostic, InputError } from '../../diagnostics.js';
import { defaultBpffs, ensureBpffs, listPins, makePinFolder, pinName } from '../bpffs.js';
import { pinRecord, type GenerationRecord } from './record.js';
import { podKey } from '../endpoints.js';
import { refusalsAsDiagnostics } from '../kernel-error.js';
import { nativeDoor } from '../native.js';
import { POD_DIRECTIONS, type LoadedContents, type PodDirection } from '../pod-programs.js';

export const DEFAULT_ROOT = `${defaultBpffs}/policyc`;

const RECORD = 'record';

/** The folders of a root. */
export const layout = {
  generations: (root: string) => join(root, 'generations'),
  generation: (root: string, generation: number) => join(root, 'generations', String(generation)),
  /** The control word of all gates. */
  control: (root: string) => join(root, 'control'),
  /** The program in slots that hold none of a generation. */
  shut: (root: string) => join(root, 'shut'),
  gates: (root: string) => join(root, 'gates'),
  gate: (root: string, pod: string) => join(root, 'gates', pinName(pod)),
  links: (root: string) => join(root, 'links'),
  record: (root: string, generation: number) =>
    join(root, 'generations', String(generation), RECORD),
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

/** Makes a folder of a BPF file system, and its parents. @throws {InputError} `deploy/not-bpffs` */
export function makeFolder(path: string): void {
  requireBpffs(path);
  makePinFolder(path);
}

/** The nearest folder that exists must be in a BPF file system. @throws {InputError} */
export function requireBpffs(path: string): void {
  let nearest = path;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  if (nativeDoor().isBpffs(nearest)) return;
  throw new InputError([diagnostic('deploy/not-bpffs', { path })]);
}

/** What the kernel and the file system refuse while `work` runs is thrown as input errors. */
export function faultsAsDiagnostics<Result>(work: () => Result): Result {
  try {
    return refusalsAsDiagnostics(work);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'path' in error)) throw error;
    const { code, path } = error;
    const operation = 'syscall' in error ? String(error.syscall) : 'use';
    const args = { operation, path: String(path), code: String(code) };
    throw new InputError([diagnostic('deploy/pins-refused', args)]);
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
  pinRecord(join(folder, RECORD), record);
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

/** A folder that is still in use stays. */
export function removeIfEmpty(path: string): void {
  if (existsSync(path) && listPins(path).length === 0) rmdirSync(path);
}
