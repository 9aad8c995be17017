import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.js';
import type { ProbeProtocol } from '../../src/demo/prober.js';
import { lowerPolicyFiles } from '../../src/ir/lower-policy.js';
import type { PolicyModel } from '../../src/ir/model.js';
import { addonPath, nativeDoor } from '../../src/loader/native.js';
import { parsePolicy } from '../../src/parser/parse-policy.js';
import { SourceFile } from '../../src/source.js';
import { targetNamed } from '../../src/target.js';
import { invoke } from '../cli/invoke.js';
import { transpileSources } from '../cli/transpile.js';
import { valueOf } from '../oracle/world-model.js';
import { cluster, isRoot, pod } from '../support/netns.js';
import { Wire } from '../support/wire.js';

const WEB = '10.244.1.5';
const OTHER = '10.244.1.6';
const POLICY = `policy guard tier admin priority 5 {
  subject pods where app == "web"
  ingress {
    allow from pods in namespace ops port 5000/tcp log
    deny from any reject log
  }
}
`;
/** The same rules on other lines: numbers in cells stay, and mean another place. */
const LATER = `\n\n${POLICY}`;

function modelOf(policy: string): PolicyModel {
  const file = valueOf(parsePolicy(new SourceFile('guard.pol', policy)));
  return valueOf(lowerPolicyFiles([file], (path) => new SourceFile(path, '')));
}

interface EventLine {
  readonly time: string;
  readonly verdict: string;
  readonly rule?: { readonly name: string; readonly line: number };
}

