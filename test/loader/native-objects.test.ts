/** Objects and programs through the native door, against the running kernel. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { KernelError, kernelDiagnostic } from '../../src/loader/kernel-error.js';
import { type MapHandle, nativeDoor, type ObjectHandle } from '../../src/loader/native.js';
import { loadProgram } from '../../src/loader/native-calls.js';
import { testSkb } from '../../src/loader/test-skb.js';
import { mapFlag, updateFlag } from '../../src/loader/uapi.js';
import { EXIT, call, mov, oneValue, raw, returning, u32 } from '../support/raw-bpf.js';
import { lacks } from '../support/requires.js';
import { item, objectOf, tableObject } from '../support/small-objects.js';

const opened: { close(): void }[] = [];
function keep<Handle extends { close(): void }>(handle: Handle): Handle {
  opened.push(handle);
  return handle;
}
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

const packet = Buffer.alloc(64);

function open(bytes: Uint8Array): ObjectHandle {
  return keep(nativeDoor().openObject(bytes, 'shop'));
}

function caught(run: () => unknown): KernelError {
  try {
    run();
  } catch (error) {
    if (error instanceof KernelError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe.skipIf(lacks('root') !== undefined)('objects', () => {
  it('lists programs and maps, loads, and gives out handles that outlive the object', () => {
    const object = open(tableObject(2));
    expect(object.programs()).toMatchObject([{ name: 'entry', section: 'tc', type: 3 }]);
    expect(object.maps().map(({ name, section }) => [name, section])).toEqual([
      ['.data.cells', true],
      ['.rodata.bounds', true],
      ['flows', false],
    ]);
    expect(object.load(0)).toBe('');
    const program = keep(object.program('entry'));
    const flows = keep(object.map('flows'));
    object.close();
    expect(testSkb(program, packet).action).toBe(102);
    expect(flows.shape()).toMatchObject({
      name: 'flows',
      maxEntries: 16,
      keySize: 4,
      valueSize: 8,
    });
    expect(program.facts()).toMatchObject({ type: 3, name: 'entry', mapCount: 2 });
    expect(program.facts().tag).toMatch(/^[0-9a-f]{16}$/);
  });

  it('puts larger maps in place of data sections, and frozen ones stay constants', () => {
    const object = open(tableObject(3));
    const bounds = keep(oneValue(64, mapFlag.readOnlyForPrograms));
    bounds.update(u32(0), Buffer.concat([u32(1), Buffer.alloc(60)]), updateFlag.any);
    bounds.freeze();
    const cells = keep(oneValue(1 << 22, mapFlag.mappable));
    cells.writeMapped(0, u32(7, 8, 9, 10));
    object.reuseMap('.rodata.bounds', bounds);
    object.reuseMap('.data.cells', cells);
    object.resizeMap('flows', 5000);
    object.load(0);
    const program = keep(object.program('entry'));
    expect(keep(object.map('.data.cells')).shape().id).toBe(cells.shape().id);
    expect(keep(object.map('flows')).shape().maxEntries).toBe(5000);
    expect(testSkb(program, packet).action).toBe(10);
    cells.storeMapped32(12, 11);
    expect(testSkb(program, packet).action).toBe(11);
  });

  it('refuses the program when the constants are not frozen, or say otherwise', () => {
    for (const [word, freeze] of [
      [1, false],
      [2, true],
    ] as const) {
      const object = open(tableObject(0));
      const bounds = keep(oneValue(4, mapFlag.readOnlyForPrograms));
      bounds.update(u32(0), u32(word), updateFlag.any);
      if (freeze) bounds.freeze();
      object.reuseMap('.rodata.bounds', bounds);
      const error = caught(() => object.load(0));
      expect(error.code).toBe('EACCES');
      expect(error.log).toContain("invalid mem access 'scalar'");
      const said = kernelDiagnostic(error);
      expect(said.code).toBe('kernel/verifier');
      expect(said.message).toContain('shop.yaml:2');
    }
  });

  /** libbpf 1.1 alone would unmap 4 MiB from the one page it mapped for the section: see object.cc. */
  it('leaves foreign memory mapped when an object with a larger map is closed', () => {
    const cells = keep(oneValue(1 << 22, mapFlag.mappable));
    // A section's bytes are shared anonymous memory, which the kernel lists under this name.
    const sections = (): number =>
      readFileSync('/proc/self/maps', 'utf8').split('/dev/zero').length - 1;
    const before = sections();
    for (let i = 0; i < 50; i += 1) {
      const object = open(tableObject(0));
      object.reuseMap('.data.cells', cells);
      object.reuseMap('.data.cells', cells);
      if (i % 2 === 0) object.load(0);
      expect(sections()).toBe(before + 2);
      object.close();
    }
    expect(sections()).toBe(before);
    expect(cells.readMapped(0, 4)).toEqual(u32(0));
  });

  it('keeps to the order: open, load once, take out', () => {
    const object = open(tableObject(0));
    expect(() => object.program('entry')).toThrow('not loaded yet');
    object.setAutoload('entry', false);
    expect(() => object.setAutoload('nothing', false)).toThrow(RangeError);
    expect(() => object.resizeMap('.data.cells', 3)).toThrow(TypeError);
    object.load(0);
    expect(() => object.program('entry')).toThrow('was not loaded');
    expect(() => object.load(0)).toThrow('loaded already');
    expect(() => object.resizeMap('flows', 3)).toThrow('loaded already');
    expect(() => object.map('nothing')).toThrow(RangeError);
    object.close();
    object.close();
    expect(() => object.maps()).toThrow('closed');
    expect(() => object.load(0)).toThrow('closed');
  });

  it('stays failed after a load that failed', () => {
    const object = open(
      objectOf([
        item({ kind: 'load', size: 4, dst: 0, base: 3, offset: 0 }),
        item({ kind: 'exit' }),
      ]),
    );
    expect(caught(() => object.load(0)).log).toContain('R3 !read_ok');
    expect(() => object.program('entry')).toThrow('failed to load');
    expect(() => object.load(0)).toThrow('loaded already');
  });

  it('returns the verifier log of a good load on request', () => {
    expect(open(tableObject(0)).load(2)).toMatch(/processed \d+ insns/);
  });

  it('sets the type that a program is loaded as', () => {
    const object = open(tableObject(1));
    object.setProgramType('entry', 6, 37);
    object.load(0);
    expect(keep(object.program('entry')).facts().type).toBe(6);
  });

  it('refuses garbage as an object, and objects cut anywhere, without harm', () => {
    const refused = (bytes: Uint8Array): string =>
      caught(() => nativeDoor().openObject(bytes, 'garbage')).log;
    expect(refused(Buffer.from('not an object'))).toContain('not a proper ELF object');
    expect(refused(Buffer.alloc(0))).toBeDefined();
    const good = tableObject(0);
    let kept = 0;
    for (let length = 1; length < good.length; length += 97) {
      try {
        nativeDoor().openObject(good.subarray(0, length), 'cut').close();
        kept += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(KernelError);
      }
    }
    // Section headers come last, so nothing that is cut can be read.
    expect(kept).toBe(0);
  });
});

