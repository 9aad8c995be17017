/**
 * What implementations do, written a second time: straight from what their sources say of Kubernetes
 * objects, flow by flow, with no model, no rewriting and no classes.
 */
import { isIPv6 } from 'node:net';
import { addressesOf, endpointsOf, inCidr, isSubject, namespaceOf } from '../oracle/naive.js';
import type {
  ClusterPeer,
  ClusterPolicyObject,
  ClusterRule,
  NetworkPolicyObject,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
  PodObject,
  Selector,
  ServiceObject,
  World,
} from '../oracle/objects.js';
import { portsOfClusterRule } from '../oracle/naive-ports.js';
import type { BruteFlow } from '../analysis/flow-space.js';

/** Traits of implementations, as the tests put them together. */
export interface Traits {
  readonly name: 'policyc' | 'upstream' | 'cilium' | 'calico' | 'aws' | 'k3s';
  readonly kinds: readonly ClusterPolicyObject['kind'][];
  readonly blocksSkip: 'nobody' | 'pods' | 'pods and nodes';
  readonly sctp: boolean;
  readonly endPort: boolean;
  readonly globalNames: boolean;
}

/** Services of the tests have selectors as well. */
export type SelectedService = ServiceObject & {
  readonly spec: { readonly selector?: Readonly<Record<string, string>> };
};

type Protocol = BruteFlow['protocol'];
type Direction = 'ingress' | 'egress';

export class Naive {
  constructor(
    private readonly world: World,
    private readonly traits: Traits,
  ) {}

  allows({ from, to, protocol, port }: BruteFlow): boolean {
    const source = this.podAt(from);
    const service = this.serviceAt(to);
    const throughService = service !== undefined && !protocol.startsWith('ICMP');
    const targets = throughService
      ? endpointsOf(this.world, service, to, protocol, port)
      : [{ address: to, port }];
    if (targets.length === 0) return false;
    if (source !== undefined) {
      if (throughService && this.traits.name === 'aws') {
        if (!this.side(source, 'egress', to, protocol, port)) return false;
      } else {
        for (const target of targets) {
          const itself = addressesOf(source).includes(target.address);
          if (itself && (!throughService || this.traits.name === 'cilium')) continue;
          if (!this.side(source, 'egress', target.address, protocol, target.port)) return false;
        }
      }
    }
    return targets.every((target) => {
      const pod = this.podAt(target.address);
      if (pod === undefined) return true;
      const hairpin = pod === source;
      if (hairpin && !(throughService && this.traits.name === 'calico')) return true;
      if (this.isOwnNode(pod, from)) return true;
      return this.side(pod, 'ingress', from, protocol, target.port);
    });
  }

  private side(
    subject: PodObject,
    direction: Direction,
    remote: string,
    protocol: Protocol,
    port: number,
  ): boolean {
    const { name } = this.traits;
    const ownNode = direction === 'egress' && this.isOwnNode(subject, remote);
    if (ownNode && (name === 'upstream' || name === 'aws')) return true;
    if (protocol === 'SCTP' && !this.traits.sctp) return false;
    if (name === 'k3s') {
      if (protocol.startsWith('ICMP')) return true;
      const nodePort = port >= 30000 && port <= 32767 && protocol !== 'SCTP';
      if (ownNode && nodePort) return true;
    }
    const admin = this.walk('Admin', subject, direction, remote, protocol, port);
    if (admin !== undefined) return admin;
    const selecting = this.world.networkPolicies.filter((one) => this.selects(one, subject));
    const isolating = selecting.filter((one) => typesOf(one).includes(direction));
    if (isolating.length > 0) {
      return selecting.some((policy) =>
        this.policyAllows(policy, subject, direction, remote, protocol, port),
      );
    }
    return this.walk('Baseline', subject, direction, remote, protocol, port) ?? true;
  }

