/** Writes a policy model compactly, for case files. */
import { formatPrefix } from '../../src/address.js';
import type {
  Assertion,
  Exception,
  LabelSelector,
  Peer,
  PeerGroup,
  Policy,
  PolicyModel,
  PolicyTest,
  PortMatch,
  Rule,
} from '../../src/ir/model.js';
import { placeOf } from '../../src/source.js';

export function dumpModel(model: PolicyModel): string {
  return [
    `tiers ${model.tiers.map((tier) => tier.name).join(' ')}`,
    ...model.policies.flatMap(dumpPolicy),
    ...model.exceptions.flatMap(dumpException),
    ...model.assertions.map(dumpAssertion),
    ...model.tests.flatMap(dumpTest),
  ].join('\n');
}

function dumpPolicy(policy: Policy): readonly string[] {
  const name = policy.namespace === undefined ? policy.name : `${policy.namespace}/${policy.name}`;
  const isolated = (['ingress', 'egress'] as const).filter((one) => policy.isolates[one]);
  const notes = [
    ...(isolated.length === 0 ? [] : [`isolates ${isolated.join(', ')}`]),
    ...(policy.logsIsolation ? ['log'] : []),
    ...(policy.owner === undefined ? [] : [`owner ${policy.owner}`]),
    ...(policy.contact === undefined ? [] : [`contact ${policy.contact}`]),
  ];
  const head = `${policy.kind} ${name}: ${policy.tier} ${policy.priority}, line ${placeOf(policy.origin).line}`;
  return [
    [head, ...notes].join(', '),
    ...policy.subjects.map((one) => `  subject ${dumpPods(one.namespaces, one.pods)}`),
    ...policy.rules.map((rule) => `  ${dumpRule(rule)}`),
  ];
}

function dumpRule(rule: Rule): string {
  const word = rule.direction === 'ingress' ? 'from' : 'to';
  return [
    `${rule.name}: ${rule.action} ${rule.direction} ${word} ${dumpPeers(rule.peers)}`,
    dumpPorts(rule.ports),
    ...(rule.log ? ['log'] : []),
    ...(rule.reject ? ['reject'] : []),
    ...(rule.until === undefined ? [] : [`until ${new Date(rule.until).toISOString()}`]),
    ...(rule.reason === undefined ? [] : [`reason ${rule.reason}`]),
    ...(rule.ticket === undefined ? [] : [`ticket ${rule.ticket}`]),
  ].join(', ');
}

function dumpPods(namespaces: LabelSelector, pods: LabelSelector): string {
  return `pods{${dumpSelector(namespaces)}}{${dumpSelector(pods)}}`;
}

function dumpSelector({ requirements }: LabelSelector): string {
  return requirements
    .map(({ key, operator, values }) => {
      const short = key === 'kubernetes.io/metadata.name' ? 'name' : key;
      return values.length === 0
        ? `${short} ${operator}`
        : `${short} ${operator} ${values.join('|')}`;
    })
    .join(' & ');
}

function dumpPeers(peers: readonly Peer[]): string {
  return peers.length === 0 ? 'nobody' : peers.map(dumpPeer).join(' + ');
}

function dumpPeer(peer: Peer): string {
  switch (peer.kind) {
    case 'pods':
      return dumpPods(peer.namespaces, peer.pods);
    case 'nodes':
      return `nodes{${dumpSelector(peer.selector)}}`;
    case 'service':
      return `service ${peer.namespace}/${peer.name}`;
    case 'addresses': {
      const exclude =
        peer.exclude.length === 0 ? '' : ` except ${peer.exclude.map(formatPrefix).join(' ')}`;
      return `[${peer.include.map(formatPrefix).join(' ')}${exclude}]`;
    }
    case 'any':
    case 'outside':
    case 'own-node':
    case 'nothing':
      return peer.kind;
  }
}

function dumpPorts(ports: 'every' | readonly PortMatch[]): string {
  if (ports === 'every') return 'every port';
  return ports
    .map((port) => {
      if (port.kind === 'named') return `"${port.name}"/${port.protocol ?? '?'}`;
      const range = port.first === port.last ? `${port.first}` : `${port.first}-${port.last}`;
      return `${range}/${port.protocol}`;
    })
    .join(' ');
}

function dumpException(exception: Exception): readonly string[] {
  const approved =
    exception.approved.length === 0 ? '' : `, approved ${exception.approved.join(', ')}`;
  return [
    `exception ${exception.name} to ${exception.to}${approved}`,
    ...exception.rules.map((rule) => `  ${dumpRule(rule)}`),
  ];
}

function dumpGroup(group: PeerGroup): string {
  return `${group.label} = ${dumpPeers(group.peers)}`;
}

function dumpAssertion(one: Assertion): string {
  switch (one.kind) {
    case 'reach':
      return `assert reach ${one.quantifier} (${dumpGroup(one.from)}) -> (${dumpGroup(one.to)}), ${dumpPorts(one.ports)}`;
    case 'never':
      return `assert never (${dumpGroup(one.from)}) -> (${dumpGroup(one.to)}), ${dumpPorts(one.ports)}`;
    case 'only': {
      const from = one.from.map((group) => `(${dumpGroup(group)})`).join(', ');
      return `assert only ${from} reach (${dumpGroup(one.to)}), ${dumpPorts(one.ports)}`;
    }
    case 'isolated':
      return `assert isolated (${dumpGroup(one.group)}), ${one.directions.join(', ')}`;
    case 'maps':
      return `assert maps <= ${one.maxBytes}`;
  }
}

function dumpTest(test: PolicyTest): readonly string[] {
  return [
    `test ${test.name}`,
    ...test.given.map(
      (pod) => `  given ${pod.namespace}/${pod.name} ${JSON.stringify(pod.labels)}`,
    ),
    ...test.expectations.map((one) => {
      const by = one.by === undefined ? '' : ` by ${one.by.text}`;
      return `  ${one.from.text} -> ${one.to.text} ${one.port}/${one.protocol}: ${one.verdict}${by}, line ${placeOf(one.origin).line}`;
    }),
  ];
}
