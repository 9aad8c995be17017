/** The typed face of the native addon: handles, and functions with options over its strict calls. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { diagnostic, InputError } from '../diagnostics.js';
import { KernelError } from './kernel-error.js';

/**
 * Every handle owns a descriptor that is closed by `close`, by the garbage collector, or when its
 * thread ends. `close` may be called again; everything else then throws ERR_POLICYC_STATE.
 */
interface Handle {
  readonly closed: boolean;
  close(): void;
}

/** What a map is. `valueBytes` is what `update` takes: per-CPU maps hold a rounded value for each CPU. */
export interface MapFacts {
  readonly id: number;
  readonly type: number;
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly valueBytes: number;
}

/** Keys and values laid end to end, in the kernel's order. */
export interface MapEntries {
  readonly keys: Buffer;
  readonly values: Buffer;
}

export interface MapHandle extends Handle {
  shape(): MapFacts;
  update(key: Uint8Array, value: Uint8Array, flags: number): void;
  /**
   * Writes whole keys with their values, in order. Entries before a failing one stay written; the
   * error says how many. True if the kernel took them as one batch, false if they went one by one.
   */
  updateBatch(keys: Uint8Array, values: Uint8Array, flags: number): boolean;
  /** Puts a program into a prog_array: what `bpf_tail_call` jumps to. */
  setProgram(key: Uint8Array, program: ProgramHandle): void;
  setMap(key: Uint8Array, map: MapHandle): void;
  lookup(key: Uint8Array): Buffer | undefined;
  /** False if there was no such entry. */
  delete(key: Uint8Array): boolean;
  /** The key after `before`, or the first one; undefined at the end. */
  nextKey(before?: Uint8Array): Buffer | undefined;
  /** All entries. A hash that changes meanwhile may show an entry twice or not at all. */
  dump(): MapEntries;
  /** Refuses every later write from user space. Constants of a read-only map are then known to the verifier. */
  freeze(): void;
  pin(path: string): void;
  /** Stores into a mappable array by memory writes; `offset` is in bytes from the first element. */
  writeMapped(offset: number, bytes: Uint8Array): void;
  /** One atomic store that also publishes everything written before it. */
  storeMapped32(offset: number, value: number): void;
  readMapped(offset: number, length: number): Buffer;
}

export interface ProgramFacts {
  readonly id: number;
  readonly type: number;
  readonly name: string;
  /** The kernel's digest of the instructions, 16 hex digits. */
  readonly tag: string;
  readonly translatedBytes: number;
  readonly jitedBytes: number;
  /** How many instructions the verifier walked; 0 before Linux 5.16. */
  readonly verifiedInstructions: number;
  readonly mapCount: number;
  /** Counted only while kernel.bpf_stats_enabled is 1. */
  readonly runCount: number;
  readonly runTimeNs: number;
}

export interface TestRunResult {
  /** What the program returned. */
  readonly result: number;
  readonly packet: Buffer;
  /** The context after the run; empty if none was given. */
  readonly context: Buffer;
  /** The mean of all repetitions. */
  readonly durationNs: number;
}

/** What a program leads to. */
export interface ProgramReach {
  /**
   * The kernel's functions that it calls, as distances from `__bpf_call_base`; 12 stands for a tail
   * call, and 0 for a distance that the kernel does not tell.
   */
  readonly calls: readonly number[];
  readonly mapIds: readonly number[];
}

export interface ProgramHandle extends Handle {
  facts(): ProgramFacts;
  reach(): ProgramReach;
  /** BPF_PROG_TEST_RUN; see `testSkb` for packets. `room` is how much the packet may grow, in bytes. */
  testRun(
    packet: Uint8Array,
    context: Uint8Array | undefined,
    repeat: number,
    room: number,
  ): TestRunResult;
  pin(path: string): void;
}

export interface ObjectProgram {
  readonly name: string;
  readonly section: string;
  readonly type: number;
  readonly expectedAttachType: number;
  readonly instructions: number;
}

export interface ObjectMap {
  /** As in `.maps`; a data section's map is named after its section (`.rodata.cells`). */
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Whether it stands for a data section. */
  readonly section: boolean;
}

export interface ObjectHandle extends Handle {
  programs(): readonly ObjectProgram[];
  maps(): readonly ObjectMap[];
  /**
   * Loads the object with this map in place of its own: how tables get the size that the node needs,
   * and how generations share one map. For a data section the map must be an array of one value.
   */
  reuseMap(name: string, map: MapHandle): void;
  resizeMap(name: string, maxEntries: number): void;
  setProgramType(name: string, type: number, expectedAttachType: number): void;
  /** Whether `load` loads this program; all are loaded unless said otherwise. */
  setAutoload(name: string, load: boolean): void;
  /** Creates the maps and loads the programs, once. Returns the verifier's log if `logLevel` is not 0. */
  load(logLevel: number): string;
  /** A handle of its own: it outlives the object. */
  program(name: string): ProgramHandle;
  map(name: string): MapHandle;
}

export interface LinkFacts {
  readonly id: number;
  readonly type: number;
  readonly programId: number;
  /** 0 once the link is detached or its interface is gone. Only tcx links have it. */
  readonly interfaceIndex?: number;
  readonly attachType?: number;
}

/** Unless it is pinned, closing a link detaches its program, and so does the garbage collector. */
export interface LinkHandle extends Handle {
  facts(): LinkFacts;
  /** Replaces the program in one step: every packet meets the old one or the new one. */
  update(program: ProgramHandle): void;
  detach(): void;
  pin(path: string): void;
}

/** The programs of a tcx hook, first to last. `revision` changes with every attach and detach. */
export interface TcxChain {
  readonly revision: number;
  readonly chain: readonly { readonly programId: number; readonly linkId: number }[];
}

