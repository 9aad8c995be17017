import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spawnSync } from 'node:child_process';
import { createServer, connect, type Server, type Socket as NodeSocket } from 'node:net';
import { formatAddress } from '../../src/address.js';
import { nativeDoor } from '../../src/loader/native.js';
import {
  decodeSockets,
  listSockets,
  namespacePaths,
  openConnections,
} from '../../src/loader/sockets.js';
import { address, isRoot } from '../support/netns.js';

const POD = '10.244.1.5';
const POD6 = 'fd00:244:1::5';
const PEER = '10.244.2.5';
const PEER6 = 'fd00:244:2::5';
const STATE = { established: 1, synSent: 2, finWait1: 4, timeWait: 6, close: 7, listen: 10 };

interface Told {
  readonly protocol?: number;
  readonly state?: number;
  readonly local?: string;
  readonly localPort: number;
  readonly remote?: string;
  readonly remotePort?: number;
}

/** As the addon lays a socket out. */
function record(told: Told): Buffer {
  const { protocol = 6, state = STATE.established, local = POD, remote = PEER } = told;
  const bytes = Buffer.alloc(40);
  bytes.writeUInt8(local.includes(':') ? 10 : 2, 0);
  bytes.writeUInt8(protocol, 1);
  bytes.writeUInt8(state, 2);
  bytes.writeUInt16LE(told.localPort, 4);
  bytes.writeUInt16LE(told.remotePort ?? 443, 6);
  for (const [text, at] of [
    [local, 8],
    [remote, 24],
  ] as const) {
    const mapped = text.startsWith('::ffff:') ? text.slice(7) : undefined;
    if (mapped !== undefined) {
      bytes.writeUInt16BE(0xffff, at + 10);
      bytes.writeUInt32BE(Number(address(mapped).value), at + 12);
    } else if (text.includes(':')) {
      const { value } = address(text);
      bytes.writeBigUInt64BE(value >> 64n, at);
      bytes.writeBigUInt64BE(value & 0xffff_ffff_ffff_ffffn, at + 8);
    } else {
      bytes.writeUInt32BE(Number(address(text).value), at);
    }
  }
  return bytes;
}

function connectionsOf(...told: readonly Told[]): readonly string[] {
  const sockets = decodeSockets(Buffer.concat(told.map(record)));
  return openConnections(sockets, [address(POD), address(POD6)]).map(
    ({ protocol, localPort, remote, remotePort, opened, phase }) =>
      `${protocol} ${localPort} ${opened ? 'to' : 'from'} ${formatAddress(remote)} ${remotePort} ${phase}`,
  );
}

describe('open connections', () => {
  it('are opened by the pod, unless their port is listened on', () => {
    expect(
      connectionsOf(
        { localPort: 40_000 },
        { localPort: 80, remotePort: 50_000 },
        { localPort: 80, state: STATE.listen, local: '::', remote: '::', remotePort: 0 },
        { localPort: 80, remotePort: 50_001, local: `::ffff:${POD}`, remote: `::ffff:${PEER}` },
        { localPort: 40_000, local: POD6, remote: PEER6 },
      ),
    ).toEqual([
      `TCP 40000 to ${PEER} 443 established`,
      `TCP 80 from ${PEER} 50000 established`,
      `TCP 80 from ${PEER} 50001 established`,
      `TCP 40000 to ${PEER6} 443 established`,
    ]);
  });

  it('are no longer, or not yet, in other states', () => {
    expect(
      connectionsOf(
        { localPort: 1, state: STATE.synSent },
        { localPort: 2, state: STATE.finWait1 },
        { localPort: 3, state: STATE.timeWait },
        { localPort: 4, state: STATE.close },
      ),
    ).toEqual([`TCP 1 to ${PEER} 443 opening`, `TCP 2 to ${PEER} 443 closing`]);
  });

  it('of UDP are those that the pod has connected', () => {
    const udp = { protocol: 17 };
    expect(
      connectionsOf(
        { ...udp, localPort: 40_000, remotePort: 53 },
        { ...udp, localPort: 53, state: STATE.close, remote: '0.0.0.0', remotePort: 0 },
        { ...udp, localPort: 53, remotePort: 50_000 },
        { localPort: 53 },
      ),
    ).toEqual([`UDP 40000 to ${PEER} 53 established`, `TCP 53 to ${PEER} 443 established`]);
  });

  it('are between the pod and others', () => {
    expect(
      connectionsOf(
        { localPort: 1, local: '127.0.0.1', remote: '127.0.0.1' },
        { localPort: 2, remote: POD },
        { localPort: 3, local: '10.244.1.6' },
      ),
    ).toEqual([]);
  });
});

describe.runIf(isRoot)('sockets of the kernel', () => {
  const name = `policyc-sockets-${process.pid}`;
  const ip = (...argv: readonly string[]): void => {
    const { status, stderr } = spawnSync('ip', argv, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  const device = `pcs${process.pid}`;
  let server: Server;
  let client: NodeSocket;

  beforeAll(async () => {
    ip('netns', 'add', name);
    ip('link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    client = connect(port, '127.0.0.1');
    await new Promise((resolve) => client.once('connect', resolve));
  });
  afterAll(() => {
    client.destroy();
    server.close();
    ip('link', 'del', device);
    ip('netns', 'del', name);
  });

  it('are told with both of their ends', () => {
    const sockets = listSockets('/proc/self/ns/net');
    const found = sockets.find(
      ({ state, localPort }) => state === STATE.established && localPort === client.localPort,
    );
    expect(found).toMatchObject({
      protocol: 'TCP',
      local: address('127.0.0.1'),
      remotePort: client.remotePort,
    });
  });

  it('lie in the namespace at the other end of a veth', () => {
    const door = nativeDoor();
    const id = door.peerNamespaceId(door.interfaceIndex(device) ?? 0);
    expect(id).toBeDefined();
    expect(namespacePaths().get(id ?? -1)).toBe(`/run/netns/${name}`);
    expect(listSockets(`/run/netns/${name}`)).toEqual([]);
    expect(door.namespaceId(`/run/netns/${name}`)).toBe(id);
  });

  it('have no other place where an interface has no other end', () => {
    expect(nativeDoor().peerNamespaceId(nativeDoor().interfaceIndex('lo') ?? 0)).toBeUndefined();
    expect(() => nativeDoor().listSockets('/run/netns/no-such')).toThrow(/no-such/);
    expect(() => nativeDoor().namespaceId('/dev/null')).toThrow();
  });
});
