/** Applies a bound bundle to a node: loads a whole generation, then switches every interface to it. */
import type { BoundSubject, MapContents } from '../codegen/contents.js';
import { bug, diagnostic, InputError } from '../diagnostics.js';
import { listPins, removePins } from './bpffs.js';
import type { Attachment, HookKind, Hooks } from './deploy-hook.js';
import { hooksOf, supportedHookKind } from './deploy-hooks.js';
import {
  ensureRoot,
  faultsAsDiagnostics,
  generationPrograms,
  layout,
  listGenerations,
  pinGeneration,
  withLock,
} from './deploy-pins.js';
import type { GenerationRecord } from './deploy-record.js';
import { openState, pinState, removeOtherState } from './deploy-state.js';
import { HalfSwitched, switchAll, type Placement } from './deploy-switch.js';
import { podKey, type Endpoint } from './endpoints.js';
import { kernelDiagnostic, KernelError } from './kernel-error.js';
import { loadContents, POD_DIRECTIONS, type LoadedContents } from './pod-programs.js';

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
}

export interface ApplyResult {
  readonly generation: number;
  /** Pods, as `namespace/name`, that had no program before. */
  readonly attached: readonly string[];
  /** Pods whose programs were replaced. */
  readonly replaced: readonly string[];
  /** Pods that are no longer on the node. */
  readonly removed: readonly string[];
}

/**
 * Puts the contents in force for all endpoints. Where something fails, what was in force before
 * stays so, whole, and nothing of the attempt is left.
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

function applyLocked(options: ApplyOptions): ApplyResult {
  const { root, contents } = options;
  const kind = options.hooks ?? supportedHookKind();
  const hooks = hooksOf(kind, root);
  hooks.recover();
  const before = hooks.list();
  removeDeadGenerations(root, before);
  const generation = (listGenerations(root).at(-1) ?? 0) + 1;
  const begun: string[] = [layout.generation(root, generation)];
  try {
    const loaded = loadContents(options.object, contents, (map) => openState(root, map));
    try {
      pinGeneration(layout.generation(root, generation), recordOf(options), loaded);
      begun.push(...pinState(root, contents.maps, loaded));
      const pending = switchAll(root, hooks, before, plan(options, loaded));
      for (const one of pending) one.settle();
    } finally {
      loaded.close();
    }
  } catch (error) {
    if (error instanceof HalfSwitched) throw new InputError(error.diagnostics);
    begun.forEach(removePins);
    throw explain(error, root, before);
  }
  const removed = removeGone(hooks, before, options.endpoints);
  for (const older of listGenerations(root)) {
    if (older !== generation) removePins(layout.generation(root, older));
  }
  removeOtherState(root, contents.maps);
  const had = new Set(
    before.filter(({ interfaceIndex }) => interfaceIndex !== 0).map(({ pod }) => pod),
  );
  const names = options.endpoints.map(podKey);
  return {
    generation,
    attached: names.filter((name) => !had.has(name)),
    replaced: names.filter((name) => had.has(name)),
    removed,
  };
}

/** What a process that was killed had loaded, but not yet put at any hook. */
function removeDeadGenerations(root: string, attachments: readonly Attachment[]): void {
  const used = new Set(attachments.map(({ programId }) => programId));
  for (const generation of listGenerations(root)) {
    const programs = [...generationPrograms(root, generation)];
    if (!programs.some((id) => used.has(id))) removePins(layout.generation(root, generation));
  }
}

function recordOf({ contents, endpoints, node, digest, now }: ApplyOptions): GenerationRecord {
  return {
    format: 1,
    digest,
    variant: contents.variant,
    node,
    since: new Date(now).toISOString(),
    devices: Object.fromEntries(endpoints.map((one) => [podKey(one), one.device])),
  };
}

function plan(options: ApplyOptions, loaded: LoadedContents): readonly Placement[] {
  const endpoints = new Map(options.endpoints.map((one) => [podKey(one), one]));
  if (endpoints.size !== loaded.pods.length) bug('endpoints and subjects differ in number');
  return loaded.pods.flatMap(({ subject, programs }) => {
    const endpoint = endpoints.get(podKey(subject)) ?? missing(subject);
    const { interfaceIndex } = endpoint;
    return POD_DIRECTIONS.map((direction) => ({
      hook: { pod: podKey(subject), direction, interfaceIndex },
      program: programs[direction],
    }));
  });
}

function missing(subject: BoundSubject): never {
  bug(`the subject ${podKey(subject)} has no endpoint`);
}

function removeGone(
  hooks: Hooks,
  before: readonly Attachment[],
  endpoints: readonly Endpoint[],
): readonly string[] {
  const kept = new Set(endpoints.map(podKey));
  const gone = before.filter(({ pod }) => !kept.has(pod));
  for (const attachment of gone) hooks.remove(attachment);
  return [...new Set(gone.map(({ pod }) => pod))];
}

/** Adds to a kernel's refusal what it means for the node: nothing has changed. */
function explain(error: unknown, root: string, before: readonly Attachment[]): unknown {
  if (!(error instanceof KernelError)) return error;
  const attached = before.length > 0;
  if (!attached && listPins(layout.links(root)).length === 0) removePins(root);
  return new InputError([kernelDiagnostic(error), diagnostic('deploy/kept', { root, attached })]);
}
