/** What all flow logs are read to: who talked to whom over what, and what became of it. */
import { isArray, isObject, type JsonObject, type JsonValue } from '../yaml/value.js';

export type SeenProtocol = 'TCP' | 'UDP' | 'SCTP' | 'ICMP' | 'ICMPv6';

/** One end of a flow, as far as the log tells; a log that aggregates leaves out addresses or names. */
export interface SeenEnd {
  readonly address?: string;
  readonly namespace?: string;
  readonly pod?: string;
  /** What the names of several pods begin with. */
  readonly podPrefix?: string;
  readonly workload?: string;
  /** `key=value`, those of the pod. */
  readonly labels?: readonly string[];
  /** `key=value`, those of its namespace. */
  readonly namespaceLabels?: readonly string[];
  /** Who it is, where the log says that it is no pod. */
  readonly kind?: 'own-node' | 'other-node' | 'outside' | 'public' | 'private';
  /** The node that is meant by `own-node` and `other-node`, where the log names it. */
  readonly node?: string;
  /** A name as `policyc eval` takes it. */
  readonly name?: string;
}

export interface SeenFlow {
  readonly from: SeenEnd;
  readonly to: SeenEnd;
  readonly protocol: SeenProtocol;
  /** The destination port of the connection; 0 for ICMP. */
  readonly port: number;
  readonly verdict: 'allow' | 'deny';
  /**
   * Where that was seen. What leaves a pod may still be denied where it arrives; what is allowed to
   * arrive was let out too. `both` is a connection that was answered, or known as a whole.
   */
  readonly side: 'egress' | 'ingress' | 'both' | 'unknown';
  readonly count: number;
  /** Milliseconds since the epoch; undefined where the log has no time. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  /** The log does not say which packet opened the connection: the higher port was taken for the client's. */
  readonly guessed: boolean;
}

/** Why a record is about no connection that policies decide. */
export const SKIP_REASONS = {
  'no-verdict': 'records without a verdict on the packet',
  'not-policy': 'drops for reasons other than policy',
  'denied-reply': 'denied packets that look like replies',
  'icmp-error': 'ICMP errors, which belong to the connection that they quote',
  neighbours: 'neighbour discovery and multicast listener reports',
  health: "the engine's own health checks",
  socket: 'translations at sockets, before a packet was sent',
  lost: 'events that the log itself says are lost',
  expired: 'connections that ended',
  fragment: 'later fragments, which have no ports',
  protocol: 'protocols other than TCP, UDP, SCTP and ICMP',
  other: 'lines about other things than flows',
} as const;
export type SkipReason = keyof typeof SKIP_REASONS;

export type LogLine =
  | { readonly kind: 'flow'; readonly flow: SeenFlow }
  | {
      readonly kind: 'skip';
      readonly why: SkipReason;
      /** Such as the reason of a drop. */
      readonly detail?: string;
      readonly count: number;
    }
  | { readonly kind: 'bad'; readonly problem: string };

export function bad(problem: string): LogLine {
  return { kind: 'bad', problem };
}

export function skip(why: SkipReason, detail?: string, count = 1): LogLine {
  return { kind: 'skip', why, count, ...(detail === undefined ? {} : { detail }) };
}

/** Protocol numbers (IANA) and names, as logs write them. */
const PROTOCOLS: Readonly<Record<string, SeenProtocol>> = {
  tcp: 'TCP',
  6: 'TCP',
  udp: 'UDP',
  17: 'UDP',
  sctp: 'SCTP',
  132: 'SCTP',
  icmp: 'ICMP',
  icmpv4: 'ICMP',
  1: 'ICMP',
  icmp6: 'ICMPv6',
  icmpv6: 'ICMPv6',
  58: 'ICMPv6',
};

export function protocolOf(value: JsonValue | undefined): SeenProtocol | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  return PROTOCOLS[String(value).toLowerCase()];
}

/**
 * Which ICMP messages are connections of their own: requests are, their answers belong to them, and the
 * rest are errors (RFC 792, RFC 4443) or of the link (RFC 4861, RFC 2710, RFC 3810).
 */
export function icmpRole(
  protocol: SeenProtocol,
  type: number,
): 'request' | 'reply' | 'icmp-error' | 'neighbours' {
  if (protocol === 'ICMP') {
    if (type === 0 || type === 14) return 'reply';
    return type === 3 || type === 4 || type === 5 || type === 11 || type === 12
      ? 'icmp-error'
      : 'request';
  }
  if (type === 129) return 'reply';
  if (type < 128) return 'icmp-error';
  return type === 128 || type > 161 ? 'request' : 'neighbours';
}

/** The first port that Linux gives to clients (net.ipv4.ip_local_port_range). */
const FIRST_EPHEMERAL = 32768;

/** Where a log does not say who opened the connection: a service answers a client's high port. */
export function looksLikeReply(sourcePort: number, port: number): boolean {
  return sourcePort > 0 && sourcePort < FIRST_EPHEMERAL && port >= FIRST_EPHEMERAL;
}

export function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function numberOf(value: JsonValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  // 64-bit numbers are texts in protobuf's JSON.
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : undefined;
}

export function portOf(value: JsonValue | undefined): number | undefined {
  const port = numberOf(value);
  return port !== undefined && Number.isInteger(port) && port >= 0 && port <= 65535
    ? port
    : undefined;
}

export function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

export function textsOf(value: JsonValue | undefined): readonly string[] {
  return isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** A number of records; one, where the log has none that can be one. */
export function countOf(value: JsonValue | undefined): number {
  const count = numberOf(value);
  return count !== undefined && Number.isSafeInteger(count) && count > 0 ? count : 1;
}

/** The last millisecond that RFC 3339 can write. */
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** RFC 3339, or seconds or milliseconds since the epoch. */
export function timeOf(value: JsonValue | undefined): number | undefined {
  const time = typeof value === 'string' && !/^\d+$/.test(value) ? Date.parse(value) : epoch(value);
  return time !== undefined && time >= 0 && time <= LAST_TIME ? Math.floor(time) : undefined;
}

function epoch(value: JsonValue | undefined): number | undefined {
  const number = numberOf(value);
  if (number === undefined) return undefined;
  // Seconds reach this in the year 5138, milliseconds did in 1973.
  return number < 1e11 ? number * 1000 : number;
}
