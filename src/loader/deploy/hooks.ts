/** Chooses how programs are attached: by what the kernel has. */
import { classicHooks } from './classic.js';
import type { HookKind, Hooks } from './hook.js';
import { tcxHooks } from './tcx.js';
import { KernelError } from '../kernel-error.js';
import { nativeDoor } from '../native.js';
import { attachTypeNumber } from '../uapi.js';

/** The better kind that the kernel has. */
export function supportedHookKind(): HookKind {
  try {
    // Without tcx the kernel does not know the attach type (EINVAL); every interface has the hook.
    nativeDoor().queryTcx(1, attachTypeNumber.tcxIngress);
    return 'tcx';
  } catch (error) {
    if (error instanceof KernelError && error.code === 'EINVAL') return 'clsact';
    if (error instanceof KernelError && error.code === 'ENODEV') return 'tcx';
    throw error;
  }
}

export function hooksOf(kind: HookKind, root: string): Hooks {
  switch (kind) {
    case 'tcx':
      return tcxHooks(root);
    case 'clsact':
      return classicHooks(root);
  }
}
