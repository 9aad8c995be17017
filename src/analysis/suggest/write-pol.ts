/** A draft in the policy language: a block for each namespace, with a group for each workload. */
import { formatPrefix } from '../../address.js';
import { bug, hasErrors } from '../../diagnostics.js';
import type { Direction, LabelRequirement } from '../../ir/model.js';
import { compareText } from '../../ir/normalize.js';
import { formatPolicy } from '../../parser/format-policy.js';
import { SourceFile } from '../../source.js';
import { groupBy } from '../replay/rows.js';
import type { DraftPeer, DraftPolicy, DraftPort, DraftRule, Unit } from './draft.js';
import { seenComment } from './seen-comment.js';

/** Words that are no names without quotes (grammar/policy.ebnf: Word without Name). */
const RESERVED: ReadonlySet<string> = new Set(
  (
    'namespace feed isolate allow deny pass ingress egress from to for port any log reject dns apiserver ' +
    'own-node nodes metadata-api outside pods service where and or in exists namespaces except reach with ' +
    'by icmp icmpv6 not'
  ).split(' '),
);

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*(?:[.-]+[A-Za-z0-9_]+)*$/;

export function writePolicyText(
  policies: readonly DraftPolicy[],
  header: readonly string[],
): string {
  const units = new Map<string, Unit>();
  for (const { unit, rules } of policies) {
    units.set(unit.key, unit);
    for (const peer of rules.flatMap((rule) => rule.peers)) {
      // The name service is called by a word of its own.
      if (peer.kind === 'unit' && !peer.unit.isDns) units.set(peer.unit.key, peer.unit);
    }
  }
  const byNamespace = groupBy([...units.values()], ({ namespace }) => namespace);
  const blocks = [...byNamespace]
    .sort(([a], [b]) => compareText(a, b))
    .map(([namespace, here]) => blockOf(namespace, here, policies));
  const text = `${header.map((line) => `# ${line}\n`).join('')}\n${blocks.join('\n')}`;
  const { value, diagnostics } = formatPolicy(new SourceFile('suggested.pol', text));
  if (hasErrors(diagnostics)) bug(`the draft does not parse: ${diagnostics[0]?.message ?? ''}`);
  return value ?? text;
}

function blockOf(
  namespace: string,
  units: readonly Unit[],
  policies: readonly DraftPolicy[],
): string {
  const sorted = [...units].sort((a, b) => compareText(a.name, b.name));
  const here = policies.filter((policy) => policy.unit.namespace === namespace);
  const groups = sorted.map((unit) => `group ${quoted(unit.name)} = ${podsOf(unit)}`);
  const isolations = groupBy(here, ({ directions }) => directions.join(', '));
  const isolates = [...isolations].flatMap(([directions, group]) =>
    directions === ''
      ? []
      : [`isolate ${directions} for ${group.map(({ unit }) => quoted(unit.name)).join(', ')}`],
  );
  const rules = here.flatMap((policy) =>
    policy.rules.flatMap((rule) => statements(policy.unit, rule)),
  );
  const lines = [...groups, '', ...isolates, '', ...withFlows(rules)];
  return `namespace ${quoted(namespace)} {\n${lines.join('\n')}\n}\n`;
}

/** One statement about a unit and some peers. */
interface Statement {
  readonly direction: Direction;
  readonly unit: Unit;
  readonly peers: string;
  /** The one other end, where it is a group of the same namespace. */
  readonly other?: Unit;
  readonly ports: string;
  readonly comment: string;
}

