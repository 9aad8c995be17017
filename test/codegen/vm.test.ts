/** The VM: frames, tail calls, packets, what a run gives out, and its maps. */
import { describe, expect, it } from 'vitest';
import { r0, r1, r10, r2, r3, r4, r6, Assembler } from '../../src/codegen/assembly/assembler.js';
import type { MapDeclaration } from '../../src/codegen/assembly/listing.js';
import type { Listing } from '../../src/codegen/assembly/listing.js';
import { createVm, VmFault } from '../../src/codegen/vm.js';
import { createMap, ProgramArray } from '../../src/codegen/vm/maps.js';
import { SourceFile, span } from '../../src/source.js';
import { type Body, imageOf, program, subprogram } from './objects.js';

import { faultOf, FLOWS, object } from './vm-objects.js';

describe('the VM', () => {
  it('names the source line of a fault', () => {
    const file = new SourceFile('p.yaml', 'spec:\n  - rule\n');
    const body: Body = (asm) =>
      asm.mov(r0, 0).withOrigin(span(file, 10, 14), () => asm.mov(r1, 0).load(1, r0, r1, 0).exit());
    const fault = faultOf(object(body));
    expect(fault.line).toMatchObject({ file: 'p.yaml', line: 2 });
    expect(fault.message).toBe(
      'a load through a number, at main:2: r0 = *(u8 *)(r1 + 0)\n  p.yaml:2: - rule',
    );
  });

  it('keeps frames apart and gives r6 to r9 back', () => {
    const image = imageOf({
      functions: [
        program('main', (asm) =>
          asm
            .mov(r6, 5)
            .store(8, r10, -8, 3)
            .callFunction('inner')
            .load(8, r1, r10, -8)
            .add(r0, r1)
            .add(r0, r6)
            .exit(),
        ),
        subprogram('inner', (asm) =>
          asm.mov(r6, 100).store(8, r10, -8, 50).load(8, r0, r10, -8).exit(),
        ),
      ],
    });
    expect(createVm(image).run('main', new Uint8Array(64)).result).toBe(58);
    const leaking = {
      functions: [
        program('main', (asm) => asm.callFunction('inner').exit()),
        subprogram('inner', (asm) => asm.mov(r0, r6).exit()),
      ],
    };
    expect(faultOf(leaking)).toMatchObject({ functionName: 'inner', slot: 0 });
  });

  it('shows global functions their declared arguments alone', () => {
    const functions = (argument: 'context' | 'number', body: Body): Partial<Listing> => {
      const inner = new Assembler('inner', 'subprogram', [argument]);
      body(inner);
      const main = program('main', (asm) => asm.mov(r2, 1).callFunction('inner').exit());
      return { functions: [main, inner.finish()] };
    };
    const length = functions('context', (asm) => asm.load(4, r0, r1, 0).exit());
    expect(createVm(imageOf(length)).run('main', new Uint8Array(64)).result).toBe(64);
    expect(imageOf(length).functions[1]?.parameters).toEqual(['context']);
    const second = functions('context', (asm) => asm.mov(r0, r2).exit());
    expect(faultOf(second)).toMatchObject({ functionName: 'inner', instruction: 'r0 = r2' });
    const wrong = functions('number', (asm) => asm.mov(r0, 0).exit());
    expect(faultOf(wrong).reason).toBe('argument 1 holds the context in place of a number');
    const pointer = functions('context', (asm) => asm.mov(r0, r1).exit());
    expect(faultOf(pointer).reason).toBe('a global function returns a pointer');
  });

  it('makes tail calls into the programs of an array, at most 33', () => {
    const gate: MapDeclaration = { ...FLOWS, name: 'gate', type: 'prog_array', valueSize: 4 };
    const image = imageOf({
      maps: [gate],
      functions: [
        program('main', (asm) =>
          asm.loadMap(r2, 'gate').mov(r3, 1).call('tail_call').mov(r0, 2).exit(),
        ),
        program('next', (asm) =>
          again(asm.load(4, r3, r1, 8).add(r3, 1).store(4, r1, 8, r3)).exit(),
        ),
      ],
    });
    const map = new ProgramArray(gate);
    const vm = createVm(image, { maps: new Map([['gate', map]]) });
    expect(vm.run('main', new Uint8Array(64)).result).toBe(2);
    map.programs.set(1, 'next');
    expect(vm.run('main', new Uint8Array(64))).toMatchObject({ result: 9, mark: 33 });
  });

  it('shows only the linear part of a packet until it is pulled', () => {
    const image = imageOf(
      object((asm) =>
        asm
          .mov(r6, r1)
          .mov(r2, 40)
          .call('skb_pull_data')
          .load(4, r0, r6, 80)
          .load(4, r1, r6, 76)
          .sub(r0, r1)
          .exit(),
      ),
    );
    const span = object((asm) =>
      asm.load(4, r0, r1, 80).load(4, r2, r1, 76).mov(r3, r2).add(r3, 20).mov(r0, 0).exit(),
    );
    expect(
      createVm(imageOf(span)).run('main', new Uint8Array(64), { linearBytes: 20 }).result,
    ).toBe(0);
    expect(() => createVm(image).run('main', new Uint8Array(64), { linearBytes: 20 })).toThrow(
      VmFault,
    );
    const far: Body = (asm) => asm.load(4, r1, r1, 76).load(1, r0, r1, 20).exit();
    expect(() =>
      createVm(imageOf(object(far))).run('main', new Uint8Array(64), { linearBytes: 20 }),
    ).toThrow(/20 bytes of the packet/);
  });

  it('gives out records, redirects and the clock', () => {
    const ring: MapDeclaration = {
      ...FLOWS,
      name: 'events',
      type: 'ringbuf',
      keySize: 0,
      valueSize: 0,
      maxEntries: 4096,
    };
    const image = imageOf(
      object(
        (asm) => {
          asm.call('jiffies64').store(8, r10, -8, r0);
          asm
            .loadMap(r1, 'events')
            .mov(r2, r10)
            .add(r2, -8)
            .mov(r3, 8)
            .mov(r4, 0)
            .call('ringbuf_output');
          return asm.mov(r1, 7).mov(r2, 1).call('redirect').exit();
        },
        { maps: [ring] },
      ),
    );
    const vm = createVm(image, {}, { clock: () => ({ jiffies: 0x1_0000_0002n, nanoseconds: 0n }) });
    for (let i = 0; i < 2; i += 1) {
      expect(vm.run('main', new Uint8Array(64))).toMatchObject({
        result: 7,
        redirect: { ifindex: 7, flags: 1 },
        events: [Uint8Array.of(2, 0, 0, 0, 1, 0, 0, 0)],
        steps: 12,
      });
    }
  });
});

