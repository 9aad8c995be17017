/** Symbolic parties: sets of kinds of ends, named by the conditions that hold for exactly them. */
import { formatPrefix, type Family } from '../../address.js';
import { bug } from '../../diagnostics.js';
import { partyText } from '../party.js';
import type { Party, PartyGroup, PrefixText } from '../report.js';
import { NodeConditions, PodConditions, type PodCondition } from './conditions.js';
import type { NamedService, NodeKind } from './kinds.js';
import type { Cell, FamilyUniverse, Place, SymbolicUniverse } from './universe.js';

type PodPlace = Extract<Place, { kind: 'pod' }>;
type NodePlace = Extract<Place, { kind: 'node' }>;

export class SymbolicNamer {
  readonly #pods: PodConditions;
  readonly #nodes: NodeConditions;

  constructor(private readonly universe: SymbolicUniverse) {
    const { kinds } = universe;
    this.#pods = new PodConditions(kinds.pods, kinds.namespaceSelectors, kinds.podSelectors);
    this.#nodes = new NodeConditions(kinds.nodes, kinds.nodeSelectors);
  }

  /** @param family where only addresses of it are meant; else the places are IPv4's, at all addresses */
  describe(places: readonly Place[], family: Family | undefined): Party {
    const here =
      this.universe.families.find((one) => one.family === (family ?? 4)) ?? bug('no such family');
    const groups = new Description(this.universe, here, family, this.#pods, this.#nodes).of(places);
    const told = groups.filter(({ kind }) => kind !== 'unused');
    return { text: partyText(told.length === 0 ? groups : told), groups, pods: 0 };
  }
}

/** More exceptions than these are only told where they are fewer than those who are meant. */
const MAX_EXCEPT = 1;

class Description {
  constructor(
    private readonly universe: SymbolicUniverse,
    private readonly here: FamilyUniverse,
    private readonly family: Family | undefined,
    private readonly conditionsOfPods: PodConditions,
    private readonly conditionsOfNodes: NodeConditions,
  ) {}

