/** Pin names, and trees of pins in a BPF file system of the tests' own. */
import { existsSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bug, InputError } from '../../src/diagnostics.js';
import {
  ensureBpffs,
  listPins,
  makePinFolder,
  pinName,
  removePins,
  unpinName,
} from '../../src/loader/bpffs.js';
import { nativeDoor } from '../../src/loader/native.js';
import { oneValue } from '../support/raw-bpf.js';
import { lacks } from '../support/requires.js';

describe('pin names', () => {
  it('keep what the file system takes, and escape the rest', () => {
    expect(pinName('shop-web_1')).toBe('shop-web_1');
    expect(pinName('eth0.100')).toBe('eth0%2e100');
    expect(pinName('a/b%é')).toBe('a%2fb%25%c3%a9');
    expect(pinName('')).toBe('%');
  });

  it('stay within 255 bytes, and apart when they are cut', () => {
    const long = 'x'.repeat(300);
    expect(pinName(long)).toHaveLength(255);
    expect(pinName(long)).not.toBe(pinName(`${long}y`));
    expect(pinName('.'.repeat(200))).toHaveLength(255);
    expect(unpinName(pinName(long))).toBeUndefined();
    expect(pinName('x'.repeat(255))).toBe('x'.repeat(255));
  });

  it('differ for different texts, and lead back to them', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(unpinName(pinName(a))).toBe(a);
        expect(pinName(a) === pinName(b)).toBe(a === b);
        expect(pinName(a)).toMatch(/^[^./]+$/);
      }),
    );
  });

  it('are told from other names', () => {
    for (const name of ['a.b', '%zz', '%2E', '%41', '%ff', ''])
      expect(unpinName(name)).toBeUndefined();
  });
});

describe.skipIf(lacks('root') !== undefined)('a BPF file system', () => {
  const root = mkdtempSync(join(tmpdir(), 'policyc-bpffs-'));
  beforeAll(() => ensureBpffs(root));
  afterAll(() => {
    nativeDoor().unmount(root);
    rmdirSync(root);
  });

  it('is mounted once', () => {
    ensureBpffs(root);
    expect(nativeDoor().isBpffs(root)).toBe(true);
    expect(nativeDoor().isBpffs(tmpdir())).toBe(false);
    expect(nativeDoor().isBpffs(join(root, 'nothing', 'here'))).toBe(false);
  });

  it('holds trees of pins', () => {
    const folder = join(root, 'policyc', pinName('node/eth0.1'));
    makePinFolder(folder);
    makePinFolder(folder);
    const map = oneValue(4);
    map.pin(join(folder, 'cells'));
    map.close();
    makePinFolder(join(folder, 'generations'));
    expect(listPins(folder)).toEqual([
      { name: 'cells', kind: 'pin' },
      { name: 'generations', kind: 'folder' },
    ]);
    removePins(join(folder, 'cells'));
    expect(listPins(folder)).toEqual([{ name: 'generations', kind: 'folder' }]);
    removePins(join(root, 'policyc'));
    removePins(join(root, 'policyc'));
    expect(existsSync(join(root, 'policyc'))).toBe(false);
    expect(listPins(folder)).toEqual([]);
  });

  it('is not confused with other file systems, nor emptied whole', () => {
    const plain = mkdtempSync(join(tmpdir(), 'policyc-plain-'));
    expect(() => removePins(plain)).toThrow(InputError);
    expect(() => makePinFolder(join(plain, 'a', 'b'))).toThrow(InputError);
    expect(existsSync(plain)).toBe(true);
    rmdirSync(plain);
    expect(() => removePins(root)).toThrow(Bug);
  });

  it('is said to be unavailable where it cannot be mounted', () => {
    const folder = mkdtempSync(join(tmpdir(), 'policyc-file-'));
    const file = join(folder, 'file');
    writeFileSync(file, '');
    try {
      ensureBpffs(file);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      expect(error).toMatchObject({ diagnostics: [{ code: 'kernel/bpffs-unavailable' }] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