function statements(unit: Unit, rule: DraftRule): readonly Statement[] {
  const common = { direction: rule.direction, unit, comment: seenComment(rule.seen) };
  const ports = portsText(rule.ports);
  return rule.peers.map((peer): Statement => {
    switch (peer.kind) {
      case 'unit': {
        const isHere = peer.unit.namespace === unit.namespace;
        const isDns = isDnsRule(peer, rule);
        return {
          ...common,
          peers: isDns ? 'dns' : nameOf(peer.unit, unit.namespace),
          ...(isHere && !isDns ? { other: peer.unit } : {}),
          ports: isDns ? '' : ports,
        };
      }
      case 'addresses':
        return { ...common, peers: peer.prefixes.map(formatPrefix).join(', '), ports };
      case 'outside':
        return { ...common, peers: 'outside', ports };
      case 'apiserver':
        return { ...common, peers: 'apiserver', ports: portsText(peer.servicePorts) };
    }
  });
}

/** `dns` means both ports 53. */
function isDnsRule(peer: DraftPeer, { direction, ports }: DraftRule): boolean {
  return (
    direction === 'egress' &&
    peer.kind === 'unit' &&
    peer.unit.isDns &&
    ports.length === 2 &&
    ports.every(({ protocol, first, last }) => protocol !== 'SCTP' && first === 53 && last === 53)
  );
}

/** Both halves of what goes on within the namespace are one `flow`. */
function withFlows(rules: readonly Statement[]): readonly string[] {
  const halfKey = (from: Unit, to: Unit, ports: string): string =>
    JSON.stringify([from.key, to.key, ports]);
  const keyOf = ({ direction, unit, other, ports }: Statement): string | undefined => {
    if (other === undefined) return undefined;
    return direction === 'egress' ? halfKey(unit, other, ports) : halfKey(other, unit, ports);
  };
  const halves = groupBy(
    rules.filter(({ other }) => other !== undefined),
    (one) => keyOf(one) ?? '',
  );
  return rules.flatMap((one): readonly string[] => {
    const key = keyOf(one);
    const isWhole = key !== undefined && halves.get(key)?.length === 2;
    const { direction, unit, other, peers, ports, comment } = one;
    if (!isWhole || other === undefined)
      return [`${allowText(direction, unit, peers, ports)} # ${comment}`];
    if (direction === 'ingress') return [];
    return [`flow ${quoted(unit.name)} -> ${quoted(other.name)} ${ports} # ${comment}`];
  });
}

function allowText(direction: Direction, unit: Unit, peers: string, ports: string): string {
  return direction === 'ingress'
    ? `allow ingress from ${peers} to ${quoted(unit.name)} ${ports}`
    : `allow egress from ${quoted(unit.name)} to ${peers} ${ports}`;
}

function nameOf({ namespace, name }: Unit, here: string): string {
  return namespace === here ? quoted(name) : `${quoted(namespace)}/${quoted(name)}`;
}

function portsText(ports: readonly DraftPort[]): string {
  const list = ports.map(({ protocol, first, last }) => {
    const range = first === last ? String(first) : `${first}-${last}`;
    return `${range}/${protocol.toLowerCase()}`;
  });
  return `port ${list.join(', ')}`;
}

function podsOf({ selector }: Unit): string {
  const conditions = selector.requirements.map(conditionOf);
  return conditions.length === 0 ? 'pods' : `pods where ${conditions.join(' and ')}`;
}

function conditionOf({ key, operator, values }: LabelRequirement): string {
  const label = labelKey(key);
  switch (operator) {
    case 'In': {
      const [first = ''] = values;
      if (values.length === 1) return `${label} == ${text(first)}`;
      return `${label} in [${values.map(text).join(', ')}]`;
    }
    case 'NotIn':
      return `${label} not in [${values.map(text).join(', ')}]`;
    case 'Exists':
      return `${label} exists`;
    case 'DoesNotExist':
      return `not (${label} exists)`;
  }
}

function labelKey(key: string): string {
  const parts = key.split('/');
  const isPlain = parts.length <= 2 && parts.every((part) => IDENTIFIER.test(part));
  return isPlain && parts[0] !== 'not' ? key : text(key);
}

function quoted(name: string): string {
  return IDENTIFIER.test(name) && !RESERVED.has(name) ? name : text(name);
}

function text(value: string): string {
  return JSON.stringify(value);
}
