/** Reads one command's arguments with commander, and says in the catalog's words what is wrong. */
import { Command, CommanderError, Option } from 'commander';
import { existsSync } from 'node:fs';
import type { Config } from '../../config.js';
import { bug, diagnostic, InputError, type Diagnostic } from '../../diagnostics.js';
import { nearestName } from '../../did-you-mean.js';
import { usageLine } from './help-text.js';
import { longName, readsConfig, type CommandSpec, type OptionSpec } from './spec.js';

export type OptionValues = Readonly<Record<string, unknown>>;

export type ParsedArguments =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'run';
      readonly operands: readonly string[];
      readonly options: OptionValues;
      /** What policyc.yaml says, where the command reads one and there is one. */
      readonly config?: Config;
    };

/** @param explicit what `--config` names; the nearest file unless told, none where it is `false` */
export type FindConfig = (explicit: string | false | undefined) => Config | undefined;

/**
 * Options and operands that are not given are taken from policyc.yaml.
 * @throws InputError where the arguments do not fit the command
 */
export function parseArguments(
  spec: CommandSpec,
  argv: readonly string[],
  find: FindConfig = () => undefined,
): ParsedArguments {
  const command = commandOf(spec);
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return { kind: 'help' };
    throw new InputError([argumentDiagnostic(spec, error)]);
  }
  const given: OptionValues = command.opts();
  const wrong = [...choiceDiagnostics(spec, command.args, given), ...emptyDiagnostics(spec, given)];
  if (wrong.length > 0) throw new InputError(wrong);
  const config = readsConfig(spec)
    ? find(given['config'] as string | false | undefined)
    : undefined;
  const isGiven = (name: string): boolean => command.getOptionValueSource(name) === 'cli';
  const operands = fillOperands(spec, command.args, config);
  const options = fillOptions(spec, groupValues(spec, argv, given), isGiven, config);
  const lacking = [
    ...operandDiagnostics(spec, operands, given),
    ...requiredDiagnostics(spec, options),
  ];
  if (lacking.length > 0) throw new InputError(lacking);
  return { kind: 'run', operands, options, ...(config === undefined ? {} : { config }) };
}

function fillOperands(
  { name, operands }: CommandSpec,
  given: readonly string[],
  config: Config | undefined,
): readonly string[] {
  const [first] = operands;
  if (given.length > 0 || config === undefined || first?.config === undefined) return given;
  const values = config.defaultOf(first.config, `policyc ${name}`) ?? [];
  return [values].flat().map(String);
}

/** A cluster that is given by its name in policyc.yaml becomes its paths; what exists is a path. */
function fillOptions(
  { name: command, options }: CommandSpec,
  values: OptionValues,
  isGiven: (name: string) => boolean,
  config: Config | undefined,
): OptionValues {
  if (config === undefined) return values;
  const clusterOf = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.flatMap(clusterOf);
    const named = existsSync(String(value)) ? undefined : config.cluster(String(value));
    return named ?? value;
  };
  const filled = options.flatMap((option) => {
    if (option.config === undefined) return [];
    const name = attributeOf(longName(option));
    const value = values[name];
    if (!isGiven(name)) {
      const standing = config.defaultOf(option.config, `policyc ${command}`);
      return standing === undefined ? [] : [[name, standing] as const];
    }
    const isCluster = option.config === 'cluster' || option.config === 'clusters';
    if (!isCluster || !Array.isArray(value)) return [];
    const paths = option.grouped === true ? value.map(clusterOf) : value.flatMap(clusterOf);
    return [[name, paths] as const];
  });
  return { ...values, ...Object.fromEntries(filled) };
}

function requiredDiagnostics(spec: CommandSpec, values: OptionValues): readonly Diagnostic[] {
  const lacking = spec.options.find(
    (option) => option.required === true && values[attributeOf(longName(option))] === undefined,
  );
  if (lacking === undefined) return [];
  const args = {
    argument: `\`${dashedName(lacking)}\``,
    usage: usageLine(spec),
    greedy: undefined,
  };
  return [diagnostic('cli/missing-argument', { ...args, command: `policyc ${spec.name}` })];
}

/** Puts the values of each occurrence of a grouped option into a list of their own. */
function groupValues(
  spec: CommandSpec,
  argv: readonly string[],
  values: OptionValues,
): OptionValues {
  const grouped = spec.options.filter((option) => option.grouped === true);
  const lists = grouped.map((option) => {
    const name = attributeOf(longName(option));
    const all: unknown = values[name];
    if (!Array.isArray(all)) return [name, all] as const;
    let rest: readonly unknown[] = all;
    const groups = countValues(argv, `--${longName(option)}`).map((count) => {
      const group = rest.slice(0, count);
      rest = rest.slice(count);
      return group;
    });
    return [name, rest.length === 0 ? groups : [all]] as const;
  });
  return { ...values, ...Object.fromEntries(lists.filter(([, list]) => list !== undefined)) };
}

