/** What policies allow in a cluster: who may talk to whom, what is exposed, and what nothing protects. */
import { portIndex } from '../codegen/layout.js';
import type { ClusterSnapshot, Service } from '../ir/cluster.js';
import { compareText } from '../ir/normalize.js';
import type { NormalModel } from '../ir/normal-model.js';
import { findConnections, type EndSet, type Finding } from './findings.js';
import { Namer } from './party.js';
import { hasPort, portRanges, portText, unitePorts, type PortSet } from './port-set.js';
import type { Connection, Party } from './report.js';
import { createUniverse, type PlacedPod, type Universe } from './universe.js';

/** Pods of one controller, or a pod by itself. */
export interface WorkloadEntry {
  readonly namespace: string;
  readonly name: string;
  readonly kind: string;
  readonly pods: number;
}

export interface ListedConnection extends Connection {
  readonly tag: 'allowed';
  /** Positions in {@link ListReport.workloads}. */
  readonly fromWorkloads: readonly number[];
  readonly toWorkloads: readonly number[];
}

/** Pods that some outsider reaches over these ports. */
export interface Exposure {
  readonly to: Party;
  readonly from: Party;
  readonly ports: string;
}

/** A Service that is there for clients outside, and whether the policies let them through. */
export interface ServiceExposure {
  readonly service: string;
  readonly type: 'NodePort' | 'LoadBalancer';
  /** The port outside: the node port, or the load balancer's. */
  readonly port: string;
  /** Who the policies see: nodes, where their addresses take the place of the client's. */
  readonly seenAs: 'nodes' | 'clients';
  readonly verdict: 'open' | 'partly' | 'closed';
}

export interface ListReport {
  readonly workloads: readonly WorkloadEntry[];
  readonly connections: readonly ListedConnection[];
  readonly fromOutside: readonly Exposure[];
  readonly fromOtherNamespaces: readonly Exposure[];
  readonly services: readonly ServiceExposure[];
  readonly unprotected: {
    /** No policy speaks of them at all. */
    readonly byAnyPolicy: Party;
    /** Nothing denies them anything that comes in, or goes out. */
    readonly ingress: Party;
    readonly egress: Party;
  };
}

/** @param focus the pods that are asked about; all unless told */
export function listConnections(
  model: NormalModel,
  cluster: ClusterSnapshot,
  at: number,
  focus?: (pod: PlacedPod['pod']) => boolean,
): ListReport {
  const universe = createUniverse(cluster, [model, model], at);
  const { findings, space } = findConnections(universe, 'allowed');
  const namer = new Namer(universe, space);
  const workloads = new WorkloadIndex(universe.pods);
  const wanted = focus === undefined ? findings : findings.flatMap((one) => focusOn(one, focus));
  const connections = wanted
    .map((finding): ListedConnection => {
      const { tag, ports, family, from, to } = finding;
      return {
        tag: tag === 'allowed' ? tag : 'allowed',
        from: namer.describe(from, family),
        to: namer.describe(to, family),
        ports: portText(ports),
        ranges: portRanges(ports),
        ...(family === undefined ? {} : { family }),
        fromWorkloads: workloads.idsOf(from.pods),
        toWorkloads: workloads.idsOf(to.pods),
      };
    })
    .sort(
      (a, b) =>
        Number(isNobody(a.to)) - Number(isNobody(b.to)) ||
        compareText(a.to.text, b.to.text) ||
        compareText(a.from.text, b.from.text),
    );
  const isAsked = (set: EndSet): EndSet =>
    focus === undefined ? set : { ...set, pods: set.pods.filter(({ pod }) => focus(pod)) };
  return {
    workloads: workloads.entries,
    connections,
    fromOutside: exposures(findings, namer, isAsked, ({ classes }) => ({
      pods: [],
      classes: classes.filter(({ flavour }) => flavour === 'outside'),
      services: [],
    })),
    fromOtherNamespaces: acrossNamespaces(findings, namer, isAsked),
    services: exposedServices(cluster.services, findings, universe, focus),
    unprotected: findUnprotected(universe, namer, isAsked),
  };
}

/** Addresses that nobody answers at go last. */
function isNobody({ groups }: Party): boolean {
  return groups.every(({ kind }) => kind === 'service-addresses' || kind === 'unused');
}

function focusOn(finding: Finding, focus: (pod: PlacedPod['pod']) => boolean): readonly Finding[] {
  const inside = (set: EndSet): EndSet => ({
    pods: set.pods.filter(({ pod }) => focus(pod)),
    classes: [],
    services: set.services.filter(({ families }) =>
      [...families.values()].some(({ pods }) => pods.some(({ pod }) => focus(pod))),
    ),
  });
  const from = inside(finding.from);
  const to = inside(finding.to);
  return [
    ...(from.pods.length === 0 ? [] : [{ ...finding, from }]),
    ...(to.pods.length + to.services.length === 0 ? [] : [{ ...finding, to }]),
  ];
}

function exposures(
  findings: readonly Finding[],
  namer: Namer,
  isAsked: (set: EndSet) => EndSet,
  select: (from: EndSet) => EndSet,
): readonly Exposure[] {
  return findings
    .flatMap((finding): readonly Exposure[] => {
      const from = select(finding.from);
      const to = { ...isAsked(finding.to), classes: [], services: [] };
      if (from.pods.length + from.classes.length === 0 || to.pods.length === 0) return [];
      const { family } = finding;
      return [
        {
          to: namer.describe(to, family),
          from: namer.describe(from, family),
          ports: portText(finding.ports),
        },
      ];
    })
    .sort((a, b) => compareText(a.to.text, b.to.text) || compareText(a.ports, b.ports));
}

