/** clsact hooks, for kernels before 6.6: a filter each, and a pinned record of where it is. */
import { existsSync, mkdirSync, renameSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listPins, pinName, removePins, unpinName } from './bpffs.js';
import {
  TC_DIRECTIONS,
  type Attachment,
  type Hook,
  type Hooks,
  type Pending,
} from './deploy-hook.js';
import { layout, makeFolder, programIdAt, removeIfEmpty } from './deploy-pins.js';
import { KernelError } from './kernel-error.js';
import { nativeDoor, type ClassicFilter, type ProgramHandle } from './native.js';
import { POD_DIRECTIONS, type PodDirection } from './pod-programs.js';

/** The lowest priority goes first. Ours is fixed, so that a filter can be found and replaced. */
const PRIORITY = 1;
const HANDLE = 0x706f6c;
const NEXT = '_next';

/**
 * The record of a filter is its program, pinned under the pod, the direction and the interface's
 * number. It is made before the filter, so that no filter is ever without one.
 */
export function classicHooks(root: string): Hooks {
  const folder = layout.filters(root);
  const recordPath = ({ pod, direction, interfaceIndex }: Hook): string =>
    join(folder, pinName(pod), direction, String(interfaceIndex));
  return {
    list: () =>
      listRecords(folder).flatMap((hook) => {
        const attachment = readFilter(hook, recordPath(hook));
        return attachment === undefined ? [] : [attachment];
      }),
    replace: (attachment, program) => {
      setFilter(attachment, program, true);
      setRecord(recordPath(attachment), program);
    },
    attach: (hook, program) => attachFilter(folder, hook, recordPath(hook), program),
    remove: (attachment) => {
      removeFilter(folder, attachment);
      removeRecord(recordPath(attachment));
    },
    recover: () => {
      for (const hook of listRecords(folder)) {
        removePins(recordPath(hook) + NEXT);
        if (readFilter(hook, recordPath(hook)) === undefined) removeRecord(recordPath(hook));
      }
    },
  };
}

function attachFilter(folder: string, hook: Hook, record: string, program: ProgramHandle): Pending {
  makeFolder(dirname(record));
  const undo = (): void => {
    removeFilter(folder, hook);
    removeRecord(record);
  };
  setRecord(record, program);
  try {
    if (nativeDoor().createClsact(hook.interfaceIndex)) {
      mkdirSync(qdiscMark(folder, hook.interfaceIndex), { recursive: true });
    }
    setFilter(hook, program, false);
  } catch (error) {
    removeRecord(record);
    throw error;
  }
  const older = listRecords(folder).filter(
    (one) =>
      one.pod === hook.pod &&
      one.direction === hook.direction &&
      one.interfaceIndex !== hook.interfaceIndex,
  );
  const settle = (): void => {
    for (const one of older) {
      removeFilter(folder, one);
      removeRecord(join(dirname(record), String(one.interfaceIndex)));
    }
  };
  return { settle, undo };
}

function listRecords(folder: string): readonly Hook[] {
  return listPins(folder).flatMap(({ name }) => {
    const pod = unpinName(name);
    if (pod === undefined || name === QDISCS) return [];
    return POD_DIRECTIONS.flatMap((direction) =>
      listPins(join(folder, name, direction))
        .filter((record) => /^\d+$/.test(record.name))
        .map((record) => ({ pod, direction, interfaceIndex: Number(record.name) })),
    );
  });
}

/** Undefined where the record has no filter. */
function readFilter(hook: Hook, record: string): Attachment | undefined {
  const { pod, direction, interfaceIndex } = hook;
  const filters = filtersOf(hook);
  const own = filters?.find(({ handle, priority }) => handle === HANDLE && priority === PRIORITY);
  if (filters === undefined) {
    const programId = programIdAt(record);
    return { kind: 'clsact', pod, direction, interfaceIndex: 0, programId, here: false, behind: 0 };
  }
  if (own === undefined) return undefined;
  const behind = filters.indexOf(own);
  const { programId } = own;
  return { kind: 'clsact', pod, direction, interfaceIndex, programId, here: true, behind };
}

/** Undefined where the interface is gone, or in another network namespace. */
function filtersOf({ interfaceIndex, direction }: Hook): readonly ClassicFilter[] | undefined {
  try {
    return nativeDoor().queryClassic(interfaceIndex, isIngress(direction));
  } catch (error) {
    if (error instanceof KernelError && error.code === 'ENODEV') return undefined;
    throw error;
  }
}

function isIngress(direction: PodDirection): boolean {
  return TC_DIRECTIONS[direction] === 'ingress';
}

function setFilter(hook: Hook, program: ProgramHandle, replace: boolean): void {
  const { interfaceIndex, direction } = hook;
  const ingress = isIngress(direction);
  nativeDoor().attachClassic(program, interfaceIndex, ingress, HANDLE, PRIORITY, replace);
}

function removeFilter(folder: string, hook: Hook): void {
  const { interfaceIndex, direction } = hook;
  if (interfaceIndex === 0 || filtersOf(hook) === undefined) return;
  nativeDoor().detachClassic(interfaceIndex, isIngress(direction), HANDLE, PRIORITY);
  const mark = qdiscMark(folder, interfaceIndex);
  const left = POD_DIRECTIONS.some(
    (one) => (filtersOf({ ...hook, direction: one })?.length ?? 0) > 0,
  );
  if (left || !existsSync(mark)) return;
  nativeDoor().destroyClsact(interfaceIndex);
  rmdirSync(mark);
}

const QDISCS = 'qdiscs';

/** An empty folder for each qdisc that policyc itself has added. */
function qdiscMark(folder: string, interfaceIndex: number): string {
  return join(folder, QDISCS, String(interfaceIndex));
}

function setRecord(record: string, program: ProgramHandle): void {
  removePins(record + NEXT);
  program.pin(record + NEXT);
  renameSync(record + NEXT, record);
}

function removeRecord(record: string): void {
  removePins(record);
  removeIfEmpty(dirname(record));
  removeIfEmpty(dirname(dirname(record)));
}
