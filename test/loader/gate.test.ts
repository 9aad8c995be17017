import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeEvent } from '../../src/codegen/event.js';
import { fingerprintOf, loggingDeciders } from '../../src/codegen/event/deciders.js';
import {
  ANSWER_MARK,
  DROP,
  EVENT_BUFFER_BYTES,
  EVENT_MAPS,
  OUTCOMES,
  PASS,
  REDIRECT,
  type Half,
} from '../../src/codegen/layout.js';
import { buildPacket, type PacketFields } from '../../src/codegen/packets.js';
import {
  closeGate,
  fillSlot,
  loadGate,
  loadShut,
  type Gate,
} from '../../src/loader/deploy/gates.js';
import { readControl, writeControl } from '../../src/loader/deploy/control.js';
import { nativeDoor, type MapHandle } from '../../src/loader/native.js';
import {
  loadContents,
  POD_DIRECTIONS,
  type LoadedContents,
  type PodDirection,
} from '../../src/loader/pod-programs.js';
import { testSkb, type SkbFields, type SkbRun } from '../../src/loader/test-skb.js';
import { mapFlag } from '../../src/loader/uapi.js';
import { PEER, WEB, worldOf, type World } from '../events/world.js';
import { address } from '../support/netns.js';
import { oneValue, returning } from '../support/raw-bpf.js';
import { lacks } from '../support/requires.js';

/** What each of the two generations says of a port; everything is logged. */
const RULES: Readonly<Record<number, readonly [old: string, next: string]>> = {
  80: ['allow', 'allow'],
  81: ['allow', 'deny'],
  82: ['deny', 'allow'],
  83: ['deny', 'deny'],
  84: ['reject', 'allow'],
  85: ['allow', 'reject'],
  86: ['reject', 'reject'],
};

function policy(generation: 0 | 1): string {
  const lines = Object.entries(RULES).map(([port, said]) => {
    const verdict = said[generation];
    const [word, more] = verdict === 'reject' ? ['deny', 'reject '] : [verdict, ''];
    return `${word} from pods in namespace ops port ${port}/tcp ${more}log`;
  });
  return `
group web = pods where app == "web"
policy guard tier admin priority 5 {
  subject web
  ingress { ${lines.join('\n')} }
}`;
}

/** Logs nothing and knows no answers; denies what goes to the peer, and what comes from it or not. */
const quiet = (ingress: string): string => `
group web = pods where app == "web"
policy guard tier admin priority 5 {
  subject web
  egress { deny to pods in namespace ops }
  ${ingress}
}`;
const QUIET = { open: quiet(''), closed: quiet('ingress { deny from pods in namespace ops }') };

function packetTo(port: number, fields: Partial<PacketFields> = {}): Uint8Array {
  const [source, destination] = [address(PEER[0]), address(WEB[0])];
  const ports = { sourcePort: 40_000, destinationPort: port };
  return buildPacket({ source, destination, protocol: 'TCP', ...ports, ...fields });
}

/** Two generations behind one pod's gate. */
class TwoHalves {
  readonly control: MapHandle = oneValue(4, mapFlag.mappable);
  readonly gate: Gate = loadGate('shop/web', this.control);
  readonly #loaded: LoadedContents[] = [];

  put(half: Half, { object, contents }: World): void {
    const ring = this.#ring;
    const loaded = loadContents(
      object,
      contents,
      ({ name }) => (name === EVENT_MAPS.events.name ? ring : undefined),
      { half, halvesOf: () => this.gate.halves },
    );
    this.#loaded.push(loaded);
    for (const { programs } of loaded.pods) {
      for (const direction of POD_DIRECTIONS) {
        fillSlot(this.gate.halves, direction, half, programs[direction]);
      }
    }
  }

  get #ring(): MapHandle | undefined {
    return this.#loaded.map(({ shared }) => shared.maps.get(EVENT_MAPS.events.name)).at(0);
  }

  run(packet: Uint8Array, fields: SkbFields = {}, direction: PodDirection = 'to_pod'): SkbRun {
    return testSkb(this.gate.programs[direction], packet, { ingressIfindex: 1, ...fields });
  }

  /** What was logged since the last call, as `verdict fingerprint`. */
  logged(): readonly string[] {
    const map = this.#ring;
    if (map === undefined) return [];
    const ring = nativeDoor().openRingBuffer(map);
    const events = ring.consume(EVENT_BUFFER_BYTES).map(decodeEvent);
    ring.close();
    return events.map((event) => `${event?.cell.verdict ?? '?'} ${event?.fingerprint ?? '?'}`);
  }

  close(): void {
    for (const loaded of this.#loaded) loaded.close();
    closeGate(this.gate);
    this.control.close();
  }
}

