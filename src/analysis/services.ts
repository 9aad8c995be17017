/** Connections to Services: what every endpoint behind a Service's port makes of them together. */
import { addressKey, type Address, type Family } from '../address.js';
import type { AddressClass } from '../codegen/bind/classes.js';
import { portIndex } from '../codegen/layout.js';
import { SERVICE_HANDLING, type ServiceHandling } from '../ir/model.js';
import { bug } from '../diagnostics.js';
import type { Service, ServicePort } from '../ir/cluster.js';
import type { AddressSpace } from './address-space.js';
import {
  causeKey,
  facetOf,
  NOTHING,
  type CellChange,
  type Composer,
  type FacetsId,
  type Tag,
} from './compose.js';
import { ALLOW, isAllowed, segmentAt, type EffectId } from './effects.js';
import type { Ends, PeerId, PodGroup, ViewId } from './ends.js';
import type { Grid, GridRow, LabelTable } from './rectangles.js';
import type { EffectSpread } from './spread.js';
import { isOwnNode, type PlacedPod, type Universe } from './universe.js';

/** A Service's port at its cluster addresses. */
export interface ServiceTarget {
  readonly service: Service;
  readonly port: ServicePort;
  readonly families: ReadonlyMap<Family, ServiceFamily>;
}

interface ServiceFamily {
  /** What a source's own policies judge: classes of ready endpoints, each with its port index once. */
  readonly behind: readonly JudgedAddress[];
  /** The cluster address with the Service's port, for those who judge packets before translation. */
  readonly front: readonly JudgedAddress[];
  /** The endpoints that are pods. */
  readonly pods: readonly PlacedPod[];
  /** By address: what pods behind it judge, pods alike once. */
  readonly judges: readonly EndpointJudge[];
}

interface JudgedAddress {
  readonly peer: PeerId;
  /** Port index there. */
  readonly target: number;
  /** The endpoints there that are pods. */
  readonly pods: PlacedPod[];
}

interface EndpointJudge {
  readonly pods: PlacedPod[];
  readonly ingress: ViewId;
  /** Port index at the pods. */
  readonly target: number;
}

/** Sources that no Service tells apart. */
export type ServiceSource =
  | { readonly kind: 'pods'; readonly group: PodGroup; readonly pods: readonly PlacedPod[] }
  | {
      readonly kind: 'addresses';
      readonly peer: PeerId;
      readonly classes: readonly AddressClass[];
      readonly families: ReadonlySet<Family>;
    };

export interface ServiceConnections {
  readonly sources: readonly ServiceSource[];
  readonly targets: readonly ServiceTarget[];
  readonly grid: Grid;
}

/** @param mode what is asked of a connection */
export function serviceConnections(
  universe: Universe,
  found: Ends,
  space: AddressSpace,
  composer: Composer,
  labels: LabelTable,
  spread: EffectSpread,
  mode: 'changes' | 'allowed',
): ServiceConnections {
  const targets = findTargets(universe, found);
  const sources = findSources(found, space, targets);
  const handling = universe.models.map((model) => model.services ?? SERVICE_HANDLING);
  const [was = SERVICE_HANDLING, is = SERVICE_HANDLING] = handling;
  const judge = new ServiceJudge(found, composer, spread, mode, [was, is]);
  const rowOf = (source: number): GridRow | undefined => {
    const from = sources[source] ?? bug(`no source ${source}`);
    if (!judge.turnTo(from)) return undefined;
    const places: number[] = [];
    const found: number[] = [];
    for (const [i, target] of targets.entries()) {
      const label = labels.idOf(judge.ask(from, target, 4), judge.ask(from, target, 6));
      if (label === NOTHING) continue;
      places.push(i);
      found.push(label);
    }
    if (found.length === 0) return undefined;
    return { destinations: Int32Array.from(places), labels: Int32Array.from(found) };
  };
  const grid = { sources: sources.length, destinations: targets.length, rowOf };
  return { sources, targets, grid };
}

interface PodEnd {
  readonly placed: PlacedPod;
  readonly ingress: ViewId;
}