  private policyAllows(
    policy: NetworkPolicyObject,
    subject: PodObject,
    direction: Direction,
    remote: string,
    protocol: Protocol,
    port: number,
  ): boolean {
    const matches = (way: Direction, from: string, to: string): boolean =>
      (policy.spec[way] ?? []).some((rule) =>
        this.ruleMatches(policy, rule, way, from, to, protocol, port),
      );
    const types = typesOf(policy);
    const own = addressesOf(subject).find((one) => isIPv6(one) === isIPv6(remote)) ?? '';
    const [from, to] = direction === 'egress' ? [own, remote] : [remote, own];
    if (types.includes(direction) && matches(direction, from, to)) return true;
    // kube-router runs the one chain of a policy of both types for packets of either direction.
    if (this.traits.name !== 'k3s' || types.length < 2) return false;
    const other = this.podAt(remote);
    if (other === undefined || !this.selects(policy, other)) return false;
    return matches(direction === 'egress' ? 'ingress' : 'egress', from, to);
  }

  /** The packet is from an address to an address; one of them is a pod that the policy selects. */
  private ruleMatches(
    policy: NetworkPolicyObject,
    rule: NetworkPolicyRule,
    way: Direction,
    from: string,
    to: string,
    protocol: Protocol,
    port: number,
  ): boolean {
    const remote = way === 'egress' ? to : from;
    const peers = (way === 'egress' ? rule.to : rule.from) ?? [];
    const ports = rule.ports ?? [];
    const whole = ports.length === 0;
    const byNumber = (one: NetworkPolicyPort): boolean => this.numberFits(one, protocol, port);
    const global = this.traits.globalNames && way === 'egress';
    const byName = (one: NetworkPolicyPort): boolean =>
      (one.protocol ?? 'TCP') === protocol &&
      (global
        ? this.globalNumber(one, protocol) === port
        : this.numbersAt(this.podAt(to), one).includes(port));
    const usual = whole || ports.some((one) => byNumber(one) || byName(one));
    // Blocks that names mean something at: those that see packets to the subject's own ports.
    const atBlock = whole || ports.some((one) => byNumber(one) || (global && byName(one)));
    const bars = this.traits.name === 'policyc' && this.isUnheld(remote);
    if (this.traits.name === 'aws')
      return this.awsRule(policy, rule, way, from, to, protocol, port);
    if (this.traits.name === 'k3s')
      return this.k3sRule(policy, rule, way, from, to, protocol, port);
    if (peers.length === 0) return !bars && usual;
    return peers.some((peer) => {
      if (peer.ipBlock == null) return this.peerSelects(policy, peer, remote) && usual;
      if (bars || !this.inBlock(peer, remote)) return false;
      if (this.traits.blocksSkip !== 'nobody' && this.podAt(remote) !== undefined) return false;
      const isNode = this.isNode(remote) && this.serviceAt(remote) === undefined;
      if (this.traits.blocksSkip === 'pods and nodes' && isNode) return false;
      if (way === 'ingress' || this.traits.name === 'calico') return usual;
      return atBlock;
    });
  }

