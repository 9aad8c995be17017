/** Clusters that are wrong or doubtful. */
import { describe, expect, it } from 'vitest';
import { clusterCatalog } from '../../src/catalog/cluster.js';
import { clusterOfText, networkPolicy, said } from '../parser/k8s/reading.js';
import { docs, live, pod, service } from './lower-cluster-texts.js';

interface Fault {
  readonly name: string;
  readonly text: string;
  readonly code: string;
  readonly underlines: string;
  readonly hint?: RegExp;
}

const FAULTS: readonly Fault[] = [
  {
    name: 'a label that is a boolean',
    text: pod('p', '', '', ', labels: {a: yes}'),
    code: 'cluster/wrong-type',
    underlines: 'yes',
    hint: /quote it: "yes"/,
  },
  {
    name: 'labels that are a list',
    text: pod('p', '', '', ', labels: [a]'),
    code: 'cluster/wrong-type',
    underlines: '[a]',
  },
  {
    name: 'an annotation that is a boolean',
    text: live('p', '10.0.0.1', ', annotations: {policyc.dev/routes: true}'),
    code: 'cluster/wrong-type',
    underlines: 'true',
    hint: /quote it: "true"/,
  },
  {
    name: 'hostNetwork in quotes',
    text: pod('p', 'hostNetwork: "true"'),
    code: 'cluster/wrong-type',
    underlines: '"true"',
  },
  {
    name: 'containers that are a mapping',
    text: pod('p', 'containers: {}'),
    code: 'cluster/wrong-type',
    underlines: '{}',
  },
  {
    name: 'a container that is a text',
    text: pod('p', 'containers: [x]'),
    code: 'cluster/wrong-type',
    underlines: 'x',
  },
  {
    name: 'ports of a container that are a mapping with something in it',
    text: pod('p', 'containers: [{ports: {containerPort: 80}}]'),
    code: 'cluster/wrong-type',
    underlines: '{containerPort: 80}',
  },
  {
    name: 'a container port in quotes',
    text: pod('p', 'containers: [{ports: [{containerPort: "80"}]}]'),
    code: 'cluster/wrong-type',
    underlines: '"80"',
  },
  {
    name: 'a target port that is a list',
    text: service('s', 'ports: [{port: 1, targetPort: []}]'),
    code: 'cluster/wrong-type',
    underlines: '[]',
  },
  {
    name: 'a cluster address that is a number',
    text: service('s', 'clusterIPs: [1]'),
    code: 'cluster/wrong-type',
    underlines: '1',
  },
  {
    name: 'a spec that is a text',
    text: 'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: x',
    code: 'cluster/wrong-type',
    underlines: 'x',
  },
  {
    name: 'a pod without a name',
    text: 'apiVersion: v1\nkind: Pod\nmetadata: {generateName: p}',
    code: 'cluster/missing-field',
    underlines: 'metadata',
  },
  {
    name: 'a pod without metadata',
    text: 'apiVersion: v1\nkind: Pod',
    code: 'cluster/missing-field',
    underlines: 'apiVersion: v1',
  },
  {
    name: 'a Service port without a number',
    text: service('s', 'ports: [{name: x}]'),
    code: 'cluster/missing-field',
    underlines: '{name: x}',
  },
  {
    name: 'a bad pod address',
    text: pod('p', '', 'phase: Running, podIP: 10.0.0.256'),
    code: 'cluster/bad-address',
    underlines: '10.0.0.256',
  },
  {
    name: 'a bad cluster address',
    text: service('s', 'clusterIP: x'),
    code: 'cluster/bad-address',
    underlines: 'x',
  },
  {
    name: 'a bad pod range',
    text: 'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {podCIDRs: [10.0.0.0]}',
    code: 'cluster/bad-range',
    underlines: '10.0.0.0',
  },
  {
    name: 'a container port of 0',
    text: pod('p', 'containers: [{ports: [{name: x, containerPort: 0}]}]'),
    code: 'cluster/bad-port',
    underlines: '0',
  },
  {
    name: 'an unknown protocol',
    text: pod('p', 'containers: [{ports: [{name: x, containerPort: 1, protocol: tcp}]}]'),
    code: 'cluster/unknown-protocol',
    underlines: 'tcp',
    hint: /`TCP`/,
  },
  {
    name: 'two namespaces of one name',
    text: docs(
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: a}',
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: a}',
    ),
    code: 'cluster/duplicate',
    underlines: 'a',
    hint: /one cluster/,
  },
  {
    name: 'two nodes of one name',
    text: docs(
      'apiVersion: v1\nkind: Node\nmetadata: {name: a}',
      'apiVersion: v1\nkind: Node\nmetadata: {name: a}',
    ),
    code: 'cluster/duplicate',
    underlines: 'a',
  },
  {
    name: 'two Services of one name',
    text: docs(service('s', ''), service('s', '')),
    code: 'cluster/duplicate',
    underlines: 's',
  },
  {
    name: 'two pods of one name',
    text: docs(live('p', '10.0.0.1'), live('p', '10.0.0.2')),
    code: 'cluster/duplicate',
    underlines: 'p',
  },
];

