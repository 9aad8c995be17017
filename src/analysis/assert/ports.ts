/** Ports that an assertion asks about, as sets of port indexes. */
import { portIndex, PORT_INDEX } from '../../codegen/layout.js';
import type { ContainerPort, ServicePort } from '../../ir/cluster.js';
import type { PortMatch } from '../../ir/model.js';
import { unitePorts, type PortInterval, type PortSet } from '../port-set.js';

type Asked = 'every' | readonly PortMatch[];

/** At a destination with such named ports; a name means nothing where there is none (SEMANTICS row 34). */
export function askedPorts(asked: Asked, named: readonly ContainerPort[]): PortSet {
  if (asked === 'every') return [[0, PORT_INDEX.other]];
  return unitePorts([
    asked.flatMap((match): readonly PortInterval[] => {
      if (match.kind === 'range') {
        const { protocol, first, last } = match;
        return [[portIndex(protocol, first), portIndex(protocol, last)]];
      }
      return named
        .filter(
          ({ name, protocol }) => name === match.name && (match.protocol ?? protocol) === protocol,
        )
        .map(({ protocol, port }): PortInterval => {
          const index = portIndex(protocol, port);
          return [index, index];
        });
    }),
  ]);
}

/** Whether the Service's port is asked about, by its own number or name. */
export function asksFor(asked: Asked, { name, protocol, port }: ServicePort): boolean {
  if (asked === 'every') return true;
  return asked.some((match) => {
    if ((match.protocol ?? protocol) !== protocol) return false;
    return match.kind === 'named' ? match.name === name : match.first <= port && port <= match.last;
  });
}

export function commonPorts(a: PortSet, b: PortSet): PortSet {
  return a.flatMap(([first, last]) =>
    b.flatMap(([from, to]): PortSet => {
      const interval = [Math.max(first, from), Math.min(last, to)] as const;
      return interval[0] <= interval[1] ? [interval] : [];
    }),
  );
}

/** What of the first is not in the second. */
export function portsWithout(a: PortSet, b: PortSet): PortSet {
  let rest = a;
  for (const [from, to] of b) {
    rest = rest.flatMap(([first, last]): PortSet => {
      if (to < first || last < from) return [[first, last]];
      const before: PortSet = first < from ? [[first, from - 1]] : [];
      return to < last ? [...before, [to + 1, last]] : before;
    });
  }
  return rest;
}
