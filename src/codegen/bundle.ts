/** The bundle: one content-addressed file, a tar archive of a manifest, ELF objects and the policies. */
import { createHash } from 'node:crypto';
import { Ajv, type ValidateFunction } from 'ajv';
import { createTar, parseTar } from 'nanotar';
import { bug, diagnostic, InputError } from '../diagnostics.js';
import type { Direction, PolicyModel } from '../ir/model.js';
import type { LookupPlan, MemoryBudget } from '../ir/plan.js';
import { decodeModel, encodeModel, type EncodedModel } from './bundle/model.js';
import { BUNDLE_FORMAT, manifestSchema, policySchema } from './bundle/schema.js';
import { writeElf } from './object/elf.js';
import { readElf } from './object/elf-read.js';
import { DATAPATH_VARIANT } from './emit.js';
import { slotCount } from './assembly/link.js';
import type { ObjectImage } from './object/object-image.js';

export interface ManifestObject {
  readonly variant: string;
  readonly part: string;
  readonly programs: readonly { readonly name: string; readonly instructions: number }[];
  readonly maps: readonly {
    readonly name: string;
    readonly type: string;
    readonly keySize: number;
    readonly valueSize: number;
  }[];
  readonly tables: readonly string[];
}

/** How the bytecode was compared with the model before it was packed. */
export interface ManifestValidation {
  /**
   * `product`: every pod, address and port with each other; `factors`: each boundary by itself;
   * `sample`: an even part of those; `none`: not at all, as was asked for.
   */
  readonly mode: 'product' | 'factors' | 'sample' | 'none';
  readonly packets: number;
  /** Representative pods that the packets were tried on. */
  readonly pods: number;
}

export interface Manifest {
  readonly format: typeof BUNDLE_FORMAT;
  readonly compiler: string;
  readonly target: string;
  readonly parts: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
  readonly objects: readonly ManifestObject[];
  readonly verdict: Readonly<
    Record<Direction, { readonly layout: 'code' | 'tables'; readonly why: string }>
  >;
  /** What the policies' tables may take on a node. */
  readonly budget: MemoryBudget;
  readonly policies: number;
  readonly rules: number;
  readonly validated: ManifestValidation;
}

export interface Bundle {
  /** sha256 of the manifest, which holds the digests of all other parts. */
  readonly digest: string;
  readonly manifest: Manifest;
  /** ELF objects by variant. */
  readonly objects: ReadonlyMap<string, Uint8Array>;
  readonly model: PolicyModel;
}

export interface BundleParts {
  readonly compiler: string;
  readonly target: string;
  readonly model: PolicyModel;
  readonly plan: LookupPlan;
  readonly image: ObjectImage;
  readonly object: Uint8Array;
  readonly validated: ManifestValidation;
}

const TAR_BLOCK = 512;
const MANIFEST = 'manifest.json';
const POLICY = 'policy.json';
const OBJECT = `objects/${DATAPATH_VARIANT}.o`;

/** The same parts make the same bytes on every machine. */
export function writeBundle(parts: BundleParts): { bytes: Uint8Array; bundle: Bundle } {
  const encoded = encodeModel(parts.model);
  const files = [
    { name: OBJECT, data: parts.object },
    { name: POLICY, data: jsonBytes(encoded) },
  ];
  const manifest = manifestOf(parts, files);
  if (!schemas().manifest(manifest)) bug('the manifest does not fit its own schema');
  const manifestBytes = jsonBytes(manifest);
  const bundle: Bundle = {
    digest: sha256(manifestBytes),
    manifest,
    objects: new Map([[DATAPATH_VARIANT, parts.object]]),
    model: parts.model,
  };
  return { bytes: archive([{ name: MANIFEST, data: manifestBytes }, ...files]), bundle };
}

/**
 * Reads a bundle back, from untrusted bytes.
 * @param path names the file in diagnostics
 * @throws InputError if it is no bundle, is damaged, or was made by another version
 */
