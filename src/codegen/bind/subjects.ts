/** Subject images: what tells one pod's programs from another's. */
import { addressBytes } from '../../address.js';
import { diagnostic, InputError } from '../../diagnostics.js';
import type { Pod } from '../../ir/cluster.js';
import type { Direction } from '../../ir/model.js';
import type { LookupPlan } from '../../ir/plan.js';
import type { AddressClass, ClassId } from './classes.js';
import type { SubjectView } from './views.js';
import type { BoundSubject } from '../contents.js';
import { SUBJECT, SUBJECT_FLAG } from '../layout.js';

/** A pod together with what was found out about it. */
export interface PlacedSubject {
  readonly pod: Pod;
  readonly views: Readonly<Record<Direction, SubjectView>>;
  /** Where its rows begin. */
  readonly rowBase: Readonly<Record<Direction, number>>;
}

export function bindSubjects(
  subjects: readonly PlacedSubject[],
  plan: LookupPlan,
  classes: readonly AddressClass[],
): readonly BoundSubject[] {
  const incarnations = new Incarnations();
  const nodes = nodeRanges(classes);
  return subjects.map((subject) => {
    const { pod } = subject;
    const image = subjectImage(subject, plan, incarnations.of(pod), ownNodeRange(pod.node, nodes));
    return { namespace: pod.namespace, name: pod.name, addresses: pod.addresses, subject: image };
  });
}

function subjectImage(
  { pod, views, rowBase }: PlacedSubject,
  plan: LookupPlan,
  incarnation: number,
  [ownNodeFirst, ownNodeLast]: readonly [ClassId, ClassId],
): Uint8Array {
  const image = new Uint8Array(SUBJECT.size);
  const words = new DataView(image.buffer);
  let flags: number = pod.routes === true ? SUBJECT_FLAG.routes : 0;
  for (const address of pod.addresses) {
    flags |= address.family === 4 ? SUBJECT_FLAG.has4 : SUBJECT_FLAG.has6;
    image.set(addressBytes(address), address.family === 4 ? SUBJECT.own4 : SUBJECT.own6);
  }
  words.setUint32(SUBJECT.incarnation, incarnation, true);
  words.setUint32(SUBJECT.flags, flags, true);
  words.setUint32(SUBJECT.ownNodeFirst, ownNodeFirst, true);
  words.setUint32(SUBJECT.ownNodeLast, ownNodeLast, true);
  for (const direction of ['ingress', 'egress'] as const) {
    words.setUint32(SUBJECT.rowBase[direction], rowBase[direction], true);
    words.setUint32(SUBJECT.policies[direction], policyWord(plan, views[direction]), true);
  }
  return image;
}

function policyWord(plan: LookupPlan, view: SubjectView): number {
  const layout = plan.verdict[view.direction];
  if (layout.kind === 'tables') return 0;
  let word = 0;
  for (const [bit, policy] of layout.policies.entries()) {
    if (view.policies.includes(policy.index)) word |= 1 << bit;
  }
  return word >>> 0;
}

/** The classes of each node's addresses stand together. */
interface NodeRange {
  readonly first: ClassId;
  last: ClassId;
  /** The nodes of a class in between that is not this node's. */
  stranger?: string;
}

function nodeRanges(classes: readonly AddressClass[]): ReadonlyMap<string, NodeRange> {
  const ranges = new Map<string, NodeRange>();
  for (const { id, nodes } of classes) {
    for (const name of nodes) {
      const range = ranges.get(name);
      if (range === undefined) {
        ranges.set(name, { first: id, last: id });
        continue;
      }
      if (range.last !== id - 1) range.stranger = classes[id - 1]?.nodes.join(', ') ?? '';
      range.last = id;
    }
  }
  return ranges;
}

/** First and last class of the node's addresses; an empty range where it has none. */
function ownNodeRange(
  node: string | undefined,
  ranges: ReadonlyMap<string, NodeRange>,
): readonly [ClassId, ClassId] {
  const range = node === undefined ? undefined : ranges.get(node);
  if (node === undefined || range === undefined) return [1, 0];
  if (range.stranger !== undefined) {
    const args = { node, other: range.stranger };
    throw new InputError([diagnostic('bind/ambiguous-node-address', args)]);
  }
  return [range.first, range.last];
}

/**
 * Numbers that tell endpoints apart in the connection maps, the same for the same pod and addresses
 * in every generation (FNV-1a, 32 bits; equal hashes move on to the next free number).
 */
class Incarnations {
  readonly #taken = new Set<number>();

  of(pod: Pod): number {
    const text = `${pod.namespace}/${pod.name}/${pod.addresses.map(({ value }) => value).join()}`;
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) {
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    }
    while (this.#taken.has(hash)) hash = (hash + 1) >>> 0;
    this.#taken.add(hash);
    return hash;
  }
}
