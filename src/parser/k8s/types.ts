/** The policies' fields as their APIs define them; a field that is null is absent. */

type Maybe<Value> = Value | null | undefined;

export interface LabelExpression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values?: Maybe<readonly string[]>;
}

export interface K8sLabelSelector {
  readonly matchLabels?: Maybe<Readonly<Record<string, string>>>;
  readonly matchExpressions?: Maybe<readonly LabelExpression[]>;
}

export interface IpBlock {
  readonly cidr: string;
  readonly except?: Maybe<readonly string[]>;
}

export interface NetworkPolicyPeer {
  readonly podSelector?: Maybe<K8sLabelSelector>;
  readonly namespaceSelector?: Maybe<K8sLabelSelector>;
  readonly ipBlock?: Maybe<IpBlock>;
}

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

export interface NetworkPolicyPort {
  readonly protocol?: Maybe<Protocol>;
  readonly port?: Maybe<number | string>;
  readonly endPort?: Maybe<number>;
}

/** `from` in ingress rules, `to` in egress rules. */
export interface NetworkPolicyRule {
  readonly from?: Maybe<readonly NetworkPolicyPeer[]>;
  readonly to?: Maybe<readonly NetworkPolicyPeer[]>;
  readonly ports?: Maybe<readonly NetworkPolicyPort[]>;
}

/** networking.k8s.io/v1. */
export interface NetworkPolicySpec {
  readonly podSelector?: Maybe<K8sLabelSelector>;
  readonly policyTypes?: Maybe<readonly ('Ingress' | 'Egress')[]>;
  readonly ingress?: Maybe<readonly NetworkPolicyRule[]>;
  readonly egress?: Maybe<readonly NetworkPolicyRule[]>;
}

export interface NamespacedPod {
  readonly namespaceSelector?: Maybe<K8sLabelSelector>;
  readonly podSelector?: Maybe<K8sLabelSelector>;
}

/** Exactly one field is set. */
export interface AdminSubject {
  readonly namespaces?: Maybe<K8sLabelSelector>;
  readonly pods?: Maybe<NamespacedPod>;
}

/** Exactly one field is set; ingress peers have the first two alone. */
export interface AdminPeer extends AdminSubject {
  readonly nodes?: Maybe<K8sLabelSelector>;
  readonly networks?: Maybe<readonly string[]>;
  readonly domainNames?: Maybe<readonly string[]>;
}

/** v1alpha1; exactly one field is set. */
export interface AdminPort {
  readonly portNumber?: Maybe<{ readonly protocol?: Maybe<Protocol>; readonly port: number }>;
  readonly portRange?: Maybe<{
    readonly protocol?: Maybe<Protocol>;
    readonly start: number;
    readonly end: number;
  }>;
  readonly namedPort?: Maybe<string>;
}

export interface DestinationPort {
  readonly destinationPort?: Maybe<{
    readonly number?: Maybe<number>;
    readonly range?: Maybe<{ readonly start: number; readonly end: number }>;
  }>;
}

/** v1alpha2; exactly one field is set. */
export interface ProtocolMatch {
  readonly tcp?: Maybe<DestinationPort>;
  readonly udp?: Maybe<DestinationPort>;
  readonly sctp?: Maybe<DestinationPort>;
  readonly destinationNamedPort?: Maybe<string>;
}

export interface AdminRule {
  readonly name?: Maybe<string>;
  readonly action: 'Allow' | 'Accept' | 'Deny' | 'Pass';
  readonly from?: Maybe<readonly AdminPeer[]>;
  readonly to?: Maybe<readonly AdminPeer[]>;
  /** v1alpha1. */
  readonly ports?: Maybe<readonly AdminPort[]>;
  /** v1alpha2. */
  readonly protocols?: Maybe<readonly ProtocolMatch[]>;
}

/** Of policy.networking.k8s.io: v1alpha1 (AdminNetworkPolicy, Baseline…) and v1alpha2. */
export interface AdminSpec {
  /** v1alpha2. */
  readonly tier?: 'Admin' | 'Baseline';
  /** Absent in BaselineAdminNetworkPolicy. */
  readonly priority?: number;
  readonly subject: AdminSubject;
  readonly ingress?: Maybe<readonly AdminRule[]>;
  readonly egress?: Maybe<readonly AdminRule[]>;
}