  private awsRule(
    policy: NetworkPolicyObject,
    rule: NetworkPolicyRule,
    way: Direction,
    from: string,
    to: string,
    protocol: Protocol,
    port: number,
  ): boolean {
    const remote = way === 'egress' ? to : from;
    const peers = (way === 'egress' ? rule.to : rule.from) ?? [];
    const ports = rule.ports ?? [];
    const numbers = ports.length === 0 || ports.some((one) => this.numberFits(one, protocol, port));
    if (peers.length === 0) return numbers;
    return peers.some((peer) => {
      if (peer.ipBlock != null) return this.inBlock(peer, remote) && numbers;
      const service = this.serviceAt(remote);
      if (way === 'egress' && service !== undefined && !protocol.startsWith('ICMP')) {
        return (
          service.spec.clusterIP === remote &&
          this.selectsService(policy, peer, service) &&
          this.frontFits(ports, service, protocol, port)
        );
      }
      const selected = this.world.pods.filter(
        (pod) => addressesOf(pod).includes(remote) && this.peerSelectsPod(policy, peer, pod),
      );
      if (selected.length === 0) return false;
      if (ports.length === 0) return true;
      if (way === 'egress') {
        return selected.some((pod) => {
          const named = ports.some(
            (one) =>
              pod.spec.hostNetwork !== true &&
              (one.protocol ?? 'TCP') === protocol &&
              this.numbersAt(pod, one).includes(port),
          );
          return named || ports.some((one) => this.numberFits(one, protocol, port));
        });
      }
      const onlyNames = ports.every((one) => typeof one.port === 'string');
      if (onlyNames) {
        const having = selected.some((pod) => ports.some((one) => this.hasName(pod, one)));
        if (!having) return false;
      }
      const subjects = this.world.pods.filter(
        (pod) => addressesOf(pod).length > 0 && this.selectsAny(policy, pod),
      );
      const opened = subjects.flatMap((pod) =>
        ports.flatMap((one) => this.numbersAt(pod, one).map((number) => ({ one, number }))),
      );
      if (onlyNames && opened.length === 0) return true;
      return (
        ports.some((one) => this.numberFits(one, protocol, port)) ||
        opened.some(({ one, number }) => (one.protocol ?? 'TCP') === protocol && number === port)
      );
    });
  }

  private k3sRule(
    policy: NetworkPolicyObject,
    rule: NetworkPolicyRule,
    way: Direction,
    from: string,
    to: string,
    protocol: Protocol,
    port: number,
  ): boolean {
    const remote = way === 'egress' ? to : from;
    const peers = (way === 'egress' ? rule.to : rule.from) ?? [];
    const ports = rule.ports ?? [];
    const names = ports.filter((one) => typeof one.port === 'string');
    const numbers = ports.length === 0 || ports.some((one) => this.numberFits(one, protocol, port));
    const fits = (one: NetworkPolicyPort): boolean => (one.protocol ?? 'TCP') === protocol;
    if (peers.length === 0) {
      const near = this.world.pods.filter(
        (pod) => isSubject(pod) && namespaceOf(pod) === namespaceOf(policy),
      );
      const byName = names
        .filter(fits)
        .some((one) =>
          way === 'egress'
            ? near.some((pod) => this.numbersAt(pod, one).includes(port))
            : this.numbersAt(this.podAt(to), one).includes(port),
        );
      return numbers || byName;
    }
    if (peers.some((peer) => peer.ipBlock == null && this.peerSelects(policy, peer, remote))) {
      const named = this.world.pods.filter((pod) => {
        if (!isSubject(pod)) return false;
        if (way === 'ingress') return this.selects(policy, pod);
        return peers.some((one) => one.ipBlock == null && this.peerSelectsPod(policy, one, pod));
      });
      const known = named.some((pod) => names.some((one) => this.hasName(pod, one)));
      if (ports.length > 0 && names.length === ports.length && !known) return true;
      const byName = names
        .filter(fits)
        .some((one) => this.numbersAt(this.podAt(to), one).includes(port));
      if (numbers || byName) return true;
    }
    const set = peers.flatMap(({ ipBlock }) =>
      ipBlock == null
        ? []
        : [
            ...partsOf(ipBlock.cidr).map((cidr) => ({ cidr, match: true })),
            ...(ipBlock.except ?? []).flatMap(partsOf).map((cidr) => ({ cidr, match: false })),
          ],
    );
    // Later entries overwrite equal ones; the longest prefix decides.
    let best = -1;
    let inSet = false;
    for (const { cidr, match } of set) {
      const length = Number(cidr.split('/')[1]);
      if (!inCidr(cidr, remote) || length < best) continue;
      best = length;
      inSet = match;
    }
    if (!inSet) return false;
    const byName =
      way === 'ingress' &&
      names.filter(fits).some((one) => this.numbersAt(this.podAt(to), one).includes(port));
    return numbers || byName;
  }

