/** Writes an object image as an ELF64 relocatable file for BPF, the same bytes every time. */
import { bug } from '../../diagnostics.js';
import { describeTypes, encodeBtf, licenseBytes, mapStructSize, tableSection } from './btf.js';
import { type CodeSection, encodeBtfExt } from './btf-ext.js';
import { ByteWriter, StringTable } from './byte-writer.js';
import { encodeInto, SLOT_BYTES } from '../assembly/isa.js';
import { slotCount } from '../assembly/link.js';
import type { ObjectImage, Reference } from './object-image.js';

// include/uapi/linux/elf.h, and the relocations of the LLVM BPF back end.
export const EM_BPF = 247;
export const SECTION_TYPE = { progbits: 1, symtab: 2, strtab: 3, rel: 9 } as const;
export const SYMBOL_TYPE = { object: 1, func: 2 } as const;
export const RELOCATION = { r64: 1, r32: 10 } as const;
export const FILE_HEADER_BYTES = 64;
export const SECTION_HEADER_BYTES = 64;
export const SYMBOL_BYTES = 24;
export const RELOCATION_BYTES = 16;

const SHF_WRITE = 1;
const SHF_ALLOC = 2;
const SHF_EXECINSTR = 4;
const LOCAL = 0;
const GLOBAL = 1;

/** Entry points; libbpf takes it for tc and tcx both. */
export const PROGRAM_SECTION = 'tc';
/** libbpf looks for subprograms here and nowhere else. */
export const SUBPROGRAM_SECTION = '.text';

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly link: number;
  readonly extra: number;
  readonly alignment: number;
  readonly entryBytes: number;
  readonly bytes: Uint8Array;
}

interface Symbol {
  readonly name: string;
  readonly binding: number;
  readonly type: number;
  readonly section: string;
  readonly offset: number;
  readonly size: number;
}

/** The bytes of the object file. */
export function writeElf(image: ObjectImage): Uint8Array {
  const code = layOutCode(image);
  const symbols = collectSymbols(image, code);
  const btf = describeTypes(image);
  const btfExt = encodeBtfExt(code, btf);
  const sections: Section[] = [
    section({ name: '', type: 0, alignment: 0 }),
    ...code.map(({ name, functions }) =>
      section({
        name,
        flags: SHF_ALLOC | SHF_EXECINSTR,
        alignment: 8,
        bytes: encodeCode(functions),
      }),
    ),
    section({ name: 'license', flags: SHF_ALLOC | SHF_WRITE, bytes: licenseBytes(image.license) }),
    ...mapSection(image),
    ...image.tables.map((table) =>
      section({
        name: tableSection(table),
        flags: table.frozen ? SHF_ALLOC : SHF_ALLOC | SHF_WRITE,
        alignment: 8,
        bytes: table.initial,
      }),
    ),
    section({ name: '.BTF', alignment: 4, bytes: encodeBtf(btf) }),
    section({ name: '.BTF.ext', alignment: 4, bytes: btfExt }),
  ];
  return writeFile(addLinkage(sections, code, symbols));
}

function section(parts: Partial<Section> & { readonly name: string }): Section {
  return {
    type: SECTION_TYPE.progbits,
    flags: 0,
    link: 0,
    extra: 0,
    alignment: 1,
    entryBytes: 0,
    bytes: new Uint8Array(),
    ...parts,
  };
}

function layOutCode(image: ObjectImage): readonly CodeSection[] {
  const sections = [
    { name: SUBPROGRAM_SECTION, role: 'subprogram' },
    { name: PROGRAM_SECTION, role: 'program' },
  ].map(({ name, role }) => {
    let start = 0;
    const functions = image.functions
      .filter((one) => one.role === role)
      .map((one) => {
        const placed = { start, image: one };
        start += slotCount(one);
        return placed;
      });
    return { name, functions };
  });
  return sections.filter(({ functions }) => functions.length > 0);
}

function encodeCode(functions: CodeSection['functions']): Uint8Array {
  const slots = functions.reduce((sum, one) => sum + slotCount(one.image), 0);
  const bytes = new Uint8Array(slots * SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { image } of functions) {
    for (const { instruction } of image.instructions) at = encodeInto(view, at, instruction);
  }
  return bytes;
}

/** A map's bytes are never read: libbpf takes everything from its BTF. */
function mapSection(image: ObjectImage): readonly Section[] {
  const size = image.maps.reduce((sum, map) => sum + mapStructSize(map), 0);
  if (size === 0) return [];
  const bytes = new Uint8Array(size);
  return [section({ name: '.maps', flags: SHF_ALLOC | SHF_WRITE, alignment: 8, bytes })];
}

/** Local symbols first, as ELF wants it. */
function collectSymbols(image: ObjectImage, code: readonly CodeSection[]): readonly Symbol[] {
  const functions = code.flatMap(({ name: section, functions }) =>
    functions.map(({ start, image: { name, role, parameters }, image: one }) => ({
      name,
      binding: role === 'program' || parameters !== undefined ? GLOBAL : LOCAL,
      type: SYMBOL_TYPE.func,
      section,
      offset: start * SLOT_BYTES,
      size: slotCount(one) * SLOT_BYTES,
    })),
  );
  const object = (name: string, section: string, offset: number, size: number): Symbol => ({
    name,
    binding: GLOBAL,
    type: SYMBOL_TYPE.object,
    section,
    offset,
    size,
  });
  let offset = 0;
  const maps = image.maps.map((map) => {
    const size = mapStructSize(map);
    const symbol = object(map.name, '.maps', offset, size);
    offset += size;
    return symbol;
  });
  const tables = image.tables.map((table) =>
    object(table.name, tableSection(table), 0, table.initial.length),
  );
  const license = object('_license', 'license', 0, licenseBytes(image.license).length);
  const all = [...functions, ...maps, ...tables, license];
  return [
    ...all.filter(({ binding }) => binding === LOCAL),
    ...all.filter(({ binding }) => binding !== LOCAL),
  ];
}

