/** `npm run bench`: what packets, loading and memory cost, beside other layouts. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { drawCosts, type Drawing } from './chart.js';
import { memory } from './memory.js';
import { packetCost, packetCost6 } from './packet-cost.js';
import { FULL, QUICK, type Section, type Table } from './section.js';
import { stages } from './stages.js';
import { stateCost } from './state.js';
import { tableText } from './table-text.js';
import { HOOK_ALONE, NOTHING, veth } from './veth.js';

/** In the order in which they run. A section stands in a file of its own. */
const SECTIONS: readonly Section[] = [packetCost, packetCost6, stateCost, veth, stages, memory];

const USAGE = `usage: npm run bench -- [--full] [--only NAME[,NAME]] [--format text|json] [--write-docs]
sections: ${SECTIONS.map(({ name }) => name).join(', ')}
`;
/** Pictures, by the table that they show. */
const PICTURES: Readonly<Record<string, Drawing & { readonly path: string }>> = {
  'packets-scattered': {
    path: 'docs/packet-cost.svg',
    title: 'Allowed packets, scattered CIDRs',
    unit: 'hash lookups',
    value: 'unitsMin',
    keep: ({ traffic, part }) => traffic === 'allowed' && part === 'later',
  },
  'veth-scattered': {
    path: 'docs/packet-cost-veth.svg',
    title: 'Over real veths: allowed packets, scattered CIDRs',
    unit: 'ns over nothing',
    value: 'overMin',
    keep: ({ what }) => what !== NOTHING && what !== HOOK_ALONE,
  },
};

interface Options {
  readonly sections: readonly Section[];
  readonly full: boolean;
  readonly json: boolean;
  readonly writeDocs: boolean;
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      full: { type: 'boolean', default: false },
      only: { type: 'string' },
      format: { type: 'string', default: 'text' },
      'write-docs': { type: 'boolean', default: false },
    },
  });
  const names = values.only?.split(',') ?? SECTIONS.map(({ name }) => name);
  const known = names.every((wanted) => SECTIONS.some(({ name }) => name === wanted));
  if (!known || !['text', 'json'].includes(values.format)) return undefined;
  return {
    sections: SECTIONS.filter(({ name }) => names.includes(name)),
    full: values.full,
    json: values.format === 'json',
    writeDocs: values['write-docs'],
  };
}

function run({ sections, full, json, writeDocs }: Options): void {
  const tables: Table[] = [];
  for (const section of sections) {
    for (const table of section.run(full ? FULL : QUICK)) {
      tables.push(table);
      if (!json) process.stdout.write(`${tableText(table)}\n`);
    }
  }
  if (json) process.stdout.write(`${JSON.stringify(tables, undefined, 2)}\n`);
  if (writeDocs) for (const table of tables) draw(table);
}

function draw(table: Table): void {
  const picture = PICTURES[table.name];
  if (picture !== undefined) writeFileSync(picture.path, drawCosts(table, picture));
}

const options = readOptions();
if (options === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  run(options);
}
