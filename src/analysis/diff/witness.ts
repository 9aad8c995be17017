/** Witnesses: for a pair of ends and some ports, one flow as `eval` reads it. */
import { formatAddress, parseAddress, type Address, type Family } from '../../address.js';
import { portIndex, PORT_INDEX } from '../../codegen/layout.js';
import { bug } from '../../diagnostics.js';
import type { AddressSpace } from '../address-space.js';
import type { WitnessEnd, WitnessPair } from '../findings.js';
import { hasPort, protocolAt, type PortSet } from '../port-set.js';
import type { FlowEntry } from '../report.js';
import { addressOf } from '../universe.js';

/** Ports that people know, for sets that hold them. */
const FAMILIAR = [
  portIndex('TCP', 443),
  portIndex('TCP', 80),
  portIndex('UDP', 53),
  portIndex('TCP', 8080),
];

/** Addresses that people know for examples (RFC 5737, RFC 3849), for classes that hold them. */
const EXAMPLES = ['203.0.113.1', '198.51.100.1', '2001:db8::1'];

export function witnessFlow(
  { from, to, family }: WitnessPair,
  ports: PortSet,
  space: AddressSpace,
): FlowEntry {
  const index = choosePort(ports, to);
  const ends = { from: nameEnd(from, to, family, space), to: nameEnd(to, from, family, space) };
  const known = protocolAt(index);
  if (known === undefined) return { ...ends, protocol: family === 4 ? 'ICMP' : 'ICMPv6' };
  return { ...ends, ...known };
}

/** The pod's own ports first. */
function choosePort(ports: PortSet, to: WitnessEnd): number {
  const named =
    to.kind === 'pod'
      ? to.pod.pod.ports.map(({ protocol, port }) => portIndex(protocol, port))
      : [];
  const familiar = [...named, ...FAMILIAR].find((one) => hasPort(ports, one));
  const [first = 0, last = 0] = ports[0] ?? [];
  if (familiar !== undefined) return familiar;
  // Port 0 is a port like others to policies, but a strange one to people.
  return (first & 0xffff) === 0 && first < PORT_INDEX.other && first < last ? first + 1 : first;
}

/** `eval` takes IPv4 where both ends have it; for IPv6 the addresses are written out. */
function nameEnd(end: WitnessEnd, other: WitnessEnd, family: Family, space: AddressSpace): string {
  if (end.kind === 'address') return formatAddress(exampleIn(end, family, space));
  const ambiguous = family === 6 && hasIpv4(end) && hasIpv4(other);
  if (end.kind === 'pod') {
    const { pod } = end.pod;
    const address =
      addressOf(pod, family) ?? bug(`${pod.namespace}/${pod.name} has no IPv${family}`);
    return ambiguous ? formatAddress(address) : `${pod.namespace}/${pod.name}`;
  }
  const { service } = end.target;
  const address = service.addresses.find((one) => one.family === family);
  if (ambiguous && address !== undefined) return formatAddress(address);
  return `service ${service.namespace}/${service.name}`;
}

function hasIpv4(end: WitnessEnd): boolean {
  switch (end.kind) {
    case 'pod':
      return addressOf(end.pod.pod, 4) !== undefined;
    case 'service':
      return end.target.service.addresses.some(({ family }) => family === 4);
    case 'address':
      return false;
  }
}

/** A well-known address of the class, else one that is not the first of its network. */
function exampleIn(
  { one }: Extract<WitnessEnd, { kind: 'address' }>,
  family: Family,
  space: AddressSpace,
): Address {
  const intervals = space.of(one.id).filter((interval) => interval.family === family);
  for (const text of EXAMPLES) {
    const example = parseAddress(text);
    if (example?.family !== family) continue;
    if (intervals.some(({ first, last }) => first <= example.value && example.value <= last)) {
      return example;
    }
  }
  const widest = intervals.reduce<(typeof intervals)[number] | undefined>(
    (best, next) =>
      best === undefined || next.last - next.first > best.last - best.first ? next : best,
    undefined,
  );
  if (widest === undefined) return bug(`an address class has no IPv${family} address`);
  const { first, last } = widest;
  return { family, value: last - first > 1n ? first + 1n : first };
}
