/** One run of one command: its arguments, and how it talks to the user. */
import { bug, diagnostic, InputError, type Diagnostic } from '../../diagnostics.js';
import { nearestName } from '../../did-you-mean.js';
import type { Config } from '../../config.js';
import type { DiagnosticFormat } from '../../render.js';
import { colored, plain, type Paint } from '../../render/paint.js';
import type { Io, Output } from './io.js';
import { attributeOf, type OptionValues } from './parse-arguments.js';
import { startProgress, type Progress } from './progress.js';
import { policycVersion } from '../version.js';

export type ColorChoice = 'auto' | 'always' | 'never';

/** Columns where there is no terminal to ask. */
const DEFAULT_COLUMNS = 100;

export class Session {
  constructor(
    readonly io: Io,
    readonly operands: readonly string[],
    private readonly values: OptionValues,
    readonly progress: Progress = startProgress(io),
    /** What policyc.yaml says, where the command reads it and there is one. */
    readonly config?: Config,
  ) {}

  /** The value of `--name`, if it was given or has a default. */
  text(name: string): string | undefined {
    const value = this.values[attributeOf(name)];
    if (value !== undefined && typeof value !== 'string') bug(`--${name} is no text`);
    return value;
  }

  /** The value of an option that may stand alone: `true` where it does. */
  optional(name: string): string | true | undefined {
    const value = this.values[attributeOf(name)];
    return value === true ? true : this.text(name);
  }

  /** The value of an option that is required or has a default. */
  requiredText(name: string): string {
    return this.text(name) ?? bug(`--${name} is missing`);
  }

  /** All values of `--name`; empty where it was not given. */
  list(name: string): readonly string[] {
    const value = this.values[attributeOf(name)];
    if (value === undefined) return [];
    if (!Array.isArray(value)) bug(`--${name} is no list`);
    return value.flat().map(String);
  }

  /** The values of each occurrence of `--name`, for options of which each stands for itself. */
  groups(name: string): readonly (readonly string[])[] {
    const value = this.values[attributeOf(name)];
    if (value === undefined) return [];
    if (!Array.isArray(value)) bug(`--${name} is no list`);
    return value.map((group: unknown) =>
      Array.isArray(group) ? group.map(String) : bug('no group'),
    );
  }

  flag(name: string): boolean {
    return this.values[attributeOf(name)] === true;
  }

  /**
   * The words of `--name`, with commas between them.
   *
   * @throws InputError for a word that is no choice
   */
  choices<Choice extends string>(name: string, choices: readonly Choice[]): readonly Choice[] {
    const words = (this.text(name) ?? '').split(',').filter((word) => word !== '');
    return words.map((value) => {
      const choice = choices.find((one) => one === value);
      if (choice !== undefined) return choice;
      const near = nearestName(value, choices);
      const args = { option: `--${name}`, value, choices, near };
      throw new InputError([diagnostic('cli/bad-choice', args)]);
    });
  }

  /** The instant of `--name` in milliseconds since the epoch; now where it was not given. */
  instant(name: string): number {
    const value = this.text(name);
    if (value === undefined) return this.io.now();
    const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/;
    const time = rfc3339.test(value) ? Date.parse(value.replace(' ', 'T')) : Number.NaN;
    if (!Number.isNaN(time)) return time;
    throw new InputError([diagnostic('cli/bad-time', { option: `--${name}`, value })]);
  }

  get json(): boolean {
    return this.text('format') === 'json';
  }

  /** The format of diagnostics that are a command's answer. */
  get diagnosticFormat(): DiagnosticFormat {
    const format = this.text('format');
    return format === 'json' || format === 'sarif' || format === 'github' ? format : 'text';
  }

  get paint(): Paint {
    return paintFor(this.io.stdout, this.io.env, colorChoice(this.text('color')));
  }

  get columns(): number {
    return this.io.stdout.columns ?? DEFAULT_COLUMNS;
  }

  print(text: string): void {
    this.progress.end();
    if (text !== '') this.io.stdout.write(text);
  }

  /** Bytes as they are. */
  printBytes(bytes: Uint8Array): void {
    this.progress.end();
    this.io.stdout.write(bytes);
  }

  printJson(value: unknown): void {
    this.print(`${JSON.stringify(value, undefined, 2)}\n`);
  }

  /** Tells of what a command came across beside its answer: on standard error. */
  async report(diagnostics: readonly Diagnostic[]): Promise<void> {
    if (diagnostics.length === 0) return;
    this.progress.end();
    const color = colorChoice(this.text('color'));
    await writeDiagnostics(
      diagnostics,
      this.io.stderr,
      this.io,
      color,
      this.json ? 'json' : 'text',
    );
  }

  /** The diagnostics are the command's answer: on standard output. */
  async answer(diagnostics: readonly Diagnostic[], format: DiagnosticFormat): Promise<void> {
    this.progress.end();
    const color = colorChoice(this.text('color'));
    await writeDiagnostics(diagnostics, this.io.stdout, this.io, color, format);
  }
}

export async function writeDiagnostics(
  diagnostics: readonly Diagnostic[],
  output: Output,
  io: Io,
  color: ColorChoice,
  format: DiagnosticFormat,
): Promise<void> {
  const { renderDiagnostics } = await import('../../render.js');
  const text = renderDiagnostics(diagnostics, {
    format,
    version: policycVersion(),
    paint: paintFor(output, io.env, color),
    columns: output.columns ?? DEFAULT_COLUMNS,
  });
  if (text !== '') output.write(text);
}

/** FORCE_COLOR goes before NO_COLOR, as in Node itself; an option goes before both. */
export function paintFor(output: Output, env: Io['env'], choice: ColorChoice): Paint {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: terminal } = env;
  if (choice !== 'auto') return choice === 'always' ? colored : plain;
  if (force !== undefined) return force === '0' || force === 'false' ? plain : colored;
  if (no !== undefined && no !== '') return plain;
  return output.isTerminal && terminal !== 'dumb' ? colored : plain;
}

export function colorChoice(text: string | undefined): ColorChoice {
  return text === 'always' || text === 'never' ? text : 'auto';
}
