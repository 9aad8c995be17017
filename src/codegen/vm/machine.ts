/** The VM's machine: the registers, frames and packet of the run at hand, and the memory that stays. */
import { bug } from '../../diagnostics.js';
import type { MapDeclaration, Reg } from '../assembly/listing.js';
import type { ImageFunction, ObjectImage } from '../object/object-image.js';
import { type PacketContext, SocketBuffer } from './context.js';
import { createMap, READ_ONLY_FOR_PROGRAMS, RingBuffer, type VmMap } from './maps.js';
import {
  at,
  type Cell,
  copyCell,
  NUMBER,
  numberCell,
  Region,
  Stack,
  UNSET,
  violate,
} from './memory.js';

/** What the kernel's clocks say. */
export interface VmClock {
  readonly jiffies: bigint;
  readonly nanoseconds: bigint;
}

export interface VmMemory {
  /** Contents in place of the object's own, of any size. */
  readonly tables?: ReadonlyMap<string, Uint8Array>;
  /** Maps in place of empty ones. */
  readonly maps?: ReadonlyMap<string, VmMap>;
}

/** MAX_CALL_FRAMES of include/linux/bpf_verifier.h. */
const MAX_FRAMES = 8;
/** MAX_TAIL_CALL_CNT of include/linux/bpf.h. */
const MAX_TAIL_CALLS = 33;

const NO_EVENTS: readonly Uint8Array[] = [];

interface Frame {
  /** The verifier lets a global function return a number alone. */
  readonly global: boolean;
  readonly saved: readonly Cell[];
  readonly returnTo: number;
}

const SAVED_REGISTERS = [6, 7, 8, 9] as const;
const ARGUMENT_REGISTERS = [1, 2, 3, 4, 5] as const;

export class Machine {
  readonly cells: readonly Cell[] = Array.from({ length: 11 }, () => numberCell(0));
  readonly maps: ReadonlyMap<string, VmMap>;
  readonly clock: () => VmClock;
  readonly buffer = new SocketBuffer();
  redirect: { readonly ifindex: number; readonly flags: number } | undefined;
  readonly #tables: ReadonlyMap<string, Region>;
  readonly #mapRegions = new Map<Region, VmMap>();
  readonly #regionsByMap = new Map<string, Region>();
  readonly #values = new WeakMap<Uint8Array, Region>();
  readonly #stacks: readonly Stack[] = Array.from({ length: MAX_FRAMES }, () => new Stack());
  readonly #ringBuffers: readonly RingBuffer[];
  #frames: Frame[] = [];
  #tailCalls = 0;

