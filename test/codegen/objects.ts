/** Small objects for tests of the back end. */
import { Assembler, r0 } from '../../src/codegen/assembly/assembler.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { readElf } from '../../src/codegen/object/elf-read.js';
import { link } from '../../src/codegen/assembly/link.js';
import type { FunctionListing, Listing } from '../../src/codegen/assembly/listing.js';
import type { ObjectImage } from '../../src/codegen/object/object-image.js';

export type Body = (asm: Assembler) => unknown;

export function program(name: string, body: Body): FunctionListing {
  const asm = new Assembler(name, 'program');
  body(asm);
  return asm.finish();
}

export function subprogram(name: string, body: Body): FunctionListing {
  const asm = new Assembler(name, 'subprogram');
  body(asm);
  return asm.finish();
}

export function listing(parts: Partial<Listing>): Listing {
  const fallback = [program('main', (asm) => asm.mov(r0, 0).exit())];
  return { license: 'GPL', functions: fallback, tables: [], maps: [], ...parts };
}

/** The image of a listing, by way of the bytes of its object file. */
export function imageOf(parts: Partial<Listing>): ObjectImage {
  return readElf(writeElf(link(listing(parts))));
}

/** A repeatable stream of numbers: xorshift32. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** 32 random bits, signed. */
  word(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x;
  }

  /** From 0 to `count` - 1. */
  below(count: number): number {
    return (this.word() >>> 0) % count;
  }

  pick<Value>(list: readonly Value[]): Value {
    const value = list[this.below(list.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }
}
