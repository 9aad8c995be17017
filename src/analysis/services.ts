/** Connections to Services: what every endpoint behind a Service's port makes of them together. */
import { addressKey, type Family } from '../address.js';
import type { AddressClass } from '../codegen/bind-classes.js';
import { portIndex } from '../codegen/layout.js';
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
import { isAllowed, segmentAt, type EffectId } from './effects.js';
import type { Ends, PeerId, PodGroup, ViewId } from './ends.js';
import type { Grid, LabelTable } from './rectangles.js';
import { isOwnNode, type PlacedPod, type Universe } from './universe.js';

/** A Service's port at its cluster addresses. */
export interface ServiceTarget {
  readonly service: Service;
  readonly port: ServicePort;
  readonly families: ReadonlyMap<Family, ServiceFamily>;
}

interface ServiceFamily {
  readonly address: AddressClass;
  /** By address: ready endpoints; those that are no pods have no say. */
  readonly endpoints: readonly EndpointPod[];
}

interface EndpointPod {
  readonly placed: PlacedPod;
  readonly ingress: ViewId;
  /** Port index at the pod. */
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
  mode: 'changes' | 'allowed',
): ServiceConnections {
  const targets = findTargets(universe, found);
  const sources = findSources(found, space, targets);
  const judge = new ServiceJudge(found, composer, mode);
  const fill = (source: number, row: Int32Array): boolean => {
    const from = sources[source] ?? bug(`no source ${source}`);
    let any = 0;
    for (const [i, target] of targets.entries()) {
      const label = judge.mayMatter(from, target)
        ? labels.idOf(judge.ask(from, target, 4), judge.ask(from, target, 6))
        : NOTHING;
      row[i] = label;
      any |= label;
    }
    return any !== NOTHING;
  };
  return {
    sources,
    targets,
    grid: { sources: sources.length, destinations: targets.length, fill },
  };
}

function findTargets({ cluster, addresses }: Universe, found: Ends): readonly ServiceTarget[] {
  const pods = new Map<string, Omit<EndpointPod, 'target'>>();
  for (const group of found.pods) {
    for (const placed of group.pods) {
      for (const address of placed.pod.addresses) {
        if (placed.classes.has(address.family))
          pods.set(addressKey(address), { placed, ingress: group.ingress });
      }
    }
  }
  return cluster.services.flatMap((service) =>
    service.ports.flatMap((port, position): readonly ServiceTarget[] => {
      const first = service.ports.findIndex(
        (one) => one.protocol === port.protocol && one.port === port.port,
      );
      if (first !== position) return [];
      const families = new Map<Family, ServiceFamily>();
      for (const vip of service.addresses) {
        const address = addresses.classOf(vip);
        if (address.service?.service !== service || families.has(vip.family)) continue;
        const ready = service.endpoints
          .filter((one) => one.address.family === vip.family && one.targetPorts.has(position))
          .sort((a, b) => (a.address.value < b.address.value ? -1 : 1));
        if (ready.length === 0) continue;
        const endpoints = ready.flatMap((one) => {
          const pod = pods.get(addressKey(one.address));
          const target = portIndex(port.protocol, one.targetPorts.get(position) ?? 0);
          return pod === undefined ? [] : [{ ...pod, target }];
        });
        families.set(vip.family, { address, endpoints });
      }
      return families.size === 0 ? [] : [{ service, port, families }];
    }),
  );
}

/** A pod that is an endpoint reaches itself; so endpoints of other Services are apart (SEMANTICS row 40). */
function findSources(
  found: Ends,
  space: AddressSpace,
  targets: readonly ServiceTarget[],
): readonly ServiceSource[] {
  const served = new Map<PlacedPod, string>();
  for (const [i, { families }] of targets.entries()) {
    for (const [family, { endpoints }] of families) {
      for (const { placed, target } of endpoints) {
        served.set(placed, `${served.get(placed) ?? ''} ${i}:${family}:${target}`);
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

class ServiceJudge {
  constructor(
    private readonly found: Ends,
    private readonly composer: Composer,
    private readonly mode: 'changes' | 'allowed',
  ) {}

  mayMatter(from: ServiceSource, { families }: ServiceTarget): boolean {
    if (this.mode === 'allowed') return true;
    const { views } = this.found;
    if (from.kind === 'pods' && views.egress[from.group.egress]?.changes === true) return true;
    return [...families.values()].some(({ endpoints }) =>
      endpoints.some(({ ingress }) => views.ingress[ingress]?.changes === true),
    );
  }

  /** Undefined where the source or the Service lacks the family. */
  ask(
    from: ServiceSource,
    { port, families }: ServiceTarget,
    family: Family,
  ): FacetsId | undefined {
    const behind = families.get(family);
    const peer = from.kind === 'pods' ? from.group.peers.get(family) : from.peer;
    const has = from.kind === 'pods' ? peer !== undefined : from.families.has(family);
    if (behind === undefined || peer === undefined || !has) return undefined;
    const index = portIndex(port.protocol, port.port);
    const egress =
      from.kind === 'pods'
        ? this.#cellAt(this.found.rowsOf(from.group.egress, behind.address), index)
        : this.#cellAt(this.found.effects.allowAll, index);
    const judged = behind.endpoints
      .filter(({ placed }) => !isExempt(from, placed))
      .map(({ ingress, target }) => this.#cellAt(this.#ingressEffect(ingress, peer), target));
    const was = firstDenial(judged.map(([cell]) => cell));
    const is = firstDenial(judged.map(([, cell]) => cell));
    const ingress = was === undefined || is === undefined ? undefined : ([was, is] as const);
    return this.composer.intern(this.#facets(index, egress, ingress));
  }

  #facets(
    index: number,
    egress: CellChange,
    ingress: CellChange | undefined,
  ): ReturnType<typeof facetOf>[] {
    const was = isAllowed(egress[0]) && (ingress === undefined || isAllowed(ingress[0]));
    const is = isAllowed(egress[1]) && (ingress === undefined || isAllowed(ingress[1]));
    if (this.mode === 'allowed' ? !is : was === is) return [];
    const tag: Tag = this.mode === 'allowed' ? 'allowed' : is ? 'widened' : 'narrowed';
    const key = this.mode === 'allowed' ? '' : causeKey(egress, ingress);
    return [facetOf(tag, new Map([[key, [[index, index]]]]))];
  }

  #ingressEffect(view: ViewId, peer: PeerId): EffectId {
    const { defaults, exceptions } = this.found.views.ingress[view] ?? bug(`no view ${view}`);
    const { flavour } = this.found.peers[peer] ?? bug(`no peer ${peer}`);
    return exceptions.get(peer) ?? defaults.get(flavour) ?? bug(`no effect on ${flavour}`);
  }

  #cellAt(id: EffectId, index: number): CellChange {
    const effect = this.found.effects.effect(id);
    const segment = segmentAt(effect, index);
    return [effect.was[segment] ?? 0, effect.is[segment] ?? 0];
  }
}

/** Among several pods alike, another one stands for the endpoint that a pod itself is. */
function isExempt(from: ServiceSource, endpoint: PlacedPod): boolean {
  if (from.kind === 'pods') return from.pods.length === 1 && from.pods[0] === endpoint;
  return from.classes.some((one) => isOwnNode(one, endpoint.pod));
}

function firstDenial(cells: readonly number[]): number | undefined {
  return cells.find((cell) => !isAllowed(cell)) ?? cells[0];
}
