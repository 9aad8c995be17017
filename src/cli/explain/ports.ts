/** Reads the ports of a question: `5432/tcp`, `8000-8100/udp`, `any/tcp`, `icmp`, `any`, with commas between. */
import { unitePorts, type PortInterval, type PortSet } from '../../analysis/port-set.js';
import { portIndex, PORT_INDEX } from '../../codegen/layout.js';
import { diagnostic, InputError } from '../../diagnostics.js';
import { nearestName } from '../../did-you-mean.js';
import type { PortProtocol } from '../../ir/model.js';

const PROTOCOLS: ReadonlyMap<string, PortProtocol> = new Map([
  ['tcp', 'TCP'],
  ['udp', 'UDP'],
  ['sctp', 'SCTP'],
]);
const LAST_PORT = 0xffff;
const OTHERS: PortInterval = [PORT_INDEX.other, PORT_INDEX.other];

/** @throws InputError where it cannot be read */
export function readPorts(text: string): PortSet {
  return unitePorts(text.split(',').map((item) => readItem(item.trim().toLowerCase(), text)));
}

function readItem(item: string, whole: string): PortSet {
  if (item === 'any') {
    return [...PROTOCOLS.values()].map((one) => intervalOf(one, 0, LAST_PORT)).concat([OTHERS]);
  }
  if (item === 'icmp' || item === 'icmpv6') return [OTHERS];
  const bare = PROTOCOLS.get(item);
  if (bare !== undefined) return [intervalOf(bare, 0, LAST_PORT)];
  const match = /^(any|(\d{1,6})(?:-(\d{1,6}))?)(?:\/(.*))?$/.exec(item);
  if (match === null) return refuse(whole, 'write `5432/tcp`, `8000-8100/udp`, `icmp` or `any`');
  const [, numbers = '', firstText, lastText, protocolText] = match;
  if (protocolText === undefined) {
    return refuse(whole, `write the protocol too, such as \`${numbers}/tcp\``);
  }
  const protocol = PROTOCOLS.get(protocolText);
  if (protocol === undefined) {
    const near = nearestName(protocolText, PROTOCOLS.keys());
    return refuse(
      whole,
      near === undefined
        ? 'the protocols with ports are tcp, udp and sctp'
        : `did you mean \`${numbers}/${near}\`?`,
    );
  }
  if (firstText === undefined) return [intervalOf(protocol, 0, LAST_PORT)];
  const first = Number(firstText);
  const last = lastText === undefined ? first : Number(lastText);
  if (last > LAST_PORT) return refuse(whole, `the last port is ${LAST_PORT}`);
  if (first > last)
    return refuse(whole, `write the lower port first: \`${last}-${first}/${protocolText}\``);
  return [intervalOf(protocol, first, last)];
}

function intervalOf(protocol: PortProtocol, first: number, last: number): PortInterval {
  return [portIndex(protocol, first), portIndex(protocol, last)];
}

function refuse(text: string, hint: string): never {
  throw new InputError([diagnostic('explain/bad-port', { text, hint })]);
}
