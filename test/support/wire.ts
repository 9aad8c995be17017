/** Policies in force on a network of namespaces, from YAML to attached programs, in this process. */
import { bind } from '../../src/codegen/bind.js';
import type { MapContents } from '../../src/codegen/contents.js';
import { compile } from '../../src/compile.js';
import { Network, type OutsideHost } from '../../src/demo/network.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../../src/ir/cluster.js';
import { lowerK8sPolicies } from '../../src/ir/lower-k8s.js';
import {
  ADMIN_TIER,
  BASELINE_TIER,
  NETWORKPOLICY_TIER,
  type PolicyModel,
} from '../../src/ir/model.js';
import type { HookKind } from '../../src/loader/deploy/hook.js';
import { applyContents, type ApplyResult } from '../../src/loader/deploy.js';
import { unload } from '../../src/loader/deploy/status.js';
import { jiffiesPerSecond } from '../../src/loader/kernel-clock.js';
import { nativeDoor } from '../../src/loader/native.js';
import { parseK8s } from '../../src/parser/parse-k8s.js';
import { SourceFile } from '../../src/source.js';
import { targetNamed } from '../../src/target.js';
import { inNamespace } from './netns.js';

export const NOW = Date.parse('2026-11-23T10:00:00Z');

let wires = 0;

/** Policies compiled, and bound to one node. */
export interface BoundNode {
  readonly node: string;
  readonly object: Uint8Array;
  readonly contents: MapContents;
  readonly digest: string;
}

export class Wire {
  readonly #rootPrefix: string;

  private constructor(
    readonly network: Network,
    readonly cluster: ClusterSnapshot,
    readonly hooks?: HookKind,
  ) {
    wires += 1;
    this.#rootPrefix = `/sys/fs/bpf/policyc_test_wire_${process.pid}_${wires}_`;
  }

  static async create(
    cluster: ClusterSnapshot,
    hosts: readonly OutsideHost[] = [],
    hooks?: HookKind,
  ): Promise<Wire> {
    return new Wire(await Network.create(cluster, hosts), cluster, hooks);
  }

  /** Puts the policies in force on all nodes, in place of others. */
  apply(policies: PolicyModel | string): readonly ApplyResult[] {
    return this.prepare(policies)();
  }

  /** Compiles and binds; each call of what it returns puts the policies in force. */
  prepare(
    policies: PolicyModel | string,
    isSubject: (pod: Pod) => boolean = () => true,
  ): () => readonly ApplyResult[] {
    const bound = this.bind(policies, isSubject);
    return () => bound.map((one) => this.#applyTo(one));
  }

  /** What `apply` would load, node by node. */
  bind(
    policies: PolicyModel | string,
    isSubject: (pod: Pod) => boolean = () => true,
  ): readonly BoundNode[] {
    const model = typeof policies === 'string' ? modelOf(policies) : policies;
    const target = targetNamed('6.18');
    if (target === undefined) throw new Error('no target');
    const { normal, plan, object, bundle } = compile(model, target, 'test');
    return this.cluster.nodes.map(({ name: node }) => {
      const subjects = this.cluster.pods.filter(
        (pod) => pod.node === node && isPolicyPod(pod) && isSubject(pod),
      );
      const options = { at: NOW, subjects, jiffiesPerSecond: jiffiesPerSecond() };
      const contents = bind(normal, plan, this.cluster, options);
      return { node, object, contents, digest: bundle.digest };
    });
  }

  #applyTo({ node, object, contents, digest }: BoundNode): ApplyResult {
    return inNamespace(this.network.host(node).netns, () => {
      const endpoints = contents.subjects.map(({ namespace, name }) => {
        const { device } = this.network.pod(`${namespace}/${name}`);
        const interfaceIndex = nativeDoor().interfaceIndex(device) ?? 0;
        return { namespace, name, device, interfaceIndex };
      });
      const kind = this.hooks === undefined ? {} : { hooks: this.hooks };
      const root = this.root(node);
      return applyContents({ root, object, contents, endpoints, node, digest, now: NOW, ...kind });
    });
  }

  /** Where everything of a node is pinned. */
  root(node: string): string {
    return this.#rootPrefix + node;
  }

  unload(): void {
    for (const { name } of this.cluster.nodes) {
      // Filters, unlike links, can be reached from their own namespace alone.
      inNamespace(this.network.host(name).netns, () => unload(this.root(name)));
    }
  }

  close(): void {
    this.unload();
    this.network.close();
  }
}

/** Kubernetes policies, without any fault. */
export function modelOf(text: string): PolicyModel {
  const parsed = parseK8s([new SourceFile('policies.yaml', text)]);
  const lowered = parsed.value === undefined ? undefined : lowerK8sPolicies(parsed.value);
  const faults = [...parsed.diagnostics, ...(lowered?.diagnostics ?? [])];
  if (lowered?.value === undefined || faults.length > 0) {
    throw new Error(faults.map(({ message }) => message).join('\n'));
  }
  return {
    tiers: [ADMIN_TIER, NETWORKPOLICY_TIER, BASELINE_TIER],
    policies: lowered.value,
    exceptions: [],
    assertions: [],
    tests: [],
  };
}
