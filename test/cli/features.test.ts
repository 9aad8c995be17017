/** `policyc features`, as users call it, on the kernel that runs the tests. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { featureUses } from '../../src/loader/feature-uses.js';
import * as features from '../../src/loader/features.js';
import { lacks } from '../support/requires.js';
import { invoke } from './invoke.js';

afterEach(() => vi.restoreAllMocks());

describe.skipIf(lacks('root') !== undefined)('policyc features', () => {
  it('says of each feature whether it is there, what for, and that programs run', async () => {
    const { code, stdout } = await invoke(['features']);
    expect(code).toBe(0);
    for (const [name, { use }] of Object.entries(featureUses)) {
      expect(stdout).toMatch(new RegExp(`^${name} +(yes|no) `, 'm'));
      expect(stdout).toContain(use);
    }
    expect(stdout.endsWith('Programs of policyc run here.\n')).toBe(true);
  });

  it('says what a missing feature costs, and that nothing runs without the needed ones', async () => {
    const found = features.probeFeatures();
    vi.spyOn(features, 'probeFeatures').mockReturnValue({
      ...found,
      features: {
        ...found.features,
        tcx: { available: false, reason: 'EINVAL' },
        'tail-calls': { available: false, reason: 'EPERM' },
      },
    });
    const { code, stdout } = await invoke(['features']);
    expect(code).toBe(1);
    expect(stdout).toContain(`tcx is missing (EINVAL): ${featureUses.tcx.without}`);
    expect(stdout).toContain('do not run here: tail-calls must be there');
    const json: unknown = JSON.parse((await invoke(['features', '--format', 'json'])).stdout);
    expect(json).toMatchObject({ usable: false });
  });
});
