/** Which interface is which pod's: the interfaces file, held against the cluster and the machine. */
import { isMap, isScalar, parseDocument, type Node, type Scalar } from 'yaml';
import { diagnostic, throwIfErrors, type Diagnostic } from '../diagnostics.js';
import { nearestName } from '../did-you-mean.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../ir/cluster.js';
import { span, type SourceFile, type Span } from '../source.js';

/** A local pod and the host side of its veth. */
export interface Endpoint {
  readonly namespace: string;
  readonly name: string;
  readonly device: string;
  readonly interfaceIndex: number;
}

interface Line {
  readonly pod: string;
  readonly podSpan: Span;
  readonly device: string;
  readonly deviceSpan: Span;
}

/**
 * Reads the interfaces file, and checks that it names every pod of the node that takes part in
 * policies, once, with an interface that exists.
 *
 * @param interfaceIndex of this process's network namespace; undefined for an unknown name
 * @returns endpoints by namespace and name
 * @throws {InputError} with everything that is wrong
 */
export function readEndpoints(
  file: SourceFile,
  snapshot: ClusterSnapshot,
  node: string,
  interfaceIndex: (device: string) => number | undefined,
): readonly Endpoint[] {
  throwIfErrors(checkNode(snapshot, node));
  const diagnostics: Diagnostic[] = [];
  const lines = readLines(file, diagnostics);
  throwIfErrors(diagnostics);
  for (const one of findTwice(lines)) diagnostics.push(one);
  const pods = new Map(snapshot.pods.map((pod) => [podKey(pod), pod]));
  const endpoints: Endpoint[] = [];
  for (const line of lines) {
    const pod = pods.get(line.pod);
    const problem = checkPod(line, pod, node, [...pods.keys()]);
    const index = interfaceIndex(line.device);
    if (problem !== undefined) diagnostics.push(problem);
    if (index === undefined) {
      const { device, deviceSpan } = line;
      diagnostics.push(
        diagnostic('deploy/no-such-interface', { device, pod: line.pod }, deviceSpan),
      );
    } else if (pod !== undefined) {
      const { namespace, name } = pod;
      endpoints.push({ namespace, name, device: line.device, interfaceIndex: index });
    }
  }
  const named = new Set(lines.map(({ pod }) => pod));
  const whole = span(file, 0, 0);
  for (const pod of snapshot.pods) {
    if (pod.node !== node || !isPolicyPod(pod) || named.has(podKey(pod))) continue;
    diagnostics.push(diagnostic('deploy/pod-unprotected', { pod: podKey(pod), node }, whole));
  }
  throwIfErrors(diagnostics);
  return endpoints.sort((a, b) => compare(podKey(a), podKey(b)));
}

/** Whether the cluster has the node. */
export function checkNode(snapshot: ClusterSnapshot, node: string): readonly Diagnostic[] {
  const names = snapshot.nodes.map(({ name }) => name);
  if (names.includes(node)) return [];
  return [diagnostic('deploy/unknown-node', { node, near: nearestName(node, names) })];
}

export function podKey({ namespace, name }: Pick<Pod, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function checkPod(
  line: Line,
  pod: Pod | undefined,
  node: string,
  names: readonly string[],
): Diagnostic | undefined {
  const { pod: name, podSpan } = line;
  if (pod === undefined) {
    return diagnostic('deploy/unknown-pod', { pod: name, near: nearestName(name, names) }, podSpan);
  }
  if (pod.hostNetwork) return diagnostic('deploy/host-network-pod', { pod: name }, podSpan);
  if (pod.node !== node) {
    return diagnostic('deploy/pod-elsewhere', { pod: name, node, actual: pod.node }, podSpan);
  }
  if (!isPolicyPod(pod)) {
    const { completed } = pod;
    return diagnostic('deploy/pod-without-address', { pod: name, completed }, podSpan);
  }
  return undefined;
}

function findTwice(lines: readonly Line[]): readonly Diagnostic[] {
  const pods = new Map<string, Line>();
  const devices = new Map<string, Line>();
  return lines.flatMap((line) => {
    const { pod, device } = line;
    const samePod = pods.get(pod);
    const sameDevice = devices.get(device);
    if (samePod === undefined) pods.set(pod, line);
    else {
      const first = [{ span: samePod.podSpan, message: 'it is here first' }];
      return [diagnostic('deploy/pod-twice', { pod }, line.podSpan, first)];
    }
    if (sameDevice === undefined) {
      devices.set(device, line);
      return [];
    }
    const first = [{ span: sameDevice.deviceSpan, message: 'it is named here first' }];
    const args = { device, pod, other: sameDevice.pod };
    return [diagnostic('deploy/interface-twice', args, line.deviceSpan, first)];
  });
}

/** JSON is read as the YAML that it is. */
function readLines(file: SourceFile, diagnostics: Diagnostic[]): readonly Line[] {
  const malformed = (reason: string, at: Span): undefined => {
    diagnostics.push(diagnostic('deploy/interfaces-malformed', { reason }, at));
  };
  // Duplicate keys are found here, with both of their places.
  const document = parseDocument(file.text, { uniqueKeys: false, prettyErrors: false });
  for (const { message, pos } of document.errors) malformed(message, span(file, pos[0], pos[1]));
  if (document.errors.length > 0) return [];
  const root = document.contents;
  if (!isMap(root)) {
    if (root !== null) malformed('it is no mapping of pods to interfaces', spanOf(file, root));
    return [];
  }
  return root.items.flatMap(({ key, value }) => {
    const at = spanOf(file, key);
    const pod = isScalar(key) ? textOf(key) : '';
    if (!/^[^/\s]+\/[^/\s]+$/.test(pod)) {
      malformed('a pod is written `namespace/name`', at);
      return [];
    }
    const device = isScalar(value) ? textOf(value) : '';
    // IFNAMSIZ is 16 with its NUL; dev_valid_name() in net/core/dev.c refuses the rest.
    if (!isScalar(value) || !/^[^/:\s]{1,15}$/.test(device) || device === '.' || device === '..') {
      malformed(
        `\`${device}\` is no name of an interface`,
        isScalar(value) ? spanOf(file, value) : at,
      );
      return [];
    }
    return [{ pod, podSpan: at, device, deviceSpan: spanOf(file, value) }];
  });
}

/** As it was written, so that an interface named `0x1f` is not read as a number. */
function textOf(scalar: Scalar): string {
  return scalar.source ?? '';
}

function spanOf(file: SourceFile, node: Node): Span {
  const [start, end] = node.range ?? [0, 0];
  return span(file, start, end);
}
