/** Workloads of several pods: whether those that are not explained get the same answer. */
import type { Pod } from '../../ir/cluster.js';
import { judgeFlow } from '../../ir/flows.js';
import type { KnownEnd } from '../../ir/flows/ends.js';
import type { Interpreter } from '../../ir/interpret.js';
import type { AddressBook } from '../../ir/interpret/addresses.js';
import { flowAt, type Segment } from './ends.js';

export interface OtherMembers {
  /** Pods at each end whose answer was compared, those explained among them. */
  readonly from: number;
  readonly to: number;
  /** Pods with another verdict somewhere, as `namespace/name`. */
  readonly differing: readonly { readonly end: 'from' | 'to'; readonly pod: string }[];
}

/** Each pod of the one end is compared against the pod that speaks for the other. */
export function otherMembers(
  from: KnownEnd,
  to: KnownEnd,
  segments: readonly Segment[],
  book: AddressBook,
  interpreter: Interpreter,
): OtherMembers {
  const verdicts = (one: KnownEnd, two: KnownEnd): string =>
    segments
      .map(({ sample }) => judgeFlow(flowAt(book, one, two, sample), interpreter.judge).verdict)
      .join();
  const expected = verdicts(from, to);
  const differing: { end: 'from' | 'to'; pod: string }[] = [];
  for (const pod of from.members ?? []) {
    if (comparable(pod, from) && verdicts(endOf(pod), to) !== expected)
      differing.push({ end: 'from', pod: nameOf(pod) });
  }
  for (const pod of to.members ?? []) {
    if (comparable(pod, to) && verdicts(from, endOf(pod)) !== expected)
      differing.push({ end: 'to', pod: nameOf(pod) });
  }
  return { from: from.members?.length ?? 1, to: to.members?.length ?? 1, differing };
}

/** Pods of a workload have addresses of the same families, unless one is just being made. */
function comparable(pod: Pod, end: KnownEnd): boolean {
  return end.addresses.every(({ family }) => pod.addresses.some((one) => one.family === family));
}

export function endOf(pod: Pod): KnownEnd {
  return { text: nameOf(pod), kind: 'pod', addresses: pod.addresses };
}

export function nameOf({ namespace, name }: Pick<Pod, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}