describe.runIf(isRoot)('policyc events', () => {
  let wire: Wire;
  let root: string;
  let folder: string;

  beforeAll(async () => {
    wire = await Wire.create(
      cluster([pod('shop/web', 'one', [WEB]), pod('ops/client', 'one', [OTHER])]),
    );
    root = wire.root('one');
    folder = mkdtempSync(join(tmpdir(), 'policyc-events-'));
    await wire.network.prober.listen(wire.network.pod('shop/web').netns, 'tcp', 5000);
    wire.apply(modelOf(POLICY));
  }, 60_000);

  afterAll(() => {
    rmSync(folder, { recursive: true });
    (wire as Wire | undefined)?.close();
  });

  function knock(protocol: ProbeProtocol, port: number): Promise<string> {
    const { netns } = wire.network.pod('ops/client');
    const options = { netns, protocol, address: WEB, port, milliseconds: 1000 };
    return wire.network.prober.probe(options).catch((error: unknown) => String(error));
  }

  async function jsonEvents(...bundles: readonly string[]): Promise<readonly EventLine[]> {
    const argv = ['events', ...bundles, '--root', root, '--format', 'json'];
    const { code, stdout, stderr } = await invoke(argv, { now: Date.now() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return linesOf(stdout);
  }

  function linesOf(stdout: string): readonly EventLine[] {
    const lines = stdout.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as EventLine);
  }

  it('prints a line for each packet, with the rule and its line, once', async () => {
    expect(await knock('tcp', 5000)).toBe('ok');
    expect(await knock('tcp', 5001)).toBe('refused');
    const events = await jsonEvents();
    expect(events).toMatchObject([
      {
        verdict: 'allow',
        reject: false,
        reason: 'rule',
        direction: 'ingress',
        pod: 'shop/web',
        address: WEB,
        peerAddress: OTHER,
        peer: 'ops/client',
        protocol: 'TCP',
        podPort: 5000,
        laterFragment: false,
        rule: { name: 'guard ingress[0]', path: 'guard.pol', line: 4, column: 5 },
      },
      {
        verdict: 'deny',
        reject: true,
        podPort: 5001,
        rule: { name: 'guard ingress[1]', path: 'guard.pol', line: 5, column: 5 },
      },
    ]);
    for (const { time } of events) {
      expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(20_000);
    }
    expect(await jsonEvents()).toEqual([]);
  });

  it('reads as a table', async () => {
    await knock('udp', 53);
    const { stdout } = await invoke(['events', '--root', root]);
    expect(stdout.replace(/^\S+/, 'TIME').replaceAll(/ +/g, ' ')).toMatch(
      /^TIME reject shop\/web from ops\/client 10\.244\.1\.6 UDP 53 <- \d+ guard ingress\[1\] at guard\.pol:5:5 \(rule\)\n$/,
    );
  });

  it('does not give an event to a rule of another policy', async () => {
    await knock('udp', 53);
    wire.apply(modelOf(LATER));
    await knock('udp', 54);
    const target = targetNamed('6.18') ?? expect.fail('no target');
    const bundle = join(folder, 'earlier.bundle');
    writeFileSync(bundle, compile(modelOf(POLICY), target, 'test').bytes);
    const events = await jsonEvents();
    expect(events.map(({ rule }) => rule?.line)).toEqual([undefined, 7]);
    wire.apply(modelOf(POLICY));
    await knock('udp', 53);
    wire.apply(modelOf(LATER));
    await knock('udp', 54);
    const named = await jsonEvents(bundle);
    expect(named.map(({ rule }) => rule?.line)).toEqual([5, 7]);
  });

  it('says so where nothing can be logged, and where another reads', async () => {
    const missing = await invoke(['events', '--root', `${root}_missing`]);
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain('nothing is in force');
    const release = nativeDoor().lockFolder(join(root, 'state'));
    const busy = await invoke(['events', '--root', root]);
    release?.();
    expect(busy).toMatchObject({ code: 2, stdout: '' });
    expect(busy.stderr).toContain('another process is reading');
    wire.apply(modelOf(POLICY.replaceAll(' log', '')));
    const silent = await invoke(['events', '--root', root]);
    expect(silent).toMatchObject({ code: 2, stdout: '' });
    expect(silent.stderr).toContain('no rule of the policy in force');
    wire.apply(modelOf(POLICY));
  });

  it('tells of events that were lost', async () => {
    const { prober } = wire.network;
    const stream = await prober.stream(wire.network.pod('ops/client').netns, WEB, 9, 50);
    await expect.poll(() => lostSoFar(root), { timeout: 15_000 }).toBeGreaterThan(0);
    await stream.stop();
    const { code, stdout, stderr } = await invoke(['events', '--root', root]);
    expect(code).toBe(0);
    expect(stdout.split('\n').length).toBeGreaterThan(3000);
    expect(stderr).toMatch(/\d+ events? (was|were) lost: the buffer was full/);
  }, 30_000);

  it('follows from policy to policy until it is interrupted', async () => {
    const copy = transpileSources();
    try {
      const built = join(copy, 'build', 'Release');
      mkdirSync(dirname(built), { recursive: true });
      symlinkSync(dirname(addonPath()), built);
      const argv = ['events', '--root', root, '--follow', '--format', 'json'];
      const child = spawn('node', [join(copy, 'bin/policyc.js'), ...argv]);
      let stdout = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      const ended = new Promise((resolve) => child.on('close', resolve));
      const lastLine = (): number | undefined => linesOf(stdout).at(-1)?.rule?.line;
      const seen = async (port: number, line: number): Promise<void> => {
        await knock('udp', port);
        await expect.poll(lastLine, { timeout: 10_000 }).toBe(line);
      };
      await seen(53, 5);
      wire.apply(modelOf(POLICY.replaceAll(' log', '')));
      await new Promise((resolve) => setTimeout(resolve, 400));
      wire.apply(modelOf(LATER));
      await seen(53, 7);
      child.kill('SIGINT');
      expect(await ended).toBe(0);
    } finally {
      rmSync(copy, { recursive: true });
    }
  }, 60_000);
});

function lostSoFar(root: string): number {
  const path = join(root, 'generations');
  const [generation = ''] = readdirSync(path);
  const map = nativeDoor().openPinnedMap(join(path, generation, 'maps', 'events_lost'));
  try {
    return Number(map.lookup(new Uint8Array(4))?.readBigUInt64LE(0));
  } finally {
    map.close();
  }
}
