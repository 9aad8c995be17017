/** Finding and loading the native addon, and what is said when that fails. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/diagnostics.js';
import { errnoName, KernelError, kernelDiagnostic } from '../../src/loader/kernel-error.js';
import { addonPath, loadAddon, nativeDoor } from '../../src/loader/native.js';
import { lacks } from '../support/requires.js';

function diagnosticsOf(
  run: () => unknown,
): readonly { readonly code: string; readonly hint?: string }[] {
  try {
    run();
  } catch (error) {
    if (error instanceof InputError) return error.diagnostics;
    throw error;
  }
  return [];
}

describe('the native door', () => {
  it('says how to build the addon where it is missing', () => {
    const said = diagnosticsOf(() => loadAddon('/nowhere/policyc_native.node'));
    expect(said).toMatchObject([{ code: 'kernel/addon-missing' }]);
    expect(said[0]?.hint).toContain('make build');
  });

  it('says why the addon cannot be loaded', () => {
    const folder = mkdtempSync(join(tmpdir(), 'policyc-'));
    const path = join(folder, 'broken.node');
    writeFileSync(path, 'not a shared object');
    expect(diagnosticsOf(() => loadAddon(path))).toMatchObject([{ code: 'kernel/addon-unusable' }]);
    rmSync(folder, { recursive: true });
  });

  it.skipIf(lacks('root') !== undefined)('is loaded once', () => {
    expect(nativeDoor()).toBe(nativeDoor());
    expect(addonPath()).toMatch(/\/build\/Release\/policyc_native\.node$/);
    expect(nativeDoor().libbpfVersion()).toMatch(/^v1\./);
    nativeDoor().waitForReaders();
  });
});

describe('kernel errors', () => {
  it('names errno numbers, the kernel-only one and those of libbpf included', () => {
    expect([1, 11, 22, 95, 524, 4001, 9999].map(errnoName)).toEqual([
      'EPERM',
      'EAGAIN',
      'EINVAL',
      'EOPNOTSUPP',
      'ENOTSUPP',
      'LIBBPF_FORMAT',
      'errno 9999',
    ]);
  });

  it('becomes the diagnostic that fits', () => {
    const said = (errno: number, log = ''): string =>
      kernelDiagnostic(new KernelError('create map `cells`', errno, log)).message;
    expect(said(1)).toBe('not allowed to create map `cells`: EPERM');
    expect(said(12)).toBe('the kernel refused to create map `cells`: ENOMEM');
    expect(said(22, "libbpf: map 'cells': bad size\nlibbpf: failed to load object\n")).toBe(
      "the kernel refused to create map `cells`: EINVAL (map 'cells': bad size)",
    );
    expect(said(13, '; p.yaml:9: allow x\n0: (bf) r0 = r3\nR3 !read_ok\nprocessed 1 insns\n')).toBe(
      "the kernel's verifier refused to create map `cells` at `p.yaml:9`: R3 !read_ok",
    );
  });
});
