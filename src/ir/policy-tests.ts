/** Runs `test` blocks: flows in a cluster that the test may add pods to, with expected verdicts. */
import { addressKey } from '../address.js';
import { diagnostic, hasErrors, type Diagnostic } from '../diagnostics.js';
import { describeFlow } from './flows/describe.js';
import type { ClusterSnapshot, Pod } from './cluster.js';
import { judgeFlow, type Flow, type FlowJudgement } from './flows.js';
import {
  connectEnds,
  createEndDirectory,
  isDiagnostic,
  type EndDirectory,
  type KnownEnd,
} from './flows/ends.js';
import type { Judge } from './interpret.js';
import { namespaceLabels } from './interpret/selectors.js';
import { inventAddresses } from './made-up-addresses.js';
import type { GivenPod, PolicyTest, TestEnd, TestExpectation } from './model.js';
import { deciderName, policyName, type Judgement, type NormalModel } from './normal-model.js';

export interface ExpectationResult {
  readonly expectation: TestExpectation;
  readonly passed: boolean;
  /** One sentence: what came out. */
  readonly message: string;
  readonly flow?: Flow;
  readonly judged?: FlowJudgement;
}

export interface PolicyTestResult {
  readonly test: PolicyTest;
  readonly passed: boolean;
  readonly expectations: readonly ExpectationResult[];
  /** An error for each expectation that failed, and for names that mean nothing. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface PolicyTestContext {
  readonly model: NormalModel;
  readonly cluster: ClusterSnapshot;
  /** A judge for the cluster with the test's own pods in it. */
  readonly judgeIn: (cluster: ClusterSnapshot) => Judge;
}

export function runPolicyTests(
  tests: readonly PolicyTest[],
  context: PolicyTestContext,
): readonly PolicyTestResult[] {
  const plain = {
    directory: createEndDirectory(context.cluster),
    judge: context.judgeIn(context.cluster),
  };
  return tests.map((test) => {
    if (test.given.length === 0) return runTest(test, context.model, plain);
    const clashes = test.given.filter((given) => holdsPod(context.cluster, given));
    if (clashes.length > 0) {
      const diagnostics = clashes.map((given) =>
        diagnostic(
          'assert/given-exists',
          { pod: `${given.namespace}/${given.name}` },
          given.origin,
        ),
      );
      return { test, passed: false, expectations: [], diagnostics };
    }
    const cluster = withGivenPods(context.cluster, test.given);
    return runTest(test, context.model, {
      directory: createEndDirectory(cluster),
      judge: context.judgeIn(cluster),
    });
  });
}

function holdsPod(cluster: ClusterSnapshot, { namespace, name }: GivenPod): boolean {
  return cluster.pods.some((pod) => pod.namespace === namespace && pod.name === name);
}

/** The pods get made-up addresses, on no node. */
export function withGivenPods(
  cluster: ClusterSnapshot,
  given: readonly GivenPod[],
): ClusterSnapshot {
  const held = [...cluster.pods, ...cluster.nodes, ...cluster.services];
  const taken = new Set(held.flatMap(({ addresses }) => addresses.map(addressKey)));
  const invented = inventAddresses('pods', (address) => taken.has(addressKey(address)));
  const pods = given.map(({ namespace, name, labels, origin }): Pod => ({
    namespace,
    name,
    labels: new Map(Object.entries(labels)),
    addresses: invented.next().value,
    hostNetwork: false,
    completed: false,
    ports: [],
    representative: true,
    origin,
  }));
  const namespaces = new Map(cluster.namespaces);
  for (const { namespace: name } of given) {
    if (!namespaces.has(name)) {
      namespaces.set(name, { name, labels: namespaceLabels(cluster, name) });
    }
  }
  return { ...cluster, namespaces, pods: [...cluster.pods, ...pods] };
}

interface TestBed {
  readonly directory: EndDirectory;
  readonly judge: Judge;
}

function runTest(test: PolicyTest, model: NormalModel, bed: TestBed): PolicyTestResult {
  const diagnostics: Diagnostic[] = [];
  const expectations = test.expectations.map((expectation): ExpectationResult => {
    const flow = resolve(expectation, test, bed.directory);
    if (!('from' in flow)) {
      for (const one of flow) diagnostics.push(one);
      return { expectation, passed: false, message: flow.map((one) => one.message).join('; ') };
    }
    const judged = judgeFlow(flow, bed.judge);
    const complaint = complain(expectation, judged, model);
    const message = `${describeFlow(flow)} is ${wordOf(judged)}`;
    if (complaint === undefined) return { expectation, passed: true, message, flow, judged };
    const args = { test: test.name, found: message, complaint };
    diagnostics.push(diagnostic('assert/test-failed', args, expectation.origin));
    return { expectation, passed: false, message: `${message}, ${complaint}`, flow, judged };
  });
  return { test, passed: !hasErrors(diagnostics), expectations, diagnostics };
}

function resolve(
  expectation: TestExpectation,
  test: PolicyTest,
  directory: EndDirectory,
): Flow | readonly Diagnostic[] {
  const where = `test \`${test.name}\``;
  const find = ({ text, origin }: TestEnd): KnownEnd | Diagnostic =>
    directory.find(text, { where, span: origin });
  const [from, to] = [find(expectation.from), find(expectation.to)];
  if (isDiagnostic(from) || isDiagnostic(to)) return [from, to].filter(isDiagnostic);
  const { protocol, port } = expectation;
  const icmpType = protocol === 'ICMP' ? 8 : protocol === 'ICMPv6' ? 128 : 0;
  const shape = { index: 0, protocol, port, sourcePort: 49152, icmpType, icmpCode: 0 };
  const place = { where, span: expectation.origin };
  const flow = connectEnds(directory.book, shape, from, to, place);
  return isDiagnostic(flow) ? [flow] : flow;
}

function complain(
  { verdict, by }: TestExpectation,
  judged: FlowJudgement,
  model: NormalModel,
): string | undefined {
  if (judged.verdict !== verdict) return `not ${verdict === 'allow' ? 'allowed' : 'denied'}`;
  if (by === undefined) return undefined;
  const sides = [judged.egress, judged.ingress].filter((side) => side !== undefined);
  const deciding = sides.filter((side) => side.verdict === verdict);
  const names = deciding.flatMap((side) => namesOf(side, model));
  if (names.includes(by.text)) return undefined;
  const shown = deciding.map((side) => namesOf(side, model)[0] ?? side.reason);
  return `but by \`${shown.join('` and `')}\`, not by \`${by.text}\``;
}

/** All that `by` may call what decided, the fullest name first. */
function namesOf(judgement: Judgement, model: NormalModel): readonly string[] {
  const decider = model.deciders[judgement.decider] ?? { kind: 'none' };
  const reasons: readonly string[] =
    judgement.reason === 'isolation' ? ['isolation', 'isolate'] : [judgement.reason];
  if (decider.kind === 'none') return reasons;
  const { policy } = decider;
  const rule = decider.kind === 'rule' ? [decider.rule.name] : [];
  const full = deciderName(decider) ?? policyName(policy);
  return [full, policyName(policy), policy.name, ...rule, ...reasons];
}

function wordOf({ verdict }: FlowJudgement): string {
  return verdict === 'allow' ? 'allowed' : 'denied';
}
