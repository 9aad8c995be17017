/** The BPF file system: mounting it, and names, folders and listings of what is pinned there. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { bug, diagnostic, InputError } from '../diagnostics.js';
import { KernelError } from './kernel-error.js';
import { nativeDoor } from './native.js';

export const defaultBpffs = '/sys/fs/bpf';

/**
 * Makes sure that a BPF file system is at `root`, mounting one if there is none.
 *
 * @throws {InputError} `kernel/bpffs-unavailable`
 */
export function ensureBpffs(root: string = defaultBpffs): void {
  const door = nativeDoor();
  try {
    if (door.isBpffs(root)) return;
    mkdirSync(root, { recursive: true });
    door.mountBpffs(root);
  } catch (error) {
    throw new InputError([
      diagnostic('kernel/bpffs-unavailable', { path: root, code: codeOf(error) }),
    ]);
  }
}

function codeOf(error: unknown): string {
  if (error instanceof KernelError) return error.code;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return error.code;
  return String(error);
}

const LONGEST_NAME = 255;
/** Leaves room for the mark and 64 hex digits. */
const LONGEST_KEPT = LONGEST_NAME - 66;
const HASH_MARK = '%%';
/** No escape leaves two percent signs, so no other text has such a name. */
const CUT = /^[A-Za-z0-9_%-]{189}%%[0-9a-f]{64}$/;

/**
 * A file name for any text; different texts get different names.
 *
 * The kernel refuses dots (bpf_lookup in kernel/bpf/inode.c). Letters, digits, `_` and `-` stay; every
 * other UTF-8 byte becomes `%` and two hex digits. A name that gets too long is cut, and the mark
 * `%%`, which no escape contains, sets off the text's SHA-256. A cut name stays as it is.
 */
export function pinName(text: string): string {
  if (CUT.test(text)) return text;
  let escaped = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const unit = String.fromCharCode(byte);
    escaped += /[A-Za-z0-9_-]/.test(unit) ? unit : `%${byte.toString(16).padStart(2, '0')}`;
  }
  if (escaped === '') return '%';
  if (escaped.length <= LONGEST_NAME) return escaped;
  return (
    escaped.slice(0, LONGEST_KEPT) + HASH_MARK + createHash('sha256').update(text).digest('hex')
  );
}

/** The text behind a name that `pinName` gave; undefined if it was cut, or is not such a name. */
export function unpinName(name: string): string | undefined {
  if (name === '%') return '';
  if (!/^(?:[A-Za-z0-9_-]|%[0-9a-f]{2})+$/.test(name)) return undefined;
  const bytes = [...name.matchAll(/%(..)|(.)/g)].map(([, hex, unit]) =>
    hex === undefined ? (unit ?? '').charCodeAt(0) : Number.parseInt(hex, 16),
  );
  const text = Buffer.from(bytes).toString('utf8');
  return pinName(text) === name ? text : undefined;
}

/** The text as its pin tells it: itself, or the cut name. What listings give, and names compare by. */
export function listedName(text: string): string {
  const name = pinName(text);
  return unpinName(name) ?? name;
}

/** Makes a folder and its parents. */
export function makePinFolder(path: string): void {
  requireBpffs(dirname(path), path);
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

export interface PinEntry {
  readonly name: string;
  readonly kind: 'folder' | 'pin';
}

/** What a folder holds, sorted by name; nothing if the folder is not there. */
export function listPins(path: string): readonly PinEntry[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true }).map((one): PinEntry => ({
      name: one.name,
      kind: one.isDirectory() ? 'folder' : 'pin',
    }));
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Unpins everything below `path`, and `path` itself. What is still in use elsewhere lives on. Nothing
 * happens if it is not there; a whole file system is never emptied, for it holds others' pins as well.
 */
export function removePins(path: string): void {
  if (!existsSync(path)) return;
  requireBpffs(path, path);
  if (!nativeDoor().isBpffs(dirname(path)))
    bug(`will not remove the whole BPF file system at ${path}`);
  rmSync(path, { recursive: true, force: true });
}

/** The nearest folder that exists must be in a BPF file system: this code removes whole trees. */
function requireBpffs(folder: string, path: string): void {
  let nearest = folder;
  while (!existsSync(nearest)) nearest = dirname(nearest);
  if (nativeDoor().isBpffs(nearest)) return;
  throw new InputError([
    diagnostic('kernel/bpffs-unavailable', { path, code: 'not a BPF file system' }),
  ]);
}
