/** The clauses of a rule: each single thing that it asks of a packet. */
import type { Prefix } from '../../address.js';
import type { Span } from '../../source.js';
import type { ClusterNode } from '../cluster.js';
import type { LabelRequirement, Peer, PortMatch, Skipped } from '../model.js';

export type ClauseDemand =
  /** What kind of thing the remote is. */
  | { readonly kind: 'a-pod' | 'a-node' | 'outside' | 'own-node' }
  | {
      readonly kind: 'namespace-label' | 'pod-label';
      readonly requirement: LabelRequirement;
      /** What the label is there, if it is there. */
      readonly value: string | undefined;
    }
  /** Of the node whose labels come nearest. */
  | {
      readonly kind: 'node-label';
      readonly requirement: LabelRequirement;
      readonly value: string | undefined;
      readonly node: ClusterNode;
    }
  /** In some prefix of the list; `prefix` holds the address, or comes nearest to it. */
  | { readonly kind: 'inside'; readonly prefix: Prefix | undefined }
  /** In no prefix of the list; `prefix` holds the address. */
  | { readonly kind: 'except'; readonly prefix: Prefix | undefined }
  /** Not an address of the pod ranges that nobody holds: no allow by address lets those in. */
  | { readonly kind: 'held' }
  /** Not an address of a pod, or of a node either: these are known by other means than addresses. */
  | { readonly kind: 'passed-over'; readonly skips: Skipped }
  | { readonly kind: 'endpoint'; readonly namespace: string; readonly name: string }
  /** One of the ports; `port` is the one that matches, or comes nearest. */
  | { readonly kind: 'ports'; readonly port: PortMatch | undefined }
  /** The rule has not ended. */
  | { readonly kind: 'until'; readonly until: number }
  /** No packet fulfils it. */
  | { readonly kind: 'never' };

export type Clause = ClauseDemand & {
  readonly holds: boolean;
  /** Its own line where it has one, else that of the peer or the rule that implies it. */
  readonly origin: Span;
};

/** One peer of a rule with all that it asks: peers are ORed, and the clauses of one are ANDed. */
export interface Alternative {
  readonly peer: Peer | undefined;
  /** As a person reads them: the peer first, the ports last. */
  readonly clauses: readonly Clause[];
}

export function matchesWhole({ clauses }: Alternative): boolean {
  return clauses.every(({ holds }) => holds);
}

/** The first clause that the packet fails; undefined where all hold. */
export function firstMiss({ clauses }: Alternative): Clause | undefined {
  return clauses.find(({ holds }) => !holds);
}
