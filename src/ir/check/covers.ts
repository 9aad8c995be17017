/** When one statement provably holds wherever another does. */
import { prefixCovers } from '../../address.js';
import type {
  LabelRequirement,
  LabelSelector,
  Peer,
  PodSelector,
  PortMatch,
  Rule,
} from '../model.js';
import type { NormalPolicy, NormalRule } from '../normal-model.js';
import { peerKey } from '../peer-key.js';

/** Whether everything that `inner` selects, `outer` does too. */
export function labelsCover(outer: LabelSelector, inner: LabelSelector): boolean {
  return outer.requirements.every((wanted) =>
    inner.requirements.some((given) => given.key === wanted.key && implies(given, wanted)),
  );
}

function implies(given: LabelRequirement, wanted: LabelRequirement): boolean {
  switch (wanted.operator) {
    case 'Exists':
      return given.operator === 'Exists' || given.operator === 'In';
    case 'DoesNotExist':
      return given.operator === 'DoesNotExist';
    case 'In':
      return (
        given.operator === 'In' && given.values.every((value) => wanted.values.includes(value))
      );
    case 'NotIn':
      if (given.operator === 'In') return !given.values.some((one) => wanted.values.includes(one));
      if (given.operator === 'NotIn')
        return wanted.values.every((one) => given.values.includes(one));
      return given.operator === 'DoesNotExist';
  }
}

export function podsCover(
  outer: Pick<PodSelector, 'namespaces' | 'pods'>,
  inner: Pick<PodSelector, 'namespaces' | 'pods'>,
): boolean {
  return labelsCover(outer.namespaces, inner.namespaces) && labelsCover(outer.pods, inner.pods);
}

function portCovers(outer: PortMatch, inner: PortMatch): boolean {
  if (outer.kind === 'named' || inner.kind === 'named') {
    return (
      outer.kind === 'named' &&
      inner.kind === 'named' &&
      outer.name === inner.name &&
      (outer.protocol === undefined || outer.protocol === inner.protocol)
    );
  }
  return (
    outer.protocol === inner.protocol && outer.first <= inner.first && inner.last <= outer.last
  );
}

function portsCover(outer: Rule['ports'], inner: Rule['ports']): boolean {
  if (outer === 'every') return true;
  if (inner === 'every') return false;
  return inner.every((one) => outer.some((other) => portCovers(other, one)));
}

function peerCovers(outer: Peer, inner: Peer): boolean {
  if (inner.kind === 'nothing' || outer.kind === 'any') return true;
  if (outer.kind === 'pods' && inner.kind === 'pods') return podsCover(outer, inner);
  if (outer.kind === 'nodes' && inner.kind === 'nodes') {
    return labelsCover(outer.selector, inner.selector);
  }
  if (outer.kind === 'addresses' && inner.kind === 'addresses' && outer.exclude.length === 0) {
    return inner.include.every((one) => outer.include.some((other) => prefixCovers(other, one)));
  }
  return outer.kind === inner.kind && peerKey(outer) === peerKey(inner);
}

/** Ports beside a Service are the Service's, and say nothing of the ports of other peers. */
function peersCover(outer: Rule, inner: Rule): boolean {
  return inner.peers.every((one) =>
    outer.peers.some((other) => {
      const sameKind = (one.kind === 'service') === (other.kind === 'service');
      return peerCovers(other, one) && (sameKind || outer.ports === 'every');
    }),
  );
}

/** Whether `outer` matches all that `inner` matches, as long as `inner` is there at all. */
export function ruleCovers(outer: Rule, inner: Rule): boolean {
  const lasts =
    outer.until === undefined || (inner.until !== undefined && outer.until >= inner.until);
  return (
    outer.direction === inner.direction &&
    lasts &&
    portsCover(outer.ports, inner.ports) &&
    peersCover(outer, inner)
  );
}

export function subjectsCover(outer: NormalPolicy, inner: NormalPolicy): boolean {
  return (
    outer === inner ||
    inner.subjects.every((one) => outer.subjects.some((other) => podsCover(other, one)))
  );
}

/** Allows by address leave out what nobody holds in the pod ranges; other rules do not. */
export function leavesUnbound(outer: NormalRule, inner: NormalRule): boolean {
  const byAddress = inner.peers.some(({ kind }) => kind === 'any' || kind === 'addresses');
  return outer.action === 'allow' && inner.action !== 'allow' && byAddress;
}
