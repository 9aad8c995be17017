/** What would have to change: edits that flip a verdict, each proved by judging what it makes. */
import type { Pod } from '../../ir/cluster.js';
import { judgeFlow, type Flow } from '../../ir/flows.js';
import type { KnownEnd } from '../../ir/flows/ends.js';
import { createInterpreter, type Interpreter } from '../../ir/interpret.js';
import { createAddressBook, type AddressBook } from '../../ir/interpret/addresses.js';
import { isPolicyPod } from '../../ir/cluster.js';
import type { Verdict } from '../../ir/model.js';
import { applyEdits, type Edit, type World } from './edits.js';
import { allowing, denying, type Candidate } from './candidates.js';
import { flowAt } from './ends.js';
import type { Side } from './sides.js';

export interface Change {
  /** Several only where no single one flips the verdict. */
  readonly edits: readonly Edit[];
  /**
   * Other connections of the two ends over this port that the change affects too; see {@link Reach}.
   * Undefined where so many rules select the two that going through all pods would take minutes.
   */
  readonly besides: Reach | undefined;
}

/** Pods that the same change lets in, or keeps out, over the same port. */
export interface Reach {
  /** Others that reach the destination afterwards and did not, or the other way round. */
  readonly senders: number;
  /** Others that the source reaches afterwards and did not, or the other way round. */
  readonly receivers: number;
}

export interface Changes {
  readonly to: Verdict;
  /** Least first: by how much else they change, then by how small they are. */
  readonly changes: readonly Change[];
  /** Edits that were tried. */
  readonly tried: number;
  /** Why there is none, where no policy could be changed so. */
  readonly never: 'self' | 'own-node' | 'no-endpoint' | 'unheld' | undefined;
}

export interface Asked {
  readonly from: KnownEnd;
  readonly to: KnownEnd;
  /** Port index. */
  readonly index: number;
  readonly at: number;
}

/** Nobody reads more. */
const MOST_CHANGES = 4;
const MOST_TRIED = 16;
/** Of each side, where both must change. */
const MOST_OF_A_SIDE = 3;

/** Tries edits of one side, and where two sides deny, one of each together. */
export function searchChanges(
  asked: Asked,
  flow: Flow,
  verdict: Verdict,
  sides: readonly Side[],
  world: World,
): Changes {
  const to: Verdict = verdict === 'allow' ? 'deny' : 'allow';
  const reasons = sides.map(({ judgement }) => judgement.reason);
  const never = neverOf(flow, verdict, reasons) ?? unheldOf(verdict, sides);
  if (never !== undefined) return { to, changes: [], tried: 0, never };
  const flips = (edits: readonly Edit[]): boolean =>
    verdictIn(applyEdits(world, edits), asked) === to;
  const found: Candidate[] = [];
  let tried = 0;
  const trial = (candidates: readonly Candidate[]): void => {
    for (const candidate of distinct(candidates).slice(0, MOST_TRIED)) {
      tried += 1;
      if (flips(candidate)) found.push(candidate);
    }
  };
  if (verdict === 'allow') trial(sides.flatMap(denying).sort(bySize));
  else {
    const denied = sides.filter(({ judgement }) => judgement.verdict === 'deny');
    const [one, two, ...others] = denied.map((side) => distinct(allowing(side, world.cluster)));
    // A label may help at both sides; an edit of one side's rules cannot.
    const both = new Set(denied.map(({ direction }) => direction)).size > 1;
    const single = [one ?? [], two ?? [], ...others]
      .flat()
      .filter((edits) => !both || edits.some(({ kind }) => kind.startsWith('label')));
    trial([...single].sort(bySize));
    if (found.length === 0 && one !== undefined && two !== undefined) {
      trial(
        one
          .slice(0, MOST_OF_A_SIDE)
          .flatMap((a) => two.slice(0, MOST_OF_A_SIDE).map((b) => [...a, ...b])),
      );
    }
  }
  const before = mayCount(world, asked, sides) ? reachIn(world, asked) : undefined;
  const changes = [...found]
    .sort(bySize)
    .slice(0, MOST_CHANGES + 2)
    .map((edits): Change => ({
      edits,
      besides: before && differences(before, reachIn(applyEdits(world, edits), asked)),
    }));
  const sorted = changes.sort(
    (a, b) => total(a.besides) - total(b.besides) || bySize(a.edits, b.edits),
  );
  return { to, changes: varied(sorted).slice(0, MOST_CHANGES), tried, never: undefined };
}

/** The first of each kind before the second of any: two ways are worth more than one way twice. */
function varied(changes: readonly Change[]): readonly Change[] {
  const kinds = new Set<string>();
  const firsts = changes.filter(({ edits }) => {
    const kind = edits.map((one) => one.kind).join();
    if (kinds.has(kind)) return false;
    kinds.add(kind);
    return true;
  });
  return [...firsts, ...changes.filter((one) => !firsts.includes(one))];
}

function neverOf(
  { targets }: Flow,
  verdict: Verdict,
  reasons: readonly Side['judgement']['reason'][],
): Changes['never'] {
  if (targets.length === 0 || reasons.includes('no-endpoint')) return 'no-endpoint';
  if (verdict === 'deny') return undefined;
  if (reasons.includes('self')) return 'self';
  return reasons.includes('own-node') ? 'own-node' : undefined;
}

/** No allow by address or by absent peers covers an address of the pod ranges that nobody holds. */
function unheldOf(verdict: Verdict, sides: readonly Side[]): Changes['never'] {
  const unheld = sides.some(
    ({ judgement, remote }) =>
      judgement.verdict === 'deny' && judgement.reason === 'isolation' && remote.unbound,
  );
  return verdict === 'deny' && unheld ? 'unheld' : undefined;
}

