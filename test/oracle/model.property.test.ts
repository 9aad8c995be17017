/** Objects → text → parser → lowering → normalize → interpreter, against the oracle on the objects. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/address.js';
import { isPolicyPod, type Pod } from '../../src/ir/cluster.js';
import { createInterpreter, type Interpreter } from '../../src/ir/interpret.js';
import { deciderName, type NormalModel } from '../../src/ir/normal-model.js';
import { normalize } from '../../src/ir/normalize.js';
import { ARRIVALS, REMOTES, worlds } from './generate.js';
import { answer, isSubject, namespaceOf, type Question } from './naive.js';
import type { PodObject, World } from './objects.js';
import { readCluster, readPolicies } from './world-model.js';
import { clusterText, policyText } from './world-text.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 60);

function pathOf(pod: PodObject): string {
  return `${namespaceOf(pod)}/${pod.metadata.name}`;
}

/** Both families, all arrivals; the two ICMPs each where they belong. */
function* questionsOf(world: World): Generator<Question> {
  for (const subject of world.pods.filter(isSubject)) {
    for (const remote of REMOTES) {
      for (const { protocol: written, port } of ARRIVALS) {
        const protocol = written === 'ICMP' && remote.includes(':') ? 'ICMPv6' : written;
        const base = { subject, remote, protocol, port };
        yield { ...base, direction: 'egress', localOrigin: false };
        yield { ...base, direction: 'ingress', localOrigin: false };
        yield { ...base, direction: 'ingress', localOrigin: true };
      }
    }
  }
}

function describeAnswer(verdict: string, reason: string, rule: string | null): string {
  return `${verdict} by ${reason} ${rule ?? '-'}`;
}

function askModel(
  { judge }: Interpreter,
  model: NormalModel,
  subject: Pod,
  { remote, direction, protocol, port, localOrigin }: Question,
): string {
  const address = parseAddress(remote);
  if (address === undefined) throw new Error(`bad address ${remote}`);
  const judged = judge(subject, direction, address, protocol, port, { localOrigin });
  const decider = model.deciders[judged.decider];
  const rule = decider === undefined ? undefined : deciderName(decider);
  return describeAnswer(judged.verdict, judged.reason, rule ?? null);
}

/** Compares the product's reading of `written` with the oracle's of `world`; undefined if they agree. */
function firstMismatch(written: World, world: World): string | undefined {
  const model = normalize(readPolicies(policyText(written)));
  const cluster = readCluster(clusterText(written));
  const interpreter = createInterpreter(model, cluster, 0);
  const subjects = new Map(
    cluster.pods.filter(isPolicyPod).map((pod) => [`${pod.namespace}/${pod.name}`, pod]),
  );
  const expectedSubjects = world.pods.filter(isSubject).map(pathOf);
  if ([...subjects.keys()].sort().join() !== expectedSubjects.sort().join()) {
    return 'the pods that policies apply to differ';
  }
  for (const question of questionsOf(world)) {
    const path = pathOf(question.subject);
    const subject = subjects.get(path);
    if (subject === undefined) return `${path} is missing`;
    const { verdict, reason, rule } = answer(world, question);
    const expected = describeAnswer(verdict, reason, rule);
    const found = askModel(interpreter, model, subject, question);
    if (found === expected) continue;
    const asked = JSON.stringify({ ...question, subject: path });
    return `${asked}: the model says ${found}, the oracle ${expected}`;
  }
  return undefined;
}

describe('the interpreter and the oracle', () => {
  const seed = Number(process.env['POLICYC_SEED'] ?? 20260101);

  it('agree on random worlds, on verdict, reason and rule', () => {
    const agree = fc.property(worlds, (world) => {
      expect(firstMismatch(world, world)).toBeUndefined();
    });
    fc.assert(agree, { numRuns: RUNS, seed });
  }, 1_800_000);

  it('would be told apart by a policy that is lost on the way', () => {
    const withPolicies = fc
      .sample(worlds, { numRuns: 40, seed })
      .filter(({ networkPolicies }) => networkPolicies.length > 0);
    const told = withPolicies.filter(
      (world) => firstMismatch({ ...world, networkPolicies: [] }, world) !== undefined,
    );
    expect(told.length).toBeGreaterThan(withPolicies.length / 4);
  });
});
