/** Commands that put bundles on a node's interfaces. */
import type { CommandGroup, OperandSpec, OptionSpec } from '../base/spec.js';
import { BUG_EXIT, COLOR, DONE_EXIT, FORMAT, INPUT_EXIT, NODE_CLUSTER } from './shared.js';

const BUNDLE: OperandSpec = {
  name: 'BUNDLE',
  description: 'what compile wrote; - for standard input',
  many: false,
};

const ROOT: OptionSpec = {
  flags: '--root <dir>',
  description: 'folder of a BPF file system that everything is pinned in',
  default: '/sys/fs/bpf/policyc',
};

const STATE_DIR: OptionSpec = {
  flags: '--state-dir <dir>',
  description: 'where the bundles that were in force are kept, to be gone back to',
  default: '/var/lib/policyc',
};

const NODE: OptionSpec = {
  flags: '--node <name>',
  description: 'the node that this is',
  required: true,
};

const INTERFACES: OptionSpec = {
  flags: '--interfaces <file>',
  description: "maps `namespace/pod` to the host side of the pod's veth",
  required: true,
};

const AT: OptionSpec = {
  flags: '--at <time>',
  description: 'the instant at which rules with `until` are judged; now unless told',
};

const REQUIRED_CLUSTER: OptionSpec = { ...NODE_CLUSTER, required: true };

const REFUSED_EXIT = {
  code: 2,
  when: 'the input or the machine does not allow it; what was in force stays in force',
} as const;

