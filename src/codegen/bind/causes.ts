/** Causes: which rule, policy or namespace made an element of a table, or that several of them did. */
import type { NormalModel } from '../../ir/normal-model.js';
import { NO_DECIDER, type DeciderId } from '../../ir/normal-model.js';

/** What is there whatever the policies say. */
export const NOBODY = -1;
/** More than one. */
export const SEVERAL = -2;

/**
 * At each level one cause alone, {@link NOBODY} or {@link SEVERAL}. Where several rules of one policy
 * share an element, the policy is its one cause.
 */
export interface Cause {
  /** A rule, or a policy's isolation: what cells name as their decider. */
  readonly decider: DeciderId | typeof NOBODY | typeof SEVERAL;
  /** Position in the model. */
  readonly policy: number;
  /** Position in {@link Causes.namespaces}; policies of the whole cluster have one for themselves. */
  readonly namespace: number;
}

export type CauseId = number;

/** Hands out causes, each distinct one once, and joins them. */
export class Causes {
  readonly causes: Cause[] = [];
  /** By position; undefined for policies of the whole cluster. */
  readonly namespaces: (string | undefined)[] = [];
  readonly nobody: CauseId;
  readonly #ids = new Map<string, CauseId>();
  readonly #joined = new Map<number, CauseId>();
  readonly #ofDecider: readonly CauseId[];
  readonly #namespaceAt = new Map<string | undefined, number>();

  constructor(model: NormalModel) {
    this.nobody = this.#intern({ decider: NOBODY, policy: NOBODY, namespace: NOBODY });
    this.#ofDecider = model.deciders.map((decider, id) => {
      if (decider.kind === 'none') return this.nobody;
      const { index, namespace } = decider.policy;
      const cause = { policy: index, namespace: this.#namespace(namespace) };
      return this.#intern({ decider: id as DeciderId, ...cause });
    });
  }

  of(decider: number): CauseId {
    return decider === NO_DECIDER ? this.nobody : (this.#ofDecider[decider] ?? this.nobody);
  }

  /** What both of them caused together. */
  join(a: CauseId, b: CauseId): CauseId {
    if (a === b || b === this.nobody) return a;
    if (a === this.nobody) return b;
    const key = a < b ? a * 2 ** 26 + b : b * 2 ** 26 + a;
    let id = this.#joined.get(key);
    if (id === undefined) {
      id = this.#intern(joinCauses(this.#causeOf(a), this.#causeOf(b)));
      this.#joined.set(key, id);
    }
    return id;
  }

  joinAll(ids: Iterable<CauseId>): CauseId {
    let all = this.nobody;
    for (const id of ids) all = this.join(all, id);
    return all;
  }

  #causeOf(id: CauseId): Cause {
    return this.causes[id] ?? { decider: NOBODY, policy: NOBODY, namespace: NOBODY };
  }

  #namespace(name: string | undefined): number {
    let at = this.#namespaceAt.get(name);
    if (at === undefined) {
      at = this.namespaces.length;
      this.#namespaceAt.set(name, at);
      this.namespaces.push(name);
    }
    return at;
  }

  #intern(cause: Cause): CauseId {
    const key = `${cause.decider} ${cause.policy} ${cause.namespace}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.causes.length;
      this.#ids.set(key, id);
      this.causes.push(cause);
    }
    return id;
  }
}

function joinCauses(a: Cause, b: Cause): Cause {
  return {
    decider: a.decider === b.decider ? a.decider : SEVERAL,
    policy: a.policy === b.policy ? a.policy : SEVERAL,
    namespace: a.namespace === b.namespace ? a.namespace : SEVERAL,
  };
}
