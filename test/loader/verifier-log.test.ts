/** Reading verifier logs of several kernels. */
import { describe, expect, it } from 'vitest';
import { readVerifierLog } from '../../src/loader/verifier-log.js';

describe('verifier logs', () => {
  it('finds the complaint and the last line before it, as 6.8 and later write them', () => {
    const log = [
      "libbpf: prog 'entry': BPF program load failed: Permission denied",
      "libbpf: prog 'entry': -- BEGIN PROG LOAD LOG --",
      '0: R1=ctx() R10=fp0',
      '; shop.yaml:4: allow web @ shop.yaml:4',
      '0: (b7) r3 = 16                       ; R3_w=16',
      '; shop.yaml:9: deny all @ shop.yaml:9',
      '1: (79) r0 = *(u64 *)(r3 +0)',
      "R3 invalid mem access 'scalar'",
      'processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0',
      '-- END PROG LOAD LOG --',
      "libbpf: prog 'entry': failed to load: -13",
      "libbpf: failed to load object 'shop'",
    ].join('\n');
    expect(readVerifierLog(log)).toEqual({
      reason: "R3 invalid mem access 'scalar'",
      place: { path: 'shop.yaml', line: 9, text: 'deny all' },
      fromVerifier: true,
    });
  });

  it('reads the place out of the text, as 5.10 and 6.1 write it', () => {
    const log = '; policies/a.yaml:12:3 allow x\n0: (95) exit\nR0 !read_ok\nprocessed 1 insns\n';
    expect(readVerifierLog(log)).toEqual({
      reason: 'R0 !read_ok',
      place: { path: 'policies/a.yaml', line: 12, text: 'allow x' },
      fromVerifier: true,
    });
  });

  it("takes the kernel's own place for text that has none", () => {
    const log = '; return 1; @ shop.c:7\n0: (95) exit\nR0 !read_ok\n';
    expect(readVerifierLog(log).place).toEqual({ path: 'shop.c', line: 7, text: 'return 1;' });
  });

  it('does without a place', () => {
    expect(readVerifierLog('; plain text\n0: (95) exit\nR0 !read_ok\n')).toEqual({
      reason: 'R0 !read_ok',
      fromVerifier: true,
    });
  });

  it("takes libbpf's first sentence where the verifier was never asked", () => {
    const log =
      "libbpf: map 'flows': failed to create: E2BIG\nlibbpf: failed to load object 'shop'\n";
    expect(readVerifierLog(log)).toEqual({
      reason: "map 'flows': failed to create: E2BIG",
      fromVerifier: false,
    });
    expect(readVerifierLog('')).toEqual({ reason: '', fromVerifier: false });
  });
});
