/** Attaching gates where there are none, and letting go of them again if one fails. */
import { diagnostic, InputError, type Diagnostic } from '../../diagnostics.js';
import type { Attachment, Hook, Hooks, Pending } from './hook.js';
import { KernelError } from '../kernel-error.js';
import type { ProgramHandle } from '../native.js';
import { TC_DIRECTIONS } from './hook.js';

export interface Placement {
  readonly hook: Hook;
  /** The interface's name, for messages. */
  readonly device: string;
  readonly gate: ProgramHandle;
}

/** A gate that was attached, and can be let go of until the caller settles it. */
export interface AttachedGate {
  readonly placement: Placement;
  readonly pending: Pending;
}

/**
 * Attaches the gates that are not yet first at their hooks, into `attached`: where one fails, those
 * before it are there for the caller to let go of.
 *
 * @throws {InputError} `deploy/not-first`
 * @throws {KernelError}
 */
export function attachGates(
  hooks: Hooks,
  before: readonly Attachment[],
  placements: readonly Placement[],
  attached: AttachedGate[],
): void {
  for (const placement of placements) {
    const { hook, gate, device } = placement;
    const { id } = gate.facts();
    const there = before.some((one) => isAt(one, hook) && one.programId === id && one.behind === 0);
    if (there) continue;
    attached.push({ placement, pending: hooks.attach(hook, gate) });
    const first = hooks.first(hook);
    if (first?.programId === id) continue;
    const { pod, direction } = hook;
    const name = first?.name ?? 'nothing';
    const ingress = TC_DIRECTIONS[direction] === 'ingress';
    throw new InputError([diagnostic('deploy/not-first', { pod, device, name, ingress })]);
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

/** Lets go of all of them. What could not be let go of is told. */
export function takeBack(root: string, attached: readonly AttachedGate[]): readonly Diagnostic[] {
  return attached.toReversed().flatMap(({ placement: { device }, pending }) => {
    try {
      pending.undo();
      return [];
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return [diagnostic('deploy/kept-partly', { root, device, reason: error.code })];
    }
  });
}