/** How many values each occurrence of the option has taken, as commander takes them. */
function countValues(argv: readonly string[], flag: string): readonly number[] {
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  const counts: number[] = [];
  let open = false;
  for (const word of words) {
    const isFlag = word === flag || word.startsWith(`${flag}=`);
    if (isFlag) counts.push(word === flag ? 0 : 1);
    else if (open && !/^-./.test(word)) counts.push((counts.pop() ?? 0) + 1);
    open = isFlag || (open && !/^-./.test(word));
  }
  return counts;
}

function commandOf(spec: CommandSpec): Command {
  const command = new Command(spec.name)
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
    .allowExcessArguments(true)
    .showSuggestionAfterError(false);
  for (const { flags, description, default: value, repeated } of spec.options) {
    const option = new Option(flags, description);
    if (repeated === true) option.argParser(appended);
    command.addOption(value === undefined ? option : option.default(value));
  }
  return command;
}

function appended(value: string, previous: unknown): readonly unknown[] {
  const before: readonly unknown[] = Array.isArray(previous) ? previous : [];
  return [...before, value];
}

function choiceDiagnostics(
  spec: CommandSpec,
  operands: readonly string[],
  values: OptionValues,
): readonly Diagnostic[] {
  const wrong: Diagnostic[] = [];
  const check = (option: string, value: unknown, choices: readonly string[] | undefined): void => {
    if (choices === undefined || typeof value !== 'string' || choices.includes(value)) return;
    const near = nearestName(value, choices);
    wrong.push(diagnostic('cli/bad-choice', { option, value, choices, near }));
  };
  for (const option of spec.options) {
    const name = longName(option);
    check(`--${name}`, values[attributeOf(name)], option.choices);
  }
  spec.operands.forEach(({ name, many, choices }, index) => {
    if (!many) check(name, operands[index], choices);
  });
  return wrong;
}

/** `--pin "$UNSET"` must not mean the current folder or the root. */
function emptyDiagnostics(spec: CommandSpec, values: OptionValues): readonly Diagnostic[] {
  return spec.options.flatMap((option) => {
    const value: unknown = values[attributeOf(longName(option))];
    const isEmpty = value === '' || (Array.isArray(value) && value.includes(''));
    if (!isEmpty || option.choices !== undefined) return [];
    const command = `policyc ${spec.name}`;
    return [diagnostic('cli/missing-value', { option: dashedName(option), command })];
  });
}

/** commander stores `--dry-run` as `dryRun`. */
export function attributeOf(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function argumentDiagnostic(spec: CommandSpec, error: CommanderError): Diagnostic {
  const command = `policyc ${spec.name}`;
  // commander quotes the user's text between single quotes.
  const quoted = /'(.*)'/s.exec(error.message)?.[1] ?? '';
  switch (error.code) {
    case 'commander.unknownOption': {
      const near = nearestName(quoted.replace(/=.*/s, ''), spec.options.map(dashedName));
      return diagnostic('cli/unknown-option', { option: quoted, command, near });
    }
    case 'commander.optionMissingArgument': {
      const option = spec.options.find(({ flags }) => flags === quoted);
      return diagnostic('cli/missing-value', {
        option: option === undefined ? quoted : dashedName(option),
        command,
      });
    }
    default:
      return bug(`commander reports ${error.code}: ${error.message}`);
  }
}

function dashedName(option: OptionSpec): string {
  return `--${longName(option)}`;
}

function operandDiagnostics(
  spec: CommandSpec,
  operands: readonly string[],
  values: OptionValues,
): readonly Diagnostic[] {
  const command = `policyc ${spec.name}`;
  const usage = usageLine(spec);
  const lacking = spec.operands[operands.length];
  if (lacking !== undefined && lacking.optional !== true) {
    const argument = lacking.many ? `at least one ${lacking.name}` : lacking.name;
    const greedy = spec.options.find((option) => tookSeveral(option, values));
    const args = { argument, command, usage, greedy: greedy && dashedName(greedy) };
    return [diagnostic('cli/missing-argument', args)];
  }
  if (spec.operands.some(({ many }) => many)) return [];
  return operands
    .slice(spec.operands.length)
    .map((argument) => diagnostic('cli/extra-argument', { argument, command, usage }));
}

function tookSeveral(option: OptionSpec, values: OptionValues): boolean {
  const value = values[attributeOf(longName(option))];
  return Array.isArray(value) && value.length > 1;
}
