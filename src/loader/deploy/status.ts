/** What is attached under a root, and how all of it is taken away. */
import { existsSync } from 'node:fs';
import type { Half } from '../../codegen/layout.js';
import { listPins, removePins } from '../bpffs.js';
import type { Attachment, HookKind } from './hook.js';
import { hooksOf } from './hooks.js';
import { readControlAt, type ControlWord } from './control.js';
import { readSlots } from './gates.js';
import { generationInForce } from './recover.js';
import {
  faultsAsDiagnostics,
  generationPrograms,
  layout,
  listGenerations,
  programIdAt,
  requireBpffs,
  withLock,
} from './pins.js';
import { readRecord, type GenerationRecord } from './record.js';
import type { PodDirection } from '../pod-programs.js';

/** A gate at its hook. */
export interface AttachedProgram {
  readonly direction: PodDirection;
  /** The gate's. */
  readonly programId: number;
  readonly kind: HookKind;
  /** False where the interface is gone: nothing passes there any more. */
  readonly attached: boolean;
  /** Programs of others that see the packets first; they can let packets past ours. */
  readonly behind: number;
  /** The generation behind the gate, by half; null where it is shut, 0 for a program of none. */
  readonly halves: readonly (number | null)[];
  /** The generation that judges: that of the half in force. */
  readonly generation?: number;
}

export interface AttachedPod {
  /** `namespace/name`. */
  readonly pod: string;
  /** As the record of its generation names it. */
  readonly device?: string;
  readonly programs: readonly AttachedProgram[];
}

export interface GenerationStatus {
  readonly generation: number;
  /** The others were killed before they came into force, or could not be removed afterwards. */
  readonly inForce: boolean;
  /** Absent for one that was killed while it was made. */
  readonly record?: GenerationRecord;
}

export interface DeployStatus {
  readonly root: string;
  /** What all gates read; absent where nothing was ever applied. */
  readonly control?: ControlWord;
  /** More than one only after an apply was killed in the middle. */
  readonly generations: readonly GenerationStatus[];
  /** By namespace and name. */
  readonly pods: readonly AttachedPod[];
}

const KINDS: readonly HookKind[] = ['tcx', 'clsact'];

/** @throws {InputError} */
export function readStatus(root: string): DeployStatus {
  return faultsAsDiagnostics(() => {
    if (!existsSync(root)) return { root, generations: [], pods: [] };
    requireBpffs(root);
    const control = readControlAt(root);
    const current = control === undefined ? undefined : generationInForce(root, control);
    const generations = listGenerations(root).map((generation): GenerationStatus => {
      const record = readRecord(layout.record(root, generation));
      const inForce = generation === current;
      return { generation, inForce, ...(record === undefined ? {} : { record }) };
    });
    const owners = new Map<number, GenerationStatus>();
    for (const one of generations) {
      for (const id of generationPrograms(root, one.generation)) owners.set(id, one);
    }
    const byPod = new Map<string, Attachment[]>();
    for (const attachment of listAttachments(root)) {
      const found = byPod.get(attachment.pod);
      if (found === undefined) byPod.set(attachment.pod, [attachment]);
      else found.push(attachment);
    }
    const shut = existsSync(layout.shut(root)) ? programIdAt(layout.shut(root)) : 0;
    const read: Reading = { root, half: control?.half ?? 0, shut, owners };
    const pods = [...byPod]
      .map(([pod, attachments]) => podStatus(read, pod, attachments))
      .sort((a, b) => (a.pod < b.pod ? -1 : 1));
    return { root, ...(control === undefined ? {} : { control }), generations, pods };
  });
}

interface Reading {
  readonly root: string;
  readonly half: Half;
  /** The program in slots that hold none. */
  readonly shut: number;
  /** By the programs that they hold. */
  readonly owners: ReadonlyMap<number, GenerationStatus>;
}

function podStatus(
  { root, half, shut, owners }: Reading,
  pod: string,
  attachments: readonly Attachment[],
): AttachedPod {
  const programs = attachments.map((one): AttachedProgram => {
    const { direction, programId, kind, behind, interfaceIndex } = one;
    const halves = readSlots(root, pod, direction).map((id) =>
      id === undefined || id === shut ? null : (owners.get(id)?.generation ?? 0),
    );
    const generation = halves[half];
    return {
      direction,
      programId,
      kind,
      attached: interfaceIndex !== 0,
      behind,
      halves,
      ...(generation === undefined || generation === null ? {} : { generation }),
    };
  });
  const [generation] = programs.map((one) => one.generation);
  const owner = [...owners.values()].find((one) => one.generation === generation);
  const device = owner?.record?.devices[pod];
  return { pod, programs, ...(device === undefined ? {} : { device }) };
}

export interface UnloadResult {
  /** Pods, as `namespace/name`, that were released. */
  readonly pods: readonly string[];
  /** Whether there was anything under the root. */
  readonly found: boolean;
}

/**
 * Detaches everything, and removes all that is pinned under the root. Idempotent.
 *
 * @throws {InputError}
 */
export function unload(root: string): UnloadResult {
  return faultsAsDiagnostics(() => {
    if (!existsSync(root)) return { pods: [], found: false };
    requireBpffs(root);
    return withLock(root, () => {
      for (const kind of KINDS) hooksOf(kind, root).recover();
      const attachments = listAttachments(root);
      for (const one of attachments) hooksOf(one.kind, root).remove(one);
      const folders = ownFolders(root).filter((folder) => existsSync(folder));
      for (const folder of folders) removePins(folder);
      if (listPins(root).length === 0) removePins(root);
      const pods = [...new Set(attachments.map(({ pod }) => pod))].sort();
      return { pods, found: folders.length > 0 };
    });
  });
}

/** Other pins that someone has put under the root are not policyc's to remove. */
function ownFolders(root: string): readonly string[] {
  return [
    layout.links(root),
    layout.filters(root),
    layout.gates(root),
    layout.generations(root),
    layout.state(root),
    layout.control(root),
    layout.shut(root),
  ];
}

function listAttachments(root: string): readonly Attachment[] {
  return KINDS.flatMap((kind) => hooksOf(kind, root).list());
}
