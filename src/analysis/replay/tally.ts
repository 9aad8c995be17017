/** What logs have seen, added up: one entry for all flows that no policy can tell apart. */
import { addressKey, formatAddress, type Address, type Family } from '../../address.js';
import type { ClusterSnapshot } from '../../ir/cluster.js';
import type { NormalModel } from '../../ir/normal-model.js';
import type { SeenEnd, SeenFlow, SeenProtocol } from '../../parser/flow-log/record.js';
import { selectedKeys } from './cells.js';
import { partyKey, PartyDirectory, UNKNOWN_ENDS, type KnownParty, type UnknownEnd } from './who.js';

export interface SeenAt {
  readonly path: string;
  readonly line: number;
}

/** How often, between when, and where first. */
export interface Sightings {
  count: number;
  first: number | undefined;
  last: number | undefined;
  at: SeenAt;
}

export interface TallyEntry {
  readonly from: KnownParty;
  readonly to: KnownParty;
  /** Of the first flow; others may differ in what policies cannot see. */
  readonly fromAddress: Address;
  readonly toAddress: Address;
  readonly protocol: SeenProtocol;
  readonly port: number;
  /** What was seen on each side; where the log does not say on which, `some`. */
  readonly allowed: Record<'egress' | 'ingress' | 'some', Sightings | undefined>;
  readonly denied: Record<'egress' | 'ingress' | 'some', Sightings | undefined>;
  /** Addresses outside that took part, as many as are worth telling. */
  readonly outside: Set<string>;
}

export interface UnknownFlows {
  /** Such as `an address of the pod ranges that no pod of the snapshot has`. */
  readonly why: string;
  /** The end, as the log has it. */
  readonly end: string;
  count: number;
  readonly at: SeenAt;
}

/** The period that a log covers. */
export interface Period {
  readonly first: number;
  readonly last: number;
}

const MOST_OUTSIDE = 1000;
const MOST_REMEMBERED = 50_000;
const MOST_UNKNOWN = 1000;

export interface TallyOptions {
  /** Addresses outside stay apart even where no policy tells them apart. */
  readonly everyAddress: boolean;
}

export class FlowTally {
  readonly directory: PartyDirectory;
  readonly #entries = new Map<string, TallyEntry>();
  readonly #parties = new Map<string, KnownParty | UnknownEnd>();
  readonly #classes = new Map<string, number>();
  readonly #classOf = new WeakMap<KnownParty, Map<Family, number>>();
  readonly #unknown = new Map<string, UnknownFlows>();
  readonly #keys: ReadonlySet<string>;
  #first = Infinity;
  #last = -Infinity;

  constructor(
    cluster: ClusterSnapshot,
    models: readonly NormalModel[],
    private readonly options: TallyOptions,
  ) {
    this.directory = new PartyDirectory(cluster, models, options.everyAddress);
    this.#keys = selectedKeys(models);
  }

  get entries(): readonly TallyEntry[] {
    return [...this.#entries.values()];
  }

  get unknown(): readonly UnknownFlows[] {
    return [...this.#unknown.values()].sort((a, b) => b.count - a.count);
  }

  /** Undefined where the logs have no times. */
  get period(): Period | undefined {
    return this.#first > this.#last ? undefined : { first: this.#first, last: this.#last };
  }

  add(flow: SeenFlow, at: SeenAt): void {
    if (flow.first !== undefined && flow.first < this.#first) this.#first = flow.first;
    if (flow.last !== undefined && flow.last > this.#last) this.#last = flow.last;
    const from = this.#party(flow.from);
    const to = this.#party(flow.to);
    if (typeof from === 'string') this.#addUnknown(from, flow.from, flow.count, at);
    else if (typeof to === 'string') this.#addUnknown(to, flow.to, flow.count, at);
    else this.#addKnown(from, to, flow, at);
  }

  #addKnown(from: KnownParty, to: KnownParty, flow: SeenFlow, at: SeenAt): void {
    const pair = commonFamily(from, to, flow.protocol);
    if (pair === undefined) {
      this.#addUnknown('families', flow.to, flow.count, at);
      return;
    }
    const [fromAddress, toAddress] = pair;
    const key = [
      this.#class(from, fromAddress),
      this.#class(to, toAddress),
      flow.protocol,
      flow.port,
      this.#relation(from, fromAddress, to, toAddress),
    ].join(' ');
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const { protocol, port } = flow;
      const nothing = { egress: undefined, ingress: undefined, some: undefined };
      entry = {
        ...{ from, to, fromAddress, toAddress, protocol, port },
        allowed: { ...nothing },
        denied: { ...nothing },
        outside: new Set(),
      };
      this.#entries.set(key, entry);
    }
    const sightings = flow.verdict === 'allow' ? entry.allowed : entry.denied;
    // An answer, or a packet that came in, was let out before.
    const side = flow.side === 'both' ? 'ingress' : flow.side === 'unknown' ? 'some' : flow.side;
    sightings[side] = addSightings(sightings[side], flow, at);
    if (entry.outside.size < MOST_OUTSIDE) {
      if (from.who.kind === 'outside' && from.candidates === undefined) {
        entry.outside.add(formatAddress(fromAddress));
      }
      if (to.who.kind === 'outside' && to.candidates === undefined) {
        entry.outside.add(formatAddress(toAddress));
      }
    }
  }

  #party(end: SeenEnd): KnownParty | UnknownEnd {
    const key = endKey(end);
    const known = this.#parties.get(key);
    if (known !== undefined) return known;
    const party = this.directory.find(end);
    if (this.#parties.size >= MOST_REMEMBERED) this.#parties.clear();
    this.#parties.set(key, party);
    return party;
  }

  #class(party: KnownParty, address: Address): number {
    const known = this.#classOf.get(party)?.get(address.family);
    if (known !== undefined) return known;
    const key = this.#classKey(party, address);
    const id = this.#classes.get(key) ?? this.#classes.size;
    this.#classes.set(key, id);
    const ids = this.#classOf.get(party) ?? new Map<Family, number>();
    ids.set(address.family, id);
    this.#classOf.set(party, ids);
    return id;
  }

  #classKey({ who, pod, choice }: KnownParty, address: Address): string {
    const isSingle = this.options.everyAddress && who.kind === 'outside';
    const look =
      pod === undefined
        ? []
        : [[...this.#keys].map((key) => pod.labels.get(key) ?? null), pod.ports];
    return JSON.stringify([
      partyKey(who),
      choice ?? '',
      address.family,
      choice === undefined ? this.directory.cells.signatureOf(address) : '',
      isSingle ? addressKey(address) : '',
      look,
    ]);
  }

  /** What decides beside who the two are by themselves: the own node, oneself, oneself behind a Service. */
  #relation(from: KnownParty, fromAddress: Address, to: KnownParty, toAddress: Address): string {
    const isNode = from.who.kind === 'node' || to.who.kind === 'node';
    if (isNode && from.node !== undefined && from.node === to.node) return 'own-node';
    if (from.pod !== undefined && from.pod === to.pod) return 'self';
    if (from.pod === undefined || to.who.kind !== 'service') return '';
    const service = this.directory.book.holderOf(toAddress)?.service;
    const own = addressKey(fromAddress);
    const isBehind = service?.endpoints.some(({ address }) => addressKey(address) === own);
    return isBehind === true ? 'self' : '';
  }

  #addUnknown(
    why: UnknownEnd | 'families' | 'depends',
    end: SeenEnd,
    count: number,
    at: SeenAt,
  ): void {
    const name = endText(end);
    const full = this.#unknown.size >= MOST_UNKNOWN;
    const key = full ? why : `${why} ${name}`;
    const known = this.#unknown.get(key);
    if (known !== undefined) known.count += count;
    else {
      const text = full ? 'others' : name;
      this.#unknown.set(key, { why: UNKNOWN_ENDS[why], end: text, count, at: { ...at } });
    }
  }
}

