import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ANSWER_MARK,
  decodeCell,
  DROP,
  OUTCOMES,
  PASS,
  REDIRECT,
} from '../../src/codegen/layout.js';
import { buildPacket, type PacketFields } from '../../src/codegen/packets.js';
import { createVmRunner } from '../../src/codegen/vm-engine.js';
import type { VmResult } from '../../src/codegen/vm.js';
import type { PacketContext } from '../../src/codegen/vm/context.js';
import type { Direction } from '../../src/ir/model.js';
import { createKernelRunner, type KernelResult } from '../../src/loader/kernel-engine.js';
import { address } from '../support/netns.js';
import { lacks } from '../support/requires.js';
import { OUTSIDE, PEER, WEB, worldOf } from './world.js';

const POLICY = `
group web = pods where app == "web"
policy guard tier admin priority 5 {
  subject web
  ingress { deny from outside reject log ; allow from any any port }
  egress { deny to outside reject ; deny to pods in namespace ops port 9/tcp ; allow to any any port }
}
`;

const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;

const world = worldOf(POLICY);
const noKernel = lacks('root');
type Run = (direction: Direction, packet: Uint8Array, context?: PacketContext) => KernelResult;
type Fields = Partial<PacketFields>;

function packetOf(direction: Direction, remote: string, fields: Fields = {}): Uint8Array {
  const own = address(remote.includes(':') ? WEB[1] : WEB[0]);
  const other = address(remote);
  const [source, destination] = direction === 'ingress' ? [other, own] : [own, other];
  const usual = { protocol: 'TCP', sourcePort: 40_000, destinationPort: 80 } as const;
  return buildPacket({ source, destination, ...usual, ...fields });
}

/** With a sequence number, an acknowledgement, and a checksum that is left wrong: no program reads it. */
function numbered(packet: Uint8Array, sequence: number, acknowledged: number): Uint8Array {
  const tcp = packet[12] === 0x08 ? 34 : 54;
  const view = new DataView(packet.buffer);
  view.setUint32(tcp + 4, sequence);
  view.setUint32(tcp + 8, acknowledged);
  return packet;
}

