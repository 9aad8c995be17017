/** Link: turns a listing's names into distances, and makes every jump reach its target. */
import { bug, diagnostic, type Diagnostic, throwIfErrors } from '../../diagnostics.js';
import { removeDeadCode } from './dead-code.js';
import type { MachineInstruction } from './isa.js';
import { slotsOf } from './isa.js';
import { LineTable } from '../object/line-table.js';
import {
  type FunctionListing,
  HELPER_NUMBERS,
  type Instruction,
  type Label,
  type Listing,
  type ListingItem,
} from './listing.js';
import { relaxJumps } from './long-jumps.js';
import type {
  ImageFunction,
  ImageInstruction,
  ObjectImage,
  Reference,
} from '../object/object-image.js';
import { checkListing } from './check-listing.js';

export type LinkedObject = ObjectImage;

/** BPF_COMPLEXITY_LIMIT_INSNS of include/linux/bpf.h, since Linux 5.2. */
const MAX_SLOTS = 1_000_000;

/**
 * Resolves a listing. Code that cannot be reached is left out, because the verifier refuses it;
 * jumps beyond 16 bits go over trampolines.
 * @throws InputError if a function is larger than the kernel takes
 * @throws Bug if the listing is inconsistent
 */
export function link(listing: Listing): LinkedObject {
  checkListing(listing);
  const diagnostics: Diagnostic[] = [];
  const functions = listing.functions.map((one) => {
    const items = relaxJumps(one.name, removeDeadCode(one.name, one.items));
    const linked = linkFunction(one, items);
    const count = slotCount(linked);
    if (count > MAX_SLOTS) {
      const args = { program: one.name, count, limit: MAX_SLOTS };
      diagnostics.push(diagnostic('link/too-many-instructions', args));
    }
    return linked;
  });
  throwIfErrors(diagnostics);
  const { license, tables, maps } = listing;
  const byRole = (role: FunctionListing['role']): readonly ImageFunction[] =>
    functions.filter((one) => one.role === role);
  return { license, functions: [...byRole('program'), ...byRole('subprogram')], tables, maps };
}

/** The number of 8-byte slots of a function. */
export function slotCount(one: ImageFunction): number {
  const last = one.instructions.at(-1);
  return last === undefined ? 0 : last.slot + slotsOf(last.instruction);
}

function linkFunction(one: FunctionListing, items: readonly ListingItem[]): ImageFunction {
  const labels = placeLabels(items);
  const lines = new LineTable(one.name);
  const instructions: ImageInstruction[] = [];
  let slot = 0;
  for (const item of items) {
    if (item.kind === 'label') {
      lines.enter(item.name);
      continue;
    }
    const next = slot + slotsOf(item.instruction);
    const line = lines.next(slot, item);
    const reference = referenceOf(item.instruction);
    instructions.push({
      slot,
      instruction: resolve(item.instruction, (label) => labelSlot(labels, label) - next),
      ...(reference === undefined ? {} : { reference }),
      ...(line === undefined ? {} : { line }),
    });
    slot = next;
  }
  const { name, role, parameters } = one;
  return { name, role, ...(parameters === undefined ? {} : { parameters }), instructions };
}

/** The slot at which each label stands. */
function placeLabels(items: readonly ListingItem[]): ReadonlyMap<Label, number> {
  const labels = new Map<Label, number>();
  let slot = 0;
  for (const item of items) {
    if (item.kind === 'label') labels.set(item.name, slot);
    else slot += slotsOf(item.instruction);
  }
  return labels;
}

function labelSlot(labels: ReadonlyMap<Label, number>, label: Label): number {
  return labels.get(label) ?? bug(`no label \`${label}\``);
}

function referenceOf(instruction: Instruction): Reference | undefined {
  switch (instruction.kind) {
    case 'load-map':
      return { kind: 'map', name: instruction.map };
    case 'load-table':
      return { kind: 'table', name: instruction.table };
    case 'call-function':
      return { kind: 'function', name: instruction.name };
    default:
      return undefined;
  }
}

function resolve(
  instruction: Instruction,
  distanceTo: (label: Label) => number,
): MachineInstruction {
  switch (instruction.kind) {
    case 'load-imm64':
      return { ...instruction, value: BigInt.asUintN(64, instruction.value) };
    // libbpf takes the offset within a section from the first half of the immediate.
    case 'load-map':
      return { kind: 'load-imm64', dst: instruction.dst, value: 0n };
    case 'load-table':
      return { kind: 'load-imm64', dst: instruction.dst, value: BigInt(instruction.offset) };
    case 'jump':
      return { kind: 'jump', distance: distanceTo(instruction.target) };
    case 'branch': {
      const { kind, test, width, left, right, target } = instruction;
      return { kind, test, width, left, right, distance: distanceTo(target) };
    }
    case 'call':
      return { kind: 'call', helper: HELPER_NUMBERS[instruction.helper] };
    // libbpf adds the function's place to the immediate, plus one.
    case 'call-function':
      return { kind: 'call-function', distance: -1 };
    default:
      return instruction;
  }
}
