/** Maps through the native door, against the running kernel. */
import { afterEach, describe, expect, it } from 'vitest';
import { KernelError } from '../../src/loader/kernel-error.js';
import { type MapHandle, nativeDoor } from '../../src/loader/native.js';
import { createMap, type MapOptions } from '../../src/loader/native-calls.js';
import { testSkb } from '../../src/loader/test-skb.js';
import { mapFlag, updateFlag } from '../../src/loader/uapi.js';
import { oneValue, readingFirstWord, returning, u32 } from '../support/raw-bpf.js';
import { lacks } from '../support/requires.js';

const opened: { close(): void }[] = [];
function keep<Handle extends { close(): void }>(handle: Handle): Handle {
  opened.push(handle);
  return handle;
}
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

function make(options: Partial<MapOptions>): MapHandle {
  return keep(
    createMap({ type: 'hash', name: 'test', keySize: 4, valueSize: 4, maxEntries: 8, ...options }),
  );
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
  return 'no error';
}

describe.skipIf(lacks('root') !== undefined)('maps', () => {
  it.each([
    ['hash', 4, 4, 0],
    ['lru-hash', 4, 4, 0],
    ['array', 4, 4, 0],
  ] as const)('updates, finds and walks a %s', (type, keySize, valueSize, flags) => {
    const map = make({ type, keySize, valueSize, flags, maxEntries: 64 });
    map.update(u32(7), u32(70), updateFlag.any);
    map.update(u32(9), u32(90), updateFlag.any);
    expect(map.lookup(u32(7))).toEqual(u32(70));
    expect(map.lookup(u32(9))).toEqual(u32(90));
    expect(map.lookup(u32(1000))).toBeUndefined();
    const { keys, values } = map.dump();
    const found = new Map<number, number>();
    for (let i = 0; i < keys.length; i += 4)
      found.set(keys.readUInt32LE(i), values.readUInt32LE(i));
    expect(found.get(7)).toBe(70);
    expect(found.get(9)).toBe(90);
    expect(found.size).toBe(type === 'array' ? 64 : 2);
  });

  it('keeps the hash rules of adding, replacing and deleting', () => {
    const map = make({ maxEntries: 2 });
    expect(codeOf(() => map.update(u32(1), u32(1), updateFlag.mustExist))).toBe('ENOENT');
    map.update(u32(1), u32(1), updateFlag.mustBeNew);
    expect(codeOf(() => map.update(u32(1), u32(1), updateFlag.mustBeNew))).toBe('EEXIST');
    map.update(u32(2), u32(2), updateFlag.any);
    expect(codeOf(() => map.update(u32(3), u32(3), updateFlag.any))).toBe('E2BIG');
    expect(map.delete(u32(1))).toBe(true);
    expect(map.delete(u32(1))).toBe(false);
    const only = map.nextKey();
    expect(only).toEqual(u32(2));
    expect(map.nextKey(u32(2))).toBeUndefined();
  });

  it('answers an LPM trie with the longest prefix', () => {
    const map = make({ type: 'lpm-trie', keySize: 8, flags: mapFlag.noPrealloc });
    const prefix = (length: number, ...octets: readonly number[]): Buffer =>
      Buffer.concat([u32(length), Buffer.from(octets)]);
    map.update(prefix(8, 10, 0, 0, 0), u32(1), updateFlag.any);
    map.update(prefix(24, 10, 1, 2, 0), u32(2), updateFlag.any);
    expect(map.lookup(prefix(32, 10, 1, 2, 3))).toEqual(u32(2));
    expect(map.lookup(prefix(32, 10, 1, 3, 3))).toEqual(u32(1));
    expect(map.lookup(prefix(32, 11, 0, 0, 1))).toBeUndefined();
    expect(map.dump().keys).toHaveLength(16);
  });

  it('takes one value per CPU for per-CPU maps', () => {
    const map = make({ type: 'percpu-array', valueSize: 4, maxEntries: 1 });
    const cpus = nativeDoor().possibleCpus();
    expect(map.shape().valueBytes).toBe(8 * cpus);
    const value = Buffer.alloc(8 * cpus, 0);
    value.writeUInt32LE(5, 8 * (cpus - 1));
    map.update(u32(0), value, updateFlag.any);
    expect(map.lookup(u32(0))).toEqual(value);
    expect(() => map.update(u32(0), u32(5), updateFlag.any)).toThrow(RangeError);
  });

  it('writes and dumps 10,000 entries in batches', () => {
    const map = make({ maxEntries: 10_000 });
    const keys = u32(...Array.from({ length: 10_000 }, (_, i) => i * 3));
    const values = u32(...Array.from({ length: 10_000 }, (_, i) => i));
    expect(map.updateBatch(keys, values, updateFlag.any)).toBe(true);
    const dumped = map.dump();
    expect(dumped.keys).toHaveLength(40_000);
    for (let i = 0; i < 10_000; i += 1) {
      expect(dumped.keys.readUInt32LE(4 * i)).toBe(3 * dumped.values.readUInt32LE(4 * i));
    }
  });

  it('says how much of a failed batch was written', () => {
    const map = make({ maxEntries: 2 });
    const attempt = (): unknown => map.updateBatch(u32(1, 2, 3), u32(1, 2, 3), updateFlag.any);
    expect(attempt).toThrow('wrote 2 of 3');
    expect(codeOf(attempt)).toBe('E2BIG');
  });

  it('goes entry by entry where the kernel does not take a batch', () => {
    const map = make({});
    // Batches refuse BPF_NOEXIST (generic_map_update_batch in kernel/bpf/syscall.c).
    expect(map.updateBatch(u32(1, 2), u32(10, 20), updateFlag.mustBeNew)).toBe(false);
    expect(map.lookup(u32(2))).toEqual(u32(20));
    const again = (): unknown => map.updateBatch(u32(3, 1), u32(0, 0), updateFlag.mustBeNew);
    expect(again).toThrow('wrote 1 of 2');
    expect(map.updateBatch(Buffer.alloc(0), Buffer.alloc(0), updateFlag.any)).toBe(false);

    // A prog_array has no batch lookup.
    const jumps = make({ type: 'prog-array', maxEntries: 3 });
    const program = keep(returning(0));
    jumps.setProgram(u32(2), program);
    expect(jumps.dump()).toEqual({ keys: u32(2), values: u32(program.facts().id) });
  });

  it('takes no descriptor numbers from JavaScript', () => {
    const jumps = make({ type: 'prog-array' });
    expect(() => jumps.update(u32(0), u32(3), updateFlag.any)).toThrow('holds descriptors');
    expect(() => jumps.updateBatch(u32(0), u32(3), updateFlag.any)).toThrow('holds descriptors');
  });

  it('writes a mapped array by memory stores, which programs see', () => {
    const map = keep(oneValue(16_384, mapFlag.mappable));
    const program = keep(readingFirstWord(map));
    map.writeMapped(0, u32(41));
    expect(testSkb(program, Buffer.alloc(64)).action).toBe(41);
    map.storeMapped32(0, 42);
    expect(testSkb(program, Buffer.alloc(64)).action).toBe(42);
    map.writeMapped(5000, Buffer.from('across pages'.repeat(500)));
    expect(map.readMapped(5000, 12).toString()).toBe('across pages');
    expect(map.lookup(u32(0))?.subarray(5000, 5012).toString()).toBe('across pages');
    map.writeMapped(16_383, Buffer.from([7]));
    expect(map.readMapped(16_383, 1)).toEqual(Buffer.from([7]));
  });

  it('refuses mapped writes outside the value, and to maps that cannot be mapped', () => {
    const map = keep(oneValue(100, mapFlag.mappable));
    expect(() => map.writeMapped(101, Buffer.alloc(4))).toThrow(RangeError);
    expect(() => map.writeMapped(104, Buffer.alloc(1))).toThrow(RangeError);
    expect(() => map.writeMapped(0, Buffer.alloc(105))).toThrow(RangeError);
    expect(() => map.writeMapped(0, Buffer.alloc(0))).toThrow(RangeError);
    expect(() => map.writeMapped(-1, Buffer.alloc(1))).toThrow(RangeError);
    expect(() => map.storeMapped32(2, 1)).toThrow('multiple of 4');
    expect(() => map.readMapped(2 ** 53 - 1, 2 ** 53 - 1)).toThrow(RangeError);
    const plain = keep(oneValue(8));
    expect(() => plain.writeMapped(0, Buffer.alloc(1))).toThrow(TypeError);
    const hash = make({});
    expect(() => hash.readMapped(0, 1)).toThrow(TypeError);
  });

  it('freezes a map: user space may only read it', () => {
    const map = keep(oneValue(4, mapFlag.mappable));
    map.writeMapped(0, u32(1));
    map.freeze();
    expect(codeOf(() => map.update(u32(0), u32(2), updateFlag.any))).toBe('EPERM');
    expect(codeOf(() => map.writeMapped(0, u32(2)))).toBe('EPERM');
    expect(map.lookup(u32(0))).toEqual(u32(1));
    expect(map.readMapped(0, 4)).toEqual(u32(1));
    expect(codeOf(() => map.freeze())).toBe('EPERM');
  });

  it('puts programs into prog_arrays and maps into maps of maps, and nothing into others', () => {
    const inner = make({ type: 'array', maxEntries: 1 });
    const outer = make({ type: 'hash-of-maps', maxEntries: 2, inner });
    outer.setMap(u32(5), inner);
    expect(outer.lookup(u32(5))).toEqual(u32(inner.shape().id));
    const program = keep(returning(0));
    const jumps = make({ type: 'prog-array', maxEntries: 2 });
    jumps.setProgram(u32(1), program);
    expect(jumps.lookup(u32(1))).toEqual(u32(program.facts().id));
    expect(jumps.lookup(u32(0))).toBeUndefined();
    expect(() => outer.setProgram(u32(0), program)).toThrow(TypeError);
    expect(() => jumps.setMap(u32(0), inner)).toThrow(TypeError);
  });

  it('opens a map again by its id', () => {
    const map = make({});
    map.update(u32(1), u32(10), updateFlag.any);
    const again = keep(nativeDoor().openMapById(map.shape().id));
    map.close();
    expect(again.lookup(u32(1))).toEqual(u32(10));
    expect(codeOf(() => nativeDoor().openMapById(0x7fff_fff0))).toBe('ENOENT');
  });

  it('names the operation, the errno and its code when the kernel refuses', () => {
    try {
      createMap({ type: 'hash', name: 'bad', keySize: 0, valueSize: 4, maxEntries: 8 });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(KernelError);
      expect(error).toMatchObject({
        operation: 'create map `bad`',
        errno: 22,
        code: 'EINVAL',
        log: '',
      });
    }
  });
});
