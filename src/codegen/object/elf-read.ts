/** Reads an object file that elf.ts wrote back into an object image, trusting none of its bytes. */
import { tableSection } from './btf.js';
import { type BtfContents, readBtf, readLines, readMaps, readParameters } from './btf-read.js';
import { ByteReader, malformed } from './byte-reader.js';
import {
  EM_BPF,
  FILE_HEADER_BYTES,
  PROGRAM_SECTION,
  RELOCATION,
  RELOCATION_BYTES,
  SECTION_HEADER_BYTES,
  SECTION_TYPE,
  SUBPROGRAM_SECTION,
  SYMBOL_BYTES,
  SYMBOL_TYPE,
} from './elf.js';
import { decode, SLOT_BYTES, slotsOf } from '../assembly/isa.js';
import type { TableDeclaration } from '../assembly/listing.js';
import type {
  ImageFunction,
  ImageInstruction,
  ObjectImage,
  Reference,
  SourceLine,
} from './object-image.js';

interface SectionHeader {
  readonly name: string;
  readonly type: number;
  readonly link: number;
  readonly extra: number;
  readonly bytes: Uint8Array;
}

interface SymbolEntry {
  readonly name: string;
  readonly type: number;
  readonly section: SectionHeader | undefined;
  readonly offset: number;
  readonly size: number;
}

/** @throws InputError if the bytes are no object of policyc's */
export function readElf(bytes: Uint8Array): ObjectImage {
  const sections = readSections(new ByteReader(bytes, 'the file'));
  const symbols = readSymbols(sections);
  const btf = readBtf(sectionBytes(sections, '.BTF'));
  const maps = readMaps(btf);
  const tables = readTables(symbols);
  const license = new ByteReader(sectionBytes(sections, 'license'), 'the licence').text(0);
  const code = { sections, symbols, names: namesOf(maps, tables) };
  return { license, functions: readFunctions(code, btf), tables, maps };
}

const MAGIC = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] as const;

function readSections(file: ByteReader): readonly SectionHeader[] {
  if (!MAGIC.every((byte, i) => file.u8(i) === byte)) malformed('it is no 64-bit ELF file');
  if (file.u16(18) !== EM_BPF || file.u16(16) !== 1) malformed('it is no BPF object');
  if (file.u16(52) !== FILE_HEADER_BYTES || file.u16(58) !== SECTION_HEADER_BYTES) {
    malformed('its headers have another size');
  }
  const table = new ByteReader(
    file.slice(file.u64(40), file.u16(60) * SECTION_HEADER_BYTES),
    'the section table',
  );
  const raw = table.records(SECTION_HEADER_BYTES, (at) => ({
    name: table.u32(at),
    type: table.u32(at + 4),
    link: table.u32(at + 40),
    extra: table.u32(at + 44),
    bytes: file.slice(table.u64(at + 24), table.u64(at + 32)),
  }));
  const names = raw[file.u16(62)];
  if (names === undefined) malformed('its sections have no names');
  const strings = new ByteReader(names.bytes, 'the section names');
  return raw.map((one) => ({ ...one, name: strings.text(one.name) }));
}

function sectionBytes(sections: readonly SectionHeader[], name: string): Uint8Array {
  const found = sections.find((one) => one.name === name);
  return found === undefined ? malformed(`the section \`${name}\` is missing`) : found.bytes;
}

function readSymbols(sections: readonly SectionHeader[]): readonly SymbolEntry[] {
  const table = sections.find((one) => one.type === SECTION_TYPE.symtab);
  const names = table === undefined ? undefined : sections[table.link];
  if (table === undefined || names === undefined) malformed('it has no symbols');
  const reader = new ByteReader(table.bytes, 'the symbol table');
  const strings = new ByteReader(names.bytes, 'the symbol names');
  return reader.records(SYMBOL_BYTES, (at) => ({
    name: strings.text(reader.u32(at)),
    type: reader.u8(at + 4) & 0xf,
    section: sections[reader.u16(at + 6)],
    offset: reader.u64(at + 8),
    size: reader.u64(at + 16),
  }));
}

/** Tables have sections of their own, `.rodata.NAME` or `.data.NAME`. */
function readTables(symbols: readonly SymbolEntry[]): readonly TableDeclaration[] {
  return symbols.flatMap(({ name, type, section, offset, size }) => {
    if (type !== SYMBOL_TYPE.object || section === undefined) return [];
    const frozen = section.name.startsWith('.rodata.');
    if (section.name !== tableSection({ name, frozen })) return [];
    if (offset !== 0 || size !== section.bytes.length) {
      malformed(`the table \`${name}\` does not fill its section`);
    }
    return [{ name, frozen, initial: section.bytes.slice() }];
  });
}

