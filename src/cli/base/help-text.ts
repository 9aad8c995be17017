/** The text of `--help`, made from the command definitions. */
import type { Paint } from '../../render/paint.js';
import { padVisible } from '../../render/visible-text.js';
import { operandText, type CommandGroup, type CommandSpec, type OptionSpec } from './spec.js';

export interface HelpOptions {
  readonly paint: Paint;
  readonly columns: number;
}

const WIDEST = 100;

/** `policyc eval --policies <path...> [options]`: what must be there, then that more may be. */
export function usageLine(spec: CommandSpec): string {
  const parts = [
    `policyc ${spec.name}`,
    ...spec.operands.map(operandText),
    ...spec.options.filter((one) => one.required === true).map((one) => one.flags),
  ];
  if (spec.options.some((one) => one.required !== true)) parts.push('[options]');
  return parts.join(' ');
}

export function commandHelp(spec: CommandSpec, options: HelpOptions): string {
  const { paint } = options;
  const columns = Math.min(options.columns, WIDEST);
  const lines = spec.purpose.flatMap((paragraph) => [...wrap(paragraph, columns, ''), '']);
  const section = (title: string, body: readonly string[]): void => {
    if (body.length > 0) lines.push(paint('strong', title), ...body, '');
  };
  section('USAGE', [`  ${usageLine(spec)}`]);
  section(
    'ARGUMENTS',
    listing(
      spec.operands.map((one) => [operandText(one), one.description]),
      columns,
      paint,
    ),
  );
  section(
    'OPTIONS',
    listing([...spec.options.map(optionRow), ['-h, --help', 'this help']], columns, paint),
  );
  section(
    'EXAMPLES',
    spec.examples.flatMap(({ command, does }) => [paint('faint', `  # ${does}`), `  $ ${command}`]),
  );
  section(
    'EXIT CODES',
    listing(
      spec.exits.map(({ code, when }) => [String(code), when]),
      columns,
      paint,
    ),
  );
  return lines.slice(0, -1).join('\n').concat('\n');
}

export function generalHelp(groups: readonly CommandGroup[], options: HelpOptions): string {
  const { paint } = options;
  const columns = Math.min(options.columns, WIDEST);
  const names = groups.flatMap(({ commands }) => commands.map(({ name }) => name.length));
  const nameWidth = Math.max(...names);
  const lines = [
    'Compiles network policies into eBPF bytecode, and says which line decides.',
    '',
    paint('strong', 'USAGE'),
    '  policyc COMMAND [arguments] [options]',
    '',
  ];
  for (const { title, commands } of groups) {
    const rows = commands.map(({ name, summary }) => [name.padEnd(nameWidth), summary] as const);
    lines.push(paint('strong', title.toUpperCase()), ...listing(rows, columns, paint), '');
  }
  lines.push(
    paint('strong', 'OPTIONS'),
    ...listing(
      [
        ['-h, --help', 'this help'],
        ['-V, --version', 'the version'],
      ],
      columns,
      paint,
    ),
    '',
    'Run `policyc COMMAND --help` for one command, `policyc help CODE` for what a diagnostic means.',
  );
  return `${lines.join('\n')}\n`;
}

function optionRow(option: OptionSpec): readonly [string, string] {
  const flags = option.flags.startsWith('--') ? `    ${option.flags}` : option.flags;
  const notes: string[] = [];
  if (option.required === true) notes.push('required');
  if (option.choices !== undefined) notes.push(`one of ${option.choices.join(', ')}`);
  if (option.default !== undefined) notes.push(`default ${option.default}`);
  return [
    flags,
    notes.length === 0 ? option.description : `${option.description} (${notes.join('; ')})`,
  ];
}

/** Two columns; the second is wrapped, and goes below the first where that is too wide. */
function listing(
  rows: readonly (readonly [string, string])[],
  columns: number,
  paint: Paint,
): string[] {
  const left = Math.min(30, Math.max(0, ...rows.map(([term]) => term.length)));
  const indent = ' '.repeat(left + 4);
  return rows.flatMap(([term, text]) => {
    const wrapped = wrap(text, columns, indent);
    const painted = paint('code', padVisible(term, left));
    if (term.length > left) return [`  ${painted}`, ...wrapped];
    const [first = '', ...rest] = wrapped;
    return [`  ${painted}  ${first.slice(indent.length)}`, ...rest];
  });
}

/** Breaks a text into lines at its spaces. */
export function wrap(text: string, columns: number, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > columns) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(indent + line);
  return lines;
}
