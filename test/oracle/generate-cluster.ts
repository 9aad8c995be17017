/** Random clusters: few pods on two nodes, with colliding labels, names of ports and Services. */
import fc from 'fast-check';
import { NAMES, NAMESPACES, NODES, NUMBERS, PROTOCOLS, definedOnly, labels } from './alphabets.js';
import type {
  ContainerObject,
  EndpointSliceObject,
  NamespaceObject,
  NodeObject,
  PodObject,
  ServiceObject,
} from './objects.js';

export const namespaces: fc.Arbitrary<readonly NamespaceObject[]> = fc
  .tuple(fc.subarray([...NAMESPACES]), fc.array(labels, { minLength: 3, maxLength: 3 }))
  .map(([names, sets]) =>
    names.map((name, i) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: sets[i] ?? {} },
    })),
  );

const containerPort = fc
  .record({
    name: fc.constantFrom(...NAMES),
    containerPort: fc.constantFrom(...NUMBERS),
    protocol: fc.option(fc.constantFrom(...PROTOCOLS), { nil: undefined }),
  })
  .map(definedOnly);
const containers = (prefix: string): fc.Arbitrary<ContainerObject[]> =>
  fc
    .uniqueArray(containerPort, { maxLength: 2, selector: ({ name }) => name })
    .map((list) => [{ name: prefix, ports: list }]);

const podDraft = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  own: labels,
  node: fc.option(fc.constantFrom(...NODES), { nil: undefined, freq: 6 }),
  kind: fc.constantFrom('pod', 'pod', 'pod', 'pod', 'host', 'completed', 'pending'),
  families: fc.constantFrom('46', '46', '4', '6'),
  containers: containers('main'),
  sidecar: fc.option(fc.boolean(), { nil: undefined }),
});

type PodDraft = typeof podDraft extends fc.Arbitrary<infer Draft> ? Draft : never;

export const pods: fc.Arbitrary<readonly PodObject[]> = fc
  .array(podDraft, { minLength: 1, maxLength: 6 })
  .map((drafts) => drafts.map(makePod));

function makePod(draft: PodDraft, i: number): PodObject {
  const onHost = draft.kind === 'host';
  const node = onHost ? (draft.node ?? 'n1') : draft.node;
  // A completed pod's address has gone to the pod before it.
  const last = draft.kind === 'completed' && i > 0 ? i : i + 1;
  const own = [
    ...(draft.families.includes('4') ? [`10.0.0.${last}`] : []),
    ...(draft.families.includes('6') ? [`fd00::${last}`] : []),
  ];
  const ips = onHost ? [node === 'n2' ? '192.168.0.2' : '192.168.0.1'] : own;
  const init: ContainerObject[] =
    draft.sidecar === undefined
      ? []
      : [
          {
            name: 'init',
            ...(draft.sidecar ? { restartPolicy: 'Always' } : {}),
            ports: [{ name: 'side', containerPort: 81 }],
          },
        ];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod-${i}`, namespace: draft.namespace, labels: draft.own },
    spec: {
      ...(node === undefined ? {} : { nodeName: node }),
      ...(onHost ? { hostNetwork: true } : {}),
      containers: draft.containers,
      ...(init.length === 0 ? {} : { initContainers: init }),
    },
    status:
      draft.kind === 'pending'
        ? { phase: 'Pending' }
        : {
            phase: draft.kind === 'completed' ? 'Succeeded' : 'Running',
            ...(ips[0] === undefined ? {} : { podIP: ips[0] }),
            podIPs: ips.map((ip) => ({ ip })),
          },
  };
}

export const nodes: fc.Arbitrary<readonly NodeObject[]> = fc.boolean().map((ranges) => [
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1', labels: { zone: 'east' } },
    spec: ranges ? { podCIDRs: ['10.0.0.0/24', 'fd00::/64'] } : {},
    status: {
      addresses: [
        { type: 'InternalIP', address: '192.168.0.1' },
        { type: 'InternalIP', address: 'fd99::1' },
        { type: 'Hostname', address: 'n1' },
      ],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n2', labels: { zone: 'west' } },
    spec: {},
    status: { addresses: [{ type: 'InternalIP', address: '192.168.0.2' }] },
  },
]);

interface Services {
  readonly services: readonly ServiceObject[];
  readonly endpointSlices: readonly EndpointSliceObject[];
}

const backends = fc.uniqueArray(
  fc.record({
    last: fc.integer({ min: 1, max: 6 }),
    ready: fc.constantFrom(true, true, false, undefined),
  }),
  { maxLength: 3, selector: ({ last }) => last },
);
export const services: fc.Arbitrary<Services> = fc
  .array(
    fc.record({
      port: fc.constantFrom(...NUMBERS),
      target: fc.constantFrom(...NUMBERS),
      v4: backends,
      v6: backends,
    }),
    { maxLength: 2 },
  )
  .map((drafts) => ({
    services: drafts.map(({ port }, i): ServiceObject => {
      const clusterIPs = i === 0 ? ['10.96.0.1', 'fd96::1'] : ['10.96.0.2'];
      return {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: `svc-${i}`, namespace: 'shop' },
        spec: {
          clusterIP: clusterIPs[0] ?? '',
          clusterIPs,
          ports: [{ name: 'web', protocol: 'TCP', port }],
        },
      };
    }),
    endpointSlices: drafts.flatMap(({ target, v4, v6 }, i) =>
      (
        [
          ['IPv4', '10.0.0.', v4],
          ['IPv6', 'fd00::', v6],
        ] as const
      ).map(([addressType, network, list]): EndpointSliceObject => ({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: `svc-${i}-${addressType.toLowerCase()}`,
          namespace: 'shop',
          labels: { 'kubernetes.io/service-name': `svc-${i}` },
        },
        addressType,
        ports: [{ name: 'web', protocol: 'TCP', port: target }],
        endpoints: list.map(({ last, ready }) => ({
          addresses: [`${network}${last}`],
          conditions: definedOnly({ ready }),
        })),
      })),
    ),
  }));
