/** Who needs connection state, for what: packets that are allowed, and whose replies no rule allows. */
import type { AddressClass } from '../bind/classes.js';
import { allowedGroups, type AllowedGroups } from '../bind/ports.js';
import { rowOf, type ViewPair } from '../bind/row-images.js';
import type { RowTable } from '../bind/rows.js';
import { FLAVOURS, PROTOCOL_GROUPS, type Flavour } from '../layout.js';

export const STATE_PROTOCOLS = [...PROTOCOL_GROUPS, 'other'] as const;
export type StateProtocol = (typeof STATE_PROTOCOLS)[number];

/** Address classes of one flavour: those that need state, of all that there are. */
export interface ClassCount {
  readonly flavour: Flavour;
  readonly needing: number;
  readonly classes: number;
}

/** By protocol, the remote addresses; what needs none is left out. */
export type Needs = Readonly<Partial<Record<StateProtocol, readonly ClassCount[]>>>;

export interface StateNeed {
  /** Connections that the pod opens: packets of from_pod, whose replies come by to_pod. */
  readonly opens: Needs;
  /** Connections that others open to it. */
  readonly serves: Needs;
}

/** Protocol groups some of whose packets are allowed, while the opposite row does not allow all replies. */
export function groupsInNeed(own: AllowedGroups, opposite: AllowedGroups): number {
  return ~own.none & ~opposite.all & ALL_GROUPS;
}

/** What subjects with these rows need state for. */
export function stateNeedOf(
  { ingress, egress }: ViewPair,
  table: RowTable,
  classes: readonly AddressClass[],
): StateNeed {
  const shapes = table.shapes.map(allowedGroups);
  const groupsOf = (row: number): AllowedGroups =>
    shapes[table.rows[row]?.shape ?? 0] ?? { all: 0, none: ALL_GROUPS };
  const needs = (
    own: ViewPair['ingress'],
    opposite: ViewPair['ingress'],
    remote: readonly AddressClass[],
  ): Needs => {
    const totals = new Map(FLAVOURS.map((flavour) => [flavour, 0]));
    const counts = STATE_PROTOCOLS.map(() => new Map<Flavour, number>());
    for (const one of remote) {
      totals.set(one.flavour, (totals.get(one.flavour) ?? 0) + 1);
      const groups = groupsInNeed(groupsOf(rowOf(own, one)), groupsOf(rowOf(opposite, one)));
      for (const [group, count] of counts.entries()) {
        if ((groups & (1 << group)) === 0) continue;
        count.set(one.flavour, (count.get(one.flavour) ?? 0) + 1);
      }
    }
    const entries = STATE_PROTOCOLS.map((protocol, group) => {
      const list = [...(counts[group] ?? [])].map(([flavour, needing]): ClassCount => ({
        flavour,
        needing,
        classes: totals.get(flavour) ?? 0,
      }));
      return [protocol, list] as const;
    });
    return Object.fromEntries(entries.filter(([, list]) => list.length > 0));
  };
  // No packet comes from a Service's address.
  const sources = classes.filter(({ service }) => service === undefined);
  return { opens: needs(egress, ingress, classes), serves: needs(ingress, egress, sources) };
}

const ALL_GROUPS = (1 << STATE_PROTOCOLS.length) - 1;
