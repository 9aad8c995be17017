/** Connection state: which pods need it, so that replies of what they allow may pass. */
import { allowedGroups, type AllowedGroups } from '../../codegen/bind/ports.js';
import type { AddressClass } from '../../codegen/bind/classes.js';
import { FLAVOURS } from '../../codegen/layout.js';
import { groupsInNeed } from '../../codegen/layout/state-needs.js';
import type { Ends, PodGroup } from '../ends.js';
import type { Universe } from '../universe.js';
import { effectOn } from '../view-effects.js';

/** Pods some of whose connections have replies that no rule allows, before and after. */
export interface StatefulPods {
  readonly was: number;
  readonly is: number;
}

export function countStatefulPods({ addresses }: Universe, found: Ends): StatefulPods {
  const present = FLAVOURS.map((flavour) =>
    found.peers.some((peer) => peer.flavour === flavour && !peer.isService),
  );
  const count = (side: 'was' | 'is'): number => {
    const groups = found.effects.effects.map((effect) =>
      allowedGroups({ starts: effect.starts, cells: effect[side] }),
    );
    const known = new Map<string, boolean>();
    return found.pods.reduce((sum, group) => {
      const key = `${group.egress} ${group.ingress}`;
      const needs = known.get(key) ?? needsState(found, group, groups, present, addresses.classes);
      known.set(key, needs);
      return needs ? sum + group.pods.length : sum;
    }, 0);
  };
  return { was: count('was'), is: count('is') };
}

/** Some of what one direction allows comes back against what the other denies. */
function needsState(
  { views }: Ends,
  group: PodGroup,
  groups: readonly AllowedGroups[],
  present: readonly boolean[],
  classes: readonly AddressClass[],
): boolean {
  const egress = views.egress[group.egress];
  const ingress = views.ingress[group.ingress];
  if (egress === undefined || ingress === undefined) return false;
  const differ = (out: number, into: number, served: boolean): boolean => {
    const [a, b] = [groups[out], groups[into]];
    if (a === undefined || b === undefined) return false;
    return groupsInNeed(a, b) !== 0 || (served && groupsInNeed(b, a) !== 0);
  };
  const usual = egress.defaults.some(
    (out, flavour) =>
      present[flavour] === true && differ(out, ingress.defaults[flavour] ?? 0, true),
  );
  if (usual) return true;
  const exceptions = [...new Set([...egress.classes, ...ingress.classes])];
  return exceptions.some((id) => {
    const one = classes[id];
    if (one === undefined) return false;
    // No packet comes from a Service's address.
    return differ(effectOn(egress, one), effectOn(ingress, one), one.service === undefined);
  });
}
