/** What speaks before or beside addresses: DHCP, neighbour discovery, listeners, ARP. */
import {
  concat,
  ETHER,
  ethernet,
  frame,
  icmp,
  option,
  PROTO,
  SYN,
  tcp,
  udp,
} from '../support/frames.js';
import { from, packetCase, to, type PacketCase } from './case.js';
import { CLOSED, ISOLATED, NOTHING_SELECTED } from './policies.js';
import { OUTSIDE, OUTSIDE6, OWN_NODE6, UNBOUND6, X, X6, Y, Y6 } from './world.js';

const DEFAULT = 'pass judged default -';
const SPOOFED = 'drop spoofed';

const segment = (
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
  flags = SYN,
): Uint8Array => frame(source, destination, PROTO.tcp, tcp(sourcePort, destinationPort, flags));

const dhcp = (source: string, from4: number, to4: number): Uint8Array =>
  frame(source, '255.255.255.255', PROTO.udp, udp(from4, to4));
const dhcp6 = (source: string, from6: number, to6: number): Uint8Array =>
  frame(source, 'ff02::1:2', PROTO.udp, udp(from6, to6));

const configuration = [
  packetCase(
    'a DHCP client has no address yet',
    NOTHING_SELECTED,
    from('x', dhcp('0.0.0.0', 68, 67), DEFAULT),
    from('x', dhcp('0.0.0.0', 67, 68), SPOOFED),
    from('x', dhcp('0.0.0.0', 68, 68), SPOOFED),
    from('x', dhcp('0.0.0.0', 67, 67), SPOOFED),
    from('x', dhcp(OUTSIDE, 68, 67), SPOOFED),
    from('x', dhcp(Y, 68, 67), SPOOFED),
    from('x', segment('0.0.0.0', 68, OUTSIDE, 67), SPOOFED),
    from('x', dhcp6('fe80::1', 546, 547), DEFAULT),
    from('x', dhcp6('fe80::1', 547, 546), SPOOFED),
    from('x', dhcp6('fe80::1', 546, 546), SPOOFED),
    from('x', dhcp6('fe80::1', 547, 547), SPOOFED),
    from('x', dhcp6('fe80::1', 68, 67), SPOOFED),
    from('x', dhcp6(OUTSIDE6, 546, 547), SPOOFED),
    from('x', dhcp6(Y6, 546, 547), SPOOFED),
    from('x', dhcp('0.0.0.0', 546, 547), SPOOFED),
    from('six', dhcp('0.0.0.0', 68, 67), DEFAULT),
    from('four', dhcp6('fe80::1', 546, 547), DEFAULT),
  ),
  packetCase(
    'DHCP is judged by policies as anything else',
    CLOSED,
    from('x', dhcp('0.0.0.0', 68, 67), ISOLATED),
    from('x', dhcp6('fe80::1', 546, 547), ISOLATED),
    from('x', dhcp(X, 68, 67), ISOLATED),
  ),
];

const neighbourly = (
  source: string,
  destination: string,
  type: number,
  hopLimit = 255,
): Uint8Array =>
  frame(source, destination, PROTO.icmpv6, icmp(type, 0, new Uint8Array(16)), { hopLimit });
const listening = (source: string, destination: string, type: number, hopLimit = 1): Uint8Array =>
  frame(source, destination, PROTO.icmpv6, icmp(type), { hopLimit, extensions: [option(0)] });

const NEIGHBOUR = 'pass neighbour';

