/** Networks of namespaces for tests, from a few lines. */
import { type Address, parseAddress } from '../../src/address.js';
import { bug } from '../../src/diagnostics.js';
import type { ClusterSnapshot, Pod, Service } from '../../src/ir/cluster.js';
import { nativeDoor } from '../../src/loader/native.js';

export function address(text: string): Address {
  return parseAddress(text) ?? bug(`${text} is no address`);
}

/** A pod on a node, with labels `app=NAME` unless given. */
export function pod(
  name: string,
  node: string,
  addresses: readonly string[],
  labels: Readonly<Record<string, string>> = {},
): Pod {
  const [namespace = '', podName = ''] = name.split('/');
  return {
    namespace,
    name: podName,
    labels: new Map(Object.entries({ app: podName, ...labels })),
    addresses: addresses.map(address),
    node,
    hostNetwork: false,
    completed: false,
    ports: [],
    representative: false,
  };
}

/** Two dual-stack nodes `one` and `two`. */
export function cluster(pods: readonly Pod[], services: readonly Service[] = []): ClusterSnapshot {
  const names = [...new Set(pods.map(({ namespace }) => namespace))];
  return {
    namespaces: new Map(
      names.map((name) => [
        name,
        { name, labels: new Map([['kubernetes.io/metadata.name', name]]) },
      ]),
    ),
    pods,
    nodes: ['one', 'two'].map((name, index) => ({
      name,
      labels: new Map(),
      addresses: [address(`192.0.2.${index + 1}`), address(`2001:db8::${index + 1}`)],
      podRanges: [],
    })),
    services,
  };
}

export const isRoot = process.getuid?.() === 0;

/** Runs `work` with this thread in a namespace, as a command run there would be. */
export function inNamespace<Result>(netns: string, work: () => Result): Result {
  const leave = nativeDoor().joinNetworkNamespace(`/run/netns/${netns}`);
  try {
    return work();
  } finally {
    leave();
  }
}
