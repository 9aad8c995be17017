/** The connections that a pod's sockets are in, as its kernel tells them. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { addressKey, type Address } from '../address.js';
import { KernelError } from './kernel-error.js';
import { nativeDoor } from './native.js';

export interface OpenConnection {
  readonly protocol: 'TCP' | 'UDP';
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
  /** Whether the pod opened it; else the other end did. */
  readonly opened: boolean;
  /** Opening until the first answer, closing once the pod has sent its FIN. */
  readonly phase: 'opening' | 'established' | 'closing';
}

/** What `listSockets` gives; see native.ts. */
const RECORD = { size: 40, local: 8, remote: 24 } as const;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;

/** include/net/tcp_states.h. UDP sockets are established where they are connected, and else closed. */
const STATE = {
  established: 1,
  synSent: 2,
  synReceived: 3,
  finWait1: 4,
  finWait2: 5,
  timeWait: 6,
  close: 7,
  closeWait: 8,
  lastAck: 9,
  listen: 10,
  closing: 11,
  newSynReceived: 12,
} as const;

const PHASES: ReadonlyMap<number, OpenConnection['phase']> = new Map([
  [STATE.established, 'established'],
  [STATE.closeWait, 'established'],
  [STATE.synSent, 'opening'],
  [STATE.synReceived, 'opening'],
  [STATE.newSynReceived, 'opening'],
  [STATE.finWait1, 'closing'],
  [STATE.finWait2, 'closing'],
  [STATE.lastAck, 'closing'],
  [STATE.closing, 'closing'],
]);

export interface Socket {
  readonly protocol: 'TCP' | 'UDP';
  readonly state: number;
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
}

/** @param path of the pod's network namespace @throws {KernelError} */
export function listSockets(path: string): readonly Socket[] {
  return decodeSockets(nativeDoor().listSockets(path));
}

/**
 * TCP connections, and UDP sockets that are connected, of the pod's addresses with others. Who opened one
 * is told by the local port: where a socket listens on it, others did. UDP that others opened is left
 * out: a pod could make it up, and their next packet makes its state.
 */
export function openConnections(
  sockets: readonly Socket[],
  addresses: readonly Address[],
): readonly OpenConnection[] {
  const own = new Set(addresses.map(addressKey));
  const listening = new Set(
    sockets.filter(isListening).map(({ protocol, localPort }) => `${protocol} ${localPort}`),
  );
  return sockets.flatMap((socket): readonly OpenConnection[] => {
    const { state, ...connection } = socket;
    const phase = isListening(socket) ? undefined : PHASES.get(state);
    const isOwn = own.has(addressKey(socket.local)) && !own.has(addressKey(socket.remote));
    if (phase === undefined || !isOwn) return [];
    const opened = !listening.has(`${socket.protocol} ${socket.localPort}`);
    return socket.protocol === 'UDP' && !opened ? [] : [{ ...connection, opened, phase }];
  });
}

function isListening({ protocol, state }: Socket): boolean {
  return state === (protocol === 'TCP' ? STATE.listen : STATE.close);
}

export function decodeSockets(records: Buffer): readonly Socket[] {
  const sockets: Socket[] = [];
  for (let at = 0; at + RECORD.size <= records.length; at += RECORD.size) {
    const record = records.subarray(at, at + RECORD.size);
    const family = record.readUInt8(0);
    sockets.push({
      protocol: record.readUInt8(1) === IPPROTO_TCP ? 'TCP' : 'UDP',
      state: record.readUInt8(2),
      localPort: record.readUInt16LE(4),
      remotePort: record.readUInt16LE(6),
      local: readAddress(record, RECORD.local, family),
      remote: readAddress(record, RECORD.remote, family),
    });
  }
  return sockets;
}

/** ::ffff:0:0/96, by which sockets of IPv6 speak IPv4 (RFC 4291). */
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

function readAddress(record: Buffer, at: number, family: number): Address {
  if (family !== AF_INET6) return { family: 4, value: BigInt(record.readUInt32BE(at)) };
  if (record.subarray(at, at + MAPPED.length).equals(MAPPED)) {
    return { family: 4, value: BigInt(record.readUInt32BE(at + MAPPED.length)) };
  }
  const value = (record.readBigUInt64BE(at) << 64n) | record.readBigUInt64BE(at + 8);
  return { family: 6, value };
}

/** Where the names of network namespaces are kept, by `ip netns` and by container engines. */
const NAMED = ['/run/netns', '/run/docker/netns'];

/**
 * Paths of the network namespaces that this process can see, by the numbers that its own one has for
 * them: those of all processes, and those with a name.
 */
export function namespacePaths(): ReadonlyMap<number, string> {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => join('/proc', name, 'ns/net'));
  const named = NAMED.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder).map((name) => join(folder, name)),
  );
  const seen = new Set<bigint>();
  const paths = new Map<number, string>();
  for (const path of [...named, ...processes]) {
    const inode = inodeOf(path);
    if (inode === undefined || seen.has(inode)) continue;
    seen.add(inode);
    const id = numberOf(path);
    if (id !== undefined) paths.set(id, path);
  }
  return paths;
}

/** Processes come and go, and some may not be looked at, root or not. */
function inodeOf(path: string): bigint | undefined {
  try {
    return statSync(path, { bigint: true }).ino;
  } catch {
    return undefined;
  }
}

function numberOf(path: string): number | undefined {
  try {
    return nativeDoor().namespaceId(path);
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}
