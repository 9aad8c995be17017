/** The VM: runs an object's programs in user space, on the very bytes, at least as strict as the verifier. */
import { bug } from '../diagnostics.js';
import { formatInstruction } from './object/disassemble.js';
import { slotsOf } from './assembly/isa.js';
import type {
  ImageFunction,
  ImageInstruction,
  ObjectImage,
  SourceLine,
} from './object/object-image.js';
import type { PacketContext } from './vm/context.js';
import { Machine, type VmClock, type VmMemory } from './vm/machine.js';
import { violate, Violation } from './vm/memory.js';
import { makeStep, type Step } from './vm/steps.js';
import { Watch, type VmTrace } from './vm/trace.js';

export interface VmOptions {
  /** How many instructions a run may take; a million unless told, as the verifier counts. */
  readonly stepLimit?: number;
  /** Read on each call of a clock; always 0 unless told. */
  readonly clock?: () => VmClock;
}

export interface VmResult {
  /** r0 at the end, signed. */
  readonly result: number;
  readonly cb: readonly number[];
  readonly packet: Uint8Array;
  readonly mark: number;
  /** What the program asked for; it happens only if the result is TC_ACT_REDIRECT (7). */
  readonly redirect?: { readonly ifindex: number; readonly flags: number };
  /** Records of ring buffers, in the maps' order. */
  readonly events: readonly Uint8Array[];
  readonly steps: number;
}

export interface Vm {
  /** Maps and writable tables keep what the run wrote. @throws VmFault */
  readonly run: (program: string, packet: Uint8Array, context?: PacketContext) => VmResult;
  /** The same, and what the run read on its way. */
  readonly trace: (
    program: string,
    packet: Uint8Array,
    context?: PacketContext,
  ) => VmResult & { readonly trace: VmTrace };
}

/** An instruction did what the verifier or the kernel would not let pass. */
export class VmFault extends Error {
  override readonly name = 'VmFault';

  constructor(
    readonly reason: string,
    readonly functionName: string,
    /** The instruction's slot in its function. */
    readonly slot: number,
    /** The instruction as the disassembler writes it. */
    readonly instruction: string,
    readonly line: SourceLine | undefined,
  ) {
    const place = line === undefined ? '' : `\n  ${line.text}`;
    super(`${reason}, at ${functionName}:${slot}: ${instruction}${place}`);
  }
}

const STEP_LIMIT = 1_000_000;

/**
 * Images whose every instruction some VM has compiled, and so checked. Further VMs of an image compile
 * only what they run: a judge has one for each pod, and a flow runs few instructions of many.
 */
const checkedImages = new WeakMap<ObjectImage, Code>();

/** Makes a VM for the object; tables and maps that `memory` does not give begin as in the object. */
export function createVm(image: ObjectImage, memory: VmMemory = {}, options: VmOptions = {}): Vm {
  const clock = options.clock ?? (() => ({ jiffies: 0n, nanoseconds: 0n }));
  const stepLimit = options.stepLimit ?? STEP_LIMIT;
  const machine = new Machine(image, memory, clock);
  const checked = checkedImages.get(image);
  const code = checked ?? layOut(image);
  const steps: (Step | undefined)[] =
    checked === undefined ? code.places.map((place) => compile(machine, code, place)) : [];
  checkedImages.set(image, code);
  const stepAt = (index: number): Step | undefined => {
    const known = steps[index];
    const place = code.places[index];
    if (known !== undefined || place === undefined) return known;
    const made = compile(machine, code, place);
    steps[index] = made;
    return made;
  };
  const runBy = (
    steps: typeof stepAt,
    program: string,
    packet: Uint8Array,
    context: PacketContext,
  ): VmResult => {
    const entry = code.programs.get(program) ?? bug(`no program \`${program}\``);
    machine.begin(packet, context);
    const count = execute(steps, entry, stepLimit, code);
    const { buffer, redirect } = machine;
    return {
      result: machine.cell(0).lo,
      cb: buffer.cb,
      packet: buffer.packet,
      mark: buffer.mark,
      ...(redirect === undefined ? {} : { redirect }),
      events: machine.drainEvents(),
      steps: count,
    };
  };
  return {
    run: (program, packet, context = {}) => runBy(stepAt, program, packet, context),
    trace: (program, packet, context = {}) => {
      const watch = new Watch(
        machine,
        image.tables.map(({ name }) => name),
      );
      const watched = (index: number): Step | undefined => {
        const step = stepAt(index);
        const place = code.places[index];
        return step && place && watch.around(place.owner, place.at, step);
      };
      const result = runBy(watched, program, packet, context);
      return { ...result, trace: watch.finish() };
    },
  };
}

