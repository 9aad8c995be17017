/** Commands about bundles. */
import type { CommandGroup } from '../base/spec.js';
import { AT, BUG_EXIT, CLUSTER, COLOR, DONE_EXIT, FORMAT, INPUT_EXIT } from './shared.js';

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
    {
      name: 'verify',
      summary: 'compare what a bundle does in a cluster with what its policies mean',
      purpose: [
        "Binds the bundle to the cluster, runs its bytecode on packets at every boundary of the policies and of the cluster's addresses, and compares verdict, reason and rule with the model interpreter's; and whether replies of allowed flows pass, and others do not. Nothing is attached.",
        'Says how many packets were tried at how many pods, and whether in full product or each boundary by itself. On a difference it prints the packet and both answers.',
      ],
      operands: [
        { name: 'BUNDLE', description: 'what compile wrote; - for standard input', many: false },
      ],
      options: [
        { ...CLUSTER, required: true },
        {
          flags: '--engine <engine>',
          description: 'vm: the bytecode in user space; kernel: in the kernel, as root',
          choices: ['vm', 'kernel'],
          default: 'vm',
        },
        { flags: '--node <name>', description: 'only the pods of this node' },
        AT,
        FORMAT,
        COLOR,
      ],
      examples: [
        { command: 'policyc verify shop.bundle --cluster cluster/', does: 'in user space' },
        {
          command: 'sudo policyc verify shop.bundle --cluster cluster/ --engine kernel --node n1',
          does: 'in the running kernel, for the pods of one node',
        },
      ],
      exits: [
        { code: 0, when: 'verified' },
        { code: 1, when: 'the bytecode goes against the policies' },
        INPUT_EXIT,
        BUG_EXIT,
      ],
      load: () => import('../verify.js'),
    },
  ],
};
