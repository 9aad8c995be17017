/** Applies a bound bundle to a node: loads a whole generation, then puts all of it in force by one store. */
import type { BoundSubject, MapContents } from '../codegen/contents.js';
import type { Half } from '../codegen/layout.js';
import { bug, diagnostic, InputError, type Diagnostic } from '../diagnostics.js';
import { listedName, listPins, removePins } from './bpffs.js';
import { attachGates, takeBack, type AttachedGate, type Placement } from './deploy/attach.js';
import { refuseBypasses } from './deploy/bypass.js';
import { HandoverRun, type Handover } from './deploy/handover.js';
import { openControl, otherHalf, writeControl } from './deploy/control.js';
import {
  closeGate,
  listGates,
  openGate,
  openShut,
  removeGate,
  renewGate,
  repinGate,
  shutHalf,
  type Gate,
} from './deploy/gates.js';
import type { Attachment, HookKind, Hooks } from './deploy/hook.js';
import { hooksOf, supportedHookKind } from './deploy/hooks.js';
import {
  ensureRoot,
  faultsAsDiagnostics,
  layout,
  listGenerations,
  pinGeneration,
  withLock,
} from './deploy/pins.js';
import type { GenerationRecord } from './deploy/record.js';
import { isHeld, recoverHalves, type InForce } from './deploy/recover.js';
import { fillSlots, gateOf } from './deploy/slots.js';
import { openState, pinState, removeOtherState } from './deploy/state.js';
import { podKey, type Endpoint } from './endpoints.js';
import { kernelDiagnostic, KernelError } from './kernel-error.js';
import { nativeDoor, type MapHandle, type ProgramHandle } from './native.js';
import { loadContents, POD_DIRECTIONS } from './pod-programs.js';

export interface ApplyOptions {
  /** In a BPF file system. */
  readonly root: string;
  /** The bundle's object of the contents' variant. */
  readonly object: Uint8Array;
  readonly contents: MapContents;
  /** One for each subject of the contents. */
  readonly endpoints: readonly Endpoint[];
  readonly node: string;
  /** Digest of the bundle. */
  readonly digest: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The best that the kernel has, unless said otherwise. */
  readonly hooks?: HookKind;
  /** Called with what is cut before anything is attached or put in force; what it throws leaves all as it was. */
  readonly beforeCut?: (handover: Handover) => void;
}

export interface ApplyResult {
  readonly generation: number;
  /** Pods, as `namespace/name`, that had no program before. */
  readonly attached: readonly string[];
  /** Pods whose programs were replaced. */
  readonly replaced: readonly string[];
  /** Pods that are no longer on the node. */
  readonly removed: readonly string[];
  /** From the first store to the last packet that the old generation judged. */
  readonly swapMilliseconds: number;
  /** What became of connections that were open. */
  readonly handover: Handover;
}

/**
 * Puts the contents in force for all endpoints at once. Where something fails before that, what was
 * in force stays so, whole, and nothing of the attempt is left.
 *
 * @throws {InputError} with what the kernel refused, and what is in force now
 */
export function applyContents(options: ApplyOptions): ApplyResult {
  const { root } = options;
  return faultsAsDiagnostics(() => {
    ensureRoot(root);
    return withLock(root, () => applyLocked(options));
  });
}

/** One apply: what it found, and what it has made so far. */
interface Apply {
  readonly options: ApplyOptions;
  readonly hooks: Hooks;
  readonly control: MapHandle;
  readonly shut: ProgramHandle;
  readonly old: InForce;
  /** The half that the new generation is put into. */
  readonly half: Half;
  readonly generation: number;
  readonly before: readonly Attachment[];
  /** By the pods' listed names. */
  readonly gates: Map<string, Gate>;
  readonly attached: AttachedGate[];
  /** Paths that the way back removes. */
  readonly begun: string[];
}

function applyLocked(options: ApplyOptions): ApplyResult {
  const { root } = options;
  const hooks = hooksOf(options.hooks ?? supportedHookKind(), root);
  hooks.recover();
  const control = openControl(root);
  const shut = openShut(root);
  const gates = new Map<string, Gate>();
  try {
    const old = recoverHalves(root, control, shut);
    const before = hooks.list();
    refuseBypasses(options.endpoints, before);
    const half = otherHalf(old.half);
    const generation = (listGenerations(root).at(-1) ?? 0) + 1;
    const begun = [layout.generation(root, generation)];
    const attached: AttachedGate[] = [];
    const apply = {
      options,
      hooks,
      control,
      shut,
      old,
      half,
      generation,
      before,
      gates,
      attached,
      begun,
    };
    const { start, handover } = prepare(apply);
    const end = finish(apply);
    return { ...resultOf(apply), swapMilliseconds: Number(end - start) / 1e6, handover };
  } finally {
    gates.forEach(closeGate);
    shut.close();
    control.close();
  }
}

