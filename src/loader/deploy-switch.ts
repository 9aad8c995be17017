/** Switching hooks to new programs, one after the other, and back again if one fails. */
import { diagnostic, type Diagnostic } from '../diagnostics.js';
import type { Attachment, Hook, Hooks, Pending } from './deploy-hook.js';
import { kernelDiagnostic, KernelError } from './kernel-error.js';
import { nativeDoor, type ProgramHandle } from './native.js';

export interface Placement {
  readonly hook: Hook;
  readonly program: ProgramHandle;
}

/** Some hooks have the new program and could not be given back the old one. */
export class HalfSwitched extends Error {
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super('half switched');
  }
}

/**
 * Gives every hook its new program, one after the other, and takes all back if one fails. New
 * hooks are on record only once the caller settles them.
 */
export function switchAll(
  root: string,
  hooks: Hooks,
  before: readonly Attachment[],
  placements: readonly Placement[],
): readonly Pending[] {
  const pending: Pending[] = [];
  const undo: { readonly hook: Hook; readonly run: () => void }[] = [];
  const olds: ProgramHandle[] = [];
  try {
    for (const { hook, program } of placements) {
      const existing = before.find((one) => isAt(one, hook));
      if (existing === undefined) {
        const made = hooks.attach(hook, program);
        pending.push(made);
        undo.push({ hook, run: () => made.undo() });
        continue;
      }
      const old = nativeDoor().openProgramById(existing.programId);
      olds.push(old);
      hooks.replace(existing, program);
      undo.push({ hook, run: () => hooks.replace(existing, old) });
    }
    return pending;
  } catch (error) {
    takeBack(root, undo.toReversed(), error);
    throw error;
  } finally {
    for (const old of olds) old.close();
  }
}

function isAt(attachment: Attachment, { pod, direction, interfaceIndex }: Hook): boolean {
  return (
    attachment.here &&
    attachment.pod === pod &&
    attachment.direction === direction &&
    attachment.interfaceIndex === interfaceIndex
  );
}

/** @throws {HalfSwitched} after having tried all of them */
function takeBack(
  root: string,
  steps: readonly { readonly hook: Hook; readonly run: () => void }[],
  cause: unknown,
): void {
  const failed: Diagnostic[] = [];
  for (const { hook, run } of steps) {
    try {
      run();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      const device = `${hook.pod} (${hook.interfaceIndex})`;
      failed.push(diagnostic('deploy/kept-partly', { root, device, reason: error.code }));
    }
  }
  if (failed.length === 0) return;
  throw new HalfSwitched([
    ...(cause instanceof KernelError ? [kernelDiagnostic(cause)] : []),
    ...failed,
  ]);
}
