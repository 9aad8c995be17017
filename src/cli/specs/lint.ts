/** `policyc lint`. */
import type { CommandSpec } from '../base/spec.js';
import { AT, BUG_EXIT, CLUSTER, COLOR, INPUT_EXIT, POLICY_PATHS } from './shared.js';

export const lintCommand: CommandSpec = {
  name: 'lint',
  summary: 'report what is legal in policies and probably not meant, and fix what is safe to fix',
  purpose: [
    'Says everything that `policyc check` says, and what else is likely to be a mistake: rules and policies that add nothing, with those that make them superfluous; pods open to anyone or to the outside; egress without DNS; policyTypes and empty lists that mean something else than they look. With a cluster, also, judged exactly over all of its pods and addresses: rules that decide nothing there, half edges, labels that are probably misspelt, ports that pods do not have, namespaces and pods that nothing protects, Services whose clients come with the address of a node, webhooks and Ingresses that are cut off.',
    'A comment switches a lint off, and must give a reason: `# policyc: allow lint/open-to-outside reason "the shop front"`. At the end of a line it holds for the line, on a line of its own for the rule, section, document or statement that follows; `allow-file` holds for the file. Comments that switch nothing off are reported.',
    'Fixes that keep the meaning in every cluster are applied by --fix; the result is compared with the policies as they were before anything is written. docs/lint.md has the list of lints; `policyc help CODE` explains one.',
  ],
  operands: [POLICY_PATHS],
  options: [
    {
      ...CLUSTER,
      description:
        'manifests or a snapshot of the cluster that the policies are for; objects such as webhooks, Ingresses and role bindings are read too',
    },
    { flags: '--fix', description: 'apply the fixes that keep the meaning' },
    {
      flags: '--unsafe-fixes',
      description: 'apply also fixes that change the meaning, such as corrected labels',
    },
    {
      flags: '--diff',
      description: 'print what --fix would change, as a patch, and write nothing',
    },
    {
      flags: '--allow <code...>',
      description: 'switch lints off: codes, `lint/*` or `all`',
    },
    {
      flags: '--warn <code...>',
      description: 'make them warnings; switches those on that are off unless asked for',
    },
    { flags: '--deny <code...>', description: 'make them errors' },
    {
      flags: '--fail-on <level>',
      description: 'exit 1 on every finding, or on errors alone',
      choices: ['warn', 'error'],
      default: 'error',
      config: 'lint-fail-on',
    },
    AT,
    {
      flags: '--format <format>',
      description:
        'text for people, markdown for a comment on a change, json for machines, sarif for code scanning',
      choices: ['text', 'markdown', 'json', 'sarif'],
      default: 'text',
    },
    COLOR,
  ],
  examples: [
    {
      command: 'policyc lint policies/ --cluster cluster.yaml',
      does: 'everything there is to say',
    },
    { command: 'policyc lint policies/ --diff', does: 'what could be fixed' },
    { command: 'policyc lint policies/ --fix', does: 'fix it' },
    {
      command:
        'policyc lint policies/ --cluster cluster.yaml --fail-on warn --allow lint/open-to-outside',
      does: 'a gate',
    },
    {
      command: 'helm template chart | policyc lint - --format sarif > lint.sarif',
      does: 'for code scanning',
    },
  ],
  exits: [
    { code: 0, when: 'nothing of --fail-on, or with --diff nothing to fix' },
    { code: 1, when: 'something of --fail-on, or with --diff something to fix' },
    INPUT_EXIT,
    BUG_EXIT,
  ],
  load: () => import('../lint.js'),
};