/** Everything that may fail, and the flip at last. Returns when the swap began, in nanoseconds, and what was handed over. */
function prepare(apply: Apply): { readonly start: bigint; readonly handover: Handover } {
  const { options, hooks, before, gates, attached, old, half, generation, begun } = apply;
  const { root, contents, endpoints } = options;
  try {
    for (const endpoint of endpoints) {
      const pod = listedName(podKey(endpoint));
      const gate = openGate(root, pod, apply.control);
      gates.set(pod, isBehind(before, pod) ? renewGate(gate, apply.control) : gate);
    }
    const halvesOf = (subject: BoundSubject): MapHandle =>
      gateOf(gates, listedName(podKey(subject))).halves;
    const source = openState.bind(undefined, root);
    if (endpoints.length !== contents.subjects.length)
      bug('endpoints and subjects differ in number');
    const { object } = options;
    const loaded = loadContents(object, contents, source, { half, halvesOf });
    const open = new HandoverRun({ root, object, contents, endpoints, old, loaded });
    try {
      pinGeneration(
        layout.generation(root, generation),
        recordOf(apply.options, apply.half),
        loaded,
      );
      begun.push(...pinState(root, contents.maps, loaded));
      fillSlots({ root, old, half, gates, pods: loaded.pods });
      open.look();
      options.beforeCut?.(open.result);
      attachGates(hooks, before, placementsOf(apply), attached);
      const start = process.hrtime.bigint();
      askBoth(apply);
      // What was opened since: from here on the new half sees every first packet.
      open.look();
      writeControl(apply.control, { half, both: false });
      return { start, handover: open.result };
    } finally {
      open.close();
      loaded.close();
    }
  } catch (error) {
    throw explain(apply, error, goBack(apply));
  }
}

/** Filters have fixed places: only links can be put before what has come before them. */
function isBehind(before: readonly Attachment[], pod: string): boolean {
  return before.some((one) => one.pod === pod && one.kind === 'tcx' && one.behind > 0);
}

/** What the generation that an apply makes says of itself. */
export function recordOf(options: ApplyOptions, half: Half): GenerationRecord {
  const { contents, endpoints, node, digest, now } = options;
  return {
    format: 2,
    digest,
    variant: contents.variant,
    half,
    node,
    since: new Date(now).toISOString(),
    devices: Object.fromEntries(endpoints.map((one) => [podKey(one), one.device])),
  };
}

function placementsOf({ options, gates }: Apply): readonly Placement[] {
  return options.endpoints.flatMap((endpoint) => {
    const { device, interfaceIndex } = endpoint;
    const pod = listedName(podKey(endpoint));
    const { programs } = gateOf(gates, pod);
    return POD_DIRECTIONS.map((direction) => ({
      hook: { pod, direction, interfaceIndex },
      device,
      gate: programs[direction],
    }));
  });
}

/**
 * From the first store until the second a packet passes only if both generations allow it, so that
 * none meets the old one at one hook and the new one at another and passes where each of them has a
 * hook that denies it. Returns when no packet is left that only the old one judges.
 */
function askBoth({ control, old }: Apply): void {
  writeControl(control, { half: old.half, both: true });
  nativeDoor().waitForReaders();
}

/** Removes what the flip has left behind. Returns when the last packet had left the old half. */
function finish(apply: Apply): bigint {
  const { generation } = apply;
  try {
    nativeDoor().waitForReaders();
    const end = process.hrtime.bigint();
    tidy(apply);
    return end;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new InputError([
      kernelDiagnostic(error),
      diagnostic('deploy/not-tidied', { generation }),
    ]);
  }
}

/** Frees the old half, and lets go of pods that are gone. */
function tidy({ options, hooks, shut, old, generation, before, gates, attached }: Apply): void {
  const { root, contents } = options;
  for (const { pending } of attached) pending.settle();
  for (const gate of gates.values()) if (isBehind(before, gate.pod)) repinGate(root, gate);
  for (const attachment of before) {
    if (!gates.has(attachment.pod)) hooks.remove(attachment);
  }
  for (const pod of listGates(root)) {
    if (gates.has(pod)) shutHalf(root, pod, old.half, shut);
    else removeGate(root, pod);
  }
  for (const other of listGenerations(root)) {
    if (other !== generation) removePins(layout.generation(root, other));
  }
  removeOtherState(root, contents.maps);
}

/** Takes back all that was made, while the old generation judges. */
function goBack(apply: Apply): readonly Diagnostic[] {
  const { options, hooks, control, shut, old, half, attached, begun } = apply;
  const { root } = options;
  writeControl(control, { half: old.half, both: false });
  nativeDoor().waitForReaders();
  const left = takeBack(root, attached);
  for (const attachment of hooks.list()) {
    if (!isHeld(root, old, attachment.pod)) hooks.remove(attachment);
  }
  for (const pod of listGates(root)) {
    if (isHeld(root, old, pod)) shutHalf(root, pod, half, shut);
    else removeGate(root, pod);
  }
  begun.forEach(removePins);
  return left;
}

/** Adds to what went wrong what it means for the node: nothing has changed. */
function explain(
  { options, old, before }: Apply,
  error: unknown,
  left: readonly Diagnostic[],
): unknown {
  const { root } = options;
  const said = error instanceof KernelError ? [kernelDiagnostic(error)] : undefined;
  const diagnostics = said ?? (error instanceof InputError ? error.diagnostics : undefined);
  if (diagnostics === undefined) return error;
  const attached = old.generation !== undefined;
  if (!attached && before.length === 0 && listPins(layout.links(root)).length === 0) {
    removePins(root);
  }
  return new InputError([...diagnostics, ...left, diagnostic('deploy/kept', { root, attached })]);
}

function resultOf({
  options,
  generation,
  before,
}: Apply): Omit<ApplyResult, 'swapMilliseconds' | 'handover'> {
  const names = options.endpoints.map((one) => listedName(podKey(one)));
  const had = new Set(
    before.filter(({ interfaceIndex }) => interfaceIndex !== 0).map(({ pod }) => pod),
  );
  const kept = new Set(names);
  return {
    generation,
    attached: names.filter((name) => !had.has(name)),
    replaced: names.filter((name) => had.has(name)),
    removed: [...new Set(before.map(({ pod }) => pod))].filter((pod) => !kept.has(pod)),
  };
}