  of(places: readonly Place[]): readonly PartyGroup[] {
    const pods = places.filter((one) => one.kind === 'pod');
    const nodes = places.filter((one) => one.kind === 'node');
    const cellsOf = (kind: 'outside' | 'unbound', service?: string): ReadonlySet<Cell> =>
      new Set(
        places
          .filter((one) => one.kind === kind && serviceOf(one) === service)
          .map(({ cell }) => cell),
      );
    const unbound = cellsOf('unbound');
    const outside = cellsOf('outside');
    const except = this.#everyoneBut(
      outside,
      pods,
      nodes.filter((one) => serviceOf(one) === undefined),
    );
    const services = [undefined, ...this.universe.kinds.services.map(pathOf)];
    if (except === undefined) {
      return [
        ...this.#podGroups(pods),
        ...services.flatMap((service) => [
          ...this.#outside(cellsOf('outside', service), service),
          ...this.#nodeGroups(
            nodes.filter((one) => serviceOf(one) === service),
            service,
          ),
        ]),
        ...this.#unbound(unbound),
      ];
    }
    // Who is behind a Service is told apart, unless all of them are meant as well.
    const apart = services.filter((service) => {
      const here = nodes.filter((one) => serviceOf(one) === service && outside.has(one.cell));
      const cells = cellsOf('outside', service);
      return (
        [...outside].some((cell) => !cells.has(cell)) ||
        here.filter(({ own }) => !own).length < this.universe.kinds.nodes.length * outside.size
      );
    });
    const isTold = (one: PodPlace | NodePlace): boolean =>
      !outside.has(one.cell) || (one.kind === 'node' && apart.includes(serviceOf(one)));
    return [
      {
        kind: 'everyone',
        ...this.#family(),
        ...this.#at(outside),
        except,
        exceptServices: apart.flatMap((service) => service ?? []),
      },
      ...this.#podGroups(pods.filter(isTold)),
      ...services.flatMap((service) => [
        ...this.#outside(
          new Set(
            [...cellsOf('outside', service)].filter(
              (cell) => !outside.has(cell) || apart.includes(service),
            ),
          ),
          service,
        ),
        ...this.#nodeGroups(
          nodes.filter((one) => serviceOf(one) === service && isTold(one)),
          service,
        ),
      ]),
      ...this.#unbound(unbound),
    ];
  }

  #outside(cells: ReadonlySet<Cell>, service: string | undefined): readonly PartyGroup[] {
    if (cells.size === 0) return [];
    const behind = service === undefined ? {} : { service };
    return [{ kind: 'outside', ...this.#family(), ...this.#at(cells), ...behind }];
  }

  /**
   * The pods that are not meant, where everybody else is who may stand in these cells; undefined where it is
   * shorter to say who is meant.
   */
  #everyoneBut(
    cells: ReadonlySet<Cell>,
    pods: readonly PodPlace[],
    nodes: readonly NodePlace[],
  ): readonly PodCondition[] | undefined {
    const { kinds, hasOwnNodes } = this.universe;
    const others = nodes.filter(({ own, cell }) => !own && cells.has(cell));
    if (cells.size === 0 || others.length < kinds.nodes.length * cells.size) return undefined;
    const counts = new Map<number, number>();
    for (const { pod, cell } of pods) {
      if (cells.has(cell)) counts.set(pod.id, (counts.get(pod.id) ?? 0) + 1);
    }
    const whole = cells.size * (hasOwnNodes ? kinds.nodes.length : 1);
    if ([...counts.values()].some((count) => count !== whole)) return undefined;
    const missing = kinds.pods.map(({ id }) => id).filter((id) => !counts.has(id));
    const except = this.conditionsOfPods.describe(missing);
    if (
      except.length > MAX_EXCEPT &&
      except.length > this.conditionsOfPods.describe(counts.keys()).length
    ) {
      return undefined;
    }
    return except;
  }

  #podGroups(places: readonly PodPlace[]): readonly PartyGroup[] {
    // By kind: for each kind of node that they run on, at which addresses.
    const ofKind = new Map<number, Map<NodeKind | undefined, Cell[]>>();
    for (const { pod, node, cell } of places) {
      const homes = ofKind.get(pod.id) ?? new Map<NodeKind | undefined, Cell[]>();
      ofKind.set(pod.id, homes);
      homes.set(node, [...(homes.get(node) ?? []), cell]);
    }
    const alike = new Map<string, { readonly at: HomesAt; readonly kinds: number[] }>();
    for (const [kind, homes] of ofKind) {
      for (const at of this.#homesAt(homes)) {
        const known = alike.get(at.key);
        if (known === undefined) alike.set(at.key, { at, kinds: [kind] });
        else known.kinds.push(kind);
      }
    }
    return [...alike.values()]
      .sort((a, b) => b.kinds.length - a.kinds.length)
      .flatMap(({ at, kinds }) =>
        this.conditionsOfPods.describe(kinds).map((condition): PartyGroup => ({
          kind: 'pods-with',
          ...condition,
          ...(at.nodes === undefined ? {} : { nodes: this.conditionsOfNodes.describe(at.nodes) }),
          ...this.#at(new Set(at.cells)),
        })),
      );
  }

  /** Nodes with the same addresses together. */
  #homesAt(homes: ReadonlyMap<NodeKind | undefined, readonly Cell[]>): readonly HomesAt[] {
    const byCells = new Map<string, { cells: readonly Cell[]; nodes: number[] }>();
    for (const [node, cells] of homes) {
      const key = cellsKey(cells);
      const known = byCells.get(key);
      const nodes = node === undefined ? [] : [node.id];
      if (known === undefined) byCells.set(key, { cells, nodes });
      else known.nodes.push(...nodes);
    }
    const all = this.universe.hasOwnNodes ? this.universe.kinds.nodes.length : 0;
    return [...byCells].map(([key, { cells, nodes }]) =>
      nodes.length === all
        ? { key, cells }
        : { key: `${key} on ${[...nodes].sort().join()}`, cells, nodes },
    );
  }

  #nodeGroups(places: readonly NodePlace[], service: string | undefined): readonly PartyGroup[] {
    const ofNode = new Map<string, { node: NodeKind; own: boolean; cells: Cell[] }>();
    for (const { node, own, cell } of places) {
      const key = `${node.id} ${own ? 'own' : ''}`;
      const known = ofNode.get(key);
      if (known === undefined) ofNode.set(key, { node, own, cells: [cell] });
      else known.cells.push(cell);
    }
    const alike = new Map<
      string,
      { cells: readonly Cell[]; own: Set<number>; others: Set<number> }
    >();
    for (const { node, own, cells } of ofNode.values()) {
      const key = cellsKey(cells);
      const known = alike.get(key) ?? { cells, own: new Set(), others: new Set() };
      alike.set(key, known);
      (own ? known.own : known.others).add(node.id);
    }
    return [...alike.values()].flatMap(({ cells, own, others }) => {
      const both = [...others].filter((id) => !this.universe.hasOwnNodes || own.has(id));
      const isBoth = new Set(both);
      const parts = [
        ['all', both],
        ['own', [...own].filter((id) => !isBoth.has(id))],
        ['others', [...others].filter((id) => !isBoth.has(id))],
      ] as const;
      return parts.flatMap(([which, ids]) =>
        ids.length === 0
          ? []
          : this.conditionsOfNodes.describe(ids).map((nodes): PartyGroup => ({
              kind: 'nodes-with',
              nodes,
              which,
              ...this.#at(new Set(cells)),
              ...(service === undefined ? {} : { service }),
            })),
      );
    });
  }

  #unbound(cells: ReadonlySet<Cell>): readonly PartyGroup[] {
    return cells.size === 0 ? [] : [{ kind: 'unused', ...this.#at(cells) }];
  }

  #family(): { readonly family?: Family } {
    return this.family === undefined ? {} : { family: this.family };
  }

  /** Nothing where any address of the family will do. */
  #at(cells: ReadonlySet<Cell>): { readonly prefixes?: readonly PrefixText[] } {
    const { space, family } = this.here;
    if (cells.size === this.here.cells.length) return {};
    const classes = [...cells].map(({ classId }) => ({
      id: classId,
      flavour: 'outside' as const,
      atoms: [],
      nodes: [],
    }));
    const prefixes = space.prefixesOf(classes, family).map(({ prefix, except }) => ({
      cidr: formatPrefix(prefix),
      except: except.map(formatPrefix),
    }));
    return { prefixes };
  }
}

/** Some nodes, and the addresses that pods on them have; all nodes where none are told. */
interface HomesAt {
  readonly key: string;
  readonly cells: readonly Cell[];
  readonly nodes?: readonly number[];
}

function serviceOf(place: Place): string | undefined {
  if (place.kind !== 'outside' && place.kind !== 'node') return undefined;
  return place.serves === undefined ? undefined : pathOf(place.serves);
}

function pathOf({ namespace, name }: NamedService): string {
  return `${namespace}/${name}`;
}

function cellsKey(cells: readonly Cell[]): string {
  return cells
    .map(({ id }) => id)
    .sort((a, b) => a - b)
    .join();
}
