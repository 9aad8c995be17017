/** A hook that policyc's programs are at, and what can be done there. */
import type { TcDirection } from '../native-calls.js';
import type { ProgramHandle } from '../native.js';
import type { PodDirection } from '../pod-programs.js';

/** Which way of attaching: chains of links from Linux 6.6 on, filters of clsact before. */
export type HookKind = 'tcx' | 'clsact';

/** A hook of an interface that judges one direction of a pod's packets. */
export interface Hook {
  /** `namespace/name`. */
  readonly pod: string;
  readonly direction: PodDirection;
  readonly interfaceIndex: number;
}

/** A program at a hook. */
export interface Attachment extends Hook {
  readonly kind: HookKind;
  /** 0 where the interface is gone: nothing runs there any more. */
  readonly interfaceIndex: number;
  readonly programId: number;
  /** Whether it was found at that interface of this process's network namespace. */
  readonly here: boolean;
  /** How many programs see the packets before it. */
  readonly behind: number;
}

/** A program that is at its hook, but not yet on record as the pod's. */
export interface Pending {
  /** Puts it on record, in place of what was there. */
  settle(): void;
  /** Takes it away again. */
  undo(): void;
}

/** What sees the packets of a hook before all others. */
export interface FirstProgram {
  readonly programId: number;
  /** How its owner knows it: a program's name, or a filter's kind. */
  readonly name: string;
}

export interface Hooks {
  list(): readonly Attachment[];
  /** Before all that is there, where the kernel allows it. */
  attach(hook: Hook, program: ProgramHandle): Pending;
  /** Undefined where nothing is attached. */
  first(hook: Hook): FirstProgram | undefined;
  remove(attachment: Attachment): void;
  /** Finishes or takes back what a killed process had begun. */
  recover(): void;
}

/** The host sees what goes to the pod leave by the veth, and what comes from it arrive there. */
export const TC_DIRECTIONS: Readonly<Record<PodDirection, TcDirection>> = {
  to_pod: 'egress',
  from_pod: 'ingress',
};
