/** The policy model: what all policy languages are lowered to, and what every evaluator reads. */
import type { Prefix } from '../address.js';
import type { Span } from '../source.js';

export type Direction = 'ingress' | 'egress';
export type Action = 'allow' | 'deny' | 'pass';
export type Verdict = 'allow' | 'deny';
/** Protocols that have ports. */
export type PortProtocol = 'TCP' | 'UDP' | 'SCTP';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** Empty for Exists and DoesNotExist. */
  readonly values: readonly string[];
}

/** All requirements hold. None at all selects everything. NotIn and DoesNotExist match a missing key. */
export interface LabelSelector {
  readonly requirements: readonly LabelRequirement[];
}

/** Every namespace carries this label with its own name (SEMANTICS row 26). */
export const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

/** Pods by the labels of their namespace and their own; never hostNetwork pods. */
export interface PodSelector {
  readonly namespaces: LabelSelector;
  readonly pods: LabelSelector;
  readonly origin: Span;
}

/** Holders of addresses that an implementation knows by other means than their addresses. */
export type Skipped = 'pods' | 'nodes' | 'pods-and-nodes';

/** Who a rule speaks of: a set of addresses, known once a cluster is. */
export type Peer =
  /** Every address; an allow by it does not cover addresses of the pod ranges that no pod holds. */
  | { readonly kind: 'any'; readonly origin: Span }
  /** Any address that is no pod and no node of the cluster. */
  | { readonly kind: 'outside'; readonly origin: Span }
  | ({ readonly kind: 'pods' } & PodSelector)
  /** In some prefix of `include` and in none of `exclude`, whoever holds the address. */
  | {
      readonly kind: 'addresses';
      readonly include: readonly Prefix[];
      readonly exclude: readonly Prefix[];
      /** Whose addresses it passes over, where an implementation matches those by identity alone. */
      readonly skips?: Skipped;
      readonly origin: Span;
    }
  /** Any address in the status of the nodes selected. */
  | { readonly kind: 'nodes'; readonly selector: LabelSelector; readonly origin: Span }
  /** The node that the subject runs on. */
  | { readonly kind: 'own-node'; readonly origin: Span }
  /** The endpoints of a Service; ports of the rule are the Service's and mean their target ports. */
  | {
      readonly kind: 'service';
      readonly namespace: string;
      readonly name: string;
      readonly origin: Span;
    }
  /** Matches no address, and a diagnostic has said why. */
  | { readonly kind: 'nothing'; readonly origin: Span };

/** Ports by number or by the name that a container of the destination pod gives them. */
export type PortMatch =
  /** `first` to `last`, both included; 0 to 65535 is the whole protocol. */
  | {
      readonly kind: 'range';
      readonly protocol: PortProtocol;
      readonly first: number;
      readonly last: number;
    }
  /** Without a protocol, that of the container port (ANP, CNP). */
  | { readonly kind: 'named'; readonly name: string; readonly protocol?: PortProtocol };

export interface Rule {
  readonly direction: Direction;
  readonly action: Action;
  /** ORed. */
  readonly peers: readonly Peer[];
  /** ORed; `every` is every port of every protocol, those without ports included. */
  readonly ports: 'every' | readonly PortMatch[];
  /** A stable name for people: `ingress[0]`, or the name that the author gave. */
  readonly name: string;
  readonly log: boolean;
  /** A denied packet is answered with a TCP RST or an ICMP error. Only with `deny`. */
  readonly reject: boolean;
  /** An allow by address covers addresses of the pod ranges that no pod holds as well. */
  readonly coversUnheld?: boolean;
  /** The rule holds before this instant: milliseconds since the epoch. */
  readonly until?: number;
  readonly reason?: string;
  readonly ticket?: string;
  readonly origin: Span;
}

export type PolicyKind =
  | 'NetworkPolicy'
  | 'ClusterNetworkPolicy'
  | 'AdminNetworkPolicy'
  | 'BaselineAdminNetworkPolicy'
  /** A statement of a `namespace` block of the policy language. */
  | 'namespace'
  /** A `policy` block of the policy language. */
  | 'policy'
  /** What an implementation of the API does whatever the policies say; nobody wrote it. */
  | 'implementation';

export interface Policy {
  readonly kind: PolicyKind;
  /** Name of a tier of the model. */
  readonly tier: string;
  /** Lower goes first, in ordered tiers; 0 in the networkpolicy tier. */
  readonly priority: number;
  /** The namespace that it speaks for; absent for cluster-wide policies. */
  readonly namespace?: string;
  readonly name: string;
  /** Any of these selects the pod. */
  readonly subjects: readonly PodSelector[];
  /** In the networkpolicy tier: pods selected are denied what no rule allows. */
  readonly isolates: Readonly<Record<Direction, boolean>>;
  /** What isolation denies is logged. */
  readonly logsIsolation: boolean;
  readonly rules: readonly Rule[];
  readonly owner?: string;
  readonly contact?: string;
  readonly origin: Span;
}

