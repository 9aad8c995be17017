/** What the ways of enforcing a scenario are given. */
import type { ClusterSnapshot } from '../ir/cluster.js';
import type { PolicyModel } from '../ir/model.js';
import type { Paint } from '../render/paint.js';
import type { Attempt } from './attempts.js';
import type { Scenario } from './scenario.js';

export interface DemoRun {
  readonly scenario: Scenario;
  readonly cluster: ClusterSnapshot;
  readonly policies: PolicyModel;
  readonly attempts: readonly Attempt[];
  /** Milliseconds since the epoch, for rules with `until`. */
  readonly at: number;
  readonly say: (text: string) => void;
  readonly paint: Paint;
}
