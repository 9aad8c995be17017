/** Diagnostics about reading a cluster from its API server. */
import { entry } from './entry.js';

const ROLE =
  'kubectl create clusterrole policyc-snapshot --verb=list --resource=namespaces,nodes,pods,services,endpointslices.discovery.k8s.io';

export const clusterApiCatalog = {
  'cluster-api/no-kubeconfig': entry<object>({
    severity: 'error',
    message: () => 'there is no kubeconfig: neither what KUBECONFIG names, nor ~/.kube/config',
    hint: () => 'name one: `--kubeconfig PATH`',
    explanation: 'A kubeconfig says where the API server of a cluster is, and how to sign in.',
  }),
  'cluster-api/bad-kubeconfig': entry<{ path: string; reason: string }>({
    severity: 'error',
    message: ({ path, reason }) => `\`${path}\` is no kubeconfig that can be used: ${reason}`,
    explanation: 'The file is no kubeconfig, or names clusters, users or files that are not there.',
  }),
  'cluster-api/no-context': entry<{
    name: string;
    known: readonly string[];
    near: string | undefined;
  }>({
    severity: 'error',
    message: ({ name }) =>
      name === ''
        ? 'the kubeconfig has no current context'
        : `the kubeconfig has no context \`${name}\``,
    hint: ({ known, near }) =>
      near === undefined
        ? `give one with \`--context\`: ${known.join(', ')}`
        : `did you mean \`${near}\`?`,
    explanation: 'A context of a kubeconfig is a cluster and a user. `--context` chooses another.',
  }),
  'cluster-api/no-credentials': entry<{ context: string; reason: string }>({
    severity: 'error',
    message: ({ context, reason }) =>
      `the credentials of context \`${context}\` cannot be had: ${reason}`,
    hint: () => 'try `kubectl --context … get namespaces`; it uses the same',
    explanation: 'A plug-in or a file that the kubeconfig names gave no token or certificate.',
  }),
  'cluster-api/unreachable': entry<{ server: string; context: string; reason: string }>({
    severity: 'error',
    message: ({ server, context, reason }) =>
      `the API server of context \`${context}\`, ${server}, cannot be reached: ${reason}`,
    hint: () =>
      'check the context, the network and the VPN; `kubectl version` asks the same server',
    explanation: 'No answer came from the address that the kubeconfig has for the cluster.',
  }),
  'cluster-api/unauthorized': entry<{ server: string; context: string }>({
    severity: 'error',
    message: ({ server, context }) => `${server} does not know the user of context \`${context}\``,
    hint: () => 'sign in again; the token or the certificate may have expired',
    explanation: 'The API server answered 401: it did not accept the credentials.',
  }),
  'cluster-api/forbidden': entry<{ resource: string; reason: string }>({
    severity: 'error',
    message: ({ resource, reason }) => `\`${resource}\` may not be listed: ${reason}`,
    hint: () =>
      `an administrator lets you with\n${ROLE}\nkubectl create clusterrolebinding policyc-snapshot --clusterrole=policyc-snapshot --user=YOU`,
    explanation:
      'A snapshot lists namespaces, nodes, pods, Services and EndpointSlices of the whole cluster, and nothing else. The RBAC rule that it needs has the verb `list` on these; without one of them verdicts would be wrong, so that there is no snapshot of a part.',
  }),
  'cluster-api/refused': entry<{ resource: string; server: string; reason: string }>({
    severity: 'error',
    message: ({ resource, server, reason }) => `${server} does not list \`${resource}\`: ${reason}`,
    explanation: 'The API server answered, but not with a list.',
  }),
  'cluster-api/two-sources': entry<object>({
    severity: 'error',
    message: () => 'a snapshot is of a kubeconfig’s cluster or of paths, not of both',
    hint: () => 'leave out one of them',
    explanation: 'What is written down has to be one cluster.',
  }),
  'cluster-api/no-source': entry<object>({
    severity: 'error',
    message: () => 'nothing says which cluster to write down',
    hint: () => 'give paths, `-` for standard input, or `--kubeconfig`',
    explanation:
      'A snapshot is made of manifests or what kubectl prints, or read from an API server.',
  }),
};
