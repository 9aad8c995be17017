/** Finds of each clause of a rule whether a packet fulfils it, by the tests that matching is made of. */
import { prefixContains, prefixLast, type Address, type Prefix } from '../../address.js';
import type { Span } from '../../source.js';
import { originOfClause } from '../clause-origins.js';
import {
  requirementHolds,
  type ClusterNode,
  type ClusterSnapshot,
  type Labels,
} from '../cluster.js';
import type { LabelRequirement, LabelSelector, Peer, PortMatch } from '../model.js';
import type { NormalRule } from '../normal-model.js';
import { passesOver } from './addresses.js';
import type { Clause } from './clauses.js';
import type { PacketView } from './match.js';
import { namespaceLabels } from './selectors.js';

/** Whether the rule lets nobody in by an address that no pod holds (SEMANTICS, section 6). */
export function isBarred({ action, coversUnheld }: NormalRule): boolean {
  return action === 'allow' && coversUnheld !== true;
}

/** What the peer asks of the remote address. */
export function peerClauses(
  peer: Peer,
  rule: NormalRule,
  packet: PacketView,
  nodes: ReadonlyMap<string, ClusterNode>,
  cluster: ClusterSnapshot,
): readonly Clause[] {
  const { holder, remote, unbound } = packet;
  const { origin } = peer;
  // An allow does not let in what nobody holds; a deny does cover it.
  const held: readonly Clause[] = isBarred(rule) ? [{ kind: 'held', holds: !unbound, origin }] : [];
  switch (peer.kind) {
    case 'any':
      return held;
    case 'addresses': {
      const inside = peer.include.find((prefix) => prefixContains(prefix, remote));
      const near = inside ?? nearestPrefix(peer.include, remote);
      const taken = peer.exclude.find((prefix) => prefixContains(prefix, remote));
      return [
        {
          kind: 'inside',
          prefix: near,
          holds: inside !== undefined,
          get origin() {
            return clauseOrigin(near, origin);
          },
        },
        ...(peer.exclude.length === 0
          ? []
          : [
              {
                kind: 'except',
                prefix: taken,
                holds: taken === undefined,
                get origin() {
                  return clauseOrigin(taken ?? peer.exclude[0], origin);
                },
              } as const,
            ]),
        ...(peer.skips === undefined
          ? []
          : [
              {
                kind: 'passed-over',
                skips: peer.skips,
                holds: !passesOver(peer.skips, holder),
                origin,
              } as const,
            ]),
        ...held,
      ];
    }
    case 'outside':
      return [{ kind: 'outside', holds: holder === undefined && !unbound, origin }];
    case 'pods': {
      const pod = holder?.pod;
      const ofNamespace = pod && namespaceLabels(cluster, pod.namespace);
      return [
        { kind: 'a-pod', holds: pod !== undefined, origin },
        ...labelClauses('namespace-label', peer.namespaces, ofNamespace, origin),
        ...labelClauses('pod-label', peer.pods, pod?.labels, origin),
      ];
    }
    case 'nodes':
      return nodeClauses(peer, packet, nodes);
    case 'own-node': {
      const { node } = packet.subject;
      return [
        { kind: 'own-node', holds: node !== undefined && holder?.nodes.has(node) === true, origin },
      ];
    }
    case 'service': {
      const { namespace, name } = peer;
      const service = cluster.services.find(
        (one) => one.namespace === namespace && one.name === name,
      );
      const holds = service?.endpoints.some(({ address }) => sameAs(address, remote)) === true;
      return [{ kind: 'endpoint', namespace, name, holds, origin }];
    }
    case 'nothing':
      return [{ kind: 'never', holds: false, origin }];
  }
}

/** What the rule asks of the port: nothing where it speaks of every port. */
export function portClauses(
  rule: NormalRule,
  peer: Peer,
  packet: PacketView,
  portHolds: (match: PortMatch, peer: Peer, packet: PacketView) => boolean,
): readonly Clause[] {
  if (rule.ports === 'every') return [];
  const match = rule.ports.find((one) => portHolds(one, peer, packet));
  const port = match ?? nearestPort(rule.ports, packet);
  return [
    {
      kind: 'ports',
      port,
      holds: match !== undefined,
      get origin() {
        return clauseOrigin(port, rule.origin);
      },
    },
  ];
}

function labelClauses(
  kind: 'namespace-label' | 'pod-label',
  { requirements }: LabelSelector,
  labels: Labels | undefined,
  origin: Span,
): readonly Clause[] {
  return requirements.map((requirement) => ({
    kind,
    requirement,
    value: labels?.get(requirement.key),
    holds: labels !== undefined && requirementHolds(requirement, labels),
    get origin() {
      return clauseOrigin(requirement, origin);
    },
  }));
}

/** Of several nodes with the address, the one that fulfils most. */
function nodeClauses(
  { selector, origin }: Extract<Peer, { kind: 'nodes' }>,
  { holder }: PacketView,
  nodes: ReadonlyMap<string, ClusterNode>,
): readonly Clause[] {
  const candidates = [...(holder?.nodes ?? [])].flatMap((name) => nodes.get(name) ?? []);
  const fulfilled = (node: ClusterNode): number =>
    selector.requirements.filter((one) => requirementHolds(one, node.labels)).length;
  const [first, ...others] = candidates;
  const kind: Clause = { kind: 'a-node', holds: first !== undefined, origin };
  if (first === undefined) return [kind];
  const node = others.reduce((best, one) => (fulfilled(one) > fulfilled(best) ? one : best), first);
  const labels = selector.requirements.map((requirement): Clause => ({
    kind: 'node-label',
    requirement,
    value: node.labels.get(requirement.key),
    node,
    holds: requirementHolds(requirement, node.labels),
    get origin() {
      return clauseOrigin(requirement, origin);
    },
  }));
  return [kind, ...labels];
}

/** Found when it is asked for: of thousands of clauses few are shown. */
function clauseOrigin(
  clause: LabelRequirement | Prefix | PortMatch | undefined,
  otherwise: Span,
): Span {
  return (clause && originOfClause(clause)) ?? otherwise;
}

function sameAs(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

/** The prefix of the address's family with the fewest addresses between. */
function nearestPrefix(prefixes: readonly Prefix[], address: Address): Prefix | undefined {
  const distance = (prefix: Prefix): bigint => {
    if (address.value < prefix.value) return prefix.value - address.value;
    return address.value - prefixLast(prefix);
  };
  return (
    leastOf(
      prefixes.filter(({ family }) => family === address.family),
      distance,
    ) ?? prefixes[0]
  );
}

/** The range of the protocol with the fewest ports between; else a name, else the first. */
function nearestPort(
  ports: readonly PortMatch[],
  { protocol, port }: PacketView,
): PortMatch | undefined {
  const ranges = ports.filter((one) => one.kind === 'range' && one.protocol === protocol);
  const distance = (match: PortMatch): bigint => {
    if (match.kind === 'named') return 0n;
    return BigInt(port < match.first ? match.first - port : port - match.last);
  };
  return leastOf(ranges, distance) ?? ports.find(({ kind }) => kind === 'named') ?? ports[0];
}

function leastOf<Item>(items: readonly Item[], distance: (item: Item) => bigint): Item | undefined {
  let best: Item | undefined;
  let least: bigint | undefined;
  for (const item of items) {
    const here = distance(item);
    if (least !== undefined && here >= least) continue;
    best = item;
    least = here;
  }
  return best;
}
