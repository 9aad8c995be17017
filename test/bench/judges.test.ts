import { describe, expect, it } from 'vitest';
import { bpfilterSets } from '../../bench/bpfilter-sets.js';
import { ciliumLike } from '../../bench/cilium-like.js';
import { bpfilterLinear, calicoLike } from '../../bench/linear.js';
import { loadListing, type Loaded } from '../../bench/measure.js';
import { cidrRules, flowsTo } from '../../bench/packets.js';
import type { Peer } from '../../bench/peers.js';
import { compileRules, loadFirstPod } from '../../bench/policyc.js';
import { checkVerdicts } from '../../bench/verdicts.js';
import { lacks } from '../support/requires.js';

const RULES = 200;

function loadPeer({ listing, program, maps }: Peer): Loaded {
  return loadListing(listing, program, maps);
}

const rulesOf = (family: 4 | 6) => cidrRules(RULES, 'scattered', family);
const judges: readonly (readonly [name: string, family: 4 | 6, load: () => Loaded])[] = [
  ['policyc', 4, () => loadFirstPod(compileRules(rulesOf(4)))],
  ['policyc with state', 4, () => loadFirstPod(compileRules(rulesOf(4), { state: true }))],
  ['policyc', 6, () => loadFirstPod(compileRules(rulesOf(6)))],
  ['Cilium-like', 4, () => loadPeer(ciliumLike(rulesOf(4), 4))],
  ['Cilium-like', 6, () => loadPeer(ciliumLike(rulesOf(6), 6))],
  ['bpfilter-like with sets', 4, () => loadPeer(bpfilterSets(rulesOf(4), 4))],
  ['bpfilter-like with sets', 6, () => loadPeer(bpfilterSets(rulesOf(6), 6))],
  ['bpfilter-like', 4, () => loadPeer(bpfilterLinear(rulesOf(4)))],
  ['Calico-like', 4, () => loadPeer(calicoLike(rulesOf(4)))],
];

describe.skipIf(lacks('root') !== undefined)('what the bench compares', () => {
  it.each(judges)('%s judges IPv%i as the rules say', (name, family, load) => {
    const { program, close } = load();
    try {
      for (const traffic of ['allowed', 'denied'] as const) {
        const flows = flowsTo(rulesOf(family), traffic);
        for (const part of ['first', 'later'] as const) {
          checkVerdicts({ name, program }, flows, part, traffic);
        }
        const other = traffic === 'allowed' ? 'denied' : 'allowed';
        expect(() => checkVerdicts({ name, program }, flows, 'later', other)).toThrow(name);
      }
    } finally {
      close();
    }
  });
});
