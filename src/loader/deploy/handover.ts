/** Handover: connections that were open before state was needed get theirs, and those that are cut are told. */
import { formatAddress, type Address } from '../../address.js';
import type { BoundSubject, MapContents } from '../../codegen/contents.js';
import { decodeCell, EVENT_MAPS, OUTCOMES, PASS } from '../../codegen/layout.js';
import { buildPacket } from '../../codegen/packets.js';
import type { Direction } from '../../ir/model.js';
import { bug } from '../../diagnostics.js';
import { listedName } from '../bpffs.js';
import { layout, programPath } from './pins.js';
import { isHeld, type InForce } from './recover.js';
import { podKey, type Endpoint } from '../endpoints.js';
import { KernelError } from '../kernel-error.js';
import { nativeDoor, type ProgramHandle } from '../native.js';
import {
  closeShared,
  createSharedMaps,
  loadAnyPod,
  type AnyPodPrograms,
  type LoadedContents,
  type PodDirection,
  type SharedMaps,
} from '../pod-programs.js';
import { listSockets, namespacePaths, openConnections, type OpenConnection } from '../sockets.js';
import { testSkb } from '../test-skb.js';

/** An open connection that the new generation denies. */
export interface Cut {
  /** `namespace/name`. */
  readonly pod: string;
  /** Which way it was opened: `egress` by the pod, `ingress` by the peer. */
  readonly direction: Direction;
  readonly protocol: 'TCP' | 'UDP';
  readonly localPort: number;
  readonly peer: string;
  readonly peerPort: number;
  /** Why its packets are dropped: the cell's reason, or the outcome where no policy denied. */
  readonly reason: string;
  /** The number of the rule or policy that denied; 0 for none. */
  readonly decider: number;
}

export interface Handover {
  /** Connections that got state. */
  readonly kept: number;
  readonly cut: readonly Cut[];
  /** Pods whose sockets could not be looked at, and why: what they have open is cut if it needs state. */
  readonly unseen: readonly { readonly pod: string; readonly reason: string }[];
}

export interface HandoverOptions {
  readonly root: string;
  readonly object: Uint8Array;
  readonly contents: MapContents;
  readonly endpoints: readonly Endpoint[];
  readonly old: Pick<InForce, 'generation'>;
  readonly loaded: LoadedContents;
}

const FLAGS = { fin: 0x01, syn: 0x02, ack: 0x10 } as const;

/**
 * Plays the packets of each open connection to the new generation's own programs, which make state for
 * it where it is needed and nowhere else, or deny it.
 */
export class HandoverRun {
  readonly #seen = new Set<string>();
  readonly #cut: Cut[] = [];
  readonly #unseen = new Map<string, string>();
  #kept = 0;
  #judge: AnyPodPrograms | undefined;
  #own: SharedMaps | undefined;
  #paths: ReadonlyMap<number, string> | undefined;

  constructor(private readonly options: HandoverOptions) {}

