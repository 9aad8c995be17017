/** tcx hooks: a pinned link each. */
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { listPins, pinName, removePins, unpinName } from '../bpffs.js';
import {
  TC_DIRECTIONS,
  type Attachment,
  type FirstProgram,
  type Hook,
  type Hooks,
} from './hook.js';
import { layout, makeFolder, removeIfEmpty } from './pins.js';
import { KernelError } from '../kernel-error.js';
import { attachTcx, queryTcx } from '../native-calls.js';
import { nativeDoor, type LinkHandle } from '../native.js';
import { POD_DIRECTIONS, type PodDirection } from '../pod-programs.js';

/** A link that has not yet taken the place of its pod's old one. */
const NEXT = '_next';

export function tcxHooks(root: string): Hooks {
  const folder = layout.links(root);
  const pathOf = ({ pod, direction }: Pick<Hook, 'pod' | 'direction'>): string =>
    join(folder, pinName(pod), direction);
  return {
    list: () => listLinks(folder),
    attach: (hook, program) => {
      const { pod, direction, interfaceIndex } = hook;
      makeFolder(join(folder, pinName(pod)));
      const link = attachTcx({ program, interfaceIndex, direction: TC_DIRECTIONS[direction] });
      const path = pathOf(hook);
      try {
        link.pin(path + NEXT);
      } finally {
        link.close();
      }
      return {
        settle: () => settleLink(path),
        undo: () => removeLink(path + NEXT),
      };
    },
    first: ({ interfaceIndex, direction }) => {
      const [one] = queryTcx(interfaceIndex, TC_DIRECTIONS[direction]).chain;
      return one === undefined ? undefined : firstProgram(one.programId);
    },
    remove: (attachment) => removeLink(pathOf(attachment)),
    recover: () => recoverLinks(folder),
  };
}

function firstProgram(programId: number): FirstProgram {
  const program = nativeDoor().openProgramById(programId);
  try {
    return { programId, name: program.facts().name };
  } finally {
    program.close();
  }
}

function listLinks(folder: string): readonly Attachment[] {
  return listPins(folder).flatMap(({ name }) => {
    const pod = unpinName(name) ?? name;
    return POD_DIRECTIONS.flatMap((direction) => {
      const path = join(folder, name, direction);
      return existsSync(path) ? [readLink(path, pod, direction)] : [];
    });
  });
}

function readLink(path: string, pod: string, direction: PodDirection): Attachment {
  return withLink(path, (link) => {
    const { id, programId, interfaceIndex = 0 } = link.facts();
    const place = interfaceIndex === 0 ? -1 : placeInChain(interfaceIndex, direction, id);
    const behind = Math.max(place, 0);
    return { kind: 'tcx', pod, direction, interfaceIndex, programId, here: place >= 0, behind };
  });
}

/** -1 if the link is not in the chain: then the interface is in another network namespace. */
function placeInChain(interfaceIndex: number, direction: PodDirection, id: number): number {
  try {
    const { chain } = queryTcx(interfaceIndex, TC_DIRECTIONS[direction]);
    return chain.findIndex(({ linkId }) => linkId === id);
  } catch (error) {
    if (error instanceof KernelError && error.code === 'ENODEV') return -1;
    throw error;
  }
}

/** Puts the new link in place of the old one, which then judges nothing any more. */
function settleLink(path: string): void {
  if (!existsSync(path)) {
    renameSync(path + NEXT, path);
    return;
  }
  withLink(path, (old) => {
    renameSync(path + NEXT, path);
    detach(old);
  });
}

function removeLink(path: string): void {
  if (!existsSync(path)) return;
  withLink(path, detach);
  removePins(path);
  removeIfEmpty(join(path, '..'));
}

/**
 * A link whose last pin goes is detached some time later (bpf_free_inode in kernel/bpf/inode.c runs
 * after a grace period), and not at all while another process looks at it. This is at once.
 */
function detach(link: LinkHandle): void {
  if (link.facts().interfaceIndex !== 0) link.detach();
}

/** A new link becomes its pod's if the old one judges nothing any more. */
function recoverLinks(folder: string): void {
  for (const { name } of listPins(folder)) {
    for (const direction of POD_DIRECTIONS) {
      const path = join(folder, name, direction);
      if (!existsSync(path + NEXT)) continue;
      const old = existsSync(path) ? readLink(path, name, direction) : undefined;
      if (old === undefined || old.interfaceIndex === 0) renameSync(path + NEXT, path);
      else removeLink(path + NEXT);
    }
    removeIfEmpty(join(folder, name));
  }
}

function withLink<Result>(path: string, use: (link: LinkHandle) => Result): Result {
  const link = nativeDoor().openPinnedLink(path);
  try {
    return use(link);
  } finally {
    link.close();
  }
}
