/** Object files: the same bytes every time, read back whole, taken by libbpf, under policy lines. */
import { describe, expect, it } from 'vitest';
import { Assembler, r0, r1, r10, r2, r6 } from '../../src/codegen/assembly/assembler.js';
import { disassemble } from '../../src/codegen/object/disassemble.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { readElf } from '../../src/codegen/object/elf-read.js';
import { link } from '../../src/codegen/assembly/link.js';
import type { Listing, MapDeclaration } from '../../src/codegen/assembly/listing.js';
import type { SourceLine } from '../../src/codegen/object/object-image.js';
import { Bug, InputError } from '../../src/diagnostics.js';
import { SourceFile, span, type Span } from '../../src/source.js';
import { noKernel, withLoaded } from './kernel.js';
import { Dice, listing, program, subprogram } from './objects.js';

const FILE = new SourceFile(
  'policies/shop.yaml',
  'kind: NetworkPolicy\nspec:\n  ingress:\n  - ports: [80]\n  - ports: [443]\n',
);

function spanOf(text: string): Span {
  const start = FILE.text.indexOf(text);
  return span(FILE, start, start + text.length);
}

function map(
  name: string,
  type: MapDeclaration['type'],
  sizes: readonly [number, number, number, number?],
) {
  const [keySize, valueSize, maxEntries, flags = 0] = sizes;
  return { name, type, keySize, valueSize, maxEntries, flags };
}

/** One of everything that an object can hold. */
function rich(): Listing {
  return listing({
    license: 'Dual BSD/GPL',
    functions: [
      subprogram('classify', (asm) =>
        asm
          .comment('count the packet')
          .loadTable(r1, 'counters', 8)
          .mov(r2, 1)
          .atomicAdd(8, r1, 0, r2)
          .callFunction('seven')
          .exit(),
      ),
      program('to_pod', (asm) => {
        asm.comment('keep the context').mov(r6, r1);
        asm.store(4, r10, -4, 80).mov(r2, r10).add(r2, -4).loadMap(r1, 'flows');
        asm.call('map_lookup_elem').branch('ne', r0, 0, 'found');
        asm.loadTable(r1, 'sizes', 4).load(4, r2, r1, 0);
        asm.withOrigin(spanOf('ports: [80]'), () =>
          asm.branch('eq', r2, 80, 'found', { width: 32 }).mov(r0, 2).exit(),
        );
        asm.label('found').mov(r1, r6).callFunction('classify');
        asm.withOrigin(spanOf('ports: [443]'), () => asm.mov(r0, -1).exit());
      }),
      program('from_pod', (asm) => asm.mov(r2, 1).callFunction('global').exit()),
      subprogram('seven', (asm) => asm.mov(r0, 7).exit()),
      new Assembler('global', 'subprogram', ['context', 'number'])
        .load(4, r0, r1, 0)
        .add(r0, r2)
        .exit()
        .finish(),
    ],
    tables: [
      { name: 'sizes', frozen: true, initial: Uint8Array.of(1, 0, 0, 0, 81, 0, 0, 0) },
      { name: 'counters', frozen: false, initial: new Uint8Array(64) },
    ],
    maps: [
      map('flows', 'hash', [4, 12, 100, 1]),
      map('recent', 'lru_hash', [40, 8, 64]),
      map('prefixes', 'lpm_trie', [8, 4, 100, 1]),
      map('cells', 'array', [4, 3, 7]),
      map('counts', 'percpu_array', [4, 8, 2]),
      map('gate', 'prog_array', [4, 4, 2]),
      map('events', 'ringbuf', [0, 0, 4096]),
    ],
  });
}

