/** Places of live connections, in a node of eight: who gets one, who is refused, and that every fault shows. */
import { describe, expect, it } from 'vitest';
import { emitDatapath } from '../../src/codegen/emit.js';
import { CONNECTION_CAPACITY, CONNECTION_MAPS } from '../../src/codegen/layout/state.js';
import type { Instruction, Listing } from '../../src/codegen/assembly/listing.js';
import { ACK, FIN, frame, PROTO, SYN, tcp, udp } from '../support/frames.js';
import { CLUSTER, from, send, to } from './case.js';
import { prepare, vmEngine, type Engine } from './engines.js';
import { faultsOf, mapInstructions, withFault } from './faults.js';
import { OUTSIDE, policies, X, Y } from './world.js';

const PREPARED = prepare(
  policies(
    { pod: 'x', ingress: [], egress: [{ peers: ['0.0.0.0/0'] }] },
    { pod: 'y', ingress: [], egress: [{ peers: ['0.0.0.0/0'] }] },
  ),
  CLUSTER,
  'tables',
);
const PLACES = 8;
const PER_POD = 6;
const ADDRESS = { x: X, y: Y } as const;
type PodName = keyof typeof ADDRESS;

/** The same programs for fewer places: no other instruction has these numbers. */
function small(listing: Listing): Listing {
  const placeBits = Math.log2(CONNECTION_CAPACITY.live);
  const shrink = (one: Instruction): Instruction => {
    if (one.kind === 'alu' && one.operation === 'rsh' && one.width === 32) {
      const isPlace = 'imm' in one.src && one.src.imm === 32 - placeBits;
      return isPlace ? { ...one, src: { imm: 32 - Math.log2(PLACES) } } : one;
    }
    const isLimit =
      one.kind === 'branch' &&
      'imm' in one.right &&
      one.right.imm === CONNECTION_CAPACITY.livePerPod;
    return isLimit ? { ...one, right: { imm: PER_POD } } : one;
  };
  return mapInstructions(listing, shrink);
}

class Crowd {
  readonly engine: Engine;

  constructor(change: (listing: Listing) => Listing = (listing) => listing) {
    this.engine = vmEngine((listing) => change(small(listing)));
    this.engine.bind(PREPARED);
  }

  tcp(pod: PodName, way: 'from' | 'to', i: number, flags: number): string {
    return this.#send(pod, way, PROTO.tcp, (a, b) => tcp(a, b, flags), i);
  }

  udp(pod: PodName, way: 'from' | 'to', i: number): string {
    return this.#send(pod, way, PROTO.udp, (a, b) => udp(a, b), i);
  }

  /** The first packet and its answer; how that ended. */
  complete(pod: PodName, protocol: 'tcp' | 'udp', i: number): string {
    if (protocol === 'udp') {
      this.udp(pod, 'from', i);
      return this.udp(pod, 'to', i);
    }
    this.tcp(pod, 'from', i, SYN);
    return this.tcp(pod, 'to', i, SYN | ACK);
  }

  /** Tries while the clock runs, since each search looks elsewhere. */
  enters(pod: PodName, protocol: 'tcp' | 'udp', i: number): boolean {
    for (let tries = 0; tries < 30; tries += 1) {
      const end = this.complete(pod, protocol, i);
      if (end.startsWith('pass reply')) return true;
      if (!end.startsWith('drop crowded')) throw new Error(end);
      this.engine.age(0.001);
    }
    return false;
  }