const ROLLOUT =
  'apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web, namespace: shop}\n' +
  'spec: {template: {spec: {containers: [{name: a}]}}}';

const udn = (role: string): string =>
  'apiVersion: k8s.ovn.org/v1\nkind: UserDefinedNetwork\nmetadata: {name: n, namespace: green}\n' +
  `spec: {topology: Layer2, layer2: {role: ${role}}}`;

const WARNINGS: readonly Fault[] = [
  {
    name: 'a workload of a kind that is not read',
    text: docs(pod('p', ''), ROLLOUT),
    code: 'cluster/unknown-workload',
    underlines: 'web',
    hint: /kubectl get pods/,
  },
  {
    name: 'a virtual machine',
    text: docs(
      pod('p', ''),
      'apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata: {name: vm}',
    ),
    code: 'cluster/unknown-workload',
    underlines: 'vm',
  },
  {
    name: 'a network of its own',
    text: docs(live('p', '10.0.0.1'), udn('Primary')),
    code: 'cluster/other-network',
    underlines: 'n',
  },
  {
    name: 'a network of its own for several namespaces',
    text: docs(
      live('p', '10.0.0.1'),
      'apiVersion: k8s.ovn.org/v1\nkind: ClusterUserDefinedNetwork\nmetadata: {name: c}\n' +
        'spec: {network: {topology: Layer3, layer3: {role: Primary}}}',
    ),
    code: 'cluster/other-network',
    underlines: 'c',
  },
  {
    name: 'ports of a container that are an empty mapping',
    text: pod('p', 'containers: [{ports: {}}]'),
    code: 'cluster/empty-mapping',
    underlines: '{}',
    hint: /`ports: \[\]`/,
  },
  {
    name: 'an annotation that is neither true nor false',
    text: live('p', '10.0.0.1', ', annotations: {policyc.dev/routes: "yes"}'),
    code: 'cluster/bad-annotation',
    underlines: '"yes"',
    hint: /sources are checked/,
  },
  {
    name: 'two pods of one address',
    text: docs(live('a', '10.0.0.1'), live('b', '10.0.0.1')),
    code: 'cluster/shared-address',
    underlines: 'b',
  },
  {
    name: 'policies alone',
    text: networkPolicy('podSelector: {}'),
    code: 'cluster/empty',
    underlines: 'apiVersion: networking.k8s.io/v1',
    hint: /kubectl get/,
  },
];

describe('clusters that are wrong or doubtful', () => {
  it.each(FAULTS.map((one) => [one.name, one] as const))('%s', (_name, fault) => {
    const { value, diagnostics } = clusterOfText(fault.text);
    expect(value).toBeUndefined();
    const [first] = said(diagnostics);
    expect(first).toMatchObject({ code: fault.code, text: fault.underlines });
    if (fault.hint !== undefined) expect(first?.hint).toMatch(fault.hint);
  });

  it.each(WARNINGS.map((one) => [one.name, one] as const))('%s', (_name, fault) => {
    const { value, diagnostics } = clusterOfText(fault.text);
    expect(value).toBeDefined();
    expect(said(diagnostics)).toMatchObject([{ code: fault.code, text: fault.underlines }]);
    if (fault.hint !== undefined) expect(said(diagnostics)[0]?.hint).toMatch(fault.hint);
  });

  it('no text at all is an empty cluster, with a warning', () => {
    const { value, diagnostics } = clusterOfText('# nothing\n');
    expect(value).toMatchObject({ pods: [], nodes: [], services: [] });
    expect(said(diagnostics)).toMatchObject([{ code: 'cluster/empty', at: '' }]);
  });

  it('other products’ objects and policies are left alone', () => {
    const { value, diagnostics } = clusterOfText(
      docs(
        'apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: x}',
        'apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}',
        networkPolicy('nonsense: true'),
        live('p', '10.0.0.1'),
      ),
    );
    expect(diagnostics).toEqual([]);
    expect([value?.pods.length, value?.services.length]).toEqual([1, 0]);
  });

  it('a running cluster shows the pods of every workload, and networks beside its own part nobody', () => {
    expect(
      clusterOfText(docs(live('p', '10.0.0.1'), ROLLOUT, udn('Secondary'))).diagnostics,
    ).toEqual([]);
  });

  it('workloads of one kind that is not read are one warning', () => {
    const { diagnostics } = clusterOfText(
      docs(pod('p', ''), ROLLOUT, ROLLOUT.replace('web', 'api')),
    );
    expect(diagnostics.map(({ message }) => message)).toEqual([
      'the pods of Rollout `shop/web` and of 1 more are missing: the kind is not read',
    ]);
  });

  it('reach every entry of the catalog', () => {
    const reached = new Set([...FAULTS, ...WARNINGS].map(({ code }) => code));
    expect(Object.keys(clusterCatalog).filter((code) => !reached.has(code))).toEqual([]);
  });
});
