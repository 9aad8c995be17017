/** BTF: the types of an object's functions, maps and tables (Documentation/bpf/btf.rst). */
import { bug } from '../../diagnostics.js';
import { ByteWriter, StringTable } from './byte-writer.js';
import type { MapDeclaration } from '../assembly/listing.js';
import type { ObjectImage } from './object-image.js';

export const BTF_MAGIC = 0xeb9f;
export const BTF_HEADER_BYTES = 24;

/** enum of include/uapi/linux/btf.h. */
export const BTF_KIND = {
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  forward: 7,
  func: 12,
  funcProto: 13,
  variable: 14,
  datasec: 15,
} as const;

/** enum bpf_map_type. */
export const MAP_TYPE_NUMBERS: Readonly<Record<MapDeclaration['type'], number>> = {
  hash: 1,
  array: 2,
  prog_array: 3,
  percpu_array: 6,
  lru_hash: 9,
  lpm_trie: 11,
  ringbuf: 27,
};

const SIGNED = 1;
const STATIC = 0;
/** The linkage of functions and variables that other objects may see. */
export const BTF_GLOBAL = 1;
/** The kernel's limit on the string section (BTF_MAX_NAME_OFFSET). */
const MAX_STRING_BYTES = 0xff_ffff;

export interface BtfTypes {
  /** The bytes of the type section. */
  readonly types: Uint8Array;
  /** Line info puts its texts here too, before {@link encodeBtf}. */
  readonly strings: StringTable;
  /** The type id of each function. */
  readonly functionIds: ReadonlyMap<string, number>;
}

/** Describes all that an object declares. */
export function describeTypes(image: ObjectImage): BtfTypes {
  const builder = new TypeBuilder();
  const int = builder.int('int', 4, SIGNED);
  const functionIds = describeFunctions(image, builder, int);
  const kit = declareIntegers(builder, int);
  const maps = image.maps.map((map) => ({ name: map.name, type: mapStruct(builder, kit, map) }));
  if (maps.length > 0) {
    builder.datasec(
      '.maps',
      maps.map((map, i) => ({ ...map, size: mapStructSize(image.maps[i] ?? bug('no map')) })),
    );
  }
  for (const table of image.tables) {
    const size = table.initial.length;
    const type = builder.array(kit.byte, int, size);
    builder.datasec(tableSection(table), [{ name: table.name, type, size }]);
  }
  const size = licenseBytes(image.license).length;
  const type = builder.array(builder.int('char', 1, SIGNED), int, size);
  builder.datasec('license', [{ name: '_license', type, size }]);
  return { types: builder.finish(), strings: builder.strings, functionIds };
}

/** The `.BTF` section. */
export function encodeBtf({ types, strings }: BtfTypes): Uint8Array {
  const text = strings.finish();
  if (text.length > MAX_STRING_BYTES) bug(`${text.length} bytes of BTF strings are too many`);
  const out = new ByteWriter();
  out.u16(BTF_MAGIC);
  out.u8(1);
  out.u8(0);
  out.u32(BTF_HEADER_BYTES);
  out.u32(0);
  out.u32(types.length);
  out.u32(types.length);
  out.u32(text.length);
  out.bytes(types);
  out.bytes(text);
  return out.finish();
}

export function tableSection(table: { readonly name: string; readonly frozen: boolean }): string {
  return `${table.frozen ? '.rodata' : '.data'}.${table.name}`;
}

/** The licence with its final zero. */
export function licenseBytes(license: string): Uint8Array {
  return new TextEncoder().encode(`${license}\0`);
}

/** The members of a BTF-defined map, in their order in the struct: each a pointer of 8 bytes. */
export function mapStructSize(map: MapDeclaration): number {
  return 8 * (mapNumbers(map).length + (hasTypedEntries(map) ? 2 : 0));
}

function describeFunctions(
  image: ObjectImage,
  builder: TypeBuilder,
  int: number,
): ReadonlyMap<string, number> {
  // The verifier knows the context of a global subprogram by the name of the struct.
  const skb = builder.pointer(builder.namedStruct('__sk_buff', SK_BUFF_BYTES));
  const word = builder.int('__u32', 4, 0);
  const types = { context: skb, number: word };
  const program = builder.funcProto(int, [{ name: 'skb', type: skb }]);
  // The verifier follows a static function's registers from the caller, whatever the prototype says.
  const subprogram = builder.funcProto(int, []);
  return new Map(
    image.functions.map(({ name, role, parameters }) => {
      if (role === 'program') return [name, builder.func(name, program, BTF_GLOBAL)];
      if (parameters === undefined) return [name, builder.func(name, subprogram, STATIC)];
      const members = parameters.map((one, i) => ({ name: `${one}${i}`, type: types[one] }));
      return [name, builder.func(name, builder.funcProto(int, members), BTF_GLOBAL)];
    }),
  );
}

/** sizeof(struct __sk_buff), include/uapi/linux/bpf.h; its members are of no interest here. */
const SK_BUFF_BYTES = 192;

