/** Commands that say what policies do in a cluster, and what a change of them does. */
import type { CommandGroup, OptionSpec } from '../base/spec.js';
import { explainCommand } from './explain.js';
import { replayCommand, suggestCommand } from './flow-logs.js';
import { reportCommand } from './report.js';
import {
  AS,
  AT,
  BUG_EXIT,
  CLUSTER,
  COLOR,
  DONE_EXIT,
  GUARDRAILS,
  INPUT_EXIT,
  POLICY_PATHS,
} from './shared.js';

const DIFF_FORMAT: OptionSpec = {
  flags: '--format <format>',
  description:
    'text for people, markdown for a comment on a change, json and sarif for machines, dot and svg as a graph',
  choices: ['text', 'markdown', 'json', 'sarif', 'dot', 'svg'],
  default: 'text',
};

export const analysisCommands: CommandGroup = {
  title: 'analysis',
  commands: [
    {
      name: 'diff',
      summary: 'say which connections a change of policies affects, and why',
      purpose: [
        'Compares what old and new policies do: by meaning, not by text. For each class of sources, destinations and ports whose verdict changes: what it was and is, the rules that decide with their places and owners, and a flow that `policyc eval --flows` takes. Policies that say the same in other words give an empty difference.',
        'OLD and NEW are bundles, paths of policies, or `REVISION:PATH` in the git repository here; what exists as a path is taken as one. With several --cluster options each is a cluster of its own, and changes that are the same in several are told once.',
        "Without --cluster all clusters are meant: pods are told by labels, such as 'any pod with app=web in a namespace with team=a', and each change comes with a cluster made up to show it. What the answer takes for granted is printed below it. Policies that tell too many kinds of pods apart are refused with the numbers.",
        'With one --as both are judged as that implementation has them; guardrails and the cost stay policyc’s own. With two, over one operand, it lists the flows that the two judge differently, each with a flow to try and the numbers of the differences that cause it (docs/portability.md); no guardrails are asked.',
        'A change can be accepted by its fingerprint in a file that is kept with the policies: a list of `{fingerprint, reason}`. Entries that accept nothing are reported.',
      ],
      operands: [
        { name: 'OLD', description: 'the policies as they were', many: false, optional: true },
        {
          name: 'NEW',
          description: 'the policies as they will be; left out with two --as',
          many: false,
          optional: true,
        },
      ],
      options: [
        {
          flags: '--base <revision>',
          description:
            'in place of OLD: the one path that is given, or that policyc.yaml names, as it is in this revision',
          config: 'base',
        },
        {
          ...CLUSTER,
          description: `${CLUSTER.description}; may be given several times, once for each cluster; all clusters unless given`,
          grouped: true,
          config: 'clusters',
        },
        {
          flags: '--fail-on <what>',
          description: 'exit 1 on any of these, with commas between them: widen, narrow, cost, any',
          config: 'fail-on',
        },
        {
          flags: '--accept <file>',
          description: 'changes that are accepted: they are told apart and fail nothing',
          config: 'accept',
        },
        {
          ...GUARDRAILS,
          description:
            'assertions and tests that the new policies must keep; exit 1 where they do not',
        },
        {
          flags: '--witnesses <folder>',
          description:
            'write each flow that shows a change, and its made-up cluster where there is one, as files that `policyc eval` takes',
        },
        { ...AS, description: `${AS.description}; may be given twice`, repeated: true },
        AT,
        DIFF_FORMAT,
        COLOR,
      ],
      examples: [
        {
          command: 'policyc diff --base origin/main',
          does: 'what this checkout changes, all else from policyc.yaml',
        },
        {
          command: 'policyc diff main:policies/ policies/',
          does: 'what this checkout changes against main, in any cluster',
        },
        {
          command: 'policyc diff main:policies/ policies/ --cluster cluster.yaml',
          does: 'the same in one cluster, by the names of its workloads',
        },
        {
          command:
            'policyc diff old/ new/ --witnesses w && policyc eval --policies new/ --cluster w/cluster-1.yaml --flows w/flow-1.yaml',
          does: 'try the first change in the cluster made up for it',
        },
        {
          command:
            'policyc diff old.bundle new.bundle --cluster eu.yaml --cluster us.yaml --fail-on widen',
          does: 'a gate over two clusters',
        },
        {
          command: 'policyc diff --as cilium --as calico policies/ --cluster cluster.yaml',
          does: 'what two implementations of the API judge differently',
        },
        {
          command:
            'policyc diff main:policies/ policies/ --cluster cluster.yaml --format markdown > comment.md',
          does: 'for a comment on a change',
        },
      ],
      exits: [
        { ...DONE_EXIT, when: 'compared, and nothing of --fail-on' },
        { code: 1, when: 'something of --fail-on that is not accepted' },
        INPUT_EXIT,
        BUG_EXIT,
      ],
      load: () => import('../diff.js'),
    },
    {
      name: 'list',
      summary: 'list who may talk to whom, what is exposed, and what nothing protects',
      purpose: [
        'Lists every connection that the policies allow in the cluster, by classes: sources, destinations and ports that are alike are one line. Connections through Services are lines of their own.',
        'Below them: what can be reached from outside and from other namespaces, Services of type NodePort and LoadBalancer with the address that policies see behind their NAT, and what no policy protects. `html` is one page that loads nothing: a matrix, a graph that stays readable at 500 workloads, and lines to search.',
      ],
      operands: [POLICY_PATHS],
      options: [
        { ...CLUSTER, required: true },
        { flags: '--focus <name>', description: 'only this pod or workload, as namespace/name' },
        AS,
        AT,
        {
          flags: '--format <format>',
          description:
            'text for people, markdown, html as a page, json and sarif for machines, dot and svg as a graph',
          choices: ['text', 'markdown', 'json', 'sarif', 'dot', 'svg', 'html'],
          default: 'text',
        },
        COLOR,
      ],
      examples: [
        { command: 'policyc list policies/ --cluster cluster.yaml', does: 'everything' },
        {
          command: 'policyc list policies/ --cluster cluster.yaml --focus shop/cart',
          does: 'what concerns one workload',
        },
        {
          command: 'policyc list policies/ --cluster cluster.yaml --format html > list.html',
          does: 'a page to look around in',
        },
      ],
      exits: [DONE_EXIT, INPUT_EXIT, BUG_EXIT],
      load: () => import('../list.js'),
    },
    replayCommand,
    suggestCommand,
    reportCommand,
    explainCommand,
    {
      name: 'portability',
      summary: 'say what the same policies mean with other implementations of the API',
      purpose: [
        'For each implementation: how many lines of connections it judges otherwise than the text of the API, by which of its differences, and which differences touch these policies, judged or not. docs/portability.md has every difference with its source.',
        'An implementation may have a version and settings: `cilium@1.15`, `cilium@1.15+cidr-match-nodes`.',
      ],
      operands: [POLICY_PATHS],
      options: [
        { ...CLUSTER, required: true },
        {
          ...AS,
          description: 'only this implementation; may be given several times',
          repeated: true,
        },
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
        {
          command: 'policyc portability policies/ --cluster cluster.yaml',
          does: 'what to know before another network plugin comes',
        },
        {
          command: 'policyc diff --as cilium --as calico policies/ --cluster cluster.yaml',
          does: 'the flows that two of them judge differently',
        },
      ],
      exits: [DONE_EXIT, INPUT_EXIT, BUG_EXIT],
      load: () => import('../portability.js'),
    },
    {
      name: 'snapshot',
      summary: 'write down what policies can see of a cluster, and nothing else',
      purpose: [
        'Reads what `kubectl get -o yaml` prints, or manifests, and writes the namespaces, nodes, pods, Services and endpoints in it with the fields that policies can see: names, labels, addresses, named ports, nodes, owners. No environment, no annotations, no images, no secrets. The same cluster makes the same bytes, so that snapshots can be compared and kept beside the policies; --cluster takes them.',
        'With --kubeconfig it lists namespaces, nodes, pods, Services and EndpointSlices of a running cluster by itself, in pages, and writes what kubectl’s output of the same would give. It needs the verb `list` on these, in all namespaces, and changes nothing.',
      ],
      operands: [
        {
          name: 'PATH',
          description: 'manifests: files, folders, globs, or - for standard input',
          many: true,
          optional: true,
        },
      ],
      options: [
        {
          flags: '--kubeconfig [file]',
          description:
            'list the cluster of a kubeconfig instead; without a file that of KUBECONFIG, or ~/.kube/config',
        },
        {
          flags: '--context <name>',
          description: 'another context of the kubeconfig than its current one',
        },
        {
          flags: '-o, --output <file>',
          description: 'where the snapshot goes; standard output unless told',
        },
        {
          flags: '--format <format>',
          description: 'text is YAML documents, json one List',
          choices: ['text', 'json'],
          default: 'text',
        },
        COLOR,
      ],
      examples: [
        {
          command:
            'kubectl get namespaces,pods,nodes,services,endpointslices -A -o yaml | policyc snapshot - -o cluster.yaml',
          does: 'a snapshot to keep beside the policies',
        },
        {
          command: 'helm template chart | policyc snapshot -',
          does: 'what the chart would run, one pod for each workload',
        },
        {
          command: 'policyc snapshot --kubeconfig --context prod -o prod.yaml',
          does: 'the same without kubectl',
        },
      ],
      exits: [DONE_EXIT, INPUT_EXIT, BUG_EXIT],
      load: () => import('../snapshot.js'),
    },
  ],
};
