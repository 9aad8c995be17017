/** Which rules caused which instructions, by the lines that the object itself names; and what programs take. */
import type { CauseId, Causes } from '../../codegen/bind/causes.js';
import { PROGRAMS } from '../../codegen/contents.js';
import { judgeName } from '../../codegen/emit/connections.js';
import {
  DATAPATH_FILE,
  type ImageFunction,
  type ObjectImage,
  type SourceLine,
} from '../../codegen/object/object-image.js';
import { slotsOf } from '../../codegen/assembly/isa.js';
import { slotCount } from '../../codegen/assembly/link.js';
import { LineTable } from '../../codegen/object/line-table.js';
import { bug } from '../../diagnostics.js';
import type { Direction } from '../../ir/model.js';
import { deciderOrigin, type NormalModel } from '../../ir/normal-model.js';
import type { Span } from '../../source.js';

const DIRECTIONS = ['ingress', 'egress'] as const;

/** Instructions of all functions by cause, in slots. */
export function causedInstructions(
  model: NormalModel,
  { functions }: ObjectImage,
  causes: Causes,
): ReadonlyMap<CauseId, number> {
  const counts = new Map<CauseId, number>();
  const causeAt = causesByLine(model, causes);
  for (const one of functions) {
    const direction = directionOf(one.name);
    let cause = causes.nobody;
    for (const { line, instruction } of one.instructions) {
      if (line !== undefined) {
        const isPolicy = line.file !== DATAPATH_FILE && direction !== undefined;
        cause = isPolicy ? (causeAt[direction].get(lineKey(line)) ?? causes.nobody) : causes.nobody;
      }
      counts.set(cause, (counts.get(cause) ?? 0) + slotsOf(instruction));
    }
  }
  return counts;
}

/** Rules of one place and direction share what stands under its line. */
function causesByLine(
  model: NormalModel,
  causes: Causes,
): Readonly<Record<Direction, ReadonlyMap<string, CauseId>>> {
  const found = { ingress: new Map<string, CauseId>(), egress: new Map<string, CauseId>() };
  const add = (direction: Direction, origin: Span, cause: CauseId): void => {
    // A table tells a line only where it begins: each origin is asked of a table of its own.
    const line = new LineTable('').next(0, { origin });
    if (line === undefined) return;
    const known = found[direction].get(lineKey(line)) ?? causes.nobody;
    found[direction].set(lineKey(line), causes.join(known, cause));
  };
  for (const [id, decider] of model.deciders.entries()) {
    const origin = deciderOrigin(decider);
    if (origin === undefined || decider.kind === 'none') continue;
    if (decider.kind === 'isolation') add(decider.direction, origin, causes.of(id));
    else add(decider.rule.direction, origin, causes.of(id));
  }
  return found;
}

function lineKey({ file, line, column }: SourceLine): string {
  return `${line}:${column}:${file}`;
}

function directionOf(name: string): Direction | undefined {
  return DIRECTIONS.find((one) => name === PROGRAMS[one] || name === judgeName(one));
}

export interface ProgramSize {
  readonly name: string;
  /** Its own and those of all functions that it calls, as they are loaded. */
  readonly instructions: number;
  /** Bytes of stack on the deepest way through its calls, in frames as the verifier counts them. */
  readonly stack: number;
}

/** The kernel's limits on what each program takes. */
export const STACK_LIMIT = 512;
/** check_max_stack_depth rounds each frame up (kernel/bpf/verifier.c). */
const FRAME_UNIT = 32;

/** The object's programs. */
export function programSizes({ functions }: ObjectImage): readonly ProgramSize[] {
  const byName = new Map(functions.map((one) => [one.name, one]));
  const calledBy = (one: ImageFunction): readonly ImageFunction[] =>
    one.instructions.flatMap(({ reference }) =>
      reference?.kind === 'function'
        ? [byName.get(reference.name) ?? bug(`no function ${reference.name}`)]
        : [],
    );
  const reach = (one: ImageFunction, seen: Set<ImageFunction>): Set<ImageFunction> => {
    if (seen.has(one)) return seen;
    seen.add(one);
    for (const called of calledBy(one)) reach(called, seen);
    return seen;
  };
  const depth = (one: ImageFunction): number =>
    roundUp(Math.max(1, frameBytes(one))) +
    calledBy(one).reduce((deepest, called) => Math.max(deepest, depth(called)), 0);
  return functions
    .filter(({ role }) => role === 'program')
    .map((one) => ({
      name: one.name,
      instructions: [...reach(one, new Set())].reduce((sum, each) => sum + slotCount(each), 0),
      stack: depth(one),
    }));
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / FRAME_UNIT) * FRAME_UNIT;
}

/** How far below the frame pointer the function goes, by loads and stores and by addresses that it makes. */
function frameBytes({ instructions }: ImageFunction): number {
  let lowest = 0;
  const copies = new Set<number>();
  for (const { instruction } of instructions) {
    const { kind } = instruction;
    if ((kind === 'load' || kind === 'store') && instruction.base === FRAME_POINTER) {
      lowest = Math.min(lowest, instruction.offset);
    }
    if (kind !== 'alu') continue;
    const { operation, dst, src } = instruction;
    if (operation === 'mov' && 'reg' in src && src.reg === FRAME_POINTER) copies.add(dst);
    else if (operation === 'add' && 'imm' in src && copies.has(dst)) {
      lowest = Math.min(lowest, src.imm);
      copies.delete(dst);
    } else copies.delete(dst);
  }
  return -lowest;
}

const FRAME_POINTER = 10;
