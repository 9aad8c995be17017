/** Diagnostics about the cluster snapshot. */
import { entry } from './entry.js';

export const clusterCatalog = {
  'cluster/wrong-type': entry<{ field: string; expected: string; found: string; hint?: string }>({
    severity: 'error',
    message: ({ field, expected, found }) => `\`${field}\` must be ${expected}, found ${found}`,
    hint: ({ hint }) => hint,
    explanation:
      'The value has another type than the API has. Unquoted, YAML reads `yes`, `on` and `1.0` as no string.',
  }),
  'cluster/empty-mapping': entry<{ field: string }>({
    severity: 'warning',
    message: ({ field }) => `\`${field}\` must be a list, and \`{}\` is read as an empty one`,
    hint: ({ field }) => `write \`${field}: []\``,
    explanation:
      'An API server refuses a mapping where the field is a list. One without keys leaves no doubt: there is nothing in it.',
  }),
  'cluster/missing-field': entry<{ field: string; where: string }>({
    severity: 'error',
    message: ({ field, where }) => `${where} has no \`${field}\``,
    explanation: 'Without the field, what policies see of the object cannot be told.',
  }),
  'cluster/bad-address': entry<{ value: string; field: string }>({
    severity: 'error',
    message: ({ value, field }) => `\`${value}\` in \`${field}\` is no IP address`,
    explanation: 'Addresses are written as 10.0.0.1 or fd00::1.',
  }),
  'cluster/bad-range': entry<{ value: string; field: string }>({
    severity: 'error',
    message: ({ value, field }) => `\`${value}\` in \`${field}\` is no CIDR block`,
    explanation: 'A block is an address, a slash and a length: 10.0.0.0/8 or fd00::/8.',
  }),
  'cluster/bad-port': entry<{ value: number; field: string }>({
    severity: 'error',
    message: ({ value, field }) => `\`${field}\` is ${value}, which is not from 1 to 65535`,
    explanation: 'A port number has 16 bits, and 0 is none.',
  }),
  'cluster/unknown-protocol': entry<{ value: string }>({
    severity: 'error',
    message: ({ value }) => `\`${value}\` is no protocol of a port`,
    hint: () => 'write `TCP`, `UDP` or `SCTP`',
    explanation: 'Container, Service and endpoint ports are of TCP, UDP or SCTP.',
  }),
  'cluster/duplicate': entry<{ kind: string; name: string }>({
    severity: 'error',
    message: ({ kind, name }) => `there are two objects of kind ${kind} named \`${name}\``,
    hint: () => 'leave one file out; a snapshot is of one cluster at one time',
    explanation: 'A cluster holds one object of a kind and a name, and the two may differ.',
  }),
  'cluster/shared-address': entry<{ address: string; kept: string; lost: string }>({
    severity: 'warning',
    message: ({ address, kept, lost }) =>
      `the pods \`${kept}\` and \`${lost}\` both have the address ${address}`,
    hint: ({ kept }) => `it is taken to be that of \`${kept}\`, which is newer`,
    explanation:
      'Two live pods cannot share an address; the snapshot was taken while one replaced the other, or mixes two clusters.',
  }),
  'cluster/bad-annotation': entry<{ name: string; value: string }>({
    severity: 'warning',
    message: ({ name, value }) => `\`${name}\` is \`${value}\`, and not \`true\` or \`false\``,
    hint: () => "the pod's sources are checked, as those of any other",
    explanation:
      'A pod that routes, such as a VPN gateway, sends packets of other addresses than its own; they are dropped ' +
      'as spoofed unless the annotation is `"true"`. Who may set it lets the pod speak in the name of others.',
  }),
  'cluster/unknown-workload': entry<{ kind: string; name: string; more: number }>({
    severity: 'warning',
    message: ({ kind, name, more }) =>
      `the pods of ${kind} \`${name}\`${more === 0 ? '' : ` and of ${more} more`} are missing: the kind is not read`,
    hint: () => 'give the pods of a running cluster: `kubectl get pods -A -o yaml`',
    explanation:
      'Manifests of the workloads that Kubernetes itself has stand for their pods. Of other kinds, such as Argo Rollouts, ' +
      'DeploymentConfigs or virtual machines, only the pods themselves are seen.',
  }),
  'cluster/other-network': entry<{ kind: string; name: string }>({
    severity: 'warning',
    message: ({ kind, name }) =>
      `${kind} \`${name}\` parts its pods from all others, which is not looked at`,
    hint: () => 'what policies allow between its pods and others does not pass',
    explanation:
      'A primary network of OVN-Kubernetes is one of its own beside that of the cluster. Policies are judged as if all pods shared one network.',
  }),
  'cluster/empty': entry<{ policies: number }>({
    severity: 'warning',
    message: ({ policies }) =>
      policies === 0
        ? 'these files hold nothing of a cluster'
        : `these files hold nothing of a cluster, only policies (${policies})`,
    hint: () => 'give the output of `kubectl get ns,pods,nodes,svc,endpointslices -A -o yaml`',
    explanation:
      'Of a cluster, policies see its namespaces, pods, nodes and Services. In an empty cluster every selector selects nothing.',
  }),
};