/** Appends the relocations of each code section, the symbols and the strings. */
function addLinkage(
  sections: readonly Section[],
  code: readonly CodeSection[],
  symbols: readonly Symbol[],
): { readonly sections: readonly Section[]; readonly strings: StringTable } {
  const strings = new StringTable();
  const relocated = code
    .map((one) => ({ name: one.name, bytes: encodeRelocations(one, symbols) }))
    .filter(({ bytes }) => bytes.length > 0);
  const indexOf = (name: string): number => {
    const index = sections.findIndex((one) => one.name === name);
    return index < 0 ? bug(`no section \`${name}\``) : index;
  };
  const symtabIndex = sections.length + relocated.length;
  const relocations = relocated.map(({ name, bytes }) =>
    section({
      name: `.rel${name}`,
      type: SECTION_TYPE.rel,
      link: symtabIndex,
      extra: indexOf(name),
      alignment: 8,
      entryBytes: RELOCATION_BYTES,
      bytes,
    }),
  );
  const symtab = section({
    name: '.symtab',
    type: SECTION_TYPE.symtab,
    link: symtabIndex + 1,
    extra: 1 + symbols.filter(({ binding }) => binding === LOCAL).length,
    alignment: 8,
    entryBytes: SYMBOL_BYTES,
    bytes: encodeSymbols(symbols, strings, indexOf),
  });
  const strtab = section({ name: '.strtab', type: SECTION_TYPE.strtab });
  return { sections: [...sections, ...relocations, symtab, strtab], strings };
}

/** Elf64_Rel: the place in the section, and the symbol with the kind of relocation. */
function encodeRelocations(one: CodeSection, symbols: readonly Symbol[]): Uint8Array {
  const indices = new Map(symbols.map(({ name }, i) => [name, i + 1]));
  const out = new ByteWriter();
  for (const { start, image } of one.functions) {
    for (const { slot, reference } of image.instructions) {
      if (reference === undefined) continue;
      out.u64((start + slot) * SLOT_BYTES);
      out.u32(relocationOf(reference));
      out.u32(indices.get(reference.name) ?? bug(`no symbol \`${reference.name}\``));
    }
  }
  return out.finish();
}

function relocationOf(reference: Reference): number {
  return reference.kind === 'function' ? RELOCATION.r32 : RELOCATION.r64;
}

/** Elf64_Sym, the first of them empty. */
function encodeSymbols(
  symbols: readonly Symbol[],
  strings: StringTable,
  indexOf: (section: string) => number,
): Uint8Array {
  const out = new ByteWriter();
  out.bytes(new Uint8Array(SYMBOL_BYTES));
  for (const symbol of symbols) {
    out.u32(strings.offsetOf(symbol.name));
    out.u8((symbol.binding << 4) | symbol.type);
    out.u8(0);
    out.u16(indexOf(symbol.section));
    out.u64(symbol.offset);
    out.u64(symbol.size);
  }
  return out.finish();
}

/** The file header, the sections' bytes, and the table of section headers. */
function writeFile(parts: {
  readonly sections: readonly Section[];
  readonly strings: StringTable;
}): Uint8Array {
  const { strings } = parts;
  for (const { name } of parts.sections) strings.offsetOf(name);
  const sections = parts.sections.map((one) =>
    one.name === '.strtab' ? { ...one, bytes: strings.finish() } : one,
  );
  const contents = new ByteWriter();
  const offsets = sections.map((one) => {
    contents.align(Math.max(one.alignment, 1));
    const offset = FILE_HEADER_BYTES + contents.length;
    contents.bytes(one.bytes);
    return one.type === 0 ? 0 : offset;
  });
  contents.align(8);
  const out = new ByteWriter();
  writeFileHeader(out, FILE_HEADER_BYTES + contents.length, sections.length);
  out.bytes(contents.finish());
  sections.forEach((one, i) => {
    out.u32(strings.offsetOf(one.name));
    out.u32(one.type);
    out.u64(one.flags);
    out.u64(0);
    out.u64(offsets[i] ?? bug('no section'));
    out.u64(one.bytes.length);
    out.u32(one.link);
    out.u32(one.extra);
    out.u64(one.alignment);
    out.u64(one.entryBytes);
  });
  return out.finish();
}

/** Elf64_Ehdr: 64 bits, little-endian, relocatable. */
function writeFileHeader(out: ByteWriter, sectionTable: number, sectionCount: number): void {
  out.bytes(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  out.u16(1);
  out.u16(EM_BPF);
  out.u32(1);
  out.u64(0);
  out.u64(0);
  out.u64(sectionTable);
  out.u32(0);
  out.u16(FILE_HEADER_BYTES);
  out.u16(0);
  out.u16(0);
  out.u16(SECTION_HEADER_BYTES);
  out.u16(sectionCount);
  // The section names are in the symbols' string table, the last section.
  out.u16(sectionCount - 1);
}
