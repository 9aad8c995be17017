/** Runs one command line from its arguments to its exit code; no error leaves it. */
import { Bug, diagnostic, InputError, type Diagnostic } from '../diagnostics.js';
import { nearestName } from '../did-you-mean.js';
import { commandGroups, commands, findCommand } from './base/command-table.js';
import { BAD_INPUT, DONE, INTERNAL, type ExitCode } from './base/exit-codes.js';
import type { Io } from './base/io.js';
import type { FindConfig } from './base/parse-arguments.js';
import { startProgress, type Progress } from './base/progress.js';
import { colorChoice, Session, writeDiagnostics } from './base/session.js';
import { readsConfig, type CommandSpec } from './base/spec.js';
import { policycVersion } from './version.js';

/** @param argv without the interpreter and the script */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const progress = startProgress(io);
  try {
    return await dispatch(argv, io, progress);
  } catch (error) {
    progress.end();
    return await reportFailure(error, argv, io);
  } finally {
    progress.end();
  }
}

async function dispatch(argv: readonly string[], io: Io, progress: Progress): Promise<ExitCode> {
  const [name, ...rest] = argv;
  if (name === '--version' || name === '-V') {
    io.stdout.write(`policyc ${policycVersion()}\n`);
    return DONE;
  }
  if (name === undefined || name === '--help' || name === '-h') {
    const { generalHelp } = await import('./base/help-text.js');
    const session = new Session(io, [], {});
    session.print(generalHelp(commandGroups, session));
    return DONE;
  }
  const spec = findCommand(name);
  if (spec === undefined) throw new InputError([unknownCommand(name)]);
  const { parseArguments } = await import('./base/parse-arguments.js');
  const parsed = parseArguments(spec, rest, await configFinder(spec));
  if (parsed.kind === 'help') {
    const { commandHelp } = await import('./base/help-text.js');
    const session = new Session(io, [], {});
    session.print(commandHelp(spec, session));
    return DONE;
  }
  const command = await spec.load();
  return command.run(new Session(io, parsed.operands, parsed.options, progress, parsed.config));
}

/** Most commands take defaults from policyc.yaml; what reads it is loaded for them alone. */
async function configFinder(spec: CommandSpec): Promise<FindConfig> {
  if (!readsConfig(spec)) return () => undefined;
  const { findConfig, readConfig } = await import('../config.js');
  return (explicit) => {
    if (explicit === false) return undefined;
    const path = explicit ?? findConfig('.');
    return path === undefined ? undefined : readConfig(path);
  };
}

function unknownCommand(name: string): Diagnostic {
  if (name.startsWith('-')) {
    return diagnostic('cli/unknown-option', { option: name, command: 'policyc', near: undefined });
  }
  const near = nearestName(
    name,
    commands.map((one) => one.name),
  );
  return diagnostic('cli/unknown-command', { name, near });
}

async function reportFailure(error: unknown, argv: readonly string[], io: Io): Promise<ExitCode> {
  const { diagnostics, code } = await explainFailure(error);
  // The arguments may be what is wrong, so the wanted format is looked for in them as they are.
  const format = wanted(argv, '--format') === 'json' ? 'json' : 'text';
  const color = colorChoice(wanted(argv, '--color'));
  await writeDiagnostics(diagnostics, io.stderr, io, color, format);
  const debug = io.env['POLICYC_DEBUG'];
  if (debug !== undefined && debug !== '' && error instanceof Error) {
    io.stderr.write(`${error.stack ?? error.message}\n`);
  }
  return code;
}

async function explainFailure(
  error: unknown,
): Promise<{ readonly diagnostics: readonly Diagnostic[]; readonly code: ExitCode }> {
  if (error instanceof InputError) {
    const { diagnostics } = error;
    // Our own programs are made to be provable and to mean what the policy says, whatever that is.
    const ours = diagnostics.some(
      ({ code }) => code === 'kernel/verifier' || code === 'validate/mismatch',
    );
    return { diagnostics, code: ours ? INTERNAL : BAD_INPUT };
  }
  if (error instanceof Error && error.name === 'KernelError') {
    const { KernelError, kernelDiagnostic } = await import('../loader/kernel-error.js');
    if (error instanceof KernelError) {
      return explainFailure(new InputError([kernelDiagnostic(error)]));
    }
  }
  const reason = error instanceof Error ? bugText(error) : String(error);
  return { diagnostics: [diagnostic('cli/internal-error', { reason })], code: INTERNAL };
}

function bugText(error: Error): string {
  return error instanceof Bug ? error.message : `${error.name}: ${error.message}`;
}

/** The value of an option in arguments that may not be readable as a whole. */
function wanted(argv: readonly string[], option: string): string | undefined {
  const index = argv.indexOf(option);
  if (index >= 0) return argv[index + 1];
  return argv.find((one) => one.startsWith(`${option}=`))?.slice(option.length + 1);
}