describe('object files', () => {
  it('are the same bytes every time', () => {
    expect(writeElf(link(rich()))).toEqual(writeElf(link(rich())));
  });

  it('read back as what was written', () => {
    const image = link(rich());
    expect(readElf(writeElf(image))).toEqual(image);
  });

  it('disassemble with names, labels and policy lines', () => {
    expect(disassemble(readElf(writeElf(link(rich()))))).toBe(`\
to_pod:
; keep the context
     0: r6 = r1
     1: *(u32 *)(r10 - 4) = 80
     2: r2 = r10
     3: r2 += -4
     4: r1 = map[flows] ll
     6: call map_lookup_elem#1
     7: if r0 != 0 goto L1
     8: r1 = table[sizes]+4 ll
    10: r2 = *(u32 *)(r1 + 0)
; policies/shop.yaml:4: - ports: [80]  [column 5]
    11: if w2 == 80 goto L1
    12: r0 = 2
    13: exit
; found:
L1:
    14: r1 = r6
    15: call classify
; policies/shop.yaml:5: - ports: [443]  [column 5]
    16: r0 = -1
    17: exit

from_pod:
; from_pod
     0: r2 = 1
     1: call global
     2: exit

classify:  ; subprogram
; count the packet
     0: r1 = table[counters]+8 ll
     2: r2 = 1
     3: lock *(u64 *)(r1 + 0) += r2
     4: call seven
     5: exit

seven:  ; subprogram
; seven
     0: r0 = 7
     1: exit

global:  ; subprogram
; global
     0: r0 = *(u32 *)(r1 + 0)
     1: r0 += r2
     2: exit
`);
  });

  it('clamp lines and columns, and shorten texts and paths', () => {
    const long = new SourceFile(
      `${'deep/'.repeat(60)}p.yaml`,
      `${'\n'.repeat(5_000_000)}\t${'x'.repeat(2000)}rule\u0000\u2028é`,
    );
    const rule = long.text.indexOf('rule');
    const lineOf = (start: number, end: number): SourceLine | undefined => {
      const main = program('main', (asm) =>
        asm.withOrigin(span(long, start, end), () => asm.mov(r0, 0).exit()),
      );
      const image = readElf(writeElf(link(listing({ functions: [main] }))));
      return image.functions[0]?.instructions[0]?.line;
    };
    const line = lineOf(rule, rule + 4);
    expect(line).toMatchObject({ file: long.path, line: 2 ** 22 - 1, column: 1023 });
    expect(line?.text).toMatch(/^…ep\/deep\/.*\/p\.yaml:5000001: rule$/);
    const wide = lineOf(rule - 1000, rule + 4)?.text;
    expect(wide).toMatch(/^…ep\/deep\/.*\/p\.yaml:5000001: x{100,}…$/);
    expect(wide?.length).toBeLessThan(320);
  });

  it('refuse bytes that are cut off or changed, or read them without harm', () => {
    const good = writeElf(link(rich()));
    for (let length = 0; length < good.length; length += 7) {
      expect(() => readElf(good.subarray(0, length))).toThrow(InputError);
    }
    const dice = new Dice(7);
    let refused = 0;
    for (let i = 0; i < 3000; i += 1) {
      const bytes = good.slice();
      for (let n = dice.below(4); n >= 0; n -= 1) bytes[dice.below(bytes.length)] = dice.word();
      try {
        disassemble(readElf(bytes));
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });

  it('hold no string beyond what BTF can name', () => {
    const origin = spanOf('ports: [80]');
    const path = 'x'.repeat(0x100_0000);
    const file = new SourceFile(path, FILE.text);
    const main = program('main', (asm) =>
      asm.withOrigin({ ...origin, file }, () => asm.mov(r0, 0).exit()),
    );
    expect(() => writeElf(link(listing({ functions: [main] })))).toThrow(Bug);
  });
});

describe.skipIf(noKernel !== undefined)('object files in the running kernel', () => {
  it('load with their BTF, show policy lines, and run', () => {
    withLoaded(writeElf(link(rich())), ({ bpftool, pin, run, warnings }) => {
      expect(warnings).toBe('');
      const dump = bpftool('prog', 'dump', 'xlated', 'pinned', pin('to_pod'), 'linum');
      expect(dump).toContain('int to_pod(struct __sk_buff * skb):');
      expect(dump).toContain('int classify():');
      expect(dump).toContain('; keep the context [file:policyc-datapath line_num:1 line_col:1]');
      expect(dump).toContain(
        '; policies/shop.yaml:5: - ports: [443] [file:policies/shop.yaml line_num:5 line_col:5]',
      );
      expect(run('to_pod', new Uint8Array(64)).result).toBe(2);
      expect(run('from_pod', new Uint8Array(64)).result).toBe(65);
      const shown = JSON.parse(bpftool('-j', 'prog', 'show', 'pinned', pin('to_pod'))) as {
        map_ids: number[];
      };
      const types = shown.map_ids.map((id) => {
        const said = bpftool('-j', 'map', 'show', 'id', String(id));
        const { type, btf_id } = JSON.parse(said) as { type: string; btf_id?: number };
        return [type, btf_id !== undefined];
      });
      expect(types.sort()).toEqual([
        ['array', true],
        ['array', true],
        ['hash', true],
      ]);
    });
  });
});
