/** The kernel's own account of what maps and programs take, and the sizes in it that differ by kernel. */
import { readdirSync, readFileSync } from 'node:fs';
import { mapBytes, USUAL_SIZES, type KernelSizes } from '../codegen/layout/memory.js';
import { bug } from '../diagnostics.js';
import { createMap } from './native-calls.js';
import { nativeDoor } from './native.js';

/** `memlock` in bytes, by identity. */
export interface KernelAccount {
  readonly maps: ReadonlyMap<number, number>;
  readonly programs: ReadonlyMap<number, number>;
}

/**
 * Reads fdinfo of everything that this process has open. Since Linux 6.4 it is what the map takes;
 * from 5.11 on it was entries times key and value, whatever was taken; before, what was charged
 * against RLIMIT_MEMLOCK, in whole pages.
 */
export function readAccount(): KernelAccount {
  const maps = new Map<number, number>();
  const programs = new Map<number, number>();
  for (const descriptor of readdirSync('/proc/self/fdinfo')) {
    const text = readInfo(descriptor);
    const field = (name: string): number | undefined => {
      const found = new RegExp(`^${name}:\\s*(\\d+)$`, 'm').exec(text)?.[1];
      return found === undefined ? undefined : Number(found);
    };
    const bytes = field('memlock');
    if (bytes === undefined) continue;
    const map = field('map_id');
    const program = field('prog_id');
    if (map !== undefined) maps.set(map, bytes);
    else if (program !== undefined) programs.set(program, bytes);
  }
  return { maps, programs };
}

/** Empty for a descriptor that is closed by now: the folder's own is. */
function readInfo(descriptor: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
  } catch {
    return '';
  }
}

const PAGE = 4096;
const PROBE = { name: 'probe', keySize: 4, valueSize: 8, maxEntries: 1 };
type Probed = 'array' | 'hash';
let known: KernelSizes | undefined;

/** False on kernels before 6.4. @throws {KernelError} */
export function accountsRealSizes(): boolean {
  return accountOf('array') % PAGE !== 0;
}

/**
 * Of the running kernel, found by a small map of each kind; the usual ones where the account is not
 * of real sizes.
 *
 * @throws {KernelError}
 */
export function kernelSizes(): KernelSizes {
  known ??= probeSizes();
  return known;
}

function probeSizes(): KernelSizes {
  const possibleCpus = nativeDoor().possibleCpus();
  if (!accountsRealSizes()) return { possibleCpus, ...USUAL_SIZES };
  const without = { possibleCpus, arrayHeader: 0, hashHeader: 0 };
  const headerOf = (type: Probed): number =>
    accountOf(type) - mapBytes({ ...PROBE, type, flags: 0 }, 0, without);
  return { possibleCpus, arrayHeader: headerOf('array'), hashHeader: headerOf('hash') };
}

function accountOf(type: Probed): number {
  const map = createMap({ type, ...PROBE });
  try {
    return readAccount().maps.get(map.shape().id) ?? bug('a map without an account');
  } finally {
    map.close();
  }
}
