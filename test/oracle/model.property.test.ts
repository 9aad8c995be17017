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

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 150);

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

describe('the interpreter and the oracle', () => {
  it('agree on random worlds, on verdict, reason and rule', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const model = normalize(readPolicies(policyText(world)));
        const cluster = readCluster(clusterText(world));
        const interpreter = createInterpreter(model, cluster, 0);
        const subjects = new Map(
          cluster.pods.filter(isPolicyPod).map((pod) => [`${pod.namespace}/${pod.name}`, pod]),
        );
        expect([...subjects.keys()].sort()).toEqual(
          world.pods.filter(isSubject).map(pathOf).sort(),
        );
        for (const question of questionsOf(world)) {
          const subject = subjects.get(pathOf(question.subject));
          if (subject === undefined) throw new Error('no such subject');
          const { verdict, reason, rule } = answer(world, question);
          const expected = describeAnswer(verdict, reason, rule);
          const found = askModel(interpreter, model, subject, question);
          if (found !== expected) {
            const { remote, direction, protocol, port, localOrigin } = question;
            const asked = { remote, direction, protocol, port, localOrigin };
            throw new Error(
              `${pathOf(question.subject)} ${JSON.stringify(asked)}: model ${found}, oracle ${expected}`,
            );
          }
        }
      }),
      { numRuns: RUNS, seed: Number(process.env['POLICYC_SEED'] ?? 20260101) },
    );
  }, 120_000);
});
