/** What a command's definition holds: parsing, help, completion and docs/cli.md are made from it. */
import type { ConfigDefault } from '../../config.js';
import type { ExitCode } from './exit-codes.js';
import type { Session } from './session.js';

export interface OptionSpec {
  /** As commander reads it: `-o, --output <file>`, `--cluster <path...>`, `--check`. */
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  readonly default?: string;
  readonly required?: boolean;
  /** May be given several times, with one value each. */
  readonly repeated?: boolean;
  /** Each occurrence stands for itself: `--cluster a b --cluster c` is two lists. */
  readonly grouped?: boolean;
  /** What of policyc.yaml stands in where it is not given. */
  readonly config?: ConfigDefault;
}

export interface OperandSpec {
  /** In capitals, as help shows it: `PATH`. */
  readonly name: string;
  readonly description: string;
  readonly many: boolean;
  readonly optional?: boolean;
  /** What may stand here, for completion; absent where it is a path. */
  readonly choices?: readonly string[];
  /** What of policyc.yaml stands in where it is not given. */
  readonly config?: ConfigDefault;
}

export interface ExampleSpec {
  readonly command: string;
  readonly does: string;
}

export interface ExitSpec {
  readonly code: ExitCode;
  readonly when: string;
}

export interface CommandModule {
  readonly run: (session: Session) => Promise<ExitCode>;
}

export interface CommandSpec {
  readonly name: string;
  /** One line for the list of commands: a verb phrase without a period. */
  readonly summary: string;
  /** Paragraphs. */
  readonly purpose: readonly string[];
  readonly operands: readonly OperandSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly ExampleSpec[];
  readonly exits: readonly ExitSpec[];
  /** Whether it reads policyc.yaml; so do all that have an option or an operand with a default there. */
  readonly readsConfig?: boolean;
  /** Only the command that runs is loaded, which keeps the start short. */
  readonly load: () => Promise<CommandModule>;
}

export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly CommandSpec[];
}

/** Whether policyc.yaml is looked for before the command runs. */
export function readsConfig({ operands, options, readsConfig: reads }: CommandSpec): boolean {
  return reads === true || [...operands, ...options].some(({ config }) => config !== undefined);
}

/** The long name of an option, without dashes: `output`. */
export function longName(option: OptionSpec): string {
  return /--([a-z][a-z-]*)/.exec(option.flags)?.[1] ?? option.flags;
}

export function takesValue(option: OptionSpec): boolean {
  return /[<[]/.test(option.flags);
}

/** `PATH...`, in brackets where it may be left out. */
export function operandText(operand: OperandSpec): string {
  const text = operand.many ? `${operand.name}...` : operand.name;
  return operand.optional === true ? `[${text}]` : text;
}
