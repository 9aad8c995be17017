/** Commands for those who write policies. */
import { DEFAULT_TARGET, TARGETS } from '../../target.js';
import type { CommandGroup } from '../base/spec.js';
import { lintCommand } from './lint.js';
import {
  AS,
  AT,
  BUG_EXIT,
  CLUSTER,
  COLOR,
  DONE_EXIT,
  ENGINE,
  FORMAT,
  GUARDRAILS,
  INPUT_EXIT,
  POLICY_PATHS,
} from './shared.js';

export const policyCommands: CommandGroup = {
  title: 'policies',
  commands: [
    {
      name: 'check',
      summary: 'report everything that is wrong or doubtful in policies',
      purpose: [
        'Reads policies and reports all that can be said about them before they act: errors with the exact place and what to do, conflicts of equal priority, rules that can never match, rules that others shadow. With a cluster also selectors that match nothing there.',
        'Reads NetworkPolicy, ClusterNetworkPolicy, AdminNetworkPolicy and BaselineAdminNetworkPolicy manifests, and the policy language in .pol files.',
      ],
      operands: [POLICY_PATHS],
      options: [
        { ...CLUSTER, description: `${CLUSTER.description}; checks the policies against it` },
        GUARDRAILS,
        { flags: '--deny-warnings', description: 'exit 1 on warnings too' },
        {
          ...FORMAT,
          description:
            'text for people, json for machines, sarif for code scanning, github for annotations of a change',
          choices: ['text', 'json', 'sarif', 'github'],
        },
        COLOR,
      ],
      examples: [
        { command: 'policyc check policies/', does: 'everything below a folder' },
        {
          command: 'policyc check policies/ --guardrails security/',
          does: 'also that what the security team asserts holds in any cluster',
        },
        {
          command: 'policyc check policies/ --cluster cluster.yaml',
          does: 'also what the cluster tells about them',
        },
        {
          command: 'policyc check policies/ --format sarif > policies.sarif',
          does: 'for code scanning',
        },
        {
          command: 'helm template chart | policyc check -',
          does: 'rendered manifests; diagnostics name the template',
        },
      ],
      exits: [
        { code: 0, when: 'no errors' },
        { code: 1, when: 'errors in the policies, or warnings with --deny-warnings' },
        INPUT_EXIT,
        BUG_EXIT,
      ],
      load: () => import('../check.js'),
    },
    lintCommand,
    {
      name: 'compile',
      summary: 'compile policies into a bundle of eBPF programs',
      purpose: [
        'Compiles policies into one bundle: a manifest, BPF ELF objects and the policies for binding. The bundle knows no pod addresses; a node binds it to the cluster. The same input makes the same bytes on every machine.',
        'Before anything is written, the bytecode is run on packets at every boundary of the policies, at pods made up to stand for all that the selectors can tell apart, and compared with what the policies mean. On a difference nothing is written; it is a fault of policyc (exit 70).',
        'Prints what was built. With a cluster it also says what the bundle becomes there. --emit prints one stage instead, and then writes a bundle only where -o is given.',
      ],
      operands: [POLICY_PATHS],
      options: [
        {
          flags: '-o, --output <file>',
          description:
            'where the bundle goes; - for standard output; NAME.bundle after the first path unless told',
        },
        {
          flags: '--target <kernel>',
          description: 'the oldest kernel that must take the programs',
          choices: TARGETS.map(({ name }) => name),
          default: DEFAULT_TARGET,
          config: 'target',
        },
        {
          flags: '--emit <stage>',
          description: 'print this stage; elf is the object itself',
          choices: ['model', 'plan', 'listing', 'elf'],
        },
        {
          flags: '--no-validate',
          description:
            'pack the bytecode without comparing it with the policies; the bundle says so',
        },
        {
          flags: '--budget <size>',
          description:
            "what the policies' tables may take on a node, such as 64MiB; tables that would take more are laid out smaller, and slower, or refused",
          config: 'table-budget',
        },
        { ...CLUSTER, description: `${CLUSTER.description}; says how large the maps become there` },
        { flags: '--node <name>', description: 'the pods of this node alone; with --cluster' },
        GUARDRAILS,
        FORMAT,
        COLOR,
      ],
      examples: [
        { command: 'policyc compile policies/ -o shop.bundle', does: 'compile a folder' },
        {
          command: 'policyc compile policies/ --emit listing',
          does: 'the assembly, under policy lines',
        },
        {
          command: 'policyc compile policies/ --emit plan --cluster cluster.yaml --node node-1',
          does: 'which layouts were chosen, what each costs, and who needs connection state',
        },
        {
          command: 'policyc compile policies/ --emit elf > shop.o && llvm-objdump -d shop.o',
          does: 'the object, for other tools',
        },
      ],
      exits: [DONE_EXIT, INPUT_EXIT, BUG_EXIT],
      load: () => import('../compile.js'),
    },
    {
      name: 'eval',
      summary: 'say which flows the policies allow, and which rule decides',
      purpose: [
        'Judges flows by the policies as they would act in the cluster. For each flow: the verdict, and for each end that is a pod which policies apply to, the rule that decided and where it stands.',
        'The flows are a JSON or YAML list of `{from, to, protocol, port}`. `from` and `to` are `namespace/pod`, a workload, a Service or an address. A denied flow is an answer like any other, so the exit code is 0.',
      ],
      operands: [],
      options: [
        {
          flags: '--policies <path...>',
          description: 'policies: files, folders or globs',
          required: true,
          config: 'policies',
        },
        { ...CLUSTER, required: true },
        {
          flags: '--flows <file>',
          description: 'the list of flows; - reads standard input',
          required: true,
        },
        { ...ENGINE, default: 'model' },
        AS,
        AT,
        FORMAT,
        COLOR,
      ],
      examples: [
        {
          command: 'policyc eval --policies policies/ --cluster cluster.yaml --flows flows.yaml',
          does: 'a table of verdicts',
        },
        {
          command:
            `echo '[{"from": "shop/fe", "to": "shop/db", "protocol": "TCP", "port": 5432}]' |` +
            '\n      policyc eval --policies all.yaml --cluster all.yaml --flows - --format json',
          does: 'one flow, for a script; the same file holds policies and cluster',
        },
      ],
      exits: [{ code: 0, when: 'judged, whatever the verdicts' }, INPUT_EXIT, BUG_EXIT],
      load: () => import('../eval.js'),
    },
    {
      name: 'test',
      summary: 'run the tests and assertions that stand in policies',
      purpose: [
        'Runs every `test` of the policy files over the cluster, proves every `assert` over all of its connections, and reports like a test runner: what failed, with the flow that goes against it. Without --cluster, the cluster is what the same paths hold.',
        'Where they hold no pods either, assertions are proved for all clusters that there can be: what fails comes with a cluster made up to show it, and what a proof takes for granted is printed.',
        'Proofs go by classes of ends and ports. The flows of tests, and each that goes against an assertion, are judged by the compiled bytecode in user space unless told otherwise.',
      ],
      operands: [POLICY_PATHS],
      options: [
        CLUSTER,
        GUARDRAILS,
        { ...ENGINE, default: 'vm' },
        AT,
        {
          flags: '--witnesses <folder>',
          description:
            'write each flow that goes against an assertion, and its made-up cluster where there is one, as files that `policyc eval` takes',
        },
        { flags: '--junit <file>', description: 'also write the results as JUnit XML' },
        FORMAT,
        COLOR,
      ],
      examples: [
        { command: 'policyc test policies/ --cluster cluster.yaml', does: 'all tests' },
        {
          command: 'policyc test policies/ --guardrails security/',
          does: 'with the assertions of others, for all clusters',
        },
        {
          command: 'sudo policyc test policies/ --cluster cluster.yaml --engine kernel',
          does: 'the same, in the running kernel',
        },
        {
          command: 'policyc test policies/ --cluster cluster.yaml --junit results.xml',
          does: 'for a CI service',
        },
      ],
      exits: [
        { code: 0, when: 'all passed' },
        { code: 1, when: 'some failed' },
        INPUT_EXIT,
        BUG_EXIT,
      ],
      load: () => import('../test.js'),
    },
    {
      name: 'fmt',
      summary: 'put files of the policy language into their one form',
      purpose: [
        'Rewrites .pol files in the one form that the language has; comments stay. In folders other files are passed over. Standard input is formatted to standard output.',
      ],
      operands: [
        { ...POLICY_PATHS, description: '.pol file, folder, glob, or - for standard input' },
      ],
      options: [
        { flags: '--check', description: 'write nothing; exit 1 where a file would change' },
        FORMAT,
        COLOR,
      ],
      examples: [
        { command: 'policyc fmt policies/', does: 'format a folder in place' },
        { command: 'policyc fmt --check policies/', does: 'for CI' },
      ],
      exits: [
        DONE_EXIT,
        { code: 1, when: 'with --check: a file would change' },
        INPUT_EXIT,
        BUG_EXIT,
      ],
      load: () => import('../fmt.js'),
    },
    {
      name: 'lsp',
      summary: 'serve editors: findings while typing, hover, completion, rename, formatting',
      purpose: [
        'A language server over standard input and output, for .pol files and for manifests of policies. It says what check says, of the texts as the editor shows them; hovers tell in plain words what a rule allows and which pods a group selects; completion knows the grammar, the names in scope, and the labels, namespaces, Services and ports of the cluster.',
        'It checks the policies that policyc.yaml names; without that file all .pol files and policy manifests below the open folder. The cluster comes from --cluster, from the editor’s settings (`policyc.cluster`), or from policyc.yaml. docs/editors.md has the lines for VS Code, Neovim, Helix and Emacs.',
      ],
      operands: [],
      options: [
        {
          flags: '--cluster <path...>',
          description: 'manifests of the cluster, or the name of one of policyc.yaml',
        },
        { flags: '--stdio', description: 'what it does anyway; editors pass it' },
        {
          flags: '--clientProcessId <pid>',
          description: 'the editor’s process: when that is gone, the server ends',
        },
      ],
      examples: [
        { command: 'policyc lsp', does: 'what an editor runs' },
        { command: 'policyc lsp --cluster cluster.yaml', does: 'with the labels of that cluster' },
      ],
      exits: [
        { code: 0, when: 'the editor said `shutdown` and `exit`' },
        { code: 1, when: 'the editor went away without `shutdown`' },
        INPUT_EXIT,
        BUG_EXIT,
      ],
      load: () => import('../lsp.js'),
    },
  ],
};