describe.skipIf(lacks('root') !== undefined)('a gate', () => {
  const worlds = [worldOf(policy(0)), worldOf(policy(1))] as const;
  const prints = worlds.map(({ normal }) => fingerprintOf(loggingDeciders(normal)));
  let halves: TwoHalves;

  beforeAll(() => {
    halves = new TwoHalves();
    halves.put(0, worlds[0]);
    halves.put(1, worlds[1]);
  });
  afterAll(() => halves.close());

  const RESULT: Readonly<Record<string, number>> = { allow: PASS, deny: DROP, reject: REDIRECT };

  it.each(Object.keys(RULES).map(Number))('asks the half in force alone (port %i)', (port) => {
    for (const half of [0, 1] as const) {
      writeControl(halves.control, { half, both: false });
      const verdict = RULES[port]?.[half] ?? '';
      expect(halves.run(packetTo(port)).action).toBe(RESULT[verdict]);
      expect(halves.logged()).toEqual([
        `${verdict === 'allow' ? 'allow' : 'deny'} ${prints[half]}`,
      ]);
    }
  });

  it.each(Object.keys(RULES).map(Number))(
    'asks both, and the one that decides tells (port %i)',
    (port) => {
      for (const half of [0, 1] as const) {
        writeControl(halves.control, { half, both: true });
        const said: readonly string[] = RULES[port] ?? [];
        const order = half === 0 ? [0, 1] : [1, 0];
        // The first to deny, or the last of all.
        const decider = order.find((one) => said[one] !== 'allow') ?? order[1] ?? 0;
        const verdict = said[decider] ?? '';
        const { action, cb } = halves.run(packetTo(port));
        expect([action, cb[1]]).toEqual([RESULT[verdict], OUTCOMES.indexOf('judged')]);
        expect(halves.logged()).toEqual([
          `${verdict === 'allow' ? 'allow' : 'deny'} ${prints[decider]}`,
        ]);
      }
    },
  );

  it('lets nothing pass to an empty half, whichever way it is asked', () => {
    const lonely = new TwoHalves();
    try {
      lonely.put(1, worlds[0]);
      for (const [half, both, expected] of [
        [0, false, DROP],
        [0, true, DROP],
        [1, true, DROP],
        [1, false, PASS],
      ] as const) {
        writeControl(lonely.control, { half, both });
        expect(lonely.run(packetTo(80)).action).toBe(expected);
        expect(readControl(lonely.control)).toEqual({ half, both });
      }
      writeControl(lonely.control, { half: 1, both: true });
      expect(lonely.run(packetTo(80)).cb[1]).toBe(OUTCOMES.indexOf('corrupt'));
    } finally {
      lonely.close();
    }
  });

  it('does not care for what is in skb->cb before it', () => {
    for (const both of [false, true]) {
      writeControl(halves.control, { half: 0, both });
      const cb = [7, 7, 7, 7, 7];
      expect(halves.run(packetTo(81), { cb }).action).toBe(both ? DROP : PASS);
    }
    halves.logged();
  });

  it('is not missed by programs without one: skb->cb is not theirs then', () => {
    const loaded = loadContents(worlds[0].object, worlds[0].contents);
    const [pod] = loaded.pods;
    if (pod === undefined) throw new Error('no pod');
    const ran = testSkb(pod.programs.to_pod, packetTo(80), {
      ingressIfindex: 1,
      cb: [7, 7, 7, 7, 7],
    });
    expect(ran.action).toBe(PASS);
    loaded.close();
  });

  it.each([
    [0, 'open'],
    [1, 'open'],
    [0, 'closed'],
    [1, 'closed'],
  ] as const)('lets answers of either generation pass, half %i first, one %s', (half, way) => {
    const mixed = new TwoHalves();
    try {
      // Ingress rejects: from_pod has to let the answer out. The other generation denies such packets.
      mixed.put(0, worlds[0]);
      mixed.put(1, worldOf(QUIET[way]));
      writeControl(mixed.control, { half, both: true });
      const answer = buildPacket({
        source: address(WEB[0]),
        destination: address(PEER[0]),
        protocol: 'TCP',
        sourcePort: 84,
        destinationPort: 40_000,
        tcpFlags: 0x14,
      });
      const marked = mixed.run(answer, { mark: ANSWER_MARK }, 'from_pod');
      expect([marked.action, marked.mark]).toEqual([PASS, 0]);
      expect(mixed.run(answer, {}, 'from_pod').action).toBe(DROP);
    } finally {
      mixed.close();
    }
  });

  it('shuts when its array of programs is let go of', () => {
    const alone = new TwoHalves();
    alone.put(0, worlds[0]);
    expect(alone.run(packetTo(80)).action).toBe(PASS);
    alone.gate.halves.close();
    nativeDoor().waitForReaders();
    expect(alone.run(packetTo(80)).action).toBe(DROP);
    alone.close();
  });

  it('shuts a half whose program was taken away', () => {
    const left = new TwoHalves();
    const shut = loadShut();
    left.put(0, worlds[0]);
    for (const half of [0, 1] as const) fillSlot(left.gate.halves, 'to_pod', half, shut);
    for (const both of [false, true]) {
      writeControl(left.control, { half: 0, both });
      const { action, cb } = left.run(packetTo(80));
      expect([action, cb[1]]).toEqual([DROP, OUTCOMES.indexOf('corrupt')]);
    }
    shut.close();
    left.close();
  });

  it('costs next to nothing', () => {
    const control = oneValue(4, mapFlag.mappable);
    const gate = loadGate('shop/web', control);
    const nothing = returning(PASS, 'nothing');
    fillSlot(gate.halves, 'to_pod', 0, nothing);
    const packet = packetTo(80);
    const measure = (program: Gate['programs']['to_pod']): number =>
      Math.min(
        ...Array.from({ length: 9 }, () => testSkb(program, packet, {}, 200_000).durationNs),
      );
    const cost = measure(gate.programs.to_pod) - measure(nothing);
    closeGate(gate);
    control.close();
    if (process.env['POLICYC_SHOW'] !== undefined) console.log(`gate: ${cost} ns`);
    expect(cost).toBeLessThan(20);
  });
});
