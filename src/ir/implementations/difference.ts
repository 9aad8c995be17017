/** A difference: one thing that an implementation of the policy API does otherwise, with its source. */
import type { Span } from '../../source.js';
import type { ClusterSnapshot } from '../cluster.js';
import type { PolicyModel } from '../model.js';

/** Policies and the cluster that they act in. */
export interface World {
  readonly model: PolicyModel;
  readonly cluster: ClusterSnapshot;
}

/** What the statement rests on. */
export type Basis =
  /** The implementation's own documentation says so. */
  | 'documented'
  /** Its source code says so. */
  | 'code'
  /** Users or maintainers have reported it. */
  | 'reported'
  /** We conclude it from how the parts work. */
  | 'inferred';

/** From one version on, and before another. */
export interface VersionRange {
  readonly from?: string;
  readonly before?: string;
}

export interface Difference {
  /** `cilium-1`: the number of the row in docs/portability.md; never given twice. */
  readonly id: string;
  /** What it does, as a clause: `SCTP is dropped`. */
  readonly does: string;
  /** What the API says, or leaves open. */
  readonly upstream: string;
  readonly sources: readonly string[];
  readonly basis: Basis;
  readonly versions?: VersionRange;
  /** The setting that takes it away. */
  readonly unless?: string;
  /** How we model it, or why we do not. */
  readonly model: string;
  /** The rules and policies that it touches. */
  readonly touches: (world: World) => readonly Span[];
  /** The policies as the implementation has them; absent where it is not modelled. */
  readonly apply?: (world: World) => PolicyModel;
}

export interface Implementation {
  readonly name: string;
  readonly title: string;
  /** The version that is meant unless told: the newest that the differences were read from. */
  readonly version: string;
  /** What `+NAME` means. */
  readonly settings: Readonly<Record<string, string>>;
  /** Those that are modelled are applied in this order. */
  readonly differences: readonly Difference[];
}
