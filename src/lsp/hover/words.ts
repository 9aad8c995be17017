/** The model in plain words: peers, selectors, ports and rules, as Markdown of one line. */
import { formatPrefix } from '../../address.js';
import { unreachable } from '../../diagnostics.js';
import {
  NAMESPACE_NAME_LABEL,
  type LabelRequirement,
  type LabelSelector,
  type Peer,
  type PodSelector,
  type PortMatch,
  type Rule,
} from '../../ir/model.js';

/** Named before the rest is counted. */
const MOST_TOLD = 6;

/** `a`, `a or b`, `a, b or 3 more`. */
export function listWords(words: readonly string[], joint: 'and' | 'or', most = MOST_TOLD): string {
  const told = words.length <= most ? words : words.slice(0, most - 1);
  const rest = words.length - told.length;
  const all = rest === 0 ? told : [...told, `${rest} more`];
  const last = all.at(-1) ?? '';
  return all.length < 2 ? last : `${all.slice(0, -1).join(', ')} ${joint} ${last}`;
}

export function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

export function peersWords(peers: readonly Peer[]): string {
  if (peers.length === 0) return 'nobody';
  return listWords([...new Set(peers.map(peerWords))], 'or');
}

export function peerWords(peer: Peer): string {
  switch (peer.kind) {
    case 'any':
      return 'anyone';
    case 'outside':
      return 'any address outside of the cluster';
    case 'pods':
      return podsWords(peer);
    case 'addresses': {
      const include = listWords(
        peer.include.map((one) => code(formatPrefix(one))),
        'or',
      );
      if (peer.exclude.length === 0) return include;
      return `${include} without ${listWords(
        peer.exclude.map((one) => code(formatPrefix(one))),
        'and',
      )}`;
    }
    case 'nodes':
      return peer.selector.requirements.length === 0
        ? 'any node'
        : `nodes with ${selectorWords(peer.selector)}`;
    case 'own-node':
      return 'the node that the pod runs on';
    case 'service':
      return `the endpoints of Service ${code(`${peer.namespace}/${peer.name}`)}`;
    case 'nothing':
      return 'nobody';
    default:
      return unreachable(peer);
  }
}

export function podsWords({ namespaces, pods }: Pick<PodSelector, 'namespaces' | 'pods'>): string {
  const which = pods.requirements.length === 0 ? 'all pods' : `pods with ${selectorWords(pods)}`;
  return `${which} ${namespacesWords(namespaces)}`;
}

function namespacesWords(selector: LabelSelector): string {
  const [only, ...others] = selector.requirements;
  if (only === undefined) return 'in any namespace';
  if (others.length === 0 && only.key === NAMESPACE_NAME_LABEL && only.operator === 'In') {
    const names = listWords(only.values.map(code), 'or');
    return `in namespace${only.values.length === 1 ? '' : 's'} ${names}`;
  }
  return `in namespaces with ${selectorWords(selector)}`;
}

export function selectorWords({ requirements }: LabelSelector): string {
  if (requirements.length === 0) return 'any labels';
  return listWords(requirements.map(requirementWords), 'and');
}

function requirementWords({ key, operator, values }: LabelRequirement): string {
  const [first] = values;
  switch (operator) {
    case 'In':
      return values.length === 1 && first !== undefined
        ? code(`${key}=${first}`)
        : `${code(key)} among ${listWords(values.map(code), 'or')}`;
    case 'NotIn':
      return values.length === 1 && first !== undefined
        ? `${code(key)} other than ${code(first)} (or missing)`
        : `${code(key)} none of ${listWords(values.map(code), 'or')} (or missing)`;
    case 'Exists':
      return `a label ${code(key)}`;
    case 'DoesNotExist':
      return `no label ${code(key)}`;
  }
}

export function portsWords(ports: Rule['ports']): string {
  if (ports === 'every') return 'every port and protocol';
  return listWords(ports.map(portWords), 'or');
}

function portWords(port: PortMatch): string {
  if (port.kind === 'named') {
    const protocol = port.protocol === undefined ? '' : ` (${port.protocol})`;
    return `the container port named ${code(port.name)}${protocol}`;
  }
  const { protocol, first, last } = port;
  if (first === 0 && last === 65535) return `every ${protocol} port`;
  return first === last ? `${protocol} ${first}` : `${protocol} ${first} to ${last}`;
}

export interface RuleWords extends Pick<Rule, 'direction' | 'action' | 'ports' | 'log' | 'reject'> {
  readonly subject: string;
  readonly peers: string;
  readonly until?: string;
}

/** What a rule does, as one sentence. */
export function ruleSentence(rule: RuleWords): string {
  const { action, direction, log, reject, until } = rule;
  const ports = `at ${portsWords(rule.ports)}`;
  const may = action === 'allow' ? 'may' : 'may not';
  const told =
    direction === 'ingress'
      ? `${may} be reached by ${rule.peers} ${ports}`
      : `${may} connect to ${rule.peers} ${ports}`;
  const edge =
    direction === 'ingress'
      ? `from ${rule.peers} to ${rule.subject}`
      : `from ${rule.subject} to ${rule.peers}`;
  const sentence =
    action === 'pass'
      ? `Traffic ${edge} ${ports} is left to the tiers behind this one`
      : `${capital(rule.subject)} ${told}`;
  const extras = [
    ...(reject ? ['senders get an answer (TCP reset or ICMP error)'] : []),
    ...(log ? ['what it decides is logged'] : []),
    ...(until === undefined ? [] : [`it holds until ${until}`]),
  ];
  return `${[sentence, ...extras].join('; ')}.`;
}

export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