function findTargets({ cluster, addresses }: Universe, found: Ends): readonly ServiceTarget[] {
  const pods = new Map<string, PodEnd>();
  for (const group of found.pods) {
    for (const placed of group.pods) {
      for (const address of placed.pod.addresses) {
        if (!placed.classes.has(address.family)) continue;
        pods.set(addressKey(address), { placed, ingress: group.ingress });
      }
    }
  }
  const peerOf = (address: Address): PeerId =>
    found.peerOfClass[addresses.classOf(address).id] ?? 0;
  return cluster.services.flatMap((service) =>
    service.ports.flatMap((port, position): readonly ServiceTarget[] => {
      const first = service.ports.findIndex(
        (one) => one.protocol === port.protocol && one.port === port.port,
      );
      if (first !== position) return [];
      const families = new Map<Family, ServiceFamily>();
      for (const vip of service.addresses) {
        if (addresses.classOf(vip).service?.service !== service) continue;
        const ready = service.endpoints
          .filter((one) => one.address.family === vip.family && one.targetPorts.has(position))
          .sort((a, b) => (a.address.value < b.address.value ? -1 : 1))
          .map((one) => ({
            peer: peerOf(one.address),
            target: portIndex(port.protocol, one.targetPorts.get(position) ?? 0),
            pod: pods.get(addressKey(one.address)),
          }));
        if (ready.length === 0) continue;
        const front = { peer: peerOf(vip), target: portIndex(port.protocol, port.port), pods: [] };
        families.set(vip.family, describeEndpoints(ready, front));
      }
      return families.size === 0 ? [] : [{ service, port, families }];
    }),
  );
}

interface ReadyEndpoint {
  readonly peer: PeerId;
  readonly target: number;
  readonly pod: PodEnd | undefined;
}

function describeEndpoints(ready: readonly ReadyEndpoint[], front: JudgedAddress): ServiceFamily {
  const behind = new Map<string, JudgedAddress>();
  const judges = new Map<string, EndpointJudge>();
  for (const { peer, target, pod } of ready) {
    const place = `${peer} ${target}`;
    const judged = behind.get(place) ?? { peer, target, pods: [] };
    behind.set(place, judged);
    if (pod === undefined) continue;
    judged.pods.push(pod.placed);
    const key = `${pod.ingress} ${target}`;
    const judge = judges.get(key);
    if (judge === undefined) {
      judges.set(key, { pods: [pod.placed], ingress: pod.ingress, target });
    } else {
      judge.pods.push(pod.placed);
    }
  }
  return {
    behind: [...behind.values()],
    front: [front],
    pods: ready.flatMap(({ pod }) => pod?.placed ?? []),
    judges: [...judges.values()],
  };
}

/** A pod that is an endpoint reaches itself; so endpoints of other Services are apart (SEMANTICS row 40). */
function findSources(
  found: Ends,
  space: AddressSpace,
  targets: readonly ServiceTarget[],
): readonly ServiceSource[] {
  const served = new Map<PlacedPod, string>();
  for (const [i, { families }] of targets.entries()) {
    for (const [family, { judges }] of families) {
      for (const { pods, target } of judges) {
        for (const placed of pods) {
          served.set(placed, `${served.get(placed) ?? ''} ${i}:${family}:${target}`);
        }
      }
    }
  }
  const sources: ServiceSource[] = [];
  for (const group of found.pods) {
    const bySignature = new Map<string, PlacedPod[]>();
    for (const placed of group.pods) {
      const signature = served.get(placed) ?? '';
      const pods = bySignature.get(signature);
      if (pods === undefined) bySignature.set(signature, [placed]);
      else pods.push(placed);
    }
    for (const pods of bySignature.values()) sources.push({ kind: 'pods', group, pods });
  }
  for (const { id, flavour, classes } of found.peers) {
    if (flavour === 'pod') continue;
    // What a node sends to its own pods is exempt, so nodes are apart.
    const lists = flavour === 'node' ? classes.map((one) => [one]) : [classes];
    for (const list of lists) {
      const families = space.families(list);
      if (families.size > 0) sources.push({ kind: 'addresses', peer: id, classes: list, families });
    }
  }
  return sources;
}

/** Judges connections of one source after the other. */
class ServiceJudge {
  readonly #spread: EffectSpread;
  readonly #found: Ends;
  /** What does not change on either side does not change through a Service either. */
  readonly #handledAlike: boolean;

  constructor(
    found: Ends,
    private readonly composer: Composer,
    spread: EffectSpread,
    private readonly mode: 'changes' | 'allowed',
    private readonly handling: readonly [was: ServiceHandling, is: ServiceHandling],
  ) {
    this.#found = found;
    this.#spread = spread;
    const [was, is] = handling;
    this.#handledAlike = was.judgedAt === is.judgedAt && was.hairpin === is.hairpin;
  }

