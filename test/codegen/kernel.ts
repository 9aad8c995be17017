/** The running kernel, by way of bpftool: loads objects into a folder of bpffs and runs programs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BPFFS = '/sys/fs/bpf';
let count = 0;

/** Why kernel tests cannot run here, or undefined. */
export const noKernel: string | undefined = (() => {
  if (process.getuid?.() !== 0) return 'not root';
  if (spawnSync('bpftool', ['version']).status !== 0) return 'no bpftool';
  if (!readFileSync('/proc/mounts', 'utf8').includes(`${BPFFS} bpf`)) {
    const mounted = spawnSync('mount', ['-t', 'bpf', 'bpf', BPFFS]);
    if (mounted.status !== 0) return 'bpffs cannot be mounted';
  }
  return undefined;
})();

export interface KernelRun {
  readonly result: number;
  readonly packet: Uint8Array;
  readonly context: Uint8Array;
}

export interface LoadedObject {
  /** What libbpf warned of. */
  readonly warnings: string;
  readonly bpftool: (...args: readonly string[]) => string;
  readonly pin: (program: string) => string;
  readonly run: (program: string, packet: Uint8Array, context?: Uint8Array) => KernelRun;
}

const CONTEXT_BYTES = 192;

/** Loads an object file, and removes its pins when `body` is done. */
export function withLoaded<Value>(
  object: Uint8Array,
  body: (loaded: LoadedObject) => Value,
): Value {
  const scratch = mkdtempSync(join(tmpdir(), 'policyc-test-'));
  count += 1;
  const pins = join(BPFFS, `policyc_test_${process.pid}_${count}`);
  mkdirSync(pins);
  try {
    const file = join(scratch, 'object.o');
    writeFileSync(file, object);
    const loading = spawnSync('bpftool', ['prog', 'loadall', file, join(pins, 'programs')], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    if (loading.status !== 0) throw new Error(loading.stderr.slice(-4000));
    const pin = (program: string): string => join(pins, 'programs', program);
    return body({
      warnings: loading.stderr,
      bpftool: (...args) => execFileSync('bpftool', args, { encoding: 'utf8' }),
      pin,
      run: (program, packet, context) => runPinned(scratch, pin(program), packet, context),
    });
  } finally {
    rmSync(pins, { recursive: true, force: true });
    rmSync(scratch, { recursive: true, force: true });
  }
}

function runPinned(
  scratch: string,
  pinned: string,
  packet: Uint8Array,
  context?: Uint8Array,
): KernelRun {
  const path = (name: string): string => join(scratch, name);
  writeFileSync(path('data_in'), packet);
  writeFileSync(path('ctx_in'), context ?? new Uint8Array(CONTEXT_BYTES));
  const files = ['data_in', 'data_out', 'ctx_in', 'ctx_out'].flatMap((name) => [name, path(name)]);
  const args = ['-j', 'prog', 'run', 'pinned', pinned, ...files];
  const said = execFileSync('bpftool', args, { encoding: 'utf8' });
  const { retval } = JSON.parse(said) as { retval: number };
  return {
    result: retval | 0,
    packet: new Uint8Array(readFileSync(path('data_out'))),
    context: new Uint8Array(readFileSync(path('ctx_out'))),
  };
}
