/** A draft as NetworkPolicy manifests. */
import { Document } from 'yaml';
import { formatPrefix, hostPrefix, parsePrefix, prefixCovers, type Prefix } from '../../address.js';
import type { LabelSelector } from '../../ir/model.js';
import { NAMESPACE_NAME_LABEL } from '../../ir/model.js';
import type { JsonObject } from '../../parser/yaml/value.js';
import type { DraftPeer, DraftPolicy, DraftPort, DraftRule } from './draft.js';
import { seenComment } from './seen-comment.js';

export interface WriteOptions {
  /** Ahead of everything, a line each. */
  readonly header: readonly string[];
  /** Where pods are: `outside` leaves them out. */
  readonly podRanges: readonly Prefix[];
}

export function writeManifests(policies: readonly DraftPolicy[], options: WriteOptions): string {
  const documents = policies.map((policy) => documentOf(policy, options.podRanges));
  const header = options.header.map((line) => `# ${line}\n`).join('');
  return header + documents.map((text) => `---\n${text}`).join('');
}

function documentOf(policy: DraftPolicy, podRanges: readonly Prefix[]): string {
  const { unit, name, directions, rules } = policy;
  const rulesOf = (direction: 'ingress' | 'egress'): readonly DraftRule[] =>
    rules.filter((rule) => rule.direction === direction);
  const write = (direction: 'ingress' | 'egress', peers: 'from' | 'to'): JsonObject => {
    const list = rulesOf(direction).map((rule): JsonObject => ({
      [peers]: distinct(rule.peers.flatMap((peer) => peersOf(peer, unit.namespace, podRanges))),
      ports: rule.ports.map(portOf),
    }));
    return list.length === 0 ? {} : { [direction]: list };
  };
  const manifest: JsonObject = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace: unit.namespace, name },
    spec: {
      podSelector: selectorOf(unit.selector),
      policyTypes: directions.map((one) => (one === 'ingress' ? 'Ingress' : 'Egress')),
      ...write('ingress', 'from'),
      ...write('egress', 'to'),
    },
  };
  const document = new Document(manifest, { version: '1.1' });
  for (const direction of ['ingress', 'egress'] as const) {
    for (const [i, { seen }] of rulesOf(direction).entries()) {
      const node = document.getIn(['spec', direction, i], true);
      // A comment ahead of an item of a list.
      if (typeof node === 'object' && node !== null) {
        Object.assign(node, { commentBefore: ` ${seenComment(seen)}` });
      }
    }
  }
  return document.toString({ lineWidth: 0, directives: false });
}

/** Workloads that no labels tell apart are one peer. */
function distinct(peers: readonly JsonObject[]): readonly JsonObject[] {
  return [...new Map(peers.map((peer) => [JSON.stringify(peer), peer])).values()];
}

function peersOf(
  peer: DraftPeer,
  namespace: string,
  podRanges: readonly Prefix[],
): readonly JsonObject[] {
  switch (peer.kind) {
    case 'unit': {
      const { unit } = peer;
      const isHere = unit.namespace === namespace;
      const named = { matchLabels: { [NAMESPACE_NAME_LABEL]: unit.namespace } };
      const podSelector = selectorOf(unit.selector);
      return [{ ...(isHere ? {} : { namespaceSelector: named }), podSelector }];
    }
    case 'addresses':
      return peer.prefixes.map((prefix) => ({ ipBlock: { cidr: formatPrefix(prefix) } }));
    case 'outside':
      return ['0.0.0.0/0', '::/0'].map((cidr) => everywhere(cidr, podRanges));
    case 'apiserver':
      return peer.addresses.map((one) => ({ ipBlock: { cidr: formatPrefix(hostPrefix(one)) } }));
  }
}

function everywhere(cidr: string, podRanges: readonly Prefix[]): JsonObject {
  const whole = parsePrefix(cidr);
  const except = podRanges.filter((range) => whole !== undefined && prefixCovers(whole, range));
  return {
    ipBlock: { cidr, ...(except.length === 0 ? {} : { except: except.map(formatPrefix) }) },
  };
}

function selectorOf({ requirements }: LabelSelector): JsonObject {
  const single = requirements.filter(
    ({ operator, values }) => operator === 'In' && values.length === 1,
  );
  const rest = requirements.filter((one) => !single.includes(one));
  const labels = Object.fromEntries(single.map(({ key, values }) => [key, values[0] ?? '']));
  return {
    ...(single.length === 0 ? {} : { matchLabels: labels }),
    ...(rest.length === 0
      ? {}
      : {
          matchExpressions: rest.map(({ key, operator, values }) => ({
            key,
            operator,
            ...(values.length === 0 ? {} : { values }),
          })),
        }),
  };
}

function portOf({ protocol, first, last }: DraftPort): JsonObject {
  return { protocol, port: first, ...(last === first ? {} : { endPort: last }) };
}
