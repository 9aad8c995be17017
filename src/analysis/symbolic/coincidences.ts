/** Coincidences: what changes only where a port's name means a number that rules name as well. */
import { portIndex } from '../../codegen/layout.js';
import type { PortMatch } from '../../ir/model.js';
import { hasPort, type PortSet } from '../port-set.js';
import type { Models } from '../universe.js';
import { canMeet, findSymbolic, placeKey, type SymbolicFinding } from './findings.js';
import type { FreshPort } from './fresh-ports.js';
import { createSymbolicUniverse, type Place, type SymbolicUniverse } from './universe.js';

/** Findings of one port that pods call by one name; the universe gives them that number. */
export interface Coincidence {
  readonly port: FreshPort;
  readonly universe: SymbolicUniverse;
  readonly findings: readonly SymbolicFinding[];
}

/** Names times numbers, and kinds of pods times kinds of addresses; beyond, only a cluster tells. */
const MAX_TRIES = 32;
const MAX_PLACES = 10_000;

/**
 * Which numbers each name is tried with; undefined where there are too many.
 *
 * @param asked ports that are asked about besides those of rules
 */
export function numbersToTry(
  models: Models,
  { freshPorts, families }: SymbolicUniverse,
  asked: readonly PortMatch[] = [],
): readonly FreshPort[] | undefined {
  const matches = models.flatMap(({ policies }) =>
    policies.flatMap(({ rules }) => rules.flatMap(({ ports }) => (ports === 'every' ? [] : ports))),
  );
  const ranges = [...matches, ...asked].filter((one) => one.kind === 'range');
  const tries = freshPorts.flatMap(({ name, protocol, port: fresh }) =>
    startsOf(
      ranges.filter((one) => one.protocol === protocol),
      fresh,
    ).map((port): FreshPort => ({ name, protocol, port, index: portIndex(protocol, port) })),
  );
  const places = families.reduce((sum, { universe }) => sum + universe.pods.length, 0);
  return tries.length > 0 && (tries.length > MAX_TRIES || places > MAX_PLACES) ? undefined : tries;
}

type PortSpan = Extract<PortMatch, { kind: 'range' }>;

/**
 * The first port of each stretch that all ranges treat alike. A stretch in no range is left out
 * where the fresh number is in none either.
 */
function startsOf(ranges: readonly PortSpan[], fresh: number): readonly number[] {
  const isInSome = (port: number): boolean =>
    ranges.some(({ first, last }) => first <= port && port <= last);
  const isFreshInSome = isInSome(fresh);
  const starts = new Set([1, ...ranges.flatMap(({ first, last }) => [first, last + 1])]);
  return [...starts].filter(
    (port) => port >= 1 && port <= 65_535 && (isFreshInSome || isInSome(port)),
  );
}

/** @param found what changes where names mean numbers of their own */
export function findCoincidences(
  models: Models,
  at: number,
  usual: SymbolicUniverse,
  found: readonly SymbolicFinding[],
  tries: readonly FreshPort[],
): readonly Coincidence[] {
  return tries.flatMap((port): readonly Coincidence[] => {
    const universe = createSymbolicUniverse(models, at, undefined, port);
    const fresh = usual.freshPorts.find(
      ({ name, protocol }) => name === port.name && protocol === port.protocol,
    );
    const known = found.filter(
      ({ ports }) =>
        hasPort(ports, port.index) || (fresh !== undefined && hasPort(ports, fresh.index)),
    );
    const only: PortSet = [[port.index, port.index]];
    const findings = findSymbolic(universe, 'changes')
      .filter(({ ports }) => hasPort(ports, port.index))
      .filter((finding) => isNews(finding, known))
      .map((finding): SymbolicFinding => {
        // Every pair of a finding changes on all of its ports.
        const causes = finding.causes.slice(0, 1);
        return {
          ...finding,
          ports: only,
          causes: causes.map((one) => ({ ...one, ports: only, pairPorts: only })),
        };
      });
    return findings.length === 0 ? [] : [{ port, universe, findings }];
  });
}

/** Whether some pair of it is in none of the others. */
function isNews(finding: SymbolicFinding, known: readonly SymbolicFinding[]): boolean {
  const sets = known
    .filter(
      ({ tag, family }) =>
        tag === finding.tag && (family === undefined || family === finding.family),
    )
    .map(({ from, to }) => ({ from: keysOf(from), to: keysOf(to) }));
  return finding.from.some((source) => {
    const near = sets.filter(({ from }) => from.has(placeKey(source)));
    return finding.to.some(
      (target) => canMeet(source, target) && !near.some(({ to }) => to.has(placeKey(target))),
    );
  });
}

function keysOf(places: readonly Place[]): ReadonlySet<string> {
  return new Set(places.map(placeKey));
}
