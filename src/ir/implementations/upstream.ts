/** The Kubernetes API's own meaning, where we chose otherwise (SEMANTICS, section 6). */
import { CONCEPTS_PAGE, everyPolicy, notModelled, toOwnNode, unheldAddresses } from './common.js';
import type { Implementation } from './difference.js';

export const upstream: Implementation = {
  name: 'upstream',
  title: 'the text of the Kubernetes API',
  version: '1.34',
  settings: {},
  differences: [
    unheldAddresses('upstream-1'),
    toOwnNode('upstream-2', {
      does: 'traffic of a pod to its own node is always allowed',
      upstream: 'the concept page says so, the API’s own text is silent; we judge it as any other',
      sources: [CONCEPTS_PAGE],
      basis: 'documented',
    }),
    notModelled('upstream-3', {
      does: 'a connection to a Service with endpoints that policies treat differently passes or not, as the endpoint is chosen',
      upstream:
        'ipBlock rules may meet packets before or after the address is rewritten: undefined',
      sources: [CONCEPTS_PAGE],
      basis: 'documented',
      model: 'not modelled: chance; it is denied unless every endpoint is allowed, as in ours',
      touches: (world) =>
        world.cluster.services.some(({ endpoints }) => endpoints.length > 1)
          ? everyPolicy(world)
          : [],
    }),
    notModelled('upstream-4', {
      does: 'a pod that its own Service leads back to itself is undefined for NetworkPolicy, and subject to ClusterNetworkPolicy',
      upstream: 'undefined for NetworkPolicy',
      sources: [
        'https://github.com/kubernetes-sigs/network-policy-api/issues/343',
        'https://github.com/kubernetes-sigs/network-policy-api/pull/390',
      ],
      basis: 'documented',
      model: 'not modelled: undefined; the pod’s egress policies judge it, as in ours',
      touches: () => [],
    }),
    notModelled('upstream-5', {
      does: 'whether a changed policy cuts connections that are open is undefined',
      upstream: 'implementation defined',
      sources: ['https://github.com/kubernetes/website/pull/43438'],
      basis: 'documented',
      model: 'not modelled: flows are judged by their first packet',
      touches: () => [],
    }),
  ],
};