const neighbours = [
  packetCase(
    'neighbour discovery of a closed pod',
    CLOSED,
    from('x', neighbourly('::', 'ff02::1:ff00:10', 135), NEIGHBOUR),
    from('x', neighbourly('fe80::1', 'ff02::2', 133), NEIGHBOUR),
    from('x', neighbourly('fe80::1', 'fe80::2', 135), NEIGHBOUR),
    from('x', neighbourly(X6, 'ff02::1', 136), NEIGHBOUR),
    from('x', neighbourly('::', 'ff02::1:ff00:10', 135, 254), SPOOFED),
    from('x', neighbourly(X6, 'ff02::1', 136, 64), ISOLATED),
    from('x', neighbourly(X6, 'ff02::1', 137), ISOLATED),
    from('x', neighbourly(X6, 'ff02::1', 138), ISOLATED),
    from('x', neighbourly(X6, 'ff02::1', 132), ISOLATED),
    to('x', neighbourly('fe80::1', 'ff02::1', 133), NEIGHBOUR),
    to('x', neighbourly('fe80::1', 'ff02::1', 134), NEIGHBOUR),
    to('x', neighbourly('fe80::1', X6, 135), NEIGHBOUR),
    to('x', neighbourly('fe80::1', X6, 136), NEIGHBOUR),
    to('x', neighbourly('fe80::1', X6, 134, 254), ISOLATED),
    to('x', neighbourly('fe80::1', X6, 137), ISOLATED),
  ),
  packetCase(
    'no pod is a router',
    NOTHING_SELECTED,
    from('x', neighbourly('fe80::1', 'ff02::1', 134), SPOOFED),
    from('x', neighbourly('fe80::1', 'ff02::1', 137), SPOOFED),
  ),
  packetCase(
    'neighbour discovery beyond the link is no neighbour discovery',
    CLOSED,
    from('x', neighbourly(X6, OUTSIDE6, 135), ISOLATED),
    from('x', neighbourly(X6, OUTSIDE6, 136), ISOLATED),
    from('x', neighbourly(X6, OUTSIDE6, 133), ISOLATED),
    from('x', neighbourly(X6, UNBOUND6, 136), ISOLATED),
    from('x', neighbourly(X6, 'ff0e::1', 136), ISOLATED),
    from('x', neighbourly(X6, 'ff05::2', 133), ISOLATED),
    from('x', neighbourly(OUTSIDE6, OUTSIDE6, 136), SPOOFED),
    from('x', neighbourly(X6, OWN_NODE6, 135), NEIGHBOUR),
    from('x', neighbourly(X6, OWN_NODE6, 136), NEIGHBOUR),
    from('x', neighbourly(X6, Y6, 136), NEIGHBOUR),
    from('x', neighbourly(X6, 'fec0::1', 136), ISOLATED),
  ),
  packetCase(
    'multicast listeners of a closed pod',
    CLOSED,
    from('x', listening('::', 'ff02::16', 143), NEIGHBOUR),
    from('x', listening('fe80::1', 'ff02::1:3', 131), NEIGHBOUR),
    from('x', listening('fe80::1', 'ff02::2', 132), NEIGHBOUR),
    from('x', listening('fe80::1', 'ff02::1', 130), SPOOFED),
    from('x', listening(X6, 'ff02::1', 130), ISOLATED),
    from('x', listening('fe80::1', 'ff02::16', 143, 2), SPOOFED),
    from('x', listening(X6, 'ff02::16', 143, 2), ISOLATED),
    from('x', listening(X6, OUTSIDE6, 143), ISOLATED),
    from('x', neighbourly(X6, 'ff02::1', 135, 1), ISOLATED),
    to('x', listening('fe80::1', 'ff02::1', 130), NEIGHBOUR),
    to('x', listening('fe80::1', 'ff02::16', 143), NEIGHBOUR),
    to('x', listening('fe80::1', 'ff02::16', 131), NEIGHBOUR),
    to('x', listening('fe80::1', 'ff02::2', 132), NEIGHBOUR),
    to('x', listening('fe80::1', 'ff02::2', 133), ISOLATED),
    to('x', listening('fe80::1', 'ff02::1', 130, 2), ISOLATED),
  ),
  packetCase(
    'ARP passes, whatever else is not IP does not',
    CLOSED,
    from('x', ethernet(ETHER.arp, new Uint8Array(28)), NEIGHBOUR),
    to('x', ethernet(ETHER.arp, new Uint8Array(28)), NEIGHBOUR),
    ...[
      0x8035, 0x88cc, 0x8847, 0x8863, 0x9100, 0x88e5, 0x0026, 0x0000, 0xffff, 0x0608, 0x0008,
    ].flatMap((type) => [
      from('x', ethernet(type, new Uint8Array(60)), 'drop not-ip'),
      to('x', ethernet(type, new Uint8Array(60)), 'drop not-ip'),
    ]),
  ),
  packetCase(
    'where nothing isolates, what is not IP is dropped all the same',
    NOTHING_SELECTED,
    from('x', ethernet(0x88cc, concat(new Uint8Array(60))), 'drop not-ip'),
  ),
];

export const NEIGHBOUR_CASES: readonly PacketCase[] = [...configuration, ...neighbours];
