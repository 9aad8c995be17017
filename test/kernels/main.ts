/** `make test-kernels`: boots each of Debian's kernels, and compares what they do with the model. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildNetprobe } from '../../src/demo/prober.js';
import { bootGuest } from './boot.js';
import { fetchKernels, SUITES, type KernelFiles } from './fetch.js';
import { writeModulesPart, writeSharedPart } from './initramfs.js';
import { summarize, type KernelSummary } from './summary.js';
import { judgeTable, tableNames } from './tables.js';

const ROOT = process.cwd();
const FOLDER = join(ROOT, 'build/kernels');
const PATIENCE_SECONDS = 900;

async function testKernel(
  kernel: KernelFiles,
  shared: string,
  expected: ReadonlyMap<string, readonly string[]>,
): Promise<KernelSummary> {
  const modules = writeModulesPart(kernel, FOLDER);
  const initrd = join(FOLDER, `initrd-${kernel.suite}`);
  // The kernel unpacks one archive after the other.
  execFileSync('sh', ['-c', 'cat "$1" "$2" >"$0"', initrd, shared, modules]);
  const log = join(FOLDER, `serial-${kernel.suite}.log`);
  const lines = await bootGuest(kernel, initrd, log, PATIENCE_SECONDS);
  return summarize(kernel.release, lines, expected);
}

// A signal does not run what was left for the exit, and an emulator would live on.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const wanted = process.argv.slice(2);
const suites = SUITES.filter((suite) => wanted.length === 0 || wanted.includes(suite));
if (suites.length === 0) throw new Error(`the suites are ${SUITES.join(', ')}`);
mkdirSync(FOLDER, { recursive: true });
const kernels = fetchKernels(FOLDER, suites);
const expected = new Map<string, readonly string[]>();
for (const name of tableNames()) expected.set(name, await judgeTable(name, 'model'));
buildNetprobe();
const shared = writeSharedPart(ROOT, join(FOLDER, 'compiled'), FOLDER);

const summaries: KernelSummary[] = [];
for (const kernel of kernels) {
  console.log(`test-kernels: ${kernel.release}`);
  const summary = await testKernel(kernel, shared, expected);
  summaries.push(summary);
  for (const one of summary.disagreements) console.log(one);
}
console.table(
  Object.fromEntries(
    summaries.map(({ kernel, disagreements, ...counts }) => [
      kernel,
      { ...counts, disagreements: disagreements.length },
    ]),
  ),
);
process.exitCode = summaries.some(({ disagreements }) => disagreements.length > 0) ? 1 : 0;