function verdictIn({ model, cluster }: World, { from, to, index, at }: Asked): Verdict {
  const book = createAddressBook(cluster);
  return judgeFlow(flowAt(book, from, to, index), createInterpreter(model, cluster, at).judge)
    .verdict;
}

/** Small edits of one rule, before labels, before rules, before what takes away. */
const SIZES: Readonly<Record<Edit['kind'], number>> = {
  'add-port': 1,
  'remove-port': 1,
  'label-pods': 2,
  'add-peer': 3,
  'remove-peer': 3,
  'add-rule': 4,
  'label-namespace': 6,
  'remove-rule': 8,
  isolate: 9,
};

function bySize(a: Candidate, b: Candidate): number {
  return sizeOf(a) - sizeOf(b);
}

function sizeOf(edits: Candidate): number {
  return edits.reduce((sum, edit) => {
    const labels = 'set' in edit ? Object.keys(edit.set).length + edit.remove.length - 1 : 0;
    // To pass on leaves the decision to others, to allow takes it from them.
    const takes = edit.kind === 'add-rule' && edit.action === 'allow' ? 0.5 : 0;
    return sum + SIZES[edit.kind] + labels + takes;
  }, 0);
}

function distinct(candidates: readonly Candidate[]): readonly Candidate[] {
  const seen = new Set<string>();
  return candidates.filter((candidate) => {
    const key = candidate.map(keyOf).join('\n');
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function keyOf(edit: Edit): string {
  const labels = 'set' in edit ? JSON.stringify([edit.set, edit.remove, edit.namespace]) : '';
  const policy = 'policy' in edit ? edit.policy.index : '';
  const rule = 'rule' in edit ? edit.rule.id : '';
  const name = edit.kind === 'label-pods' ? edit.name : '';
  const action = edit.kind === 'add-rule' ? edit.action : '';
  const what = 'direction' in edit ? edit.direction : '';
  const peer = edit.kind === 'add-rule' || edit.kind === 'add-peer' ? peerKey(edit.peer) : '';
  const port =
    'port' in edit && edit.port?.kind === 'range' ? `${edit.port.protocol} ${edit.port.first}` : '';
  return [edit.kind, labels, policy, rule, name, action, what, peer, port].join(' ');
}

function peerKey(peer: Extract<Edit, { kind: 'add-peer' }>['peer']): string {
  if (peer.kind === 'pods') return JSON.stringify([peer.namespaces, peer.pods]);
  return peer.kind === 'addresses' ? String(peer.include[0]?.value) : peer.kind;
}

/** Pods times rules, about a second's work. */
const MOST_COUNTED = 2_000_000;

function mayCount({ model, cluster }: World, { at }: Asked, sides: readonly Side[]): boolean {
  const interpreter = createInterpreter(model, cluster, at);
  const rules = sides.reduce(
    (sum, { subject, direction }) => sum + interpreter.rulesOf(subject, direction).length,
    0,
  );
  return cluster.pods.length * rules <= MOST_COUNTED;
}

/** Who reaches the destination, and whom the source reaches, by the pods' names. */
interface Reached {
  readonly senders: ReadonlySet<string>;
  readonly receivers: ReadonlySet<string>;
}

function reachIn(world: World, asked: Asked): Reached {
  const { model, cluster } = world;
  const book = createAddressBook(cluster);
  const interpreter = createInterpreter(model, cluster, asked.at);
  const pods = cluster.pods.filter(isPolicyPod);
  const reaches = (from: KnownEnd, to: KnownEnd): boolean =>
    sharesFamily(from, to) && allowed(from, to, asked.index, book, interpreter);
  const members = new Set([...holders(asked.from, book), ...holders(asked.to, book)]);
  const others = pods.filter((pod) => !members.has(pathOf(pod)));
  const ends = others.map((pod) => ({ path: pathOf(pod), end: endOf(pod) }));
  return {
    senders: new Set(ends.filter(({ end }) => reaches(end, asked.to)).map(({ path }) => path)),
    receivers: new Set(ends.filter(({ end }) => reaches(asked.from, end)).map(({ path }) => path)),
  };
}

function allowed(
  from: KnownEnd,
  to: KnownEnd,
  index: number,
  book: AddressBook,
  { judge }: Interpreter,
): boolean {
  return judgeFlow(flowAt(book, from, to, index), judge).verdict === 'allow';
}

function sharesFamily(a: KnownEnd, b: KnownEnd): boolean {
  return a.addresses.some(({ family }) => b.addresses.some((one) => one.family === family));
}

/** The pods of an end, those of a whole workload. */
function holders({ addresses, members }: KnownEnd, book: AddressBook): readonly string[] {
  const own = addresses.flatMap((address) => book.holderOf(address)?.pod ?? []);
  return [...own, ...(members ?? [])].map(pathOf);
}

function endOf(pod: Pod): KnownEnd {
  return { text: pathOf(pod), kind: 'pod', addresses: pod.addresses };
}

function pathOf({ namespace, name }: Pod): string {
  return `${namespace}/${name}`;
}

function differences(before: Reached, after: Reached): Reach {
  return {
    senders: differing(before.senders, after.senders),
    receivers: differing(before.receivers, after.receivers),
  };
}

function differing(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const gone = [...a].filter((one) => !b.has(one)).length;
  return gone + [...b].filter((one) => !a.has(one)).length;
}

function total(reach: Reach | undefined): number {
  return reach === undefined ? 0 : reach.senders + reach.receivers;
}