/** `exception NAME to POLICY`: rules that go ahead of the policy's own until an instant. */
export interface Exception {
  readonly name: string;
  /** Name of a cluster-wide policy of the policy language. */
  readonly to: string;
  /** Each carries `until`. */
  readonly rules: readonly Rule[];
  readonly approved: readonly string[];
  readonly origin: Span;
}

/**
 * Tiers in the order of evaluation. In an ordered tier the first matching rule decides. The additive
 * tier is NetworkPolicy's: a pod that no policy isolates in a direction goes on to the next tier,
 * otherwise any allow matches, else the packet is denied.
 */
export interface Tier {
  readonly name: string;
  readonly kind: 'ordered' | 'additive';
}

export const ADMIN_TIER: Tier = { name: 'admin', kind: 'ordered' };
export const NETWORKPOLICY_TIER: Tier = { name: 'networkpolicy', kind: 'additive' };
export const BASELINE_TIER: Tier = { name: 'baseline', kind: 'ordered' };

/** Who a check or a test speaks of: the OR of peers, under the name it was written with. */
export interface PeerGroup {
  readonly label: string;
  readonly peers: readonly Peer[];
  readonly origin: Span;
}

/** `assert …`, judged over the pods of the given cluster. */
export type Assertion =
  /** `reach some | all FROM -> TO`: some pair, or every pair, is allowed. */
  | {
      readonly kind: 'reach';
      readonly quantifier: 'some' | 'all';
      readonly from: PeerGroup;
      readonly to: PeerGroup;
      readonly ports: 'every' | readonly PortMatch[];
      readonly origin: Span;
    }
  /** `only A, B reach C`: nobody else is allowed. */
  | {
      readonly kind: 'only';
      readonly from: readonly PeerGroup[];
      readonly to: PeerGroup;
      readonly ports: 'every' | readonly PortMatch[];
      readonly origin: Span;
    }
  /** `never A -> B`: no pair is allowed. */
  | {
      readonly kind: 'never';
      readonly from: PeerGroup;
      readonly to: PeerGroup;
      readonly ports: 'every' | readonly PortMatch[];
      readonly origin: Span;
    }
  /** `isolated G`: some policy isolates every pod of the group in the directions named. */
  | {
      readonly kind: 'isolated';
      readonly group: PeerGroup;
      readonly directions: readonly Direction[];
      readonly origin: Span;
    }
  /** `maps <= N`: the bound tables take at most that many bytes. */
  | { readonly kind: 'maps'; readonly maxBytes: number; readonly origin: Span };

/** A pod that a `test` block adds to the cluster. */
export interface GivenPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly origin: Span;
}

/** One end of a test's flow, as written: a pod, a workload, a Service or an address. */
export interface TestEnd {
  readonly text: string;
  readonly origin: Span;
}

export interface TestExpectation {
  readonly from: TestEnd;
  readonly to: TestEnd;
  readonly protocol: PortProtocol | 'ICMP' | 'ICMPv6';
  /** 0 for protocols without ports. */
  readonly port: number;
  readonly verdict: Verdict;
  /** `by …`: the deciding rule's or policy's name, or a reason such as `isolate`. */
  readonly by?: { readonly text: string; readonly origin: Span };
  readonly origin: Span;
}

export interface PolicyTest {
  readonly name: string;
  readonly given: readonly GivenPod[];
  readonly expectations: readonly TestExpectation[];
  readonly origin: Span;
}

/** How packets to a Service's cluster address meet the policies. */
export interface ServiceHandling {
  /** What the sender's policies judge: every endpoint with its target port, or the address itself. */
  readonly judgedAt: 'endpoints' | 'cluster-address';
  /**
   * A pod that its own Service leads back to itself: its egress policies judge that, or both of its
   * sides do, or none.
   */
  readonly hairpin: 'egress' | 'both' | 'exempt';
}

/** SEMANTICS, section 6. */
export const SERVICE_HANDLING: ServiceHandling = { judgedAt: 'endpoints', hairpin: 'egress' };

/** Everything that the policy sources say, in the order in which they say it. */
export interface PolicyModel {
  /** In the order of evaluation; the built-in tiers are always there. */
  readonly tiers: readonly Tier[];
  readonly policies: readonly Policy[];
  readonly exceptions: readonly Exception[];
  readonly assertions: readonly Assertion[];
  readonly tests: readonly PolicyTest[];
  /** Ours unless told. */
  readonly services?: ServiceHandling;
}
