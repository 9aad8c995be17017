/** A scenario on the wire: namespaces and veths, the bundle applied by its own commands, real connects. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bug } from '../diagnostics.js';
import { isPolicyPod } from '../ir/cluster.js';
import { defaultBpffs, removePins } from '../loader/bpffs.js';
import { unload } from '../loader/deploy/status.js';
import type { Outcome } from './matrix.js';
import { Network } from './network.js';
import { projectFolder, type ProbeResult } from './prober.js';
import type { DemoRun } from './run.js';
import { serveTargets, tryAll } from './trial.js';

const ROOT_PREFIX = 'policyc_demo_';

/** Everything that is made goes away again: at the end, on a failure, and on a signal. */
export async function enforceInKernel(run: DemoRun): Promise<readonly Outcome[]> {
  removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), 'policyc-demo-'));
  const roots = run.cluster.nodes.map(({ name }) => rootOf(name));
  let network: Network | undefined;
  const cleanUp = (): void => {
    for (const root of roots) unload(root);
    network?.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const interrupted = (): void => {
    cleanUp();
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    network = await Network.create(run.cluster, run.scenario.hosts);
    return await demonstrate(run, network, folder);
  } finally {
    process.removeListener('SIGINT', interrupted);
    process.removeListener('SIGTERM', interrupted);
    cleanUp();
  }
}

async function demonstrate(
  run: DemoRun,
  network: Network,
  folder: string,
): Promise<readonly Outcome[]> {
  const { scenario, attempts, say } = run;
  await serveTargets(network, attempts);
  const first = run.cluster.nodes[0]?.name ?? bug('the scenario has no node');
  const inFirst = network.command(network.host(first).netns, []);
  const before = await tryAll(network, attempts);
  say(`Without policies ${countOf(before, 'ok')} of ${attempts.length} connections pass.\n\n`);
  const bundle = join(folder, `${scenario.name}.bundle`);
  await policyc(run, ['compile', scenario.policies, '-o', bundle], { quiet: true });
  await Promise.all(
    run.cluster.nodes.map(({ name }) => applyTo(run, network, folder, name, bundle)),
  );
  const results = await tryAll(network, attempts);
  await policyc(run, ['status', '--root', rootOf(first)], { prefix: inFirst });
  for (const { name } of run.cluster.nodes) await policyc(run, ['unload', '--root', rootOf(name)]);
  const after = await tryAll(network, attempts);
  say(`\nAfterwards ${countOf(after, 'ok')} of ${attempts.length} connections pass again.\n`);
  const reopened =
    countOf(before, 'ok') === attempts.length && countOf(after, 'ok') === attempts.length;
  if (!reopened) throw new Error('the network itself loses connections: nothing can be concluded');
  return results.map(outcomeOf);
}

function outcomeOf(result: ProbeResult): Outcome {
  switch (result) {
    case 'ok':
      return 'passes';
    case 'timeout':
      return 'denied';
    case 'refused':
    case 'closed':
      return 'broken';
  }
}

function countOf(results: readonly ProbeResult[], wanted: ProbeResult): number {
  return results.filter((one) => one === wanted).length;
}

async function applyTo(
  run: DemoRun,
  network: Network,
  folder: string,
  node: string,
  bundle: string,
): Promise<void> {
  const pods = run.cluster.pods.filter((pod) => pod.node === node && isPolicyPod(pod));
  const lines = pods.map(({ namespace, name }) => {
    const pod = `${namespace}/${name}`;
    return `${pod}: ${network.pod(pod).device}\n`;
  });
  const interfaces = join(folder, `${node}.yaml`);
  writeFileSync(interfaces, lines.join(''));
  const { netns } = network.host(node);
  const cluster = ['--cluster', run.scenario.cluster];
  const kept = ['--root', rootOf(node), '--state-dir', join(folder, 'state')];
  const where = ['--node', node, '--interfaces', interfaces, ...kept];
  await policyc(run, ['apply', bundle, ...cluster, ...where], {
    prefix: network.command(netns, []),
  });
}

interface CommandOptions {
  readonly prefix?: readonly string[];
  readonly quiet?: boolean;
}

/** Runs one of policyc's commands as a process of its own, and shows it with what it says. */
async function policyc(
  { say, paint }: DemoRun,
  argv: readonly string[],
  { prefix = [], quiet = false }: CommandOptions = {},
): Promise<void> {
  const [program = '', ...rest] = [
    ...prefix,
    process.execPath,
    join(projectFolder(), 'bin/policyc.js'),
    ...argv,
  ];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  say(`${paint('strong', `$ policyc ${argv.join(' ')}`)}\n${quiet ? '' : stdout}\n`);
  if (code !== 0)
    throw new Error(`policyc ${argv[0] ?? ''} ended with ${String(code)}:\n${stderr}`);
}

function rootOf(node: string): string {
  return join(defaultBpffs, `${ROOT_PREFIX}${process.pid}_${node}`);
}

/** Pins of runs whose process is dead; their namespaces are gone, or go when the network is made. */
function removeLeftovers(): void {
  if (!existsSync(defaultBpffs)) return;
  for (const name of readdirSync(defaultBpffs)) {
    const pid = new RegExp(`^${ROOT_PREFIX}(\\d+)_`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removePins(join(defaultBpffs, name));
  }
}
