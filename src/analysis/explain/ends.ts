/** Who the ends of the question are, and which single ports speak for the ranges that are asked about. */
import { parseAddress } from '../../address.js';
import { portIndex, PORT_INDEX } from '../../codegen/layout.js';
import { bug, InputError } from '../../diagnostics.js';
import type { Pod } from '../../ir/cluster.js';
import type { Flow } from '../../ir/flows.js';
import {
  connectEnds,
  isDiagnostic,
  type EndDirectory,
  type EndPlace,
  type KnownEnd,
} from '../../ir/flows/ends.js';
import type { Interpreter } from '../../ir/interpret.js';
import type { AddressBook } from '../../ir/interpret/addresses.js';
import { protocolAt, type PortInterval, type PortSet } from '../port-set.js';

/** Addresses that people know for examples (RFC 5737, RFC 3849). */
const EXAMPLES = ['203.0.113.1', '198.51.100.1', '192.0.2.1', '2001:db8::1'];
const OUTSIDE = 'outside';

/**
 * The end of that name; `outside` is an example address that nothing in the cluster holds.
 * @throws InputError where nothing is called so
 */
export function findEnd(
  text: string,
  option: string,
  directory: EndDirectory,
  other: KnownEnd | undefined,
): KnownEnd {
  if (text === OUTSIDE) return outsideEnd(directory.book, other);
  const found = directory.find(text, placeOf(option));
  if (isDiagnostic(found)) throw new InputError([found]);
  return found;
}

/** Of the families that the other end has. */
function outsideEnd(book: AddressBook, other: KnownEnd | undefined): KnownEnd {
  const addresses = ([4, 6] as const).flatMap((family) => {
    if (other?.addresses.some((one) => one.family === family) === false) return [];
    const example = EXAMPLES.map((text) => parseAddress(text) ?? bug(`${text} is no address`)).find(
      (one) => one.family === family && book.holderOf(one) === undefined && !book.isUnbound(one),
    );
    return example ?? [];
  });
  return { text: OUTSIDE, kind: 'address', addresses };
}

function placeOf(option: string): EndPlace {
  return { where: `\`${option}\``, span: undefined };
}

const DEFAULT_SOURCE_PORT = 49152;
/** Echo request (RFC 792, RFC 4443). */
const ECHO_REQUEST = { ICMP: 8, ICMPv6: 128 } as const;

/**
 * The flow of one port index between the ends.
 * @throws InputError if they share no address family
 */
export function flowAt(book: AddressBook, from: KnownEnd, to: KnownEnd, index: number): Flow {
  const known = protocolAt(index);
  const place: EndPlace = { where: 'the question', span: undefined };
  const port = { index: 0, sourcePort: DEFAULT_SOURCE_PORT, icmpType: 0, icmpCode: 0 };
  const plain = connectEnds(
    book,
    { ...port, protocol: known?.protocol ?? 'TCP', port: known?.port ?? 0 },
    from,
    to,
    place,
  );
  if (isDiagnostic(plain)) throw new InputError([plain]);
  if (known !== undefined) return plain;
  const protocol: 'ICMP' | 'ICMPv6' = plain.family === 4 ? 'ICMP' : 'ICMPv6';
  const icmpType = ECHO_REQUEST[protocol];
  const shape = { index: 0, protocol, sourcePort: 0, port: 0, icmpType, icmpCode: 0 };
  const echo = connectEnds(book, shape, from, to, place);
  return isDiagnostic(echo) ? bug('an echo goes between other families than a segment') : echo;
}

/** Ports that people know, for ranges that hold them. */
const FAMILIAR = [
  portIndex('TCP', 443),
  portIndex('TCP', 80),
  portIndex('UDP', 53),
  portIndex('TCP', 8080),
];

/** A stretch of ports that nothing in the policies tells apart, and one of them. */
export interface Segment {
  readonly ports: PortInterval;
  readonly sample: number;
}

/**
 * Cuts the ports at every boundary that the rules of both sides, the destination's named ports and a
 * Service's ports make.
 * @param flow between the ends, on any port
 */
export function segmentsOf(
  asked: PortSet,
  flow: Flow,
  interpreter: Interpreter,
  book: AddressBook,
): readonly Segment[] {
  const cuts = new Set<number>();
  const cut = (first: number, last: number): void => {
    cuts.add(first);
    cuts.add(last + 1);
  };
  for (let group = 0; group < 4; group += 1) cut(group << 16, (group << 16) | 0xffff);
  const service = book.holderOf(flow.to.address)?.service;
  const receivers = service === undefined ? receiversOf(flow) : [];
  for (const { protocol, port } of [
    ...receivers.flatMap(({ ports }) => ports),
    ...(service?.ports ?? []),
  ]) {
    cut(portIndex(protocol, port), portIndex(protocol, port));
  }
  for (const rule of service === undefined ? rulesOf(flow, interpreter) : []) {
    if (rule.ports !== 'every') {
      for (const match of rule.ports) {
        if (match.kind !== 'range') continue;
        cut(portIndex(match.protocol, match.first), portIndex(match.protocol, match.last));
      }
    }
    for (const peer of rule.peers) {
      if (peer.kind !== 'service') continue;
      for (const { targetPort, protocol } of interpreter.targetPortsOf(peer, flow.to.address)) {
        cut(portIndex(protocol, targetPort), portIndex(protocol, targetPort));
      }
    }
  }
  const known = [
    ...receivers.flatMap(({ ports }) => ports).map((one) => portIndex(one.protocol, one.port)),
    ...FAMILIAR,
  ];
  const sorted = [...cuts].sort((a, b) => a - b);
  return asked.flatMap((interval) => cutInterval(interval, sorted, known));
}

function cutInterval(
  [first, last]: PortInterval,
  cuts: readonly number[],
  known: readonly number[],
): readonly Segment[] {
  const starts = [first, ...cuts.filter((at) => at > first && at <= last)];
  return starts.map((start, i) => {
    const end = (starts[i + 1] ?? last + 1) - 1;
    const familiar = known.find((one) => start <= one && one <= end);
    // Port 0 is a port like others to policies, but a strange one to people.
    const plain = (start & 0xffff) === 0 && start < end && start < PORT_INDEX.other;
    return { ports: [start, end], sample: familiar ?? (plain ? start + 1 : start) };
  });
}

function receiversOf({ targets }: Flow): readonly Pod[] {
  return targets.flatMap(({ pod }) => pod ?? []);
}

function rulesOf(flow: Flow, interpreter: Interpreter): ReturnType<Interpreter['rulesOf']> {
  const { pod } = flow.from;
  return [
    ...(pod === undefined ? [] : interpreter.rulesAbout(pod, 'egress', flow.to.address)),
    ...receiversOf(flow).flatMap((one) =>
      interpreter.rulesAbout(one, 'ingress', flow.from.address),
    ),
  ];
}
