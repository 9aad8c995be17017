/** Commands for those who write policies. */
import type { CommandGroup } from '../spec.js';
import { BUG_EXIT, CLUSTER, COLOR, FORMAT, INPUT_EXIT } from './shared.js';

export const policyCommands: CommandGroup = {
  title: 'policies',
  commands: [
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
        },
        { ...CLUSTER, required: true },
        {
          flags: '--flows <file>',
          description: 'the list of flows; - reads standard input',
          required: true,
        },
        {
          flags: '--engine <engine>',
          description: 'model: what the policies mean',
          choices: ['model'],
          default: 'model',
        },
        {
          flags: '--at <time>',
          description: 'judge rules with `until` at this instant instead of now (RFC 3339)',
        },
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
  ],
};
