/** What policyc uses each feature of the kernel for, and what it costs where the kernel lacks it. */
import type { Feature } from './features.js';

export interface FeatureUse {
  /** The first kernel version that is known to have it; absent where that is a matter of its settings. */
  readonly since?: string;
  readonly use: string;
  /** What is done in its place; absent where nothing can be: then `apply` and `load` are refused. */
  readonly without?: string;
}

/** In the order in which people read them: first what nothing works without. */
export const featureUses: Readonly<Record<Feature, FeatureUse>> = {
  'tc-programs': { since: '4.1', use: 'the programs that judge packets' },
  'bpf-to-bpf-calls': { since: '4.16', use: 'the steps of a program, each verified once' },
  'tail-calls': { since: '4.2', use: 'gates: the way to the generation in force' },
  'direct-value': { since: '5.2', use: 'tables that are read without a call, in 2 ns' },
  'map-freeze': { since: '5.2', use: 'constants that the verifier knows' },
  jiffies: { since: '5.6', use: 'the age of connections' },
  'lru-hash': { since: '4.10', use: 'connections whose replies no rule allows' },
  'lpm-trie': { since: '4.11', use: 'address blocks that no trie of ours holds' },
  jit: {
    use: 'programs as machine code',
    without: 'the interpreter runs them: each packet costs several times as much',
  },
  tcx: {
    since: '6.6',
    use: 'chains of programs that links hold: nobody takes them off by accident',
    without:
      'filters of clsact in its place; adding the qdisc stops an interface once, for a moment',
  },
  'large-array': {
    since: '6.1',
    use: 'tables of more than 4 MiB',
    without:
      'hashes and the LPM trie of the kernel in place of larger tables: some 10 times the cost of a lookup from about 50,000 blocks on',
  },
  'mappable-array': {
    since: '5.5',
    use: 'the control word, which one store changes',
  },
  membarrier: {
    use: 'the wait until no packet is in an old generation: 7 to 17 ms',
    without: 'an update of a map of maps waits as well; two maps more are made for each wait',
  },
  'batch-operations': {
    since: '5.6',
    use: 'maps that are filled by one call',
    without: 'a call for each entry',
  },
  'ring-buffer': {
    since: '5.8',
    use: '`log`, and `policyc events`',
    without: 'policies that log are refused',
  },
  'kernel-btf': {
    use: 'names of types in the dumps of other tools',
    without: 'those dumps show bytes; packets are judged all the same',
  },
  'tc-test-run': {
    since: '4.12',
    use: '`--engine kernel` of eval, test and verify',
    without: 'the engines model and vm alone',
  },
  'test-ingress': {
    since: '6.1',
    use: 'test packets that come from an interface',
    without:
      '`--engine kernel` loads programs that read the interface from skb->cb[4]; attached ones are as they are',
  },
};
