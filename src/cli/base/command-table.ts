/** All commands, in the groups in which help shows them. */
import type { CommandGroup, CommandSpec } from './spec.js';
import { analysisCommands } from '../specs/analysis.js';
import { bundleCommands } from '../specs/bundles.js';
import { nodeCommands } from '../specs/nodes.js';
import { otherCommands } from '../specs/others.js';
import { policyCommands } from '../specs/policies.js';

export const commandGroups: readonly CommandGroup[] = [
  policyCommands,
  analysisCommands,
  bundleCommands,
  nodeCommands,
  otherCommands,
];

export const commands: readonly CommandSpec[] = commandGroups.flatMap((group) => group.commands);

export function findCommand(name: string): CommandSpec | undefined {
  return commands.find((one) => one.name === name);
}
