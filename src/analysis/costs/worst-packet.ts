/**
 * The worst packet: of many that are tried in the VM, the one that runs the most instructions. Tried are
 * first packets at every boundary of the policies, and of the longest of them replies, later packets,
 * ICMP errors, and the forms of packet-forms.ts. It is a search and no proof: the verifier's own walk
 * is what bounds a program.
 */
import { addressBytes, formatAddress, type Address } from '../../address.js';
import { PROGRAMS, type MapContents } from '../../codegen/contents.js';
import { decodeCell, GATE, OUTCOMES, PASS, TABLES, type Outcome } from '../../codegen/layout.js';
import { buildPacket } from '../../codegen/packets.js';
import type { VmRunner } from '../../codegen/vm-engine.js';
import type { VmTrace } from '../../codegen/vm/trace.js';
import { bug } from '../../diagnostics.js';
import type { Pod, ClusterSnapshot } from '../../ir/cluster.js';
import { createInterpreter, type Protocol } from '../../ir/interpret.js';
import type { Direction } from '../../ir/model.js';
import type { NormalModel } from '../../ir/normal-model.js';
import { findBoundaries, ICMP, spread } from '../../validate/boundaries.js';
import { FORMS } from '../../validate/packet-forms.js';
import { CLIENT_PORT, portOf, ProbeFrames, protocolOf } from '../../validate/probe-packets.js';
import { countPackets, planProbes } from '../../validate/probes.js';

/** What a run of a packet costs. */
export interface PacketCost {
  readonly instructions: number;
  /** In tables and maps; one that reads several words of a trie counts once. */
  readonly lookups: number;
}

export interface WorstPacket extends PacketCost {
  readonly program: string;
  /** `namespace/name` of the pod whose program it ran through. */
  readonly pod: string;
  /** `first packet`, `reply`, or how it differs from a plain first packet. */
  readonly what: string;
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port: number;
  readonly verdict: 'allow' | 'deny';
  readonly outcome: string;
  /** What decided, among the model's deciders; 0 where none did. */
  readonly decider: number;
  /** The tables and maps that it was looked up in, in order. */
  readonly path: readonly string[];
  /** The frame, in hexadecimal, from its Ethernet header on. */
  readonly frame: string;
}

export interface PacketSearch {
  /** How many packets ran. */
  readonly packets: number;
  readonly pods: number;
  /** The worst of each program, the worst of all first. */
  readonly worst: readonly WorstPacket[];
  /** The one with the most lookups, of those that were looked at closely: the longest of each kind. */
  readonly mostLookups: WorstPacket | undefined;
  /** Of the plain first packets that each decider decided, the one that ran the longest. */
  readonly byDecider: ReadonlyMap<number, PacketCost>;
}

export interface SearchInput {
  readonly model: NormalModel;
  readonly cluster: ClusterSnapshot;
  /** Those that the contents are bound to, in their order. */
  readonly subjects: readonly Pod[];
  readonly at: number;
  readonly contents: MapContents;
  readonly runner: VmRunner;
}

/** Pods whose programs are run: they differ in little but their rows. */
const MAX_PODS = 100;
/** Beyond, an even part of the addresses is tried. */
const MAX_PACKETS = 20_000;
/** The longest of the first packets, which are tried in every other way too. */
const MAX_VARIED = 24;
const SOME_INTERFACE = 1;
const TCP_ACK = 0x10;
const TCP_SYN_ACK = 0x12;

/** A packet to run, and what came before it. */
interface Attempt {
  readonly subject: number;
  readonly direction: Direction;
  readonly what: string;
  readonly remote: Address;
  readonly own: Address;
  readonly protocol: Protocol;
  readonly port: number;
  readonly packet: Uint8Array;
  readonly before?: { readonly direction: Direction; readonly packet: Uint8Array };
}

export function findWorstPackets(input: SearchInput): PacketSearch {
  const { subjects, runner } = input;
  const search = new Search(input);
  const firsts = firstPackets(input);
  for (const attempt of firsts) search.try(attempt);
  for (const attempt of search.longest(MAX_VARIED).flatMap((one) => variants(one))) {
    search.try(attempt);
  }
  runner.forget();
  return search.result(Math.min(subjects.length, MAX_PODS));
}

