/** The native door, used wrongly: every misuse is an error, and none is a crash or a leak. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { KernelError } from '../../src/loader/kernel-error.js';
import { addonPath, type MapHandle, nativeDoor } from '../../src/loader/native.js';
import { createMap } from '../../src/loader/native-calls.js';
import { updateFlag } from '../../src/loader/uapi.js';
import { oneValue, raw, EXIT, returning, u32 } from '../support/raw-bpf.js';
import { lacks } from '../support/requires.js';
import { tableObject } from '../support/small-objects.js';

function hash(): MapHandle {
  return createMap({ type: 'hash', name: 'test', keySize: 4, valueSize: 8, maxEntries: 8 });
}

/** How many BPF descriptors this process holds. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('bpf');
    } catch {
      return false;
    }
  }).length;
}

/** Finalizers run in a later turn than the collection that found the garbage. */
async function collect(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let i = 0; i < 5; i += 1) {
    gc();
    await turn();
  }
}

const wrong = (value: unknown): never => value as never;

describe.skipIf(lacks('root') !== undefined)('misuse', () => {
  it('refuses everything but close on a closed handle', () => {
    const map = hash();
    expect(map.closed).toBe(false);
    map.close();
    map.close();
    expect(map.closed).toBe(true);
    const state = expect.objectContaining({ code: 'ERR_POLICYC_STATE' }) as Error;
    const uses: (() => unknown)[] = [
      () => map.shape(),
      () => map.update(u32(1), Buffer.alloc(8), 0),
      () => map.updateBatch(u32(1), Buffer.alloc(8), 0),
      () => map.lookup(u32(1)),
      () => map.delete(u32(1)),
      () => map.nextKey(),
      () => map.dump(),
      () => map.freeze(),
      () => map.pin('/sys/fs/bpf/never'),
      () => map.writeMapped(0, u32(1)),
      () => map.storeMapped32(0, 1),
      () => map.readMapped(0, 1),
    ];
    for (const use of uses) expect(use).toThrow(state);
    const program = returning(0);
    program.close();
    expect(() => program.facts()).toThrow(state);
    expect(() => program.testRun(Buffer.alloc(64), undefined, 1, 0)).toThrow(state);
    expect(() => nativeDoor().attachTcx(program, 1, 46, true, 0)).toThrow(state);
    expect(() => nativeDoor().openRingBuffer(map)).toThrow(state);
    const object = nativeDoor().openObject(tableObject(0), 'shop');
    expect(() => object.reuseMap('flows', map)).toThrow(state);
    object.close();
  });

  it('refuses keys and values of a wrong length, and what is no byte array', () => {
    const map = hash();
    expect(() => map.update(Buffer.alloc(3), Buffer.alloc(8), 0)).toThrow(RangeError);
    expect(() => map.update(u32(1), Buffer.alloc(9), 0)).toThrow('must have 8 bytes, not 9');
    expect(() => map.updateBatch(Buffer.alloc(7), Buffer.alloc(16), 0)).toThrow('whole keys');
    expect(() => map.updateBatch(u32(1, 2), Buffer.alloc(8), 0)).toThrow(RangeError);
    expect(() => map.lookup(Buffer.alloc(0))).toThrow(RangeError);
    const detached = new ArrayBuffer(4);
    const view = new Uint8Array(detached);
    structuredClone(detached, { transfer: [detached] });
    expect(() => map.lookup(view)).toThrow(RangeError);
    for (const value of [
      'abcd',
      5,
      null,
      [1, 2, 3, 4],
      new Uint16Array(2),
      new ArrayBuffer(4),
      {},
    ]) {
      expect(() => map.lookup(wrong(value))).toThrow(TypeError);
    }
    map.close();
  });

  it('refuses numbers that are none, negative, broken, or too large', () => {
    const map = hash();
    for (const flags of [-1, 1.5, Number.NaN, Infinity, 2 ** 32]) {
      expect(() => map.update(u32(1), Buffer.alloc(8), flags)).toThrow(RangeError);
    }
    for (const flags of ['0', undefined, null, 0n, {}]) {
      expect(() => map.update(u32(1), Buffer.alloc(8), wrong(flags))).toThrow(TypeError);
    }
    expect(() => nativeDoor().createMap(1, '', 4, 4, 1, 0, undefined)).toThrow(RangeError);
    expect(() => nativeDoor().createMap(1, 'a\0b', 4, 4, 1, 0, undefined)).toThrow('NUL');
    expect(() => map.pin('x'.repeat(5000))).toThrow(RangeError);
    map.close();
  });

  it('tells handles of one kind from those of another, and from look-alikes', () => {
    const map = hash();
    const program = returning(0);
    expect(() => nativeDoor().attachTcx(wrong(map), 1, 46, true, 0)).toThrow(
      'must be a program handle',
    );
    expect(() => nativeDoor().openRingBuffer(wrong(program))).toThrow('must be a map handle');
    expect(() => nativeDoor().openRingBuffer(wrong({ ...map }))).toThrow(TypeError);
    expect(() => nativeDoor().openRingBuffer(wrong(Object.create(map)))).toThrow(TypeError);
    expect(() => map.shape.call(wrong(program))).toThrow('Illegal invocation');
    expect(() => map.shape.call(wrong({}))).toThrow('Illegal invocation');
    const Constructor = map.constructor as new () => MapHandle;
    expect(new Constructor().closed).toBe(true);
    map.close();
    program.close();
  });

  it('reads a list of maps before it looks at one, so a getter cannot pull a handle away', () => {
    const map = oneValue(8);
    const sly = [map, map];
    Object.defineProperty(sly, 1, {
      get: () => {
        map.close();
        return map;
      },
    });
    expect(() => nativeDoor().loadProgram(3, 'sly', 'GPL', 0, raw(EXIT), sly)).toThrow('closed');
  });

  it('closes the descriptors of handles that are garbage', async () => {
    await collect();
    const before = descriptors();
    for (let i = 0; i < 500; i += 1) {
      hash();
      returning(0);
      nativeDoor().openObject(tableObject(0), 'shop').load(0);
    }
    expect(descriptors()).toBeGreaterThan(before);
    await collect();
    expect(descriptors()).toBe(before);
  });

  it('survives collections in the middle of calls', async () => {
    const map = hash();
    const gc = runInNewContext('gc') as () => void;
    for (let i = 0; i < 200; i += 1) {
      map.update(u32(i % 8), Buffer.alloc(8, i), updateFlag.any);
      if (i % 20 === 0) gc();
      expect(map.lookup(u32(i % 8))).toEqual(Buffer.alloc(8, i));
      expect(map.dump().keys.length).toBeGreaterThan(0);
    }
    map.close();
    await collect();
  });

  it.each([1, 2, 3, 4, 5])(
    'survives a worker thread that is terminated in mid-work (%i)',
    async () => {
      await collect();
      const before = descriptors();
      const worker = new Worker(
        `const { parentPort, workerData } = require('node:worker_threads');
       const door = require(workerData.addon);
       const held = [];
       for (let i = 0; i < 50; i += 1) {
         held.push(door.createMap(1, 'worker', 4, 8, 8, 0, undefined));
         const object = door.openObject(workerData.bytes, 'shop');
         object.load(0);
         held.push(object, object.program('entry'));
       }
       parentPort.postMessage(held[0].shape().id);
       for (let i = 0; ; i += 1) held[0].update(Buffer.alloc(4, i % 8), Buffer.alloc(8), 0);`,
        { eval: true, workerData: { addon: addonPath(), bytes: tableObject(0) } },
      );
      const id = await new Promise<number>((done, failed) => {
        worker.once('message', done);
        worker.once('error', failed);
      });
      expect(descriptors()).toBeGreaterThan(before + 50);
      const ours = hash();
      await worker.terminate();
      expect(descriptors()).toBe(before + 1);
      // The main thread's own handles live on, and the kernel frees the worker's map after a grace period.
      ours.update(u32(1), Buffer.alloc(8), updateFlag.any);
      nativeDoor().waitForReaders();
      expect(() => nativeDoor().openMapById(id)).toThrow(KernelError);
      ours.close();
    },
  );
});
