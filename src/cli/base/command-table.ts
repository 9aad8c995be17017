/** All commands, in the groups in which help shows them. */
import { readsConfig, type CommandGroup, type CommandSpec } from './spec.js';
import { analysisCommands } from '../specs/analysis.js';
import { bundleCommands } from '../specs/bundles.js';
import { nodeCommands } from '../specs/nodes.js';
import { otherCommands } from '../specs/others.js';
import { policyCommands } from '../specs/policies.js';
import { COLOR, CONFIG, NO_CONFIG } from '../specs/shared.js';

export const commandGroups: readonly CommandGroup[] = [
  policyCommands,
  analysisCommands,
  bundleCommands,
  nodeCommands,
  otherCommands,
].map(({ title, commands }) => ({ title, commands: commands.map(withConfig) }));

/** All that read policyc.yaml can be told which one, ahead of their colours. */
function withConfig(spec: CommandSpec): CommandSpec {
  if (!readsConfig(spec)) return spec;
  const own = spec.options.filter((option) => option !== COLOR);
  const colors = spec.options.filter((option) => option === COLOR);
  return { ...spec, options: [...own, CONFIG, NO_CONFIG, ...colors] };
}

export const commands: readonly CommandSpec[] = commandGroups.flatMap((group) => group.commands);

export function findCommand(name: string): CommandSpec | undefined {
  return commands.find((one) => one.name === name);
}