/** A filter of a clsact hook; `programId` is 0 unless `kind` is `bpf`. */
export interface ClassicFilter {
  readonly handle: number;
  readonly priority: number;
  /** EtherType; 3 stands for all. */
  readonly protocol: number;
  readonly kind: string;
  readonly name: string;
  readonly programId: number;
  /** Whether the program's result is the verdict; else it is a class. */
  readonly directAction: boolean;
}

export interface NetworkInterface {
  readonly index: number;
  readonly name: string;
  /** As `ip link` knows it, such as `veth`; empty for hardware. */
  readonly kind: string;
  /** 0 without one. */
  readonly xdpProgramId: number;
}

export interface RingBufferHandle extends Handle {
  /** Takes up to `limit` records that are there now, oldest first. Never waits. */
  consume(limit: number): readonly Buffer[];
}

/** The addon's exports. All arguments are positional and checked again in C++. */
export interface NativeDoor {
  install(failure: (operation: string, errno: number, log: string) => Error): void;
  createMap(
    type: number,
    name: string,
    keySize: number,
    valueSize: number,
    maxEntries: number,
    flags: number,
    inner: MapHandle | undefined,
  ): MapHandle;
  openPinnedMap(path: string): MapHandle;
  openMapById(id: number): MapHandle;
  loadProgram(
    type: number,
    name: string,
    license: string,
    expectedAttachType: number,
    instructions: Uint8Array,
    maps: readonly MapHandle[],
  ): ProgramHandle;
  openPinnedProgram(path: string): ProgramHandle;
  openProgramById(id: number): ProgramHandle;
  openObject(bytes: Uint8Array, name: string): ObjectHandle;
  /** `expectedRevision` makes the kernel refuse (ESTALE) if the chain has changed since; 0 does not care. */
  attachTcx(
    program: ProgramHandle,
    interfaceIndex: number,
    attachType: number,
    first: boolean,
    expectedRevision: number,
  ): LinkHandle;
  queryTcx(interfaceIndex: number, attachType: number): TcxChain;
  openPinnedLink(path: string): LinkHandle;
  openLinkById(id: number): LinkHandle;
  /** False if the interface had a clsact qdisc already. */
  createClsact(interfaceIndex: number): boolean;
  destroyClsact(interfaceIndex: number): void;
  /** Attaches with direct action. Without `replace` an equal handle and priority is EEXIST. */
  attachClassic(
    program: ProgramHandle,
    interfaceIndex: number,
    ingress: boolean,
    handle: number,
    priority: number,
    replace: boolean,
  ): void;
  /** False if there was no such filter. */
  detachClassic(
    interfaceIndex: number,
    ingress: boolean,
    handle: number,
    priority: number,
  ): boolean;
  /** Every filter of the hook, whoever attached it. */
  queryClassic(interfaceIndex: number, ingress: boolean): readonly ClassicFilter[];
  openRingBuffer(map: MapHandle): RingBufferHandle;
  /** Of this thread's network namespace. */
  listInterfaces(): readonly NetworkInterface[];
  /** Undefined if there is no such interface in this process's network namespace. */
  interfaceIndex(name: string): number | undefined;
  isBpffs(path: string): boolean;
  mountBpffs(path: string): void;
  unmount(path: string): void;
  /** Locks a folder against other processes: gives what lets go, or undefined if another holds it. */
  lockFolder(path: string): (() => void) | undefined;
  /** Moves this thread, by a path such as `/run/netns/NAME`; gives what moves it back. */
  joinNetworkNamespace(path: string): () => void;
  /**
   * The number that this thread's network namespace has for the one at the other end of a veth;
   * undefined if the other end is not in another one.
   */
  peerNamespaceId(interfaceIndex: number): number | undefined;
  /** The number that this thread's network namespace has for the one at a path; undefined if it has none. */
  namespaceId(path: string): number | undefined;
  /**
   * All TCP and UDP sockets of the network namespace at a path, 40 bytes each: u8 family (2 or 10), u8
   * protocol, u8 state (enum in include/net/tcp_states.h), u8 zero, u16 local port, u16 remote port, local
   * and remote address of 16 bytes, an IPv4 address in the first 4.
   */
  listSockets(path: string): Buffer;
  /** Blocks until no CPU still runs a program, or reads a map, that was replaced before the call. */
  waitForReaders(): void;
  /** Whether membarrier(2) does that wait; kernels with nohz_full refuse it. */
  hasMembarrier(): boolean;
  possibleCpus(): number;
  libbpfVersion(): string;
}

let loaded: NativeDoor | undefined;

/** Where `make build` puts the addon: under the folder of the nearest package.json. */
export function addonPath(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder)
    folder = dirname(folder);
  return join(folder, 'build', 'Release', 'policyc_native.node');
}

/**
 * The addon, loaded at the first call so that everything kernel-free works without it.
 *
 * @throws {InputError} `kernel/addon-missing` or `kernel/addon-unusable`
 */
export function nativeDoor(): NativeDoor {
  loaded ??= loadAddon(addonPath());
  return loaded;
}

/** Loads an addon from a path of the caller's. @throws {InputError} as `nativeDoor` does */
export function loadAddon(path: string): NativeDoor {
  if (!existsSync(path)) throw new InputError([diagnostic('kernel/addon-missing', { path })]);
  let door: NativeDoor;
  try {
    door = createRequire(import.meta.url)(path) as NativeDoor;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError([diagnostic('kernel/addon-unusable', { path, reason })]);
  }
  door.install((operation, errno, log) => new KernelError(operation, errno, log));
  return door;
}
