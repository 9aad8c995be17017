import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { jiffiesPerSecond, nearestRate } from '../../src/loader/kernel-clock.js';

const CONFIG = '/proc/config.gz';

describe('jiffiesPerSecond', () => {
  it.runIf(process.getuid?.() === 0 && existsSync(CONFIG))(
    'is what the kernel was built with',
    () => {
      const config = gunzipSync(readFileSync(CONFIG)).toString('utf8');
      const built = Number(/^CONFIG_HZ=(\d+)$/m.exec(config)?.[1]);
      expect(jiffiesPerSecond() / built).toBeCloseTo(1, 0);
    },
  );

  it.each([
    [98.7, 100],
    [249, 250],
    [262, 250],
    [301.5, 300],
    [970, 1000],
    [0, 100],
  ])('takes %d for %d', (measured, rate) => {
    expect(nearestRate(measured)).toBe(rate);
  });
});