/** Equal for ends that mean the same. Labels count where no name of a pod says which it is. */
function endKey(end: SeenEnd): string {
  const { address = '', namespace, pod, kind = '' } = end;
  if (namespace !== undefined && pod !== undefined) return `${address} ${namespace}/${pod}`;
  if (namespace === undefined && end.name === undefined && end.node === undefined) {
    return `${address} ${kind}`;
  }
  const { podPrefix, workload, node, name, labels } = end;
  return JSON.stringify([address, namespace, podPrefix, workload, kind, node, name, labels]);
}

function endText({ name, namespace, pod, podPrefix, address, kind, node }: SeenEnd): string {
  if (name !== undefined) return name;
  if (namespace !== undefined) {
    return `${namespace}/${pod ?? (podPrefix === undefined ? '?' : `${podPrefix}*`)}`;
  }
  return address ?? node ?? kind ?? 'nothing';
}

/** IPv4 where both have it, as `eval` does. */
function commonFamily(
  from: KnownParty,
  to: KnownParty,
  protocol: SeenProtocol,
): readonly [Address, Address] | undefined {
  for (const family of [4, 6] as const) {
    if (protocol === (family === 4 ? 'ICMPv6' : 'ICMP')) continue;
    const a = from.addresses.find((one) => one.family === family);
    const b = to.addresses.find((one) => one.family === family);
    if (a !== undefined && b !== undefined) return [a, b];
  }
  return undefined;
}

function addSightings(
  known: Sightings | undefined,
  { count, first, last }: Pick<SeenFlow, 'count' | 'first' | 'last'>,
  at: SeenAt,
): Sightings {
  if (known === undefined) return { count, first, last, at: { path: at.path, line: at.line } };
  known.count += count;
  if (first !== undefined && !(known.first !== undefined && known.first <= first)) {
    known.first = first;
  }
  if (last !== undefined && !(known.last !== undefined && known.last >= last)) known.last = last;
  return known;
}

/** Sightings of several sides or flows as one; undefined where there are none. */
export function uniteSightings(all: readonly (Sightings | undefined)[]): Sightings | undefined {
  let united: Sightings | undefined;
  for (const one of all) {
    if (one !== undefined) united = addSightings(united, one, one.at);
  }
  return united;
}

/**
 * What became of the flows of an entry. A packet that was let out and denied where it arrived was not
 * carried; one that arrived counts once, though its sender's side was logged as well.
 */
export function outcomeOf({ allowed, denied }: TallyEntry): {
  readonly carried: Sightings | undefined;
  readonly denied: Sightings | undefined;
} {
  const refused = uniteSightings([denied.egress, denied.ingress, denied.some]);
  const { egress, ingress, some } = allowed;
  if (ingress !== undefined) {
    const times = uniteSightings([
      ingress,
      some,
      denied.ingress === undefined ? egress : undefined,
    ]);
    const sent = denied.ingress === undefined ? (egress?.count ?? 0) : 0;
    const count = Math.max(ingress.count, some?.count ?? 0, sent);
    return { carried: times && { ...times, count }, denied: refused };
  }
  if (denied.ingress !== undefined) return { carried: some, denied: refused };
  // The log does not say on which side: each allowed half of a denied connection is one too many.
  const halves = denied.some?.count ?? 0;
  const unclear = some !== undefined && some.count > halves ? some : undefined;
  const times = uniteSightings([egress, unclear]);
  const count = Math.max(egress?.count ?? 0, (unclear?.count ?? 0) - halves);
  return { carried: times && { ...times, count }, denied: refused };
}
