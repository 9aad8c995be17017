/** Namespaces and pods that nothing protects. */
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import type { Direction } from '../../ir/model.js';
import { NO_DECIDER } from '../../ir/normal-model.js';
import { compareText } from '../../ir/normalize.js';
import type { PlacedPod } from '../universe.js';
import type { Scene } from './scene.js';

/** What belongs to Kubernetes itself is not the users' to isolate. */
const SYSTEM = /^kube-/;

export function lintIsolation(scene: Scene): readonly Diagnostic[] {
  const byNamespace = new Map<string, PlacedPod[]>();
  for (const placed of scene.pods) {
    const { namespace } = placed.pod;
    if (SYSTEM.test(namespace)) continue;
    const list = byNamespace.get(namespace);
    if (list === undefined) byNamespace.set(namespace, [placed]);
    else list.push(placed);
  }
  return [...byNamespace]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([namespace, pods]) => [
      ...lintIngress(scene, namespace, pods),
      ...lintEgress(scene, namespace, pods),
    ]);
}

function lintIngress(
  scene: Scene,
  namespace: string,
  pods: readonly PlacedPod[],
): readonly Diagnostic[] {
  const open = pods.filter((one) => !isProtected(scene, one, 'ingress'));
  const origin = open.find(({ pod }) => pod.origin !== undefined)?.pod.origin;
  if (open.length === 0) return [];
  if (open.length === pods.length) {
    const policies = pods.filter(
      (one) =>
        scene.viewOf(one, 'ingress').policies.length + scene.viewOf(one, 'egress').policies.length >
        0,
    ).length;
    const args = { namespace, pods: pods.length, policies };
    return [diagnostic('lint/namespace-open', args, origin)];
  }
  const args = { pods: scene.describe(open), count: open.length, namespace };
  return [diagnostic('lint/pod-unselected', args, origin)];
}

function lintEgress(
  scene: Scene,
  namespace: string,
  pods: readonly PlacedPod[],
): readonly Diagnostic[] {
  if (pods.some((one) => isProtected(scene, one, 'egress'))) return [];
  const args = { namespace, pods: pods.length };
  return [diagnostic('lint/namespace-egress-open', args, pods[0]?.pod.origin)];
}

/** Something isolates the pod, or may deny it something. */
function isProtected(scene: Scene, placed: PlacedPod, direction: Direction): boolean {
  const view = scene.viewOf(placed, direction);
  return (
    view.tiers.some(({ isolation }) => isolation !== NO_DECIDER) ||
    [...view.wide.values(), ...view.byAtom.values()].some((arms) =>
      arms.some(({ arm }) => arm.rule.action === 'deny'),
    )
  );
}
