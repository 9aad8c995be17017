/** What a guest boots into: node, the addon, the compiled tests, and the kernel's own modules. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { KernelFiles } from './fetch.js';

/** What a program of the guest is called on this machine. */
const PROGRAMS = ['ip', 'nft', 'nsenter'];

/** What veths, tc and the demo's Services need; each after those that it depends on. */
const MODULES = [
  'crc32c_generic',
  'veth',
  'sch_ingress',
  'cls_bpf',
  'nf_tables',
  'nft_chain_nat',
  'nft_nat',
  'nft_ct',
  'nft_numgen',
  'sctp',
];

const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t bpf bpf /sys/fs/bpf
ln -s /proc/self/fd /dev/fd
export PATH=/usr/bin:/bin HOME=/tmp
ip link set lo up
while read -r module; do insmod "/modules/$module" || echo "no module $module"; done </modules/order
cd /policyc
node test/kernels/guest.js
poweroff -f
`;

/** The part that all kernels share, as a cpio archive. */
export function writeSharedPart(root: string, compiled: string, folder: string): string {
  const tree = join(folder, 'root');
  rmSync(tree, { recursive: true, force: true });
  for (const one of ['proc', 'sys', 'dev', 'tmp', 'run', 'bin', 'usr/bin', 'modules']) {
    mkdirSync(join(tree, one), { recursive: true });
  }
  writeFileSync(join(tree, 'init'), INIT);
  chmodSync(join(tree, 'init'), 0o755);
  cpSync(which('busybox'), join(tree, 'bin/busybox'));
  copyProgram(process.execPath, 'node', tree);
  for (const name of PROGRAMS) copyProgram(which(name), name, tree);
  copyProject(root, compiled, join(tree, 'policyc'));
  for (const library of librariesOf(join(root, 'build/Release/policyc_native.node'))) {
    copyTo(library, join(tree, library));
  }
  return archive(tree, join(folder, 'shared.cpio'));
}

function copyProject(root: string, compiled: string, into: string): void {
  cpSync(compiled, into, { recursive: true });
  for (const one of [
    'package.json',
    'build/Release',
    'build/netprobe',
    'src/demo/netprobe',
    'policies',
  ]) {
    const options = { recursive: true, preserveTimestamps: true };
    cpSync(join(root, one), join(into, one), options);
  }
  const said = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  for (const path of said.split('\n').filter((line) => line.includes('/node_modules/'))) {
    cpSync(path, join(into, relative(root, path)), { recursive: true });
  }
}

/** The modules that a kernel has of those wanted, as a cpio archive that goes behind the shared one. */
export function writeModulesPart(kernel: KernelFiles, folder: string): string {
  const tree = join(folder, `modules-${kernel.suite}`);
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(join(tree, 'modules'), { recursive: true });
  const paths = new Map(
    readdirSync(kernel.modules, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.ko(\.xz)?$/.test(path))
      .map((path) => [moduleName(path), join(kernel.modules, path)]),
  );
  const order: string[] = [];
  const add = (name: string): void => {
    const path = paths.get(moduleName(name));
    const file = `${moduleName(name)}.ko`;
    // What is no module is built in, or its absence shows in what needs it.
    if (path === undefined || order.includes(file)) return;
    const bytes = uncompressed(path);
    const depends = /\0depends=([^\0]*)\0/.exec(bytes.toString('latin1'))?.[1] ?? '';
    for (const one of depends.split(',')) add(one);
    writeFileSync(join(tree, 'modules', file), bytes);
    order.push(file);
  };
  for (const name of MODULES) add(name);
  writeFileSync(join(tree, 'modules/order'), order.map((one) => `${one}\n`).join(''));
  return archive(tree, join(folder, `modules-${kernel.suite}.cpio`));
}

function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko.*$/, '')
    .replaceAll('-', '_');
}

function uncompressed(path: string): Buffer {
  const options = { maxBuffer: 2 ** 28 };
  if (path.endsWith('.xz')) return execFileSync('xz', ['-dc', path], options);
  return readFileSync(path);
}

function copyProgram(path: string, name: string, tree: string): void {
  copyTo(path, join(tree, 'usr/bin', name));
  for (const library of librariesOf(path)) copyTo(library, join(tree, library));
}

function librariesOf(path: string): readonly string[] {
  const said = execFileSync('ldd', [path], { encoding: 'utf8' });
  return [...said.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap(([, library]) => library ?? []);
}

function copyTo(path: string, target: string): void {
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true });
  cpSync(realpathSync(path), target);
}

function which(name: string): string {
  const script = `PATH="$PATH:/usr/sbin:/sbin" command -v "$0"`;
  return execFileSync('sh', ['-c', script, name], { encoding: 'utf8' }).trim();
}

function archive(tree: string, file: string): string {
  const options = { cwd: tree, maxBuffer: 2 ** 20 };
  execFileSync('sh', ['-c', 'find . | cpio -o -H newc --quiet >"$0"', file], options);
  return file;
}
