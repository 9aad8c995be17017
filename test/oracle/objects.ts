/** Kubernetes objects as plain JSON, as far as the oracle reads them; null and absent are both allowed. */

type Maybe<Value> = Value | null | undefined;

export interface Selector {
  readonly matchLabels?: Maybe<Readonly<Record<string, string>>>;
  readonly matchExpressions?: Maybe<
    readonly {
      readonly key: string;
      readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
      readonly values?: Maybe<readonly string[]>;
    }[]
  >;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: Maybe<string>;
  readonly labels?: Maybe<Readonly<Record<string, string>>>;
}

export interface NetworkPolicyPeer {
  readonly podSelector?: Maybe<Selector>;
  readonly namespaceSelector?: Maybe<Selector>;
  readonly ipBlock?: Maybe<{ readonly cidr: string; readonly except?: Maybe<readonly string[]> }>;
}

export interface NetworkPolicyPort {
  readonly protocol?: Maybe<string>;
  readonly port?: Maybe<number | string>;
  readonly endPort?: Maybe<number>;
}

export interface NetworkPolicyRule {
  readonly from?: Maybe<readonly NetworkPolicyPeer[]>;
  readonly to?: Maybe<readonly NetworkPolicyPeer[]>;
  readonly ports?: Maybe<readonly NetworkPolicyPort[]>;
}

export interface NetworkPolicyObject {
  readonly apiVersion: 'networking.k8s.io/v1';
  readonly kind: 'NetworkPolicy';
  readonly metadata: Metadata;
  readonly spec: {
    readonly podSelector?: Maybe<Selector>;
    readonly policyTypes?: Maybe<readonly string[]>;
    readonly ingress?: Maybe<readonly NetworkPolicyRule[]>;
    readonly egress?: Maybe<readonly NetworkPolicyRule[]>;
  };
}

export interface PodsOfNamespaces {
  readonly namespaceSelector: Selector;
  readonly podSelector: Selector;
}

export interface ClusterPeer {
  readonly namespaces?: Selector;
  readonly pods?: PodsOfNamespaces;
  readonly networks?: readonly string[];
  readonly nodes?: Selector;
}

/** v1alpha1 */
export interface AdminPort {
  readonly portNumber?: { readonly protocol?: string; readonly port: number };
  readonly portRange?: { readonly protocol?: string; readonly start: number; readonly end: number };
  readonly namedPort?: string;
}

/** v1alpha2 */
export interface ClusterProtocol {
  readonly tcp?: ClusterDestination;
  readonly udp?: ClusterDestination;
  readonly sctp?: ClusterDestination;
  readonly destinationNamedPort?: string;
}

export interface ClusterDestination {
  readonly destinationPort: {
    readonly number?: number;
    readonly range?: { readonly start: number; readonly end: number };
  };
}

export interface ClusterRule {
  readonly name?: string;
  readonly action: 'Allow' | 'Accept' | 'Deny' | 'Pass';
  readonly from?: readonly ClusterPeer[];
  readonly to?: readonly ClusterPeer[];
  readonly ports?: Maybe<readonly AdminPort[]>;
  readonly protocols?: Maybe<readonly ClusterProtocol[]>;
}

export interface ClusterPolicyObject {
  readonly apiVersion: 'policy.networking.k8s.io/v1alpha1' | 'policy.networking.k8s.io/v1alpha2';
  readonly kind: 'AdminNetworkPolicy' | 'BaselineAdminNetworkPolicy' | 'ClusterNetworkPolicy';
  readonly metadata: Metadata;
  readonly spec: {
    readonly tier?: 'Admin' | 'Baseline';
    readonly priority?: number;
    readonly subject: { readonly namespaces?: Selector; readonly pods?: PodsOfNamespaces };
    readonly ingress?: Maybe<readonly ClusterRule[]>;
    readonly egress?: Maybe<readonly ClusterRule[]>;
  };
}

export interface NamespaceObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Namespace';
  readonly metadata: Metadata;
}

export interface ContainerObject {
  readonly name: string;
  readonly restartPolicy?: string;
  readonly ports?: Maybe<
    readonly {
      readonly name?: string;
      readonly containerPort: number;
      readonly protocol?: Maybe<string>;
    }[]
  >;
}

export interface PodObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly metadata: Metadata;
  readonly spec: {
    readonly nodeName?: string;
    readonly hostNetwork?: boolean;
    readonly containers: readonly ContainerObject[];
    readonly initContainers?: Maybe<readonly ContainerObject[]>;
  };
  readonly status: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
  };
}

export interface NodeObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Node';
  readonly metadata: Metadata;
  readonly spec: { readonly podCIDRs?: readonly string[] };
  readonly status: {
    readonly addresses: readonly { readonly type: string; readonly address: string }[];
  };
}

export interface ServiceObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Service';
  readonly metadata: Metadata;
  readonly spec: {
    readonly clusterIP: string;
    readonly clusterIPs: readonly string[];
    readonly ports: readonly {
      readonly name: string;
      readonly protocol: string;
      readonly port: number;
    }[];
  };
}

export interface EndpointSliceObject {
  readonly apiVersion: 'discovery.k8s.io/v1';
  readonly kind: 'EndpointSlice';
  readonly metadata: Metadata;
  readonly addressType: 'IPv4' | 'IPv6';
  readonly ports: readonly {
    readonly name: string;
    readonly protocol: string;
    readonly port: number;
  }[];
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    readonly conditions: { readonly ready?: boolean };
  }[];
}

/** A cluster and its policies. */
export interface World {
  readonly networkPolicies: readonly NetworkPolicyObject[];
  readonly clusterPolicies: readonly ClusterPolicyObject[];
  readonly namespaces: readonly NamespaceObject[];
  readonly pods: readonly PodObject[];
  readonly nodes: readonly NodeObject[];
  readonly services: readonly ServiceObject[];
  readonly endpointSlices: readonly EndpointSliceObject[];
}
