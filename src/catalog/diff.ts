/** Diagnostics of comparing and listing: revisions, accepted changes, and what a comparison needs. */
import { entry } from './entry.js';

export const diffCatalog = {
  'diff/too-many-kinds': entry<{ what: string; selectors: number; limit: number }>({
    severity: 'error',
    message: ({ what, selectors, limit }) =>
      `without a cluster, the ${selectors} selectors of ${what} tell more than ${limit} kinds of ${what} apart`,
    hint: () => 'add `--cluster PATH`: the pods that there are come in fewer kinds',
    explanation:
      'Without a cluster policies are judged for every set of labels that selectors can tell apart. Selectors that go by many independent labels make too many of them, and nothing is left out in silence.',
  }),
  'diff/too-many-places': entry<{ pods: number; cells: number; family: number; limit: number }>({
    severity: 'error',
    message: ({ pods, cells, family, limit }) =>
      `without a cluster, ${pods} kinds of pods at ${cells} kinds of IPv${family} addresses are more than ${limit}`,
    hint: () => 'add `--cluster PATH`: a pod that there is has one address',
    explanation:
      'Rules by address hold for pods too, so that without a cluster every kind of pod is judged at every kind of address that prefixes tell apart.',
  }),
  'list/unknown-focus': entry<{ text: string; near: string | undefined }>({
    severity: 'error',
    message: ({ text }) => `no pod or workload that policies apply to is called \`${text}\``,
    hint: ({ near }) =>
      near === undefined ? 'write `namespace/name`' : `did you mean \`${near}\`?`,
    explanation:
      '`--focus` takes a pod or a workload of the cluster, with its namespace. Pods on the host network have no policies.',
  }),
  'diff/two-inputs': entry<object>({
    severity: 'error',
    message: () => 'standard input cannot be both the old and the new policies',
    hint: () => 'give one of them as a path, a bundle or `REVISION:PATH`',
    explanation: 'Standard input can be read once.',
  }),
  'diff/one-path': entry<object>({
    severity: 'error',
    message: () => '`--base` compares one path, and policyc.yaml names several',
    hint: () => 'give the one that is meant, or a folder that holds all of them',
    explanation:
      '`policyc diff --base REVISION` reads the policies once as they are and once as they are in the revision: one file or one folder.',
  }),
  'diff/new-policies': entry<{ operand: string }>({
    severity: 'warning',
    message: ({ operand }) => `there are no policies at \`${operand}\`: compared with none`,
    hint: () => 'without policies every connection is allowed; check the path if they are not new',
    explanation:
      'The revision of `--base` does not have the path. That is so in the change that brings the first policies.',
  }),
  'diff/no-git': entry<{ reason: string }>({
    severity: 'error',
    message: ({ reason }) => `git cannot be run: ${reason}`,
    hint: () => 'install git, or give the policies as paths or bundles',
    explanation: 'An operand of the form `REVISION:PATH` is read from the git repository here.',
  }),
  'diff/git-failed': entry<{ operand: string; reason: string }>({
    severity: 'error',
    message: ({ operand, reason }) => `git cannot read \`${operand}\`: ${reason}`,
    explanation:
      'An operand of the form `REVISION:PATH` is read from the git repository here, and git refused.',
  }),
  'diff/unknown-revision': entry<{ operand: string; revision: string }>({
    severity: 'error',
    message: ({ operand, revision }) =>
      `\`${operand}\` is no path, and \`${revision}\` is no revision of the repository here`,
    hint: () => 'write `REVISION:PATH`, such as `main:policies/`; a shallow clone lacks older ones',
    explanation:
      'Policies to compare are a bundle, a path, or `REVISION:PATH` as git names a path in a commit, a tag or a branch.',
  }),
  'diff/no-such-path': entry<{ revision: string; path: string }>({
    severity: 'error',
    message: ({ revision, path }) =>
      `revision \`${revision}\` has no policy file at \`${path === '' ? '.' : path}\``,
    hint: () =>
      'paths count from the top of the repository; `REVISION:./PATH` counts from the current folder',
    explanation: 'The path names a file, or a folder with .yaml, .yml, .json or .pol files, there.',
  }),
  'diff/odd-entry': entry<{ path: string; what: string }>({
    severity: 'error',
    message: ({ path, what }) => `\`${path}\` is ${what}, which is not followed in a revision`,
    hint: () => 'name the files or folders beside it',
    explanation:
      'What a symbolic link or a submodule points to is not part of the revision that is read. Leaving it out in silence could hide policies.',
  }),
  'diff/empty-cluster': entry<{ cluster: string }>({
    severity: 'error',
    message: ({ cluster }) => `\`${cluster}\` holds nothing of a cluster to compare policies in`,
    hint: () =>
      'look whether the snapshot was taken; without --cluster policies are compared in all clusters',
    explanation:
      'In an empty cluster any two sets of policies do the same. Where a snapshot failed and left an empty file, that would let every change pass.',
  }),
  'diff/no-pods': entry<{ cluster: string }>({
    severity: 'warning',
    message: ({ cluster }) => `\`${cluster}\` holds no pod, so that no change can show in it`,
    hint: () => 'without --cluster policies are compared in all clusters',
    explanation: 'In a cluster without pods any two sets of policies do the same.',
  }),
  'diff/one-pod-each': entry<{ cluster: string; workloads: number; example: string }>({
    severity: 'warning',
    message: ({ cluster, workloads, example }) =>
      `${workloads === 1 ? `workload \`${example}\` has` : `${workloads} workloads, such as \`${example}\`, have`} one pod${workloads === 1 ? '' : ' each'} in \`${cluster}\`, so that no change between pods of one workload can show`,
    hint: () =>
      'take a snapshot of a running cluster, or leave --cluster out: that compares in all clusters',
    explanation:
      'A workload of manifests counts as one pod, whatever its replicas, and a pod always reaches itself. A rule that lets the pods of a database talk with each other then changes nothing.',
  }),
  'diff/bad-acceptance': entry<{ reason: string }>({
    severity: 'error',
    message: ({ reason }) => `this is no list of accepted changes: ${reason}`,
    hint: () => 'write `- {fingerprint: "0123456789abcdef", reason: "why"}`',
    explanation:
      'The file of `--accept` is a YAML or JSON list; each entry has the `fingerprint` of a change, as `policyc diff` prints it, and a `reason`.',
  }),
  'diff/stale-acceptance': entry<{ fingerprint: string }>({
    severity: 'warning',
    message: ({ fingerprint }) => `no change has the accepted fingerprint \`${fingerprint}\``,
    hint: () => 'remove the entry; the change is gone, or is another one now',
    explanation:
      'A fingerprint holds for one change by the same rules. An entry that accepts nothing would accept the change unseen if it came back.',
  }),
};