export function readBundle(path: string, bytes: Uint8Array): Bundle {
  const refuse = (reason: string): never => {
    throw new InputError([diagnostic('bundle/unreadable', { path, reason })]);
  };
  const files = untar(bytes);
  if (files === undefined) return refuse('it is no tar archive, or is cut off');
  const manifestBytes = files.get(MANIFEST);
  if (manifestBytes === undefined) return refuse(`it has no ${MANIFEST}`);
  const manifest = parseJson(manifestBytes);
  if (!isManifest(manifest)) return refuse(`${MANIFEST} is not one of format ${BUNDLE_FORMAT}`);
  for (const { name, bytes: size, sha256: expected } of manifest.parts) {
    const part = files.get(name);
    if (part === undefined) return refuse(`\`${name}\` is missing`);
    if (part.length !== size || sha256(part) !== expected) return refuse(`\`${name}\` is damaged`);
  }
  const listed = (name: string): boolean => manifest.parts.some((part) => part.name === name);
  const objects = new Map<string, Uint8Array>();
  for (const { variant, part } of manifest.objects) {
    const object = listed(part) ? files.get(part) : undefined;
    if (object === undefined) return refuse(`\`${part}\` is missing`);
    if (!isOwnObject(object)) return refuse(`\`${part}\` is not as policyc writes it`);
    objects.set(variant, object);
  }
  if (!objects.has(DATAPATH_VARIANT)) return refuse(`it has no object \`${DATAPATH_VARIANT}\``);
  const policy = listed(POLICY) ? files.get(POLICY) : undefined;
  const encoded = policy === undefined ? undefined : parseJson(policy);
  if (!isEncodedModel(encoded)) return refuse(`${POLICY} does not fit its schema`);
  // Nothing beside the parts: the file is its content's only form.
  const rebuilt = archive([...files].map(([name, data]) => ({ name, data })));
  if (Buffer.compare(rebuilt, bytes) !== 0) return refuse('it is not as policyc writes it');
  const model = restoreModel(encoded) ?? refuse(`${POLICY} contradicts itself`);
  return { digest: sha256(manifestBytes), manifest, objects, model };
}

/** Libraries that load objects trust them: one with odd BTF can end the process. */
function isOwnObject(object: Uint8Array): boolean {
  try {
    return Buffer.compare(writeElf(readElf(object)), object) === 0;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

/** Without times, owners and compression, which differ from machine to machine. */
function archive(files: readonly ArchiveFile[]): Uint8Array {
  const attrs = { mtime: 0, uid: 0, gid: 0, mode: '644' };
  const made = createTar([...files], { attrs });
  // POSIX ends an archive with two blocks of zeros; the library writes one.
  const ended = new Uint8Array(made.length + TAR_BLOCK);
  ended.set(made);
  return ended;
}

interface ArchiveFile {
  readonly name: string;
  readonly data: Uint8Array;
}

function manifestOf(
  { compiler, target, model, plan, image, validated }: BundleParts,
  files: readonly { readonly name: string; readonly data: Uint8Array }[],
): Manifest {
  const layoutOf = (direction: Direction): Manifest['verdict'][Direction] => {
    const { kind, why } = plan.verdict[direction];
    return { layout: kind, why };
  };
  return {
    format: BUNDLE_FORMAT,
    compiler,
    target,
    parts: files.map(({ name, data }) => ({ name, bytes: data.length, sha256: sha256(data) })),
    objects: [
      {
        variant: DATAPATH_VARIANT,
        part: OBJECT,
        programs: image.functions.map((one) => ({ name: one.name, instructions: slotCount(one) })),
        maps: image.maps.map(({ name, type, keySize, valueSize }) => ({
          name,
          type,
          keySize,
          valueSize,
        })),
        tables: image.tables.map(({ name }) => name),
      },
    ],
    verdict: { ingress: layoutOf('ingress'), egress: layoutOf('egress') },
    budget: plan.budget,
    policies: model.policies.length,
    rules: model.policies.reduce((sum, { rules }) => sum + rules.length, 0),
    validated,
  };
}

interface Schemas {
  readonly manifest: ValidateFunction;
  readonly policy: ValidateFunction;
}

let compiled: Schemas | undefined;

function schemas(): Schemas {
  if (compiled === undefined) {
    const ajv = new Ajv({ strict: false });
    compiled = { manifest: ajv.compile(manifestSchema), policy: ajv.compile(policySchema) };
  }
  return compiled;
}

function isManifest(value: unknown): value is Manifest {
  return schemas().manifest(value);
}

function isEncodedModel(value: unknown): value is EncodedModel {
  return schemas().policy(value);
}

function restoreModel(encoded: EncodedModel): PolicyModel | undefined {
  try {
    return decodeModel(encoded);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function untar(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> | undefined {
  try {
    // The library reads the whole of the buffer that the bytes lie in.
    const files = parseTar(Uint8Array.from(bytes));
    return new Map(files.map(({ name, data }) => [name, data ?? new Uint8Array()]));
  } catch {
    return undefined;
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
