/** Canonical texts of selectors, peers and ports: equal for equal meanings, so that they can be shared. */
import { formatPrefix, type Prefix } from '../address.js';
import type { LabelSelector, Peer, PodSelector, PortMatch } from './model.js';

export function selectorKey(selector: LabelSelector): string {
  const parts = selector.requirements.map((one) =>
    JSON.stringify([one.key, one.operator, [...new Set(one.values)].sort()]),
  );
  return [...new Set(parts)].sort().join('');
}

export function podSelectorKey(selector: Pick<PodSelector, 'namespaces' | 'pods'>): string {
  return `${selectorKey(selector.namespaces)}/${selectorKey(selector.pods)}`;
}

export function peerKey(peer: Peer): string {
  switch (peer.kind) {
    case 'any':
    case 'outside':
    case 'own-node':
    case 'nothing':
      return peer.kind;
    case 'pods':
      return `pods ${podSelectorKey(peer)}`;
    case 'addresses':
      return `addresses ${prefixesKey(peer.include)}!${prefixesKey(peer.exclude)}${peer.skips === undefined ? '' : ` but ${peer.skips}`}`;
    case 'nodes':
      return `nodes ${selectorKey(peer.selector)}`;
    case 'service':
      return `service ${peer.namespace}/${peer.name}`;
  }
}

export function portMatchKey(match: PortMatch): string {
  return match.kind === 'range'
    ? `${match.protocol}:${match.first}-${match.last}`
    : `${match.protocol ?? '*'}:"${match.name}"`;
}

function prefixesKey(prefixes: readonly Prefix[]): string {
  if (prefixes.length === 1 && prefixes[0] !== undefined) return formatPrefix(prefixes[0]);
  return [...new Set(prefixes.map(formatPrefix))].sort().join(',');
}