export const nodeCommands: CommandGroup = {
  title: 'nodes',
  commands: [
    {
      name: 'features',
      summary: 'say what the running kernel can do, and what it costs where it cannot',
      purpose: [
        'Tries each feature of the kernel that policyc uses, and says what is done in its place where it is missing. Nothing stays behind. Needs the right to use BPF.',
      ],
      operands: [],
      options: [FORMAT, COLOR],
      examples: [
        { command: 'policyc features', does: 'a table of what there is' },
        {
          command: 'policyc features --format json | jq .usable',
          does: 'whether a node can be protected at all',
        },
      ],
      exits: [
        { code: 0, when: 'programs of policyc run here' },
        { code: 1, when: 'they do not: the kernel lacks what they need' },
        { code: 2, when: 'BPF may not be used here' },
        BUG_EXIT,
      ],
      load: () => import('../features.js'),
    },
    {
      name: 'apply',
      summary: 'put a bundle in force on the interfaces of a node',
      purpose: [
        "Binds the bundle to the cluster and loads each local pod's programs behind gates at the host side of its veth: first in the chain of tcx, or as a clsact filter before Linux 6.6. Links, programs and maps are pinned, so that it stays in force when this process ends.",
        'Applying again loads a whole generation beside the one in force and switches all pods, directions and families to it by one store, without a gap; pods that are gone are released. Where anything fails, and where the process is killed, what was in force before stays so, whole.',
        'Connections that are open already go on: the sockets of each local pod are looked at before the switch, and what needs state gets it. Those that the new policies deny are told, with the rule that denies them.',
        "Says what it takes of the node's memory: the sum of what the kernel accounts (`memlock` in bpftool, since Linux 6.4) for all maps and programs that it made, while generations change too.",
        'The interfaces file, JSON or YAML, has one line `namespace/pod: interface` for every pod of the node that takes part in policies.',
      ],
      operands: [BUNDLE],
      options: [
        REQUIRED_CLUSTER,
        NODE,
        INTERFACES,
        ROOT,
        STATE_DIR,
        AT,
        {
          flags: '--dry-run',
          description:
            'load and judge, and say what would be cut; change nothing, and exit 0 unless --refuse-cuts is given too',
        },
        {
          flags: '--refuse-cuts',
          description: 'change nothing if an open connection would be cut; exit code 2',
        },
        FORMAT,
        COLOR,
      ],
      examples: [
        {
          command:
            'policyc apply shop.bundle --cluster cluster/ --node node-1 --interfaces veths.yaml',
          does: 'put it in force, or replace what is',
        },
        {
          command:
            'policyc apply shop.bundle --cluster cluster/ --node node-1 --interfaces veths.yaml --dry-run',
          does: 'see which open connections it would cut',
        },
      ],
      exits: [DONE_EXIT, REFUSED_EXIT, BUG_EXIT],
      load: () => import('../apply.js'),
    },
    {
      name: 'rollback',
      summary: 'put the bundle in force again that was before',
      purpose: [
        'Binds the bundle that was in force before this one to the cluster of now, and puts it in force as apply does. Doing it again goes back one further; apply goes forward again.',
        'Bundles are kept by apply, the last ten of each root.',
      ],
      operands: [],
      options: [REQUIRED_CLUSTER, NODE, INTERFACES, ROOT, STATE_DIR, AT, FORMAT, COLOR],
      examples: [
        {
          command: 'policyc rollback --cluster cluster/ --node node-1 --interfaces veths.yaml',
          does: 'undo the last apply',
        },
      ],
      exits: [DONE_EXIT, REFUSED_EXIT, BUG_EXIT],
      load: () => import('../rollback.js'),
    },
    {
      name: 'load',
      summary: 'load and pin the programs of a bundle without attaching them',
      purpose: [
        "Binds the bundle to the cluster, loads every pod's programs and pins them, for other tools to run or attach. Prints an index as JSON: one entry for each program with its pod, its direction (`to_pod` judges packets to the pod, `from_pod` those that it sends), the path of its pin, and its type. On standard error it says what all of it takes of the node's memory.",
      ],
      operands: [BUNDLE],
      options: [
        REQUIRED_CLUSTER,
        { flags: '--node <name>', description: 'only the pods of this node' },
        {
          flags: '--pin <dir>',
          description:
            'an empty or new folder in a BPF file system; a relative one is below --root',
          required: true,
        },
        ROOT,
        AT,
        COLOR,
      ],
      examples: [
        {
          command: 'policyc load shop.bundle --cluster cluster/ --pin /sys/fs/bpf/shop',
          does: 'load the programs of all pods',
        },
        { command: 'rm -r /sys/fs/bpf/shop', does: 'remove them again' },
      ],
      exits: [
        DONE_EXIT,
        { code: 2, when: 'the input or the machine does not allow it; nothing is pinned' },
        BUG_EXIT,
      ],
      load: () => import('../load.js'),
    },
    {
      name: 'status',
      summary: 'show what is in force on this node',
      purpose: [
        'For every generation: the half that its programs are in, whether it is in force, the digest of its bundle and when it was made. For every pod: its interface, its gates and the generation that they let judge.',
      ],
      operands: [],
      options: [ROOT, FORMAT, COLOR],
      examples: [{ command: 'policyc status', does: 'read it' }],
      exits: [DONE_EXIT, INPUT_EXIT, BUG_EXIT],
      load: () => import('../status.js'),
    },
    {
      name: 'events',
      summary: 'show the packets that rules with `log` have decided',
      purpose: [
        'Takes what is in the ring buffer of the policy in force and prints a line for each packet: when, the verdict, the pod, the other end, protocol and ports, the rule that decided with its line, and why. Events are taken out: nobody sees them twice. Denied packets are all logged, allowed ones where they open a connection.',
        "Events of a policy that has been replaced since still name their rule if that policy's bundle is given.",
      ],
      operands: [
        {
          name: 'BUNDLE',
          description: 'bundle that was in force earlier',
          many: true,
          optional: true,
        },
      ],
      options: [
        ROOT,
        { flags: '--follow', description: 'wait for more, until interrupted' },
        {
          flags: '--format <format>',
          description: 'table for people, json for machines: one object on each line',
          choices: ['table', 'json'],
          default: 'table',
        },
        COLOR,
      ],
      examples: [
        { command: 'policyc events --follow', does: 'watch what is denied' },
        {
          command: `policyc events --format json | jq -r .rule.name | sort | uniq -c`,
          does: 'count by rule',
        },
      ],
      exits: [DONE_EXIT, INPUT_EXIT, BUG_EXIT],
      load: () => import('../events.js'),
    },
    {
      name: 'unload',
      summary: 'detach and remove everything from this node',
      purpose: [
        'Detaches all programs, removes what is pinned, and forgets the bundles that were in force. Nothing is enforced afterwards. Doing it twice does no harm.',
      ],
      operands: [],
      options: [ROOT, STATE_DIR, FORMAT, COLOR],
      examples: [{ command: 'policyc unload', does: 'stop enforcing' }],
      exits: [DONE_EXIT, INPUT_EXIT, BUG_EXIT],
      load: () => import('../unload.js'),
    },
  ],
};
