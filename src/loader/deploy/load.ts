/** Loads bound contents without attaching them, pinned for other tools to run. */
import { resolve } from 'node:path';
import type { MapContents } from '../../codegen/contents.js';
import { diagnostic, InputError } from '../../diagnostics.js';
import { listPins, removePins } from '../bpffs.js';
import {
  faultsAsDiagnostics,
  makeFolder,
  pinGeneration,
  programPath,
  requireBpffs,
} from './pins.js';
import type { GenerationRecord } from './record.js';
import { podKey } from '../endpoints.js';
import { loadContents, POD_DIRECTIONS, type PodDirection } from '../pod-programs.js';

export interface LoadOptions {
  readonly object: Uint8Array;
  readonly contents: MapContents;
  readonly record: Pick<GenerationRecord, 'digest' | 'node' | 'since'>;
  /** An empty or new folder in a BPF file system. */
  readonly folder: string;
}

/** One pinned program. */
export interface PinnedProgram {
  /** `namespace/name`. */
  readonly pod: string;
  /** `to_pod` judges packets to the pod, `from_pod` those that it sends. */
  readonly direction: PodDirection;
  /** Absolute. */
  readonly path: string;
  /** As bpftool names program types. */
  readonly type: 'sched_cls';
}

/**
 * Pins the programs of all subjects, with what they need. Either all of them or nothing.
 *
 * @returns the index, by namespace and name
 * @throws {InputError}
 */
export function loadPinned(options: LoadOptions): readonly PinnedProgram[] {
  const folder = resolve(options.folder);
  return faultsAsDiagnostics(() => {
    requireBpffs(folder);
    if (listPins(folder).length > 0) {
      throw new InputError([diagnostic('deploy/pins-exist', { path: folder })]);
    }
    return pinAll(options, folder);
  });
}

function pinAll(
  { object, contents, record }: LoadOptions,
  folder: string,
): readonly PinnedProgram[] {
  makeFolder(folder);
  try {
    const loaded = loadContents(object, contents);
    try {
      const { variant } = contents;
      pinGeneration(folder, { format: 2, variant, devices: {}, ...record }, loaded);
    } finally {
      loaded.close();
    }
  } catch (error) {
    removePins(folder);
    throw error;
  }
  return contents.subjects.flatMap((subject) =>
    POD_DIRECTIONS.map((direction): PinnedProgram => {
      const path = programPath(folder, subject, direction);
      return { pod: podKey(subject), direction, path, type: 'sched_cls' };
    }),
  );
}