describe.skipIf(lacks('root') !== undefined)('programs', () => {
  it('carries the whole verifier log of a refused program, however long', () => {
    // Thousands of instructions make a log of more than the first buffer's 64 KiB.
    const body = Array.from({ length: 4000 }, (_, i) => mov(0, i));
    const error = caught(() =>
      loadProgram({
        type: 'sched-cls',
        name: 'long',
        instructions: raw(...body, [0xbf, 0x30, 0, 0], EXIT),
      }),
    );
    expect(error.code).toBe('EACCES');
    expect(error.log.length).toBeGreaterThan(65_536);
    expect(error.log).toContain('4000: (bf) r0 = r3');
    expect(kernelDiagnostic(error)).toMatchObject({
      code: 'kernel/verifier',
      message: "the kernel's verifier refused to load program `long`: R3 !read_ok",
    });
  });

  it('refuses instructions that are not whole, not theirs to name a map, or not there', () => {
    const load = (instructions: Uint8Array, maps: MapHandle[] = []): unknown =>
      loadProgram({ type: 'sched-cls', name: 'bad', instructions, maps });
    expect(() => load(Buffer.alloc(0))).toThrow(RangeError);
    expect(() => load(Buffer.alloc(12))).toThrow(RangeError);
    expect(() => load(raw([0x18, 0x61, 0, 0], [0, 0, 0, 0], EXIT))).toThrow('names map 0 of 0');
    expect(() => load(raw([0x18, 0x61, 0, -1], [0, 0, 0, 0], EXIT))).toThrow(RangeError);
    expect(() => load(raw([0x18, 0x11, 0, 3], [0, 0, 0, 0], EXIT))).toThrow('by its place');
    expect(() => load(raw([0x18, 0x01, 0, 3]))).toThrow('half of a 64-bit load');
    expect(() =>
      loadProgram({ type: 'sched-cls', name: 'x'.repeat(16), instructions: raw(EXIT) }),
    ).toThrow(RangeError);
  });

  it('runs a packet through a program, with the fields that the kernel lets in', () => {
    // r0 = mark + ingress_ifindex; mark += 1; cb[4] = priority.
    const program = keep(
      loadProgram({
        type: 'sched-cls',
        name: 'fields',
        instructions: raw(
          [0x61, 0x10, 8, 0],
          [0x61, 0x12, 36, 0],
          [0x0f, 0x20, 0, 0],
          [0x61, 0x13, 8, 0],
          [0x07, 0x03, 0, 1],
          [0x63, 0x31, 8, 0],
          [0x61, 0x14, 32, 0],
          [0x63, 0x41, 64, 0],
          EXIT,
        ),
      }),
    );
    const ran = testSkb(program, packet, {
      mark: 40,
      ingressIfindex: 2,
      priority: 9,
      cb: [1, 2, 3, 4, 5],
    });
    expect(ran).toMatchObject({ action: 42, mark: 41, priority: 9, cb: [1, 2, 3, 4, 9] });
    expect(ran.packet).toEqual(packet);
    expect(testSkb(keep(returning(-1)), packet).action).toBe(-1);
    expect(() => testSkb(program, packet, { cb: [1, 2, 3, 4, 5, 6] })).toThrow(RangeError);
    expect(caught(() => testSkb(program, Buffer.alloc(13))).code).toBe('EINVAL');
    expect(caught(() => testSkb(program, packet, { ifindex: 0x7fff_ffff })).code).toBe('ENODEV');
    const context = Buffer.alloc(192);
    context.writeUInt32LE(1, 16);
    expect(caught(() => program.testRun(packet, context, 1, 0)).code).toBe('EINVAL');
  });

  it('measures by repeating', () => {
    const program = keep(
      loadProgram({
        type: 'sched-cls',
        name: 'clock',
        instructions: raw(call(5), mov(0, 0), EXIT),
      }),
    );
    expect(testSkb(program, packet, {}, 10_000).durationNs).toBeGreaterThan(0);
  });

  it('is opened again by its id', () => {
    const program = keep(returning(3));
    const again = keep(nativeDoor().openProgramById(program.facts().id));
    program.close();
    expect(testSkb(again, packet).action).toBe(3);
  });
});