  private walk(
    tier: 'Admin' | 'Baseline',
    subject: PodObject,
    direction: Direction,
    remote: string,
    protocol: Protocol,
    port: number,
  ): boolean | undefined {
    const policies = this.world.clusterPolicies
      .filter(({ kind }) => this.traits.kinds.includes(kind))
      .filter((policy) => tierOf(policy) === tier)
      .sort((a, b) => (a.spec.priority ?? 0) - (b.spec.priority ?? 0));
    for (const { spec } of policies) {
      const { namespaces, pods } = spec.subject;
      const selected =
        namespaces !== undefined
          ? this.inNamespaces(namespaces, subject)
          : pods !== undefined &&
            this.inNamespaces(pods.namespaceSelector, subject) &&
            fitsLabels(pods.podSelector, subject.metadata.labels ?? {});
      if (!selected) continue;
      for (const rule of spec[direction] ?? []) {
        const action = this.clusterAction(rule, subject, direction, remote, protocol, port);
        if (action === 'Pass') return undefined;
        if (action !== undefined) return action !== 'Deny';
      }
    }
    return undefined;
  }

  private clusterAction(
    rule: ClusterRule,
    subject: PodObject,
    direction: Direction,
    remote: string,
    protocol: Protocol,
    port: number,
  ): ClusterRule['action'] | undefined {
    const peers = (direction === 'ingress' ? rule.from : rule.to) ?? [];
    const tests = portsOfClusterRule(rule);
    const allows = rule.action === 'Allow' || rule.action === 'Accept';
    const strange =
      peers.some(({ nodes }) => nodes !== undefined) ||
      (tests !== 'every' && tests.some(({ name }) => name !== undefined));
    if (this.traits.name === 'calico' && strange) return allows ? undefined : 'Deny';
    const destination = direction === 'ingress' ? subject : this.podAt(remote);
    const global = this.traits.globalNames && direction === 'egress';
    const fits =
      tests === 'every' ||
      tests.some((test) => {
        if (test.name === undefined) {
          return test.protocol === protocol && test.first <= port && port <= test.last;
        }
        const named = { port: test.name, protocol };
        return global
          ? this.globalNumber(named, protocol) === port
          : this.numbersAt(destination, named).includes(port);
      });
    const peerFits = peers.some((peer) => this.clusterPeer(peer, remote, allows));
    return fits && peerFits ? rule.action : undefined;
  }

  private clusterPeer(peer: ClusterPeer, remote: string, allows: boolean): boolean {
    const pod = this.podAt(remote);
    if (peer.namespaces !== undefined) {
      return pod !== undefined && this.inNamespaces(peer.namespaces, pod);
    }
    if (peer.pods !== undefined) {
      return (
        pod !== undefined &&
        this.inNamespaces(peer.pods.namespaceSelector, pod) &&
        fitsLabels(peer.pods.podSelector, pod.metadata.labels ?? {})
      );
    }
    if (peer.networks !== undefined) {
      if (allows && this.traits.name === 'policyc' && this.isUnheld(remote)) return false;
      if (this.traits.blocksSkip !== 'nobody' && pod !== undefined) return false;
      const isNode = this.isNode(remote) && this.serviceAt(remote) === undefined;
      if (this.traits.blocksSkip === 'pods and nodes' && isNode) return false;
      return peer.networks.some((cidr) => inCidr(cidr, remote));
    }
    const selector = peer.nodes;
    return (
      selector !== undefined &&
      this.world.nodes.some(
        ({ metadata }) =>
          fitsLabels(selector, metadata.labels ?? {}) &&
          this.nodeAddresses(metadata.name).includes(remote),
      )
    );
  }

  private numberFits(one: NetworkPolicyPort, protocol: Protocol, port: number): boolean {
    if ((one.protocol ?? 'TCP') !== protocol || typeof one.port === 'string') return false;
    if (one.port == null) return true;
    const last = this.traits.endPort ? (one.endPort ?? one.port) : one.port;
    return one.port <= port && port <= last;
  }

