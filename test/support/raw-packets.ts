/** IP packets as bytes, for packets that no socket would send. */
import { addressBytes, type Address } from '../../src/address.js';

export interface TcpFlags {
  readonly syn?: boolean;
  readonly ack?: boolean;
  readonly rst?: boolean;
}

const PROTOCOLS = { tcp: 6, udp: 17 } as const;

/** A TCP segment without data; checksums are right, so that only policy can stop it. */
export function tcpPacket(
  source: Address,
  sourcePort: number,
  destination: Address,
  destinationPort: number,
  flags: TcpFlags,
): Buffer {
  const segment = Buffer.alloc(20);
  segment.writeUInt16BE(sourcePort, 0);
  segment.writeUInt16BE(destinationPort, 2);
  segment.writeUInt32BE(0x01020304, 4);
  segment.writeUInt8(5 << 4, 12);
  const bits = (flags.syn === true ? 2 : 0) | (flags.rst === true ? 4 : 0);
  segment.writeUInt8(bits | (flags.ack === true ? 16 : 0), 13);
  segment.writeUInt16BE(1024, 14);
  return ipPacket('tcp', source, destination, segment, 16);
}

export function udpPacket(
  source: Address,
  sourcePort: number,
  destination: Address,
  destinationPort: number,
): Buffer {
  const datagram = Buffer.alloc(12, 0x61);
  datagram.writeUInt16BE(sourcePort, 0);
  datagram.writeUInt16BE(destinationPort, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  datagram.writeUInt16BE(0, 6);
  return ipPacket('udp', source, destination, datagram, 6);
}

function ipPacket(
  protocol: keyof typeof PROTOCOLS,
  source: Address,
  destination: Address,
  payload: Buffer,
  checksumAt: number,
): Buffer {
  const number = PROTOCOLS[protocol];
  const ends = [addressBytes(source), addressBytes(destination)];
  const pseudo = Buffer.alloc(4);
  pseudo.writeUInt8(number, 1);
  pseudo.writeUInt16BE(payload.length, 2);
  payload.writeUInt16BE(checksum(Buffer.concat([...ends, pseudo, payload])), checksumAt);
  if (source.family === 6) {
    const header = Buffer.alloc(8);
    header.writeUInt8(0x60, 0);
    header.writeUInt16BE(payload.length, 4);
    header.writeUInt8(number, 6);
    header.writeUInt8(64, 7);
    return Buffer.concat([header, ...ends, payload]);
  }
  const header = Buffer.alloc(12);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt8(64, 8);
  header.writeUInt8(number, 9);
  const whole = Buffer.concat([header, ...ends]);
  whole.writeUInt16BE(checksum(whole), 10);
  return Buffer.concat([whole, payload]);
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += i + 1 < bytes.length ? bytes.readUInt16BE(i) : bytes.readUInt8(i) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
