/** The WebAssembly module of an object: each function translated, and an entry for each program. */
import { bug } from '../../diagnostics.js';
import { HELPER_NUMBERS, type HelperName } from '../assembly/listing.js';
import type { ObjectImage, Reference } from '../object/object-image.js';
import { I32, I64, OP, WasmWriter } from './bytes.js';
import { translateFunction, type WasmLinks } from './function.js';

/** Kernel functions that the engine has, in the order in which modules import them. */
export const WASM_HELPERS = [
  'map_lookup_elem',
  'map_update_elem',
  'map_delete_elem',
  'skb_load_bytes',
  'skb_store_bytes',
  'skb_pull_data',
  'skb_change_tail',
  'csum_diff',
  'redirect',
  'ringbuf_output',
  'tail_call',
] as const satisfies readonly HelperName[];
export type WasmHelper = (typeof WASM_HELPERS)[number];

/** Where things are in linear memory; tables and map values follow from `tables` on. */
export const PLACE = {
  /** struct __sk_buff. */
  context: 0x1000,
  jiffies: 0x1100,
  nanoseconds: 0x1108,
  /** Where the stack of the first frame ends, going down. */
  stack: 0x8000,
  packet: 0x1_0000,
  tables: 0x3_0000,
} as const;

/** Numbers that stand for maps: no address is that high. */
const FIRST_MAP = 0x7000_0000;

export function mapHandle(index: number): number {
  return FIRST_MAP + index;
}

export function mapOfHandle(handle: number): number {
  return handle - FIRST_MAP;
}

const HELPER_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(HELPER_NUMBERS).map(([name, number]) => [number, name]),
);

/** Whether the engine has all that the object's programs call. */
export function canTranslate({ functions }: ObjectImage): boolean {
  const known = new Set<string>([...WASM_HELPERS, 'jiffies64', 'ktime_get_ns']);
  return functions.every(({ instructions }) =>
    instructions.every(
      ({ instruction }) =>
        instruction.kind !== 'call' || known.has(HELPER_NAMES.get(instruction.helper) ?? ''),
    ),
  );
}

const TYPES = { function: 0, entry: 1, helper: 2, swap: 3 } as const;

/** What the module imports for the address of a table. */
export function tableImport(name: string): string {
  return `table ${name}`;
}

export function translateObject(image: ObjectImage): Uint8Array {
  const { functions, maps, tables } = image;
  const programs = functions.filter(({ role }) => role === 'program');
  const swap = WASM_HELPERS.length + functions.length;
  const mapIndexes = new Map(maps.map(({ name }, i) => [name, i]));
  const indexes = new Map(functions.map(({ name }, i) => [name, WASM_HELPERS.length + i]));
  const links: WasmLinks = {
    addressOf: ({ kind, name }: Reference) => {
      if (kind === 'map') return mapHandle(mapIndexes.get(name) ?? bug(`no map ${name}`));
      const index = tables.findIndex((one) => one.name === name);
      return index < 0 ? bug(`no table ${name}`) : { global: index };
    },
    functionIndex: (name) => indexes.get(name) ?? bug(`no function ${name}`),
    helper: (number) => helperOf(number),
    byteSwap: swap,
  };
  const module = new WasmWriter().bytes([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
  module.section(1, types());
  module.section(2, imports(image));
  const declared = new WasmWriter().unsigned(functions.length + 1 + programs.length);
  functions.forEach(() => declared.unsigned(TYPES.function));
  declared.unsigned(TYPES.swap);
  programs.forEach(() => declared.unsigned(TYPES.entry));
  module.section(3, declared);
  const exported = new WasmWriter().unsigned(programs.length);
  for (const [i, { name }] of programs.entries()) {
    exported
      .text(name)
      .byte(0)
      .unsigned(swap + 1 + i);
  }
  module.section(7, exported);
  const code = new WasmWriter().unsigned(functions.length + 1 + programs.length);
  for (const one of functions) code.sized(translateFunction(one, links));
  code.sized(byteSwap());
  for (const { name } of programs) code.sized(entry(links.functionIndex(name)));
  module.section(10, code);
  return module.finish().slice();
}

function helperOf(number: number): ReturnType<WasmLinks['helper']> {
  const name = HELPER_NAMES.get(number);
  if (name === 'jiffies64') return { kind: 'clock', address: PLACE.jiffies };
  if (name === 'ktime_get_ns') return { kind: 'clock', address: PLACE.nanoseconds };
  const index = WASM_HELPERS.findIndex((one) => one === name);
  return index < 0 ? bug(`no kernel function ${number} in this engine`) : { kind: 'call', index };
}

function types(): WasmWriter {
  const writer = new WasmWriter().unsigned(4);
  const type = (parameters: readonly number[], result: number): void => {
    writer.byte(0x60).unsigned(parameters.length).bytes(parameters).unsigned(1).byte(result);
  };
  type([I64, I64, I64, I64, I64, I32], I64);
  type([], I32);
  type([I32, I32, I32, I32, I32], I32);
  type([I32], I32);
  return writer;
}

function imports({ tables }: ObjectImage): WasmWriter {
  const writer = new WasmWriter().unsigned(WASM_HELPERS.length + tables.length + 1);
  for (const { name } of tables) {
    writer.text('kernel').text(tableImport(name)).byte(3).byte(I64).byte(0);
  }
  for (const name of WASM_HELPERS) writer.text('kernel').text(name).byte(0).unsigned(TYPES.helper);
  return writer.text('kernel').text('memory').byte(2).byte(0).unsigned(1);
}

/** Calls a program with the context, as the kernel does. */
function entry(index: number): WasmWriter {
  const code = new WasmWriter().unsigned(0).i64(PLACE.context);
  for (let i = 0; i < 4; i += 1) code.i64(0);
  code.i32(PLACE.stack).byte(OP.call).unsigned(index).byte(OP.i32WrapI64);
  return code.byte(OP.end);
}

const ROTATE_LEFT = 0x77;
const ROTATE_RIGHT = 0x78;
const AND = 0x71;
const OR = 0x72;

/** Swaps the bytes of a 32-bit number. */
function byteSwap(): WasmWriter {
  const code = new WasmWriter().unsigned(0);
  code.get(0).i32(8).byte(ROTATE_LEFT).i32(0x00ff_00ff).byte(AND);
  code.get(0).i32(8).byte(ROTATE_RIGHT).i32(0xff00_ff00).byte(AND);
  return code.byte(OR).byte(OP.end);
}
