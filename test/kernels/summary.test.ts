/** The comparison of kernels notices what differs, what is missing, and what never ended. */
import { describe, expect, it } from 'vitest';
import { readLine, writeLine, type GuestLine } from './report-lines.js';
import { summarize } from './summary.js';

const EXPECTED = new Map([['01.yaml', ['a: allow', 'b: deny']]]);

const round = (harden: '0' | '2', flows: readonly string[]): readonly GuestLine[] => [
  { kind: 'harden', harden },
  { kind: 'object', name: 'the limits', pods: 5 },
  { kind: 'table', name: '01.yaml', flows },
  ...(harden === '0' ? ['code', 'tables', 'hashes'] : []).map((layout) => {
    const counts = { cases: 1, packets: 3, objects: 2 };
    return { kind: 'cases', layout, ...counts, surprises: [] } as const;
  }),
  { kind: 'wire', tried: 4, surprises: [] },
];
const END: GuestLine = { kind: 'end', release: '1.0', seconds: 2 };
const RIGHT = ['a: allow', 'b: deny'];

const disagreements = (lines: readonly GuestLine[]): readonly string[] =>
  summarize('1.0', lines, EXPECTED).disagreements;

describe('the comparison of kernels', () => {
  it('counts what agrees', () => {
    const lines = [...round('0', RIGHT), ...round('2', RIGHT), END];
    expect(summarize('1.0', lines, EXPECTED)).toEqual({
      kernel: '1.0',
      objects: 10,
      flows: 4,
      packets: 9,
      connections: 8,
      seconds: 2,
      disagreements: [],
    });
  });

  it('notices another verdict, and a flow too few', () => {
    const lines = [...round('0', ['a: deny', 'b: deny']), ...round('2', ['a: allow']), END];
    expect(disagreements(lines)).toEqual([
      '1.0, bpf_jit_harden=0: 01.yaml: `a: deny`, the model `a: allow`',
      '1.0, bpf_jit_harden=2: 01.yaml: ``, the model `b: deny`',
    ]);
  });

  it('notices what failed, what was left out, and a guest that died', () => {
    const left: readonly string[] = ['wire', 'cases'];
    const lines = round('0', RIGHT).filter(({ kind }) => !left.includes(kind));
    const failed = { kind: 'failed', what: 'the shop', why: 'no veth' } as const;
    expect(disagreements([...lines, failed])).toEqual([
      '1.0, bpf_jit_harden=0: the shop failed: no veth',
      '1.0, bpf_jit_harden=any: 01.yaml was judged 1 times',
      '1.0, bpf_jit_harden=any: not all cases of the packet path ran',
      '1.0, bpf_jit_harden=any: not all packets were sent between namespaces',
      '1.0, bpf_jit_harden=any: the guest did not come to its end',
    ]);
  });

  it('reads its own lines among those of others', () => {
    expect(readLine(writeLine(END).trim())).toEqual(END);
    expect(readLine('[    0.1] Linux version')).toBeUndefined();
  });
});
