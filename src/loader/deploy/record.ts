/** What a generation says of itself, pinned beside its programs. */
import { existsSync } from 'node:fs';
import type { Half } from '../../codegen/layout.js';
import { diagnostic, InputError } from '../../diagnostics.js';
import { createMap } from '../native-calls.js';
import { nativeDoor } from '../native.js';
import { mapFlag, updateFlag } from '../uapi.js';

/** What a generation says of itself. It is pinned with it, as the value of a frozen array. */
export interface GenerationRecord {
  readonly format: 2;
  /** Digest of the bundle. */
  readonly digest: string;
  readonly variant: string;
  /** Where its programs are behind the gates; none for programs that are attached to nothing. */
  readonly half?: Half;
  readonly node: string;
  /** RFC 3339, in UTC. */
  readonly since: string;
  /** `namespace/name` → the interface, as its name was then. */
  readonly devices: Readonly<Record<string, string>>;
}

/** The value of the array that it is pinned in. */
export function encodeRecord(record: GenerationRecord): Buffer {
  return Buffer.from(JSON.stringify(record), 'utf8');
}

export function pinRecord(path: string, record: GenerationRecord): void {
  const bytes = encodeRecord(record);
  const map = createMap({
    type: 'array',
    name: 'record',
    keySize: 4,
    valueSize: bytes.length,
    maxEntries: 1,
    flags: mapFlag.readOnlyForPrograms,
  });
  try {
    map.update(new Uint8Array(4), bytes, updateFlag.any);
    map.freeze();
    map.pin(path);
  } finally {
    map.close();
  }
}

/** Undefined for a generation that was killed before it was whole. @throws {InputError} */
export function readRecord(path: string): GenerationRecord | undefined {
  if (!existsSync(path)) return undefined;
  const map = nativeDoor().openPinnedMap(path);
  try {
    const text = map.lookup(new Uint8Array(4))?.toString('utf8') ?? '';
    return checkRecord(JSON.parse(text) as unknown, path);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return damaged(path, 'it holds no JSON');
  } finally {
    map.close();
  }
}

function checkRecord(value: unknown, path: string): GenerationRecord {
  const fields = value as Partial<Record<keyof GenerationRecord, unknown>> | null;
  const texts = [fields?.digest, fields?.variant, fields?.node, fields?.since];
  const { devices, half } = fields ?? {};
  if (
    fields?.format !== 2 ||
    (half !== undefined && half !== 0 && half !== 1) ||
    !texts.every((one) => typeof one === 'string') ||
    typeof devices !== 'object' ||
    devices === null ||
    !Object.values(devices).every((one) => typeof one === 'string')
  ) {
    damaged(path, 'its record has another form');
  }
  return value as GenerationRecord;
}

export function damaged(path: string, reason: string): never {
  throw new InputError([diagnostic('deploy/damaged', { path, reason })]);
}
