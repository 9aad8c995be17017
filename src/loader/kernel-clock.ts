/** How fast the kernel's jiffies run: programs count time in them, and no file of /proc tells. */
import { loadProgram } from './native-calls.js';

/** What CONFIG_HZ can be (kernel/Kconfig.hz). */
const RATES = [100, 250, 300, 1000];
const MEASURE_MS = 100;
const MINIMAL_PACKET = new Uint8Array(14);

let known: number | undefined;

/**
 * CONFIG_HZ of the running kernel, measured for a tenth of a second the first time. 250 and 300 are
 * near enough to be taken for each other on a machine that stalls; for timeouts that does not matter.
 *
 * @throws {KernelError}
 */
export function jiffiesPerSecond(): number {
  known ??= measure();
  return known;
}

function measure(): number {
  // call bpf_jiffies64; exit: the lower half of the count is the program's result.
  const instructions = new Uint8Array([0x85, 0, 0, 0, 118, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
  const program = loadProgram({ type: 'sched-cls', name: 'jiffies', instructions });
  try {
    const read = (): number => program.testRun(MINIMAL_PACKET, undefined, 1, 0).result >>> 0;
    const from = { jiffies: read(), time: process.hrtime.bigint() };
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, MEASURE_MS);
    const passed = (read() - from.jiffies) >>> 0;
    const seconds = Number(process.hrtime.bigint() - from.time) / 1e9;
    return nearestRate(passed / seconds);
  } finally {
    program.close();
  }
}

export function nearestRate(measured: number): number {
  const off = (rate: number): number => Math.abs(Math.log(rate / Math.max(measured, 1)));
  return RATES.reduce((best, rate) => (off(rate) < off(best) ? rate : best));
}
