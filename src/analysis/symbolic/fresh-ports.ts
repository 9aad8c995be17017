/** Fresh ports: a number that no rule names for each port that rules call by name, and how people are told. */
import { portIndex, PORT_INDEX } from '../../codegen/layout.js';
import type { ContainerPort } from '../../ir/cluster.js';
import type { PortMatch, PortProtocol } from '../../ir/model.js';
import type { NormalModel } from '../../ir/normal-model.js';
import {
  hasPort,
  portRanges,
  portText,
  unitePorts,
  type PortRange,
  type PortSet,
} from '../port-set.js';

const PROTOCOLS: readonly PortProtocol[] = ['TCP', 'UDP', 'SCTP'];
/** Where numbers are looked for first, downwards: ports that are seldom written down. */
const HIGHEST = 60_000;

/** A container port of every made-up pod. */
export interface FreshPort extends ContainerPort {
  readonly index: number;
}

/** @param extra ports that are asked about besides those of rules */
export function findFreshPorts(
  models: readonly NormalModel[],
  extra: readonly PortMatch[] = [],
): readonly FreshPort[] {
  const matches = [
    ...models.flatMap(({ policies }) =>
      policies.flatMap(({ rules }) =>
        rules.flatMap(({ ports }) => (ports === 'every' ? [] : ports)),
      ),
    ),
    ...extra,
  ];
  // Inside of a range a name would change nothing that it changes elsewhere.
  const covered = coveredPorts(matches.slice(0, matches.length - extra.length));
  const taken = new Set<number>();
  for (const match of matches) {
    if (match.kind !== 'range') continue;
    // On both sides of each boundary, so that a fresh number stands apart in what is told.
    for (const edge of [match.first, match.last]) {
      for (const near of [edge - 1, edge, edge + 1]) taken.add(near);
    }
  }
  const wanted = new Map<string, Pick<ContainerPort, 'name' | 'protocol'>>();
  for (const match of matches) {
    if (match.kind !== 'named') continue;
    for (const protocol of match.protocol === undefined ? PROTOCOLS : [match.protocol]) {
      wanted.set(`${match.name} ${protocol}`, { name: match.name, protocol });
    }
  }
  return [...wanted.values()].map(({ name, protocol }): FreshPort => {
    const isFree = (port: number): boolean => !taken.has(port);
    const port =
      findPort((one) => isFree(one) && covered.get(protocol)?.[one] !== 1) ?? findPort(isFree) ?? 1;
    taken.add(port).add(port - 1);
    return { name, protocol, port, index: portIndex(protocol, port) };
  });
}

function findPort(accepts: (port: number) => boolean): number | undefined {
  for (let port = HIGHEST; port > 1; port -= 1) if (accepts(port)) return port;
  for (let port = 65_534; port > HIGHEST; port -= 1) if (accepts(port)) return port;
  return undefined;
}

/** For each protocol a 1 at each port in some range. */
function coveredPorts(matches: readonly PortMatch[]): ReadonlyMap<PortProtocol, Uint8Array> {
  return new Map(
    PROTOCOLS.map((protocol) => {
      const covered = new Uint8Array(65_536);
      const seen = new Set<string>();
      for (const match of matches) {
        if (match.kind !== 'range' || match.protocol !== protocol) continue;
        const key = `${match.first}-${match.last}`;
        if (!seen.has(key)) covered.fill(1, match.first, match.last + 1);
        seen.add(key);
      }
      return [protocol, covered];
    }),
  );
}

/** Ports as people and machines are told them: the fresh ones by their names. */
export interface ToldPorts {
  readonly text: string;
  readonly ranges: readonly PortRange[];
  /** In the set only as they are called so. */
  readonly named: readonly string[];
  /** Not in the set, though their numbers may be. */
  readonly except: readonly string[];
}

export function tellPorts(set: PortSet, fresh: readonly FreshPort[]): ToldPorts {
  let plain = set;
  const named: FreshPort[] = [];
  const except: FreshPort[] = [];
  for (const port of fresh) {
    const { index } = port;
    const around =
      hasPort(plain, index - 1) && (index + 1 === PORT_INDEX.other || hasPort(plain, index + 1));
    if (hasPort(set, index)) {
      if (around) continue;
      named.push(port);
      plain = without(plain, index);
    } else if (around) {
      except.push(port);
      plain = unitePorts([plain, [[index, index]]]);
    }
  }
  const own = plain.length === 0 ? [] : [portText(plain)];
  const isBut = own.some((one) => one.includes(' but '));
  // Names after an exception would read as more of it.
  const text = (isBut ? [...namesText(named), ...own] : [...own, ...namesText(named)]).join(', ');
  const but = isBut ? ', ' : ' but ';
  return {
    text: except.length === 0 ? text : `${text}${but}${namesText(except).join(', ')}`,
    ranges: portRanges(plain),
    named: namesText(named),
    except: namesText(except),
  };
}

/** A port that both a number and a name mean: `8080/tcp where it is called "http"`. */
export function tellCalled({ name, protocol, port }: FreshPort): ToldPorts {
  const number = `${port}/${protocol.toLowerCase()}`;
  const told = `${number} where it is called "${name}"`;
  return { text: told, ranges: [], named: [told], except: [] };
}

function without(set: PortSet, index: number): PortSet {
  return set.flatMap(([first, last]): PortSet => {
    if (index < first || index > last) return [[first, last]];
    const before: PortSet = first < index ? [[first, index - 1]] : [];
    const after: PortSet = index < last ? [[index + 1, last]] : [];
    return [...before, ...after];
  });
}

/** `port "metrics"/tcp`; without a protocol where it is meant in all. */
function namesText(ports: readonly FreshPort[]): readonly string[] {
  const protocols = new Map<string, PortProtocol[]>();
  for (const { name, protocol } of ports) {
    protocols.set(name, [...(protocols.get(name) ?? []), protocol]);
  }
  return [...protocols].flatMap(([name, list]) =>
    list.length === PROTOCOLS.length
      ? [`port "${name}"`]
      : list.map((protocol) => `port "${name}"/${protocol.toLowerCase()}`),
  );
}
