/** The text of docs/cli.md, made from the command definitions. */
import { usageLine } from './help-text.js';
import { operandText, type CommandGroup, type CommandSpec, type OptionSpec } from './spec.js';

export function commandReference(groups: readonly CommandGroup[]): string {
  const parts = [
    INTRODUCTION,
    ...groups.flatMap(({ title, commands }) => groupPart(title, commands)),
  ];
  return parts.join('\n\n').concat('\n');
}

const INTRODUCTION = `# The command line

<!-- Made from src/cli/specs: \`npx vitest run test/cli/reference.test.ts -u\` writes it. -->

Answers go to standard output, everything else to standard error. \`--format json\` makes both of them
JSON. Positions are \`path:line:column\`, counted from 1, columns in UTF-16 units. Files are written
whole or not at all. Colours are for terminals; \`NO_COLOR\`, \`FORCE_COLOR\` and \`--color\` change that.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | a negative answer of a command that asks a question: check, test, fmt --check |
| 2 | the input, the arguments or the machine do not allow it |
| 70 | a fault of policyc; \`POLICYC_DEBUG=1\` shows where |`;

function groupPart(title: string, commands: readonly CommandSpec[]): string[] {
  const heading = `## ${title.charAt(0).toUpperCase()}${title.slice(1)}`;
  return [heading, ...commands.flatMap(commandPart)];
}

function commandPart(spec: CommandSpec): string[] {
  const parts = [`### policyc ${spec.name}`, ...spec.purpose, code(usageLine(spec))];
  const rows = [
    ...spec.operands.map((one) => [operandText(one), one.description] as const),
    ...spec.options.map((one) => [one.flags, optionText(one)] as const),
  ];
  if (rows.length > 0) {
    const lines = rows.map(([term, text]) => `| \`${cell(term)}\` | ${cell(text)} |`);
    parts.push(['| argument or option | |', '| --- | --- |', ...lines].join('\n'));
  }
  parts.push(code(spec.examples.map(({ command, does }) => `# ${does}\n${command}`).join('\n\n')));
  parts.push(spec.exits.map(({ code: exit, when }) => `* exit ${exit}: ${when}`).join('\n'));
  return parts;
}

function optionText(option: OptionSpec): string {
  const notes: string[] = [];
  if (option.required === true) notes.push('required');
  if (option.choices !== undefined) notes.push(`one of ${option.choices.map(ticked).join(', ')}`);
  if (option.default !== undefined) notes.push(`default ${ticked(option.default)}`);
  return notes.length === 0 ? option.description : `${option.description} (${notes.join('; ')})`;
}

function ticked(text: string): string {
  return `\`${text}\``;
}

function code(text: string): string {
  return `\`\`\`sh\n${text}\n\`\`\``;
}

function cell(text: string): string {
  return text.replace(/\|/g, '\\|');
}
