/** From a bundle to a node: binds it to the cluster, and puts it on the node's interfaces. */
import { bind } from './codegen/bind.js';
import type { Bundle } from './codegen/bundle.js';
import type { MapContents } from './codegen/contents.js';
import { bug, diagnostic, throwIfErrors, type Diagnostic } from './diagnostics.js';
import { isPolicyPod, type ClusterSnapshot } from './ir/cluster.js';
import { memoryOf, type NodeMemory } from './codegen/layout/memory.js';
import { readElf } from './codegen/object/elf-read.js';
import { deciderName, deciderOrigin, type NormalModel } from './ir/normal-model.js';
import { normalize } from './ir/normalize.js';
import { planLookups } from './ir/plan.js';
import { encodeRecord } from './loader/deploy/record.js';
import { applyContents, recordOf, type ApplyOptions, type ApplyResult } from './loader/deploy.js';
import type { Cut, Handover } from './loader/deploy/handover.js';
import { openHistory, type KeptBundle } from './loader/deploy/history.js';
import { readStatus } from './loader/deploy/status.js';
import { loadPinned, type PinnedProgram } from './loader/deploy/load.js';
import { rehearseContents, type Rehearsal } from './loader/deploy/rehearse.js';
import { checkNode, readEndpoints } from './loader/endpoints.js';
import { maxArrayBytes } from './loader/features.js';
import { jiffiesPerSecond } from './loader/kernel-clock.js';
import { kernelSizes } from './loader/kernel-memory.js';
import { refusalsAsDiagnostics } from './loader/kernel-error.js';
import { nativeDoor } from './loader/native.js';
import { formatPlace, type SourceFile } from './source.js';

export interface BoundNode {
  readonly bundle: Bundle;
  readonly cluster: ClusterSnapshot;
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
}

