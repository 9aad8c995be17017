import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bind } from '../../src/codegen/bind.js';
import { compile, type Compilation } from '../../src/compile.js';
import { attemptsOf, type Attempt } from '../../src/demo/attempts.js';
import { Network } from '../../src/demo/network.js';
import { readScenario, type Scenario } from '../../src/demo/scenario.js';
import { serveTargets, tryAll } from '../../src/demo/trial.js';
import { loadCluster, loadPolicies } from '../../src/front-end.js';
import { isPolicyPod, type ClusterSnapshot } from '../../src/ir/cluster.js';
import { unload } from '../../src/loader/deploy-status.js';
import { applyContents } from '../../src/loader/deploy.js';
import { nativeDoor } from '../../src/loader/native.js';
import { targetNamed } from '../../src/target.js';
import { inNamespace, isRoot } from '../support/netns.js';

const AT = Date.parse('2026-11-23T10:00:00Z');
const rootOf = (node: string): string => `/sys/fs/bpf/policyc_test_shop_${process.pid}_${node}`;

describe.runIf(isRoot)('the shop on the wire', () => {
  let scenario: Scenario;
  let cluster: ClusterSnapshot;
  let attempts: readonly Attempt[];
  let network: Network;
  let compiled: Compilation;

  beforeAll(async () => {
    scenario = readScenario('policies/shop/scenario.yaml');
    const policies = await loadPolicies([scenario.policies]);
    const target = targetNamed('6.18');
    const snapshot = (await loadCluster([scenario.cluster])).value;
    if (policies.value === undefined || snapshot === undefined || target === undefined) {
      throw new Error('the scenario cannot be read');
    }
    cluster = snapshot;
    attempts = attemptsOf(scenario, cluster);
    compiled = compile(policies.value, target, 'test');
    network = await Network.create(cluster, scenario.hosts);
    await serveTargets(network, attempts);
  }, 60_000);

  afterAll(() => {
    for (const { name } of cluster.nodes) unload(rootOf(name));
    (network as Network | undefined)?.close();
  });

  function applyTo(node: string): void {
    const pods = cluster.pods.filter((pod) => pod.node === node && isPolicyPod(pod));
    const contents = bind(compiled.normal, compiled.plan, cluster, { at: AT, subjects: pods });
    inNamespace(network.host(node).netns, () => {
      const endpoints = pods.map(({ namespace, name }) => {
        const { device } = network.pod(`${namespace}/${name}`);
        const interfaceIndex = nativeDoor().interfaceIndex(device) ?? 0;
        return { namespace, name, device, interfaceIndex };
      });
      const { object, bundle } = compiled;
      const { digest } = bundle;
      applyContents({ root: rootOf(node), object, contents, endpoints, node, digest, now: AT });
    });
  }

  /** Attempts whose outcome is not what the scenario expects. */
  async function surprises(): Promise<readonly string[]> {
    const results = await tryAll(network, attempts);
    return attempts.flatMap(({ row, column, source, target, family }, index) => {
      const expected = scenario.expected[row]?.[column] === 'passes' ? 'ok' : 'timeout';
      if (results[index] === expected) return [];
      return [
        `IPv${family} ${source.name} -> ${target.title} ${target.port}: ${results[index] ?? ''}`,
      ];
    });
  }

  it('lets everything pass before, only what is allowed while applied, and everything again', async () => {
    const open = (): Promise<readonly string[]> =>
      tryAll(network, attempts).then((results) => results.filter((one) => one !== 'ok'));
    expect(await open()).toEqual([]);
    for (const { name } of cluster.nodes) applyTo(name);
    expect(await surprises()).toEqual([]);
    for (const { name } of cluster.nodes) applyTo(name);
    expect(await surprises()).toEqual([]);
    for (const { name } of cluster.nodes) unload(rootOf(name));
    expect(await open()).toEqual([]);
  });
});
