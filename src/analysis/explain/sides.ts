/** The sides of a flow: who is asked, what each answers, and why, clause by clause. */
import { addressKey, type Address } from '../../address.js';
import type { PacketPath, PathTracer } from '../../codegen/packet-path.js';
import { bug } from '../../diagnostics.js';
import type { Pod, Service } from '../../ir/cluster.js';
import type { Flow } from '../../ir/flows.js';
import { hasPorts, type Interpreter, type JudgeOptions } from '../../ir/interpret.js';
import type { AddressBook, AddressHolder } from '../../ir/interpret/addresses.js';
import type { SideTrace } from '../../ir/interpret/trace.js';
import type { Direction } from '../../ir/model.js';
import type { Judgement } from '../../ir/normal-model.js';

/** What stands at the other end of a side: an address, and who holds it. */
export interface Remote {
  readonly address: Address;
  readonly holder: AddressHolder | undefined;
  readonly unbound: boolean;
}

/** One packet that a side is asked about; behind a Service one for each endpoint. */
export interface SideCase {
  readonly remote: Remote;
  /** The destination port behind the Service. */
  readonly port: number;
  readonly judgement: Judgement;
  /** None where the policies are not asked: a pod's own address, or its node. */
  readonly trace: SideTrace | undefined;
  /** Endpoints with the same answer by the same decider. */
  readonly alike: number;
}

export interface Side {
  readonly direction: Direction;
  readonly subject: Pod;
  /** The port of the packet at this side. */
  readonly port: number;
  readonly remote: Remote;
  readonly judgement: Judgement;
  readonly options: JudgeOptions;
  /** The Service that the packet is addressed to, at the sender's side. */
  readonly service: Service | undefined;
  readonly cases: readonly SideCase[];
  /** Further endpoints that answer the same by the same decider. */
  readonly alike: readonly Pod[];
}

/** Egress first. A side that has no policy pod is not there: nothing is asked of it. */
export function sidesOf(flow: Flow, interpreter: Interpreter, book: AddressBook): readonly Side[] {
  return [...egressSide(flow, interpreter, book), ...ingressSides(flow, interpreter, book)];
}

function optionsOf(flow: Flow, localOrigin: boolean): JudgeOptions {
  const { sourcePort, icmpType, icmpCode } = flow;
  return { localOrigin, sourcePort, icmpType, icmpCode };
}

export function remoteAt(book: AddressBook, address: Address): Remote {
  return { address, holder: book.holderOf(address), unbound: book.isUnbound(address) };
}

function egressSide(flow: Flow, interpreter: Interpreter, book: AddressBook): readonly Side[] {
  const { from, to, protocol, port } = flow;
  const subject = from.pod;
  if (subject === undefined) return [];
  const options = optionsOf(flow, false);
  const judgement = interpreter.judge(subject, 'egress', to.address, protocol, port, options);
  const remote = remoteAt(book, to.address);
  const service = hasPorts(protocol) ? remote.holder?.service : undefined;
  const side = { direction: 'egress' as const, subject, port, remote, judgement, options, service };
  const alike: readonly Pod[] = [];
  if (judgement.reason === 'self') return [{ ...side, service: undefined, cases: [], alike }];
  if (service === undefined) {
    const trace = interpreter.trace(subject, 'egress', to.address, protocol, port);
    return [{ ...side, cases: [{ remote, port, judgement, trace, alike: 1 }], alike }];
  }
  const targets = new Map(flow.targets.map((one) => [addressKey(one.address), one.port]));
  const endpoints = interpreter.judgeEndpoints(subject, to.address, protocol, port);
  const groups = groupBy(endpoints, (one) => {
    const at = targets.get(addressKey(one.address)) ?? bug('an endpoint is no target');
    return `${at} ${answerKey(one.judgement)}`;
  });
  const cases = groups.map(([first, ...others]): SideCase => {
    const at = targets.get(addressKey(first.address)) ?? bug('an endpoint is no target');
    return {
      remote: remoteAt(book, first.address),
      port: at,
      judgement: first.judgement,
      trace: interpreter.trace(subject, 'egress', first.address, protocol, at),
      alike: 1 + others.length,
    };
  });
  return [{ ...side, cases, alike }];
}

function ingressSides(flow: Flow, interpreter: Interpreter, book: AddressBook): readonly Side[] {
  const { from, protocol, targets } = flow;
  const remote = remoteAt(book, from.address);
  const asked = targets.flatMap(({ pod, port }) => {
    if (pod === undefined) return [];
    const localOrigin = from.node !== undefined && from.node === pod.node;
    const options = optionsOf(flow, localOrigin);
    const judgement = interpreter.judge(pod, 'ingress', from.address, protocol, port, options);
    return [{ pod, port, options, judgement }];
  });
  const groups = groupBy(asked, ({ port, judgement }) => `${port} ${answerKey(judgement)}`);
  return groups.map(([first, ...others]): Side => {
    const { pod: subject, port, options, judgement } = first;
    const exempt = judgement.reason === 'self' || judgement.reason === 'own-node';
    const trace = exempt
      ? undefined
      : interpreter.trace(subject, 'ingress', from.address, protocol, port);
    return {
      direction: 'ingress',
      subject,
      port,
      remote,
      judgement,
      options,
      service: undefined,
      cases: [{ remote, port, judgement, trace, alike: 1 }],
      alike: others.map(({ pod }) => pod),
    };
  });
}

export function answerKey({ verdict, reason, decider }: Judgement): string {
  return `${verdict} ${reason} ${decider}`;
}

function groupBy<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): readonly (readonly [Item, ...Item[]])[] {
  const groups = new Map<string, [Item, ...Item[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/**
 * What the bytecode does with the side's packet.
 * INVARIANT: it is what the model says; anything else is a fault of policyc.
 */
export function pathOf(side: Side, flow: Flow, tracer: PathTracer): PacketPath {
  const { subject, direction, remote, port, judgement, options } = side;
  const path = tracer(subject, direction, remote.address, flow.protocol, port, options);
  if (answerKey(path.judgement) !== answerKey(judgement)) {
    const who = `${subject.namespace}/${subject.name}`;
    bug(
      `at the ${direction} of ${who} the bytecode says \`${answerKey(path.judgement)}\`, and the model \`${answerKey(judgement)}\``,
    );
  }
  return path;
}
