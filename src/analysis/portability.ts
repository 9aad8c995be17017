/** Which differences of two implementations make them judge a flow differently. */
import { bug, hasErrors } from '../diagnostics.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import { judgeFlow, type Flow } from '../ir/flows.js';
import { resolveFlows } from '../ir/flows/read.js';
import { applyDifferences, type Difference, type Edition } from '../ir/implementations.js';
import { createInterpreter, type Interpreter } from '../ir/interpret.js';
import type { PolicyModel, Verdict } from '../ir/model.js';
import { normalize } from '../ir/normalize.js';
import { diffAndShow, type FoundChanges } from './diff.js';
import { witnessFlow } from './diff/witness.js';
import { pairsOfKinds } from './findings.js';
import type { CauseReport, Change, FlowEntry, VerdictReport } from './report.js';

/** Two implementations, before and after. */
export type Editions = readonly [was: Edition, is: Edition];

export interface AttributedChange extends Change {
  /** The numbers of the differences by which the two come apart, for the kinds of ends that there are. */
  readonly differences: readonly string[];
}

export interface PortabilityReport extends Omit<
  FoundChanges,
  'changes' | 'found' | 'statefulPods'
> {
  readonly changes: readonly AttributedChange[];
}

/** @throws InputError if there are more address classes than bytecode can hold */
export function diffEditions(
  editions: Editions,
  model: PolicyModel,
  cluster: ClusterSnapshot,
  at: number,
): PortabilityReport {
  const [was, is] = editions.map(({ differences }) =>
    normalize(applyDifferences(differences, { model, cluster })),
  );
  if (was === undefined || is === undefined) return bug('two editions make two models');
  const { changes, found, podsTouched, pods } = diffAndShow([was, is], cluster, at);
  const attribution = new Attribution(editions, model, cluster, at);
  const attributed = changes.map((change): AttributedChange => {
    const shown = found.get(change) ?? bug('a change was never found');
    const more = pairsOfKinds(shown.finding, shown.space).map((pair) =>
      witnessFlow(pair, shown.finding.ports, shown.space),
    );
    const witnesses = [...witnessesOfKinds(change.causes), ...more];
    return { ...change, differences: attribution.differencesOf(witnesses) };
  });
  return { changes: attributed, podsTouched, pods };
}

/** One witness for each way of coming apart: there may be thousands of rules that do so alike. */
function witnessesOfKinds(causes: readonly CauseReport[]): readonly FlowEntry[] {
  const found = new Map<string, FlowEntry>();
  for (const { sides, was, is, witness } of causes) {
    const kindOf = (one: VerdictReport): readonly unknown[] =>
      sides.map((side) => [one[side]?.verdict, one[side]?.reason, editOf(one[side]?.rule)]);
    const key = JSON.stringify([sides, kindOf(was), kindOf(is)]);
    if (!found.has(key)) found.set(key, witness);
  }
  return [...found.values()];
}

/** The difference that has made the rule or changed it, where its name tells. */
function editOf(rule: string | null | undefined): string | undefined {
  return /(?:^| by )([a-z0-9]+-\d+)(?: |$)/.exec(rule ?? '')?.[1];
}

/** Takes differences away one after the other, as long as the two still disagree. */
class Attribution {
  readonly #interpreters = new Map<string, Interpreter>();

  constructor(
    private readonly editions: Editions,
    private readonly model: PolicyModel,
    private readonly cluster: ClusterSnapshot,
    private readonly at: number,
  ) {}

  /** In the order of the two implementations, and of the rows in each. */
  differencesOf(witnesses: readonly FlowEntry[]): readonly string[] {
    const { value: flows, diagnostics } = resolveFlows(witnesses, this.cluster, () => undefined);
    if (flows === undefined || hasErrors(diagnostics)) return bug('a witness is no flow');
    const found = new Set(flows.flatMap((flow) => this.#leastOf(flow)));
    return this.editions
      .flatMap(({ differences }) => differences.map(({ id }) => id))
      .filter((id) => found.has(id));
  }

  #leastOf(flow: Flow): readonly string[] {
    const [first, second] = this.editions;
    let was = modelled(first);
    let is = modelled(second);
    // What both do is no difference of the two, whatever it makes of the flow.
    const shared = new Set(
      was.map(({ does }) => does).filter((does) => is.some((one) => one.does === does)),
    );
    const disagree = (a: readonly Difference[], b: readonly Difference[]): boolean =>
      this.#judge(flow, a) !== this.#judge(flow, b);
    if (!disagree(was, is)) return [];
    for (const one of was.filter(({ does }) => !shared.has(does))) {
      const less = was.filter((other) => other !== one);
      if (disagree(less, is)) was = less;
    }
    for (const one of is.filter(({ does }) => !shared.has(does))) {
      const less = is.filter((other) => other !== one);
      if (disagree(was, less)) is = less;
    }
    return [...was, ...is].filter(({ does }) => !shared.has(does)).map(({ id }) => id);
  }

  #judge(flow: Flow, differences: readonly Difference[]): Verdict {
    const key = differences.map(({ id }) => id).join();
    let interpreter = this.#interpreters.get(key);
    if (interpreter === undefined) {
      const { model, cluster } = this;
      const edited = normalize(applyDifferences(differences, { model, cluster }));
      interpreter = createInterpreter(edited, cluster, this.at);
      this.#interpreters.set(key, interpreter);
    }
    return judgeFlow(flow, interpreter.judge).verdict;
  }
}

function modelled({ differences }: Edition): readonly Difference[] {
  return differences.filter(({ apply }) => apply !== undefined);
}