  /** Every live connection has one place, and is counted once. */
  check(): void {
    const entries = this.engine.entries(CONNECTION_MAPS.liveOut.name);
    const counts = new Map<number, number>();
    for (const { key, value } of entries) {
      const place = value.readUInt32LE(12);
      expect(place).toBeLessThan(PLACES);
      const owner = this.engine.element(CONNECTION_MAPS.liveSlotsOut.name, place);
      expect(owner.subarray(0, key.length).equals(key)).toBe(true);
      const pod = key.readUInt32LE(16);
      counts.set(pod, (counts.get(pod) ?? 0) + 1);
    }
    const counted = this.engine.entries(CONNECTION_MAPS.liveCounts.name);
    const told = counted.map(({ key, value }) => [key.readUInt32LE(0), value.readBigInt64LE(0)]);
    const wanted = told.map(([pod]) => [pod, BigInt(counts.get(Number(pod)) ?? 0)]);
    expect(told).toEqual(wanted);
    expect(counted).toHaveLength(Math.max(counted.length, counts.size));
    const pending = this.engine.entries(CONNECTION_MAPS.pendingOut.name);
    expect(pending.filter(({ key }) => entries.some((one) => one.key.equals(key)))).toEqual([]);
    expect(this.engine.entries(CONNECTION_MAPS.liveIn.name)).toEqual([]);
  }

  #send(
    pod: PodName,
    way: 'from' | 'to',
    protocol: number,
    build: (source: number, destination: number) => Uint8Array,
    i: number,
  ): string {
    const own = ADDRESS[pod];
    const step =
      way === 'from'
        ? from(pod, frame(own, OUTSIDE, protocol, build(2_000 + i, 443)), '')
        : to(pod, frame(OUTSIDE, own, protocol, build(443, 2_000 + i)), '');
    return send(this.engine, PREPARED, step);
  }
}

/** One pod has all that it may, the other what is left. */
function fill(crowd: Crowd, protocol: 'tcp' | 'udp'): void {
  for (let i = 0; i < PER_POD; i += 1) expect(crowd.enters('x', protocol, i)).toBe(true);
  for (let i = 0; i < 3; i += 1) expect(crowd.complete('x', protocol, 90 + i)).toMatch(/crowded/);
  crowd.engine.age(1);
  for (let i = PER_POD; i < PLACES; i += 1) expect(crowd.enters('y', protocol, i)).toBe(true);
  crowd.check();
  expect(crowd.enters('y', protocol, 99)).toBe(false);
  crowd.check();
}

const END = FIN | ACK;

/** How long each kind is not pushed out by anybody, and that it gives way after that. */
const KINDS: readonly (readonly [string, 'tcp' | 'udp', number, boolean])[] = [
  ['UDP', 'udp', 300, false],
  ['TCP', 'tcp', 7_500, false],
  ['closing TCP', 'tcp', 240, true],
];

function keepsTime(crowd: Crowd, [, protocol, limit, closes]: (typeof KINDS)[number]): void {
  crowd.engine.forget();
  fill(crowd, protocol);
  if (closes) {
    for (let i = 0; i < PER_POD; i += 1) crowd.tcp('x', 'from', i, END);
    for (let i = PER_POD; i < PLACES; i += 1) crowd.tcp('y', 'from', i, END);
  }
  // Those of x are a second older than those of y.
  crowd.engine.age(limit - 1.5);
  expect(crowd.enters('y', protocol, 200)).toBe(false);
  crowd.engine.age(1);
  for (let i = 0; i < 4; i += 1) expect(crowd.enters('y', protocol, 200 + i)).toBe(true);
  crowd.check();
}

/** A pod that may have no more frees places of the dead; they come back, and take each other's. */
function comesBack(crowd: Crowd): void {
  fill(crowd, 'tcp');
  for (let round = 0; round < 8; round += 1) {
    for (const seconds of [4_000, 3_000]) {
      crowd.engine.age(seconds);
      for (let i = 0; i < PER_POD; i += 1) crowd.tcp('x', 'to', i, ACK);
    }
    crowd.engine.age(501);
    expect(crowd.enters('x', 'tcp', 90)).toBe(false);
    expect(crowd.engine.connections().live).toBe(PER_POD);
    // They were given to the one that may have no more, and are not given again within a second.
    expect(crowd.enters('y', 'tcp', 91)).toBe(false);
    crowd.engine.age(1);
    for (let i = PLACES - 1; i >= PER_POD; i -= 1) expect(crowd.enters('y', 'tcp', i)).toBe(true);
    crowd.check();
  }
}

