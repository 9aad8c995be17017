/** Diagnostics about putting bound programs on interfaces, and about what is pinned there. */
import { entry } from './entry.js';

const INTERFACES_EXPLANATION =
  'The interfaces file maps every pod of the node, as `namespace/name`, to the host side of its veth. ' +
  'It has to be complete and right before anything is attached: a pod that is left out would be ' +
  'unprotected without anybody noticing.';

const NEAR = (near: string | undefined, otherwise: string): string =>
  near === undefined ? otherwise : `did you mean \`${near}\`?`;

export const deployCatalog = {
  'deploy/interfaces-malformed': entry<{ reason: string }>({
    severity: 'error',
    message: ({ reason }) => `the interfaces file cannot be read: ${reason}`,
    hint: () => 'write one line for each pod, such as `shop/cart-0: vethcart`',
    explanation: INTERFACES_EXPLANATION,
  }),
  'deploy/pod-twice': entry<{ pod: string }>({
    severity: 'error',
    message: ({ pod }) => `\`${pod}\` is in the interfaces file twice`,
    explanation: INTERFACES_EXPLANATION,
  }),
  'deploy/interface-twice': entry<{ device: string; pod: string; other: string }>({
    severity: 'error',
    message: ({ device, pod, other }) => `interface \`${device}\` of \`${pod}\` is \`${other}\`'s`,
    hint: () => 'each pod has its own veth; a shared interface cannot be judged for two pods',
    explanation: INTERFACES_EXPLANATION,
  }),
  'deploy/no-such-interface': entry<{ device: string; pod: string }>({
    severity: 'error',
    message: ({ device, pod }) =>
      `there is no interface \`${device}\` for \`${pod}\` in this network namespace`,
    hint: () =>
      "name the host side of the veth, and run in the network namespace that it is in: the node's",
    explanation: INTERFACES_EXPLANATION,
  }),
  'deploy/unknown-pod': entry<{ pod: string; near: string | undefined }>({
    severity: 'error',
    message: ({ pod }) => `the cluster has no pod \`${pod}\``,
    hint: ({ near }) => NEAR(near, 'give the manifests of the cluster as it is now'),
    explanation: INTERFACES_EXPLANATION,
  }),
  'deploy/pod-elsewhere': entry<{ pod: string; node: string; actual: string | undefined }>({
    severity: 'error',
    message: ({ pod, node, actual }) =>
      `\`${pod}\` is not on node \`${node}\` but ${actual === undefined ? 'on none yet' : `on \`${actual}\``}`,
    explanation: INTERFACES_EXPLANATION,
  }),
  'deploy/host-network-pod': entry<{ pod: string }>({
    severity: 'error',
    message: ({ pod }) => `\`${pod}\` uses the host's network and has no interface of its own`,
    hint: () => "leave it out: its traffic is the node's, which policies do not select",
    explanation: INTERFACES_EXPLANATION,
  }),
  'deploy/pod-without-address': entry<{ pod: string; completed: boolean }>({
    severity: 'error',
    message: ({ pod, completed }) =>
      completed
        ? `\`${pod}\` has completed and holds no address any more`
        : `\`${pod}\` has no address in the cluster's manifests`,
    hint: ({ completed }) =>
      completed
        ? "leave it out: its interface is gone, or another pod's by now"
        : 'give manifests with `status.podIPs`, or leave the pod out until it has an address',
    explanation: INTERFACES_EXPLANATION,
  }),
  'deploy/pod-unprotected': entry<{ pod: string; node: string }>({
    severity: 'error',
    message: ({ pod, node }) => `\`${pod}\` on node \`${node}\` has no interface in the file`,
    hint: ({ pod }) => `add \`${pod}: INTERFACE\``,
    explanation: INTERFACES_EXPLANATION,
  }),
  'deploy/unknown-node': entry<{ node: string; near: string | undefined }>({
    severity: 'error',
    message: ({ node }) => `the cluster has no node \`${node}\``,
    hint: ({ near }) => NEAR(near, 'give its Node object with `--cluster`'),
    explanation: 'Programs are bound for one node: its name has to be that of a Node object.',
  }),
  'deploy/busy': entry<{ root: string }>({
    severity: 'error',
    message: ({ root }) => `another process is changing what is under \`${root}\``,
    hint: () => 'wait until it is done and try again',
    explanation:
      'Only one apply or unload may run at a time for each root. The lock is held by a process and ' +
      'never left behind.',
  }),
  'deploy/not-bpffs': entry<{ path: string }>({
    severity: 'error',
    message: ({ path }) => `\`${path}\` is in no BPF file system`,
    hint: () => 'pin under a mounted one, such as `/sys/fs/bpf/NAME`',
    explanation: 'Only a BPF file system can hold pins of programs, maps and links.',
  }),
  'deploy/pins-refused': entry<{ operation: string; path: string; code: string }>({
    severity: 'error',
    message: ({ operation, path, code }) => `cannot ${operation} \`${path}\`: ${code}`,
    hint: ({ path, code }) =>
      path.includes('.')
        ? 'names in a BPF file system have no dots'
        : code === 'EACCES' || code === 'EPERM'
          ? 'run it as root'
          : undefined,
    explanation:
      'A BPF file system refuses names with dots and names of more than 255 bytes, and lets only ' +
      'root look into what policyc has pinned.',
  }),
  'deploy/pins-exist': entry<{ path: string }>({
    severity: 'error',
    message: ({ path }) => `\`${path}\` holds something already`,
    hint: ({ path }) => `give another folder, or remove it first: \`rm -r ${path}\``,
    explanation:
      'Programs are pinned into an empty folder, so that the index that is printed tells all of it.',
  }),
  'deploy/would-cut': entry<{
    pod: string;
    opened: boolean;
    protocol: string;
    localPort: number;
    peer: string;
    why: string;
  }>({
    severity: 'error',
    message: ({ pod, opened, protocol, localPort, peer, why }) =>
      `an open ${protocol} connection of \`${pod}\`, ` +
      `${opened ? `from its port ${localPort} to ${peer}` : `from ${peer} to its port ${localPort}`}, would be cut: ${why}`,
    hint: () => 'allow it, or apply without `--refuse-cuts`',
    explanation:
      'The sockets of each local pod are looked at before the new policies come into force, and each open ' +
      'connection is judged by the very programs that are about to judge its packets.',
  }),
  'deploy/sockets-unseen': entry<{ pod: string; reason: string }>({
    severity: 'warning',
    message: ({ pod, reason }) => `the sockets of \`${pod}\` could not be looked at: ${reason}`,
    hint: () => "run where the pod's processes are in /proc: in the node's own process namespace",
    explanation:
      'Connections that were open before the first policies came have no state. They get it from the ' +
      "pod's sockets, as do those for which it was not needed before. Where these cannot be seen, what is " +
      'open goes on only as far as packets of both ways are allowed by the policies themselves.',
  }),
  'deploy/kept': entry<{ root: string; attached: boolean }>({
    severity: 'warning',
    message: ({ root, attached }) =>
      attached
        ? `nothing was changed: what was in force under \`${root}\` stays so`
        : `nothing was attached, and nothing is left under \`${root}\``,
    explanation:
      'A new generation is loaded whole, and every gate attached, before one word is written that ' +
      'puts all of it in force.',
  }),
  'deploy/kept-partly': entry<{ root: string; device: string; reason: string }>({
    severity: 'warning',
    message: ({ device, reason }) =>
      `interface \`${device}\` could not be released again (${reason})`,
    hint: ({ root }) => `apply again, or run \`policyc unload --root ${root}\``,
    explanation:
      'An apply failed before it put anything in force, and so did its way back on some interface. ' +
      'All pods that had programs are judged by them as before; the interface belongs to a pod that had none.',
  }),
  'deploy/not-tidied': entry<{ generation: number }>({
    severity: 'warning',
    message: ({ generation }) =>
      `generation ${generation} is in force, but not all of the one before could be removed`,
    hint: () => 'apply again: it removes what is left',
    explanation:
      'The new generation judges every packet. What failed is the removal of what nothing refers to ' +
      'any more: the old generation, or the gates of pods that are gone.',
  }),
  'deploy/not-first': entry<{ pod: string; device: string; name: string; ingress: boolean }>({
    severity: 'error',
    message: ({ pod, device, name, ingress }) =>
      `\`${name}\` sees what ${ingress ? 'comes from' : 'goes to'} \`${pod}\` at \`${device}\` before policyc could`,
    hint: () => 'remove it, or attach it again behind policyc: at a priority above 1',
    explanation:
      'A program that comes first can let packets past all others, by its verdict or by a redirect. ' +
      'policyc goes first in the chain of an interface and lets the others run behind it; where it ' +
      'cannot be first it refuses to pretend that the policy is in force.',
  }),
  'deploy/netkit': entry<{ pod: string; device: string }>({
    severity: 'error',
    message: ({ pod, device }) => `interface \`${device}\` of \`${pod}\` is a netkit device`,
    hint: () => 'give the pod a veth',
    explanation:
      'A netkit device hands packets over before the hooks of tc: its own programs may let them past ' +
      'what policyc attaches there.',
  }),
  'deploy/not-a-veth': entry<{ pod: string; device: string; kind: string }>({
    severity: 'error',
    message: ({ pod, device, kind }) =>
      `interface \`${device}\` cannot be that of \`${pod}\`: it is ${kind === '' ? 'no virtual one' : `a ${kind}`}, and no veth`,
    hint: ({ pod }) => `name the host side of the veth of \`${pod}\``,
    explanation:
      "Programs at another interface than the pod's own see none of its packets, so that the pod would " +
      'be without protection and nothing would show it.',
  }),
  'deploy/xdp-first': entry<{ pod: string; device: string; name: string }>({
    severity: 'error',
    message: ({ pod, device, name }) =>
      `the XDP program \`${name}\` sees what comes from \`${pod}\` at \`${device}\` before policyc could`,
    hint: ({ device }) => `take it off: \`ip link set ${device} xdp off\``,
    explanation:
      'XDP runs before the hooks of tc, and can send packets elsewhere. policyc does not know what the ' +
      'program does with them.',
  }),
  'deploy/redirects-past': entry<{ device: string; name: string; call: string }>({
    severity: 'error',
    message: ({ device, name, call }) =>
      `\`${name}\` at \`${device}\` calls \`${call}\`, which takes packets past the hooks of pods`,
    hint: () =>
      'take it off, or turn off what makes it redirect (Cilium: `bpf.hostLegacyRouting=true`)',
    explanation:
      'A packet that is redirected to the peer of a veth, or by XDP to a veth, arrives in the pod without ' +
      'having been seen at the host side, where policies are enforced.',
  }),
  'deploy/unseen': entry<{ device: string; name: string }>({
    severity: 'error',
    message: ({ device, name }) =>
      `it cannot be seen whether \`${name}\` at \`${device}\` takes packets past the hooks of pods`,
    hint: () => 'run `sysctl kernel.kptr_restrict=1` while applying, with CAP_SYSLOG',
    explanation:
      'policyc looks at the calls of every program of the node, for those that redirect packets into pods ' +
      'without passing the host side of their veths. The kernel hides them from those who may not see addresses.',
  }),
  'deploy/no-gate': entry<{ name: string }>({
    severity: 'error',
    message: ({ name }) =>
      `the bundle's object has no map \`${name}\`: it cannot stand behind a gate`,
    hint: () => 'compile the policies again, with this version of policyc',
    explanation:
      'While one generation gives way to another both have to allow a packet: programs ask each other. ' +
      'Those of bundles that were compiled before that was so cannot.',
  }),
  'deploy/no-previous': entry<{ root: string; folder: string }>({
    severity: 'error',
    message: ({ root }) => `no bundle is known that was in force under \`${root}\` before`,
    hint: ({ folder }) => `apply the one that you want; those that are known are in \`${folder}\``,
    explanation:
      'apply keeps the bundles that it puts in force, so that rollback can bind the one before to the ' +
      'cluster of now. Right after the first apply, and where another --state-dir was given, there is none.',
  }),
  'deploy/history-damaged': entry<{ path: string }>({
    severity: 'error',
    message: ({ path }) => `\`${path}\` was not written by policyc`,
    hint: () => 'remove it: only rollback needs it',
    explanation: 'The list of the bundles that were in force before cannot be read.',
  }),
  'deploy/state-refused': entry<{ path: string; code: string }>({
    severity: 'error',
    message: ({ path, code }) => `cannot keep bundles at \`${path}\`: ${code}`,
    hint: () => 'give a folder that can be written to with `--state-dir`',
    explanation:
      'apply keeps the bundles that it puts in force in ordinary files, so that rollback can bind the ' +
      'one before to the cluster of now. Nothing is put in force that could not be gone back from.',
  }),
  'deploy/other-namespace': entry<{ pod: string; folder: string }>({
    severity: 'error',
    message: ({ pod }) => `\`${pod}\` has filters in another network namespace`,
    hint: ({ folder }) =>
      `run this where \`apply\` was run; if that namespace is gone, remove \`${folder}\``,
    explanation:
      'Before Linux 6.6 programs are attached as clsact filters, which can be reached only from the ' +
      'network namespace of their interface.',
  }),
  'deploy/damaged': entry<{ path: string; reason: string }>({
    severity: 'error',
    message: ({ path, reason }) => `\`${path}\` was not written by policyc: ${reason}`,
    hint: () => 'run `policyc unload` to remove everything under the root, and apply again',
    explanation: 'Something else has pinned or removed objects under the root.',
  }),
};
