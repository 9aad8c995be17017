/** What is in force under a root, after what killed applies have left there is taken away. */
import { existsSync } from 'node:fs';
import type { Half } from '../../codegen/layout.js';
import { removePins } from '../bpffs.js';
import { otherHalf, readControl, writeControl, type ControlWord } from './control.js';
import { listGates, shutHalf } from './gates.js';
import { layout, listGenerations, podFolder } from './pins.js';
import { readRecord } from './record.js';
import { nativeDoor, type MapHandle, type ProgramHandle } from '../native.js';

export interface InForce {
  readonly half: Half;
  /** Undefined before the first apply has come to its end. */
  readonly generation: number | undefined;
}

/** The generation that the control word lets judge. */
export function generationInForce(root: string, { half }: ControlWord): number | undefined {
  return listGenerations(root)
    .filter((one) => readRecord(layout.record(root, one))?.half === half)
    .at(-1);
}

/** Whether the generation in force has programs of the pod. */
export function isHeld(
  root: string,
  { generation }: Pick<InForce, 'generation'>,
  pod: string,
): boolean {
  return (
    generation !== undefined && existsSync(podFolder(layout.generation(root, generation), pod))
  );
}

/**
 * Ends the step in which both generations must allow, in favour of the old one, and frees all that is
 * not in force. The gates of pods that the old generation does not know stay with what is behind
 * them, so that they are not without any until the apply that follows.
 */
export function recoverHalves(root: string, control: MapHandle, shut: ProgramHandle): InForce {
  const word = readControl(control);
  const { half } = word;
  const generation = generationInForce(root, word);
  const dead = listGenerations(root).filter((one) => one !== generation);
  if (word.both) writeControl(control, { half, both: false });
  // A packet that came while both had to allow, or before the last flip, may be in the other half still.
  if (word.both || dead.length > 0) nativeDoor().waitForReaders();
  for (const pod of listGates(root)) shutHalf(root, pod, otherHalf(half), shut);
  for (const one of dead) removePins(layout.generation(root, one));
  return { half, generation };
}