function acrossNamespaces(
  findings: readonly Finding[],
  namer: Namer,
  isAsked: (set: EndSet) => EndSet,
): readonly Exposure[] {
  const found: Exposure[] = [];
  for (const finding of findings) {
    const targets = isAsked(finding.to).pods;
    for (const namespace of new Set(targets.map(({ pod }) => pod.namespace))) {
      const inside = targets.filter(({ pod }) => pod.namespace === namespace);
      const strangers = finding.from.pods.filter(({ pod }) => pod.namespace !== namespace);
      if (strangers.length === 0) continue;
      const ends = { classes: [], services: [] };
      found.push({
        to: namer.describe({ ...ends, pods: inside }),
        from: namer.describe({ ...ends, pods: strangers }),
        ports: portText(finding.ports),
      });
    }
  }
  return found.sort((a, b) => compareText(a.to.text, b.to.text) || compareText(a.ports, b.ports));
}

/** kube-proxy puts a node's address in place of the client's unless the Service keeps it. */
function exposedServices(
  services: readonly Service[],
  findings: readonly Finding[],
  { pods }: Universe,
  focus: ((pod: PlacedPod['pod']) => boolean) | undefined,
): readonly ServiceExposure[] {
  const byAddress = new Map(
    pods.flatMap((placed) =>
      placed.pod.addresses.map((one) => [`${one.family} ${one.value}`, placed] as const),
    ),
  );
  const open = (flavour: 'node' | 'outside'): ReadonlyMap<PlacedPod, PortSet> => {
    const ports = new Map<PlacedPod, PortSet[]>();
    for (const { from, to, ports: set } of findings) {
      if (!from.classes.some((one) => one.flavour === flavour)) continue;
      for (const placed of to.pods) ports.set(placed, [...(ports.get(placed) ?? []), set]);
    }
    return new Map([...ports].map(([placed, sets]) => [placed, unitePorts(sets)]));
  };
  const openTo = { nodes: open('node'), clients: open('outside') };
  return services.flatMap((service) => {
    const { outside, namespace, name } = service;
    if (outside === undefined) return [];
    const seenAs = outside.keepsClient ? 'clients' : 'nodes';
    return service.ports.flatMap(({ protocol, port }, position): readonly ServiceExposure[] => {
      const judged = service.endpoints.flatMap(({ address, targetPorts }) => {
        const placed = byAddress.get(`${address.family} ${address.value}`);
        const target = targetPorts.get(position);
        if (placed === undefined || target === undefined) return [];
        if (focus?.(placed.pod) === false) return [];
        const set = openTo[seenAs].get(placed) ?? [];
        return [hasPort(set, portIndex(protocol, target))];
      });
      if (judged.length === 0) return [];
      const isOpen = judged.every(Boolean) ? 'open' : judged.some(Boolean) ? 'partly' : 'closed';
      const number = outside.nodePorts.get(position) ?? port;
      return [
        {
          service: `${namespace}/${name}`,
          type: outside.type,
          port: `${outside.type === 'NodePort' ? number : port}/${protocol.toLowerCase()}`,
          seenAs,
          verdict: isOpen,
        },
      ];
    });
  });
}

/** By what is deployed: a pod is isolated where some view of it denies by isolation, or a rule may deny. */
function findUnprotected(
  { pods, views: [, viewOf] }: Universe,
  namer: Namer,
  isAsked: (set: EndSet) => EndSet,
): ListReport['unprotected'] {
  const asked = isAsked({ pods, classes: [], services: [] }).pods;
  const denies = (placed: PlacedPod, direction: 'ingress' | 'egress'): boolean => {
    const view = viewOf(placed.pod, direction);
    const arms = [...view.wide.values(), ...view.byAtom.values()].flat();
    return (
      view.tiers.some(({ isolation }) => isolation !== 0) ||
      arms.some(({ arm }) => arm.rule.action === 'deny')
    );
  };
  const party = (chosen: readonly PlacedPod[]): Party =>
    namer.describe({ pods: chosen, classes: [], services: [] });
  const silent = (placed: PlacedPod): boolean =>
    viewOf(placed.pod, 'ingress').policies.length + viewOf(placed.pod, 'egress').policies.length ===
    0;
  return {
    byAnyPolicy: party(asked.filter(silent)),
    ingress: party(asked.filter((one) => !denies(one, 'ingress'))),
    egress: party(asked.filter((one) => !denies(one, 'egress'))),
  };
}

class WorkloadIndex {
  readonly entries: (WorkloadEntry & { pods: number })[] = [];
  readonly #ids = new Map<PlacedPod, number>();

  constructor(pods: readonly PlacedPod[]) {
    const byKey = new Map<string, number>();
    for (const placed of pods) {
      const { namespace, name, workload } = placed.pod;
      const kind = workload?.kind ?? 'Pod';
      const key = `${namespace}/${kind}/${workload?.name ?? name}`;
      let id = byKey.get(key);
      if (id === undefined) {
        id = this.entries.length;
        byKey.set(key, id);
        this.entries.push({ namespace, name: workload?.name ?? name, kind, pods: 0 });
      }
      const entry = this.entries[id];
      if (entry !== undefined) entry.pods += 1;
      this.#ids.set(placed, id);
    }
  }

  idsOf(pods: readonly PlacedPod[]): readonly number[] {
    return [...new Set(pods.map((one) => this.#ids.get(one) ?? 0))].sort((a, b) => a - b);
  }
}
