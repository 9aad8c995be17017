/** Translation validation: the emitted bytecode and what `bind` makes for it, against the model interpreter. */
import { bind } from '../codegen/bind.js';
import type { MapContents } from '../codegen/contents.js';
import type { PacketRunner } from '../codegen/packet-judge.js';
import { createBulkRunner } from '../codegen/wasm-engine.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../ir/cluster.js';
import { createInterpreter } from '../ir/interpret.js';
import type { NormalModel } from '../ir/normal-model.js';
import type { LookupPlan } from '../ir/plan.js';
import { findBoundaries, spread } from './boundaries.js';
import { createExpectations } from './expected.js';
import { groupPolicies } from './policy-groups.js';
import { countPackets, planProbes, pointsOfRules, type Coverage, type Probe } from './probes.js';
import { replay, type Mismatch, type Trial } from './replay.js';
import { representativeCluster } from './representative/cluster.js';

/** What a validation did: the bundle's manifest holds it. */
export interface Validation {
  /**
   * `product`: every pod, address and port with each other; `factors`: each boundary by itself;
   * `sample`: an even part of those.
   */
  readonly mode: Coverage | 'sample';
  /** Packets that ran through the bytecode. */
  readonly packets: number;
  /** Pods whose programs they ran through. */
  readonly pods: number;
}

export interface ValidationOutcome {
  readonly validation: Validation;
  /** The first packet on which the model and the bytecode differ. */
  readonly mismatch?: Mismatch;
}

/** What the compiler made, before it is packed. */
export interface Compiled {
  readonly model: NormalModel;
  readonly plan: LookupPlan;
  readonly object: Uint8Array;
}

/** How contents become something that runs packets; `close` frees what it holds. */
export type StartRunner = (
  object: Uint8Array,
  contents: MapContents,
) => PacketRunner & { readonly close?: () => void };

/** How contents are made; tests put faults here. */
export type Bind = (...args: Parameters<typeof bind>) => MapContents;

export interface ValidationOptions {
  readonly start?: StartRunner;
  readonly bind?: Bind;
}

/** Pods of one group whose programs are run. */
const MAX_SUBJECTS = 250;
/** Packets of one compilation; beyond, an even part of the addresses is tried. */
const MAX_PACKETS = 150_000;
/** Up to so many packets are all tried again with hashes in place of arrays; beyond, those of some pods. */
const MAX_REPEATED = 10_000;
const MAX_REPEATED_SUBJECTS = 16;
/** Groups for which it is done. */
const MAX_REPEATED_GROUPS = 2;
/** The instants at which rules with `until` are tried: before all of them, and after. */
const BEFORE_ALL = 0;
const AFTER_ALL = 8_640_000_000_000_000;

/**
 * Validates on representative pods, since no cluster is known yet: the same policies are tried with
 * the same packets on every machine.
 */
export function validateCompiled(
  { model, plan, object }: Compiled,
  options: ValidationOptions = {},
): ValidationOutcome {
  const { groups, sampled } = groupPolicies(model, plan);
  const budget = Math.ceil(MAX_PACKETS / groups.length);
  const hasEnds = model.policies.some(({ rules }) =>
    rules.some(({ until }) => until !== undefined),
  );
  const total = new Total(sampled ? 'sample' : 'product');
  for (const [i, group] of groups.entries()) {
    const cluster = representativeCluster(group.model.policies);
    for (const at of hasEnds ? [BEFORE_ALL, AFTER_ALL] : [BEFORE_ALL]) {
      const subjects = spread(cluster.pods.filter(isPolicyPod), MAX_SUBJECTS);
      const world = { ...group, object, cluster, subjects, at, budget };
      const mismatch = validateWorld(world, options, total, i < MAX_REPEATED_GROUPS);
      if (mismatch !== undefined) return { validation: total.validation(), mismatch };
    }
  }
  return { validation: total.validation() };
}

export interface BoundWorld extends Compiled {
  readonly cluster: ClusterSnapshot;
  /** The pods to validate; policy pods alone. */
  readonly subjects: readonly Pod[];
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
  readonly contents: MapContents;
}

