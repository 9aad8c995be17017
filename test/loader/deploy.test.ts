import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Network } from '../../src/demo/network.js';
import { InputError } from '../../src/diagnostics.js';
import { makePinFolder, removePins } from '../../src/loader/bpffs.js';
import type { HookKind } from '../../src/loader/deploy/hook.js';
import { loadPinned } from '../../src/loader/deploy/load.js';
import { readStatus, unload } from '../../src/loader/deploy/status.js';
import { applyContents, type ApplyResult } from '../../src/loader/deploy.js';
import type { Endpoint } from '../../src/loader/endpoints.js';
import { attachTcx, createMap, queryTcx } from '../../src/loader/native-calls.js';
import { nativeDoor, type LinkHandle } from '../../src/loader/native.js';
import { cluster, inNamespace, isRoot, pod } from '../support/netns.js';
import { returning } from '../support/raw-bpf.js';
import {
  portFilter,
  portFilterContents,
  refusedContents,
  refusedObject,
  ungatedObject,
  type PortFilterOptions,
} from '../support/port-filter.js';

const ROOT = `/sys/fs/bpf/policyc_test_deploy_${process.pid}`;
const NOW = Date.parse('2026-11-23T10:00:00Z');

describe.runIf(isRoot)('deploy', () => {
  let network: Network;

  beforeAll(async () => {
    network = await Network.create(
      cluster([
        pod('shop/a', 'one', ['10.244.1.5']),
        pod('shop/b', 'one', ['10.244.1.6']),
        pod('shop/c.d', 'one', ['10.244.1.7']),
      ]),
    );
    for (const name of network.pods.keys()) {
      for (const port of [5000, 6000]) await network.prober.listen(netns(name), 'udp', port);
    }
  }, 60_000);

  afterEach(() => {
    inNode(() => unload(ROOT));
    removePins(`${ROOT}_load`);
  });

  afterAll(() => {
    (network as Network | undefined)?.close();
  });

  const netns = (name: string): string => network.pod(name).netns;
  const inNode = <Result>(work: () => Result): Result =>
    inNamespace(network.host('one').netns, work);

  function endpoint(name: string): Endpoint {
    const { device } = network.pod(name);
    const interfaceIndex = inNode(() => nativeDoor().interfaceIndex(device)) ?? 0;
    const [namespace = '', podName = ''] = name.split('/');
    return { namespace, name: podName, device, interfaceIndex };
  }

  interface ApplyChanges extends PortFilterOptions {
    readonly digest?: string;
    readonly hooks?: HookKind;
    readonly endpoints?: readonly Endpoint[];
  }

  function apply({ digest = 'sha256:1', hooks = 'tcx', ...filter }: ApplyChanges): ApplyResult {
    const endpoints = filter.endpoints ?? Object.keys(filter.pods).map(endpoint);
    const contents = portFilterContents(filter);
    return inNode(() =>
      applyContents({
        root: ROOT,
        object: portFilter,
        contents,
        endpoints,
        node: 'one',
        digest,
        now: NOW,
        hooks,
      }),
    );
  }

  async function passes(from: string, to: string, port: number): Promise<boolean> {
    const address = { 'shop/a': '10.244.1.5', 'shop/b': '10.244.1.6', 'shop/c.d': '10.244.1.7' }[
      to
    ];
    const options = { netns: netns(from), protocol: 'udp', milliseconds: 250 } as const;
    const result = await network.prober.probe({ ...options, address: address ?? '', port });
    return result === 'ok';
  }

  function codesOf(work: () => unknown): readonly string[] {
    try {
      work();
    } catch (error) {
      if (error instanceof InputError) return error.diagnostics.map(({ code }) => code);
      throw error;
    }
    return [];
  }

  describe.each(['tcx', 'clsact'] as const)('on %s hooks', (hooks) => {
    it('enforces, is replaced, and is gone after unload', async () => {
      expect(await passes('shop/b', 'shop/a', 5000)).toBe(true);
      const first = apply({ pods: { 'shop/a': 5000, 'shop/b': 1 }, hooks });
      expect(first).toMatchObject({
        generation: 1,
        attached: ['shop/a', 'shop/b'],
        replaced: [],
        removed: [],
      });
      expect(await passes('shop/b', 'shop/a', 5000)).toBe(false);
      expect(await passes('shop/b', 'shop/a', 6000)).toBe(true);

      const second = apply({ pods: { 'shop/a': 1, 'shop/c.d': 6000 }, hooks });
      expect(second).toMatchObject({
        generation: 2,
        attached: ['shop/c.d'],
        replaced: ['shop/a'],
        removed: ['shop/b'],
      });
      expect(await passes('shop/b', 'shop/a', 5000)).toBe(true);
      expect(await passes('shop/b', 'shop/c.d', 6000)).toBe(false);
      expect(readdirSync(join(ROOT, 'generations'))).toEqual(['2']);

      expect(inNode(() => unload(ROOT))).toEqual({ pods: ['shop/a', 'shop/c.d'], found: true });
      expect(await passes('shop/b', 'shop/c.d', 6000)).toBe(true);
      expect(existsSync(ROOT)).toBe(false);
      expect(inNode(() => unload(ROOT))).toEqual({ pods: [], found: false });
    });

    it('says what is attached', () => {
      apply({ pods: { 'shop/a': 1 }, digest: 'sha256:old', hooks });
      apply({ pods: { 'shop/a': 2, 'shop/c.d': 2 }, digest: 'sha256:new', hooks });
      const status = inNode(() => readStatus(ROOT));
      expect(status.generations).toMatchObject([
        {
          generation: 2,
          record: { digest: 'sha256:new', node: 'one', since: '2026-11-23T10:00:00.000Z' },
        },
      ]);
      expect(status.pods.map(({ pod: name, device }) => [name, device])).toEqual([
        ['shop/a', network.pod('shop/a').device],
        ['shop/c.d', network.pod('shop/c.d').device],
      ]);
      for (const { programs } of status.pods) {
        const expected = { kind: hooks, attached: true, behind: 0, generation: 2 };
        expect(programs).toMatchObject([
          { direction: 'to_pod', ...expected },
          { direction: 'from_pod', ...expected },
        ]);
      }
    });

    it('keeps the old state whole where a later interface fails', async () => {
      apply({ pods: { 'shop/a': 5000 }, digest: 'sha256:kept', hooks });
      const before = inNode(() => readStatus(ROOT));
      const gone: Endpoint = { ...endpoint('shop/b'), interfaceIndex: 2_000_000 };
      const endpoints = [endpoint('shop/a'), gone];
      expect(
        codesOf(() => apply({ pods: { 'shop/a': 1, 'shop/b': 1 }, endpoints, hooks })),
      ).toEqual(['kernel/refused', 'deploy/kept']);
      expect(inNode(() => readStatus(ROOT))).toEqual(before);
      expect(await passes('shop/b', 'shop/a', 5000)).toBe(false);
      expect(readdirSync(join(ROOT, 'generations'))).toEqual(['1']);
    });

    it('follows a pod to another interface', async () => {
      apply({ pods: { 'shop/a': 5000 }, endpoints: [{ ...endpoint('shop/b'), name: 'a' }], hooks });
      expect(await passes('shop/c.d', 'shop/b', 5000)).toBe(false);
      const moved = apply({ pods: { 'shop/a': 5000 }, hooks });
      expect(moved.replaced).toEqual(['shop/a']);
      expect(await passes('shop/c.d', 'shop/b', 5000)).toBe(true);
      expect(await passes('shop/c.d', 'shop/a', 5000)).toBe(false);
    });
  });

  it('reports a program that the verifier refuses, and leaves nothing', () => {
    const options = { root: ROOT, object: refusedObject, node: 'one', digest: 'x', now: NOW };
    const contents = refusedContents(['shop/a']);
    const endpoints = [endpoint('shop/a')];
    expect(codesOf(() => inNode(() => applyContents({ ...options, contents, endpoints })))).toEqual(
      ['kernel/verifier', 'deploy/kept'],
    );
    expect(existsSync(ROOT)).toBe(false);
  });

  it('keeps connection maps across generations, unless their shape changes', () => {
    const seenId = (): number => {
      const [name = ''] = readdirSync(join(ROOT, 'state'));
      return nativeDoor()
        .openPinnedMap(join(ROOT, 'state', name))
        .shape().id;
    };
    apply({ pods: { 'shop/a': 1 } });
    const first = seenId();
    apply({ pods: { 'shop/a': 2 } });
    expect(seenId()).toBe(first);
    apply({ pods: { 'shop/a': 2 }, seenEntries: 32 });
    expect(seenId()).not.toBe(first);
    expect(readdirSync(join(ROOT, 'state'))).toHaveLength(1);
  });

  it('lets nobody else apply meanwhile', () => {
    apply({ pods: { 'shop/a': 1 } });
    const release = nativeDoor().lockFolder(ROOT);
    expect(codesOf(() => apply({ pods: { 'shop/a': 2 } }))).toEqual(['deploy/busy']);
    expect(codesOf(() => unload(ROOT))).toEqual(['deploy/busy']);
    release?.();
    expect(apply({ pods: { 'shop/a': 2 } }).generation).toBe(2);
  });

  it('goes before programs that were there, and sees those that come before it', () => {
    const { interfaceIndex } = endpoint('shop/a');
    const folder = `${ROOT}_load`;
    const contents = portFilterContents({ pods: { 'shop/b': 1 } });
    const record = { digest: 'x', node: 'one', since: '' };
    const [first, second] = loadPinned({ object: portFilter, contents, record, folder });
    const attach = (path = ''): LinkHandle => {
      const program = nativeDoor().openPinnedProgram(path);
      return inNode(() => attachTcx({ program, interfaceIndex, direction: 'egress' }));
    };
    const early = attach(first?.path);
    apply({ pods: { 'shop/a': 1 } });
    const behind = (): readonly number[] | undefined =>
      inNode(() => readStatus(ROOT)).pods[0]?.programs.map((one) => one.behind);
    expect(behind()).toEqual([0, 0]);
    const late = attach(second?.path);
    expect(behind()).toEqual([1, 0]);
    apply({ pods: { 'shop/a': 2 } });
    expect(behind()).toEqual([0, 0]);
    expect(inNode(() => queryTcx(interfaceIndex, 'egress')).chain).toHaveLength(3);
    early.close();
    late.close();
  });

  it('refuses to be behind a filter of its own priority, and keeps what is in force', async () => {
    apply({ pods: { 'shop/a': 5000 }, hooks: 'clsact' });
    const { interfaceIndex } = endpoint('shop/a');
    const other = returning(-1, 'other');
    inNode(() => nativeDoor().attachClassic(other, interfaceIndex, false, 7, 1, false));
    expect(codesOf(() => apply({ pods: { 'shop/a': 1 }, hooks: 'clsact' }))).toEqual([
      'deploy/not-first',
      'deploy/kept',
    ]);
    expect(await passes('shop/b', 'shop/a', 5000)).toBe(false);
    inNode(() => nativeDoor().detachClassic(interfaceIndex, false, 7, 1));
    expect(apply({ pods: { 'shop/a': 1 }, hooks: 'clsact' }).generation).toBe(2);
    expect(await passes('shop/b', 'shop/a', 5000)).toBe(true);
  });

  it('refuses an object that cannot stand behind a gate', () => {
    const options = { root: ROOT, object: ungatedObject, node: 'one', digest: 'x', now: NOW };
    const contents = refusedContents(['shop/a']);
    const endpoints = [endpoint('shop/a')];
    expect(codesOf(() => inNode(() => applyContents({ ...options, contents, endpoints })))).toEqual(
      ['deploy/no-gate', 'deploy/kept'],
    );
    expect(existsSync(ROOT)).toBe(false);
  });

  it('makes a gate again that someone has removed, without letting go of the pod', async () => {
    apply({ pods: { 'shop/a': 5000 } });
    removePins(join(ROOT, 'gates', 'shop%2fa', 'to_pod'));
    apply({ pods: { 'shop/a': 6000 } });
    expect(await passes('shop/b', 'shop/a', 6000)).toBe(false);
    expect(await passes('shop/b', 'shop/a', 5000)).toBe(true);
    const { interfaceIndex } = endpoint('shop/a');
    expect(inNode(() => queryTcx(interfaceIndex, 'egress')).chain).toHaveLength(1);
  });

  it('refuses a control word that others have pinned', () => {
    apply({ pods: { 'shop/a': 1 } });
    removePins(join(ROOT, 'control'));
    const other = createMap({ type: 'array', name: 'x', keySize: 4, valueSize: 4, maxEntries: 1 });
    other.pin(join(ROOT, 'control'));
    expect(codesOf(() => apply({ pods: { 'shop/a': 2 } }))).toEqual(['deploy/damaged']);
  });

  it('takes names that are too long for a pin', () => {
    const long = `shop/${'a.'.repeat(126)}a`;
    const there = { ...endpoint('shop/a'), name: long.slice('shop/'.length) };
    for (const hooks of ['tcx', 'clsact'] as const) {
      for (const generation of [1, 2]) {
        const made = apply({ pods: { [long]: 1 }, endpoints: [there], hooks });
        expect(made.generation).toBe(generation);
        expect([made.attached.length, made.replaced.length]).toEqual(
          generation === 1 ? [1, 0] : [0, 1],
        );
        expect(made.removed).toEqual([]);
      }
      expect(inNode(() => readStatus(ROOT)).pods).toHaveLength(1);
      inNode(() => unload(ROOT));
      expect(existsSync(ROOT)).toBe(false);
    }
  });

  it('pins programs without attaching them, and tells where', async () => {
    const folder = `${ROOT}_load`;
    const options = {
      object: portFilter,
      contents: portFilterContents({ pods: { 'shop/a': 5000, 'shop/c.d': 1 } }),
      record: { digest: 'sha256:1', node: 'one', since: '' },
      folder,
    };
    expect(loadPinned(options)).toEqual(
      ['a', 'c%2ed'].flatMap((name) =>
        (['to_pod', 'from_pod'] as const).map((direction) => ({
          pod: name === 'a' ? 'shop/a' : 'shop/c.d',
          direction,
          path: `${folder}/pods/shop%2f${name}/${direction}`,
          type: 'sched_cls',
        })),
      ),
    );
    expect(await passes('shop/b', 'shop/a', 5000)).toBe(true);
    expect(codesOf(() => loadPinned(options))).toEqual(['deploy/pins-exist']);
    const into = (other: string): readonly string[] =>
      codesOf(() => loadPinned({ ...options, folder: other }));
    expect(into('/tmp/policyc_no_bpffs')).toEqual(['deploy/not-bpffs']);
    expect(into('/sys/fs/bpf/policyc.with.dots')).toEqual(['deploy/pins-refused']);
    expect(codesOf(() => unload('/tmp'))).toEqual(['deploy/not-bpffs']);
  });

  it('cleans up after an apply that was killed', async () => {
    apply({ pods: { 'shop/a': 5000 } });
    // A generation that no hook refers to, as a kill while loading leaves it.
    const contents = portFilterContents({ pods: { 'shop/b': 1 } });
    const record = { digest: 'killed', node: 'one', since: '' };
    loadPinned({ object: portFilter, contents, record, folder: join(ROOT, 'generations', '7') });
    expect(readdirSync(join(ROOT, 'generations')).sort()).toEqual(['1', '7']);
    expect(apply({ pods: { 'shop/a': 5000 } }).generation).toBe(2);
    expect(readdirSync(join(ROOT, 'generations'))).toEqual(['2']);
    expect(await passes('shop/b', 'shop/a', 5000)).toBe(false);
  });

  it('finishes, or takes back, new links that a killed apply has left unsettled', async () => {
    const contents = portFilterContents({ pods: { 'shop/a': 5000, 'shop/b': 5000 } });
    const record = { digest: 'killed', node: 'one', since: '' };
    apply({ pods: { 'shop/a': 5000 } });
    const generation = join(ROOT, 'generations', '2');
    const index = loadPinned({ object: portFilter, contents, record, folder: generation });
    for (const { pod: name, direction, path } of index) {
      const folder = join(ROOT, 'links', name.replace('/', '%2f'));
      makePinFolder(folder);
      const { interfaceIndex } = endpoint(name);
      const program = nativeDoor().openPinnedProgram(path);
      const side = direction === 'to_pod' ? 'egress' : 'ingress';
      const link = inNode(() => attachTcx({ program, interfaceIndex, direction: side }));
      link.pin(join(folder, `${direction}_next`));
      link.close();
    }
    const applied = apply({ pods: { 'shop/a': 5000, 'shop/b': 5000 } });
    expect(applied).toMatchObject({ generation: 2, replaced: ['shop/a', 'shop/b'] });
    for (const name of ['shop/a', 'shop/b']) {
      const { interfaceIndex } = endpoint(name);
      expect(inNode(() => queryTcx(interfaceIndex, 'egress')).chain).toHaveLength(1);
      expect(inNode(() => queryTcx(interfaceIndex, 'ingress')).chain).toHaveLength(1);
    }
    expect(await passes('shop/c.d', 'shop/b', 5000)).toBe(false);
  });

  it('leaves clsact filters alone that it cannot reach', () => {
    apply({ pods: { 'shop/a': 1 }, hooks: 'clsact' });
    const elsewhere = network.host('two').netns;
    expect(codesOf(() => inNamespace(elsewhere, () => unload(ROOT)))).toEqual([
      'deploy/other-namespace',
    ]);
    expect(inNode(() => readStatus(ROOT)).pods).toHaveLength(1);
  });

  it('does not take a map that others have pinned for its own', () => {
    apply({ pods: { 'shop/a': 1 } });
    const [name = ''] = readdirSync(join(ROOT, 'state'));
    removePins(join(ROOT, 'state', name));
    const other = createMap({ type: 'array', name: 'x', keySize: 4, valueSize: 4, maxEntries: 1 });
    other.pin(join(ROOT, 'state', name));
    expect(codesOf(() => apply({ pods: { 'shop/a': 2 } }))).toEqual([
      'deploy/damaged',
      'deploy/kept',
    ]);
    expect(readdirSync(join(ROOT, 'generations'))).toEqual(['1']);
  });

  describe.each(['tcx', 'clsact'] as const)('when an interface goes, on %s hooks', (hooks) => {
    it('says so, and applies and unloads all the same', () => {
      const device = `pcx${process.pid.toString(36)}`;
      const ip = (...words: string[]): void => {
        const { netns: node } = network.host('one');
        expect(spawnSync('ip', ['-n', node, 'link', ...words]).status).toBe(0);
      };
      ip('add', device, 'type', 'veth', 'peer', 'name', `${device}p`);
      const interfaceIndex = inNode(() => nativeDoor().interfaceIndex(device)) ?? 0;
      const gone: Endpoint = { namespace: 'shop', name: 'b', device, interfaceIndex };
      const pods = { 'shop/a': 1, 'shop/b': 1 };
      apply({ pods, endpoints: [endpoint('shop/a'), gone], hooks });
      ip('delete', device);
      const attached = inNode(() => readStatus(ROOT)).pods.map(({ pod: name, programs }) => [
        name,
        programs.map((one) => one.attached),
      ]);
      expect(attached).toEqual([
        ['shop/a', [true, true]],
        ['shop/b', [false, false]],
      ]);
      const again = apply({ pods, hooks });
      expect(again).toMatchObject({ attached: ['shop/b'], replaced: ['shop/a'] });
      expect(inNode(() => unload(ROOT)).pods).toEqual(['shop/a', 'shop/b']);
      expect(existsSync(ROOT)).toBe(false);
    });
  });
});
