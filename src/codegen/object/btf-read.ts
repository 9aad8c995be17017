/** Reads back what btf.ts and btf-ext.ts wrote: map declarations and line info. */
import { BTF_GLOBAL, BTF_HEADER_BYTES, BTF_KIND, BTF_MAGIC, MAP_TYPE_NUMBERS } from './btf.js';
import { BTF_EXT_HEADER_BYTES, LINE_INFO_BYTES } from './btf-ext.js';
import { ByteReader, malformed } from './byte-reader.js';
import type { FunctionListing, MapDeclaration, Parameter } from '../assembly/listing.js';
import type { SourceLine } from './object-image.js';

interface BtfType {
  readonly kind: number;
  readonly name: string;
  readonly sizeOrType: number;
  /** Where the words behind struct btf_type begin, and how many members they hold. */
  readonly extra: number;
  readonly count: number;
}

export interface BtfContents {
  readonly reader: ByteReader;
  /** By id; number 0 is `void` and absent. */
  readonly types: readonly BtfType[];
  readonly text: (offset: number) => string;
}

/** @throws InputError if the bytes are no BTF as policyc writes it */
export function readBtf(bytes: Uint8Array): BtfContents {
  const header = new ByteReader(bytes, '.BTF');
  checkHeader(header, BTF_HEADER_BYTES);
  const reader = new ByteReader(
    header.slice(BTF_HEADER_BYTES + header.u32(8), header.u32(12)),
    "BTF's types",
  );
  const strings = new ByteReader(
    header.slice(BTF_HEADER_BYTES + header.u32(16), header.u32(20)),
    "BTF's strings",
  );
  const text = (offset: number): string => strings.text(offset);
  const types: BtfType[] = [];
  let at = 0;
  while (at < reader.length) {
    const word = reader.u32(at + 4);
    const kind = (word >>> 24) & 0x1f;
    const count = word & 0xffff;
    const extra = at + 12;
    types.push({ kind, count, extra, name: text(reader.u32(at)), sizeOrType: reader.u32(at + 8) });
    at = extra + extraBytes(kind, count);
  }
  return { reader, types, text };
}

function checkHeader(header: ByteReader, bytes: number): void {
  if (header.u16(0) !== BTF_MAGIC) malformed(`${header.what} does not begin as BTF`);
  if (header.u8(2) !== 1 || header.u32(4) !== bytes) {
    malformed(`${header.what} is of another version`);
  }
}

function extraBytes(kind: number, count: number): number {
  switch (kind) {
    case BTF_KIND.int:
    case BTF_KIND.variable:
      return 4;
    case BTF_KIND.pointer:
    case BTF_KIND.forward:
    case BTF_KIND.func:
      return 0;
    case BTF_KIND.array:
      return 12;
    case BTF_KIND.struct:
    case BTF_KIND.datasec:
      return 12 * count;
    case BTF_KIND.funcProto:
      return 8 * count;
    default:
      return malformed(`a BTF type is of the unknown kind ${kind}`);
  }
}

/** The maps that the BTF of `.maps` declares, in its order. */
export function readMaps(btf: BtfContents): readonly MapDeclaration[] {
  const section = btf.types.find((one) => one.kind === BTF_KIND.datasec && one.name === '.maps');
  if (section === undefined) return [];
  return Array.from({ length: section.count }, (_, i) => {
    const variable = typeOf(btf, btf.reader.u32(section.extra + 12 * i), BTF_KIND.variable);
    return readMap(btf, variable);
  });
}

function typeOf(btf: BtfContents, id: number, kind: number): BtfType {
  const type = btf.types[id - 1];
  if (type?.kind !== kind) malformed(`the BTF type ${id} is not of kind ${kind}`);
  return type;
}

function readMap(btf: BtfContents, variable: BtfType): MapDeclaration {
  const struct = typeOf(btf, variable.sizeOrType, BTF_KIND.struct);
  const numbers = new Map<string, number>();
  for (let i = 0; i < struct.count; i += 1) {
    const at = struct.extra + 12 * i;
    const name = btf.text(btf.reader.u32(at));
    if (name === 'key' || name === 'value') continue;
    const pointer = typeOf(btf, btf.reader.u32(at + 4), BTF_KIND.pointer);
    const array = typeOf(btf, pointer.sizeOrType, BTF_KIND.array);
    numbers.set(name, btf.reader.u32(array.extra + 8));
  }
  const number = (name: string): number =>
    numbers.get(name) ?? malformed(`the map \`${variable.name}\` has no ${name}`);
  const type = mapTypeOf(number('type'));
  return {
    name: variable.name,
    type,
    keySize: type === 'ringbuf' ? 0 : number('key_size'),
    valueSize: type === 'ringbuf' ? 0 : number('value_size'),
    maxEntries: number('max_entries'),
    flags: number('map_flags'),
  };
}

function mapTypeOf(wanted: number): MapDeclaration['type'] {
  for (const [name, number] of Object.entries(MAP_TYPE_NUMBERS)) {
    if (number === wanted) return name as MapDeclaration['type'];
  }
  return malformed(`maps of type ${wanted} are unknown`);
}

/** What the global functions take, by name. */
export function readParameters(
  btf: BtfContents,
): ReadonlyMap<string, NonNullable<FunctionListing['parameters']>> {
  const globals = btf.types.filter((one) => one.kind === BTF_KIND.func && one.count === BTF_GLOBAL);
  return new Map(
    globals.map(({ name, sizeOrType }) => {
      const proto = typeOf(btf, sizeOrType, BTF_KIND.funcProto);
      const parameters = Array.from({ length: proto.count }, (_, i): Parameter => {
        const type = btf.types[btf.reader.u32(proto.extra + 8 * i + 4) - 1];
        if (type?.kind === BTF_KIND.pointer) return 'context';
        return type?.kind === BTF_KIND.int
          ? 'number'
          : malformed(`\`${name}\` takes what no function takes`);
      });
      return [name, parameters];
    }),
  );
}

/** Line info by code section and by byte offset in it. */
export function readLines(
  bytes: Uint8Array,
  btf: BtfContents,
): ReadonlyMap<string, ReadonlyMap<number, SourceLine>> {
  const header = new ByteReader(bytes, '.BTF.ext');
  checkHeader(header, BTF_EXT_HEADER_BYTES);
  const part = new ByteReader(
    header.slice(BTF_EXT_HEADER_BYTES + header.u32(16), header.u32(20)),
    'the line info',
  );
  if (part.u32(0) !== LINE_INFO_BYTES) malformed('line info has records of another size');
  const sections = new Map<string, ReadonlyMap<number, SourceLine>>();
  let at = 4;
  while (at < part.length) {
    const name = btf.text(part.u32(at));
    const count = part.u32(at + 4);
    const records = new ByteReader(part.slice(at + 8, count * LINE_INFO_BYTES), part.what);
    const lines = records.records(LINE_INFO_BYTES, (record): [number, SourceLine] => {
      const place = records.u32(record + 12);
      const file = btf.text(records.u32(record + 4));
      const text = btf.text(records.u32(record + 8));
      return [records.u32(record), { file, line: place >>> 10, column: place & 0x3ff, text }];
    });
    sections.set(name, new Map(lines));
    at += 8 + count * LINE_INFO_BYTES;
  }
  return sections;
}
