/** Symbolic parties read back: whether a pod or an address of a concrete world is among those meant. */
import type { LabelCondition, PodCondition } from '../../src/analysis/symbolic/conditions.js';
import type { PartyGroup, PrefixText } from '../../src/analysis/report.js';
import { inCidr } from '../oracle/naive.js';

export type Labels = Readonly<Record<string, string>>;

/** An end of a flow of a world, as people would describe it. */
export type ConcreteEnd =
  | {
      readonly kind: 'pod';
      readonly address: string;
      readonly labels: Labels;
      /** With kubernetes.io/metadata.name. */
      readonly namespace: Labels;
      readonly node?: Labels;
    }
  | {
      readonly kind: 'node';
      readonly address: string;
      readonly labels: Labels;
      readonly own: boolean;
    }
  | { readonly kind: 'outside' | 'unused'; readonly address: string };

function satisfies(condition: LabelCondition, labels: Labels): boolean {
  const holds = ({ key, operator, values }: LabelCondition['requirements'][number]): boolean => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'DoesNotExist') return value === undefined;
    const named = value !== undefined && values.includes(value);
    return operator === 'In' ? named : !named;
  };
  return condition.requirements.every(holds) && !condition.never.some((all) => all.every(holds));
}

function isMeant(
  { pods, namespaces }: PodCondition,
  end: Extract<ConcreteEnd, { kind: 'pod' }>,
): boolean {
  return satisfies(pods, end.labels) && satisfies(namespaces, end.namespace);
}

function isAt(prefixes: readonly PrefixText[] | undefined, address: string): boolean {
  if (prefixes === undefined) return true;
  return prefixes.some(
    ({ cidr, except }) => inCidr(cidr, address) && !except.some((one) => inCidr(one, address)),
  );
}

export function holdsEnd(groups: readonly PartyGroup[], end: ConcreteEnd): boolean {
  const family = end.address.includes(':') ? 6 : 4;
  return groups.some((group): boolean => {
    switch (group.kind) {
      case 'everyone':
        if (end.kind === 'unused' || !isAt(group.prefixes, end.address)) return false;
        if ((group.family ?? family) !== family) return false;
        return end.kind !== 'pod' || !group.except.some((one) => isMeant(one, end));
      case 'pods-with': {
        if (end.kind !== 'pod' || !isMeant(group, end)) return false;
        const { node } = end;
        const home =
          group.nodes === undefined ||
          (node !== undefined && group.nodes.some((one) => satisfies(one, node)));
        return home && isAt(group.prefixes, end.address);
      }
      case 'nodes-with':
        if (end.kind !== 'node' || !satisfies(group.nodes, end.labels)) return false;
        if (group.which !== 'all' && (group.which === 'own') !== end.own) return false;
        return isAt(group.prefixes, end.address);
      case 'outside':
        if (end.kind !== 'outside' || (group.family ?? family) !== family) return false;
        return isAt(group.prefixes, end.address);
      case 'unused':
        return end.kind === 'unused' && isAt(group.prefixes, end.address);
      default:
        throw new Error(`a symbolic party has no ${group.kind}`);
    }
  });
}