interface Integers {
  readonly int: number;
  readonly byte: number;
  readonly bySize: ReadonlyMap<number, number>;
}

function declareIntegers(builder: TypeBuilder, int: number): Integers {
  const byte = builder.int('__u8', 1, 0);
  const wider = ([2, 4, 8] as const).map((n): [number, number] => [
    n,
    builder.int(`__u${8 * n}`, n, 0),
  ]);
  return { int, byte, bySize: new Map([[1, byte], ...wider]) };
}

function mapNumbers(map: MapDeclaration): readonly (readonly [string, number])[] {
  const { maxEntries, flags, keySize, valueSize } = map;
  const sizes = [
    ['key_size', keySize],
    ['value_size', valueSize],
  ] as const;
  return [
    ['type', MAP_TYPE_NUMBERS[map.type]],
    ['max_entries', maxEntries],
    ['map_flags', flags],
    ...(map.type === 'ringbuf' ? [] : sizes),
  ];
}

/**
 * The kernel wants `struct bpf_lpm_trie_key` as a trie's key and no types at all for ring buffers
 * and arrays of programs: those say their sizes alone.
 */
function hasTypedEntries({ type }: MapDeclaration): boolean {
  return type !== 'lpm_trie' && type !== 'ringbuf' && type !== 'prog_array';
}

/** libbpf reads a number N from a pointer to an array of N elements (`__uint` of bpf_helpers.h). */
function mapStruct(builder: TypeBuilder, kit: Integers, map: MapDeclaration): number {
  const members = mapNumbers(map).map(([name, value]) => ({
    name,
    type: builder.pointer(builder.array(kit.int, kit.int, value)),
  }));
  if (hasTypedEntries(map)) {
    for (const [name, size] of [
      ['key', map.keySize],
      ['value', map.valueSize],
    ] as const) {
      const type = kit.bySize.get(size) ?? builder.array(kit.byte, kit.int, size);
      members.push({ name, type: builder.pointer(type) });
    }
  }
  return builder.struct(members);
}

interface Member {
  readonly name: string;
  readonly type: number;
}

/** Appends types; each method returns the id of the type that it wrote. */
class TypeBuilder {
  readonly strings = new StringTable();
  readonly #out = new ByteWriter();
  #count = 0;

  int(name: string, size: number, encoding: number): number {
    const id = this.#type(BTF_KIND.int, name, 0, size);
    this.#out.u32(encoding * 2 ** 24 + 8 * size);
    return id;
  }

  pointer(type: number): number {
    return this.#type(BTF_KIND.pointer, '', 0, type);
  }

  array(element: number, index: number, count: number): number {
    const id = this.#type(BTF_KIND.array, '', 0, 0);
    this.#out.u32(element);
    this.#out.u32(index);
    this.#out.u32(count);
    return id;
  }

  /** Every member is a pointer. */
  struct(members: readonly Member[]): number {
    const id = this.#type(BTF_KIND.struct, '', members.length, 8 * members.length);
    members.forEach((member, i) => {
      this.#out.u32(this.strings.offsetOf(member.name));
      this.#out.u32(member.type);
      this.#out.u32(64 * i);
    });
    return id;
  }

  /** A struct whose members are left out. */
  namedStruct(name: string, size: number): number {
    return this.#type(BTF_KIND.struct, name, 0, size);
  }

  funcProto(result: number, parameters: readonly Member[]): number {
    const id = this.#type(BTF_KIND.funcProto, '', parameters.length, result);
    for (const parameter of parameters) {
      this.#out.u32(this.strings.offsetOf(parameter.name));
      this.#out.u32(parameter.type);
    }
    return id;
  }

  func(name: string, proto: number, linkage: number): number {
    return this.#type(BTF_KIND.func, name, linkage, proto);
  }

  /** A section of variables that stand one behind the other. */
  datasec(name: string, variables: readonly (Member & { readonly size: number })[]): number {
    const ids = variables.map((variable) => {
      const id = this.#type(BTF_KIND.variable, variable.name, 0, variable.type);
      this.#out.u32(BTF_GLOBAL);
      return id;
    });
    const total = variables.reduce((sum, { size }) => sum + size, 0);
    const id = this.#type(BTF_KIND.datasec, name, variables.length, total);
    let offset = 0;
    variables.forEach(({ size }, i) => {
      this.#out.u32(ids[i] ?? bug('no variable'));
      this.#out.u32(offset);
      this.#out.u32(size);
      offset += size;
    });
    return id;
  }

  finish(): Uint8Array {
    return this.#out.finish();
  }

  /** struct btf_type. */
  #type(kind: number, name: string, count: number, sizeOrType: number): number {
    if (count > 0xffff) bug(`${count} members are too many for a BTF type`);
    this.#out.u32(this.strings.offsetOf(name));
    this.#out.u32(kind * 2 ** 24 + count);
    this.#out.u32(sizeOrType);
    this.#count += 1;
    return this.#count;
  }
}
