import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressBytes, formatAddress, type Address, type Family } from '../../src/address.js';
import type { NetworkPlace } from '../../src/demo/network.js';
import type { Capture, Opened, ProbeProtocol, Prober } from '../../src/demo/prober.js';
import { isRoot } from '../support/netns.js';
import { tcpPacket, udpPacket } from '../support/raw-packets.js';
import type { Wire } from '../support/wire.js';
import { addressIn, createThreePods } from './three-pods.js';

/** The client may open connections and nobody may open one to it; the server is the reverse. */
const POLICIES = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: app, name: client}
spec:
  podSelector: {matchLabels: {app: client}}
  policyTypes: [Ingress, Egress]
  egress:
    - ports:
        - {protocol: TCP, port: 443}
        - {protocol: UDP, port: 53}
        - {protocol: SCTP, port: 3868}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: app, name: server}
spec:
  podSelector: {matchLabels: {app: server}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: client}}}, {podSelector: {matchLabels: {app: far}}}]
`;

const REVOKED = POLICIES.replace(/ {2}egress:\n[^]*?---/, '---').replace(/ {2}ingress:\n.*\n/, '');

const PORTS = { tcp: 443, udp: 53, sctp: 3868 } as const;
const CASES = ([4, 6] as const).flatMap((family) =>
  (['tcp', 'udp', 'sctp'] as const).map((protocol): [ProbeProtocol, Family] => [protocol, family]),
);
const FAMILIES: readonly [Family][] = [[4], [6]];

const LATER_PAYLOAD = Buffer.from('behind the first fragment', 'latin1');

/** A UDP datagram's second fragment, whose first one nobody has seen. */
function laterFragment(source: Address, destination: Address): Buffer {
  const ends = [addressBytes(source), addressBytes(destination)];
  if (source.family === 6) {
    const header = Buffer.from([0x60, 0, 0, 0, 0, 8 + LATER_PAYLOAD.length, 44, 64]);
    const fragment = Buffer.from([17, 0, 0x05, 0xc8, 0x12, 0x34, 0x56, 0x78]);
    return Buffer.concat([header, ...ends, fragment, LATER_PAYLOAD]);
  }
  // The kernel fills the sum in for raw sockets.
  const total = 20 + LATER_PAYLOAD.length;
  const header = Buffer.from([0x45, 0, 0, total, 0x12, 0x34, 0x00, 0xb9, 64, 17, 0, 0]);
  return Buffer.concat([header, ...ends, LATER_PAYLOAD]);
}

describe.runIf(isRoot)('connections under policies', () => {
  let wire: Wire;
  let prober: Prober;
  let client: NetworkPlace;
  let server: NetworkPlace;
  let far: NetworkPlace;
  let internet: NetworkPlace;

  beforeAll(async () => {
    ({ wire, client, server, far, internet } = await createThreePods(PORTS));
    ({ prober } = wire.network);
    wire.apply(POLICIES);
  }, 60_000);

  afterAll(() => {
    (wire as Wire | undefined)?.close();
  });

  function open(
    from: NetworkPlace,
    to: NetworkPlace,
    protocol: ProbeProtocol,
    family: Family,
    options: { readonly milliseconds?: number; readonly localPort?: number } = {},
  ): Promise<Opened> {
    return prober.open({
      netns: from.netns,
      protocol,
      address: formatAddress(addressIn(to, family)),
      port: PORTS[protocol],
      milliseconds: 3000,
      ...options,
    });
  }

  /** How many packets with these ports came in since the capture began; others get time to. */
  async function arrived(capture: Capture, source: number, destination: number): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 60));
    const ports = Buffer.alloc(4);
    ports.writeUInt16BE(source, 0);
    ports.writeUInt16BE(destination, 2);
    return (await capture.packets()).filter((packet) => {
      const header = packet.readUInt8(0) >> 4 === 4 ? 20 : 40;
      return packet.subarray(header, header + 4).equals(ports);
    }).length;
  }

  it.each(CASES)('pass both ways, over %s and IPv%i, for the side that may open', async (...on) => {
    const [near, remote] = await Promise.all([
      open(client, server, ...on),
      open(client, far, ...on),
    ]);
    expect([near.result, remote.result]).toEqual(['ok', 'ok']);
    expect([await near.say(3000), await remote.say(3000)]).toEqual(['ok', 'ok']);
  });

  it.each(CASES)('are opened by nobody else, over %s and IPv%i', async (...on) => {
    const patience = { milliseconds: 350 };
    const results = await Promise.all([
      open(server, client, ...on, patience),
      open(far, client, ...on, patience),
      open(server, far, ...on, patience),
      open(internet, server, ...on, patience),
    ]);
    expect(results.map(({ result }) => result)).toEqual([
      'timeout',
      'timeout',
      'timeout',
      'timeout',
    ]);
  });

  it.each(FAMILIES)('take datagrams longer than a packet, both ways (IPv%i)', async (family) => {
    const here = await prober.capture(client.netns, 'eth0');
    for (const other of [server, far]) {
      const opened = await open(client, other, 'udp', family);
      expect(opened.result).toBe('ok');
      expect(await opened.say(3000, 1_400)).toBe('ok');
      // Seven packets each way, of which the first alone has ports.
      expect(await opened.say(3000, 10_000)).toBe('ok');
      expect(await opened.say(3000)).toBe('ok');
      await opened.close();
    }
    const fragments = (await here.packets()).filter((packet) =>
      family === 4
        ? packet.readUInt8(0) >> 4 === 4 && (packet.readUInt16BE(6) & 0x1fff) !== 0
        : packet.readUInt8(0) >> 4 === 6 && packet.readUInt8(6) === 44,
    );
    expect(fragments.length).toBeGreaterThanOrEqual(12);
    await here.close();
  });

  it.each(FAMILIES)('take later fragments of no reply (IPv%i)', async (family) => {
    const [ours, theirs] = [addressIn(client, family), addressIn(far, family)];
    const opened = await open(client, far, 'udp', family);
    expect(opened.result).toBe('ok');
    const here = await prober.capture(client.netns, 'eth0');
    await prober.inject(far.netns, laterFragment(theirs, ours));
    await new Promise((resolve) => setTimeout(resolve, 60));
    const marked = (await here.packets()).filter((packet) => packet.includes(LATER_PAYLOAD));
    expect(marked).toEqual([]);
    await Promise.all([here.close(), opened.close()]);
  });

  it('outlive an apply', async () => {
    const opened = await Promise.all(CASES.map((on) => open(client, server, ...on)));
    wire.apply(POLICIES);
    wire.apply(POLICIES);
    const said = await Promise.all(opened.map((one) => one.say(3000)));
    expect(said).toEqual(CASES.map(() => 'ok'));
  });

  it('are cut when what allowed them goes, and go on when it comes back', async () => {
    const opened = await Promise.all(CASES.map((on) => open(client, server, ...on)));
    expect(opened.map(({ result }) => result)).toEqual(CASES.map(() => 'ok'));
    wire.apply(REVOKED);
    const cut = await Promise.all(opened.map((one) => one.say(350)));
    expect(cut).toEqual(CASES.map(() => 'timeout'));
    wire.apply(POLICIES);
    const back = await Promise.all(opened.map((one) => one.say(5000)));
    expect(back).toEqual(CASES.map(() => 'ok'));
  });

  it.each(FAMILIES)('are not made by anything but a SYN (IPv%i)', async (family) => {
    const [ours, theirs] = [addressIn(client, family), addressIn(far, family)];
    const there = await prober.capture(far.netns, 'eth0');
    const here = await prober.capture(client.netns, 'eth0');
    await prober.inject(client.netns, tcpPacket(ours, 51000, theirs, 443, { ack: true }));
    // It is allowed and arrives; the answer, a reset, belongs to no connection.
    expect(await arrived(there, 51000, 443)).toBe(1);
    expect(await arrived(here, 443, 51000)).toBe(0);
    for (const flags of [{ syn: true, ack: true }, { ack: true }, { rst: true }, { syn: true }]) {
      await prober.inject(far.netns, tcpPacket(theirs, 443, ours, 51001, flags));
    }
    await prober.inject(far.netns, udpPacket(theirs, 53, ours, 51001));
    expect(await arrived(here, 443, 51001)).toBe(0);
    expect(await arrived(here, 53, 51001)).toBe(0);
    await Promise.all([there.close(), here.close()]);
  });

  it.each(FAMILIES)('open nothing but themselves (IPv%i)', async (family) => {
    const [ours, theirs] = [addressIn(client, family), addressIn(far, family)];
    const localPort = 52_000 + family;
    const opened = await open(client, far, 'tcp', family, { localPort });
    expect(opened.result).toBe('ok');
    const here = await prober.capture(client.netns, 'eth0');
    const inject = (
      port: number,
      to: number,
      flags: Parameters<typeof tcpPacket>[4],
    ): Promise<void> => prober.inject(far.netns, tcpPacket(theirs, port, ours, to, flags));
    await inject(443, 22, { syn: true });
    await inject(443, 22, { ack: true });
    await inject(444, localPort, { ack: true });
    await inject(443, localPort, { syn: true });
    await prober.inject(far.netns, udpPacket(theirs, 443, ours, localPort));
    expect(await arrived(here, 443, 22)).toBe(0);
    expect(await arrived(here, 444, localPort)).toBe(0);
    expect(await arrived(here, 443, localPort)).toBe(0);
    await inject(443, localPort, { ack: true });
    expect(await arrived(here, 443, localPort)).toBeGreaterThan(0);
    await Promise.all([here.close(), opened.close()]);
  });

  it.each(FAMILIES)('are not forged in the name of others (IPv%i)', async (family) => {
    const there = await prober.capture(far.netns, 'eth0');
    const [ours, near, theirs] = [
      addressIn(client, family),
      addressIn(server, family),
      addressIn(far, family),
    ];
    await prober.inject(client.netns, tcpPacket(near, 53_000, theirs, 443, { syn: true }));
    await prober.inject(client.netns, tcpPacket(ours, 53_001, theirs, 443, { syn: true }));
    expect(await arrived(there, 53_000, 443)).toBe(0);
    expect(await arrived(there, 53_001, 443)).toBeGreaterThan(0);
    await there.close();
  });

  it.each(FAMILIES)(
    'are told when nobody listens: resets and ICMP errors pass (IPv%i)',
    async (f) => {
      expect((await open(client, internet, 'tcp', f)).result).toBe('refused');
      expect((await open(client, internet, 'udp', f)).result).toBe('refused');
    },
  );

  it.each(FAMILIES)('see no gap while policies are replaced (IPv%i)', async (family) => {
    const stream = (from: NetworkPlace, to: NetworkPlace): ReturnType<Prober['stream']> =>
      prober.stream(from.netns, formatAddress(addressIn(to, family)), PORTS.udp, 200);
    const allowed = await Promise.all([stream(client, server), stream(far, server)]);
    const denied = await Promise.all([stream(server, client), stream(internet, client)]);
    for (let i = 0; i < 5; i += 1) {
      wire.apply(POLICIES);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const passed = await Promise.all(allowed.map((one) => one.stop()));
    const refused = await Promise.all(denied.map((one) => one.stop()));
    for (const { sent, received } of passed) {
      expect(sent).toBeGreaterThan(500);
      expect(sent - received).toBeLessThanOrEqual(1);
    }
    for (const { sent, received } of refused) {
      expect(sent).toBeGreaterThan(500);
      expect(received).toBe(0);
    }
  });
});
