/** How long policyc itself takes: each stage of compiling and binding, loading, and a swap on a node. */
import { performance } from 'node:perf_hooks';
import { unload } from '../src/loader/deploy/status.js';
import { applyContents } from '../src/loader/deploy.js';
import { RULES_COLUMN } from './cost-table.js';
import { endpointOf, inNetns, makeLane, removeLane } from './lanes.js';
import { spreadOf, type Spread } from './measure.js';
import { cidrRules } from './packets.js';
import { compileRules, loadFirstPod, STAGES, type Compiled } from './policyc.js';
import type { Column, Effort, Section, Table } from './section.js';

const SWAPS = { quick: 6, full: 30 } as const;
/** From here on a quick run takes everything once, and leaves the longest stage out. */
const MANY = { once: 10_000, unvalidated: 100_000 } as const;
const RUNS = 5;

const TIME_COLUMNS: readonly Column[] = [
  { name: 'min', heading: 'ms min', digits: 1 },
  { name: 'median', heading: 'median', digits: 1 },
  { name: 'max', heading: 'max', digits: 1 },
];

export const stages: Section = {
  name: 'stages',
  *run(effort: Effort): Iterable<Table> {
    yield {
      name: 'stages',
      title: 'Time of each stage, scattered CIDRs of IPv4, one pod',
      columns: [RULES_COLUMN, { name: 'stage', heading: 'stage' }, ...TIME_COLUMNS],
      rows: effort.counts.flatMap((count) => stageRows(count, effort)),
      notes: ['parse to pack: policyc compile. bind and load: on each node, of one pod.'],
    };
    yield {
      name: 'swaps',
      title: 'Time of a swap on a node with one pod',
      columns: [RULES_COLUMN, { name: 'what', heading: 'what' }, ...TIME_COLUMNS],
      rows: effort.counts.flatMap((count) => swapRows(count, effort)),
      notes: [
        'apply: from bound contents until nothing of the old generation is left.',
        'swap: from the first store until the last packet that the old generation judges.',
      ],
    };
  },
};

function stageRows(count: number, { full }: Effort): Table['rows'] {
  const rules = cidrRules(count, 'scattered');
  const length = full || count < MANY.once ? RUNS : 1;
  const runs = Array.from({ length }, () => {
    const compiled = compileRules(rules, { pack: full || count < MANY.unvalidated });
    const { loadTime, close } = loadFirstPod(compiled);
    close();
    return { ...compiled.times, load: loadTime };
  });
  return STAGES.filter((stage) => runs[0]?.[stage] !== undefined).map((stage) => ({
    rules: count,
    stage,
    ...timesOf(spreadOf(runs.map((times) => times[stage] ?? Number.NaN))),
  }));
}

function swapRows(count: number, { full }: Effort): Table['rows'] {
  const generations = [count, count + 1].map((one) => compileRules(cidrRules(one, 'scattered')));
  const lane = makeLane();
  const root = `/sys/fs/bpf/policyc_bench_swap_${process.pid}`;
  const apply = ({ object, contents }: Compiled): { whole: number; swap: number } => {
    const start = performance.now();
    const { swapMilliseconds } = applyContents({
      root,
      object,
      contents,
      endpoints: [endpointOf()],
      node: 'node',
      digest: 'bench',
      now: Date.now(),
    });
    return { whole: performance.now() - start, swap: swapMilliseconds };
  };
  try {
    return inNetns(lane.node, () => {
      const times = Array.from({ length: full ? SWAPS.full : SWAPS.quick }, (_, i) => {
        const generation = generations[i % 2];
        if (generation === undefined) throw new Error('no generation');
        return apply(generation);
      });
      unload(root);
      const row = (what: string, values: readonly number[]): Table['rows'][number] => ({
        rules: count,
        what,
        ...timesOf(spreadOf(values)),
      });
      return [
        row(
          'apply',
          times.map(({ whole }) => whole),
        ),
        row(
          'swap',
          times.map(({ swap }) => swap),
        ),
      ];
    });
  } finally {
    removeLane(lane);
  }
}

function timesOf({ min, median, max }: Spread): Record<'min' | 'median' | 'max', number> {
  return { min, median, max };
}
