/** Handover: connections that were open before their policies go on, or are named as cut. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { formatAddress, type Family } from '../../src/address.js';
import { applyBundle, rehearseBundle, type NodeResult } from '../../src/apply.js';
import { handoverText } from '../../src/cli/handover-text.js';
import { readBundle } from '../../src/codegen/bundle.js';
import { compile } from '../../src/compile.js';
import type { NetworkPlace } from '../../src/demo/network.js';
import type { Opened, ProbeProtocol, Prober } from '../../src/demo/prober.js';
import { InputError } from '../../src/diagnostics.js';
import { layout } from '../../src/loader/deploy/pins.js';
import { readStatus } from '../../src/loader/deploy/status.js';
import { accountsRealSizes, readAccount } from '../../src/loader/kernel-memory.js';
import { nativeDoor } from '../../src/loader/native.js';
import { listSockets, openConnections } from '../../src/loader/sockets.js';
import { SourceFile } from '../../src/source.js';
import { targetNamed } from '../../src/target.js';
import { inNamespace, isRoot } from '../support/netns.js';
import { modelOf, NOW, type Wire } from '../support/wire.js';
import { addressIn, createThreePods } from './three-pods.js';

const SERVER_PORT = 443;

/** The client may open 443, the server may be asked 443 by the client: both need state for replies. */
const policy = (port: number, clientIngress: string): string => `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: app, name: client}
spec:
  podSelector: {matchLabels: {app: client}}
  policyTypes: [${clientIngress}Egress]
  egress: [{ports: [{protocol: TCP, port: ${port}}, {protocol: UDP, port: ${port}}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: app, name: server}
spec:
  podSelector: {matchLabels: {app: server}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {app: client}}}], ports: [{protocol: TCP, port: ${port}}, {protocol: UDP, port: ${port}}]}]
`;
const BOTH_WAYS = policy(SERVER_PORT, 'Ingress, ');
const ONE_WAY = policy(SERVER_PORT, '');
const ELSEWHERE = policy(SERVER_PORT + 1, 'Ingress, ');
const NONE = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: app, name: nobody}
spec: {podSelector: {matchLabels: {app: nobody}}}
`;
const FAMILIES: readonly [Family][] = [[4], [6]];

describe.runIf(isRoot)('connections that were open before', () => {
  let wire: Wire;
  let prober: Prober;
  let client: NetworkPlace;
  let server: NetworkPlace;
  let far: NetworkPlace;
  let stateDir: string;
  const opened: Opened[] = [];

  beforeAll(async () => {
    stateDir = mkdtempSync(join(tmpdir(), 'policyc-handover-'));
    const ports = { tcp: SERVER_PORT, udp: SERVER_PORT };
    ({ wire, client, server, far } = await createThreePods(ports));
    ({ prober } = wire.network);
  }, 60_000);

  afterEach(async () => {
    // What policies deny cannot end either: both ends have to see it before the next test counts.
    wire.unload();
    for (const one of opened.splice(0)) await one.close();
    await expect.poll(openNow, { timeout: 20_000 }).toBe(0);
  });

  /** TCP connections of the two pods that have not come to their end. */
  function openNow(): number {
    return [client, server].reduce((sum, { netns, addresses }) => {
      const open = openConnections(listSockets(`/run/netns/${netns}`), addresses);
      return sum + open.filter(({ protocol }) => protocol === 'TCP').length;
    }, 0);
  }

  afterAll(() => {
    (wire as Wire | undefined)?.close();
    rmSync(stateDir, { recursive: true, force: true });
  });

  async function open(
    from: NetworkPlace,
    to: NetworkPlace,
    protocol: ProbeProtocol,
    family: Family,
  ): Promise<Opened> {
    const one = await prober.open({
      netns: from.netns,
      protocol,
      address: formatAddress(addressIn(to, family)),
      port: SERVER_PORT,
      milliseconds: 3000,
    });
    expect(one.result).toBe('ok');
    opened.push(one);
    return one;
  }

  const handoverOf = (policies: string): NodeResult['handover'] => applyTo(policies).handover;

  /** What the command does, without its output. */
  function options(policies: string): Parameters<typeof applyBundle>[0] {
    const target = targetNamed('6.18');
    if (target === undefined) throw new Error('no target');
    const { bytes } = compile(modelOf(policies), target, 'test');
    const lines = [...wire.network.pods].filter(([, { node }]) => node === 'one');
    return {
      bundle: readBundle('test.bundle', bytes),
      bytes,
      cluster: wire.cluster,
      node: 'one',
      interfaces: new SourceFile(
        'veths.yaml',
        lines.map(([name, { device }]) => `${name}: ${device}\n`).join(''),
      ),
      root: wire.root('one'),
      stateDir,
      at: NOW,
      now: NOW,
      refuseCuts: false,
    };
  }

  function applyTo(policies: string, refuseCuts = false): NodeResult {
    const all = { ...options(policies), refuseCuts };
    return inNamespace(wire.network.host('one').netns, () => applyBundle(all));
  }

  it.each(FAMILIES)('get state with the first policies (IPv%i)', async (family) => {
    const out = await open(client, far, 'tcp', family);
    const between = await open(client, server, 'tcp', family);
    const datagrams = await open(client, far, 'udp', family);
    const { kept, cut, unseen } = handoverOf(BOTH_WAYS);
    // Those of the client, and the server's end of the one between them.
    expect({ kept, cut, unseen }).toEqual({ kept: 4, cut: [], unseen: [] });
    expect(await out.say(3000)).toBe('ok');
    expect(await between.say(3000)).toBe('ok');
    expect(await datagrams.say(3000)).toBe('ok');
  });

  it.each(FAMILIES)('get state when it comes to be needed (IPv%i)', async (family) => {
    expect(handoverOf(ONE_WAY)).toEqual({ kept: 0, cut: [], unseen: [] });
    const out = await open(client, far, 'tcp', family);
    expect(handoverOf(BOTH_WAYS)).toMatchObject({ kept: 1, cut: [] });
    expect(await out.say(3000)).toBe('ok');
    // It is known now: nothing is left to do.
    expect(handoverOf(BOTH_WAYS)).toMatchObject({ kept: 0, cut: [] });
    expect(await out.say(3000)).toBe('ok');
  });

  it('are cut where the policies deny them, and are named', async () => {
    const out = await open(client, far, 'tcp', 4);
    const between = await open(client, server, 'tcp', 6);
    const { kept, cut } = handoverOf(ELSEWHERE);
    expect(kept).toBe(0);
    const told = cut.map(({ pod: name, direction, peer, peerPort, localPort, reason, rule }) => {
      const port = direction === 'egress' ? peerPort : localPort;
      return [name, direction, peer, port, reason, rule];
    });
    expect(told.sort()).toEqual([
      ['app/client', 'egress', '10.244.2.5', SERVER_PORT, 'isolation', 'app/client'],
      ['app/client', 'egress', 'fd00:244:1::6', SERVER_PORT, 'isolation', 'app/client'],
      ['app/server', 'ingress', 'fd00:244:1::5', SERVER_PORT, 'isolation', 'app/server'],
    ]);
    expect(await out.say(350)).toBe('timeout');
    expect(await between.say(350)).toBe('timeout');
    // They are no news to the next apply, and nobody gives them state.
    expect(handoverOf(ELSEWHERE)).toEqual({ kept: 0, cut: [], unseen: [] });
  });

  it('are cut by a later generation that denies them', async () => {
    handoverOf(BOTH_WAYS);
    const out = await open(client, far, 'tcp', 4);
    const { cut } = handoverOf(ELSEWHERE);
    expect(cut).toMatchObject([{ pod: 'app/client', protocol: 'TCP', peer: '10.244.2.5' }]);
    expect(await out.say(350)).toBe('timeout');
  });

  it('are told by a rehearsal, which changes nothing', async () => {
    const out = await open(client, far, 'tcp', 4);
    const told = inNamespace(wire.network.host('one').netns, () =>
      rehearseBundle(options(ELSEWHERE)),
    );
    expect(told).toMatchObject({ attached: ['app/client', 'app/server'], replaced: [] });
    const port = told.handover.cut[0]?.localPort ?? 0;
    expect(
      handoverText(told.handover, (_, text) => text)
        .trimEnd()
        .split('\n'),
    ).toEqual([
      'open connections: 0 got state, 1 cut',
      'POD         WAY  PORT       PEER                 WHY',
      `app/client  to   ${port}/TCP  10.244.2.5 port 443  isolated by app/client (policies.yaml:4:34)`,
    ]);
    expect(readStatus(wire.root('one'))).toMatchObject({ generations: [], pods: [] });
    handoverOf(BOTH_WAYS);
    const before = readStatus(wire.root('one'));
    const again = inNamespace(wire.network.host('one').netns, () =>
      rehearseBundle(options(ELSEWHERE)),
    );
    expect(again).toMatchObject({ attached: [], replaced: ['app/client', 'app/server'] });
    expect(again.handover.cut).toHaveLength(1);
    const strict = (): unknown => rehearseBundle({ ...options(ELSEWHERE), refuseCuts: true });
    expect(() => inNamespace(wire.network.host('one').netns, strict)).toThrow('would be cut');
    expect(readStatus(wire.root('one'))).toEqual(before);
    expect(await out.say(3000)).toBe('ok');
  });

  it('leave what the generation says of itself in the memory that is told', () => {
    const { memory, generation } = applyTo(BOTH_WAYS);
    const root = wire.root('one');
    const record = nativeDoor().openPinnedMap(layout.record(root, generation));
    try {
      const told = memory.items.find(({ name }) => name === 'record')?.bytes;
      if (accountsRealSizes()) expect(readAccount().maps.get(record.shape().id)).toBe(told);
      expect(told).toBeGreaterThan(record.shape().valueSize);
    } finally {
      record.close();
    }
  });

  it('stop an apply that refuses to cut any', async () => {
    handoverOf(NONE);
    const out = await open(client, far, 'tcp', 4);
    const { generations } = readStatus(wire.root('one'));
    let refused: readonly string[] = [];
    try {
      applyTo(ELSEWHERE, true);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      refused = error.diagnostics.map(({ code }) => code);
    }
    expect(refused).toEqual(['deploy/would-cut', 'deploy/kept']);
    expect(readStatus(wire.root('one')).generations).toEqual(generations);
    expect(await out.say(3000)).toBe('ok');
    expect(applyTo(BOTH_WAYS, true).handover).toMatchObject({ kept: 1, cut: [] });
    expect(await out.say(3000)).toBe('ok');
  });
});
