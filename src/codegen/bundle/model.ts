/** The policy model as JSON for bundles: peers and port lists stand once, origins are places. */
import { formatPrefix, parsePrefix, type Prefix } from '../../address.js';
import type {
  Direction,
  Exception,
  Peer,
  PodSelector,
  Policy,
  PolicyModel,
  PortMatch,
  Rule,
  Tier,
} from '../../ir/model.js';
import type { Span } from '../../source.js';
import { peerKey, podSelectorKey, portMatchKey } from '../../ir/peer-key.js';
import { OriginDecoder, OriginEncoder, type Origin, type SourceExcerpt } from './origins.js';

/** Omit, for each member of a union by itself. */
type WithoutOrigin<One> = One extends unknown ? Omit<One, 'origin'> : never;

/** As in the model, but without origin, and with prefixes as texts. */
export type EncodedPeer =
  | WithoutOrigin<Exclude<Peer, { kind: 'addresses' }>>
  | {
      readonly kind: 'addresses';
      readonly include: readonly string[];
      readonly exclude: readonly string[];
    };

/** What is not said is as it is most often. */
interface EncodedRule extends Partial<Omit<Rule, 'origin' | 'peers' | 'ports' | 'direction'>> {
  readonly direction: Direction;
  /** Positions in {@link EncodedModel.peers}. */
  readonly peers: readonly number[];
  /** Position in {@link EncodedModel.ports}; every port unless said. */
  readonly ports?: number;
  readonly origin: Origin;
}

type EncodedPolicy = Omit<Policy, 'origin' | 'rules' | 'subjects'> & {
  /** Positions in {@link EncodedModel.subjects}. */
  readonly subjects: readonly number[];
  readonly rules: readonly EncodedRule[];
  readonly origin: Origin;
};

type EncodedException = Omit<Exception, 'origin' | 'rules'> & {
  readonly rules: readonly EncodedRule[];
  readonly origin: Origin;
};

export interface EncodedModel {
  readonly tiers: readonly Tier[];
  readonly subjects: readonly Omit<PodSelector, 'origin'>[];
  readonly peers: readonly EncodedPeer[];
  readonly ports: readonly (readonly PortMatch[])[];
  readonly policies: readonly EncodedPolicy[];
  readonly exceptions: readonly EncodedException[];
  readonly sources: readonly SourceExcerpt[];
}

/**
 * Assertions and tests stay behind: they speak to the author, not to a node. So do the origins of
 * peers and subjects: their rule's or policy's stands for them.
 */
export function encodeModel(model: PolicyModel): EncodedModel {
  const origins = new OriginEncoder();
  const subjects = new Interned<PodSelector, Omit<PodSelector, 'origin'>>(
    podSelectorKey,
    ({ namespaces, pods }) => ({ namespaces, pods }),
  );
  const peers = new Interned<Peer, EncodedPeer>(peerKey, encodePeer);
  const ports = new Interned<readonly PortMatch[], readonly PortMatch[]>(
    (list) => list.map(portMatchKey).join(),
    (list) => list,
  );
  const encodeRules = (rules: readonly Rule[]): readonly EncodedRule[] => {
    const usual = new UsualNames();
    return rules.map((rule): EncodedRule => {
      const usualName = usual.next(rule.direction);
      const { origin, ports: matches, peers: ofRule, name, action, log, reject, ...rest } = rule;
      return {
        ...rest,
        ...(action === 'allow' ? {} : { action }),
        ...(name === usualName ? {} : { name }),
        ...(log ? { log } : {}),
        ...(reject ? { reject } : {}),
        peers: ofRule.map((peer) => peers.indexOf(peer)),
        ...(matches === 'every' ? {} : { ports: ports.indexOf(matches) }),
        origin: origins.encode(origin),
      };
    });
  };
  const policies = model.policies.map(
    ({ origin, rules, subjects: ofPolicy, ...rest }): EncodedPolicy => ({
      ...rest,
      subjects: ofPolicy.map((subject) => subjects.indexOf(subject)),
      rules: encodeRules(rules),
      origin: origins.encode(origin),
    }),
  );
  const exceptions = model.exceptions.map(({ origin, rules, ...rest }): EncodedException => ({
    ...rest,
    rules: encodeRules(rules),
    origin: origins.encode(origin),
  }));
  return {
    tiers: model.tiers,
    subjects: subjects.values,
    peers: peers.values,
    ports: ports.values,
    policies,
    exceptions,
    sources: origins.sources(),
  };
}

/**
 * @param encoded checked against the bundle's schema already
 * @throws RangeError if it contradicts itself
 */
