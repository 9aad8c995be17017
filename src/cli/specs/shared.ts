/** Options, operands and exit codes that several commands share. */
import type { ExitSpec, OperandSpec, OptionSpec } from '../base/spec.js';

export const COLOR: OptionSpec = {
  flags: '--color <when>',
  description: 'colours: auto is on a terminal, unless NO_COLOR is set',
  choices: ['auto', 'always', 'never'],
  default: 'auto',
};

export const CONFIG: OptionSpec = {
  flags: '--config <file>',
  description:
    'defaults and budgets; policyc.yaml here or in a folder above, up to the top of the repository, unless told',
};

export const NO_CONFIG: OptionSpec = {
  flags: '--no-config',
  description: 'read no policyc.yaml',
};

export const FORMAT: OptionSpec = {
  flags: '--format <format>',
  description: 'text for people, json for machines',
  choices: ['text', 'json'],
  default: 'text',
};

export const POLICY_PATHS: OperandSpec = {
  name: 'PATH',
  description:
    'policy file (.yaml, .yml, .json, .pol), folder (searched to the bottom), glob, or - for standard input',
  many: true,
  config: 'policies',
};

export const CLUSTER: OptionSpec = {
  flags: '--cluster <path...>',
  description: 'manifests of the cluster: namespaces, pods, workloads, nodes, Services',
  config: 'cluster',
};

/** For commands that change a node: what they do must not depend on the folder that they run in. */
export const NODE_CLUSTER: OptionSpec = { flags: CLUSTER.flags, description: CLUSTER.description };

export const AS: OptionSpec = {
  flags: '--as <implementation>',
  description:
    'judge as upstream, cilium, calico, aws or k3s really do, with a version after @ and settings after +; policyc unless told',
};

export const ENGINE: OptionSpec = {
  flags: '--engine <engine>',
  description:
    'model: what the policies mean; vm: the bytecode in user space; kernel: the bytecode in the kernel, as root, attached to nothing',
  choices: ['model', 'vm', 'kernel'],
};

export const TABLE_BUDGET: OptionSpec = {
  flags: '--budget <size>',
  description:
    "what the policies' tables may take on a node, such as 64MiB; tables that would take more are laid out smaller, and slower, or refused",
  config: 'table-budget',
};

export const GUARDRAILS: OptionSpec = {
  flags: '--guardrails <path...>',
  description:
    'assertions and tests in files of others than the authors, which the policies must keep: in the cluster, or in any without one',
  config: 'guardrails',
};

export const AT: OptionSpec = {
  flags: '--at <time>',
  description: 'judge rules with `until` at this instant instead of now (RFC 3339)',
};

export const DONE_EXIT: ExitSpec = { code: 0, when: 'done' };
export const INPUT_EXIT: ExitSpec = { code: 2, when: 'the input or the arguments cannot be used' };
export const BUG_EXIT: ExitSpec = { code: 70, when: 'a fault of policyc; please report it' };
