/** What policyc takes of a node's memory: as it says beforehand, by the kernel's account, and really. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { memoryOf } from '../src/codegen/layout/memory.js';
import { kernelSizes, readAccount } from '../src/loader/kernel-memory.js';
import { nativeDoor } from '../src/loader/native.js';
import { loadContents, type LoadedContents } from '../src/loader/pod-programs.js';
import { RULES_COLUMN } from './cost-table.js';
import { cidrRules } from './packets.js';
import { compileRules, type Compiled } from './policyc.js';
import type { Column, Effort, Section, Table } from './section.js';

const KIB = 1024;
const COLUMNS: readonly Column[] = [
  RULES_COLUMN,
  { name: 'family', heading: 'family' },
  { name: 'node', heading: 'connections KiB', digits: 1 },
  { name: 'generation', heading: 'tables KiB', digits: 1 },
  { name: 'perPod', heading: 'a pod KiB', digits: 1 },
  { name: 'foretold', heading: 'all, foretold KiB', digits: 1 },
  { name: 'accounted', heading: 'accounted KiB', digits: 1 },
  { name: 'really', heading: 'pages taken KiB', digits: 0 },
];

export const memory: Section = {
  name: 'memory',
  *run(effort: Effort): Iterable<Table> {
    yield {
      name: 'memory',
      title: 'Memory of one pod, scattered CIDRs, without gates',
      columns: COLUMNS,
      rows: ([4, 6] as const).flatMap((family) =>
        effort.counts.map((count) => {
          const compiled = compileRules(cidrRules(count, 'scattered', family));
          return { rules: count, family: `IPv${family}`, ...memoryRow(compiled) };
        }),
      ),
      notes: [
        'foretold: what policyc says before it loads. accounted: the sum of memlock of all maps and programs.',
        "pages taken: what the kernel charges this process's memory cgroup while loading.",
      ],
    };
  },
};

function memoryRow(compiled: Compiled): Record<string, number | undefined> {
  const { contents, image, object } = compiled;
  const foretold = memoryOf(contents, image, kernelSizes(), false);
  const load = (): LoadedContents => loadContents(object, contents);
  // Of the first load, caches of the kernel's allocators are a part.
  load().close();
  const { value: loaded, bytes } = charged(load);
  const accounted = accountOf(loaded);
  loaded.close();
  return {
    node: foretold.node / KIB,
    generation: foretold.generation / KIB,
    perPod: foretold.perPod / KIB,
    foretold: foretold.total / KIB,
    accounted: accounted / KIB,
    really: bytes === undefined ? undefined : bytes / KIB,
  };
}

/** In bytes, of what all pods share and of everything that their programs lead to. */
function accountOf({ shared, pods }: LoadedContents): number {
  const door = nativeDoor();
  const programs = pods.flatMap((pod) => Object.values(pod.programs));
  const sharedIds = [...shared.tables.values(), ...shared.maps.values()].map(
    (map) => map.shape().id,
  );
  const ids = new Set([...sharedIds, ...programs.flatMap((program) => program.reach().mapIds)]);
  const maps = [...ids].map((id) => door.openMapById(id));
  const account = readAccount();
  for (const map of maps) map.close();
  const ofMaps = [...ids].map((id) => account.maps.get(id) ?? 0);
  const ofPrograms = programs.map((program) => account.programs.get(program.facts().id) ?? 0);
  return [...ofMaps, ...ofPrograms].reduce((sum, bytes) => sum + bytes, 0);
}

/** Of cgroups of version 1, the one that tells the kernel's own memory apart. */
const CGROUPS = '/sys/fs/cgroup/memory';
const CHARGED = 'memory.kmem.usage_in_bytes';

interface Charged<Value> {
  readonly value: Value;
  /** Undefined where there are no such cgroups. */
  readonly bytes?: number;
}

/** Runs `work` in a cgroup of its own. */
function charged<Value>(work: () => Value): Charged<Value> {
  if (!existsSync(`${CGROUPS}/${CHARGED}`)) return { value: work() };
  const own = `${CGROUPS}/policyc_bench_${process.pid}`;
  const before = /:memory:(.*)/.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  mkdirSync(own, { recursive: true });
  const move = (folder: string): void => writeFileSync(`${folder}/cgroup.procs`, `${process.pid}`);
  const read = (): number => Number(readFileSync(`${own}/${CHARGED}`, 'utf8'));
  move(own);
  try {
    const start = read();
    const value = work();
    return { value, bytes: read() - start };
  } finally {
    move(`${CGROUPS}${before}`);
    rmdirSync(own);
  }
}