interface CodeParts {
  readonly sections: readonly SectionHeader[];
  readonly symbols: readonly SymbolEntry[];
  /** What the names of maps and tables stand for. */
  readonly names: ReadonlyMap<string, Reference['kind']>;
}

function namesOf(
  maps: readonly { readonly name: string }[],
  tables: readonly { readonly name: string }[],
): ReadonlyMap<string, Reference['kind']> {
  return new Map([
    ...maps.map(({ name }): [string, Reference['kind']] => [name, 'map']),
    ...tables.map(({ name }): [string, Reference['kind']] => [name, 'table']),
  ]);
}

function readFunctions(parts: CodeParts, btf: BtfContents): readonly ImageFunction[] {
  const lines = readLines(sectionBytes(parts.sections, '.BTF.ext'), btf);
  return ([PROGRAM_SECTION, SUBPROGRAM_SECTION] as const).flatMap((name) => {
    const section = parts.sections.find((one) => one.name === name);
    if (section === undefined) return [];
    const references = readReferences(parts, section);
    const found = parts.symbols
      .filter((one) => one.section === section && one.type === SYMBOL_TYPE.func)
      .sort((a, b) => a.offset - b.offset);
    const parameters = name === SUBPROGRAM_SECTION ? readParameters(btf) : undefined;
    let end = 0;
    const functions = found.map((symbol): ImageFunction => {
      if (symbol.offset !== end) malformed(`the functions of \`${name}\` leave a gap`);
      end += symbol.size;
      const role = name === PROGRAM_SECTION ? 'program' : 'subprogram';
      const instructions = readCode(section, symbol, references, lines.get(name) ?? new Map());
      const taken = parameters?.get(symbol.name);
      const declared = taken === undefined ? {} : { parameters: taken };
      return { name: symbol.name, role, ...declared, instructions };
    });
    if (end !== section.bytes.length) malformed(`code of \`${name}\` belongs to no function`);
    return functions;
  });
}

/** What the relocations of a code section refer to, by byte offset. */
function readReferences(parts: CodeParts, code: SectionHeader): ReadonlyMap<number, Reference> {
  const section = parts.sections.find(
    (one) => one.type === SECTION_TYPE.rel && parts.sections[one.extra] === code,
  );
  if (section === undefined) return new Map();
  const reader = new ByteReader(section.bytes, 'the relocations');
  return new Map(
    reader.records(RELOCATION_BYTES, (at): [number, Reference] => {
      const symbol = parts.symbols[reader.u32(at + 12)];
      if (symbol === undefined) malformed('a relocation has no symbol');
      const { name } = symbol;
      const kind = symbol.type === SYMBOL_TYPE.func ? 'function' : parts.names.get(name);
      if (kind === undefined) malformed(`\`${name}\` is neither a map nor a table nor a function`);
      const expected = kind === 'function' ? RELOCATION.r32 : RELOCATION.r64;
      if (reader.u32(at + 8) !== expected) malformed(`a relocation of \`${name}\` is of no use`);
      return [reader.u64(at), { kind, name }];
    }),
  );
}

function readCode(
  section: SectionHeader,
  symbol: SymbolEntry,
  references: ReadonlyMap<number, Reference>,
  lines: ReadonlyMap<number, SourceLine>,
): readonly ImageInstruction[] {
  const code = new ByteReader(section.bytes, section.name).slice(symbol.offset, symbol.size);
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const instructions: ImageInstruction[] = [];
  for (let at = 0; at < view.byteLength;) {
    const instruction = decode(view, at);
    const reference = references.get(symbol.offset + at);
    const line = lines.get(symbol.offset + at);
    checkReference(symbol.name, instruction.kind, reference);
    instructions.push({
      slot: at / SLOT_BYTES,
      instruction,
      ...(reference === undefined ? {} : { reference }),
      ...(line === undefined ? {} : { line }),
    });
    at += slotsOf(instruction) * SLOT_BYTES;
  }
  return instructions;
}

/** Only calls refer to functions, and only 64-bit immediates to maps and tables. */
function checkReference(where: string, kind: string, reference: Reference | undefined): void {
  const fits =
    kind === 'call-function'
      ? reference?.kind === 'function'
      : reference === undefined || (kind === 'load-imm64' && reference.kind !== 'function');
  if (!fits) malformed(`an instruction of \`${where}\` has a relocation that does not fit`);
}
