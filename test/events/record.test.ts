import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.js';
import { REJECT_PACKET } from '../../src/codegen/emit/answers.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { decodeEvent, type PacketEvent } from '../../src/codegen/event.js';
import { fingerprintOf, loggingDeciders } from '../../src/codegen/event/deciders.js';
import { NOTES_MAP } from '../../src/codegen/event/notes.js';
import { DROP, EVENT_MAPS, PASS } from '../../src/codegen/layout.js';
import { createVmRunner } from '../../src/codegen/vm-engine.js';
import { buildPacket, type PacketFields } from '../../src/codegen/packets.js';
import type { Direction } from '../../src/ir/model.js';
import { deciderName } from '../../src/ir/normal-model.js';
import { createKernelRunner } from '../../src/loader/kernel-engine.js';
import { address } from '../support/netns.js';
import { lacks } from '../support/requires.js';
import { OUTSIDE, PEER, WEB, worldOf, type World } from './world.js';

const POLICY = `
group web = pods where app == "web"
policy guard tier admin priority 5 {
  subject web
  ingress {
    allow from pods in namespace ops port 80/tcp log
    allow from pods in namespace ops port 81/tcp
    deny from pods in namespace ops port 82/udp
  }
  egress { deny to outside log }
}
namespace shop {
  isolate ingress log
}
`;

interface Ran {
  readonly result: number;
  readonly events: readonly PacketEvent[];
}
type Run = (direction: Direction, packet: Uint8Array) => Ran;

function decoded(records: readonly Uint8Array[]): readonly PacketEvent[] {
  return records.map((record) => decodeEvent(record) ?? expect.fail('a record cannot be read'));
}

function packet(
  direction: Direction,
  remote: string,
  protocol: PacketFields['protocol'],
  fields: Partial<PacketFields> = {},
): Uint8Array {
  const own = address(remote.includes(':') ? WEB[1] : WEB[0]);
  const other = address(remote);
  const [source, destination] = direction === 'ingress' ? [other, own] : [own, other];
  const ports = { sourcePort: 40_000, destinationPort: 80 };
  return buildPacket({ source, destination, protocol, ...ports, ...fields });
}

/** What an event says, without what differs from run to run. */
function said({ normal }: World, event: PacketEvent): string {
  const { cell, direction, remote, protocol, localPort, remotePort, icmpType, length } = event;
  const decider = normal.deciders[cell.decider];
  const name = decider === undefined ? '?' : deciderName(decider);
  const from = `${formatAddress(remote)} ${remotePort} ${localPort}`;
  return `${direction} ${cell.verdict} ${cell.reason} ${name ?? '-'} ${from} ${protocol}/${icmpType} ${length}`;
}

const noKernel = lacks('root');

describe.each(['code', 'tables'] as const)('events, with %s', (layout) => {
  const world = worldOf(POLICY, layout);
  const engines = new Map<string, Run>();
  let close = (): void => undefined;

  beforeAll(() => {
    const vm = createVmRunner(world.object, world.contents);
    engines.set('vm', (direction, bytes) => {
      const { result, events } = vm.run(0, direction, bytes, { ingressIfindex: 1 });
      vm.forget();
      return { result, events: decoded(events) };
    });
    if (noKernel !== undefined) return;
    const kernel = createKernelRunner(world.object, world.contents);
    close = () => kernel.close();
    engines.set('kernel', (direction, bytes) => {
      const { result } = kernel.run(0, direction, bytes, { ingressIfindex: 1 });
      kernel.forget();
      return { result, events: decoded(kernel.events()) };
    });
  });
  afterAll(() => close());

  describe.each(noKernel === undefined ? ['vm', 'kernel'] : ['vm'])('in the %s', (name) => {
    const run: Run = (direction, bytes) =>
      engines.get(name)?.(direction, bytes) ?? expect.fail(`no engine ${name}`);
    const ask = (direction: Direction, bytes: Uint8Array): readonly string[] =>
      run(direction, bytes).events.map((event) => said(world, event));

    it.each([
      [PEER[0], 54],
      [PEER[1], 74],
    ])('names the rule that allowed, for the packet that opens (%s)', (remote, length) => {
      expect(ask('ingress', packet('ingress', remote, 'TCP'))).toEqual([
        `ingress allow rule guard ingress[0] ${remote} 40000 80 6/0 ${length}`,
      ]);
      expect(ask('ingress', packet('ingress', remote, 'TCP', { tcpFlags: 0x10 }))).toEqual([]);
    });

    it.each([...OUTSIDE])('names the rule that denied, for every packet (%s)', (remote) => {
      const length = remote.includes(':') ? 74 : 54;
      for (const tcpFlags of [0x02, 0x10]) {
        const ran = run('egress', packet('egress', remote, 'TCP', { tcpFlags }));
        expect(ran.result).toBe(DROP);
        expect(ran.events.map((event) => said(world, event))).toEqual([
          `egress deny rule guard egress[0] ${remote} 80 40000 6/0 ${length}`,
        ]);
        expect(ran.events[0]?.tcpFlags).toBe(tcpFlags);
      }
    });

    it('names the isolation that denied, with the ICMP type', () => {
      expect(ask('ingress', packet('ingress', OUTSIDE[0], 'ICMP', { icmpType: 13 }))).toEqual([
        `ingress deny isolation shop/isolate-ingress ${OUTSIDE[0]} 1 1 1/13 42`,
      ]);
      expect(ask('ingress', packet('ingress', OUTSIDE[1], 'ICMPv6'))).toEqual([
        `ingress deny isolation shop/isolate-ingress ${OUTSIDE[1]} 1 1 58/128 62`,
      ]);
    });

    it('names the sender of an ICMP error, and not whom the quoted packet was for', () => {
      const quoted = packet('egress', PEER[0], 'UDP', { destinationPort: 9 }).slice(14);
      const error = packet('ingress', OUTSIDE[0], 'ICMP', { icmpType: 3, payload: quoted });
      // The quoted packet is allowed, so that the error is related, and not logged.
      expect(ask('ingress', error)).toEqual([]);
      const denied = packet('egress', '198.51.100.9', 'UDP').slice(14);
      const unrelated = packet('ingress', OUTSIDE[0], 'ICMP', { icmpType: 3, payload: denied });
      expect(ask('ingress', unrelated)).toEqual([
        `ingress deny isolation shop/isolate-ingress ${OUTSIDE[0]} 0 0 1/3 70`,
      ]);
    });

    it('says nothing of packets whose rules do not log', () => {
      const allowed = run('ingress', packet('ingress', PEER[0], 'TCP', { destinationPort: 81 }));
      expect(allowed).toEqual({ result: PASS, events: [] });
      const denied = run('ingress', packet('ingress', PEER[0], 'UDP', { destinationPort: 82 }));
      expect(denied).toEqual({ result: DROP, events: [] });
    });

    it('tells whose packet it is, and by which policy', () => {
      const [event] = run('ingress', packet('ingress', PEER[1], 'TCP')).events;
      const subject = world.contents.subjects[0]?.subject ?? expect.fail('no subject');
      expect(event?.incarnation).toBe(Buffer.from(subject).readUInt32LE(0));
      expect(event && formatAddress(event.local)).toBe(WEB[1]);
      expect(event?.fingerprint).toBe(fingerprintOf(loggingDeciders(world.normal)));
      expect(event?.outcome).toBe('judged');
    });
  });
});

