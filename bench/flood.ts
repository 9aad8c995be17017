/** Builds and runs flood, the C program that sends frames into lanes and takes the time. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { addonPath } from '../src/loader/native.js';
import { SENDER_DEVICE, type Lane } from './lanes.js';

export interface FloodOptions {
  readonly lanes: readonly Lane[];
  /** All of one length. */
  readonly frames: readonly Uint8Array[];
  readonly rounds: number;
  /** In each round and lane; the fastest counts. */
  readonly tries: number;
  /** A try ends after this, however many frames are left. */
  readonly limitMilliseconds: number;
}

export interface FloodResult {
  /** Nanoseconds for a frame, by lane and round. */
  readonly nanoseconds: readonly (readonly number[])[];
  /** Frames, by lane. */
  readonly sent: readonly number[];
}

export function flood({
  lanes,
  frames,
  rounds,
  tries,
  limitMilliseconds,
}: FloodOptions): FloodResult {
  const folder = mkdtempSync(join(tmpdir(), 'policyc-bench-'));
  try {
    const file = join(folder, 'frames');
    writeFileSync(file, Buffer.concat(frames));
    const output = execFileSync(
      builtFlood(),
      [
        availableParallelism() - 1,
        file,
        frames[0]?.length ?? 0,
        rounds,
        tries,
        limitMilliseconds,
        ...lanes.map(({ sender }) => `${sender}:${SENDER_DEVICE}`),
      ].map(String),
      { encoding: 'utf8' },
    );
    return readResult(output, lanes.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readResult(output: string, count: number): FloodResult {
  const nanoseconds = Array.from({ length: count }, (): number[] => []);
  const sent: number[] = [];
  for (const line of output.trim().split('\n')) {
    const [first = '', second = '', third = ''] = line.split(' ');
    if (first === 'sent') sent[Number(second)] = Number(third);
    else nanoseconds[Number(second)]?.push(Number(third));
  }
  return { nanoseconds, sent };
}

/** Builds it where it is missing or older than its source. */
function builtFlood(): string {
  const root = dirname(dirname(dirname(addonPath())));
  const source = join(root, 'bench/flood/flood.c');
  const binary = join(root, 'build/flood');
  if (existsSync(binary) && statSync(binary).mtimeMs >= statSync(source).mtimeMs) return binary;
  mkdirSync(dirname(binary), { recursive: true });
  execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-o', binary, source]);
  return binary;
}
