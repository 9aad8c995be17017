/** Debian's kernels, by apt with a configuration of its own: nothing of the machine's apt changes. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export interface KernelFiles {
  readonly suite: Suite;
  /** As `uname -r` says. */
  readonly release: string;
  readonly vmlinuz: string;
  /** The folder with the release's modules. */
  readonly modules: string;
}

/** 5.10, 6.1, 6.12, and the newest. */
export const SUITES = ['bullseye', 'bookworm', 'trixie', 'sid'] as const;
export type Suite = (typeof SUITES)[number];

const MIRROR = 'http://deb.debian.org/debian';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const NEWEST = 'linux-image-cloud-amd64';

/** Keeps what it fetched under `folder`; without network if all is there. */
export function fetchKernels(folder: string, suites: readonly Suite[]): readonly KernelFiles[] {
  const absent = suites.filter((suite) => !existsSync(join(folder, suite, 'release')));
  if (absent.length > 0) {
    const apt = privateApt(join(folder, 'apt'));
    run('apt-get', ['-q', 'update'], apt);
    for (const suite of absent) fetchKernel(join(folder, suite), suite, apt);
  }
  return suites.map((suite) => filesOf(join(folder, suite), suite));
}

function privateApt(folder: string): NodeJS.ProcessEnv {
  const at = (...path: readonly string[]): string => join(resolve(folder), ...path);
  for (const one of ['lists/partial', 'cache/archives/partial', 'none']) {
    mkdirSync(at(one), { recursive: true });
  }
  writeFileSync(at('status'), '');
  writeFileSync(
    at('sources.list'),
    SUITES.map((suite) => `deb [signed-by=${KEYRING}] ${MIRROR} ${suite} main\n`).join(''),
  );
  const settings = {
    'Dir::Etc::sourcelist': at('sources.list'),
    'Dir::Etc::sourceparts': at('none'),
    'Dir::Etc::preferences': at('none', 'preferences'),
    'Dir::Etc::preferencesparts': at('none'),
    'Dir::State': at(),
    'Dir::State::lists': at('lists'),
    'Dir::State::status': at('status'),
    'Dir::Cache': at('cache'),
    'Acquire::Languages': 'none',
    // apt's own user cannot write into a checkout of root's.
    'APT::Sandbox::User': 'root',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  writeFileSync(at('apt.conf'), lines.join(''));
  return { ...process.env, APT_CONFIG: at('apt.conf') };
}

function fetchKernel(folder: string, suite: Suite, apt: NodeJS.ProcessEnv): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const [image = ''] = dependencies(`${NEWEST}/${suite}`, apt, /linux-image-[0-9][^ ,]*/g);
  const release = image.replace('linux-image-', '');
  if (release === '') throw new Error(`${suite} has no ${NEWEST}`);
  // Newer packages of an image hold nothing themselves.
  const parts = dependencies(image, apt, /linux-(?:binary|modules)-[0-9][^ ,]*/g);
  console.log(`test-kernels: fetching ${release} of ${suite}`);
  run('apt-get', ['-q', 'download', image, ...parts], apt, folder);
  for (const one of readdirSync(folder)) {
    if (one.endsWith('.deb')) run('dpkg', ['-x', one, '.'], process.env, folder);
  }
  writeFileSync(join(folder, 'release'), release);
}

function dependencies(name: string, apt: NodeJS.ProcessEnv, wanted: RegExp): readonly string[] {
  const said = run('apt-cache', ['show', name], apt);
  const lines = said.split('\n').filter((line) => line.startsWith('Depends:'));
  return [...new Set(lines.flatMap((line) => line.match(wanted) ?? []))];
}

function filesOf(folder: string, suite: Suite): KernelFiles {
  const release = readFileSync(join(folder, 'release'), 'utf8');
  const first = (...paths: readonly string[]): string => {
    const found = paths.map((path) => join(folder, path)).find((path) => existsSync(path));
    if (found === undefined) throw new Error(`${folder} holds none of ${paths.join(', ')}`);
    return found;
  };
  return {
    suite,
    release,
    vmlinuz: first(`boot/vmlinuz-${release}`, `usr/lib/modules/${release}/vmlinuz`),
    modules: first(`usr/lib/modules/${release}`, `lib/modules/${release}`),
  };
}

function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string = process.cwd(),
): string {
  const done = spawnSync(program, args, { env, cwd, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (done.status === 0) return done.stdout;
  throw new Error(`${program} ${args.join(' ')}: ${done.error?.message ?? done.stderr.trim()}`);
}