  /** What the pod gives the name, where the entry is one. */
  private numbersAt(pod: PodObject | undefined, one: NetworkPolicyPort): readonly number[] {
    if (pod === undefined || typeof one.port !== 'string') return [];
    const sidecars = (pod.spec.initContainers ?? []).filter(
      ({ restartPolicy }) => restartPolicy === 'Always',
    );
    return [...pod.spec.containers, ...sidecars]
      .flatMap(({ ports }) => ports ?? [])
      .filter(
        ({ name, protocol }) =>
          name === one.port && (protocol ?? 'TCP') === (one.protocol ?? 'TCP'),
      )
      .map(({ containerPort }) => containerPort);
  }

  private hasName(pod: PodObject, one: NetworkPolicyPort): boolean {
    return this.numbersAt(pod, one).length > 0;
  }

  private globalNumber(one: NetworkPolicyPort, protocol: Protocol): number | undefined {
    if (typeof one.port !== 'string' || (one.protocol ?? 'TCP') !== protocol) return undefined;
    const all = new Set(
      this.world.pods.filter(isSubject).flatMap((pod) => this.numbersAt(pod, one)),
    );
    return all.size === 1 ? [...all][0] : undefined;
  }

  /** The Service's ports that lead to those of the rule. */
  private frontFits(
    ports: readonly NetworkPolicyPort[],
    service: SelectedService,
    protocol: Protocol,
    port: number,
  ): boolean {
    if (ports.length === 0) return true;
    return ports.some((one) => {
      if ((one.protocol ?? 'TCP') !== protocol) return false;
      if (one.port == null) return true;
      const entry = service.spec.ports.find((candidate) => {
        if (candidate.protocol !== protocol) return false;
        return service.spec.clusterIPs.some((vip) =>
          endpointsOf(this.world, service, vip, protocol, candidate.port).some((endpoint) =>
            typeof one.port === 'string'
              ? this.numbersAt(this.anyPodAt(endpoint.address), one).includes(endpoint.port)
              : endpoint.port === one.port,
          ),
        );
      });
      if (entry === undefined) return false;
      const last = one.endPort ?? entry.port;
      return port === entry.port || (entry.port < port && port <= last);
    });
  }

  private selectsService(
    policy: NetworkPolicyObject,
    peer: NetworkPolicyPeer,
    service: SelectedService,
  ): boolean {
    const namespace = namespaceOf(service);
    const inside =
      peer.namespaceSelector == null
        ? namespace === namespaceOf(policy)
        : this.namespaceFits(peer.namespaceSelector, namespace);
    return inside && fitsLabels(peer.podSelector ?? {}, service.spec.selector ?? {});
  }

  private inBlock({ ipBlock }: NetworkPolicyPeer, address: string): boolean {
    return (
      ipBlock != null &&
      inCidr(ipBlock.cidr, address) &&
      !(ipBlock.except ?? []).some((cidr) => inCidr(cidr, address))
    );
  }

  private peerSelects(
    policy: NetworkPolicyObject,
    peer: NetworkPolicyPeer,
    address: string,
  ): boolean {
    const pod = this.podAt(address);
    return pod !== undefined && this.peerSelectsPod(policy, peer, pod);
  }

  private peerSelectsPod(
    policy: NetworkPolicyObject,
    peer: NetworkPolicyPeer,
    pod: PodObject,
  ): boolean {
    const inside =
      peer.namespaceSelector == null
        ? namespaceOf(pod) === namespaceOf(policy)
        : this.inNamespaces(peer.namespaceSelector, pod);
    return inside && fitsLabels(peer.podSelector ?? {}, pod.metadata.labels ?? {});
  }

  private selects(policy: NetworkPolicyObject, pod: PodObject): boolean {
    return isSubject(pod) && this.selectsAny(policy, pod);
  }

  private selectsAny(policy: NetworkPolicyObject, pod: PodObject): boolean {
    return (
      namespaceOf(policy) === namespaceOf(pod) &&
      fitsLabels(policy.spec.podSelector ?? {}, pod.metadata.labels ?? {})
    );
  }

