/** Gives events their names: the rule and its line, the pod, and the pod at the other end. */
import { formatAddress } from '../../address.js';
import type { Direction, Verdict } from '../../ir/model.js';
import type { Reason } from '../../ir/normal-model.js';
import type { PacketEvent } from '../event.js';
import type { LoggingDecider } from './deciders.js';
import type { EventNotes } from './notes.js';

export interface NamedEvent {
  /** Nanoseconds of CLOCK_MONOTONIC. */
  readonly nanoseconds: bigint;
  readonly verdict: Verdict;
  /** Whether the sender is answered. */
  readonly reject: boolean;
  readonly reason: Reason;
  readonly direction: Direction;
  /** Undefined for a pod that is gone. */
  readonly pod: string | undefined;
  readonly address: string;
  readonly peerAddress: string;
  /** The pod that had the address when the policy was applied. */
  readonly peer: string | undefined;
  /** `TCP`, or the number of a protocol without a name here. */
  readonly protocol: string;
  readonly podPort: number | undefined;
  readonly peerPort: number | undefined;
  readonly icmpType: number | undefined;
  readonly laterFragment: boolean;
  readonly length: number;
  /** Undefined for a policy that nobody knows any more. */
  readonly rule: Omit<LoggingDecider, 'id'> | undefined;
}

const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'ICMP',
  6: 'TCP',
  17: 'UDP',
  58: 'ICMPv6',
  132: 'SCTP',
};
const WITH_PORTS = ['TCP', 'UDP', 'SCTP'];
const WITH_TYPES = ['ICMP', 'ICMPv6'];

/** Remembers what it has been told, so that events of an earlier policy keep their names. */
export class EventNames {
  readonly #deciders = new Map<number, ReadonlyMap<number, LoggingDecider>>();
  readonly #subjects = new Map<number, string>();
  #pods: Readonly<Record<string, string>> = {};

  /** Deciders of a policy, such as a bundle's. */
  learnDeciders(fingerprint: number, deciders: readonly LoggingDecider[]): void {
    this.#deciders.set(fingerprint, new Map(deciders.map((one) => [one.id, one])));
  }

  /** What lies beside the buffer; later notes are of a later time. */
  learn({ fingerprint, deciders, subjects, pods }: EventNotes): void {
    this.learnDeciders(fingerprint, deciders);
    for (const [incarnation, pod] of subjects) this.#subjects.set(incarnation, pod);
    this.#pods = pods;
  }

  name(event: PacketEvent): NamedEvent {
    const { cell, direction, nanoseconds, length, laterFragment, icmpType } = event;
    const protocol = PROTOCOLS[event.protocol] ?? String(event.protocol);
    const ports = WITH_PORTS.includes(protocol) && !laterFragment;
    const peerAddress = formatAddress(event.remote);
    const decider = this.#deciders.get(event.fingerprint)?.get(cell.decider);
    return {
      nanoseconds,
      verdict: cell.verdict,
      reject: cell.reject,
      reason: cell.reason,
      direction,
      pod: this.#subjects.get(event.incarnation),
      address: formatAddress(event.local),
      peerAddress,
      peer: this.#pods[peerAddress],
      protocol,
      podPort: ports ? event.localPort : undefined,
      peerPort: ports ? event.remotePort : undefined,
      icmpType: WITH_TYPES.includes(protocol) && !laterFragment ? icmpType : undefined,
      laterFragment,
      length,
      rule: decider === undefined ? undefined : withoutId(decider),
    };
  }
}

function withoutId({ name, path, line, column }: LoggingDecider): Omit<LoggingDecider, 'id'> {
  return { name, path, line, column };
}
