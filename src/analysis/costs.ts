/**
 * What policies cost, and which of them cause it: every instruction, table entry and byte belongs to
 * one rule, to several of a policy, to several policies, or is there whatever the policies say.
 */
import { NOBODY, SEVERAL, type Cause } from '../codegen/bind/causes.js';
import type { BoundShares } from '../codegen/bind/shares.js';
import type { BoundContents } from '../codegen/contents.js';
import type { ObjectImage } from '../codegen/object/object-image.js';
import { compareText } from '../ir/normalize.js';
import {
  deciderName,
  deciderOrigin,
  policyName,
  type Decider,
  type NormalModel,
} from '../ir/normal-model.js';
import { formatPlace } from '../source.js';
import { causedInstructions } from './costs/instructions.js';
import { groupBy } from '../multimap.js';

export interface Amount {
  /** In all programs, in slots of 8 bytes. */
  readonly instructions: number;
  /** Of tables and maps: address prefixes, rows, cells. */
  readonly entries: number;
  /** Of tables and maps. */
  readonly bytes: number;
}

/** What one rule, or a policy's isolation, causes alone. */
export interface RuleCost extends Amount {
  /** Its number among the model's deciders. */
  readonly decider: number;
  /** Such as `ingress[0]`, or `isolation of ingress`. */
  readonly rule: string;
  readonly at: string;
}

export interface PolicyCost extends Amount {
  /** `namespace/name`. */
  readonly policy: string;
  /** Null for policies of the whole cluster. */
  readonly namespace: string | null;
  readonly at: string;
  /** All of them, in the order of decision. */
  readonly rules: readonly RuleCost[];
  /** What several of its rules cause together. */
  readonly shared: Amount;
}

export interface NamespaceCost extends Amount {
  readonly namespace: string | null;
  readonly policies: number;
  /** What several of its policies cause together. */
  readonly shared: Amount;
}

/** `policies`, `shared` and `fixed` add up to `total`, and so do `namespaces` with what is left of them. */
export interface CausedCosts {
  readonly total: Amount;
  /** The most expensive first. */
  readonly policies: readonly PolicyCost[];
  readonly namespaces: readonly NamespaceCost[];
  /** What several policies cause together. */
  readonly shared: Amount;
  /** What is there whatever the policies say, for this cluster. */
  readonly fixed: Amount;
}

export function causedCosts(
  model: NormalModel,
  image: ObjectImage,
  { shares: makeShares }: Pick<BoundContents, 'shares'>,
): CausedCosts {
  const made = makeShares();
  const sums = new Sums(model, made);
  for (const { cause, entries, bytes } of made.shares) {
    sums.add(made.causes.causes[cause], { instructions: 0, entries, bytes });
  }
  for (const [cause, instructions] of causedInstructions(model, image, made.causes)) {
    sums.add(made.causes.causes[cause], { instructions, entries: 0, bytes: 0 });
  }
  return sums.costs();
}

export const NOTHING: Amount = { instructions: 0, entries: 0, bytes: 0 };

export function addAmounts(a: Amount, b: Amount): Amount {
  return {
    instructions: a.instructions + b.instructions,
    entries: a.entries + b.entries,
    bytes: a.bytes + b.bytes,
  };
}

function subtract(a: Amount, b: Amount): Amount {
  return {
    instructions: a.instructions - b.instructions,
    entries: a.entries - b.entries,
    bytes: a.bytes - b.bytes,
  };
}

/** Adds amounts up at each level where they have one cause. */
class Sums {
  #total = NOTHING;
  #fixed = NOTHING;
  #shared = NOTHING;
  readonly #deciders = new Map<number, Amount>();
  readonly #policies = new Map<number, Amount>();
  readonly #namespaces = new Map<number, Amount>();

  constructor(
    private readonly model: NormalModel,
    private readonly made: BoundShares,
  ) {}

  add(cause: Cause | undefined, amount: Amount): void {
    this.#total = addAmounts(this.#total, amount);
    if (cause === undefined || cause.policy === NOBODY) {
      this.#fixed = addAmounts(this.#fixed, amount);
      return;
    }
    if (cause.policy === SEVERAL) this.#shared = addAmounts(this.#shared, amount);
    else addTo(this.#policies, cause.policy, amount);
    if (cause.decider !== SEVERAL) addTo(this.#deciders, cause.decider, amount);
    if (cause.namespace !== SEVERAL) addTo(this.#namespaces, cause.namespace, amount);
  }

  costs(): CausedCosts {
    const policies = this.#policyCosts();
    return {
      total: this.#total,
      policies: [...policies].sort(byCost((one) => one.policy)),
      namespaces: this.#namespaceCosts(policies),
      shared: this.#shared,
      fixed: this.#fixed,
    };
  }

  #policyCosts(): readonly PolicyCost[] {
    const byPolicy = this.model.policies.map((): RuleCost[] => []);
    for (const [id, decider] of this.model.deciders.entries()) {
      if (decider.kind === 'none') continue;
      const amount = this.#deciders.get(id);
      // Of isolations only those are told that the policy brings.
      if (decider.kind === 'isolation' && !decider.policy.isolates[decider.direction]) continue;
      byPolicy[decider.policy.index]?.push({
        ...ruleNames(decider),
        decider: id,
        ...(amount ?? NOTHING),
      });
    }
    return this.model.policies.map((policy, index) => {
      const rules = byPolicy[index] ?? [];
      const amount = this.#policies.get(index) ?? NOTHING;
      return {
        policy: policyName(policy),
        namespace: policy.namespace ?? null,
        at: formatPlace(policy.origin),
        ...amount,
        rules,
        shared: subtract(amount, rules.reduce<Amount>(addAmounts, NOTHING)),
      };
    });
  }

  #namespaceCosts(policies: readonly PolicyCost[]): readonly NamespaceCost[] {
    const byNamespace = groupByNamespace(policies);
    return this.made.causes.namespaces
      .map((name, at): NamespaceCost => {
        const own = byNamespace.get(name ?? null) ?? [];
        const amount = this.#namespaces.get(at) ?? NOTHING;
        const shared = subtract(amount, own.reduce<Amount>(addAmounts, NOTHING));
        return { namespace: name ?? null, policies: own.length, ...amount, shared };
      })
      .sort(byCost((one) => one.namespace ?? ''));
  }
}

/** Null stands for policies of the whole cluster. */
export function groupByNamespace(
  policies: readonly PolicyCost[],
): ReadonlyMap<string | null, readonly PolicyCost[]> {
  return groupBy(policies, ({ namespace }) => namespace);
}

function ruleNames(decider: Exclude<Decider, { kind: 'none' }>): Pick<RuleCost, 'rule' | 'at'> {
  const origin = deciderOrigin(decider);
  const at = origin === undefined ? '' : formatPlace(origin);
  if (decider.kind === 'isolation') return { rule: `isolation of ${decider.direction}`, at };
  return { rule: decider.rule.name === '' ? (deciderName(decider) ?? '') : decider.rule.name, at };
}

function addTo(sums: Map<number, Amount>, key: number, amount: Amount): void {
  sums.set(key, addAmounts(sums.get(key) ?? NOTHING, amount));
}

/** By bytes, entries, instructions, then name. */
function byCost<Item extends Amount>(name: (one: Item) => string): (a: Item, b: Item) => number {
  return (a, b) =>
    b.bytes - a.bytes ||
    b.entries - a.entries ||
    b.instructions - a.instructions ||
    compareText(name(a), name(b));
}
