/** The command that says what policies cost. */
import type { CommandSpec } from '../base/spec.js';
import { AT, BUG_EXIT, CLUSTER, COLOR, INPUT_EXIT, POLICY_PATHS, TABLE_BUDGET } from './shared.js';

export const reportCommand: CommandSpec = {
  name: 'report',
  summary: 'say what policies cost, which of them cause it, and whether they keep their budgets',
  purpose: [
    'For a bundle or for policies: instructions, entries of tables and maps, and bytes; for each policy and rule what it alone causes, and apart from it what several cause together and what is there for any policies, so that everything adds up. For each rule also the longest of the first packets that it decides.',
    'Below: each program beside what kernels take, what the verifier of the running kernel does for it (as root; attached to nothing), and the worst packet that was found, with its bytes: of many that are tried in user space, the one that runs the most instructions.',
    'Sizes are those of the node with the most pods; without --cluster those of pods that are made up. Budgets stand in policyc.yaml: where one is not kept, the exit code is 1.',
  ],
  operands: [{ ...POLICY_PATHS, description: `one bundle; or ${POLICY_PATHS.description}` }],
  options: [
    CLUSTER,
    {
      flags: '--node <name>',
      description: 'this node; the one with the most pods unless told',
    },
    TABLE_BUDGET,
    { flags: '--all', description: 'all policies, not the ten most expensive alone' },
    { flags: '--no-load', description: 'do not ask the verifier of the running kernel' },
    AT,
    {
      flags: '--format <format>',
      description: 'text for people, markdown for a comment on a change, json for machines',
      choices: ['text', 'markdown', 'json'],
      default: 'text',
    },
    COLOR,
  ],
  examples: [
    { command: 'policyc report policies/ --cluster cluster.yaml', does: 'what a folder costs' },
    { command: 'policyc report shop.bundle', does: 'what a bundle costs, on a made-up node' },
    {
      command: 'policyc report --format markdown > comment.md',
      does: 'all from policyc.yaml, with its budgets, for a comment on a change',
    },
  ],
  exits: [
    { code: 0, when: 'done, and all budgets are kept' },
    { code: 1, when: 'a budget of policyc.yaml is not kept' },
    INPUT_EXIT,
    BUG_EXIT,
  ],
  load: () => import('../report.js'),
};