function sum(bytes: Uint8Array, start = 0): number {
  let total = start;
  for (let i = 0; i < bytes.length; i += 2) total += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

interface Answer {
  readonly macs: string;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

/** Takes an answer apart; all lengths and checksums must be right. */
function readAnswer(packet: Uint8Array): Answer {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const macs = Buffer.from(packet.subarray(0, 12)).toString('hex');
  const v4 = view.getUint16(12) === 0x0800;
  const header = v4 ? 20 : 40;
  const payload = packet.subarray(14 + header);
  const protocol = view.getUint8(14 + (v4 ? 9 : 6));
  const [from, size] = v4 ? [26, 4] : [22, 16];
  if (v4) {
    expect(view.getUint8(14)).toBe(0x45);
    expect(view.getUint16(16)).toBe(packet.length - 14);
    expect(sum(packet.subarray(14, 34))).toBe(0xffff);
  } else {
    expect(view.getUint8(14)).toBe(0x60);
    expect(view.getUint16(18)).toBe(payload.length);
  }
  const pseudo = protocol === 1 ? 0 : protocol + payload.length;
  const addresses = packet.subarray(from, from + 2 * size);
  expect(sum(payload, protocol === 1 ? 0 : sum(addresses, pseudo))).toBe(0xffff);
  const text = (at: number): string => Buffer.from(packet.subarray(at, at + size)).toString('hex');
  return { macs, source: text(from), destination: text(from + size), protocol, payload };
}

/** The addresses of a packet that the answer must turn round. */
function turned(packet: Uint8Array): Pick<Answer, 'macs' | 'source' | 'destination'> {
  const hex = (from: number, size: number): string =>
    Buffer.from(packet.subarray(from, from + size)).toString('hex');
  const [at, size] = packet[12] === 0x08 ? [26, 4] : [22, 16];
  return {
    macs: hex(6, 6) + hex(0, 6),
    source: hex(at + size, size),
    destination: hex(at, size),
  };
}

function tcpOf({ protocol, payload }: Answer): {
  ports: number[];
  sequence: number;
  acknowledged: number;
  flags: number;
} {
  expect(protocol).toBe(6);
  expect(payload).toHaveLength(20);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  expect(view.getUint8(12)).toBe(0x50);
  return {
    ports: [view.getUint16(0), view.getUint16(2)],
    sequence: view.getUint32(4),
    acknowledged: view.getUint32(8),
    flags: view.getUint8(13),
  };
}

const vm = createVmRunner(world.object, world.contents);
const inVm = (direction: Direction, packet: Uint8Array, context: PacketContext = {}): VmResult => {
  const ran = vm.run(0, direction, packet, { ingressIfindex: 1, ...context });
  vm.forget();
  return ran;
};
const engines = new Map<string, Run>([['vm', inVm]]);
const names = noKernel === undefined ? ['vm', 'kernel'] : ['vm'];

describe.each(names)('a rejected packet, in the %s', (name) => {
  let close = (): void => undefined;
  beforeAll(() => {
    if (name === 'vm') return;
    const kernel = createKernelRunner(world.object, world.contents);
    close = () => kernel.close();
    engines.set('kernel', (direction, packet, context) => {
      const ran = kernel.run(0, direction, packet, { ingressIfindex: 1, ...context });
      kernel.forget();
      return ran;
    });
  });
  afterAll(() => close());
  const run: Run = (...args) => engines.get(name)?.(...args) ?? expect.fail(`no ${name}`);
  const cases = (['ingress', 'egress'] as const).flatMap((direction) =>
    OUTSIDE.map((remote) => [direction, remote] as const),
  );

  describe.each(cases)('%s of %s', (direction, remote) => {
    const answerTo = (packet: Uint8Array): Answer => {
      const { result, cb, packet: after, mark } = run(direction, packet.slice());
      const cell = decodeCell(cb[0] ?? 0);
      expect(cell).toMatchObject({ verdict: 'deny', reason: 'rule', reject: true });
      expect(OUTCOMES[cb[1] ?? 0]).toBe('judged');
      expect(result).toBe(REDIRECT);
      expect(mark).toBe(ANSWER_MARK);
      const answer = readAnswer(after);
      expect(answer).toMatchObject(turned(packet));
      // The VM's answer is the reference: byte for byte.
      expect(Buffer.from(after)).toEqual(Buffer.from(inVm(direction, packet).packet));
      return answer;
    };
    const silent = (packet: Uint8Array): void => {
      const ran = run(direction, packet.slice());
      expect(ran.result).toBe(DROP);
      expect(Buffer.from(ran.packet)).toEqual(Buffer.from(packet));
      expect(ran.mark).toBe(0);
    };
    const fields = (given: Fields): Uint8Array => packetOf(direction, remote, given);

    it('answers a SYN as a closed port would', () => {
      const syn = numbered(fields({ tcpFlags: SYN }), 0xffff_ffff, 0);
      expect(tcpOf(answerTo(syn))).toEqual({
        ports: [80, 40_000],
        sequence: 0,
        acknowledged: 0,
        flags: RST | ACK,
      });
    });

    it('counts data and FIN where there is no ACK', () => {
      const payload = new Uint8Array(101).fill(7);
      const packet = numbered(fields({ tcpFlags: SYN | FIN, payload }), 1000, 5);
      expect(tcpOf(answerTo(packet))).toMatchObject({ sequence: 0, acknowledged: 1103 });
    });

    it('takes the sequence number from the ACK where there is one', () => {
      const payload = new Uint8Array(1000).fill(1);
      const packet = numbered(fields({ tcpFlags: ACK, payload }), 77, 0xdead_beef);
      expect(tcpOf(answerTo(packet))).toEqual({
        ports: [80, 40_000],
        sequence: 0xdead_beef,
        acknowledged: 0,
        flags: RST,
      });
    });

    it.each(['UDP', 'SCTP', 'echo'] as const)('answers %s with an error that quotes it', (kind) => {
      const v6 = remote.includes(':');
      const protocol = kind === 'echo' ? (v6 ? 'ICMPv6' : 'ICMP') : kind;
      for (const size of [0, 1, 2, 3, 64, 97, 600, 1400]) {
        const packet = fields({ protocol, payload: new Uint8Array(size).fill(0xa5) });
        const { protocol: number, payload } = answerTo(packet);
        expect([number, payload[0], payload[1]]).toEqual(v6 ? [58, 1, 1] : [1, 3, 13]);
        expect([...payload.subarray(4, 8)]).toEqual([0, 0, 0, 0]);
        const quote = Buffer.from(payload.subarray(8));
        expect(quote).toEqual(Buffer.from(packet.subarray(14, 14 + 128)));
      }
    });

    it('leaves out of the quote what is padding', () => {
      const packet = fields({ protocol: 'UDP' });
      const padded = new Uint8Array(packet.length + 18);
      padded.set(packet);
      expect(answerTo(padded).payload).toHaveLength(8 + packet.length - 14);
    });

    it('never answers a RST, an ICMP error, or an ICMP reply', () => {
      const v6 = remote.includes(':');
      silent(fields({ tcpFlags: RST }));
      silent(fields({ tcpFlags: RST | ACK }));
      const protocol = v6 ? 'ICMPv6' : 'ICMP';
      for (const icmpType of v6 ? [1, 2, 3, 4, 129, 137] : [0, 3, 4, 5, 11, 12]) {
        silent(fields({ protocol, icmpType, payload: new Uint8Array(40) }));
      }
    });

    it('never answers what was sent to a group of machines, or is tagged', () => {
      const packet = fields({ protocol: 'UDP' });
      packet[0] = 0x33;
      silent(packet);
      packet[0] = 0x02;
      answerTo(packet);
      const tagged = new Uint8Array(packet.length + 4);
      tagged.set(packet.subarray(0, 12));
      tagged.set([0x81, 0x00, 0x00, 0x07], 12);
      tagged.set(packet.subarray(12), 16);
      const ran = run(direction, tagged);
      // The kernel's test run takes a tag off into the packet's metadata, or leaves it in; neither is answered.
      expect(ran.result).toBe(DROP);
      expect(ran.mark).toBe(0);
    });

    it('lets its answer pass at the other hook, and takes the mark off', () => {
      const other = direction === 'ingress' ? 'egress' : 'ingress';
      for (const protocol of ['TCP', 'UDP'] as const) {
        const answer = run(direction, fields({ protocol })).packet;
        const passed = run(other, answer, { mark: ANSWER_MARK });
        expect(passed).toMatchObject({ result: PASS, mark: 0 });
        expect(OUTCOMES[passed.cb[1] ?? 0]).toBe('answer');
        // Without the mark it is judged, dropped, and not answered.
        expect(run(other, answer)).toMatchObject({ result: DROP, mark: 0 });
      }
    });

    it('lets nothing else pass by the mark', () => {
      const ran = run(direction, fields({ tcpFlags: SYN }), { mark: ANSWER_MARK });
      expect(ran.result).toBe(REDIRECT);
      const echo = remote.includes(':') ? 'ICMPv6' : 'ICMP';
      expect(run(direction, fields({ protocol: echo }), { mark: ANSWER_MARK }).result).toBe(
        REDIRECT,
      );
    });
  });

  it.each([
    ['multicast', '224.0.0.5'],
    ['broadcast', '255.255.255.255'],
    ['IPv6 multicast', 'ff0e::7'],
    ['nobody', '0.0.0.0'],
    ['loopback', '127.0.0.1'],
    ['IPv6 nobody', '::'],
  ])('is not answered to %s', (_, remote) => {
    for (const direction of ['ingress', 'egress'] as const) {
      const packet = packetOf(direction, remote, { protocol: 'UDP' });
      const ran = run(direction, packet);
      expect([ran.result, decodeCell(ran.cb[0] ?? 0).reject]).toEqual([DROP, true]);
    }
  });

  it('is none where a rule denies without a word', () => {
    const packet = packetOf('egress', PEER[0], { destinationPort: 9 });
    expect(run('egress', packet)).toMatchObject({ result: DROP, mark: 0 });
  });
});

describe('where answers go', () => {
  it.each([
    ['egress', 0],
    ['ingress', 1],
  ] as const)('those to %s go to the same interface with flags %i', (direction, flags) => {
    const { redirect } = inVm(direction, packetOf(direction, OUTSIDE[0]), { ifindex: 42 });
    expect(redirect).toEqual({ ifindex: 42, flags });
  });
});
