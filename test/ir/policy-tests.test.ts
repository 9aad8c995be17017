import { describe, expect, it } from 'vitest';
import { createInterpreter } from '../../src/ir/interpret.js';
import type { GivenPod, PolicyTest, TestExpectation } from '../../src/ir/model.js';
import { normalize } from '../../src/ir/normalize.js';
import { runPolicyTests, type PolicyTestResult } from '../../src/ir/policy-tests.js';
import { cluster, model, origin, pod, podPeer, podsIn, policy, rule } from './interpret-models.js';

const snapshot = cluster({ pods: [pod('shop/web', ['10.0.0.1']), pod('shop/db', ['10.0.0.2'])] });
const normal = normalize(
  model([
    policy({
      name: 'guard',
      subjects: [podsIn('shop', 'app=db')],
      isolates: { ingress: true, egress: false },
      rules: [rule({ name: 'from-web', peers: [podPeer(podsIn('shop', 'app=web'))] })],
    }),
  ]),
);
const spy: GivenPod = { namespace: 'dev', name: 'spy', labels: { app: 'web' }, origin };

function expecting(from: string, over: Partial<TestExpectation> = {}): TestExpectation {
  return {
    from: { text: from, origin },
    to: { text: 'db', origin },
    protocol: 'TCP',
    port: 5432,
    verdict: 'allow',
    origin,
    ...over,
  };
}

function run(expectation: TestExpectation, given: readonly GivenPod[] = []): PolicyTestResult {
  const test: PolicyTest = { name: 'a test', given, expectations: [expectation], origin };
  const [result] = runPolicyTests([test], {
    model: normal,
    cluster: snapshot,
    judgeIn: (extended) => createInterpreter(normal, extended, 0).judge,
  });
  if (result === undefined) throw new Error('no result');
  return result;
}

const by = (text: string): Partial<TestExpectation> => ({ by: { text, origin } });

describe('tests of policies', () => {
  it.each(['guard', 'shop/guard', 'from-web', 'shop/guard from-web', 'rule'])(
    'pass by %s',
    (text) => {
      expect(run(expecting('web', by(text))).passed).toBe(true);
    },
  );

  it('fail by another name, and say which it was', () => {
    const { passed, diagnostics } = run(expecting('web', by('other')));
    expect(passed).toBe(false);
    expect(diagnostics[0]?.message).toBe(
      'test `a test` fails: `web` to `db` at 5432/TCP (IPv4) is allowed, but by `default` and `shop/guard from-web`, not by `other`',
    );
  });

  it('judge pods that the test brings, which the cluster does not have', () => {
    const denied = { verdict: 'deny', ...by('isolate') } as const;
    expect(run(expecting('spy', denied), [spy]).passed).toBe(true);
    expect(run(expecting('spy'), [spy]).passed).toBe(false);
    expect(run(expecting('spy', denied)).diagnostics[0]?.code).toBe('flows/unknown-pod');
  });

  it('may not bring a pod that is there', () => {
    const { passed, diagnostics } = run(expecting('web'), [
      { ...spy, namespace: 'shop', name: 'web' },
    ]);
    expect([passed, diagnostics[0]?.code]).toEqual([false, 'assert/given-exists']);
  });
});
