/** Attaching through the native door, on interfaces that these tests make. */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdirSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { defaultBpffs, ensureBpffs } from '../../src/loader/bpffs.js';
import { KernelError } from '../../src/loader/kernel-error.js';
import { type MapHandle, nativeDoor, type ProgramHandle } from '../../src/loader/native.js';
import { attachTcx, createMap, loadProgram, queryTcx } from '../../src/loader/native-calls.js';
import { testSkb } from '../../src/loader/test-skb.js';
import { attachTypeNumber, mapFlag } from '../../src/loader/uapi.js';
import {
  EXIT,
  call,
  mapAddress,
  mov,
  oneValue,
  raw,
  returning,
  u32,
  valueAddress,
} from '../support/raw-bpf.js';
import { lacks } from '../support/requires.js';

const near = `pcn${process.pid % 100_000_000}`;
const far = `pcf${process.pid % 100_000_000}`;
const pins = `${defaultBpffs}/policyc-links-${process.pid}`;
const TCX_NEXT = -1;

function ip(...args: readonly string[]): void {
  const ran = spawnSync('ip', args, { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(`ip ${args.join(' ')}: ${ran.stderr}`);
}

const opened: { close(): void }[] = [];
function keep<Handle extends { close(): void }>(handle: Handle): Handle {
  opened.push(handle);
  return handle;
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

/** Counts packets of one length into a word of the map, and passes everything on. */
function counting(map: MapHandle, word: number, length: number): ProgramHandle {
  const instructions = raw(
    [0x61, 0x12, 0, 0],
    [0x55, 0x02, 4, length],
    ...valueAddress(3, 4 * word),
    mov(4, 1),
    [0xc3, 0x43, 0, 0],
    mov(0, TCX_NEXT),
    EXIT,
  );
  return keep(loadProgram({ type: 'sched-cls', name: 'counting', instructions, maps: [map] }));
}

const needs = lacks('root', { command: 'ip' });

describe.skipIf(needs !== undefined)('attaching', () => {
  let index = 0;
  beforeAll(() => {
    ensureBpffs();
    mkdirSync(pins);
    ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far);
    index = nativeDoor().interfaceIndex(near) ?? 0;
  });
  afterEach(() => {
    for (const one of opened.splice(0)) one.close();
    spawnSync('tc', ['qdisc', 'del', 'dev', near, 'clsact']);
  });
  afterAll(() => {
    rmSync(pins, { recursive: true, force: true });
    ip('link', 'del', near);
  });

  it('finds interfaces by name', () => {
    expect(index).toBeGreaterThan(1);
    expect(nativeDoor().interfaceIndex('lo')).toBe(1);
    expect(nativeDoor().interfaceIndex('no-such-link')).toBeUndefined();
    expect(() => nativeDoor().interfaceIndex('sixteen-letters-')).toThrow(RangeError);
  });

  describe.skipIf(lacks('root', 'tcx') !== undefined)('through tcx', () => {
    it('goes first or last in the chain, and reads the chain in order', () => {
      const programs = [1, 2, 3].map((value) => keep(returning(value)));
      const [middle, first, last] = programs as [ProgramHandle, ProgramHandle, ProgramHandle];
      const place = { interfaceIndex: index, direction: 'ingress' } as const;
      expect(queryTcx(index, 'ingress').chain).toEqual([]);
      const links = [
        keep(attachTcx({ ...place, program: middle })),
        keep(attachTcx({ ...place, program: first, position: 'first' })),
        keep(attachTcx({ ...place, program: last, position: 'last' })),
      ];
      expect(queryTcx(index, 'ingress').chain.map(({ programId }) => programId)).toEqual(
        [first, middle, last].map((one) => one.facts().id),
      );
      expect(queryTcx(index, 'egress').chain).toEqual([]);
      expect(links[1]?.facts()).toMatchObject({
        programId: first.facts().id,
        interfaceIndex: index,
        attachType: attachTypeNumber.tcxIngress,
      });
      links[0]?.detach();
      expect(links[0]?.facts().interfaceIndex).toBe(0);
      expect(queryTcx(index, 'ingress').chain).toHaveLength(2);
      for (const one of links) one.close();
      expect(queryTcx(index, 'ingress').chain).toEqual([]);
    });

    it('refuses to attach to a chain that has changed since it was read', () => {
      const place = { interfaceIndex: index, direction: 'egress' } as const;
      keep(attachTcx({ ...place, program: keep(returning(0)) }));
      const { revision } = queryTcx(index, 'egress');
      const between = keep(attachTcx({ ...place, program: keep(returning(1)) }));
      const program = keep(returning(2));
      expect(codeOf(() => attachTcx({ ...place, program, expectedRevision: revision }))).toBe(
        'ESTALE',
      );
      between.close();
      const { revision: now } = queryTcx(index, 'egress');
      keep(attachTcx({ ...place, program, expectedRevision: now }));
    });

    it('keeps a pinned link attached without a handle, and updates it in place', () => {
      const path = `${pins}/link`;
      const link = keep(
        attachTcx({ program: keep(returning(1)), interfaceIndex: index, direction: 'egress' }),
      );
      link.pin(path);
      link.close();
      expect(queryTcx(index, 'egress').chain).toHaveLength(1);
      const again = keep(nativeDoor().openPinnedLink(path));
      const next = keep(returning(2));
      again.update(next);
      expect(queryTcx(index, 'egress').chain).toEqual([
        { programId: next.facts().id, linkId: again.facts().id },
      ]);
      expect(keep(nativeDoor().openLinkById(again.facts().id)).facts()).toEqual(again.facts());
      again.detach();
      expect(queryTcx(index, 'egress').chain).toEqual([]);
      rmSync(path);
    });

    it('replaces a program without a packet that meets neither', async () => {
      ip('link', 'set', near, 'up', 'addrgenmode', 'none');
      ip('link', 'set', far, 'up', 'addrgenmode', 'none');
      ip('-6', 'addr', 'add', 'fe80::1/64', 'dev', near, 'nodad');
      const counts = keep(oneValue(8, mapFlag.mappable));
      const payload = Buffer.alloc(739);
      const onWire = 14 + 40 + 8 + payload.length;
      const sides = [counting(counts, 0, onWire), counting(counts, 1, onWire)] as const;
      const link = keep(
        attachTcx({ program: sides[0], interfaceIndex: index, direction: 'egress' }),
      );
      const socket = createSocket('udp6');
      const send = (): Promise<void> =>
        new Promise((done, failed) => {
          socket.send(payload, 9999, `ff02::1%${near}`, (error) => {
            if (error === null) done();
            else failed(error);
          });
        });
      const sent = 3000;
      for (let i = 0; i < sent; i += 1) {
        const arrived = send();
        link.update(sides[i & 1] ?? sides[0]);
        await arrived;
      }
      socket.close();
      const seen = counts.readMapped(0, 8);
      const [a, b] = [seen.readUInt32LE(0), seen.readUInt32LE(4)];
      expect(a + b).toBe(sent);
      expect(Math.min(a, b)).toBeGreaterThan(0);
    });

    it('names what is wrong', () => {
      const program = keep(returning(0));
      const at = (interfaceIndex: number): string =>
        codeOf(() => attachTcx({ program, interfaceIndex, direction: 'ingress' }));
      expect(at(0x7fff_ffff)).toBe('ENODEV');
      expect(() => at(0)).toThrow(RangeError);
      expect(() => nativeDoor().queryTcx(index, 3)).toThrow(RangeError);
      const map = keep(oneValue(4));
      map.pin(`${pins}/map`);
      expect(() => nativeDoor().openPinnedLink(`${pins}/map`)).toThrow('holds no link');
      expect(() => nativeDoor().openPinnedProgram(`${pins}/map`)).toThrow('holds no prog');
      expect(keep(nativeDoor().openPinnedMap(`${pins}/map`)).shape().id).toBe(map.shape().id);
      program.pin(`${pins}/program`);
      expect(() => nativeDoor().openPinnedMap(`${pins}/program`)).toThrow('holds no map');
      expect(
        testSkb(keep(nativeDoor().openPinnedProgram(`${pins}/program`)), Buffer.alloc(64)).action,
      ).toBe(0);
      expect(codeOf(() => map.pin(`${pins}/map`))).toBe('EEXIST');
      expect(codeOf(() => map.pin(`${pins}/with.dot`))).toBe('EPERM');
      expect(codeOf(() => nativeDoor().openPinnedMap(`${pins}/nothing`))).toBe('ENOENT');
    });
  });

  it('attaches, lists, replaces and detaches filters of clsact', () => {
    const door = nativeDoor();
    expect(door.queryClassic(index, true)).toEqual([]);
    expect(door.createClsact(index)).toBe(true);
    expect(door.createClsact(index)).toBe(false);
    const [first, second] = [keep(returning(0, 'one')), keep(returning(0, 'two'))];
    door.attachClassic(first, index, true, 1, 10, false);
    expect(codeOf(() => door.attachClassic(second, index, true, 1, 10, false))).toBe('EEXIST');
    const filter = { handle: 1, priority: 10, protocol: 3, kind: 'bpf', directAction: true };
    expect(door.queryClassic(index, true)).toEqual([
      { ...filter, name: expect.stringContaining('one') as string, programId: first.facts().id },
    ]);
    door.attachClassic(second, index, true, 1, 10, true);
    expect(door.queryClassic(index, true)).toMatchObject([{ programId: second.facts().id }]);
    expect(door.queryClassic(index, false)).toEqual([]);
    const other = ['prio', '20', 'u32', 'match', 'u32', '0', '0'];
    spawnSync('tc', ['filter', 'add', 'dev', near, 'ingress', ...other]);
    const kinds = door
      .queryClassic(index, true)
      .map(({ kind, programId }) => `${kind} ${programId}`);
    expect(new Set(kinds)).toEqual(new Set([`bpf ${second.facts().id}`, 'u32 0']));
    expect(door.detachClassic(index, true, 1, 10)).toBe(true);
    expect(door.detachClassic(index, true, 1, 10)).toBe(false);
    expect(() => door.attachClassic(first, index, true, 0, 10, false)).toThrow(RangeError);
    expect(() => door.attachClassic(first, index, true, 1, 65_536, false)).toThrow(RangeError);
    door.destroyClsact(index);
    expect(door.queryClassic(index, true)).toEqual([]);
  });
});

describe.skipIf(lacks('root', 'ring-buffer') !== undefined)('ring buffers', () => {
  it('hands out what programs wrote, oldest first, up to the limit', () => {
    const ring = keep(
      createMap({ type: 'ringbuf', name: 'ring', keySize: 0, valueSize: 0, maxEntries: 4096 }),
    );
    // *(u32 *)(fp - 8) = mark; bpf_ringbuf_output(ring, fp - 8, 4, 0).
    const program = keep(
      loadProgram({
        type: 'sched-cls',
        name: 'writing',
        instructions: raw(
          [0x61, 0x16, 8, 0],
          [0x63, 0x6a, -8, 0],
          ...mapAddress(1),
          [0xbf, 0xa2, 0, 0],
          [0x07, 0x02, 0, -8],
          mov(3, 4),
          mov(4, 0),
          call(130),
          EXIT,
        ),
        maps: [ring],
      }),
    );
    const reader = keep(nativeDoor().openRingBuffer(ring));
    ring.close();
    expect(reader.consume(10)).toEqual([]);
    for (let mark = 1; mark <= 5; mark += 1) testSkb(program, Buffer.alloc(64), { mark });
    expect(reader.consume(2)).toEqual([u32(1), u32(2)]);
    expect(reader.consume(100)).toEqual([u32(3), u32(4), u32(5)]);
    // 16 bytes a record: the ring holds 255, and a full one refuses.
    let written = 0;
    for (let mark = 0; mark < 400; mark += 1) {
      if (testSkb(program, Buffer.alloc(64), { mark }).action === 0) written += 1;
    }
    expect(written).toBeLessThan(400);
    expect(reader.consume(1000)).toHaveLength(written);
    expect(() => reader.consume(0)).toThrow(RangeError);
    reader.close();
    reader.close();
    expect(() => reader.consume(1)).toThrow('closed');
    expect(codeOf(() => nativeDoor().openRingBuffer(keep(oneValue(4))))).toBe('EINVAL');
  });
});