describe.skipIf(noKernel !== undefined)('a full buffer', () => {
  it('changes no verdict, and counts what it lost', () => {
    const world = worldOf(POLICY);
    const kernel = createKernelRunner(world.object, world.contents);
    try {
      const bytes = packet('egress', OUTSIDE[0], 'TCP');
      for (let i = 0; i < 5000; i += 1) {
        expect(kernel.run(0, 'egress', bytes, { ingressIfindex: 1 }).result).toBe(DROP);
      }
      const { length } = kernel.events();
      expect(length).toBeGreaterThan(3000);
      expect(kernel.lostEvents()).toBe(5000 - length);
    } finally {
      kernel.close();
    }
  });
});

describe('a policy that never logs or rejects', () => {
  const quiet = worldOf(POLICY.replaceAll(' log', ''));
  const helpersOf = ({ plan }: World): ReadonlySet<string> =>
    new Set(
      emitDatapath(plan).functions.flatMap(({ items }) =>
        items.flatMap((item) =>
          item.kind === 'instruction' && item.instruction.kind === 'call'
            ? [item.instruction.helper]
            : [],
        ),
      ),
    );
  const functionsOf = ({ plan }: World): readonly string[] =>
    emitDatapath(plan).functions.map(({ name }) => name);

  it('declares no ring buffer, and fills none', () => {
    const names = quiet.contents.maps.map(({ name }) => name);
    expect(names).not.toContain(EVENT_MAPS.events.name);
    expect(names).not.toContain(EVENT_MAPS.lost.name);
    const logging = worldOf(POLICY).contents.maps.map(({ name }) => name);
    const { events, lost } = EVENT_MAPS;
    expect(logging).toEqual([...names, events.name, lost.name, NOTES_MAP]);
    expect(emitDatapath(quiet.plan).maps.map(({ type }) => type)).not.toContain('ringbuf');
  });

  it('has no instruction for it', () => {
    const rejecting = worldOf(POLICY.replaceAll(' log', '').replace('82/udp', '82/udp reject'));
    const added = (world: World): readonly string[] =>
      [...helpersOf(world)].filter((helper) => !helpersOf(quiet).has(helper)).sort();
    expect(added(quiet)).toEqual([]);
    expect(added(worldOf(POLICY))).toEqual(['ktime_get_ns', 'ringbuf_output']);
    expect(added(rejecting)).toEqual([
      'csum_diff',
      'redirect',
      'skb_change_tail',
      'skb_store_bytes',
    ]);
    expect(functionsOf(rejecting)).toEqual([...functionsOf(quiet), REJECT_PACKET]);
    expect(functionsOf(worldOf(POLICY))).toEqual(functionsOf(quiet));
  });

  it('has none in the direction that does not ask for it', () => {
    const denies = worldOf(
      POLICY.replace('port 80/tcp log', 'port 80/tcp').replace('ingress log', 'ingress'),
    );
    const program = (world: World, name: string): unknown =>
      emitDatapath(world.plan)
        .functions.find((one) => one.name === name)
        ?.items.map((item) => (item.kind === 'label' ? item.name : item.instruction));
    expect(program(denies, 'to_pod')).toEqual(program(quiet, 'to_pod'));
    expect(program(denies, 'from_pod')).not.toEqual(program(quiet, 'from_pod'));
  });
});
