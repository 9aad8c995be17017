import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/diagnostics.js';
import { interfaceFaults, refuseBypasses } from '../../src/loader/deploy/bypass.js';
import { attachTcx, createMap, loadProgram } from '../../src/loader/native-calls.js';
import { nativeDoor, type LinkHandle, type ProgramHandle } from '../../src/loader/native.js';
import { inNamespace, isRoot } from '../support/netns.js';
import { call, EXIT, mapAddress, mov, raw, returning, u32 } from '../support/raw-bpf.js';

const REDIRECT = 23;
const REDIRECT_PEER = 155;
const TAIL_CALL = 12;
const NETNS = `pc-bypass-${process.pid}`;
const endpoint = { namespace: 'shop', name: 'web', device: 'veth1', interfaceIndex: 7 };

describe('interfaceFaults', () => {
  const at = (kind: string): readonly string[] =>
    interfaceFaults([endpoint], [{ index: 7, name: 'veth1', kind, xdpProgramId: 0 }]).map(
      ({ code, message }) => `${code}: ${message}`,
    );

  it('refuses netkit', () => {
    expect(at('veth')).toEqual([]);
    expect(at('netkit')).toEqual([
      'deploy/netkit: interface `veth1` of `shop/web` is a netkit device',
    ]);
  });

  it('refuses what is no veth: the pod would be without protection', () => {
    expect(at('')).toEqual([
      'deploy/not-a-veth: interface `veth1` cannot be that of `shop/web`: it is no virtual one, and no veth',
    ]);
    expect(at('bridge')).toEqual([
      'deploy/not-a-veth: interface `veth1` cannot be that of `shop/web`: it is a bridge, and no veth',
    ]);
  });
});

describe.runIf(isRoot)('refuseBypasses', () => {
  const links: LinkHandle[] = [];
  const run = (program: string, words: readonly string[]): void => {
    const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  const ip = (...words: string[]): void => run('ip', words);
  /** Unlike `ip -n`, it leaves the BPF file system where it is. */
  const setXdp = (device: string, ...words: string[]): void => {
    const inNetns = [`--net=/run/netns/${NETNS}`, '--'];
    run('nsenter', [...inNetns, 'ip', 'link', 'set', 'dev', device, 'xdp', ...words]);
  };
  const inside = <Result>(work: () => Result): Result => inNamespace(NETNS, work);

  beforeAll(() => {
    ip('netns', 'add', NETNS);
    ip('-n', NETNS, 'link', 'add', 'veth1', 'type', 'veth', 'peer', 'name', 'other');
  });
  afterEach(() => {
    for (const link of links.splice(0)) link.close();
    inside(() => nativeDoor().waitForReaders());
  });
  afterAll(() => {
    ip('netns', 'delete', NETNS);
  });

  function calling(helper: number, name: string): ProgramHandle {
    const instructions = raw(mov(1, 1), mov(2, 0), call(helper), EXIT);
    return loadProgram({ type: 'sched-cls', name, instructions });
  }

  /** Attaches where no pod is. */
  function attach(program: ProgramHandle): void {
    inside(() => {
      const interfaceIndex = nativeDoor().interfaceIndex('other') ?? 0;
      links.push(attachTcx({ program, interfaceIndex, direction: 'ingress' }));
    });
  }

  function faults(): readonly string[] {
    try {
      inside(() => {
        const interfaceIndex = nativeDoor().interfaceIndex('veth1') ?? 0;
        refuseBypasses([{ ...endpoint, interfaceIndex }], []);
      });
    } catch (error) {
      if (error instanceof InputError) return error.diagnostics.map(({ message }) => message);
      throw error;
    }
    return [];
  }

  it('lets programs be that pass, drop or redirect to where hooks are', () => {
    attach(returning(-1));
    attach(calling(REDIRECT, 'forwards'));
    expect(faults()).toEqual([]);
  });

  it('finds a redirect to the peer, behind tail calls too', () => {
    const peer = calling(REDIRECT_PEER, 'to_peer');
    attach(peer);
    expect(faults()).toEqual([
      '`to_peer` at `other` calls `bpf_redirect_peer`, which takes packets past the hooks of pods',
    ]);
    for (const link of links.splice(0)) link.close();

    const type = 'prog-array';
    const array = createMap({ type, name: 'next', keySize: 4, valueSize: 4, maxEntries: 3 });
    array.setProgram(u32(2), peer);
    const instructions = raw(...mapAddress(2), mov(3, 2), call(TAIL_CALL), mov(0, -1), EXIT);
    const maps = [array];
    attach(loadProgram({ type: 'sched-cls', name: 'jumps', instructions, maps }));
    expect(faults()).toEqual([
      '`jumps` at `other` calls `bpf_redirect_peer`, which takes packets past the hooks of pods',
    ]);
    array.close();
  });

  it('finds filters of clsact as well', () => {
    inside(() => {
      const index = nativeDoor().interfaceIndex('other') ?? 0;
      nativeDoor().createClsact(index);
      nativeDoor().attachClassic(calling(REDIRECT_PEER, 'filter'), index, false, 1, 9, false);
    });
    expect(faults()).toHaveLength(1);
    inside(() => nativeDoor().destroyClsact(nativeDoor().interfaceIndex('other') ?? 0));
    expect(faults()).toEqual([]);
  });

  it("finds XDP at a pod's interface, and what it redirects at others", () => {
    const pin = `/sys/fs/bpf/policyc_test_bypass_${process.pid}`;
    const through = loadProgram({
      type: 'xdp',
      name: 'through',
      instructions: raw(mov(0, 2), EXIT),
    });
    through.pin(pin);
    setXdp('other', 'pinned', pin);
    expect(faults()).toEqual([]);
    setXdp('other', 'off');
    setXdp('veth1', 'pinned', pin);
    expect(faults()).toEqual([
      'the XDP program `through` sees what comes from `shop/web` at `veth1` before policyc could',
    ]);
    setXdp('veth1', 'off');
    rmSync(pin);
    const instructions = raw(mov(1, 1), mov(2, 0), call(REDIRECT), EXIT);
    loadProgram({ type: 'xdp', name: 'sends', instructions }).pin(pin);
    setXdp('other', 'pinned', pin);
    rmSync(pin);
    expect(faults()).toEqual([
      '`sends` at `other` calls `bpf_xdp_redirect`, which takes packets past the hooks of pods',
    ]);
    setXdp('other', 'off');
  });

  it('lists interfaces with their kinds', () => {
    const listed = inside(() => nativeDoor().listInterfaces());
    expect(listed.map(({ name, kind }) => [name, kind]).sort()).toEqual([
      ['lo', ''],
      ['other', 'veth'],
      ['veth1', 'veth'],
    ]);
  });
});
