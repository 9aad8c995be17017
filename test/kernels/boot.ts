/** Boots a kernel under QEMU, and collects what its guest says. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { KernelFiles } from './fetch.js';
import { readLine, type GuestLine } from './report-lines.js';

const MEGABYTES = 2_048;
/** `nokaslr` and no mitigations: an emulated processor is slow enough. */
const COMMAND_LINE = 'console=ttyS0 loglevel=3 panic=-1 nokaslr mitigations=off rdinit=/init';

/**
 * @param log a file for all that comes over the serial line
 * @param patienceSeconds without a line, after which the guest counts as stuck; how long all of it
 *   takes depends on what else the machine does
 */
export async function bootGuest(
  { vmlinuz }: KernelFiles,
  initrd: string,
  log: string,
  patienceSeconds: number,
): Promise<readonly GuestLine[]> {
  const machine = spawn(
    'qemu-system-x86_64',
    [
      ['-accel', 'tcg'],
      ['-cpu', 'max'],
      ['-m', `${MEGABYTES}`],
      ['-kernel', vmlinuz],
      ['-initrd', initrd],
      ['-append', COMMAND_LINE],
      ['-display', 'none'],
      ['-monitor', 'none'],
      ['-serial', 'stdio'],
      ['-nic', 'none'],
      ['-no-reboot'],
    ].flat(),
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const file = createWriteStream(log);
  const lines: GuestLine[] = [];
  machine.stderr.on('data', (bytes: Buffer) => file.write(bytes));
  const stop = (): void => {
    machine.kill('SIGKILL');
  };
  const timer = setTimeout(stop, patienceSeconds * 1_000);
  createInterface({ input: machine.stdout }).on('line', (text) => {
    timer.refresh();
    file.write(`${text}\n`);
    const line = readLine(text);
    if (line !== undefined) lines.push(line);
  });
  process.once('exit', stop);
  try {
    await new Promise((resolve, reject) => {
      machine.once('close', resolve);
      machine.once('error', reject);
    });
  } finally {
    clearTimeout(timer);
    process.removeListener('exit', stop);
    file.end();
  }
  return lines;
}
