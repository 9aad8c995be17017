/** Differences that several implementations share, each under a number of its own. */
import { isPolicyPod, type ClusterSnapshot } from '../cluster.js';
import type { Policy, PolicyKind } from '../model.js';
import type { Difference, World } from './difference.js';
import {
  addFirst,
  AddressList,
  dropPolicies,
  mapRules,
  policiesWhere,
  restricts,
  rulesWhere,
} from './edit.js';

const CONCEPTS = 'https://kubernetes.io/docs/concepts/services-networking/network-policies/';
const API = 'https://github.com/kubernetes/api/blob/master/networking/v1/types.go';

/** An address of the pod ranges that no pod of the snapshot holds is an address like any other. */
export function unheldAddresses(id: string, sources: readonly string[] = [API]): Difference {
  return {
    id,
    does: 'an address in the pod ranges that no known pod holds is matched as any other address',
    upstream: 'the same; we alone let nobody in by such an address, since it may become any pod’s',
    sources,
    basis: 'inferred',
    model: 'allow rules by ipBlock, networks or absent peers cover these addresses',
    touches: ({ model, cluster }) =>
      cluster.nodes.every(({ podRanges }) => podRanges.length === 0)
        ? []
        : rulesWhere(
            model,
            ({ action, peers }) =>
              action === 'allow' &&
              peers.some(({ kind }) => kind === 'addresses' || kind === 'any'),
          ),
    apply: ({ model }) =>
      mapRules(model, (rule) =>
        rule.action === 'allow' && rule.coversUnheld !== true
          ? [{ ...rule, coversUnheld: true }]
          : [rule],
      ),
  };
}

/** Packets of a pod to its own node pass, whatever the policies. */
export function toOwnNode(
  id: string,
  about: Pick<Difference, 'does' | 'upstream' | 'sources' | 'basis'>,
): Difference {
  return {
    ...about,
    id,
    model: 'a rule ahead of all policies allows every pod egress to its own node',
    touches: ({ model, cluster }) =>
      cluster.nodes.length === 0 ? [] : policiesWhere(model, (one) => restricts(one, 'egress')),
    apply: ({ model }) =>
      addFirst(model, id, [
        {
          direction: 'egress',
          action: 'allow',
          name: 'own node',
          peers: [{ kind: 'own-node' }],
          ports: 'every',
        },
      ]),
  };
}

export const CONCEPTS_PAGE = CONCEPTS;
export const API_TEXT = API;

/** Kinds that nothing reads have no effect; the API server admits them where their CRD is there. */
export function ignoresKinds(
  id: string,
  kinds: readonly PolicyKind[],
  about: Pick<Difference, 'does' | 'sources' | 'basis'> & Partial<Difference>,
): Difference {
  const isIgnored = ({ kind }: Policy): boolean => kinds.includes(kind);
  return {
    ...about,
    id,
    upstream: 'policy.networking.k8s.io is an API of its own, which implementations may support',
    model: 'the policies are left out',
    touches: ({ model }) => policiesWhere(model, isIgnored),
    apply: ({ model }) => dropPolicies(model, isIgnored),
  };
}

export const CLUSTER_KINDS: readonly PolicyKind[] = [
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
  'ClusterNetworkPolicy',
];

/** What is not modelled, and says so where it may matter. */
export function notModelled(
  id: string,
  about: Omit<Difference, 'id' | 'apply' | 'touches'> & {
    readonly touches?: Difference['touches'];
  },
): Difference {
  return { touches: everyPolicy, ...about, id };
}

/** Every policy: no policies, nothing to say. */
export function everyPolicy({ model }: World): ReturnType<Difference['touches']> {
  return policiesWhere(model, () => true);
}

export function podAddresses(cluster: ClusterSnapshot): AddressList {
  return new AddressList(cluster.pods.filter(isPolicyPod).flatMap(({ addresses }) => addresses));
}

export function nodeAddresses(cluster: ClusterSnapshot): AddressList {
  const guests = cluster.pods.filter(({ hostNetwork, completed }) => hostNetwork && !completed);
  return new AddressList([
    ...cluster.nodes.flatMap(({ addresses }) => addresses),
    ...guests.flatMap(({ addresses }) => addresses),
  ]);
}

/** Some pod is an endpoint of a Service, and policies have a say. */
export function servicesLeadBack(world: World): ReturnType<Difference['touches']> {
  const hasEndpoints = world.cluster.services.some(
    ({ addresses, endpoints }) => addresses.length > 0 && endpoints.length > 0,
  );
  return hasEndpoints ? everyPolicy(world) : [];
}

/** Policies that deny something, by isolation or by a rule. */
export function policiesThatDeny({ model }: World): ReturnType<Difference['touches']> {
  return policiesWhere(model, (one) => restricts(one, 'ingress') || restricts(one, 'egress'));
}