  /** Looks at all connections that it has not seen yet. @throws {KernelError} */
  look(): void {
    const { contents, endpoints } = this.options;
    for (const endpoint of endpoints) {
      const subject = contents.subjects.find((one) => podKey(one) === podKey(endpoint));
      if (subject === undefined) bug(`${podKey(endpoint)} is not bound`);
      const fresh = this.#connections(endpoint, subject).filter((one) =>
        this.#isNew(endpoint, one),
      );
      if (fresh.length > 0) this.#judgeAll(subject, fresh);
    }
  }

  get result(): Handover {
    const unseen = [...this.#unseen].map(([pod, reason]) => ({ pod, reason }));
    return { kept: this.#kept, cut: this.#cut, unseen };
  }

  close(): void {
    this.#judge?.close();
    if (this.#own !== undefined) closeShared(this.#own);
  }

  #connections(endpoint: Endpoint, subject: BoundSubject): readonly OpenConnection[] {
    const pod = podKey(endpoint);
    try {
      const id = nativeDoor().peerNamespaceId(endpoint.interfaceIndex);
      if (id === undefined) {
        this.#unseen.set(
          pod,
          `\`${endpoint.device}\` has no other end in another network namespace`,
        );
        return [];
      }
      this.#paths ??= namespacePaths();
      const path = this.#paths.get(id);
      if (path === undefined) {
        this.#unseen.set(pod, 'no process and no name shows its network namespace');
        return [];
      }
      return openConnections(listSockets(path), subject.addresses);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#unseen.set(pod, error.message);
      return [];
    }
  }

  #isNew(endpoint: Endpoint, connection: OpenConnection): boolean {
    const { protocol, localPort, remote, remotePort } = connection;
    const key = `${podKey(endpoint)} ${protocol} ${localPort} ${formatAddress(remote)} ${remotePort}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }

  #judgeAll(subject: BoundSubject, connections: readonly OpenConnection[]): void {
    const programs = this.#programsOf(subject);
    const before = this.#openBefore(subject);
    try {
      for (const one of connections) this.#handOver(subject, one, programs, before);
    } finally {
      if (before !== undefined) for (const program of Object.values(before)) program.close();
    }
  }

  #handOver(
    { namespace, name }: BoundSubject,
    connection: OpenConnection,
    now: Programs,
    before: Programs | undefined,
  ): void {
    const ends = before === undefined ? makeState(now, connection) : goOn(now, before, connection);
    const denied = ends.find(({ passed }) => !passed);
    if (denied === undefined) {
      if (ends.some(({ outcome }) => outcome === 'reply')) this.#kept += 1;
      return;
    }
    const { opened, protocol, localPort, remote, remotePort } = connection;
    this.#cut.push({
      pod: `${namespace}/${name}`,
      direction: opened ? 'egress' : 'ingress',
      protocol,
      localPort,
      peer: formatAddress(remote),
      peerPort: remotePort,
      reason: denied.reason,
      decider: denied.decider,
    });
  }

  /** The pod's own, unless they would log packets that nobody sent. */
  #programsOf(subject: BoundSubject): Programs {
    const { object, contents, loaded } = this.options;
    const apart = Object.values(EVENT_MAPS).map(({ name }) => name);
    const maps = contents.maps.filter(({ name }) => apart.includes(name));
    if (maps.length === 0) {
      const pod = loaded.pods.find((one) => one.subject === subject);
      return pod?.programs ?? bug(`no programs of ${podKey(subject)}`);
    }
    if (this.#judge === undefined) {
      this.#own = createSharedMaps({ ...contents, tables: [], maps });
      const shared = {
        tables: loaded.shared.tables,
        maps: new Map([...loaded.shared.maps, ...this.#own.maps]),
      };
      this.#judge = loadAnyPod(object, contents, shared);
    }
    this.#judge.become(subject);
    return this.#judge.programs;
  }

  /** The programs that judge the pod until now; undefined if none do. */
  #openBefore(subject: BoundSubject): Programs | undefined {
    const { root, old } = this.options;
    const { generation } = old;
    if (generation === undefined || !isHeld(root, old, listedName(podKey(subject))))
      return undefined;
    const folder = layout.generation(root, generation);
    const open = (direction: PodDirection): ProgramHandle =>
      nativeDoor().openPinnedProgram(programPath(folder, subject, direction));
    return { to_pod: open('to_pod'), from_pod: open('from_pod') };
  }
}

type Programs = Readonly<Record<PodDirection, ProgramHandle>>;

interface End {
  readonly passed: boolean;
  readonly outcome: string;
  readonly reason: string;
  readonly decider: number;
}

/**
 * A connection that was judged before: if it passed without state, and now needs some, it gets it. What
 * did not pass is not cut by the new generation. UDP makes its own state with the pod's next packet.
 */
function goOn(now: Programs, before: Programs, connection: OpenConnection): readonly End[] {
  if (connection.protocol === 'UDP' || !play(before, connection, 'forward', FLAGS.ack).passed)
    return [];
  const data = play(now, connection, 'forward', FLAGS.ack);
  if (!data.passed) return [data];
  const answer = play(before, connection, 'back', FLAGS.ack);
  return answer.passed && answer.outcome === 'judged' ? makeState(now, connection) : [];
}

/** What the programs see when a connection is opened and answered, as far as it has come. */
function makeState(programs: Programs, connection: OpenConnection): readonly End[] {
  const { opened, phase } = connection;
  const first = play(programs, connection, 'forward', FLAGS.syn);
  if (phase === 'opening' || !first.passed) return [first];
  const answer = play(programs, connection, 'back', FLAGS.syn | FLAGS.ack);
  if (phase === 'established') return [first, answer];
  const last = play(programs, connection, opened ? 'forward' : 'back', FLAGS.fin | FLAGS.ack);
  return [first, answer, last];
}

/**
 * A packet of the connection, from who opened it or back. It comes in by no interface, so that the own
 * node's connections are taken for its own and not for forwarded ones.
 */
function play(
  programs: Programs,
  connection: OpenConnection,
  way: 'forward' | 'back',
  tcpFlags: number,
): End {
  const { protocol, local, localPort, remote, remotePort, opened } = connection;
  const fromPod = opened === (way === 'forward');
  const own: [Address, number] = [local, localPort];
  const other: [Address, number] = [remote, remotePort];
  const [[source, sourcePort], [destination, destinationPort]] = fromPod
    ? [own, other]
    : [other, own];
  const packet = buildPacket({
    source,
    sourcePort,
    destination,
    destinationPort,
    protocol,
    tcpFlags,
  });
  const ran = testSkb(fromPod ? programs.from_pod : programs.to_pod, packet);
  const [word = 0, outcome = 0] = ran.cb;
  const cell = word === 0 ? undefined : decodeCell(word);
  const name = OUTCOMES[outcome] ?? 'none';
  return {
    passed: ran.action === PASS,
    outcome: name,
    reason: name === 'judged' ? (cell?.reason ?? name) : name,
    decider: cell?.decider ?? 0,
  };
}
