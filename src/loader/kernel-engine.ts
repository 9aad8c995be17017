/** The kernel as a judge: runs bound programs on packets with BPF_PROG_TEST_RUN, attached to nothing. */
import { PROGRAMS, withoutRecent, type MapContents } from '../codegen/contents.js';
import { EVENT_BUFFER_BYTES, EVENT_MAPS } from '../codegen/layout.js';
import { MEMORY_MAPS } from '../codegen/layout/state.js';
import type { VmResult } from '../codegen/vm.js';
import type { PacketContext } from '../codegen/vm/context.js';
import { bug } from '../diagnostics.js';
import type { Direction } from '../ir/model.js';
import { refusalsAsDiagnostics } from './kernel-error.js';
import { nativeDoor, type MapHandle } from './native.js';
import { closeShared, createSharedMaps, loadAnyPod, type AnyPodPrograms } from './pod-programs.js';
import { testRuns } from './test-run-object.js';
import { testSkb, type SkbFields } from './test-skb.js';

export type KernelResult = Pick<VmResult, 'result' | 'cb' | 'packet' | 'mark'>;

export interface KernelRunner {
  /**
   * As the VM's runner.
   *
   * @param subject index into the contents' subjects
   * @throws {InputError} if the kernel refuses
   */
  run(
    subject: number,
    direction: Direction,
    packet: Uint8Array,
    context?: PacketContext,
  ): KernelResult;
  /** Forgets all connections. */
  forget(): void;
  /** The records that runs have put into the ring buffer since the last call. */
  events(): readonly Uint8Array[];
  /** How many records found the ring buffer full. */
  lostEvents(): number;
  close(): void;
}

/**
 * Creates the tables and maps. The programs are loaded once, and become whichever pod is asked about:
 * loading takes the kernel some 50 ms, nearly all of it the verifier.
 *
 * @throws {InputError} if the kernel refuses
 */
export function createKernelRunner(compiled: Uint8Array, bound: MapContents): KernelRunner {
  const contents = withoutRecent(bound);
  const runs = refusalsAsDiagnostics(testRuns);
  const object = runs.object(compiled);
  const shared = refusalsAsDiagnostics(() => createSharedMaps(contents));
  let loaded: AnyPodPrograms | undefined;
  let current: number | undefined;
  const podAt = (index: number): AnyPodPrograms => {
    loaded ??= loadAnyPod(object, contents, shared);
    if (current !== index) loaded.become(contents.subjects[index] ?? bug(`no subject ${index}`));
    current = index;
    return loaded;
  };
  const connections = contents.maps
    .filter(({ name }) => MEMORY_MAPS.includes(name))
    .map(({ name }) => shared.maps.get(name) ?? bug(`no map ${name}`));
  return {
    run: (subject, direction, packet, context = {}) =>
      refusalsAsDiagnostics(() => {
        const program = podAt(subject).programs[PROGRAMS[direction]];
        const ran = testSkb(program, packet, runs.fields(skbFields(context)));
        return { result: ran.action, cb: ran.cb, packet: ran.packet, mark: ran.mark };
      }),
    forget: () => refusalsAsDiagnostics(() => connections.forEach(clear)),
    events: () => refusalsAsDiagnostics(() => drain(shared.maps.get(EVENT_MAPS.events.name))),
    lostEvents: () => refusalsAsDiagnostics(() => count(shared.maps.get(EVENT_MAPS.lost.name))),
    close: () => {
      loaded?.close();
      closeShared(shared);
    },
  };
}

function clear(map: MapHandle): void {
  for (let key = map.nextKey(); key !== undefined; key = map.nextKey()) map.delete(key);
}

function drain(map: MapHandle | undefined): readonly Uint8Array[] {
  if (map === undefined) return [];
  const ring = nativeDoor().openRingBuffer(map);
  try {
    return ring.consume(EVENT_BUFFER_BYTES);
  } finally {
    ring.close();
  }
}

function count(map: MapHandle | undefined): number {
  return Number(map?.lookup(new Uint8Array(EVENT_MAPS.lost.keySize))?.readBigUInt64LE(0) ?? 0n);
}

/** What the kernel lets a test set; the rest it derives from the packet, or refuses. */
function skbFields(context: PacketContext): SkbFields {
  const { mark, priority, ingressIfindex, ifindex, cb, tstamp, gsoSegments, gsoSize } = context;
  const { protocol, pktType, queueMapping, tcIndex, hash, vlan, linearBytes } = context;
  const others = { protocol, pktType, queueMapping, tcIndex, hash, vlan, linearBytes };
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined) bug(`BPF_PROG_TEST_RUN cannot be given \`${name}\``);
  }
  return {
    ...(mark === undefined ? {} : { mark }),
    ...(priority === undefined ? {} : { priority }),
    ...(ingressIfindex === undefined ? {} : { ingressIfindex }),
    ...(ifindex === undefined ? {} : { ifindex }),
    ...(cb === undefined ? {} : { cb }),
    ...(tstamp === undefined ? {} : { timestamp: tstamp }),
    ...(gsoSegments === undefined ? {} : { gsoSegments }),
    ...(gsoSize === undefined ? {} : { gsoSize }),
  };
}