/** Runs from `entry` to the end of the program and counts the instructions. */
function execute(
  stepAt: (index: number) => Step | undefined,
  entry: number,
  limit: number,
  code: Code,
): number {
  let count = 0;
  let at = entry;
  try {
    while (at >= 0) {
      const step = stepAt(at);
      if (step === undefined) break;
      if (count === limit) violate(`the run takes more than ${limit} instructions`);
      count += 1;
      const next = step();
      if (next < 0) return count;
      at = next;
    }
  } catch (error) {
    throw faultAt(code.places[at], error);
  }
  return bug('control left the code');
}

interface CodePlace {
  readonly owner: ImageFunction;
  /** The index of the owner's first instruction. */
  readonly start: number;
  readonly at: ImageInstruction;
}

interface Code {
  readonly places: readonly CodePlace[];
  readonly programs: ReadonlyMap<string, number>;
  /** The index of each function's first instruction. */
  readonly entries: ReadonlyMap<string, number>;
  readonly parameters: ReadonlyMap<string, ImageFunction['parameters']>;
  /** For each function the index of the instruction at each slot. */
  readonly bySlot: ReadonlyMap<string, ReadonlyMap<number, number>>;
}

function layOut(image: ObjectImage): Code {
  const places: CodePlace[] = [];
  const entries = new Map<string, number>();
  const programs = new Map<string, number>();
  const bySlot = new Map<string, ReadonlyMap<number, number>>();
  for (const owner of image.functions) {
    const start = places.length;
    entries.set(owner.name, start);
    if (owner.role === 'program') programs.set(owner.name, start);
    bySlot.set(owner.name, new Map(owner.instructions.map(({ slot }, i) => [slot, start + i])));
    for (const at of owner.instructions) places.push({ owner, start, at });
  }
  const parameters = new Map(image.functions.map((one) => [one.name, one.parameters]));
  return { places, programs, entries, parameters, bySlot };
}

function compile(machine: Machine, code: Code, place: CodePlace): Step {
  const { owner, start, at } = place;
  const after = at.slot + slotsOf(at.instruction);
  const indexAt = (slot: number): number =>
    code.bySlot.get(owner.name)?.get(slot) ?? violate(`no instruction begins at slot ${slot}`);
  try {
    const ends = at.instruction.kind === 'exit' || at.instruction.kind === 'jump';
    return makeStep(machine, at, {
      next: ends ? start : indexAt(after),
      target: (distance) => indexAt(after + distance),
      parameters: (name) => code.parameters.get(name),
      entry: (name) => code.entries.get(name) ?? violate(`no function \`${name}\``),
    });
  } catch (error) {
    throw faultAt(place, error);
  }
}

function faultAt(place: CodePlace | undefined, error: unknown): unknown {
  if (!(error instanceof Violation) || place === undefined) return error;
  const { owner, at } = place;
  const before = owner.instructions.filter(({ slot }) => slot <= at.slot);
  const line = before.findLast((one) => one.line !== undefined)?.line;
  return new VmFault(error.message, owner.name, at.slot, formatInstruction(at), line);
}
