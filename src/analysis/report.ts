/** What analyses report, as plain values for people and machines; nothing in it depends on a cluster. */
import type { JudgementReport } from '../ir/flows.js';
import type { Direction, Verdict } from '../ir/model.js';
import type { Tag } from './compose.js';
import type { PortRange } from './port-set.js';
import type { LabelCondition, PodCondition } from './symbolic/conditions.js';
import type { JsonObject } from '../parser/yaml/value.js';

/** Prefixes without some prefixes in them, as texts. */
export interface PrefixText {
  readonly cidr: string;
  readonly except: readonly string[];
}

/** Some of those who take part, under one name. */
export type PartyGroup =
  | { readonly kind: 'all-pods'; readonly pods: number; readonly except: readonly string[] }
  | {
      readonly kind: 'namespace';
      readonly namespace: string;
      readonly pods: number;
      readonly except: readonly string[];
    }
  /** All pods with the label, in one namespace or in all. */
  | {
      readonly kind: 'label';
      readonly namespace?: string;
      readonly key: string;
      readonly value: string;
      readonly pods: number;
    }
  | {
      readonly kind: 'workload';
      readonly namespace: string;
      readonly name: string;
      readonly workload: string;
      readonly pods: number;
      /** The names of the pods, where they are not all of the workload's. */
      readonly some?: readonly string[];
    }
  /** Addresses that are no pod's, no node's, no Service's, and in no pod range; all of them without prefixes. */
  | {
      readonly kind: 'outside';
      readonly family?: 4 | 6;
      readonly prefixes?: readonly PrefixText[];
      /** Only endpoints of the Service, as `namespace/name`; without a cluster alone. */
      readonly service?: string;
    }
  | { readonly kind: 'nodes'; readonly names: readonly string[]; readonly all: boolean }
  /** Addresses of one node, where not all of them are meant. */
  | {
      readonly kind: 'node-addresses';
      readonly node: string;
      readonly addresses: readonly string[];
    }
  /** Addresses in pod ranges that no pod holds. */
  | { readonly kind: 'unused'; readonly prefixes?: readonly PrefixText[] }
  /** Cluster addresses of Services, as plain addresses. */
  | { readonly kind: 'service-addresses'; readonly addresses: readonly string[] | 'all' }
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string }
  /** Without a cluster: everybody, or everybody at some addresses, pods and nodes as well; but for some pods. */
  | {
      readonly kind: 'everyone';
      readonly family?: 4 | 6;
      readonly prefixes?: readonly PrefixText[];
      readonly except: readonly PodCondition[];
      /** `namespace/name`: not what is behind these Services, but for pods, which are told. */
      readonly exceptServices: readonly string[];
    }
  /** Without a cluster: all pods with such labels in namespaces with such labels. */
  | {
      readonly kind: 'pods-with';
      readonly namespaces: LabelCondition;
      readonly pods: LabelCondition;
      /** Only those on nodes with any of these. */
      readonly nodes?: readonly LabelCondition[];
      /** Only those with an address in these. */
      readonly prefixes?: readonly PrefixText[];
    }
  /** Without a cluster: nodes with such labels, the other end's own node among them or not. */
  | {
      readonly kind: 'nodes-with';
      readonly nodes: LabelCondition;
      readonly which: 'all' | 'own' | 'others';
      readonly prefixes?: readonly PrefixText[];
      /** Only those behind the Service, as `namespace/name`. */
      readonly service?: string;
    };

/** One side of a connection: everybody in the groups. */
export interface Party {
  readonly text: string;
  readonly groups: readonly PartyGroup[];
  readonly pods: number;
}

/** A flow as `eval` reads it. */
export interface FlowEntry {
  readonly from: string;
  readonly to: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP' | 'ICMP' | 'ICMPv6';
  readonly port?: number;
}

/** A judgement, and whose the deciding rule is. */
export interface SideReport extends JudgementReport {
  readonly owner?: string;
  readonly contact?: string;
}

export interface VerdictReport {
  readonly verdict: Verdict;
  readonly egress?: SideReport;
  readonly ingress?: SideReport;
}

export interface MadeUpCluster {
  /** Who is in it, in a line each. */
  readonly cast: readonly string[];
  /** Kubernetes objects, as `--cluster` takes them. */
  readonly objects: readonly JsonObject[];
}

/** Who decided before and after, on some of the ports or for some of the pairs. */
export interface CauseReport {
  readonly ports: string;
  readonly witness: FlowEntry;
  /** Where there is no cluster: one made up for the witness. */
  readonly madeUp?: MadeUpCluster;
  readonly was: VerdictReport;
  readonly is: VerdictReport;
  /** The sides whose verdict changed. */
  readonly sides: readonly Direction[];
}

/** Every connection from one party to the other over these ports. */
export interface Connection {
  readonly tag: Tag;
  readonly from: Party;
  readonly to: Party;
  readonly ports: string;
  readonly ranges: readonly PortRange[];
  /** Ports that the destination's pods call so, whatever their numbers; without a cluster alone. */
  readonly named?: readonly string[];
  /** Ports of the ranges that are not meant where the pods call them so. */
  readonly exceptNamed?: readonly string[];
  /** In this family alone; otherwise in each that both ends have. */
  readonly family?: 4 | 6;
}

export interface Change extends Connection {
  readonly tag: 'widened' | 'narrowed';
  /** The same for the same change by the same rules, whatever the number of pods. */
  readonly fingerprint: string;
  readonly causes: readonly CauseReport[];
}
