/** Commands that learn from flow logs: what a change would cut of what was seen, and a first draft of policies. */
import type { CommandSpec, ExampleSpec, OptionSpec } from '../base/spec.js';
import { AT, BUG_EXIT, CLUSTER, COLOR, DONE_EXIT, INPUT_EXIT } from './shared.js';

const FLOWS: OptionSpec = {
  flags: '--flows <log...>',
  description:
    'flow logs: files, also compressed with gzip, folders, globs, or - for standard input',
  required: true,
};

const FORMAT_IN: OptionSpec = {
  flags: '--format-in <format>',
  description:
    'what the logs are, where their content does not show it: Hubble JSON, Calico JSON, the AWS network policy agent, or policyc events and flows',
  choices: ['hubble', 'calico', 'aws', 'policyc'],
};

const KUBECTL_EXAMPLE: ExampleSpec = {
  command:
    'hubble observe --since 24h -o json > flows.json\n  kubectl get namespaces,pods,nodes,services,endpointslices -A -o yaml | policyc snapshot - -o cluster.yaml',
  does: 'the log, and the snapshot that it is read with',
};

export const replayCommand: CommandSpec = {
  name: 'replay',
  summary: 'say which flows that were seen a change would cut, and which rules nothing hits',
  purpose: [
    'Reads flow logs and judges every flow in them by NEW: flows that were carried and that NEW denies (cut), flows that policies denied and that NEW allows (opened), and rules that nothing in the log gave anything to do. With --against, what was so before the change is told apart: flows of which the log and OLD disagree are listed by themselves, since then the snapshot is stale, or another engine decides.',
    'Read are Hubble (`hubble observe -o json` and exported files), Calico flow logs in JSON, the log of the AWS VPC CNI network policy agent, `policyc events --format json`, and flows as `policyc eval` takes them. A log is read line by line, so that it may have any size; lines that cannot be read are reported with their place. Replies count for the connection that they answer; drops for other reasons than policy, and ICMP errors, do not count, and are told with their number.',
    'Pods are found by the names in the log, or by their addresses; pods that are gone by their labels, where the log has them. What cannot be judged is listed as unknown.',
  ],
  operands: [
    {
      name: 'NEW',
      description: 'the policies to try: a bundle, paths, or `REVISION:PATH`',
      many: false,
    },
  ],
  options: [
    FLOWS,
    { ...CLUSTER, required: true },
    {
      flags: '--against <old>',
      description: 'the policies under which the log was written, as NEW is given',
    },
    FORMAT_IN,
    {
      flags: '--fail-on <what>',
      description: 'exit 1 on any of these, with commas between them: cut, open, disagree, unknown',
    },
    AT,
    {
      flags: '--format <format>',
      description:
        'text for people, markdown for a comment on a change, json and sarif for machines',
      choices: ['text', 'markdown', 'json', 'sarif'],
      default: 'text',
    },
    COLOR,
  ],
  examples: [
    {
      command: 'policyc replay policies/ --flows flows.json --cluster cluster.yaml --fail-on cut',
      does: 'a gate: nothing that was seen may be cut',
    },
    {
      command:
        'policyc replay policies/ --against main:policies/ --flows logs/*.json.gz --cluster cluster.yaml',
      does: 'what a change does to the flows of a week',
    },
    KUBECTL_EXAMPLE,
  ],
  exits: [
    { ...DONE_EXIT, when: 'replayed, and nothing of --fail-on' },
    { code: 1, when: 'something of --fail-on' },
    INPUT_EXIT,
    BUG_EXIT,
  ],
  load: () => import('../replay.js'),
};

export const suggestCommand: CommandSpec = {
  name: 'suggest',
  summary: 'draft the least policy that allows what flow logs have seen',
  purpose: [
    'Drafts a NetworkPolicy for each workload that the logs show, or the same in the policy language: it is isolated, and what was carried is allowed, by selectors that select exactly the workload, by ports as they were seen, and by addresses for what is outside. The same logs make the same draft. With policies given, only what they do not allow is drafted.',
    'Beside the draft, on standard error: what is left out and why. Denied flows, ICMP, and ends that nobody knows are never drafted. A draft is a start: a log shows what happened, and not what should.',
  ],
  operands: [
    {
      name: 'POLICY',
      description: 'policies that are there already: files, folders or globs',
      many: true,
      optional: true,
    },
  ],
  options: [
    FLOWS,
    { ...CLUSTER, required: true },
    {
      flags: '--emit <language>',
      description: 'yaml is NetworkPolicy manifests, pol the policy language',
      choices: ['yaml', 'pol'],
      default: 'yaml',
    },
    {
      flags: '--widen <length>',
      description:
        'allow blocks of this prefix length for addresses outside, such as 24, or 24,64 for both families; any is every address outside',
    },
    {
      flags: '--min-count <n>',
      description: 'leave out flows that were seen fewer times',
      default: '1',
    },
    FORMAT_IN,
    AT,
    {
      flags: '-o, --output <file>',
      description: 'where the draft goes; standard output unless told',
    },
    {
      flags: '--format <format>',
      description: 'text is the draft, json the draft with all that is left out',
      choices: ['text', 'json'],
      default: 'text',
    },
    COLOR,
  ],
  examples: [
    {
      command: 'policyc suggest --flows flows.json --cluster cluster.yaml > drafted.yaml',
      does: 'a first draft',
    },
    {
      command: 'policyc replay drafted.yaml --flows flows.json --cluster cluster.yaml',
      does: 'what the draft does to the same log',
    },
    {
      command:
        'policyc suggest policies/ --flows week.json.gz --cluster cluster.yaml --emit pol --min-count 2',
      does: 'what policies lack for flows that were seen twice',
    },
  ],
  exits: [DONE_EXIT, INPUT_EXIT, BUG_EXIT],
  load: () => import('../suggest.js'),
};
