/** Ways into and out of pods that pass none of their hooks: found before anything is put in force. */
import { readFileSync } from 'node:fs';
import { diagnostic, InputError, type Diagnostic } from '../../diagnostics.js';
import type { Attachment } from './hook.js';
import { podKey, type Endpoint } from '../endpoints.js';
import { KernelError } from '../kernel-error.js';
import { nativeDoor, type NetworkInterface, type ProgramHandle } from '../native.js';
import { queryTcx } from '../native-calls.js';
import { mapTypeNumber } from '../uapi.js';

/** The kernel's functions that take a packet past the hooks of tc, by where programs may call them. */
const BYPASSES = {
  tc: ['bpf_redirect_peer'],
  // Whatever XDP redirects to a veth goes to its peer at once (veth_xdp_xmit in drivers/net/veth.c).
  xdp: [
    'bpf_xdp_redirect',
    'bpf_xdp_redirect_map',
    'dev_map_redirect',
    'dev_hash_map_redirect',
    'cpu_map_redirect',
  ],
} as const;
type ProgramPlace = keyof typeof BYPASSES;

/** BPF_FUNC_tail_call, which keeps its number. */
const TAIL_CALL = 12;

interface ForeignProgram {
  readonly id: number;
  readonly place: ProgramPlace;
  readonly device: string;
}

/**
 * @param own what policyc has attached itself
 * @throws {InputError} with every way past the hooks that was found
 */
export function refuseBypasses(endpoints: readonly Endpoint[], own: readonly Attachment[]): void {
  const interfaces = nativeDoor().listInterfaces();
  const known = new Set(own.map(({ programId }) => programId));
  const foreign = foreignPrograms(interfaces).filter(({ id }) => !known.has(id));
  const diagnostics = [...interfaceFaults(endpoints, interfaces), ...programFaults(foreign)];
  if (diagnostics.length > 0) throw new InputError(diagnostics);
}

/** What is wrong with the pods' own interfaces. */
export function interfaceFaults(
  endpoints: readonly Endpoint[],
  interfaces: readonly NetworkInterface[],
): readonly Diagnostic[] {
  const byIndex = new Map(interfaces.map((one) => [one.index, one]));
  return endpoints.flatMap((endpoint): readonly Diagnostic[] => {
    const found = byIndex.get(endpoint.interfaceIndex);
    const { device } = endpoint;
    const pod = podKey(endpoint);
    if (found === undefined) return [];
    if (found.kind === 'netkit') return [diagnostic('deploy/netkit', { pod, device })];
    if (found.kind !== 'veth') {
      return [diagnostic('deploy/not-a-veth', { pod, device, kind: found.kind })];
    }
    if (found.xdpProgramId === 0) return [];
    const name = withProgram(found.xdpProgramId, (program) => program.facts().name) ?? '?';
    return [diagnostic('deploy/xdp-first', { pod, device, name })];
  });
}

/** Each program once, at the first interface that has it. */
function foreignPrograms(interfaces: readonly NetworkInterface[]): readonly ForeignProgram[] {
  const found = new Map<number, ForeignProgram>();
  for (const { index, name: device, xdpProgramId } of interfaces) {
    const put = (id: number, place: ProgramPlace): void => {
      if (id !== 0 && !found.has(id)) found.set(id, { id, place, device });
    };
    put(xdpProgramId, 'xdp');
    for (const id of programsOf(index)) put(id, 'tc');
  }
  return [...found.values()];
}

/** Of both kinds of hooks, whichever policyc uses itself. */
function programsOf(interfaceIndex: number): readonly number[] {
  return ([true, false] as const).flatMap((ingress) => [
    ...orNone(['EINVAL', 'ENODEV'], () =>
      queryTcx(interfaceIndex, ingress ? 'ingress' : 'egress').chain.map((one) => one.programId),
    ),
    ...orNone(['ENODEV'], () =>
      nativeDoor()
        .queryClassic(interfaceIndex, ingress)
        .map((one) => one.programId),
    ),
  ]);
}

/** Nothing where the kernel has no such hooks, or the interface has just gone. */
function orNone(codes: readonly string[], work: () => readonly number[]): readonly number[] {
  try {
    return work();
  } catch (error) {
    if (error instanceof KernelError && codes.includes(error.code)) return [];
    throw error;
  }
}

function programFaults(foreign: readonly ForeignProgram[]): readonly Diagnostic[] {
  if (foreign.length === 0) return [];
  const symbols = readSymbols();
  return foreign.flatMap(({ id, place, device }): readonly Diagnostic[] => {
    const called = new Set<number>();
    const name = withProgram(id, (program) => {
      collectCalls(program, called, new Set());
      return program.facts().name;
    });
    if (name === undefined || called.size === 0) return [];
    if (called.has(0) || symbols === undefined) {
      return [diagnostic('deploy/unseen', { device, name })];
    }
    const call = BYPASSES[place].find((one) => called.has(symbols.get(one) ?? Number.NaN));
    return call === undefined ? [] : [diagnostic('deploy/redirects-past', { device, name, call })];
  });
}

/** The distances of all that a program may call, in the programs that it may jump to as well. */
function collectCalls(program: ProgramHandle, called: Set<number>, seen: Set<number>): void {
  const { id } = program.facts();
  if (seen.has(id)) return;
  seen.add(id);
  const { calls, mapIds } = program.reach();
  for (const distance of calls) if (distance !== TAIL_CALL) called.add(distance);
  if (!calls.includes(TAIL_CALL)) return;
  for (const next of mapIds.flatMap(programsInMap)) {
    withProgram(next, (one) => collectCalls(one, called, seen));
  }
}

function programsInMap(id: number): readonly number[] {
  const map = unlessGone(() => nativeDoor().openMapById(id));
  if (map === undefined) return [];
  try {
    const { type, maxEntries } = map.shape();
    if (type !== mapTypeNumber['prog-array']) return [];
    const key = Buffer.alloc(4);
    return Array.from({ length: maxEntries }, (_, index) => {
      key.writeUInt32LE(index);
      return map.lookup(key)?.readUInt32LE(0) ?? 0;
    }).filter((one) => one !== 0);
  } finally {
    map.close();
  }
}

/** Undefined if the program has gone meanwhile. */
function withProgram<Result>(
  id: number,
  use: (program: ProgramHandle) => Result,
): Result | undefined {
  const program = unlessGone(() => nativeDoor().openProgramById(id));
  if (program === undefined) return undefined;
  try {
    return use(program);
  } finally {
    program.close();
  }
}

function unlessGone<Handle>(open: () => Handle): Handle | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof KernelError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The distances of the functions in question from `__bpf_call_base`; undefined if they are hidden. */
function readSymbols(): ReadonlyMap<string, number> | undefined {
  const wanted = new Set<string>(['__bpf_call_base', ...BYPASSES.tc, ...BYPASSES.xdp]);
  const addresses = new Map<string, bigint>();
  for (const line of readFileSync('/proc/kallsyms', 'utf8').split('\n')) {
    const [address = '', , name = ''] = line.split(/\s/, 3);
    if (wanted.has(name)) addresses.set(name, BigInt(`0x${address}`));
  }
  const from = addresses.get('__bpf_call_base');
  if (from === undefined || from === 0n) return undefined;
  return new Map(
    [...addresses].map(([name, address]) => [name, Number(BigInt.asIntN(32, address - from))]),
  );
}
