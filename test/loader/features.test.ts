/** Feature probes against the running kernel, and the helper that lets tests depend on them. */
import { release } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bpfRefusal, probeFeatures } from '../../src/loader/features.js';
import { lacks } from '../support/requires.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.skipIf(lacks('root') !== undefined)('features', () => {
  it('finds what every supported kernel has', () => {
    const { features, release: version } = probeFeatures();
    expect(version).toBe(release());
    for (const name of [
      'tc-programs',
      'tc-test-run',
      'ring-buffer',
      'batch-operations',
      'lpm-trie',
      'lru-hash',
      'membarrier',
      'jit',
      'tail-calls',
      'bpf-to-bpf-calls',
      'jiffies',
      'direct-value',
      'mappable-array',
      'map-freeze',
    ] as const) {
      expect([name, features[name]]).toEqual([name, { available: true }]);
    }
    expect(bpfRefusal()).toBeUndefined();
  });

  it('gives the reason where something is missing', () => {
    for (const probe of Object.values(probeFeatures().features)) {
      if (!probe.available) expect(probe.reason).toMatch(/^(E[A-Z0-9]+|errno \d+|no \/sys.*)$/);
    }
  });
});

describe('needs of tests', () => {
  it('names a missing command', () => {
    vi.stubEnv('CI', '');
    expect(lacks({ command: 'sh' })).toBeUndefined();
    expect(lacks({ command: 'no-such-command' })).toBe('there is no command no-such-command');
  });

  it.skipIf(process.getuid?.() !== 0)('may not be skipped in CI by root', () => {
    vi.stubEnv('CI', 'true');
    expect(() => lacks({ command: 'no-such-command' })).toThrow('CI may not skip this');
  });
});
