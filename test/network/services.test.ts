/** Services under real nftables: NodePort that carries the node's address, and pods that reach themselves. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatAddress, type Family } from '../../src/address.js';
import type { NetworkPlace } from '../../src/demo/network.js';
import type { ProbeProtocol, ProbeResult } from '../../src/demo/prober.js';
import { address, cluster, isRoot, pod } from '../support/netns.js';
import { Wire } from '../support/wire.js';

const TARGET_PORT = 5000;
const NODE_PORT = 30_080;
const ON: readonly (readonly [ProbeProtocol, Family])[] = ([4, 6] as const).flatMap((family) =>
  (['tcp', 'udp'] as const).map((protocol) => [protocol, family] as const),
);
/** By family: the server's node, the server, its Service. */
const ADDRESSES = {
  4: { keyword: 'ip', node: '192.0.2.1', server: '10.244.1.6', vip: '10.96.0.10' },
  6: { keyword: 'ip6', node: '2001:db8::1', server: 'fd00:244:1::6', vip: 'fd00:96::10' },
} as const;

/** The server takes what `from` names, and may open connections to itself and to nobody else. */
function policies(from: string): string {
  return `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: shop, name: server}
spec:
  podSelector: {matchLabels: {app: server}}
  policyTypes: [Ingress, Egress]
  ingress:
    - from: ${from}
      ports: [{protocol: TCP, port: ${TARGET_PORT}}, {protocol: UDP, port: ${TARGET_PORT}}]
  egress:
    - to: [{podSelector: {matchLabels: {app: server}}}]
`;
}

const FROM_CLIENT = policies('[{podSelector: {matchLabels: {app: client}}}]');
const FROM_INTERNET = policies(
  '[{ipBlock: {cidr: 198.51.100.7/32}}, {ipBlock: {cidr: "2001:db8:f::7/128"}}]',
);
const FROM_NODE = policies(
  '[{ipBlock: {cidr: 192.0.2.1/32}}, {ipBlock: {cidr: "2001:db8::1/128"}}]',
);

/** What kube-proxy does besides: node ports, and the node's address on what comes by them or turns back. */
function nodeRules(): string {
  const each = (line: (of: (typeof ADDRESSES)[Family], protocol: string) => string): string =>
    ON.map(([protocol, family]) => `    ${line(ADDRESSES[family], protocol)}\n`).join('');
  return [
    'table inet nodeports {\n  chain in {\n',
    '    type nat hook prerouting priority -101; policy accept;\n',
    each(
      ({ keyword, node, server }, protocol) =>
        `${keyword} daddr ${node} ${protocol} dport ${NODE_PORT} dnat ${keyword} to ${keyword === 'ip' ? server : `[${server}]`}:${TARGET_PORT}`,
    ),
    '  }\n  chain out {\n    type nat hook postrouting priority 100; policy accept;\n',
    each(
      ({ keyword, node, server }, protocol) =>
        `meta l4proto ${protocol} ct original proto-dst ${NODE_PORT} ${keyword} daddr ${server} snat ${keyword} to ${node}`,
    ),
    each(
      ({ keyword, node, server }, protocol) =>
        `${keyword} saddr ${server} ${keyword} daddr ${server} meta l4proto ${protocol} snat ${keyword} to ${node}`,
    ),
    '  }\n}\n',
  ].join('');
}

describe.runIf(isRoot)('Services', () => {
  let wire: Wire;
  let server: NetworkPlace;
  let client: NetworkPlace;
  let internet: NetworkPlace;

  beforeAll(async () => {
    const protocols = ['tcp', 'udp'] as const;
    wire = await Wire.create(
      cluster(
        [
          pod('shop/client', 'one', ['10.244.1.5', 'fd00:244:1::5']),
          pod('shop/server', 'one', [ADDRESSES[4].server, ADDRESSES[6].server]),
        ],
        [
          {
            namespace: 'shop',
            name: 'server',
            addresses: [address(ADDRESSES[4].vip), address(ADDRESSES[6].vip)],
            ports: protocols.map((name) => ({
              name,
              protocol: name === 'tcp' ? ('TCP' as const) : ('UDP' as const),
              port: 80,
            })),
            endpoints: [ADDRESSES[4].server, ADDRESSES[6].server].map((text) => ({
              address: address(text),
              targetPorts: new Map(protocols.map((_, index) => [index, TARGET_PORT])),
            })),
          },
        ],
      ),
      [{ name: 'internet', addresses: [address('198.51.100.7'), address('2001:db8:f::7')] }],
    );
    const { network } = wire;
    [client, server] = [network.pod('shop/client'), network.pod('shop/server')];
    internet = network.host('internet');
    const [nft = '', ...rest] = network.command(network.host('one').netns, ['nft', '-f', '-']);
    const done = spawnSync(nft, rest, { input: nodeRules(), encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`${done.stderr}\n${nodeRules()}`);
    for (const protocol of protocols) {
      await network.prober.listen(server.netns, protocol, TARGET_PORT);
    }
  }, 60_000);

  afterAll(() => {
    (wire as Wire | undefined)?.close();
  });

  /** Each protocol and family; `denied` ones are not waited for as long. */
  async function probe(
    from: NetworkPlace,
    to: 'node' | 'server' | 'vip',
    port: number,
    milliseconds = 3000,
  ): Promise<readonly ProbeResult[]> {
    return Promise.all(
      ON.map(([protocol, family]) =>
        wire.network.prober.probe({
          netns: from.netns,
          protocol,
          address: formatAddress(address(ADDRESSES[family][to])),
          port,
          milliseconds,
        }),
      ),
    );
  }

  const all = (result: ProbeResult): readonly ProbeResult[] => ON.map(() => result);
  const PATIENCE = 400;

  it('are reached by node port, and turn back to their own pod, without policies', async () => {
    wire.apply('{apiVersion: v1, kind: List, items: []}');
    expect(await probe(internet, 'node', NODE_PORT)).toEqual(all('ok'));
    expect(await probe(server, 'vip', 80)).toEqual(all('ok'));
  });

  it('let in by node port what may come from the node, not what came to it', async () => {
    wire.apply(FROM_INTERNET);
    expect(await probe(internet, 'server', TARGET_PORT)).toEqual(all('ok'));
    expect(await probe(internet, 'node', NODE_PORT, PATIENCE)).toEqual(all('timeout'));
    wire.apply(FROM_NODE);
    expect(await probe(internet, 'node', NODE_PORT)).toEqual(all('ok'));
    expect(await probe(internet, 'server', TARGET_PORT, PATIENCE)).toEqual(all('timeout'));
  });

  it('are always reached by the node itself, which is not what it forwards', async () => {
    wire.apply(FROM_CLIENT);
    const node = wire.network.host('one');
    expect(await probe(node, 'server', TARGET_PORT)).toEqual(all('ok'));
    expect(await probe(node, 'vip', 80)).toEqual(all('ok'));
    expect(await probe(client, 'vip', 80)).toEqual(all('ok'));
    expect(await probe(internet, 'node', NODE_PORT, PATIENCE)).toEqual(all('timeout'));
  });

  it('turn back to their own pod where what the node forwards may come in', async () => {
    wire.apply(FROM_CLIENT);
    expect(await probe(server, 'vip', 80, PATIENCE)).toEqual(all('timeout'));
    wire.apply(FROM_NODE);
    expect(await probe(server, 'vip', 80)).toEqual(all('ok'));
  });

  it('leave a pod alone with itself', async () => {
    wire.apply(FROM_CLIENT);
    expect(await probe(server, 'server', TARGET_PORT)).toEqual(all('ok'));
  });
});
