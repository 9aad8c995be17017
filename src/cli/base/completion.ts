/** `policyc completion`: scripts for shells, made from the command definitions. */
import { bug } from '../../diagnostics.js';
import { commands } from './command-table.js';
import { DONE, type ExitCode } from './exit-codes.js';
import type { Session } from './session.js';
import { longName, takesValue, type CommandSpec, type OptionSpec } from './spec.js';

export function run(session: Session): Promise<ExitCode> {
  session.print(completionScript(session.operands[0], commands));
  return Promise.resolve(DONE);
}

/** @param shell bash, zsh or fish */
export function completionScript(shell: string | undefined, table: readonly CommandSpec[]): string {
  switch (shell) {
    case 'bash':
      return bashScript(table);
    case 'zsh':
      return zshScript(table);
    case 'fish':
      return fishScript(table);
    default:
      return bug(`no completion for ${shell ?? 'nothing'}`);
  }
}

const HELP_OPTION: OptionSpec = { flags: '-h, --help', description: 'help on the command' };

function bashScript(table: readonly CommandSpec[]): string {
  const options = table.map(
    ({ name, options }) =>
      `    ${name}) options='${[...options, HELP_OPTION].map((one) => `--${longName(one)}`).join(' ')}' ;;`,
  );
  const values = table.flatMap((command) => [
    ...command.options.flatMap((option) =>
      option.choices === undefined
        ? []
        : [`    ${command.name}:--${longName(option)}) words='${option.choices.join(' ')}' ;;`],
    ),
    ...(operandChoices(command) === undefined
      ? []
      : [`    ${command.name}:operand) words='${operandChoices(command)?.join(' ') ?? ''}' ;;`]),
  ]);
  return `# bash completion for policyc
_policyc() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local command="\${COMP_WORDS[1]}" options='' words='' context='operand'
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W '${table.map(({ name }) => name).join(' ')} --help --version' -- "$current")
    return
  fi
  case "$command" in
${options.join('\n')}
  esac
  case "$previous" in --*) context="$previous" ;; esac
  case "$command:$context" in
${values.join('\n')}
  esac
  case "$current" in -*) words="$options" ;; esac
  if [ -n "$words" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _policyc policyc
`;
}

function zshScript(table: readonly CommandSpec[]): string {
  const listed = table.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = table.map((command) => {
    const rows = [...command.options, HELP_OPTION].map((one) => `        ${zshOption(one)}`);
    const choices = operandChoices(command);
    const action = choices === undefined ? '_files' : `(${choices.join(' ')})`;
    rows.push(`        '*:argument:${action}'`);
    return `    ${command.name})\n      _arguments -s \\\n${rows.join(' \\\n')}\n      ;;`;
  });
  return `#compdef policyc
_policyc() {
  local -a commands
  commands=(
${listed.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  local command="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = "_policyc" ]; then
  _policyc "$@"
else
  compdef _policyc policyc
fi
`;
}

function zshOption(option: OptionSpec): string {
  const description = option.description.replace(/[[\]:]/g, '\\$&');
  const action = option.choices === undefined ? '_files' : `(${option.choices.join(' ')})`;
  const value = takesValue(option) ? `:value:${action}` : '';
  return quoted(`*--${longName(option)}[${description}]${value}`);
}

function fishScript(table: readonly CommandSpec[]): string {
  const lines = [
    '# fish completion for policyc',
    'complete -c policyc -n __fish_use_subcommand -f',
  ];
  for (const { name, summary } of table) {
    lines.push(`complete -c policyc -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`);
  }
  for (const command of table) {
    const condition = `-n '__fish_seen_subcommand_from ${command.name}'`;
    for (const option of [...command.options, HELP_OPTION]) {
      const short = /^-([a-zA-Z]),/.exec(option.flags)?.[1];
      const parts = [`complete -c policyc ${condition} -l ${longName(option)}`];
      if (short !== undefined) parts.push(`-s ${short}`);
      if (option.choices !== undefined) parts.push(`-x -a ${quoted(option.choices.join(' '))}`);
      else if (takesValue(option)) parts.push('-r');
      parts.push(`-d ${quoted(option.description)}`);
      lines.push(parts.join(' '));
    }
    const choices = operandChoices(command);
    if (choices !== undefined) {
      lines.push(`complete -c policyc ${condition} -f -a ${quoted(choices.join(' '))}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function operandChoices(command: CommandSpec): readonly string[] | undefined {
  return command.operands.find(({ choices }) => choices !== undefined)?.choices;
}

/** In single quotes, as all three shells read them. */
function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}