/** Validates contents that are bound to a cluster. */
export function validateBound(world: BoundWorld, start: StartRunner): ValidationOutcome {
  const { model, cluster, subjects, at, contents, object } = world;
  const prepared = prepare(model, cluster, subjects, at);
  const total = new Total('product');
  total.add(prepared, prepared.coverage);
  const mismatch = total.run(prepared, prepared.probes, start, object, contents);
  return { validation: total.validation(), ...(mismatch === undefined ? {} : { mismatch }) };
}

interface GroupWorld extends Compiled {
  readonly cluster: ClusterSnapshot;
  readonly subjects: readonly Pod[];
  readonly at: number;
  readonly budget: number;
}

/** In arrays, as a small node has them, and in hashes, as a large one. */
function validateWorld(
  { model, plan, object, cluster, subjects, at, budget }: GroupWorld,
  { start = createBulkRunner, bind: bindWorld = bind }: ValidationOptions,
  total: Total,
  repeats: boolean,
): Mismatch | undefined {
  const prepared = prepare(model, cluster, subjects, at);
  const packets = countPackets(prepared.probes);
  const kept = packets <= budget ? prepared.probes : part(prepared.probes, budget / packets);
  const sampled = kept.length < prepared.probes.length || subjects.length === MAX_SUBJECTS;
  total.add(prepared, sampled ? 'sample' : prepared.coverage);
  // Made-up clusters say nothing of what the policies take in a real one.
  const memory = { ...plan.budget, strict: false };
  const dense = bindWorld(model, plan, cluster, { at, subjects, budget: memory });
  const fault = total.run(prepared, kept, start, object, dense);
  if (fault !== undefined || !repeats) return fault;
  const fewer = packets <= MAX_REPEATED ? subjects : subjects.slice(0, MAX_REPEATED_SUBJECTS);
  const hashed = bindWorld(model, plan, cluster, {
    at,
    subjects: fewer,
    budget: memory,
    inMaps: true,
  });
  const again = kept.filter(({ subject }) => subject < fewer.length);
  return total.run(prepared, again, start, object, hashed);
}

interface Prepared {
  readonly coverage: Coverage;
  readonly probes: readonly Probe[];
  readonly subjects: readonly Pod[];
  readonly interpreter: ReturnType<typeof createInterpreter>;
  readonly expect: ReturnType<typeof createExpectations>;
  readonly everyPoint: Trial['everyPoint'];
  readonly isService: Trial['isService'];
}

function prepare(
  model: NormalModel,
  cluster: ClusterSnapshot,
  subjects: readonly Pod[],
  at: number,
): Prepared {
  const interpreter = createInterpreter(model, cluster, at);
  const rules = model.policies.flatMap((policy) => policy.rules);
  const boundaries = findBoundaries(cluster, rules);
  const plan = planProbes(model, subjects, boundaries, interpreter);
  return {
    ...plan,
    subjects,
    interpreter,
    expect: createExpectations(model),
    everyPoint: (pod, direction) => pointsOfRules(interpreter.rulesOf(pod, direction), boundaries),
    isService: boundaries.isService,
  };
}

function part(probes: readonly Probe[], share: number): readonly Probe[] {
  return spread(probes, Math.max(1, Math.floor(probes.length * share)));
}

/** From the least to the most that was left out. */
const MODES: readonly Validation['mode'][] = ['product', 'factors', 'sample'];
/** Up to so many addresses are asked for replies each; beyond, some. */
const MANY_ADDRESSES = 2_000;

class Total {
  #mode: Validation['mode'];
  #packets = 0;
  #pods = 0;

  constructor(mode: Validation['mode']) {
    this.#mode = mode;
  }

  add({ subjects }: Prepared, mode: Validation['mode']): void {
    this.#pods += subjects.length;
    if (MODES.indexOf(mode) > MODES.indexOf(this.#mode)) this.#mode = mode;
  }

  run(
    prepared: Prepared,
    probes: readonly Probe[],
    start: StartRunner,
    object: Uint8Array,
    contents: MapContents,
  ): Mismatch | undefined {
    const runner = start(object, contents);
    try {
      const replyStride = Math.ceil(probes.length / MANY_ADDRESSES);
      const { packets, mismatch } = replay({ ...prepared, probes, runner, replyStride });
      this.#packets += packets;
      return mismatch;
    } finally {
      runner.close?.();
    }
  }

  validation(): Validation {
    return { mode: this.#mode, packets: this.#packets, pods: this.#pods };
  }
}
