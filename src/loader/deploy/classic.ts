/** clsact hooks, for kernels before 6.6: a filter each, and a pinned record of where it is. */
import { existsSync, mkdirSync, readlinkSync, renameSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { diagnostic, InputError } from '../../diagnostics.js';
import { listPins, pinName, removePins, unpinName } from '../bpffs.js';
import { TC_DIRECTIONS, type Attachment, type Hook, type Hooks, type Pending } from './hook.js';
import { layout, makeFolder, programIdAt, removeIfEmpty } from './pins.js';
import { KernelError } from '../kernel-error.js';
import { nativeDoor, type ClassicFilter, type ProgramHandle } from '../native.js';
import { POD_DIRECTIONS, type PodDirection } from '../pod-programs.js';

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
    join(folder, pinName(pod), direction, recordName(interfaceIndex));
  return {
    list: () => listRecords(folder).map((hook) => readFilter(hook, recordPath(hook))),
    attach: (hook, program) => attachFilter(folder, hook, recordPath(hook), program),
    first: (hook) => {
      const [one] = filtersOf(hook);
      if (one === undefined) return undefined;
      const { programId, name, kind, priority } = one;
      return { programId, name: `${name === '' ? kind : name}, priority ${priority}` };
    },
    remove: (attachment) => {
      // Where the interface is gone, `recover` finds the record by its own number.
      if (attachment.interfaceIndex === 0) return;
      removeFilter(folder, attachment);
      removeRecord(recordPath(attachment));
    },
    recover: () => {
      refuseOtherNamespaces(folder);
      for (const hook of listRecords(folder)) {
        removePins(recordPath(hook) + NEXT);
        if (!readFilter(hook, recordPath(hook)).here) removeRecord(recordPath(hook));
      }
    },
  };
}

function attachFilter(folder: string, hook: Hook, record: string, program: ProgramHandle): Pending {
  makeFolder(dirname(record));
  const there = filtersOf(hook).find(isOwn)?.programId;
  const old = there === undefined ? undefined : nativeDoor().openProgramById(there);
  const undo = (): void => {
    if (old === undefined) {
      removeFilter(folder, hook);
      removeRecord(record);
      return;
    }
    setFilter(hook, old, true);
    setRecord(record, old);
    old.close();
  };
  setRecord(record, program);
  try {
    if (nativeDoor().createClsact(hook.interfaceIndex)) {
      mkdirSync(qdiscMark(folder, hook.interfaceIndex), { recursive: true });
    }
    setFilter(hook, program, old !== undefined);
  } catch (error) {
    if (old === undefined) removeRecord(record);
    else {
      setRecord(record, old);
      old.close();
    }
    throw error;
  }
  const older = listRecords(folder).filter(
    (one) =>
      one.pod === hook.pod &&
      one.direction === hook.direction &&
      one.interfaceIndex !== hook.interfaceIndex,
  );
  const settle = (): void => {
    old?.close();
    for (const one of older) {
      removeFilter(folder, one);
      removeRecord(join(dirname(record), recordName(one.interfaceIndex)));
    }
  };
  return { settle, undo };
}

/** An interface's number means something in one network namespace alone. */
function recordName(interfaceIndex: number): string {
  return `${networkNamespace()}-${interfaceIndex}`;
}

/** The inode of this thread's network namespace. */
function networkNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/thread-self/ns/net'))?.[0] ?? '0';
}

/** Records of this network namespace. */
function listRecords(folder: string): readonly Hook[] {
  return allRecords(folder).flatMap(({ pod, direction, name }) => {
    const [namespace, index] = name.split('-');
    if (namespace !== networkNamespace() || !/^\d+$/.test(index ?? '')) return [];
    return [{ pod, direction, interfaceIndex: Number(index) }];
  });
}

/** A filter elsewhere could neither be switched nor removed from here. @throws {InputError} */
function refuseOtherNamespaces(folder: string): void {
  const other = allRecords(folder).find(({ name }) => !name.startsWith(`${networkNamespace()}-`));
  if (other === undefined) return;
  const { pod } = other;
  throw new InputError([diagnostic('deploy/other-namespace', { pod, folder })]);
}

function allRecords(
  folder: string,
): readonly { readonly pod: string; readonly direction: PodDirection; readonly name: string }[] {
  return listPins(folder).flatMap((entry) => {
    if (entry.name === QDISCS) return [];
    const pod = unpinName(entry.name) ?? entry.name;
    return POD_DIRECTIONS.flatMap((direction) =>
      listPins(join(folder, entry.name, direction)).map(({ name }) => ({ pod, direction, name })),
    );
  });
}

/** Whoever removes an interface or a filter leaves the record behind. */
function readFilter(hook: Hook, record: string): Attachment {
  const { pod, direction, interfaceIndex } = hook;
  const filters = filtersOf(hook);
  const own = filters.findIndex(isOwn);
  const programId = filters[own]?.programId;
  if (programId === undefined) {
    const last = programIdAt(record);
    const gone = { interfaceIndex: 0, programId: last, here: false, behind: 0 };
    return { kind: 'clsact', pod, direction, ...gone };
  }
  return { kind: 'clsact', pod, direction, interfaceIndex, programId, here: true, behind: own };
}

function isOwn({ handle, priority }: ClassicFilter): boolean {
  return handle === HANDLE && priority === PRIORITY;
}

/** None where the interface is gone, or in another network namespace. */
function filtersOf({ interfaceIndex, direction }: Hook): readonly ClassicFilter[] {
  try {
    return nativeDoor().queryClassic(interfaceIndex, isIngress(direction));
  } catch (error) {
    if (error instanceof KernelError && error.code === 'ENODEV') return [];
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
  if (filtersOf(hook).length === 0) return;
  nativeDoor().detachClassic(interfaceIndex, isIngress(direction), HANDLE, PRIORITY);
  const mark = qdiscMark(folder, interfaceIndex);
  const left = POD_DIRECTIONS.some((one) => filtersOf({ ...hook, direction: one }).length > 0);
  if (left || !existsSync(mark)) return;
  nativeDoor().destroyClsact(interfaceIndex);
  rmdirSync(mark);
}

const QDISCS = 'qdiscs';

/** An empty folder for each qdisc that policyc itself has added. */
function qdiscMark(folder: string, interfaceIndex: number): string {
  return join(folder, QDISCS, recordName(interfaceIndex));
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