function firstPackets({ model, cluster, subjects, at }: SearchInput): readonly Attempt[] {
  const interpreter = createInterpreter(model, cluster, at);
  const chosen = spread(subjects, MAX_PODS);
  const positions = new Map(subjects.map((pod, i) => [pod, i]));
  const rules = model.policies.flatMap((policy) => policy.rules);
  const boundaries = findBoundaries(cluster, rules);
  const { probes } = planProbes(model, chosen, boundaries, interpreter);
  const frames = new ProbeFrames();
  const count = countPackets(probes);
  const part = Math.max(
    1,
    Math.floor((probes.length * MAX_PACKETS) / Math.max(count, MAX_PACKETS)),
  );
  return spread(probes, part).flatMap(({ subject, direction, remote, points }) => {
    const pod = chosen[subject] ?? bug(`no subject ${subject}`);
    const own = pod.addresses.find(({ family }) => family === remote.family);
    if (own === undefined) return [];
    const bytes = [addressBytes(own), addressBytes(remote)] as const;
    return points.map((point): Attempt => ({
      subject: positions.get(pod) ?? bug('an unknown pod'),
      direction,
      what: 'first packet',
      remote,
      own,
      protocol: protocolOf(point, remote.family),
      port: portOf(point),
      packet: frames.write('forward', direction, remote.family, ...bytes, point).slice(),
    }));
  });
}

/** The same flow in other forms, later in its life, answered, and complained about. */
function variants(first: Attempt): readonly Attempt[] {
  const { direction, remote, own, protocol, port, packet } = first;
  const back = direction === 'ingress' ? 'egress' : 'ingress';
  const point = portPointOf(protocol, port);
  const forms = FORMS.filter(({ applies }) =>
    applies(remote.family, point, direction === 'egress'),
  ).map((form): Attempt => ({
    ...first,
    what: form.name,
    packet: form.write(packet, remote.family),
  }));
  const [source, destination] = direction === 'ingress' ? [remote, own] : [own, remote];
  const ports = { sourcePort: CLIENT_PORT, destinationPort: port };
  const flow = { source, destination, protocol, ...ports };
  const answer = buildPacket({
    ...flow,
    source: destination,
    destination: source,
    sourcePort: ports.destinationPort,
    destinationPort: ports.sourcePort,
    tcpFlags: TCP_SYN_ACK,
    ...(protocol === 'ICMP' || protocol === 'ICMPv6'
      ? { icmpType: ECHO_REPLY[remote.family] }
      : {}),
  });
  const before = { direction, packet };
  const replied = { ...first, direction: back, packet: answer } as const;
  const error = icmpError(remote, own, direction === 'egress', packet);
  return [
    ...forms,
    ...(protocol === 'TCP'
      ? [
          {
            ...first,
            what: 'later packet',
            packet: buildPacket({ ...flow, tcpFlags: TCP_ACK }),
            before,
          },
        ]
      : [{ ...first, what: 'later packet', before }]),
    { ...replied, what: 'reply', before },
    { ...replied, what: 'reply of nothing' },
    { ...first, what: 'ICMP error about the flow', direction: back, packet: error, before },
    { ...first, what: 'ICMP error about nothing', direction: back, packet: error },
  ];
}

const ECHO_REPLY = { 4: 0, 6: 129 } as const;
/** Destination unreachable, by family (RFC 792, RFC 4443). */
const UNREACHABLE = { 4: 3, 6: 1 } as const;
const ETHERNET_BYTES = 14;

/** The peer says that it cannot take the packet, and quotes it. */
function icmpError(remote: Address, own: Address, toPod: boolean, quoted: Uint8Array): Uint8Array {
  return buildPacket({
    source: toPod ? remote : own,
    destination: toPod ? own : remote,
    protocol: remote.family === 4 ? 'ICMP' : 'ICMPv6',
    sourcePort: 0,
    destinationPort: 0,
    icmpType: UNREACHABLE[remote.family],
    icmpCode: 1,
    payload: quoted.slice(ETHERNET_BYTES),
  });
}

function portPointOf(protocol: Protocol, port: number): number {
  const group = ['TCP', 'UDP', 'SCTP'].indexOf(protocol);
  return group < 0 ? ICMP : (group << 16) | port;
}

interface Tried {
  readonly attempt: Attempt;
  readonly steps: number;
}

class Search {
  #packets = 0;
  readonly #worst = new Map<Direction, Tried>();
  readonly #varied: Tried[] = [];
  /** Plain first packets, the longest for each kind. */
  readonly #kinds = new Map<string, Tried>();
  readonly #deciders = new Map<number, Tried>();

  constructor(private readonly input: SearchInput) {}

