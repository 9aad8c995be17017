/** Edits as somebody would write them: the line of YAML or of the policy language that they add. */
import { formatPrefix } from '../../address.js';
import { exactLabels, type Edit } from '../../analysis/explain/edits.js';
import type { LabelSelector, Peer, PortMatch, PolicyKind } from '../../ir/model.js';
import { NAMESPACE_NAME_LABEL } from '../../ir/model.js';
import type { NormalPolicy } from '../../ir/normal-model.js';

/** What is to be written, and nothing where there is only something to take away. */
export function linesOf(edit: Edit): readonly string[] {
  switch (edit.kind) {
    case 'add-rule':
      return isLanguage(edit.policy.kind) ? [statement(edit)] : yamlRule(edit);
    case 'add-peer':
      return isLanguage(edit.policy.kind)
        ? [peerText(edit.peer)]
        : [`- ${yamlPeer(edit.peer, edit.policy.kind)}`];
    case 'add-port':
      return isLanguage(edit.policy.kind)
        ? [portText(edit.port)]
        : [`- ${yamlPort(edit.port, edit.policy.kind)}`];
    case 'isolate': {
      const { pod, direction } = edit;
      const type = direction === 'ingress' ? 'Ingress' : 'Egress';
      return [
        'apiVersion: networking.k8s.io/v1',
        'kind: NetworkPolicy',
        `metadata: {name: isolate-${direction}, namespace: ${scalar(pod.namespace)}}`,
        `spec: {podSelector: ${yamlSelector(exactLabels(pod))}, policyTypes: [${type}]}`,
      ];
    }
    case 'label-pods':
    case 'label-namespace':
    case 'remove-rule':
    case 'remove-peer':
    case 'remove-port':
      return [];
  }
}

function isLanguage(kind: PolicyKind): boolean {
  return kind === 'namespace' || kind === 'policy';
}

type AddRule = Extract<Edit, { kind: 'add-rule' }>;

function yamlRule({ policy, direction, action, peer, port }: AddRule): readonly string[] {
  const field = direction === 'ingress' ? 'from' : 'to';
  const peers = `${field}: [${yamlPeer(peer, policy.kind)}]`;
  if (policy.kind === 'NetworkPolicy') {
    const ports = port === undefined ? '' : `\n  ports: [${yamlPort(port, policy.kind)}]`;
    return `- ${peers}${ports}`.split('\n');
  }
  const allow = policy.kind === 'ClusterNetworkPolicy' ? 'Accept' : 'Allow';
  const list = policy.kind === 'ClusterNetworkPolicy' ? 'protocols' : 'ports';
  const ports = port === undefined ? [] : [`  ${list}: [${yamlPort(port, policy.kind)}]`];
  return [`- action: ${action === 'pass' ? 'Pass' : allow}`, `  ${peers}`, ...ports];
}

function yamlPeer(peer: Peer, kind: PolicyKind): string {
  if (peer.kind === 'addresses') {
    const cidrs = peer.include.map(formatPrefix);
    return kind === 'NetworkPolicy'
      ? `{ipBlock: {cidr: ${cidrs.map(scalar).join('')}}}`
      : `{networks: [${cidrs.map(scalar).join(', ')}]}`;
  }
  if (peer.kind !== 'pods') return '{}';
  const both = `namespaceSelector: ${yamlSelector(peer.namespaces)}, podSelector: ${yamlSelector(peer.pods)}`;
  return kind === 'NetworkPolicy' ? `{${both}}` : `{pods: {${both}}}`;
}

function yamlSelector({ requirements }: LabelSelector): string {
  const labels = requirements.map(
    ({ key, values }) => `${scalar(key)}: ${scalar(values[0] ?? '')}`,
  );
  return labels.length === 0 ? '{}' : `{matchLabels: {${labels.join(', ')}}}`;
}

function yamlPort(port: PortMatch, kind: PolicyKind): string {
  if (port.kind === 'named') return `{port: ${scalar(port.name)}}`;
  const { protocol, first } = port;
  switch (kind) {
    case 'ClusterNetworkPolicy':
      return `{${protocol.toLowerCase()}: {destinationPort: {number: ${first}}}}`;
    case 'AdminNetworkPolicy':
    case 'BaselineAdminNetworkPolicy':
      return `{portNumber: {protocol: ${protocol}, port: ${first}}}`;
    default:
      return `{protocol: ${protocol}, port: ${first}}`;
  }
}

/** Values that YAML would read as something else, or that have signs of its own, in quotes. */
function scalar(text: string): string {
  const plain = /^[A-Za-z][A-Za-z0-9./_-]*$/.test(text);
  const word = /^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return plain && !word ? text : `'${text.replaceAll("'", "''")}'`;
}

function statement({ policy, direction, action, peer, port }: AddRule): string {
  const [word, other] = direction === 'ingress' ? ['from', 'to'] : ['to', 'from'];
  const ports = port === undefined ? 'any port' : `port ${portText(port)}`;
  const peers = `${word} ${peerText(peer)}`;
  if (policy.kind === 'policy') return `${action} ${peers} ${ports}`;
  return `${action} ${direction} ${peers} ${other} ${subjectText(policy)} ${ports}`;
}

function subjectText({ subjects, namespace }: NormalPolicy): string {
  const [first] = subjects;
  if (first === undefined || namespace === undefined) return 'pods';
  return peerText({ kind: 'pods', ...first });
}

function portText(port: PortMatch): string {
  const name = port.kind === 'named' ? `port "${port.name}"` : String(port.first);
  return `${name}/${(port.protocol ?? 'TCP').toLowerCase()}`;
}

/** In the policy language. */
export function peerText(peer: Peer): string {
  if (peer.kind === 'addresses') return peer.include.map(formatPrefix).join(', ');
  if (peer.kind !== 'pods') return peer.kind;
  const name = peer.namespaces.requirements.find(({ key }) => key === NAMESPACE_NAME_LABEL);
  const where = peer.pods.requirements.map(({ key, operator, values }) => {
    const label = /^[A-Za-z][\w-]*$/.test(key) ? key : `"${key}"`;
    const listed = values.map((value) => `"${value}"`);
    if (operator === 'Exists') return label;
    if (operator === 'DoesNotExist') return `not ${label}`;
    if (values.length === 1)
      return `${label} ${operator === 'In' ? '==' : '!='} ${listed.join('')}`;
    return `${label} ${operator === 'In' ? 'in' : 'not in'} [${listed.join(', ')}]`;
  });
  const namespace = name?.values[0] === undefined ? '' : ` in namespace ${name.values[0]}`;
  return `pods${namespace}${where.length === 0 ? '' : ` where ${where.join(' and ')}`}`;
}