  constructor(image: ObjectImage, memory: VmMemory, clock: () => VmClock) {
    this.clock = clock;
    this.maps = new Map(
      image.maps.map((declaration) => {
        const map = memory.maps?.get(declaration.name) ?? createMap(declaration);
        checkMap(declaration, map.declaration);
        return [declaration.name, map];
      }),
    );
    this.#ringBuffers = [...this.maps.values()].filter((map) => map instanceof RingBuffer);
    for (const [name, map] of this.maps) {
      const region = new Region('map', `the map \`${name}\``, new Uint8Array(), false);
      this.#mapRegions.set(region, map);
      this.#regionsByMap.set(name, region);
    }
    this.#tables = new Map(
      image.tables.map(({ name, frozen, initial }) => {
        const bytes = memory.tables?.get(name) ?? initial.slice();
        return [name, new Region('memory', `the table \`${name}\``, bytes, !frozen)];
      }),
    );
  }

  cell(reg: Reg): Cell {
    return at(this.cells, reg);
  }

  table(name: string): Region {
    return this.#tables.get(name) ?? bug(`no table \`${name}\``);
  }

  mapRegion(name: string): Region {
    return this.#regionsByMap.get(name) ?? bug(`no map \`${name}\``);
  }

  /** The map that a register's address is of. */
  mapIn(cell: Cell): VmMap {
    return this.#mapRegions.get(cell.region) ?? violate(`${cell.region.name} is no map`);
  }

  /** A region for a map's value, the same one each time. */
  valueRegion(map: VmMap, value: Uint8Array): Region {
    const known = this.#values.get(value);
    if (known !== undefined) return known;
    const { name, flags } = map.declaration;
    const writable = (flags & READ_ONLY_FOR_PROGRAMS) === 0;
    const region = new Region('memory', `a value of the map \`${name}\``, value, writable);
    this.#values.set(value, region);
    return region;
  }

  /** Makes ready for a program's first instruction. */
  begin(packet: Uint8Array, context: PacketContext): void {
    this.buffer.reset(packet, context);
    this.drainEvents();
    this.redirect = undefined;
    this.#frames = [];
    this.#tailCalls = 0;
    this.#enterProgram();
  }

  #enterProgram(): void {
    for (const cell of this.cells) cell.region = UNSET;
    const context = this.cell(1);
    context.region = this.buffer.context;
    context.lo = 0;
    this.#enterStack(0);
  }

  /** Whether one more tail call may be made; if so the program's registers and stack are fresh. */
  tailCall(): boolean {
    if (this.#frames.length > 0) violate('a subprogram makes a tail call');
    if (this.#tailCalls >= MAX_TAIL_CALLS) return false;
    this.#tailCalls += 1;
    this.#enterProgram();
    return true;
  }

  enterFunction(returnTo: number, parameters: ImageFunction['parameters']): void {
    if (parameters !== undefined) this.#checkArguments(parameters);
    const depth = this.#frames.length + 1;
    if (depth >= MAX_FRAMES) violate(`calls are more than ${MAX_FRAMES} deep`);
    const saved = SAVED_REGISTERS.map((reg) => ({ ...this.cell(reg) }));
    this.#frames.push({ saved, returnTo, global: parameters !== undefined });
    for (const reg of [0, ...SAVED_REGISTERS] as const) this.cell(reg).region = UNSET;
    this.#enterStack(depth);
  }

  /** Leaves a function: where to go on, or -1 at the end of the program. */
  leave(): number {
    const result = this.cell(0);
    const frame = this.#frames.pop();
    if (result.region === UNSET) violate('r0 holds nothing at the end');
    if (frame === undefined) {
      if (result.region !== NUMBER)
        violate(`the program returns a pointer to ${result.region.name}`);
      return -1;
    }
    if (frame.global && result.region !== NUMBER) violate('a global function returns a pointer');
    if (result.region instanceof Stack) violate('a subprogram returns a pointer to the stack');
    SAVED_REGISTERS.forEach((reg, i) => copyCell(this.cell(reg), at(frame.saved, i)));
    this.forgetArguments();
    const pointer = this.cell(10);
    pointer.region = at(this.#stacks, this.#frames.length);
    return frame.returnTo;
  }

  /** After a call r1 to r5 hold nothing. */
  forgetArguments(): void {
    for (const reg of ARGUMENT_REGISTERS) this.cell(reg).region = UNSET;
  }

  /** What the run put into ring buffers. */
  drainEvents(): readonly Uint8Array[] {
    if (this.#ringBuffers.length === 0) return NO_EVENTS;
    return this.#ringBuffers.flatMap((ring) => [...ring.drain()]);
  }

  /** A global function sees its declared arguments and nothing more. */
  #checkArguments(parameters: NonNullable<ImageFunction['parameters']>): void {
    ARGUMENT_REGISTERS.forEach((reg, i) => {
      const cell = this.cell(reg);
      const parameter = parameters[i];
      if (parameter === undefined) cell.region = UNSET;
      else if (cell.region !== (parameter === 'number' ? NUMBER : this.buffer.context)) {
        violate(`argument ${i + 1} holds ${cell.region.name} in place of a ${parameter}`);
      }
    });
  }

  #enterStack(depth: number): void {
    const stack = at(this.#stacks, depth);
    stack.clear();
    const pointer = this.cell(10);
    pointer.region = stack;
    pointer.lo = 0;
    pointer.hi = 0;
  }
}

/** A map may be of another size than declared, but not of another shape. */
function checkMap(declared: MapDeclaration, given: MapDeclaration): void {
  const { name, type, keySize, valueSize } = declared;
  if (type !== given.type || keySize !== given.keySize || valueSize !== given.valueSize) {
    bug(`the map \`${name}\` is bound to one of another shape`);
  }
}
