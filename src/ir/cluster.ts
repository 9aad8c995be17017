/** The cluster snapshot: what policies can see of a cluster's namespaces, pods, nodes and Services. */
import type { Address, Prefix } from '../address.js';
import type { Span } from '../source.js';
import type { LabelRequirement, LabelSelector, PortProtocol } from './model.js';

export type Labels = ReadonlyMap<string, string>;

export interface Namespace {
  readonly name: string;
  /** Always with kubernetes.io/metadata.name. */
  readonly labels: Labels;
}

export interface ContainerPort {
  readonly name: string;
  readonly protocol: PortProtocol;
  readonly port: number;
}

export interface Workload {
  readonly kind: string;
  readonly name: string;
}

export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  /** At most one per family; none for pods that have no address yet and for completed ones. */
  readonly addresses: readonly Address[];
  readonly node?: string;
  /** Its traffic is the node's: never a subject, never selected as a peer. */
  readonly hostNetwork: boolean;
  /** Succeeded or Failed. */
  readonly completed: boolean;
  /** The named ports of its containers and sidecars. */
  readonly ports: readonly ContainerPort[];
  /** The controller that made it, where it can be told. */
  readonly workload?: Workload;
  /** It sends packets of others, by its own word: its sources are not checked. */
  readonly routes?: boolean;
  /** Stands for a workload's pods, with a made-up address. */
  readonly representative: boolean;
  readonly origin?: Span;
}

export interface ClusterNode {
  readonly name: string;
  readonly labels: Labels;
  readonly addresses: readonly Address[];
  readonly podRanges: readonly Prefix[];
}

export interface ServicePort {
  readonly name: string;
  readonly protocol: PortProtocol;
  readonly port: number;
}

/** One ready address behind a Service, with the ports it serves. */
export interface ServiceEndpoint {
  readonly address: Address;
  /** Service port (by position in {@link Service.ports}) → target port at this address. */
  readonly targetPorts: ReadonlyMap<number, number>;
}

export interface Service {
  readonly namespace: string;
  readonly name: string;
  /** Cluster addresses; empty for headless and ExternalName Services. */
  readonly addresses: readonly Address[];
  readonly ports: readonly ServicePort[];
  /** Ready endpoints, by address; of both families. */
  readonly endpoints: readonly ServiceEndpoint[];
  /** The labels of the pods that it is for; absent where its endpoints are made by hand. */
  readonly selector?: Labels;
  /** How clients outside reach it; absent where it is for the cluster alone. */
  readonly outside?: OutsideAccess;
}

export interface OutsideAccess {
  readonly type: 'NodePort' | 'LoadBalancer';
  /** Service port (by position in {@link Service.ports}) → port of the nodes. */
  readonly nodePorts: ReadonlyMap<number, number>;
  /** externalTrafficPolicy is Local: no node's address takes the place of the client's. */
  readonly keepsClient: boolean;
}

export interface ClusterSnapshot {
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly pods: readonly Pod[];
  readonly nodes: readonly ClusterNode[];
  readonly services: readonly Service[];
}

/** Whether the pod takes part in policies: as a subject, and as a peer by selector. */
export function isPolicyPod(pod: Pod): boolean {
  return !pod.hostNetwork && !pod.completed && pod.addresses.length > 0;
}

/** Whether all requirements hold for the labels (Kubernetes' labels.Selector). */
export function selectorMatches(selector: LabelSelector, labels: Labels): boolean {
  return selector.requirements.every((requirement) => requirementHolds(requirement, labels));
}

export function requirementHolds(
  { key, operator, values }: LabelRequirement,
  labels: Labels,
): boolean {
  const value = labels.get(key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
