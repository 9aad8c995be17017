/** The path through the bytecode for people: what was looked up, and which instructions ran. */
import type { ExplainedSide } from '../../analysis/explain.js';
import { nameOf } from '../../analysis/explain/members.js';
import { formatAddress } from '../../address.js';
import type { PathLookup } from '../../codegen/packet-path.js';
import { deciderName, deciderOrigin, type NormalModel } from '../../ir/normal-model.js';
import { plural } from '../../render/terminal.js';
import { padVisible, visible } from '../../render/visible-text.js';
import { at, type TextOptions } from './rule-text.js';
import { verdictWord } from './side-text.js';

export function pathText(
  { path, subject, remote }: ExplainedSide,
  model: NormalModel,
  { paint, all }: TextOptions,
): readonly string[] {
  const { program, judgement, instructions, lookups, addressClass, ranges } = path;
  const decider = model.deciders[judgement.decider] ?? { kind: 'none' };
  const origin = deciderOrigin(decider);
  const name = deciderName(decider);
  const by =
    name === undefined || origin === undefined
      ? judgement.reason
      : `${name}, decider ${judgement.decider} (${at(origin)})`;
  const title = `${program} of ${nameOf(subject)}: ${plural(instructions, 'instruction')} → ${verdictWord(judgement.verdict)} by ${by}`;
  const lines = [`  ${visible(title)}`];
  const told = all ? lookups : essential(lookups);
  const rows = told.map((one): readonly string[] => [one.stage, placeText(one, all), one.meaning]);
  if (addressClass !== null) {
    const entry = `${formatAddress(remote.address)} is of address class ${addressClass.id} (${addressClass.flavour})`;
    const words = lookups.filter(({ stage }) => stage === 'address').length;
    const last = lookups.findLast(({ stage }) => stage === 'address');
    if (!all)
      rows.unshift([
        'address',
        last === undefined ? '' : `${last.table}, ${plural(words, 'word')}`,
        entry,
      ]);
  }
  const widths = [0, 1].map((i) => Math.max(0, ...rows.map((row) => (row[i] ?? '').length)));
  for (const [stage = '', place = '', meaning = ''] of rows) {
    lines.push(
      `    ${paint('code', padVisible(stage, widths[0] ?? 0))}  ${padVisible(place, widths[1] ?? 0)}  ${visible(meaning)}`.trimEnd(),
    );
  }
  const ran = ranges.map(({ function: one, ranges: of }) => {
    const parts = of.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
    return `${one} ${parts.join(' ')}`;
  });
  lines.push(`    ${paint('code', padVisible('ran', widths[0] ?? 0))}  ${ran.join('; ')}`);
  return lines;
}

/** A connection's key is long, and says nothing that the flow does not. */
function placeText({ table, at: element, stage }: PathLookup, all: boolean): string {
  return stage === 'state' && !all ? table : `${table}[${element}]`;
}

/** Fields that no packet changes, and the words on the way to an address, are many and say little. */
function essential(lookups: readonly PathLookup[]): readonly PathLookup[] {
  return lookups.filter(({ stage }) => stage !== 'constant' && stage !== 'address');
}
