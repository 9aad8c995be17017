import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatAddress, type Family } from '../../src/address.js';
import type { NetworkPlace } from '../../src/demo/network.js';
import type { ProbeProtocol } from '../../src/demo/prober.js';
import { lowerPolicyFiles } from '../../src/ir/lower-policy.js';
import type { PolicyModel } from '../../src/ir/model.js';
import { parsePolicy } from '../../src/parser/parse-policy.js';
import { SourceFile } from '../../src/source.js';
import { valueOf } from '../oracle/world-model.js';
import { address, cluster, isRoot, pod } from '../support/netns.js';
import { Wire } from '../support/wire.js';

/** The guarded pod refuses whoever comes from outside or from `app/far`, and is refused what is outside. */
const POLICY = `
group guarded = pods where app == "guarded"
group others = pods where app in ["far", "near"]
policy guard tier admin priority 5 {
  subject guarded
  ingress {
    deny from outside reject
    deny from others port 5000/tcp, 5000/udp, 5000/sctp reject
  }
  egress {
    deny to outside reject
    deny to others port 5000/tcp, 5000/udp, 5000/sctp reject
  }
}
`;

const FAMILIES: readonly Family[] = [4, 6];
const LISTENERS: readonly ProbeProtocol[] = ['tcp', 'udp', 'sctp'];
/** SCTP takes no notice of the code: that it is answered is seen in the captures. */
const PROTOCOLS: readonly ProbeProtocol[] = ['tcp', 'udp'];
/** Long enough that a loop would fill the captures, and a timeout is told from an answer. */
const PATIENCE_MS = 2500;
const AT_ONCE_MS = 1000;

function modelOf(policy: string): PolicyModel {
  const file = valueOf(parsePolicy(new SourceFile('guard.pol', policy)));
  return valueOf(lowerPolicyFiles([file], (path) => new SourceFile(path, '')));
}

/** What connect(2) or recv(2) say of a RST, and of "administratively prohibited". */
function expected(protocol: ProbeProtocol, family: Family): string {
  if (protocol === 'tcp') return 'refused';
  return family === 4 ? 'error No route to host' : 'error Permission denied';
}

describe.runIf(isRoot)('what is rejected, on the wire', () => {
  let wire: Wire;
  let places: Readonly<Record<'guarded' | 'near' | 'far' | 'internet', NetworkPlace>>;

  beforeAll(async () => {
    wire = await Wire.create(
      cluster([
        pod('app/guarded', 'one', ['10.244.1.5', 'fd00:244:1::5']),
        pod('app/near', 'one', ['10.244.1.6', 'fd00:244:1::6']),
        pod('app/far', 'two', ['10.244.2.5', 'fd00:244:2::5']),
      ]),
      [{ name: 'internet', addresses: [address('198.51.100.7'), address('2001:db8:f::7')] }],
    );
    const { network } = wire;
    places = {
      guarded: network.pod('app/guarded'),
      near: network.pod('app/near'),
      far: network.pod('app/far'),
      internet: network.host('internet'),
    };
    for (const { netns } of Object.values(places)) {
      for (const protocol of LISTENERS) await network.prober.listen(netns, protocol, 5000);
    }
    wire.apply(modelOf(POLICY));
  }, 60_000);

  afterAll(() => {
    (wire as Wire | undefined)?.close();
  });

  /** The result, and whether it came at once. */
  async function attempt(
    from: NetworkPlace,
    to: NetworkPlace,
    protocol: ProbeProtocol,
    family: Family,
    milliseconds = PATIENCE_MS,
  ): Promise<readonly [result: string, atOnce: boolean]> {
    const target = to.addresses.find((one) => one.family === family);
    if (target === undefined) throw new Error(`no IPv${family} address`);
    const started = performance.now();
    const options = { netns: from.netns, protocol, address: formatAddress(target), port: 5000 };
    const result = await wire.network.prober
      .probe({ ...options, milliseconds })
      .catch((error: unknown) => String(error).replace(/^Error: netprobe: /, ''));
    return [result, performance.now() - started < AT_ONCE_MS];
  }

  const cases = FAMILIES.flatMap((family) =>
    PROTOCOLS.flatMap((protocol) =>
      (['near', 'far', 'internet'] as const).flatMap((other) => [
        { family, protocol, from: 'guarded' as const, to: other },
        { family, protocol, from: other, to: 'guarded' as const },
      ]),
    ),
  );

  it.each(cases)('$protocol over IPv$family fails at once: $from -> $to', async (one) => {
    const { family, protocol, from, to } = one;
    const result = await attempt(places[from], places[to], protocol, family);
    expect(result).toEqual([expected(protocol, family), true]);
  });

  it('sends one answer for each packet, and none for an answer', async () => {
    const { prober } = wire.network;
    const names = ['guarded', 'internet'] as const;
    const captures = await Promise.all(
      names.map((name) => prober.capture(places[name].netns, 'eth0')),
    );
    for (const family of FAMILIES) {
      await attempt(places.guarded, places.internet, 'udp', family);
      await attempt(places.guarded, places.internet, 'tcp', family);
      await attempt(places.internet, places.guarded, 'udp', family);
      await attempt(places.internet, places.guarded, 'tcp', family);
      await attempt(places.internet, places.guarded, 'sctp', family, 300);
    }
    const [toGuarded = [], toInternet = []] = await Promise.all(
      captures.map((one) => one.packets()),
    );
    // Each side saw the answers to what it sent, and nothing that the other side sent.
    const shown = (packets: readonly Buffer[]): readonly string[] =>
      packets
        .map(describePacket)
        .filter((text) => text !== MULTICAST_REPORT)
        .sort();
    expect(shown(toGuarded)).toEqual(['icmp 3/13', 'icmpv6 1/1', 'tcp6 rst', 'tcp4 rst'].sort());
    const others = shown(toInternet);
    expect(new Set(others)).toEqual(new Set(['icmp 3/13', 'icmpv6 1/1', 'tcp6 rst', 'tcp4 rst']));
    expect(others.filter((text) => text.startsWith('tcp'))).toHaveLength(2);
    await Promise.all(captures.map((one) => one.close()));
  });

  it('is silence where the rule only denies', async () => {
    wire.apply(modelOf(POLICY.replaceAll(' reject', '')));
    const [result] = await attempt(places.guarded, places.internet, 'tcp', 4, 500);
    expect(result).toBe('timeout');
    const [back] = await attempt(places.internet, places.guarded, 'udp', 6, 500);
    expect(back).toBe('timeout');
  });
});

/** Multicast listener reports have a hop-by-hop header in front, which is protocol 0. */
const MULTICAST_REPORT = 'protocol 0';

function describePacket(packet: Buffer): string {
  const v4 = packet.readUInt8(0) >> 4 === 4;
  const protocol = packet.readUInt8(v4 ? 9 : 6);
  const header = v4 ? 20 : 40;
  const [first = 0, second = 0] = [packet[header], packet[header + 1]];
  if (protocol === 6) {
    const flags = packet.readUInt8(header + 13);
    return `tcp${v4 ? 4 : 6} ${(flags & 0x04) === 0 ? 'other' : 'rst'}`;
  }
  if (protocol === 1) return `icmp ${first}/${second}`;
  return protocol === 58 ? `icmpv6 ${first}/${second}` : `protocol ${protocol}`;
}