  private inNamespaces(selector: Selector, pod: PodObject): boolean {
    return this.namespaceFits(selector, namespaceOf(pod));
  }

  private namespaceFits(selector: Selector, name: string): boolean {
    const found = this.world.namespaces.find(({ metadata }) => metadata.name === name);
    return fitsLabels(selector, {
      ...found?.metadata.labels,
      'kubernetes.io/metadata.name': name,
    });
  }

  private podAt(address: string): PodObject | undefined {
    return this.world.pods.find((pod) => isSubject(pod) && addressesOf(pod).includes(address));
  }

  private anyPodAt(address: string): PodObject | undefined {
    return this.world.pods.find((pod) => addressesOf(pod).includes(address));
  }

  private serviceAt(address: string): SelectedService | undefined {
    return this.world.services.find(({ spec }) => spec.clusterIPs.includes(address));
  }

  private nodeAddresses(name: string): readonly string[] {
    const own = this.world.nodes
      .filter(({ metadata }) => metadata.name === name)
      .flatMap(({ status }) => status.addresses.map(({ address }) => address));
    const guests = this.world.pods.filter(
      ({ spec }) => spec.hostNetwork === true && spec.nodeName === name,
    );
    return [...own, ...guests.flatMap(addressesOf)];
  }

  private isNode(address: string): boolean {
    return this.world.nodes.some(({ metadata }) =>
      this.nodeAddresses(metadata.name).includes(address),
    );
  }

  private isOwnNode({ spec }: PodObject, address: string): boolean {
    return spec.nodeName !== undefined && this.nodeAddresses(spec.nodeName).includes(address);
  }

  private isUnheld(address: string): boolean {
    const held =
      this.anyPodAt(address) !== undefined ||
      this.isNode(address) ||
      this.serviceAt(address) !== undefined;
    const ranges = this.world.nodes.flatMap(({ spec }) => spec.podCIDRs ?? []);
    return !held && ranges.some((cidr) => inCidr(cidr, address));
  }

  /** A block of a policy of both types that holds some of its pods alone: k3s-10 is not modelled. */
  hasPartialBlock(): boolean {
    return this.world.networkPolicies.some((policy) => {
      if (typesOf(policy).length < 2) return false;
      const own = this.world.pods.filter((pod) => this.selects(policy, pod)).flatMap(addressesOf);
      const peers = [
        ...(policy.spec.ingress ?? []).flatMap((rule) => rule.from ?? []),
        ...(policy.spec.egress ?? []).flatMap((rule) => rule.to ?? []),
      ];
      return peers.some(({ ipBlock }) => {
        if (ipBlock == null) return false;
        const held = own.filter((one) => inCidr(ipBlock.cidr, one));
        return held.length > 0;
      });
    });
  }
}

function partsOf(cidr: string): readonly string[] {
  return cidr === '::/0' ? ['2000::/3', 'fd00::/8'] : [cidr];
}

function typesOf({ spec }: NetworkPolicyObject): readonly string[] {
  if (spec.policyTypes != null && spec.policyTypes.length > 0) {
    return spec.policyTypes.map((type) => type.toLowerCase());
  }
  return (spec.egress ?? []).length > 0 ? ['ingress', 'egress'] : ['ingress'];
}

function tierOf({ kind, spec }: ClusterPolicyObject): 'Admin' | 'Baseline' {
  if (kind === 'ClusterNetworkPolicy') return spec.tier ?? 'Admin';
  return kind === 'AdminNetworkPolicy' ? 'Admin' : 'Baseline';
}

function fitsLabels(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const pairs = Object.entries(selector.matchLabels ?? {});
  return (
    pairs.every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
      const label = labels[key];
      if (operator === 'Exists') return label !== undefined;
      if (operator === 'DoesNotExist') return label === undefined;
      const listed = label !== undefined && (values ?? []).includes(label);
      return operator === 'In' ? listed : !listed;
    })
  );
}