export function decodeModel(encoded: EncodedModel): PolicyModel {
  checkTiers(encoded);
  const origins = new OriginDecoder(encoded.sources, originsOf(encoded));
  // A peer that stands in many rules is one value, under the origin of the first.
  const peers: Peer[] = [];
  const peerAt = (index: number, origin: Span): Peer =>
    (peers[index] ??= decodePeer(at(encoded.peers, index), origin));
  const decodeRules = (rules: readonly EncodedRule[]): readonly Rule[] => {
    const usual = new UsualNames();
    return rules.map((rule): Rule => {
      const { direction, action = 'allow', log = false, reject = false } = rule;
      const { until, reason, ticket } = rule;
      const origin = origins.decode(rule.origin);
      const usualName = usual.next(direction);
      // Written out: to spread the objects that JSON.parse makes costs ten times as much.
      return {
        direction,
        action,
        name: rule.name ?? usualName,
        log,
        reject,
        peers: rule.peers.map((index) => peerAt(index, origin)),
        ports: rule.ports === undefined ? 'every' : at(encoded.ports, rule.ports),
        ...(until === undefined ? {} : { until }),
        ...(reason === undefined ? {} : { reason }),
        ...(ticket === undefined ? {} : { ticket }),
        origin,
      };
    });
  };
  const policies = encoded.policies.map((policy): Policy => {
    const origin = origins.decode(policy.origin);
    return {
      ...policy,
      subjects: policy.subjects.map((index) => ({ ...at(encoded.subjects, index), origin })),
      rules: decodeRules(policy.rules),
      origin,
    };
  });
  const exceptions = encoded.exceptions.map((exception): Exception => ({
    ...exception,
    rules: decodeRules(exception.rules),
    origin: origins.decode(exception.origin),
  }));
  return { tiers: encoded.tiers, policies, exceptions, assertions: [], tests: [] };
}

/** Values by key, each once, in the order in which they came. */
class Interned<Value, Encoded> {
  readonly values: Encoded[] = [];
  readonly #positions = new Map<string, number>();

  constructor(
    private readonly keyOf: (value: Value) => string,
    private readonly encode: (value: Value) => Encoded,
  ) {}

  indexOf(value: Value): number {
    const key = this.keyOf(value);
    let position = this.#positions.get(key);
    if (position === undefined) {
      position = this.values.length;
      this.#positions.set(key, position);
      this.values.push(this.encode(value));
    }
    return position;
  }
}

/** The names of rules whose author gave none: the position among those of the direction. */
class UsualNames {
  readonly #count = { ingress: 0, egress: 0 };

  next(direction: Direction): string {
    const position = this.#count[direction];
    this.#count[direction] += 1;
    return `${direction}[${position}]`;
  }
}

function encodePeer(peer: Peer): EncodedPeer {
  switch (peer.kind) {
    case 'any':
    case 'outside':
    case 'own-node':
    case 'nothing':
      return { kind: peer.kind };
    case 'pods':
      return { kind: peer.kind, namespaces: peer.namespaces, pods: peer.pods };
    case 'nodes':
      return { kind: peer.kind, selector: peer.selector };
    case 'service':
      return { kind: peer.kind, namespace: peer.namespace, name: peer.name };
    case 'addresses':
      return {
        kind: peer.kind,
        include: peer.include.map(formatPrefix),
        exclude: peer.exclude.map(formatPrefix),
      };
  }
}

function decodePeer(encoded: EncodedPeer, origin: Rule['origin']): Peer {
  if (encoded.kind !== 'addresses') return { ...encoded, origin };
  const { include, exclude } = encoded;
  return {
    kind: 'addresses',
    include: include.map(decodePrefix),
    exclude: exclude.map(decodePrefix),
    origin,
  };
}

function decodePrefix(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new RangeError(`\`${text}\` is no CIDR block`);
  return prefix;
}

/** Every policy must be in one tier, or its rules would not be judged, or be judged twice. */
function checkTiers({ tiers, policies }: EncodedModel): void {
  const names = new Set(tiers.map(({ name }) => name));
  if (names.size !== tiers.length) throw new RangeError('two tiers have one name');
  for (const { name, tier } of policies) {
    if (!names.has(tier)) throw new RangeError(`\`${name}\` names the missing tier \`${tier}\``);
  }
}

function* originsOf({ policies, exceptions }: EncodedModel): Generator<Origin> {
  for (const { origin, rules } of [...policies, ...exceptions]) {
    yield origin;
    for (const rule of rules) yield rule.origin;
  }
}

function at<Value>(list: readonly Value[], index: number): Value {
  const value = list[index];
  if (value === undefined) throw new RangeError(`no entry ${index}`);
  return value;
}