function again(asm: Assembler): Assembler {
  return asm.loadMap(r2, 'gate').mov(r3, 1).call('tail_call').mov(r0, 9);
}

describe("the VM's maps", () => {
  const key = (n: number): Uint8Array => Uint8Array.of(n, 0, 0, 0);

  it('evict the least recently used entry of an LRU hash', () => {
    const map = createMap({ ...FLOWS, type: 'lru_hash', maxEntries: 3 });
    for (const n of [1, 2, 3]) map.update(key(n), new Uint8Array(8).fill(n), 0);
    map.lookup(key(1));
    map.update(key(2), new Uint8Array(8), 0);
    expect(map.update(key(4), new Uint8Array(8), 0)).toBe(0);
    expect(map.entries().map(([k]) => k[0])).toEqual([1, 2, 4]);
    expect(map.lookup(key(3))).toBeUndefined();
  });

  it('keep what programs wrote into values, until the key is updated anew', () => {
    const map = createMap(FLOWS);
    map.update(key(1), new Uint8Array(8), 0);
    const value = map.lookup(key(1));
    value?.fill(7);
    expect(map.lookup(key(1))?.[0]).toBe(7);
    map.update(key(1), new Uint8Array(8), 0);
    expect([value?.[0], map.lookup(key(1))?.[0]]).toEqual([7, 0]);
  });
});
