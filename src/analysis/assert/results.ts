/** Results of assertions: what was shown, or what goes against it. */
import type { Diagnostic } from '../../diagnostics.js';
import type { Flow, FlowJudgement } from '../../ir/flows.js';
import type { Assertion } from '../../ir/model.js';
import type { FlowEntry, MadeUpCluster } from '../report.js';

export interface AssertionResult {
  readonly assertion: Assertion;
  readonly passed: boolean;
  /** One sentence. */
  readonly message: string;
  readonly counterexample?: Counterexample;
  /** What a proof takes for granted; sentences for people. */
  readonly assumptions: readonly string[];
  /** Present where the assertion failed. */
  readonly diagnostic?: Diagnostic;
}

/** A flow that goes against the assertion, judged by the engine. */
export interface Counterexample {
  readonly entry: FlowEntry;
  readonly flow: Flow;
  readonly judged: FlowJudgement;
  /** Where the assertion is about all clusters. */
  readonly madeUp?: MadeUpCluster;
}

export type Outcome = Pick<AssertionResult, 'passed' | 'message' | 'counterexample'>;
