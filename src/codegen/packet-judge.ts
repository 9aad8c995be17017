/** Judges flows by running bound programs on packets, in whichever engine runs them. */
import type { Address } from '../address.js';
import { bug } from '../diagnostics.js';
import type { Pod } from '../ir/cluster.js';
import type { Judge } from '../ir/interpret.js';
import type { Direction } from '../ir/model.js';
import type { Judgement } from '../ir/normal-model.js';
import type { MapContents } from './contents.js';
import { decodeCell, DROP, OUTCOMES, PASS, REDIRECT } from './layout.js';
import { buildPacket } from './packets.js';

/** What a run of a program left: its return value, and skb->cb. */
export interface PacketVerdict {
  readonly result: number;
  readonly cb: readonly number[];
}

/** Where bound programs run: the VM, or the kernel. */
export interface PacketRunner {
  /** Runs a subject's program of a direction on a packet. */
  readonly run: (
    subject: number,
    direction: Direction,
    packet: Uint8Array,
    context: { readonly ingressIfindex: number },
  ) => PacketVerdict;
  /** Forgets all connections. */
  readonly forget: () => void;
}

/** The loopback interface: any packet that did not come from the node itself came in somewhere. */
const SOME_INTERFACE = 1;
const DEFAULT_SOURCE_PORT = 49152;

/**
 * Verdict, reason and decider come out of the bytecode; nothing is looked up a second time. Each
 * packet is the first of its flow: what an earlier one left behind must not let it pass as a reply.
 */
export function createPacketJudge(contents: MapContents, runner: PacketRunner): Judge {
  const indexes = new Map(
    contents.subjects.map(({ namespace, name }, i) => [`${namespace}/${name}`, i]),
  );
  return (subject, direction, remote, protocol, port, options) => {
    const index = indexes.get(`${subject.namespace}/${subject.name}`);
    if (index === undefined) bug(`${subject.namespace}/${subject.name} is not bound`);
    const { packet, context } = arrival(subject, direction, remote, protocol, port, options);
    const judgement = judgementOf(runner.run(index, direction, packet, context));
    if (judgement.verdict === 'allow') runner.forget();
    return judgement;
  };
}

/** The first packet of a flow, and how it comes to the subject's hook. */
export function arrival(
  ...[subject, direction, remote, protocol, port, options]: Parameters<Judge>
): {
  readonly packet: Uint8Array;
  readonly context: { readonly ingressIfindex: number };
} {
  const own = ownAddress(subject, remote);
  const [source, destination] = direction === 'ingress' ? [remote, own] : [own, remote];
  const { sourcePort, icmpType, icmpCode } = options;
  const packet = buildPacket({
    source,
    destination,
    protocol,
    sourcePort: sourcePort ?? DEFAULT_SOURCE_PORT,
    destinationPort: port,
    ...(icmpType === undefined ? {} : { icmpType }),
    ...(icmpCode === undefined ? {} : { icmpCode }),
  });
  return { packet, context: { ingressIfindex: options.localOrigin ? 0 : SOME_INTERFACE } };
}

function ownAddress(subject: Pod, remote: Address): Address {
  const own = subject.addresses.find(({ family }) => family === remote.family);
  if (own === undefined) {
    bug(`${subject.namespace}/${subject.name} has no IPv${remote.family} address`);
  }
  return own;
}

export function judgementOf({ result, cb }: PacketVerdict): Judgement {
  const outcome = OUTCOMES[cb[1] ?? 0];
  if (outcome !== 'judged') bug(`a flow's first packet ended as \`${outcome ?? 'nothing'}\``);
  const { verdict, reason, decider, reject } = decodeCell(cb[0] ?? 0);
  if (result !== PASS && result !== DROP && !(result === REDIRECT && reject)) {
    bug(`a program returned ${result}`);
  }
  if ((verdict === 'allow') !== (result === PASS)) bug('a cell and its program disagree');
  return { verdict, reason, decider };
}
