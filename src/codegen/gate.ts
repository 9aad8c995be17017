/** The gates' object: what attaches to interfaces, once, while generations come and go behind it. */
import { writeElf } from './object/elf.js';
import { emitGates } from './emit/gate.js';
import { link } from './assembly/link.js';
import type { ObjectImage } from './object/object-image.js';

export { GATE_PROGRAMS, SHUT_PROGRAM } from './emit/gate.js';

let image: ObjectImage | undefined;
let object: Uint8Array | undefined;

/** The same always: no policy is in it. */
export function gateImage(): ObjectImage {
  image ??= link(emitGates());
  return image;
}

export function gateObject(): Uint8Array {
  object ??= writeElf(gateImage());
  return object;
}
