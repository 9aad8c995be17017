/** A listing as text: BPF assembly with its labels, comments and the policy lines that caused it. */
import { formatInstruction } from '../codegen/object/disassemble.js';
import { slotsOf, type MachineInstruction } from '../codegen/assembly/isa.js';
import {
  HELPER_NUMBERS,
  type FunctionListing,
  type Instruction,
  type Listing,
} from '../codegen/assembly/listing.js';
import type { Reference } from '../codegen/object/object-image.js';
import { formatPlace } from '../source.js';

export function listingText(listing: Listing): string {
  const tables = listing.tables.map(
    ({ name, frozen, initial }) =>
      `table ${name}: ${initial.length} bytes${frozen ? ', frozen' : ''}`,
  );
  const maps = listing.maps.map(
    ({ name, type, keySize, valueSize, maxEntries }) =>
      `map ${name}: ${type}, key ${keySize}, value ${valueSize}, ${maxEntries} entries`,
  );
  const declarations = [...tables, ...maps].map((line) => `; ${line}\n`).join('');
  return [declarations, ...listing.functions.map(functionText)].join('\n');
}

function functionText({ name, role, items }: FunctionListing): string {
  const lines = [`${name}:${role === 'program' ? '' : '  ; subprogram'}`];
  let place = '';
  for (const item of items) {
    if (item.kind === 'label') {
      lines.push(`${item.name}:`);
      continue;
    }
    const origin = item.origin === undefined ? '' : formatPlace(item.origin);
    if (origin !== place && origin !== '') lines.push(`; ${origin}`);
    place = origin;
    const comment = item.comment === undefined ? '' : `  ; ${item.comment}`;
    lines.push(`    ${instructionText(item.instruction)}${comment}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Names stand where the machine has distances: the instruction is put at slot 0, its target behind it. */
function instructionText(instruction: Instruction): string {
  const { machine, reference, target } = lowered(instruction);
  const labels = target === undefined ? [] : [[slotsOf(machine), target] as const];
  const at = { slot: 0, instruction: machine, ...(reference && { reference }) };
  return formatInstruction(at, new Map(labels));
}

interface Lowered {
  readonly machine: MachineInstruction;
  readonly reference?: Reference;
  readonly target?: string;
}

function lowered(instruction: Instruction): Lowered {
  switch (instruction.kind) {
    case 'jump':
      return { machine: { kind: 'jump', distance: 0 }, target: instruction.target };
    case 'branch':
      return { machine: { ...instruction, distance: 0 }, target: instruction.target };
    case 'call':
      return { machine: { kind: 'call', helper: HELPER_NUMBERS[instruction.helper] } };
    case 'call-function':
      return {
        machine: { kind: 'call-function', distance: 0 },
        reference: { kind: 'function', name: instruction.name },
      };
    case 'load-map':
      return {
        machine: { kind: 'load-imm64', dst: instruction.dst, value: 0n },
        reference: { kind: 'map', name: instruction.map },
      };
    case 'load-table':
      return {
        machine: { kind: 'load-imm64', dst: instruction.dst, value: BigInt(instruction.offset) },
        reference: { kind: 'table', name: instruction.table },
      };
    default:
      return { machine: instruction };
  }
}
