import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.js';
import { Network, type NetworkPlace } from '../../src/demo/network.js';
import type { ProbeProtocol, ProbeResult } from '../../src/demo/prober.js';
import { address, cluster, isRoot, pod } from '../support/netns.js';

describe.runIf(isRoot)('a network without policies', () => {
  let network: Network;
  const families = [4, 6] as const;
  const protocols = ['tcp', 'udp', 'sctp'] as const;

  beforeAll(async () => {
    const snapshot = cluster(
      [
        pod('shop/web', 'one', ['10.244.1.5', 'fd00:244:1::5']),
        pod('shop/db', 'one', ['10.244.1.6', 'fd00:244:1::6']),
        pod('ops/far', 'two', ['10.244.2.5', 'fd00:244:2::5']),
      ],
      [
        {
          namespace: 'shop',
          name: 'db',
          addresses: [address('10.96.0.10'), address('fd00:96::10')],
          ports: protocols.map((protocol) => ({
            name: protocol,
            protocol: protocol.toUpperCase() as 'TCP' | 'UDP' | 'SCTP',
            port: 80,
          })),
          endpoints: ['10.244.1.6', 'fd00:244:1::6'].map((text) => ({
            address: address(text),
            targetPorts: new Map(protocols.map((_, index) => [index, 5000])),
          })),
        },
      ],
    );
    network = await Network.create(snapshot, [
      { name: 'internet', addresses: [address('198.51.100.7'), address('2001:db8:f::7')] },
    ]);
    const servers = [...network.pods.values(), network.host('internet'), network.host('one')];
    for (const { netns } of servers) {
      for (const protocol of protocols) await network.prober.listen(netns, protocol, 5000);
    }
  }, 60_000);

  afterAll(() => {
    (network as Network | undefined)?.close();
  });

  function probe(
    from: NetworkPlace,
    to: string,
    protocol: ProbeProtocol,
    port = 5000,
  ): Promise<ProbeResult> {
    const { netns } = from;
    return network.prober.probe({ netns, protocol, address: to, port, milliseconds: 3000 });
  }

  it('connects everyone with everyone, over every protocol and family', async () => {
    const places = [...network.pods.values(), network.host('internet'), network.host('one')];
    const attempts = places.flatMap((from) =>
      places
        .filter((to) => to !== from)
        .flatMap((to) =>
          to.addresses.flatMap((target) =>
            protocols.map(async (protocol) => ({
              attempt: `${from.netns} ${protocol} ${formatAddress(target)}`,
              result: await probe(from, formatAddress(target), protocol),
            })),
          ),
        ),
    );
    const results = await Promise.all(attempts);
    expect(results).toHaveLength(5 * 4 * 2 * 3);
    expect(results.filter(({ result }) => result !== 'ok')).toEqual([]);
  });

  it('translates Services, from pods of both nodes and from the node itself', async () => {
    const clients = [network.pod('shop/web'), network.pod('ops/far'), network.host('one')];
    for (const from of clients) {
      for (const protocol of protocols) {
        expect(await probe(from, '10.96.0.10', protocol, 80)).toBe('ok');
        expect(await probe(from, 'fd00:96::10', protocol, 80)).toBe('ok');
      }
    }
  });

  it('tells what does not answer from what refuses', async () => {
    const web = network.pod('shop/web');
    expect(await probe(web, '10.244.1.6', 'tcp', 5999)).toBe('refused');
    expect(await probe(web, '10.244.1.6', 'udp', 5999)).toBe('refused');
    const silent = { netns: web.netns, address: '10.244.1.6', port: 5999, milliseconds: 400 };
    expect(await network.prober.probe({ ...silent, protocol: 'sctp' })).toBe('timeout');
  });

  it.each(families)('injects and captures packets as they are (IPv%i)', async (family) => {
    const from = network.pod('ops/far');
    const to = network.pod('shop/db');
    const capture = await network.prober.capture(to.netns, 'eth0');
    const packet =
      family === 4
        ? Buffer.from(
            '45000020000040004011000001020304' + '0af40106' + '11112222000c0000aabbccdd',
            'hex',
          )
        : Buffer.from(
            '60000000000c1140' +
              '20010db8000000000000000000000bad' +
              'fd000244000100000000000000000006' +
              '11112222000c0000aabbccdd',
            'hex',
          );
    await network.prober.inject(from.netns, packet);
    await expect
      .poll(async () => {
        const packets = await capture.packets();
        return packets.filter((one) => one.subarray(-4).toString('hex') === 'aabbccdd').length;
      })
      .toBe(1);
    await capture.close();
  });

  it('counts a stream of datagrams', async () => {
    const stream = await network.prober.stream(
      network.pod('ops/far').netns,
      '10.244.1.6',
      5000,
      500,
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    const count = await stream.stop();
    expect(count.received).toBeGreaterThan(20);
    expect(count.sent - count.received).toBeLessThanOrEqual(1);
  });
});
