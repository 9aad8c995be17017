/** Lets tests say what they need of the machine; in CI a need that ought to be met may not be skipped. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import {
  bpfRefusal,
  type Feature,
  type KernelFeatures,
  probeFeatures,
} from '../../src/loader/features.js';
import { addonPath } from '../../src/loader/native.js';

/** `root` stands for the addon and the right to use BPF as well. */
export type Need = 'root' | Feature | { readonly command: string };

/** The first kernel version that has a feature; those that every supported kernel (5.10) has are left out. */
const since: Partial<Readonly<Record<Feature, readonly [major: number, minor: number]>>> = {
  tcx: [6, 6],
  'large-array': [6, 1],
  'test-ingress': [6, 1],
};

let probed: KernelFeatures | undefined;

/**
 * Why a test cannot run here; undefined if it can. For `describe.skipIf(lacks('root', 'tcx') !== undefined)`.
 *
 * @throws in CI, if the process is root and the machine ought to have what is missing
 */
export function lacks(...needs: readonly Need[]): string | undefined {
  for (const need of needs) {
    const reason = lack(need);
    if (reason === undefined) continue;
    if (mayFail() && ought(need)) throw new Error(`CI may not skip this: ${reason}`);
    return reason;
  }
  return undefined;
}

function lack(need: Need): string | undefined {
  if (typeof need === 'object') {
    // Administrators' commands are not in everybody's PATH; `command -v` is the shell's own.
    const found = spawnSync('sh', [
      '-c',
      `PATH="$PATH:/usr/sbin:/sbin" command -v "$0"`,
      need.command,
    ]);
    return found.status === 0 ? undefined : `there is no command ${need.command}`;
  }
  if (!isRoot()) return 'not root';
  if (!existsSync(addonPath())) return 'the native addon has not been built';
  if (need === 'root') {
    const refusal = bpfRefusal();
    return refusal === undefined ? undefined : `BPF is refused: ${refusal}`;
  }
  probed ??= probeFeatures();
  const probe = probed.features[need];
  return probe.available ? undefined : `the kernel lacks ${need}: ${probe.reason}`;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function mayFail(): boolean {
  return process.env['CI'] === 'true' && isRoot();
}

function ought(need: Need): boolean {
  if (typeof need === 'object' || need === 'root') return true;
  const [major, minor] = since[need] ?? [0, 0];
  const [ownMajor = 0, ownMinor = 0] = release().split(/[.-]/).map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