  /** @returns whether there can be anything to say of the source */
  turnTo(from: ServiceSource): boolean {
    const changes =
      !this.#handledAlike ||
      peersOf(from).some((peer) => this.#spread.isChanging(peer)) ||
      (from.kind === 'pods' && this.#found.views.egress[from.group.egress]?.changes === true);
    if (this.mode === 'changes' && !changes) return false;
    if (from.kind === 'pods') this.#spread.spreadEgress(from.group.egress);
    for (const family of [4, 6] as const) {
      const peer = peerIn(from, family);
      if (peer !== undefined) this.#spread.spreadIngress(family, peer);
    }
    return true;
  }

  /** Undefined where the source or the Service lacks the family. */
  ask(
    from: ServiceSource,
    { port, families }: ServiceTarget,
    family: Family,
  ): FacetsId | undefined {
    const service = families.get(family);
    if (service === undefined || peerIn(from, family) === undefined) return undefined;
    const { changes } = this.#spread;
    const views = this.#spread.ingress[family];
    if (this.mode === 'changes' && this.#handledAlike) {
      const changing =
        service.judges.some(({ ingress }) => changes[views[ingress] ?? 0] === 1) ||
        (from.kind === 'pods' &&
          [...service.behind, ...service.front].some(
            ({ peer }) => changes[this.#spread.egress[peer] ?? 0] === 1,
          ));
      if (!changing) return NOTHING;
    }
    const index = portIndex(port.protocol, port.port);
    const egress =
      from.kind === 'pods'
        ? this.#eachSide((side, { judgedAt, hairpin }) => {
            const judged = judgedAt === 'endpoints' ? service.behind : service.front;
            const asked = judged.filter(
              (one) => hairpin !== 'exempt' || !isOnlyItself(from, one.pods),
            );
            return this.#firstDenial(
              asked.map(({ peer, target }) => [this.#spread.egress[peer] ?? 0, target]),
              side,
            );
          })
        : undefined;
    const ingress = this.#eachSide((side, { hairpin }) => {
      const asked = service.judges.filter((one) => !isExempt(from, one, hairpin));
      return this.#firstDenial(
        asked.map(({ ingress: view, target }) => [views[view] ?? 0, target]),
        side,
      );
    });
    return this.composer.intern(this.#facets(index, egress, ingress));
  }

  /** Undefined where neither the old nor the new policies are asked. */
  #eachSide(
    cellOf: (side: 'was' | 'is', handling: ServiceHandling) => number | undefined,
  ): CellChange | undefined {
    const was = cellOf('was', this.handling[0]);
    const is = cellOf('is', this.handling[1]);
    return was === undefined && is === undefined ? undefined : [was ?? ALLOW, is ?? ALLOW];
  }

  /** Every endpoint must allow; the first that denies speaks for all. */
  #firstDenial(
    judged: readonly (readonly [EffectId, number])[],
    side: 'was' | 'is',
  ): number | undefined {
    const cells = judged.map(([id, index]) => {
      const effect = this.#found.effects.effect(id);
      return effect[side][segmentAt(effect, index)] ?? 0;
    });
    return cells.find((cell) => !isAllowed(cell)) ?? cells[0];
  }

  #facets(
    index: number,
    egress: CellChange | undefined,
    ingress: CellChange | undefined,
  ): ReturnType<typeof facetOf>[] {
    const judged = [egress, ingress].filter((one) => one !== undefined);
    const was = judged.every(([cell]) => isAllowed(cell));
    const is = judged.every(([, cell]) => isAllowed(cell));
    if (this.mode === 'allowed' ? !is : was === is) return [];
    const tag: Tag = this.mode === 'allowed' ? 'allowed' : is ? 'widened' : 'narrowed';
    const key = this.mode === 'allowed' ? '' : causeKey(egress, ingress);
    return [facetOf(tag, new Map([[key, [[index, index]]]]))];
  }
}

function peerIn(from: ServiceSource, family: Family): PeerId | undefined {
  if (from.kind === 'pods') return from.group.peers.get(family);
  return from.families.has(family) ? from.peer : undefined;
}

function peersOf(from: ServiceSource): readonly PeerId[] {
  return from.kind === 'pods' ? [...from.group.peers.values()] : [from.peer];
}

function isExempt(
  from: ServiceSource,
  { pods }: EndpointJudge,
  hairpin: ServiceHandling['hairpin'],
): boolean {
  if (from.kind === 'pods') return hairpin !== 'both' && isOnlyItself(from, pods);
  return from.classes.some((one) => pods.every(({ pod }) => isOwnNode(one, pod)));
}

/** Among several endpoints alike, another one stands for the one that the source itself is. */
function isOnlyItself(from: ServiceSource, pods: readonly PlacedPod[]): boolean {
  return (
    from.kind === 'pods' && from.pods.length === 1 && pods.length === 1 && from.pods[0] === pods[0]
  );
}
