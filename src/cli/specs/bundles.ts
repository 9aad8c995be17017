/** Commands about bundles. */
import type { CommandGroup } from '../spec.js';
import { BUG_EXIT, COLOR, DONE_EXIT, FORMAT, INPUT_EXIT } from './shared.js';

export const bundleCommands: CommandGroup = {
  title: 'bundles',
  commands: [
    {
      name: 'dump',
      summary: 'show what is in a bundle, down to the instruction',
      purpose: [
        'Prints the manifest, the programs with the policy lines that caused their instructions in between, the tables and maps, and for every number that a verdict cell can hold the rule and its line.',
      ],
      operands: [
        { name: 'BUNDLE', description: 'what compile wrote; - for standard input', many: false },
      ],
      options: [FORMAT, COLOR],
      examples: [
        { command: 'policyc dump shop.bundle | less', does: 'read it' },
        {
          command: `policyc dump shop.bundle --format json | jq '.cells[]'`,
          does: 'cell, rule and line for a script',
        },
      ],
      exits: [DONE_EXIT, INPUT_EXIT, BUG_EXIT],
      load: () => import('../dump.js'),
    },
  ],
};
