/** Diagnostics of `policyc lint` that a cluster tells: what policies do, or fail to do, in it. */
import { entry } from './entry.js';

const listText = (names: readonly string[]): string => {
  const shown = names.slice(0, 3).map((name) => `\`${name}\``);
  const rest = names.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
};

export const lintClusterCatalog = {
  'lint/dead-rule': entry<{ rule: string; by: readonly string[] }>({
    severity: 'warning',
    message: ({ rule, by }) =>
      by.length === 0
        ? `\`${rule}\` decides nothing in this cluster: no packet that it matches is asked about here`
        : `\`${rule}\` decides nothing in this cluster: ${listText(by)} decide${by.length === 1 ? 's' : ''} first wherever it matches`,
    hint: () => 'without it nothing would change here; other clusters and later pods may differ',
    explanation:
      'Judged over all pods, nodes and addresses of the given cluster, and over every instant from --at on. All rules that are reported dead or redundant can be removed together, and `policyc diff` finds no difference. Not fixed by itself, since a pod that comes tomorrow may need the rule.',
  }),
  'lint/redundant-rule': entry<{ rule: string; by: readonly string[] }>({
    severity: 'warning',
    message: ({ rule, by }) =>
      `\`${rule}\` adds nothing in this cluster: ${listText(by)} allow${by.length === 1 ? 's' : ''} all that it allows here`,
    hint: () => 'without it nothing would change here; other clusters and later pods may differ',
    explanation:
      'Every connection that the rule allows in the given cluster is allowed by the named rules too. All rules that are reported dead or redundant can be removed together, and `policyc diff` finds no difference.',
  }),
  'lint/label-typo': entry<{
    label: string;
    what: string;
    near: string;
  }>({
    severity: 'warning',
    message: ({ label, what }) => `\`${label}\` selects nothing: no ${what} has this label`,
    hint: ({ near }) => `did you mean \`${near}\`?`,
    explanation:
      'The label that the selector asks for is nowhere in the cluster, and one of nearly the same name is. The fix changes what the policy means, and is applied by `--unsafe-fixes` alone.',
  }),
  'lint/namespace-unknown': entry<{ namespace: string; near: string | undefined }>({
    severity: 'warning',
    message: ({ namespace }) => `there is no namespace \`${namespace}\` in the cluster`,
    hint: ({ near }) =>
      near === undefined ? 'the policy protects nothing here' : `did you mean \`${near}\`?`,
    explanation:
      'A NetworkPolicy protects pods of its own namespace, and here that has neither an object nor a pod.',
  }),
  'lint/namespace-label-unknown': entry<{ label: string; near: string | undefined }>({
    severity: 'warning',
    message: ({ label }) => `no namespace carries \`${label}\``,
    hint: ({ near }) =>
      near === undefined
        ? 'policies see labels of namespaces, not their names: label the namespaces'
        : `did you mean \`${near}\`?`,
    explanation:
      'A namespaceSelector looks at the labels of Namespace objects. The only label that every namespace has by itself is `kubernetes.io/metadata.name`; `name` is not set by anything.',
  }),
  'lint/selects-host-network': entry<{ pods: readonly string[] }>({
    severity: 'warning',
    message: ({ pods }) =>
      `all pods that this selects are in the network of their node, where no policy applies: ${listText(pods)}`,
    hint: () =>
      'name the nodes or their addresses as peers; to protect such pods, use the node’s own firewall',
    explanation:
      'Pods with hostNetwork share the address of their node. Policies can neither select them nor tell them apart from the node.',
  }),
  'lint/split-peer': entry<{ namespaces: string; pods: string }>({
    severity: 'warning',
    message: ({ namespaces, pods }) =>
      `these are two peers: all pods of namespaces with \`${namespaces}\`, or pods with \`${pods}\` in the own namespace, of which there is none`,
    hint: () =>
      'to mean such pods in such namespaces, drop the dash in front of the second selector',
    explanation:
      'Items of `from` and `to` are ORed, selectors within one item are ANDed; a single dash tells them apart. Here the second item selects nothing in the policy’s own namespace, and would select pods in the namespaces of the first: the rule is most likely wider than meant.',
  }),
  'lint/port-name-unknown': entry<{
    name: string;
    rule: string;
    whose: string;
    near: string | undefined;
  }>({
    severity: 'warning',
    message: ({ name, rule, whose }) =>
      `\`${rule}\` names port \`${name}\`, which none of the pods that ${whose} has`,
    hint: ({ near }) =>
      near === undefined
        ? 'named ports are those of the containers, not of Services'
        : `did you mean \`${near}\`?`,
    explanation:
      'A named port is looked up in the containers of the pod that receives: of the policy’s own pods for ingress, of the peers for egress. Where no pod has a port of that name and protocol, nothing is allowed.',
  }),
  'lint/service-port': entry<{
    rule: string;
    port: string;
    service: string;
    targets: string;
  }>({
    severity: 'warning',
    message: ({ rule, port, service, targets }) =>
      `\`${rule}\` allows ${port}, the port of Service \`${service}\`, but its pods get the packets at ${targets}`,
    hint: ({ targets }) =>
      `write ${targets}: policies see ports after a Service has translated them`,
    explanation:
      'A Service translates its port to the target port before policies look at the packet. The rule names the port of the Service, no Service sends that number to these pods, and none of their containers declares it.',
  }),
  'lint/service-address': entry<{ rule: string; address: string; service: string }>({
    severity: 'warning',
    message: ({ rule, address, service }) =>
      `\`${rule}\` names \`${address}\`, the address of Service \`${service}\`: no packet bears it where policies look`,
    hint: () =>
      'select the pods behind the Service, or write `service NAMESPACE/NAME` in the policy language',
    explanation:
      'kube-proxy, or what stands in for it, replaces the address of a Service by that of an endpoint before egress rules are asked. What is behind the Service must be allowed.',
  }),
  'lint/pod-address': entry<{ rule: string; block: string; pods: number }>({
    severity: 'warning',
    message: ({ rule, block, pods }) =>
      `\`${rule}\` names pods by their address: \`${block}\` lies in the pod ranges (${pods} pod${pods === 1 ? '' : 's'} there now)`,
    hint: () => 'select pods by their labels',
    explanation:
      'Addresses of pods change with every restart, and implementations differ: Cilium never matches pods by address, others do. Blocks of addresses are for what is outside of the cluster.',
  }),
  'lint/one-family': entry<{ rule: string; block: string; missing: string }>({
    severity: 'warning',
    message: ({ rule, block, missing }) =>
      `\`${rule}\` allows \`${block}\` and not \`${missing}\`, while its pods have addresses of both families`,
    hint: ({ missing }) => `add \`${missing}\`, or leave the peers out`,
    explanation:
      'Blocks of IPv4 and IPv6 are apart. Clients that prefer the other family meet a denial, often one that looks like a timeout.',
  }),
  'lint/half-edge': entry<{
    rule: string;
    ports: string;
    peers: string;
    side: 'ingress' | 'egress';
    by: string;
    other: string;
  }>({
    severity: 'warning',
    message: ({ rule, ports, peers, side, by }) =>
      side === 'ingress'
        ? `half an edge: \`${rule}\` allows egress to ${peers} at ${ports}, but none of them lets it in (${by})`
        : `half an edge: \`${rule}\` allows ingress from ${peers} at ${ports}, but none of them may send it (${by})`,
    hint: ({ side, other }) =>
      side === 'ingress'
        ? `allow ingress there too (${other}), or remove the rule`
        : `allow egress there too (${other}), or remove the rule`,
    explanation:
      'A connection needs egress at its source and ingress at its destination. This rule allows one side, and the policies at the other deny it for every pair of pods that the rule connects, at all of the named ports.',
  }),
  'lint/namespace-open': entry<{ namespace: string; pods: number; policies: number }>({
    severity: 'warning',
    message: ({ namespace, pods, policies }) =>
      policies === 0
        ? `namespace \`${namespace}\` has no isolation: no policy speaks of its ${pods} pod${pods === 1 ? '' : 's'}`
        : `namespace \`${namespace}\` has no isolation: whatever its policies say, anyone may connect to its ${pods} pod${pods === 1 ? '' : 's'}`,
    hint: () =>
      'add a policy that selects all its pods and allows no ingress, then allow what is needed',
    explanation:
      'Nothing isolates any pod of the namespace for ingress, and no rule of another tier denies anything. Namespaces that begin with `kube-` are not reported.',
  }),
  'lint/namespace-egress-open': entry<{ namespace: string; pods: number }>({
    severity: 'warning',
    message: ({ namespace, pods }) =>
      `the ${pods} pod${pods === 1 ? '' : 's'} of namespace \`${namespace}\` may connect to anyone: nothing isolates egress`,
    hint: () => 'add a policy that isolates egress, and allow DNS and what else is needed',
    explanation: 'Off unless asked for: many clusters restrict ingress alone.',
  }),
  'lint/pod-unselected': entry<{ pods: string; count: number; namespace: string }>({
    severity: 'warning',
    message: ({ pods, count, namespace }) =>
      `no policy selects ${pods} for ingress, though other pods of \`${namespace}\` are isolated (${count} pod${count === 1 ? '' : 's'})`,
    hint: () => 'add a policy that selects all pods of the namespace and allows no ingress',
    explanation:
      'Policies of the namespace protect some of its pods only; anyone may connect to the others. A pod that comes later with other labels will be open as well. Namespaces that begin with `kube-` are not reported.',
  }),
  'lint/client-address-lost': entry<{ rule: string; block: string; service: string; type: string }>(
    {
      severity: 'warning',
      message: ({ rule, block, service, type }) =>
        `\`${rule}\` lets in \`${block}\`, but clients of the ${type} Service \`${service}\` come with the address of a node`,
      hint: () =>
        'set `externalTrafficPolicy: Local` in the Service, so that the clients’ addresses are kept',
      explanation:
        'With externalTrafficPolicy Cluster, a node replaces the address of a client by its own (SNAT) when it forwards to a pod. Rules by the address of clients match none of them.',
    },
  ),
  'lint/open-through-nodes': entry<{ service: string; type: string; port: string; pods: string }>({
    severity: 'warning',
    message: ({ service, type, port, pods }) =>
      `anyone who reaches a node gets through ${type} Service \`${service}\` at ${port}: ${pods} let nodes in, and clients come with a node’s address`,
    hint: () =>
      'set `externalTrafficPolicy: Local` and name the clients, or restrict them in front of the nodes (loadBalancerSourceRanges)',
    explanation:
      'With externalTrafficPolicy Cluster, a node replaces the address of a client by its own (SNAT). The policies let nodes in and no outside client, which looks closed and is open.',
  }),
  'lint/outside-shut-out': entry<{ service: string; type: string; port: string; seen: string }>({
    severity: 'warning',
    message: ({ service, type, port, seen }) =>
      `${type} Service \`${service}\` is there for clients outside, and the policies let none through at ${port}: its pods see ${seen}, and deny them`,
    hint: () => 'allow them, or make the Service a ClusterIP',
    explanation:
      'Clients of such a Service come with the address of a node (externalTrafficPolicy Cluster) or with their own (Local). No node and no outside address, respectively, is let in at any endpoint.',
  }),
  'lint/apiserver-cut-off': entry<{ pods: string; account: string; role: string; policy: string }>({
    severity: 'warning',
    message: ({ pods, account, role, policy }) =>
      `${pods} cannot reach the API server, though service account \`${account}\` is bound to \`${role}\` (isolated by \`${policy}\`)`,
    hint: () =>
      'allow egress to the addresses behind default/kubernetes at their port, mostly 6443/tcp (`allow egress to apiserver port 443/tcp` in the policy language)',
    explanation:
      'Pods whose service account has a role are most likely controllers that work with the API server. Its endpoints are no pods: only blocks of addresses, `nodes`, or `service default/kubernetes` allow them.\nNeeds RoleBinding or ClusterRoleBinding objects, and the endpoints of default/kubernetes, in the cluster’s manifests.',
  }),
  'lint/webhook-cut-off': entry<{ what: string; service: string; port: string; by: string }>({
    severity: 'warning',
    message: ({ what, service, port, by }) =>
      `the API server cannot call ${what}: Service \`${service}\` gets it at ${port}, where neither nodes nor outside addresses are let in (${by})`,
    hint: () => 'allow ingress from the API server’s addresses at that port',
    explanation:
      'The API server calls webhooks and aggregated APIs from the network of a control-plane node, or from outside where the control plane is hosted. Where that is denied, creating and changing objects fails or is no longer checked.\nNeeds the webhook configurations, APIServices and CustomResourceDefinitions in the cluster’s manifests.',
  }),
  'lint/ingress-cut-off': entry<{ ingress: string; service: string; port: string; by: string }>({
    severity: 'warning',
    message: ({ ingress, service, port, by }) =>
      `no ingress controller can reach what \`${ingress}\` publishes: Service \`${service}\` gets it at ${port}, where no pod of another namespace, no node and no outside address is let in (${by})`,
    hint: () => 'allow ingress from the pods of the ingress controller at that port',
    explanation:
      'An Ingress or HTTPRoute names the Service as a backend, so a proxy has to reach its pods: a pod of another namespace, a node, or a load balancer outside. Policies let none of them in.',
  }),
};