/** Anything that may happen, in an order that is the same each time. */
function anything(crowd: Crowd): void {
  crowd.engine.forget();
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % below;
  };
  for (let step = 0; step < 250; step += 1) {
    const pod = random(3) === 0 ? 'y' : 'x';
    const i = random(10);
    const chance = random(8);
    if (chance === 0) crowd.engine.age(241);
    else if (chance === 1) crowd.engine.age(random(2) === 0 ? 301 : 7_501);
    else if (chance === 2) crowd.tcp(pod, 'from', i, END);
    else crowd.complete(pod, random(2) === 0 ? 'tcp' : 'udp', i);
    if (step % 10 === 0) crowd.check();
  }
  crowd.engine.age(7_501);
  fill(crowd, 'tcp');
}

describe('eight places', () => {
  it('are filled, six by a pod at most', () => {
    fill(new Crowd(), 'tcp');
  });

  it('are left alone while a connection may live: none is pushed out', () => {
    const crowd = new Crowd();
    fill(crowd, 'tcp');
    for (let i = 0; i < PER_POD; i += 1)
      expect(crowd.tcp('x', 'to', i, ACK)).toMatch(/^pass reply/);
    expect(crowd.tcp('x', 'to', 90, ACK)).toMatch(/^drop/);
  });

  it.each(KINDS)('of %s are given away when it is too old', (...kind) => {
    keepsTime(new Crowd(), kind);
  });

  it('of the dead are free, whoever had them', () => {
    comesBack(new Crowd());
  });

  it('are each one connection’s, whatever happens', () => {
    anything(new Crowd());
  });

  it('a connection that opens anew keeps its place', () => {
    const crowd = new Crowd();
    for (let i = 0; i < 3; i += 1) {
      expect(crowd.complete('x', 'tcp', 0)).toMatch(/^pass reply/);
      crowd.tcp('x', 'from', 0, END);
      expect(crowd.engine.connections()).toEqual({ out: 1, in: 0, live: 1 });
    }
    crowd.check();
  });
});

/** Faults that change nothing but where is looked, or how often; or that only the verifier could meet. */
const EQUIVALENT = [
  /^to_pod (counted\+25|next_place(_\d+)?\+8): no `slt`/,
  /^to_pod (counted|next_place(_\d+)?)\+\d+: mul/,
  /^to_pod (promote\+(11|25)|counted\+23|enter\+\d+): no `/,
  /^collect_out (start\+(6|9)|limit\+(4|12)): no `/,
];

/** The programs that hold what the other opened do the same with the other maps. */
it('every fault in it is noticed', { timeout: 120_000 }, () => {
  const listing = small(emitDatapath(PREPARED.plan));
  const faults = faultsOf(listing)
    .filter(({ name }) => /: (no `|mul|.* for it)/.test(name))
    .filter(({ name }) =>
      /^(to_pod (promote|counted|next_place|enter|entered)|collect_out )/.test(name),
    );
  expect(faults.length).toBeGreaterThan(40);
  const unnoticed = faults.filter((fault) => !isNoticed((one) => withFault(one, fault)));
  expect(
    unnoticed.map(({ name }) => name).filter((name) => !EQUIVALENT.some((one) => one.test(name))),
  ).toEqual([]);
});

function isNoticed(change: (listing: Listing) => Listing): boolean {
  const tries = [
    () => fill(new Crowd(change), 'tcp'),
    ...KINDS.map((kind) => () => keepsTime(new Crowd(change), kind)),
    () => comesBack(new Crowd(change)),
    () => anything(new Crowd(change)),
  ];
  return tries.some((one) => {
    try {
      one();
      return false;
    } catch {
      return true;
    }
  });
}
