/** Filling the slots behind the gates, so that none is found empty while one half gives way to the other. */
import { join } from 'node:path';
import type { Half } from '../../codegen/layout.js';
import { bug } from '../../diagnostics.js';
import { listedName } from '../bpffs.js';
import { fillSlot, listGates, openHalves, type Gate } from './gates.js';
import { layout, podFolder } from './pins.js';
import { isHeld, type InForce } from './recover.js';
import { podKey } from '../endpoints.js';
import { nativeDoor } from '../native.js';
import { POD_DIRECTIONS, type PodPrograms } from '../pod-programs.js';

export interface Filling {
  readonly root: string;
  readonly old: InForce;
  /** The half that the new generation is put into. */
  readonly half: Half;
  /** Of all pods of the new generation, by their listed names. */
  readonly gates: ReadonlyMap<string, Gate>;
  readonly pods: readonly PodPrograms[];
}

/**
 * INVARIANT: from here to the end of the apply no gate finds an empty slot, whichever half it looks
 * into. Pods that the old generation does not know get the new programs in both halves, and pods
 * that the new one does not know the old ones: asking the other half, such a program asks itself.
 */
export function fillSlots({ root, old, half, gates, pods }: Filling): void {
  for (const { subject, programs } of pods) {
    const pod = listedName(podKey(subject));
    const { halves, fresh } = gateOf(gates, pod);
    const isNew = fresh || !isHeld(root, old, pod);
    for (const direction of POD_DIRECTIONS) {
      fillSlot(halves, direction, half, programs[direction]);
      if (isNew) fillSlot(halves, direction, old.half, programs[direction]);
    }
  }
  for (const pod of listGates(root)) {
    if (!gates.has(pod) && isHeld(root, old, pod)) keepPrograms(root, old, pod, half);
  }
}

export function gateOf(gates: ReadonlyMap<string, Gate>, pod: string): Gate {
  return gates.get(pod) ?? bug(`the subject ${pod} has no endpoint`);
}

function keepPrograms(root: string, { generation }: InForce, pod: string, half: Half): void {
  const halves = openHalves(root, pod);
  if (halves === undefined || generation === undefined) return;
  const folder = layout.generation(root, generation);
  try {
    for (const direction of POD_DIRECTIONS) {
      const program = nativeDoor().openPinnedProgram(join(podFolder(folder, pod), direction));
      try {
        fillSlot(halves, direction, half, program);
      } finally {
        program.close();
      }
    }
  } finally {
    halves.close();
  }
}
