/** Lowers rules: their peers, ports and clauses, and what each block allows them to say. */
import type { Action, Clauses, Direction, PeerList, PortClause } from '../../parser/ast.js';
import type { Span } from '../../source.js';
import type { Home, Reporter } from './context.js';
import { impliedPorts, type Names } from './names.js';
import type { Peer, PodSelector, PortMatch, Rule } from '../model.js';

/** What a rule is made of, in the terms of the tree. */
export interface RuleDraft {
  readonly direction: Direction;
  readonly action: Action;
  readonly peers: PeerList;
  /** The end that receives, whose ports may be implied; the peers of egress if left out. */
  readonly implying?: PeerList;
  readonly ports: PortClause | undefined;
  readonly clauses: Clauses;
  readonly name: string;
  readonly until?: number;
  readonly reason?: string;
  readonly ticket?: string;
  readonly origin: Span;
}

export function lowerRule(draft: RuleDraft, home: Home, names: Names): Rule {
  const { clauses, direction, action } = draft;
  if (clauses.reject !== undefined && action !== 'deny') {
    const args = { word: 'reject', place: `with \`${action}\`` };
    names.reporter.report('policy/misplaced-clause', args, clauses.reject);
  }
  const reason = clauses.reason?.text ?? draft.reason;
  const ticket = clauses.ticket?.text ?? draft.ticket;
  return {
    direction,
    action,
    peers: names.peers(draft.peers, home),
    ports: lowerPorts(draft, home, names),
    name: draft.name,
    log: clauses.log !== undefined,
    reject: clauses.reject !== undefined,
    ...(draft.until === undefined ? {} : { until: draft.until }),
    ...(reason === undefined ? {} : { reason }),
    ...(ticket === undefined ? {} : { ticket }),
    origin: draft.origin,
  };
}

function lowerPorts(draft: RuleDraft, home: Home, names: Names): Rule['ports'] {
  const stated = lowerPortClause(draft.ports, home, names);
  if (stated !== undefined) return stated;
  const receivers = draft.implying ?? (draft.direction === 'egress' ? draft.peers : undefined);
  const implied = receivers === undefined ? undefined : impliedPorts(receivers);
  if (implied !== undefined) return implied;
  if (draft.action === 'allow') {
    names.reporter.report('policy/ports-unstated', {}, draft.origin);
  }
  return 'every';
}

export function lowerPortClause(
  clause: PortClause | undefined,
  home: Home,
  names: Names,
): 'every' | readonly PortMatch[] | undefined {
  if (clause === undefined) return undefined;
  return clause.kind === 'every' ? 'every' : names.ports(clause.items, home);
}

/** Reports the peers among `peers` that are no pods. */
export function podSubjects(
  peers: readonly Peer[],
  at: Span,
  reporter: Reporter,
): readonly PodSelector[] {
  const pods = peers.filter((peer) => peer.kind === 'pods');
  if (pods.length < peers.length) reporter.report('policy/subject-not-pods', {}, at);
  return selectorsOf(pods);
}

type PodsPeer = Extract<Peer, { readonly kind: 'pods' }>;

export function selectorsOf(peers: readonly PodsPeer[]): readonly PodSelector[] {
  return peers.map(({ namespaces, pods, origin }) => ({ namespaces, pods, origin }));
}
