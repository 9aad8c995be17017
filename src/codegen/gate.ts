/** The gates' object: what attaches to interfaces, once, while generations come and go behind it. */
import { writeElf } from './elf.js';
import { emitGates } from './emit-gate.js';
import { link } from './link.js';

export { GATE_PROGRAMS, SHUT_PROGRAM } from './emit-gate.js';

let made: Uint8Array | undefined;

/** The same bytes always: no policy is in them. */
export function gateObject(): Uint8Array {
  made ??= writeElf(link(emitGates()));
  return made;
}
