/** `policyc help`: explains commands and diagnostics. */
import { catalog, type DiagnosticCode } from '../catalog/index.js';
import { diagnostic, InputError } from '../diagnostics.js';
import { nearestName } from '../did-you-mean.js';
import { commandGroups, commands, findCommand } from './base/command-table.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import { commandHelp, generalHelp, wrap } from './base/help-text.js';
import type { Session } from './base/session.js';
import { renderPairs } from './base/table.js';

const CODES_TOPIC = 'codes';

export function run(session: Session): Promise<ExitCode> {
  session.print(helpOn(session, session.operands[0]));
  return Promise.resolve(DONE);
}

function helpOn(session: Session, topic: string | undefined): string {
  if (topic === undefined) return generalHelp(commandGroups, session);
  const command = findCommand(topic);
  if (command !== undefined) return commandHelp(command, session);
  if (topic === CODES_TOPIC) return codeList(session);
  if (isCode(topic)) return explanation(session, topic);
  const names = commands.map(({ name }) => name);
  const near = nearestName(topic, [...names, CODES_TOPIC, ...Object.keys(catalog)]);
  throw new InputError([diagnostic('cli/unknown-topic', { topic, near })]);
}

function isCode(topic: string): topic is DiagnosticCode {
  return Object.hasOwn(catalog, topic);
}

function explanation({ paint, columns }: Session, code: DiagnosticCode): string {
  const { severity, explanation: text } = catalog[code];
  const paragraphs = text.split('\n').flatMap((line) => wrap(line, Math.min(columns, 80), ''));
  return `${paint(severity, `${severity}[${code}]`)}\n\n${paragraphs.join('\n')}\n`;
}

function codeList({ paint }: Session): string {
  const pairs = Object.entries(catalog)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { severity }]) => [code, severity] as const);
  return renderPairs(pairs, paint);
}
