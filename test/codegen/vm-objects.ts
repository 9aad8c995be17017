/** Objects and faults for tests of the VM. */
import type { Listing, MapDeclaration } from '../../src/codegen/assembly/listing.js';
import { createVm, VmFault } from '../../src/codegen/vm.js';
import { type Body, imageOf, program } from './objects.js';

export const FLOWS: MapDeclaration = {
  name: 'flows',
  type: 'hash',
  keySize: 4,
  valueSize: 8,
  maxEntries: 2,
  flags: 0,
};

export function object(body: Body, parts: Partial<Listing> = {}): Partial<Listing> {
  return { functions: [program('main', body)], ...parts };
}

export function faultOf(parts: Partial<Listing>, packet = new Uint8Array(64)): VmFault {
  try {
    createVm(imageOf(parts), {}, { stepLimit: 10_000 }).run('main', packet);
  } catch (error) {
    if (error instanceof VmFault) return error;
    throw error;
  }
  throw new Error('the program ran to its end');
}
