import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.js';
import { compile } from '../../src/compile.js';
import { otherHalf } from '../../src/loader/deploy/control.js';
import { readStatus, unload, type DeployStatus } from '../../src/loader/deploy/status.js';
import { addonPath, nativeDoor } from '../../src/loader/native.js';
import { targetNamed } from '../../src/target.js';
import { Network } from '../../src/demo/network.js';
import { transpileSources } from '../cli/transpile.js';
import { inNamespace, isRoot } from '../support/netns.js';
import { modelOf } from '../support/wire.js';
import { CLUSTER, expectWhole, FIRST, listen, SECOND, startLoad, wait } from './load.js';

const KILLS = process.env['POLICYC_TEST_ALL'] === '1' ? 150 : 12;
const ROOT = `/sys/fs/bpf/policyc_test_killed_${process.pid}`;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe.runIf(isRoot)('policyc apply as a process', () => {
  let network: Network;
  let folder: string;
  let policyc: string;

  beforeAll(async () => {
    network = await Network.create(CLUSTER);
    await listen(network);
    folder = mkdtempSync(join(tmpdir(), 'policyc-killed-'));
    policyc = transpileSources();
    // The addon is looked for beside the nearest package.json.
    const addon = join(policyc, 'build/Release');
    mkdirSync(addon, { recursive: true });
    symlinkSync(addonPath(), join(addon, 'policyc_native.node'));
    writeFiles();
  }, 60_000);

  afterAll(() => {
    inNode(() => unload(ROOT));
    (network as Network | undefined)?.close();
    rmSync(folder, { recursive: true, force: true });
    rmSync(policyc, { recursive: true, force: true });
  });

  const inNode = <Result>(work: () => Result): Result =>
    inNamespace(network.host('one').netns, work);
  const path = (name: string): string => join(folder, name);

  function writeFiles(): void {
    const target = targetNamed('6.18');
    if (target === undefined) throw new Error('no target');
    const bundleOf = (policies: string): Uint8Array =>
      compile(modelOf(policies), target, 'test').bytes;
    writeFileSync(path('first.bundle'), bundleOf(FIRST));
    writeFileSync(path('second.bundle'), bundleOf(SECOND));
    const lines = [...network.pods].map(([name, { device }]) => `${name}: ${device}\n`);
    writeFileSync(path('veths.yaml'), lines.join(''));
    writeFileSync(path('cluster.yaml'), clusterText());
  }

  function start(
    command: 'apply' | 'rollback' | 'status',
    ...operands: readonly string[]
  ): ChildProcess {
    const where = [
      '--node',
      'one',
      '--interfaces',
      path('veths.yaml'),
      '--cluster',
      path('cluster.yaml'),
    ];
    const kept = ['--state-dir', path('state')];
    const options = command === 'status' ? [] : [...where, ...kept];
    const argv = network.command(network.host('one').netns, [
      process.execPath,
      join(policyc, 'bin/policyc.js'),
      command,
      ...operands,
      ...options,
      '--root',
      ROOT,
    ]);
    const [program = '', ...rest] = argv;
    return spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  function ended(child: ChildProcess): Promise<Ended> {
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    return new Promise((resolve) => {
      child.on('close', (code) => {
        resolve({ code, stdout, stderr });
      });
    });
  }

  async function run(...argv: Parameters<typeof start>): Promise<Ended> {
    const end = await ended(start(...argv));
    if (end.code !== 0) throw new Error(end.stderr);
    return end;
  }

  /** There is a whole generation in the half that the gates open to, for every pod. */
  function expectInForce(status: DeployStatus): number {
    const current = status.generations.find(({ inForce }) => inForce);
    if (current === undefined) throw new Error('nothing is in force');
    const { half } = status.control ?? { half: 0 };
    expect(current.record?.half).toBe(half);
    expect(status.pods).toHaveLength(network.pods.size);
    for (const { programs } of status.pods) {
      for (const program of programs) {
        expect(program).toMatchObject({
          attached: true,
          behind: 0,
          generation: current.generation,
        });
      }
    }
    return current.generation;
  }

  it(`leaves the old generation whole when it is killed, ${KILLS} times`, async () => {
    await run('apply', path('first.bundle'));
    const before = performance.now();
    await run('apply', path('second.bundle'));
    const usual = performance.now() - before;
    const stop = await startLoad(network);
    let killed = 0;
    for (let i = 0; i < KILLS; i += 1) {
      const now = expectInForce(inNode(() => readStatus(ROOT)));
      const child = start('apply', path(i % 2 === 0 ? 'first.bundle' : 'second.bundle'));
      const end = ended(child);
      if (i % 3 === 0) await wait(Math.random() * usual);
      else {
        // From when it begins to leave something behind.
        const begun = join(ROOT, 'generations', String(now + 1));
        while (!existsSync(begun) && child.exitCode === null) await wait(1);
        await wait(Math.random() * (i % 3 === 1 ? 40 : usual / 2));
      }
      child.kill('SIGKILL');
      if ((await end).code === null) killed += 1;
    }
    const atLast = inNode(() => readStatus(ROOT));
    expectInForce(atLast);
    const dead = programsOf(atLast);
    await run('apply', path('first.bundle'));
    expectWhole(await stop());
    expect(killed).toBeGreaterThan(KILLS / 3);

    const status = inNode(() => readStatus(ROOT));
    const generation = expectInForce(status);
    expect(status.generations.map((one) => one.generation)).toEqual([generation]);
    const { half, both } = status.control ?? { half: 0, both: true };
    expect(both).toBe(false);
    for (const { programs } of status.pods) {
      for (const { halves } of programs) {
        expect(halves[half]).toBe(generation);
        expect(halves[otherHalf(half)]).toBeNull();
      }
    }
    expect(dead.length).toBeGreaterThan(0);
    await wait(200);
    expect(dead.filter(isLoaded)).toEqual([]);
  }, 1_200_000);

  function programsOf(status: DeployStatus): readonly number[] {
    return status.generations.flatMap(({ generation }) => {
      const pods = join(ROOT, 'generations', String(generation), 'pods');
      return [...network.pods.keys()].flatMap((pod) =>
        ['to_pod', 'from_pod'].flatMap((name) => {
          const pin = join(pods, pod.replace('/', '%2f'), name);
          if (!existsSync(pin)) return [];
          const program = nativeDoor().openPinnedProgram(pin);
          const { id } = program.facts();
          program.close();
          return [id];
        }),
      );
    });
  }

  function isLoaded(id: number): boolean {
    try {
      nativeDoor().openProgramById(id).close();
      return true;
    } catch {
      return false;
    }
  }

  it('goes back to the bundle that was in force before, and no further than it knows', async () => {
    inNode(() => unload(ROOT));
    rmSync(path('state'), { recursive: true, force: true });
    const digests = async (...argv: Parameters<typeof start>): Promise<string> =>
      /of ([0-9a-f]{12}) is in force/.exec((await run(...argv)).stdout)?.[1] ?? '?';
    const first = await digests('apply', path('first.bundle'));
    const nothing = await ended(start('rollback'));
    expect([nothing.code, nothing.stderr]).toEqual([
      2,
      expect.stringContaining('deploy/no-previous'),
    ]);
    const second = await digests('apply', path('second.bundle'));
    expect(second).not.toBe(first);
    // The same again is no step.
    expect(await digests('apply', path('second.bundle'))).toBe(second);
    expect(await digests('rollback')).toBe(first);
    expect((await ended(start('rollback'))).code).toBe(2);
    expect(await digests('apply', path('second.bundle'))).toBe(second);
    expect(await digests('rollback')).toBe(first);
    expect((await run('status')).stdout).toContain(first);
  }, 120_000);
});

function clusterText(): string {
  const objects = [
    ...CLUSTER.nodes.map(({ name, addresses }) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
      status: {
        addresses: addresses.map((one) => ({ type: 'InternalIP', address: formatAddress(one) })),
      },
    })),
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'app' } },
    ...CLUSTER.pods.map(({ namespace, name, labels, node, addresses }) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name, labels: Object.fromEntries(labels) },
      spec: { nodeName: node, containers: [{ name: 'main', image: 'main' }] },
      status: { phase: 'Running', podIPs: addresses.map((one) => ({ ip: formatAddress(one) })) },
    })),
  ];
  return objects.map((one) => JSON.stringify(one)).join('\n---\n');
}
