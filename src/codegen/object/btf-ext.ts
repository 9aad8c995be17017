/** .BTF.ext: which bytes of code belong to which function and which source line. */
import { bug } from '../../diagnostics.js';
import type { BtfTypes } from './btf.js';
import { BTF_MAGIC } from './btf.js';
import { ByteWriter } from './byte-writer.js';
import { SLOT_BYTES } from '../assembly/isa.js';
import type { ImageFunction } from './object-image.js';

export const BTF_EXT_HEADER_BYTES = 32;
export const FUNC_INFO_BYTES = 8;
export const LINE_INFO_BYTES = 16;

/** A code section, and its functions with their places in it. */
export interface CodeSection {
  readonly name: string;
  readonly functions: readonly { readonly start: number; readonly image: ImageFunction }[];
}

/** The `.BTF.ext` section; its texts go into the strings of `.BTF`, which must be encoded after it. */
export function encodeBtfExt(sections: readonly CodeSection[], btf: BtfTypes): Uint8Array {
  const functions = encodeSections(sections, btf, FUNC_INFO_BYTES, (section, out) => {
    for (const { start, image } of section.functions) {
      out.u32(start * SLOT_BYTES);
      out.u32(btf.functionIds.get(image.name) ?? bug(`no BTF type of \`${image.name}\``));
    }
    return section.functions.length;
  });
  const lines = encodeSections(sections, btf, LINE_INFO_BYTES, (section, out) => {
    let count = 0;
    for (const { start, image } of section.functions) {
      for (const { slot, line } of image.instructions) {
        if (line === undefined) continue;
        out.u32((start + slot) * SLOT_BYTES);
        out.u32(btf.strings.offsetOf(line.file));
        out.u32(btf.strings.offsetOf(line.text));
        out.u32(line.line * 2 ** 10 + line.column);
        count += 1;
      }
    }
    return count;
  });
  const out = new ByteWriter();
  out.u16(BTF_MAGIC);
  out.u8(1);
  out.u8(0);
  out.u32(BTF_EXT_HEADER_BYTES);
  out.u32(0);
  out.u32(functions.length);
  out.u32(functions.length);
  out.u32(lines.length);
  out.u32(functions.length + lines.length);
  out.u32(0);
  out.bytes(functions);
  out.bytes(lines);
  return out.finish();
}

/** Writes the records of each section behind its name and their number. */
function encodeSections(
  sections: readonly CodeSection[],
  btf: BtfTypes,
  recordBytes: number,
  writeRecords: (section: CodeSection, out: ByteWriter) => number,
): Uint8Array {
  const out = new ByteWriter();
  out.u32(recordBytes);
  for (const section of sections) {
    const records = new ByteWriter();
    const count = writeRecords(section, records);
    out.u32(btf.strings.offsetOf(section.name));
    out.u32(count);
    out.bytes(records.finish());
  }
  return out.finish();
}