  try(attempt: Attempt): void {
    const { runner } = this.input;
    const { steps, cb } = this.#run(attempt, runner.run);
    const tried = { attempt, steps };
    keepLonger(this.#worst, attempt.direction, tried);
    if (attempt.what !== 'first packet') this.#varied.push(tried);
    if (attempt.what === 'first packet') {
      const { direction, remote, protocol } = attempt;
      const kind = [direction, remote.family, protocol, cb[1], decided(cb).verdict].join();
      keepLonger(this.#kinds, kind, tried);
      if (OUTCOMES[cb[1] ?? 0] === 'judged') {
        keepLonger(this.#deciders, decided(cb).decider, tried);
      }
    }
  }

  longest(count: number): readonly Attempt[] {
    return [...this.#kinds.values()]
      .sort((a, b) => b.steps - a.steps)
      .slice(0, count)
      .map(({ attempt }) => attempt);
  }

  result(pods: number): PacketSearch {
    const packets = this.#packets;
    const worst = [...this.#worst.values()]
      .sort((a, b) => b.steps - a.steps)
      .map(({ attempt }) => this.#describe(attempt));
    const byDecider = new Map<number, PacketCost>();
    for (const [decider, { attempt }] of this.#deciders) {
      const { instructions, lookups } = this.#describe(attempt);
      byDecider.set(decider, { instructions, lookups });
    }
    const closely = [...this.#varied, ...this.#deciders.values()];
    const mostLookups = closely
      .map(({ attempt }) => this.#describe(attempt))
      .reduce<WorstPacket | undefined>(
        (most, one) => (most === undefined || one.lookups > most.lookups ? one : most),
        worst[0],
      );
    return { packets, pods, worst, mostLookups, byDecider };
  }

  /** Each attempt begins with nothing remembered. */
  #run<Result>(
    { subject, direction, packet, before }: Attempt,
    run: (
      subject: number,
      direction: Direction,
      packet: Uint8Array,
      context: { readonly ingressIfindex: number },
    ) => Result,
  ): Result {
    const { runner } = this.input;
    const context = { ingressIfindex: SOME_INTERFACE };
    this.#packets += 1;
    if (before !== undefined) runner.run(subject, before.direction, before.packet, context);
    const result = run(subject, direction, packet, context);
    runner.forget();
    return result;
  }

  #describe(attempt: Attempt): WorstPacket {
    const { subject, direction, what, remote, own, protocol, port, packet } = attempt;
    const { steps, cb, result, trace } = this.#run(attempt, this.input.runner.trace);
    const { namespace, name } = this.input.contents.subjects[subject] ?? bug('an unknown subject');
    const toPod = direction === 'ingress';
    const path = lookupsOf(trace);
    return {
      program: PROGRAMS[direction],
      pod: `${namespace}/${name}`,
      what,
      from: formatAddress(toPod ? remote : own),
      to: formatAddress(toPod ? own : remote),
      protocol,
      port,
      verdict: result === PASS ? 'allow' : 'deny',
      outcome: OUTCOMES[cb[1] ?? 0] ?? 'none',
      decider: decided(cb).decider,
      instructions: steps,
      lookups: path.length,
      path,
      frame: Buffer.from(packet).toString('hex'),
    };
  }
}

function keepLonger<Key>(map: Map<Key, Tried>, key: Key, tried: Tried): void {
  const known = map.get(key);
  if (known === undefined || tried.steps > known.steps) map.set(key, tried);
}

/** Of a reply or an error, what allows the flow that it belongs to. */
const DECIDED: readonly string[] = ['judged', 'reply', 'related'] satisfies readonly Outcome[];

function decided(cb: readonly number[]): { readonly verdict: string; readonly decider: number } {
  const outcome = OUTCOMES[cb[1] ?? 0] ?? 'none';
  return DECIDED.includes(outcome) ? decodeCell(cb[0] ?? 0) : { verdict: 'none', decider: 0 };
}

/** Fields that binding fixed: the verifier knows them, and the JIT has them as constants. */
const CONSTANT: readonly string[] = [TABLES.shape, TABLES.subject, GATE.halfTable];

/** What was looked up in, in order; what is read of one table in a row is one lookup. */
function lookupsOf({ accesses }: VmTrace): readonly string[] {
  const names = accesses
    .map((access) => ({ name: access.kind === 'table' ? access.table : access.map, access }))
    .filter(({ name }) => !CONSTANT.includes(name));
  return names
    .filter(({ name, access }, i) => access.kind === 'map' || names[i - 1]?.name !== name)
    .map(({ name }) => name);
}