export interface NodeApply extends BoundNode {
  readonly node: string;
  /** Maps every pod of the node, as `namespace/name`, to the host side of its veth. */
  readonly interfaces: SourceFile;
  /** Where everything is pinned. */
  readonly root: string;
  /** The folder that bundles are kept in, to be gone back to. */
  readonly stateDir: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** An open connection that the new policies deny, and what decided. */
export interface NamedCut extends Omit<Cut, 'decider'> {
  readonly rule: string | null;
  /** `file:line:column`. */
  readonly at: string | null;
}

interface NamedHandover extends Omit<Handover, 'cut'> {
  readonly cut: readonly NamedCut[];
}

/** What an apply did, and what it takes. */
export interface NodeResult extends Omit<ApplyResult, 'handover'> {
  readonly memory: NodeMemory;
  readonly handover: NamedHandover;
}

/** What an apply would do. */
export interface NodeRehearsal extends Omit<Rehearsal, 'handover'> {
  readonly memory: NodeMemory;
  readonly handover: NamedHandover;
}

/**
 * Puts the bundle in force for all pods of the node, in place of what was in force there.
 *
 * @throws {InputError} if anything is wrong with the input, or the kernel refuses; then nothing has changed
 */
export function applyBundle(
  options: NodeApply & { readonly bytes: Uint8Array; readonly refuseCuts: boolean },
): NodeResult {
  const { bundle, bytes, root, stateDir } = options;
  const { digest } = bundle;
  const history = openHistory(stateDir, root);
  return applyKept(options, () => history.begin({ digest, bytes }, digestInForce(root)));
}

/** Puts the bundle in force that `previousBundle` gave. @throws {InputError} as `applyBundle` does */
export function rollBack(options: NodeApply): NodeResult {
  return applyKept(options, () => undefined);
}

/** The bundle that was in force before the one that is. @throws {InputError} `deploy/no-previous` */
export function previousBundle(root: string, stateDir: string): KeptBundle {
  return openHistory(stateDir, root).previous(digestInForce(root));
}

/** @param keep makes sure that the bundle can be gone back to, once it is known to fit the cluster */
function applyKept(
  options: NodeApply & { readonly refuseCuts?: boolean },
  keep: () => void,
): NodeResult {
  const { root, stateDir, refuseCuts = false } = options;
  const { contents, memory, nameCuts } = prepareNode(options);
  const beforeCut = (handover: Handover): void => {
    if (refuseCuts) throwIfErrors(nameCuts(handover).cut.map(refusedCut));
  };
  keep();
  const result = applyContents({ ...contents, beforeCut });
  openHistory(stateDir, root).settle(contents.digest);
  return { ...result, memory, handover: nameCuts(result.handover) };
}

/** Does all of an apply that changes nothing. @throws {InputError} as `applyBundle` does */
export function rehearseBundle(
  options: NodeApply & { readonly refuseCuts: boolean },
): NodeRehearsal {
  const { contents, memory, nameCuts } = prepareNode(options);
  const rehearsal = rehearseContents(contents);
  const handover = nameCuts(rehearsal.handover);
  if (options.refuseCuts) throwIfErrors(handover.cut.map(refusedCut));
  return { ...rehearsal, memory, handover };
}

interface PreparedNode {
  readonly contents: ApplyOptions;
  readonly memory: NodeMemory;
  readonly nameCuts: (handover: Handover) => NamedHandover;
}

function prepareNode(options: NodeApply): PreparedNode {
  const { bundle, cluster, node, interfaces, root, now } = options;
  const endpoints = refusalsAsDiagnostics(() =>
    readEndpoints(interfaces, cluster, node, (device) => nativeDoor().interfaceIndex(device)),
  );
  const normal = normalize(bundle.model);
  const contents = bindNode(options, node, normal);
  const object = objectOf(bundle, contents);
  const { digest } = bundle;
  const apply = { root, object, contents, endpoints, node, digest, now };
  return {
    contents: apply,
    // Both halves are named by one digit.
    memory: memoryOnNode(contents, object, true, encodeRecord(recordOf(apply, 0))),
    nameCuts: ({ cut, ...others }) => ({ ...others, cut: cut.map((one) => nameCut(normal, one)) }),
  };
}

function nameCut({ deciders }: NormalModel, { decider: id, ...cut }: Cut): NamedCut {
  const decider = deciders[id];
  const origin = decider === undefined ? undefined : deciderOrigin(decider);
  return {
    ...cut,
    rule: (decider === undefined ? undefined : deciderName(decider)) ?? null,
    at: origin === undefined ? null : formatPlace(origin),
  };
}

function refusedCut(cut: NamedCut): Diagnostic {
  const { pod, direction, protocol, localPort, peer, peerPort, rule, reason } = cut;
  return diagnostic('deploy/would-cut', {
    pod,
    opened: direction === 'egress',
    protocol,
    localPort,
    peer: `${peer} port ${peerPort}`,
    why: rule === null ? reason : `\`${rule}\` denies it`,
  });
}

/** Of the bundle; undefined where nothing is in force. */
function digestInForce(root: string): string | undefined {
  return readStatus(root).generations.find(({ inForce }) => inForce)?.record?.digest;
}

export interface NodeLoad extends BoundNode {
  /** Its pods alone; all of the cluster's unless told. */
  readonly node?: string;
  /** An empty or new folder in a BPF file system. */
  readonly folder: string;
  readonly now: number;
}

export interface NodeLoaded {
  readonly programs: readonly PinnedProgram[];
  readonly memory: NodeMemory;
}

/**
 * Loads and pins the programs of pods without attaching them.
 *
 * @throws {InputError} if anything is wrong with the input, or the kernel refuses; then nothing is pinned
 */
export function loadBundle(options: NodeLoad): NodeLoaded {
  const { bundle, cluster, node, folder, now } = options;
  if (node !== undefined) throwIfErrors(checkNode(cluster, node));
  const contents = bindNode(options, node);
  const record = { digest: bundle.digest, node: node ?? '', since: new Date(now).toISOString() };
  const object = objectOf(bundle, contents);
  const { variant } = contents;
  const pinned = encodeRecord({ format: 2, variant, devices: {}, ...record });
  const memory = memoryOnNode(contents, object, false, pinned);
  return { programs: loadPinned({ object, contents, record, folder }), memory };
}

function memoryOnNode(
  contents: MapContents,
  object: Uint8Array,
  gated: boolean,
  record: Buffer,
): NodeMemory {
  const sizes = refusalsAsDiagnostics(kernelSizes);
  return memoryOf(contents, readElf(object), sizes, gated, record.length);
}

function bindNode(
  { bundle, cluster, at }: BoundNode,
  node: string | undefined,
  normal = normalize(bundle.model),
): MapContents {
  const subjects = cluster.pods.filter(
    (pod) => isPolicyPod(pod) && (node === undefined || pod.node === node),
  );
  const rate = refusalsAsDiagnostics(jiffiesPerSecond);
  const plan = planLookups(normal, bundle.manifest.budget);
  const maxTableBytes = refusalsAsDiagnostics(maxArrayBytes);
  return bind(normal, plan, cluster, { at, subjects, jiffiesPerSecond: rate, maxTableBytes });
}

function objectOf({ objects }: Bundle, { variant }: MapContents): Uint8Array {
  return objects.get(variant) ?? bug(`the bundle has no object \`${variant}\``);
}
